//! What is recorded and what comes of it, in words.

use super::words::{BUNDLE, Kept, Words, at, attempt, cancellation, id, receipt, told, undo};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use crate::domain::closing::{ClosingEnd, ClosingEntry, ClosingId};
use crate::domain::ledger::{
    Change, Refusal, SetPayment, SetRequest, Write, begin_try, close_by_hand, end_try, queue, record, retry,
};
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, Delivery, PaymentOfRequest, QueueState, Request};
use crate::domain::payment::Entry;
use crate::domain::reason::{Delay, KeptOut, LineTrouble, ParkReason, Parts, StaffReason, Told, Undelivered};
use crate::domain::terminal::{UndoAnswer, UndoWay};
use crate::domain::undo::UndoEntry;
use uuid::Uuid;

pub fn play(kept: &Kept, recorded: &str) -> String {
    let words = Words::of(recorded);
    let number = words.number(1);
    let sequence = i64::from(number);
    if let Some(entry) = entry(&words) {
        return told_of(record(&entry, BUNDLE, at(), kept));
    }
    match words.get(0) {
        "put" => told_of(queue(&Words::of("unpaid").request(number), BUNDLE, kept)),
        "try" => told_of(begin_try(sequence, kept)),
        "retry" => told_if(retry(id(number), kept)),
        "close" => told_if(close_by_hand(id(number), "seen", at(), kept)),
        _ => told_of(end_try(sequence, &delivery(&words), at(), kept)),
    }
}

fn told_if(change: Result<Option<Change<'_>>, Refusal>) -> String {
    change.transpose().map_or_else(|| "not parked".to_owned(), told_of)
}

fn entry(words: &Words<'_>) -> Option<Entry> {
    let number = words.number(1);
    let (attempt, card) = (attempt(number), Box::new(words.card(number)));
    let text = words.get(2).to_owned();
    Some(match words.get(0) {
        "intent" => Entry::Intent {
            attempt,
            number: format!("K3-{number:04}"),
            amount: Amount(words.number_after("amount").map_or(5_100, i64::from)),
            request: Box::new(Words::of("unpaid").request(words.number_after("of").unwrap_or(number))),
            receipt: Box::new(receipt()),
            baseline: LastTransaction::Empty,
        },
        "sent" => Entry::Sent { attempt },
        "answered" => {
            let booking = if words.has("unconfirmed") { Booking::Unconfirmed } else { Booking::Final };
            Entry::Answered { attempt, raw: vec![2], transaction: card, booking }
        }
        "committed" => {
            let (request, receipt) = (Box::new(words.request(number)), Box::new(receipt()));
            Entry::Committed { attempt, transaction: card, request, receipt }
        }
        "not-paid" => Entry::NotPaid { attempt, reason: "declined".to_owned() },
        "in-doubt" => Entry::InDoubt { attempt, reason: "silence".to_owned() },
        "needs-staff" => {
            let transaction = words.has("card").then_some(card);
            Entry::NeedsStaff { attempt, reason: StaffReason::TerminalSilent, transaction }
        }
        "evidence" => Entry::Evidence { attempt, text },
        "printed" => Entry::ReceiptPrinted { attempt },
        "undo" => Entry::Undo(undo_entry(words)),
        "ask-totals" => Entry::Closing(ClosingEntry::Asked { closing: ClosingId(id(number)) }),
        "totals" => Entry::Closing(ClosingEntry::Ended { closing: ClosingId(id(number)), end: told(words.number(2)) }),
        _ => return None,
    })
}

fn undo_entry(words: &Words<'_>) -> UndoEntry {
    let (number, reason) = (words.number(1), "refused".to_owned());
    let undo = undo(number);
    match words.get(2) {
        "intent" => {
            let way = if words.has("with-card") { UndoWay::WithCard } else { UndoWay::WithoutCard };
            let of = attempt(words.number_after("of").unwrap_or(number));
            UndoEntry::Intent { undo, of, way, transaction: Box::new(words.card(number)) }
        }
        "sent" => UndoEntry::Sent { undo },
        "answered" => {
            let other = UndoAnswer::AlreadyReversed;
            UndoEntry::Answered {
                undo,
                raw: vec![2],
                answer: if words.has("otherwise") { other } else { UndoAnswer::Reversed },
            }
        }
        "reversed" => {
            let cancellation = words.has("cancels").then(|| Box::new(cancellation(number)));
            UndoEntry::Reversed { undo, cancellation }
        }
        "not-reversed" => UndoEntry::NotReversed { undo, reason },
        "in-doubt" => UndoEntry::InDoubt { undo, reason },
        "needs-staff" => UndoEntry::NeedsStaff { undo, reason },
        other => panic!("no undo: {other}"),
    }
}

fn delivery(words: &Words<'_>) -> Delivery {
    let later = |maybe_delivered| {
        let reason = Delay::Line(LineTrouble::NoAnswer);
        Delivery::Later { reason, after_s: None, maybe_delivered, away: true }
    };
    match words.get(0) {
        "done" => Delivery::Done { note: words.has("twice").then_some(Told::Twice) },
        "later" => later(false),
        "perhaps" => later(true),
        "park" => Delivery::Park { reason: ParkReason::FoundTwice },
        "park-apart" => {
            Delivery::Park { reason: ParkReason::TakenApart { refused: Vec::new(), issues: String::new() } }
        }
        "hold" => Delivery::Hold { reason: KeptOut::Server { status: 401, issues: String::new() } },
        "busy" => Delivery::Busy { after_s: None },
        "part" => {
            let there = usize::try_from(words.number(2)).expect("a few");
            Delivery::Part { taken: vec![None; there], parts: Parts::There { there, all: 9 } }
        }
        other => panic!("nothing to record: {other}"),
    }
}

fn told_of(change: Result<Change<'_>, Refusal>) -> String {
    let change = match change {
        Ok(change) => change,
        Err(refusal) => return format!("no: {refusal}"),
    };
    let mut parts: Vec<String> = change.writes.iter().map(write).collect();
    parts.extend(change.erases.then(|| "erases".to_owned()));
    parts.join("; ")
}

fn number(id: Uuid) -> u128 {
    id.as_u128()
}

fn undo_number(undo: AttemptId) -> u128 {
    number(undo.0) - 700
}

fn write(write: &Write<'_>) -> String {
    match write {
        Write::NewPayment(new) => format!("new pay {}", number(new.attempt.0)),
        Write::Payment { attempt, set } => format!("pay {}{}", number(attempt.0), payment(set)),
        Write::NewUndo(new) => format!("new undo {} of {}", undo_number(new.undo), number(new.of.0)),
        Write::Undo { undo, set } => {
            let raw = if set.answer.is_some() { ", raw" } else { "" };
            let because = because(set.reason.as_deref());
            format!("undo {} {}{because}{raw}", undo_number(*undo), set.state.word())
        }
        Write::NewClosing(new) => {
            format!("new closing {} after {} and {}", number(new.closing.0), new.charges_to, new.undos_to)
        }
        Write::Closing { closing, end, .. } => {
            let ClosingEnd::Told(totals) = end else { return String::new() };
            format!("closing {} told {}", number(closing.0), totals.count.unwrap_or(0))
        }
        Write::NewRequest { request, bundle } => {
            let bundle = if *bundle == BUNDLE { "" } else { " without its bundle" };
            format!("new queue {}{bundle}", number(request.id))
        }
        Write::Request { sequence, set } => format!("queue {sequence}{}", row(set)),
        Write::Over { sequence, left } => {
            let by_hand = left.closed_by_hand.as_ref().map(|closed| format!(" by hand: {}", closed.evidence));
            let told = if left.told.is_some() { " told" } else { "" };
            assert_eq!(left.note.is_some(), left.told.is_some() || by_hand.is_some(), "its words beside it");
            format!("over {sequence}{told}{}", by_hand.unwrap_or_default())
        }
    }
}

fn because(reason: Option<&str>) -> String {
    reason.map_or_else(String::new, |reason| format!(" because {reason}"))
}

fn payment(set: &SetPayment<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(request) = set.request.as_deref() {
        parts.push(format!("request {}{}", number(request.id), whose(request)));
    }
    parts.extend(set.receipt.map(|_| "receipt".to_owned()));
    parts.extend(set.card.map(card));
    if let Some((_, booking)) = set.answer {
        parts.push(format!("raw {booking:?}").to_lowercase());
    }
    parts.extend(set.evidence.as_ref().map(|evidence| format!("evidence {}", evidence.replace('\n', "+"))));
    parts.extend(set.receipt_printed.then(|| "printed".to_owned()));
    let standing = set.standing.as_ref().map_or_else(String::new, |standing| {
        let named = standing.staff_reason.map(ToString::to_string);
        assert!(named.is_none() || named.as_deref() == standing.reason.as_deref(), "its words beside it");
        let unnamed = standing.state.word() == "needs-staff" && named.is_none();
        let why = if unnamed { " for no reason".to_owned() } else { because(standing.reason.as_deref()) };
        format!(" {}{why}", standing.state.word())
    });
    let rest = if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) };
    format!("{standing}{rest}")
}

fn whose(request: &Request) -> &'static str {
    let is_paid = matches!(&request.act, Act::Documents { payment: PaymentOfRequest::Card { .. }, .. });
    match (request.patient.0.is_empty() && request.patient_ref.is_none(), is_paid) {
        (true, _) => " of nobody",
        (false, true) => " paid",
        (false, false) => " unpaid",
    }
}

fn card(card: &CardTransaction) -> String {
    let again = if card.unique_number == "other" { " again" } else { "" };
    let declined = if card.approved { "" } else { " declined" };
    format!("card {}{again}{declined}", card.approval_number.trim_start_matches('A'))
}

fn row(set: &SetRequest<'_>) -> String {
    let tries = set.tries;
    let mut text = format!(" tries {}", tries.count);
    let mut add = |word: &str, is: bool| {
        if is {
            text.push(' ');
            text.push_str(word);
        }
    };
    add("in-try", tries.in_try);
    add("maybe", tries.maybe_delivered);
    add("parked", set.state == Some(QueueState::Parked));
    add("waiting", set.state == Some(QueueState::Waiting));
    if let Some(taken) = set.taken {
        add(&format!("taken {}", taken.len()), true);
    }
    if let Some(waits) = &set.waits {
        add(&format!("because {}", why(&waits.reason)), true);
        add("since then", waits.note != waits.reason.to_string());
        if let Some(part) = waits.in_part {
            text = format!("{text}, part {part:?}");
        }
    }
    text
}

const fn why(reason: &Undelivered) -> &'static str {
    match reason {
        Undelivered::Parked(ParkReason::TakenApart { .. }) => "apart",
        Undelivered::Parked(_) => "refused",
        Undelivered::KeptOut(_) => "kept-out",
        Undelivered::Later(_) => "no-answer",
        Undelivered::Busy => "busy",
        Undelivered::InParts(_) => "in-parts",
    }
}
