//! Why a request is not with the hospital, and what was noted of one that is.

use crate::domain::reason::{
    BeforeServer, Delay, EntryStatus, InPart, KeptOut, LineTrouble, Meanwhile, ParkReason, Parts, Together, Told,
    Undelivered,
};
use chrono::NaiveTime;
use rusqlite::{Transaction, params};
use serde::Serialize;

const CLOSED_BY_HAND: &str = "closed by staff: ";
const TAKEN_APART: &str = "the server took the request apart";
const PART_THERE: &str = "the hospital has a part of it";
/// After [`TAKEN_APART`] and [`PART_THERE`], before what a later try met.
const SINCE_APART: &str = " and may have a part of it; since then: ";
const SINCE_PART: &str = "; since then: ";

/// Whole sentences.
const SENTENCES: [(&str, Undelivered); 24] = [
    (
        "the server finds one of our identifiers, or the patient, more than once (412)",
        Undelivered::Parked(ParkReason::FoundTwice),
    ),
    ("the stored bundle cannot be read", Undelivered::Parked(ParkReason::Unreadable)),
    ("the server is busy (429)", Undelivered::Busy),
    ("the hospital server cannot be reached", line(LineTrouble::NotSent)),
    (
        "the hospital server's certificate is not trusted: is [hospital] ca_file the hospital's CA, is the name in url the server's, is the time right?",
        line(LineTrouble::NotTrusted),
    ),
    (
        "the hospital server does not take this kiosk's certificate, or asks for one: look at [identity] certificate_file",
        line(LineTrouble::NotLetIn),
    ),
    ("the connection broke before the answer", line(LineTrouble::NoAnswer)),
    ("no answer within the time limit", line(LineTrouble::TimedOut)),
    ("the answer was too large", line(LineTrouble::TooLarge)),
    ("the server named an address outside its own base, which is not followed", line(LineTrouble::NotFollowed)),
    ("the server answered something that is no FHIR bundle", later(Delay::NoBundle)),
    ("the server answered something that is no appointment", later(Delay::NoAppointment)),
    ("the server did not answer every entry", later(Delay::EntriesUnanswered)),
    ("the server refuses to say whether it has the request", later(Delay::LookRefused)),
    ("the server answered a search with something else", later(Delay::LookAnsweredOtherwise)),
    ("the server's answer to a search for the request cannot be read", later(Delay::LookUnreadable)),
    ("the appointment keeps changing", later(Delay::AppointmentChanging)),
    ("the appointment's status cannot be read", later(Delay::AppointmentUnreadable)),
    ("the server said yes and changed nothing", later(Delay::NothingChanged)),
    ("the server took the request apart: it did not answer every entry", later(Delay::TakenApartUnanswered)),
    ("the server found one of several more than once (412)", later(Delay::Together(Together::FoundTwice))),
    ("one of several has to be looked for before it is sent", later(Delay::Together(Together::LookFirst))),
    ("this server takes one request at a time", later(Delay::Together(Together::One))),
    (
        "the server takes fewer entries at once than several requests have together",
        Undelivered::InParts(Parts::FewerTogether),
    ),
];

const fn later(delay: Delay) -> Undelivered {
    Undelivered::Later(delay)
}

const fn line(trouble: LineTrouble) -> Undelivered {
    later(Delay::Line(trouble))
}

/// Of every request with a note.
pub(in crate::store) fn name_outbox_reasons(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut noted = tx.prepare("SELECT sequence, state, note FROM outbox WHERE note IS NOT NULL ORDER BY sequence")?;
    let rows =
        noted.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))?;
    for row in rows {
        let (sequence, state, note) = row?;
        if state != "sent" {
            let (in_part, reason) = undelivered(&note);
            tx.execute(
                "UPDATE outbox SET undelivered = ?2, in_part = ?3 WHERE sequence = ?1",
                params![sequence, json(reason.as_ref()), json(in_part.as_ref())],
            )?;
        } else if let Some(evidence) = note.strip_prefix(CLOSED_BY_HAND) {
            tx.execute("UPDATE outbox SET closed_by_hand = ?2 WHERE sequence = ?1", params![sequence, evidence])?;
        } else {
            let told = json(told(&note).as_ref());
            tx.execute("UPDATE outbox SET told = ?2 WHERE sequence = ?1", params![sequence, told])?;
        }
    }
    Ok(())
}

fn json<T: Serialize>(value: Option<&T>) -> Option<String> {
    value.and_then(|value| serde_json::to_string(value).ok())
}

/// That a part of it is there was said at the beginning of each later note.
fn undelivered(note: &str) -> (Option<InPart>, Option<Undelivered>) {
    if let Some(rest) = note.strip_prefix(TAKEN_APART) {
        let reason = rest.strip_prefix(SINCE_APART).map_or_else(|| reason(note), |since| undelivered(since).1);
        return (Some(InPart::TakenApart), reason);
    }
    if let Some(rest) = note.strip_prefix(PART_THERE) {
        let reason = rest.strip_prefix(SINCE_PART).map_or_else(|| reason(note), |since| undelivered(since).1);
        return (Some(InPart::FirstEntries), reason);
    }
    (None, reason(note))
}

fn reason(text: &str) -> Option<Undelivered> {
    let whole = SENTENCES.into_iter().find(|(sentence, _)| *sentence == text).map(|(_, reason)| reason);
    whole.or_else(|| with_status(text)).or_else(|| with_entries(text))
}

fn with_status(text: &str) -> Option<Undelivered> {
    if let Some(refusal) = refusal(text) {
        return Some(Undelivered::Parked(refusal));
    }
    if let Some(refusal) = text.strip_prefix("of several together: ").and_then(refusal) {
        return Some(later(Delay::Together(Together::Refused(refusal))));
    }
    if let Some(rest) = text.strip_prefix("the hospital server refuses this kiosk (") {
        let (status, rest) = number(rest)?;
        let issues = issues(rest.strip_prefix("): look at [identity] client_id and certificate_file")?);
        return Some(Undelivered::KeptOut(KeptOut::Server { status, issues }));
    }
    if let Some(rest) = text.strip_prefix("something before the hospital server answered instead of it (") {
        let (status, _advice) = number(rest)?;
        // A request was held at these, and sent again at all others.
        let held = matches!(status, 400..=499);
        let before = BeforeServer(status);
        return Some(if held { Undelivered::KeptOut(KeptOut::Before(before)) } else { later(Delay::Before(before)) });
    }
    if let Some(rest) = text.strip_prefix("something between here and the hospital answered ") {
        return number(rest).map(|(status, _)| later(Delay::Between { status }));
    }
    let (status, rest) = number(text.strip_prefix("the server answered ")?)?;
    Some(later(Delay::Status { status, issues: issues(rest) }))
}

fn refusal(text: &str) -> Option<ParkReason> {
    let (status, rest) = number(text.strip_prefix("the server refuses the request (")?)?;
    Some(ParkReason::Status { status, issues: issues(rest.strip_prefix(')')?) })
}

/// What names each of some entries, or counts them.
fn with_entries(text: &str) -> Option<Undelivered> {
    if let Some(refused) = text.strip_prefix("an entry was answered ") {
        return Some(later(Delay::EntriesFailed { refused: statuses(refused) }));
    }
    if let Some(rest) = text.strip_prefix(TAKEN_APART) {
        if let Some(rest) = rest.strip_prefix(" and could not take a part of it now (") {
            return Some(later(Delay::TakenApart { refused: statuses(rest.strip_suffix(')')?) }));
        }
        let rest = rest.strip_prefix(" and refused a part of it (")?;
        let (refused, rest) = rest.split_once("): it does not run transactions; some of it may be there")?;
        let (refused, issues) = (statuses(refused), issues(rest));
        return Some(Undelivered::Parked(ParkReason::TakenApart { refused, issues }));
    }
    let counts = text.strip_prefix(PART_THERE)?.strip_prefix(": ")?;
    let (there, all) = counts.strip_suffix(" entries; the rest goes there next")?.split_once(" of its ")?;
    Some(Undelivered::InParts(Parts::There { there: there.parse().ok()?, all: all.parse().ok()? }))
}

/// A status, and what follows it.
fn number(text: &str) -> Option<(u16, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (status, rest) = text.split_at(end);
    Some((status.parse().ok()?, rest))
}

fn issues(rest: &str) -> String {
    rest.strip_prefix("; ").unwrap_or(rest).to_owned()
}

fn statuses(list: &str) -> Vec<EntryStatus> {
    list.split(", ").map(|status| status.parse().ok()).collect()
}

/// How what was noted of an appointment began.
const MEANWHILE: [(&str, Meanwhile); 6] = [
    ("the appointment was cancelled meanwhile", Meanwhile::Cancelled),
    ("the appointment was deleted meanwhile", Meanwhile::Deleted),
    ("the appointment was moved to another day meanwhile", Meanwhile::OtherDay),
    ("the appointment is no longer booked", Meanwhile::NotBooked),
    ("the desk had registered the patient already", Meanwhile::AtDesk),
    ("its place or its staff were changed", Meanwhile::OtherPlace),
];

fn told(note: &str) -> Option<Told> {
    if note.starts_with("the hospital has it more than once") {
        return Some(Told::Twice);
    }
    let (said, ticket) = note.strip_suffix(')').and_then(|note| note.rsplit_once(" (ticket ")).unwrap_or((note, ""));
    let known = MEANWHILE.into_iter().find(|(words, _)| said.starts_with(words)).map(|(_, meanwhile)| meanwhile);
    let meanwhile = known.or_else(|| moved(said))?;
    Some(Told::Appointment { meanwhile, ticket: ticket.to_owned() })
}

fn moved(said: &str) -> Option<Meanwhile> {
    let (times, _) = said.strip_prefix("it was moved from ")?.split_once(" meanwhile")?;
    let (from, to) = times.split_once(" to ")?;
    let clock = |text| NaiveTime::parse_from_str(text, "%H:%M").ok();
    Some(Meanwhile::OtherTime { from: clock(from)?, to: clock(to)? })
}
