//! `kiosk audit export|verify`: the trail, and whether it is what was written.

use super::socket::Request;
use super::{Answer, NO, Refusal, usage};
use crate::domain::trail::{Anchor, AnchorPlace, AnchorVerdict, TrailCheck, TrailFault, TrailHead};
use crate::ports::Trail;
use chrono::NaiveDate;
use clap::Subcommand;
use serde_json::{Value, json};

/// Rows in one answer: a running kiosk is asked again and again, so that neither side holds a million of them.
pub const ROWS_AT_ONCE: usize = 1_000;

#[derive(Subcommand)]
pub enum Command {
    /// Every row, oldest first. The last one's sequence and hash (SEQUENCE:HASH) are what `verify --since` takes.
    Export {
        /// Only what is of this day or later (2026-11-25).
        #[arg(long)]
        from: Option<NaiveDate>,
        #[arg(long)]
        json: bool,
    },
    /// Whether every row follows the one before it, and whether the trail still has what others remember of it: the heads
    /// that the hospital's server was given, and those named here.
    Verify {
        /// A head that was kept elsewhere (SEQUENCE:HASH), from an earlier `verify`, the end of a day, or a row of an export.
        #[arg(long)]
        since: Vec<TrailHead>,
        /// Do not ask the hospital's server.
        #[arg(long)]
        offline: bool,
        #[arg(long)]
        json: bool,
    },
}

/// `ask` is the store, or the running kiosk that holds it; `hospital` what its server was given of the trail, or why that is
/// not known.
///
/// # Errors
/// 1: the trail is not as it was written. 2: it cannot be read.
pub fn run(
    what: Command,
    ask: &dyn Fn(&Request) -> Answer,
    hospital: impl FnOnce() -> Result<Vec<Anchor>, String>,
) -> Answer {
    match what {
        Command::Export { from, json } => export(ask, from, json),
        Command::Verify { since, offline, json } => {
            let told = if offline { Err("it was not asked".to_owned()) } else { hospital() };
            let given = since.into_iter().map(|head| Anchor { place: AnchorPlace::Given, head, at: None });
            let unknown = told.as_ref().err().cloned();
            let anchors = given.chain(told.unwrap_or_default()).collect();
            ask(&Request::AuditVerify { json, anchors, hospital_silent: unknown })
        }
    }
}

fn export(ask: &dyn Fn(&Request) -> Answer, from: Option<NaiveDate>, as_json: bool) -> Answer {
    let (mut lines, mut after, mut warned) = (Vec::new(), 0, None);
    loop {
        // A part may come with a warning: the rows are true all the same, and the others are asked for.
        let part = match ask(&Request::AuditRows { after, from }) {
            Err(Refusal { exit: NO, why, lines }) => {
                warned = Some(why);
                lines
            }
            answer => answer?,
        };
        let more = part.len() == ROWS_AT_ONCE;
        for line in part {
            let row: Value = serde_json::from_str(&line).map_err(usage)?;
            after = row["sequence"].as_i64().ok_or_else(|| usage("the kiosk answered something else: try again"))?;
            lines.push(if as_json { line } else { in_words(&row) });
        }
        if !more {
            return match warned {
                Some(why) => Err(Refusal { exit: NO, why, lines }),
                None => Ok(lines),
            };
        }
    }
}

fn in_words(row: &Value) -> String {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let change = match (text("was"), text("became")) {
        ("", "") => String::new(),
        (was, became) => format!("  [{was} -> {became}]"),
    };
    format!(
        "{}  {}  {:<8} {:<13} {:<10} {}{change}",
        row["sequence"],
        text("at"),
        text("who"),
        text("act"),
        text("about"),
        text("result")
    )
}

/// The rows after `after`, a JSON object each.
///
/// # Errors
/// The store cannot be read, in words for staff.
pub fn rows(trail: &dyn Trail, after: i64, from: Option<NaiveDate>) -> Answer {
    let rows = trail.trail(after, from, ROWS_AT_ONCE).map_err(usage)?;
    Ok(rows.iter().map(|row| json!(row).to_string()).collect())
}

/// `hospital_silent`: why it is not known what the hospital was given.
///
/// # Errors
/// 1: the trail is not as it was written. 2: it cannot be read.
pub fn verify(trail: &dyn Trail, anchors: &[Anchor], hospital_silent: Option<&str>, as_json: bool) -> Answer {
    let check = trail.check_trail(anchors).map_err(usage)?;
    let faults = faults(&check);
    let mut lines = if as_json {
        vec![as_value(&check, &faults, hospital_silent).to_string()]
    } else {
        counted(&check).into_iter().chain(compared(&check, hospital_silent)).collect()
    };
    if faults.is_empty() {
        return Ok(lines);
    }
    if !as_json {
        lines.clear();
    }
    let why = format!(
        "{}: keep the data folder as it is and compare with an earlier `kiosk audit export`",
        faults.join("; ")
    );
    Err(Refusal { exit: NO, why, lines })
}

fn faults(check: &TrailCheck) -> Vec<String> {
    let of_itself = check.fault.map(|fault| match fault {
        TrailFault::Row(row) => format!("row {row} of the trail was changed, taken out, moved or put in later"),
        TrailFault::CutOff { last } => format!("rows after {last} were cut off from the end of the trail"),
        TrailFault::Beginning => "the first rows of the trail did not go by their age".to_owned(),
    });
    let of_others = check.anchors.iter().filter_map(|(anchor, verdict)| {
        let whose = whose(anchor);
        let sequence = anchor.head.sequence;
        match verdict {
            AnchorVerdict::Missing => Some(format!(
                "the trail ends before row {sequence}, which {whose} has: it was cut off, or an earlier state of the \
                 store was put back"
            )),
            AnchorVerdict::Differs => {
                Some(format!("row {sequence} is not the one that {whose} has: the trail was written anew"))
            }
            AnchorVerdict::Holds | AnchorVerdict::WentByAge => None,
        }
    });
    of_itself.into_iter().chain(of_others).collect()
}

fn whose(anchor: &Anchor) -> &'static str {
    match anchor.place {
        AnchorPlace::Given => "--since",
        AnchorPlace::Hospital => "the hospital",
        AnchorPlace::Own => "the kiosk's list of what the hospital took",
    }
}

fn counted(check: &TrailCheck) -> Vec<String> {
    let TrailCheck { rows, gone, head, sealed_by, .. } = check;
    let by_age = if *gone > 0 {
        format!("; {gone} before them went by their age (store.keep_audit_days)")
    } else {
        String::new()
    };
    let first = format!("{rows} rows, each follows the one before it; the last is {}{by_age}", head.hash);
    let mut lines = vec![first];
    if *rows > 0 || *gone > 0 {
        lines.push(format!("its head is {head}: keep it elsewhere, `kiosk audit verify --since {head}` compares"));
    }
    if let Some(seal) = sealed_by {
        lines.push(format!(
            "the rows before {seal} are of an older version, linked without a key; row {seal} seals them as they stood then"
        ));
    }
    lines
}

/// Which anchors there were.
fn compared(check: &TrailCheck, hospital_silent: Option<&str>) -> Vec<String> {
    let holding = |place: AnchorPlace| {
        let of = check.anchors.iter().filter(move |(anchor, _)| anchor.place == place);
        of.filter(|(_, verdict)| *verdict == AnchorVerdict::Holds).map(|(anchor, _)| anchor)
    };
    let mut lines = Vec::new();
    for place in [AnchorPlace::Given, AnchorPlace::Hospital, AnchorPlace::Own] {
        let Some(newest) = holding(place).max_by_key(|anchor| anchor.head.sequence) else { continue };
        let at = newest.at.map_or_else(String::new, |at| format!(", of {}", at.to_rfc3339()));
        let (whose, count, sequence) = (whose(newest), holding(place).count(), newest.head.sequence);
        lines.push(format!("it has all {count} heads of {whose}, up to row {sequence}{at}"));
    }
    if let Some(why) = hospital_silent {
        lines.push(format!("the hospital's server did not tell what it was given of the trail: {why}"));
    }
    if !has_outside(check) {
        lines.push(
            "no head from outside was compared: whoever holds the store's key can write the whole trail anew, or put an \
             earlier state of it back, and nothing here shows it"
                .to_owned(),
        );
    }
    lines
}

fn has_outside(check: &TrailCheck) -> bool {
    check.anchors.iter().any(|(anchor, verdict)| anchor.place.is_outside() && *verdict == AnchorVerdict::Holds)
}

fn as_value(check: &TrailCheck, faults: &[String], hospital_silent: Option<&str>) -> Value {
    let anchors: Vec<Value> = check
        .anchors
        .iter()
        .map(|(anchor, verdict)| {
            json!({
                "place": anchor.place.word(),
                "sequence": anchor.head.sequence,
                "hash": anchor.head.hash,
                "at": anchor.at.map(|at| at.to_rfc3339()),
                "verdict": verdict.word(),
            })
        })
        .collect();
    let head = Some(check.head.to_string()).filter(|_| check.head.sequence > 0);
    let broken = match check.fault {
        Some(TrailFault::Row(row)) => Some(row),
        Some(TrailFault::CutOff { .. } | TrailFault::Beginning) | None => None,
    };
    json!({
        "ok": faults.is_empty(),
        "rows": check.rows,
        "last": check.head.hash,
        "gone": check.gone,
        "head": head,
        "sealed_by": check.sealed_by,
        "broken": broken,
        "faults": faults,
        "anchors": anchors,
        "anchored_outside": has_outside(check),
        "hospital_silent": hospital_silent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,500 rows, of a store that was damaged or not.
    fn exported(warning: Option<&str>) -> Answer {
        let ask = |request: &Request| {
            let Request::AuditRows { after, .. } = request else { panic!("{request:?}") };
            let most = i64::try_from(ROWS_AT_ONCE).unwrap();
            let row = |sequence: i64| json!({ "sequence": sequence, "who": "shell", "act": "ask" }).to_string();
            let lines = (after + 1..=(after + most).min(1_500)).map(row).collect();
            match warning {
                Some(why) => Err(Refusal { exit: NO, why: why.to_owned(), lines }),
                None => Ok(lines),
            }
        };
        export(&ask, None, false)
    }

    #[test]
    fn a_warning_that_comes_with_a_part_does_not_cut_the_export() {
        let whole = exported(None).unwrap();
        assert_eq!((whole.len(), whole[0].starts_with("1  ")), (1_500, true), "{}", whole[0]);
        let warned = exported(Some("the store was damaged")).unwrap_err();
        assert_eq!((warned.exit, warned.why.as_str(), warned.lines), (NO, "the store was damaged", whole));
    }
}
