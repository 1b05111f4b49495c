//! From an HTTP answer to what becomes of a try (rules 3 to 5 of `protocols/hospital-server.md`).

use super::http::HttpAnswer;
use super::outcome;
use crate::domain::outbox::Delivery;
use crate::domain::reason::{BeforeServer, Delay, EntryStatus, Issues, KeptOut, LineTrouble, ParkReason, Together};
use serde_json::Value;

/// What an answer to a transaction means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Settled(Delivery),
    /// 412: more than one match. Look before anything else.
    Look,
}

#[must_use]
pub fn trouble(trouble: LineTrouble) -> Delivery {
    let (maybe_delivered, away) = (trouble.maybe_delivered(), trouble.is_away());
    Delivery::Later { reason: Delay::Line(trouble), after_s: None, maybe_delivered, away }
}

/// The answer to a transaction of `entries` entries.
#[must_use]
pub fn of_transaction(answer: &HttpAnswer, entries: usize) -> Verdict {
    if answer.is_success() {
        return Verdict::Settled(of_success(answer, entries));
    }
    if answer.status == 412 && !answer.is_page() {
        return Verdict::Look;
    }
    Verdict::Settled(of_refusal(answer))
}

/// The answer to several requests in one transaction. `Err`: what the server has against them as a whole is not the same for
/// each of them, and has to be found out one by one.
///
/// # Errors
/// Why each goes alone; some of it may have been kept.
pub fn of_several(verdict: Verdict, requests: usize) -> Result<Vec<Delivery>, Delay> {
    match verdict {
        Verdict::Look => Err(Delay::Together(Together::FoundTwice)),
        Verdict::Settled(Delivery::Park { reason }) => Err(Delay::Together(Together::Refused(reason))),
        Verdict::Settled(Delivery::Later { reason, .. }) if is_apart(&reason) => Err(reason),
        Verdict::Settled(
            same @ (Delivery::Done { .. }
            | Delivery::Part { .. }
            | Delivery::Later { .. }
            | Delivery::Busy { .. }
            | Delivery::Hold { .. }),
        ) => Ok(vec![same; requests]),
    }
}

const fn is_apart(reason: &Delay) -> bool {
    matches!(reason, Delay::TakenApart { .. } | Delay::TakenApartUnanswered)
}

/// The server ran a transaction as a batch.
pub(super) const fn came_apart(delivery: &Delivery) -> bool {
    match delivery {
        Delivery::Park { reason } => matches!(reason, ParkReason::TakenApart { .. }),
        Delivery::Later { reason, .. } => is_apart(reason),
        Delivery::Done { .. } | Delivery::Part { .. } | Delivery::Busy { .. } | Delivery::Hold { .. } => false,
    }
}

/// Status 200 is no success: a server that ran the transaction as a batch says so entry by entry.
fn of_success(answer: &HttpAnswer, entries: usize) -> Delivery {
    let Some(bundle) = answer.resource("Bundle") else {
        let what = if answer.is_page() { Delay::Before(BeforeServer(answer.status)) } else { Delay::NoBundle };
        return later(what, answer, true);
    };
    let statuses: Vec<EntryStatus> = bundle["entry"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["response"]["status"].as_str())
        .map(entry_status)
        .collect();
    let mut refused: Vec<EntryStatus> = statuses.iter().copied().filter(|status| !is_taken(*status)).collect();
    let taken = statuses.len() - refused.len();
    if statuses.len() == entries && refused.is_empty() {
        return Delivery::Done { note: None };
    }
    let for_good = !refused.iter().all(|status| may_pass(*status));
    refused.truncate(REFUSALS_TOLD_MAX);
    if for_good {
        return Delivery::Park { reason: ParkReason::TakenApart { refused, issues: first_reason(bundle) } };
    }
    // Its Task may be among what was taken, and proves nothing then.
    let reason = match (taken, statuses.len() == entries) {
        (0, true) => Delay::EntriesFailed { refused },
        (0, false) => Delay::EntriesUnanswered,
        (_, true) => Delay::TakenApart { refused },
        (_, false) => Delay::TakenApartUnanswered,
    };
    later(reason, answer, true)
}

/// What is said of the first entry that was refused.
fn first_reason(bundle: &Value) -> Issues {
    let answers = bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["response"]);
    let refused = |answer: &&Value| answer["status"].as_str().is_some_and(|status| !is_taken(entry_status(status)));
    answers
        .filter(refused)
        .map(|answer| outcome::reason(&answer["outcome"]))
        .find(|why| !why.is_empty())
        .unwrap_or_default()
}

/// Of one bundle, to staff.
const REFUSALS_TOLD_MAX: usize = 5;

/// `412 Precondition Failed` is `412`. What is no status may be anything, and stays out of logs and lists.
fn entry_status(status: &str) -> EntryStatus {
    let code = status.split_whitespace().next().unwrap_or_default();
    (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| code.parse().ok()).flatten()
}

const fn is_taken(status: EntryStatus) -> bool {
    matches!(status, Some(200..=299))
}

const fn may_pass(status: EntryStatus) -> bool {
    matches!(status, Some(408 | 409 | 429 | 500..=599))
}

/// Everything that is neither 2xx nor 412. What no FHIR server says is no verdict: it comes from something before the server, and
/// the request is held until that lets it through.
#[must_use]
pub fn of_refusal(answer: &HttpAnswer) -> Delivery {
    let status = answer.status;
    let before = || Delivery::Hold { reason: KeptOut::Before(BeforeServer(status)) };
    match status {
        401 | 403 if !answer.is_page() => Delivery::Hold { reason: KeptOut::Server { status, issues: issues(answer) } },
        429 => Delivery::Busy { after_s: answer.retry_after_s },
        // Besides the busy ones, a lock, too early: nothing about the request.
        408 | 409 | 423 | 425 | 500..=599 => later(Delay::Status { status, issues: issues(answer) }, answer, true),
        // Size is what a gateway has a limit for; nothing smaller can be sent.
        413 if !answer.is_fhir() => before(),
        400..=499 if answer.is_page() => before(),
        // They are a gateway's own: a proxy that wants to know us, a wrong connection, a certificate that is missing.
        407 | 421 | 494..=499 if !answer.is_fhir() => before(),
        407 | 421 => later(Delay::Status { status, issues: issues(answer) }, answer, true),
        400..=499 => Delivery::Park { reason: ParkReason::Status { status, issues: issues(answer) } },
        300..=399 => later(Delay::Before(BeforeServer(status)), answer, true),
        _ => later(Delay::Between { status }, answer, true),
    }
}

fn issues(answer: &HttpAnswer) -> Issues {
    answer.json.as_ref().map(outcome::reason).unwrap_or_default()
}

fn later(reason: Delay, answer: &HttpAnswer, maybe_delivered: bool) -> Delivery {
    let away = super::trouble::is_away(answer.status);
    Delivery::Later { reason, after_s: answer.retry_after_s, maybe_delivered, away }
}

#[cfg(test)]
mod tests {
    use super::super::http::Content;
    use super::*;
    use serde_json::json;

    fn answer(status: u16, json: Option<Value>) -> HttpAnswer {
        let content = if json.is_some() { Content::Resource } else { Content::Nothing };
        HttpAnswer { json, content, ..HttpAnswer::bare(status) }
    }

    fn word(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Look => "look",
            Verdict::Settled(Delivery::Done { .. }) => "done",
            Verdict::Settled(Delivery::Part { .. }) => "part",
            Verdict::Settled(Delivery::Park { .. }) => "park",
            Verdict::Settled(Delivery::Hold { .. }) => "hold",
            Verdict::Settled(Delivery::Later { maybe_delivered: true, .. }) => "later, maybe there",
            Verdict::Settled(Delivery::Later { maybe_delivered: false, .. } | Delivery::Busy { .. }) => "later",
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        for (status, meaning) in [
            (302, "later, maybe there"),
            (400, "park"),
            (401, "hold"),
            (403, "hold"),
            (404, "park"),
            (405, "park"),
            (407, "hold"),
            (408, "later, maybe there"),
            (409, "later, maybe there"),
            (410, "park"),
            (412, "look"),
            (413, "hold"),
            (421, "hold"),
            (422, "park"),
            (423, "later, maybe there"),
            (429, "later"),
            (500, "later, maybe there"),
            (503, "later, maybe there"),
            (200, "later, maybe there"),
            (204, "later, maybe there"),
        ] {
            assert_eq!(word(&of_transaction(&answer(status, None), 2)), meaning, "{status}");
        }
    }

    /// Whatever its status, HTML is no FHIR server's word about a request.
    #[test]
    fn a_web_page_parks_nothing() {
        for status in 200..=599 {
            let page = HttpAnswer { content: Content::Page, ..HttpAnswer::bare(status) };
            let meaning = word(&of_transaction(&page, 2));
            assert!(!["park", "done"].contains(&meaning), "{status}: {meaning}");
            let kept_out = matches!(status, 400..=499) && ![408, 409, 423, 425, 429].contains(&status);
            assert_eq!(meaning == "hold", kept_out, "{status}: {meaning}");
        }
    }

    #[test]
    fn every_entry_counts() {
        let bundle = |statuses: &[&str]| {
            let entry: Vec<Value> = statuses.iter().map(|status| json!({"response": {"status": status}})).collect();
            json!({"resourceType": "Bundle", "type": "transaction-response", "entry": entry})
        };
        for (statuses, meaning) in [
            (vec!["201 Created", "200 OK"], "done"),
            (vec!["201", "201"], "done"),
            (vec!["201 Created", "412 Precondition Failed"], "park"),
            (vec!["201 Created", "400"], "park"),
            (vec!["201 Created", "503 Service Unavailable"], "later, maybe there"),
            (vec!["503", "412"], "park"),
            (vec!["201 Created"], "later, maybe there"),
            (vec![], "later, maybe there"),
        ] {
            assert_eq!(word(&of_transaction(&answer(200, Some(bundle(&statuses))), 2)), meaning, "{statuses:?}");
        }
        for (statuses, apart) in [
            (vec!["201 Created", "503"], true),
            (vec!["201 Created", "412"], true),
            (vec!["201 Created"], true),
            (vec!["503", "503"], false),
            (vec![], false),
        ] {
            let verdict = of_transaction(&answer(200, Some(bundle(&statuses))), 2);
            let Verdict::Settled(delivery) = verdict else { panic!("{statuses:?}") };
            assert_eq!(came_apart(&delivery), apart, "{statuses:?}: {delivery:?}");
        }
        let outcome = json!({"resourceType": "OperationOutcome"});
        assert_eq!(word(&of_transaction(&answer(200, Some(outcome)), 2)), "later, maybe there");
    }

    #[test]
    fn free_text_of_an_outcome_stays_out() {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [
            {"code": "invalid", "expression": ["Task.input[0].value"], "diagnostics": "Patient 10293847 Hong"},
            {"code": "10293847", "expression": ["Patient?identifier=x|10293847"]}]});
        let Delivery::Park { reason } = of_refusal(&answer(400, Some(outcome))) else { panic!("parked") };
        let reason = reason.to_string();
        assert!(reason.contains("invalid Task.input[0].value"), "{reason}");
        assert!(!reason.contains("1029") && !reason.contains("Hong"), "{reason}");
    }

    #[test]
    fn what_is_said_of_a_refused_entry_is_told() {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [
            {"severity": "error", "code": "business-rule", "details": {"text": "Invoice is already closed"}}]});
        let bundle = json!({"resourceType": "Bundle", "type": "batch-response", "entry": [
            {"response": {"status": "201 Created"}}, {"response": {"status": "422", "outcome": outcome}}]});
        let Verdict::Settled(Delivery::Park { reason }) = of_transaction(&answer(200, Some(bundle)), 2) else {
            panic!("parked")
        };
        let words = reason.to_string();
        assert!(words.ends_with("some of it may be there; business-rule: Invoice is already closed"), "{words}");
    }
}
