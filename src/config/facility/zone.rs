//! `time_zone`, and `utc_offset`, which it replaced: an offset holds all year, and most towns put their clocks forward.

use super::super::near::nearest;
use super::super::read::{Or, Section};
use crate::domain::zone::Zone;
use chrono::FixedOffset;

const TOWN_MIN: usize = 5;
const EXAMPLE: &str = "\"Europe/Berlin\"";

pub(super) fn read(root: &Section<'_>) -> Zone {
    let named = root.has("time_zone");
    if let Some(offset) = replaced(root, named) {
        return Zone::fixed(offset);
    }
    root.value("time_zone", Or::Needed(EXAMPLE), utc(), |value| {
        let name = value.as_str().unwrap_or_default();
        Zone::named(name).ok_or_else(|| meant(name))
    })
}

/// The fixed offset, where that is all there is.
fn replaced(root: &Section<'_>, named: bool) -> Option<FixedOffset> {
    let (value, _) = root.find("utc_offset")?;
    if named {
        root.fault("utc_offset", "time_zone says already what the clocks show", "leave it out");
        return None;
    }
    let offset = value.as_str().and_then(|text| text.parse::<FixedOffset>().ok());
    match offset {
        Some(_) => root.warning("utc_offset", "it knows no summer time", format!("time_zone = {EXAMPLE}")),
        None => root.fault("utc_offset", "this is not an offset", format!("time_zone = {EXAMPLE}")),
    }
    // Faulty, it stands for nothing that is told a second time.
    Some(offset.unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc)))
}

/// What was probably meant: the whole name mistyped, or the town alone.
fn meant(name: &str) -> String {
    // Etc/GMT+9 is nine hours behind: nobody who writes GMT+9 means that.
    let names: Vec<String> = Zone::names().into_iter().filter(|known| !known.starts_with("Etc/")).collect();
    let town = |name: &str| name.rsplit('/').next().unwrap_or_default().replace('_', " ").to_lowercase();
    let wanted = town(name);
    let of_town = |wanted: &str| names.iter().find(|known| known.contains('/') && town(known) == wanted);
    // An abbreviation is near to many and means none of them.
    let near_town = || {
        let wanted = Some(&wanted).filter(|wanted| wanted.chars().count() >= TOWN_MIN)?;
        let towns: Vec<String> = names.iter().filter(|known| known.contains('/')).map(|known| town(known)).collect();
        nearest(wanted, towns.iter().map(String::as_str)).and_then(of_town)
    };
    let found = Some(wanted.as_str()).filter(|wanted| !wanted.is_empty()).and_then(of_town).map(String::as_str);
    let found = found.or_else(|| nearest(name, names.iter().map(String::as_str)).filter(|_| name.contains('/')));
    match found.or_else(|| near_town().map(String::as_str)) {
        Some(meant) => format!("\"{meant}\""),
        None => format!("a zone of the IANA database, as {EXAMPLE}"),
    }
}

pub(super) fn utc() -> Zone {
    Zone::fixed(chrono::Offset::fix(&chrono::Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_that_was_meant_is_named() {
        for (written, instead) in [
            ("Asia/Soul", "\"Asia/Seoul\""),
            ("asia/seul", "\"Asia/Seoul\""),
            ("Seoul", "\"Asia/Seoul\""),
            ("berlin", "\"Europe/Berlin\""),
            ("Europe/Berln", "\"Europe/Berlin\""),
            ("New York", "\"America/New_York\""),
            ("Santiago", "\"America/Santiago\""),
            ("Germany/Berlin", "\"Europe/Berlin\""),
        ] {
            assert_eq!(meant(written), instead, "{written}");
        }
        for nonsense in ["", "KST", "CEST", "GMT+9", "+09:00", "the town's own", "9"] {
            assert_eq!(meant(nonsense), "a zone of the IANA database, as \"Europe/Berlin\"", "{nonsense}");
        }
    }
}
