//! What becomes of a request in the queue: put there once, tried, and over when the hospital has it or people entered it there.

use super::change::{Change, Left, SetRequest, Waits, Write};
use super::charge::{paid_by, settle};
use super::refusal::Refusal;
use super::{Rows, Time, Waiting, Which};
use crate::domain::outbox::{Delivery, QueueState, Request, Tries};
use crate::domain::reason::ClosedByHand;
use uuid::Uuid;

/// The same request again is harmless; another one under its identifier is not.
///
/// # Errors
/// [`Refusal::IdTaken`]; or a row could not be read.
pub fn queue<'a, R: Rows>(request: &'a Request, bundle: &'a [u8], rows: &R) -> Result<Change<'a>, R::Error> {
    let Some(known) = rows.queued(request.id)? else {
        return Ok(Change::of(Write::NewRequest { request, bundle }));
    };
    match known.request {
        // It is with the hospital.
        None => Ok(Change::default()),
        Some(same) if *same == *request && *known.bundle == *bundle => Ok(Change::default()),
        Some(_) => Err(Refusal::IdTaken.into()),
    }
}

/// A try is about to be made. That one began outlives a power cut: if nobody saw its end, it may have got through.
///
/// # Errors
/// [`Refusal::NotWaiting`]; or a row could not be read.
pub fn begin_try<'a, R: Rows>(sequence: i64, rows: &R) -> Result<Change<'a>, R::Error> {
    let known = rows.waiting(Which::Sequence(sequence))?;
    let waiting = known.filter(|known| known.state == QueueState::Waiting).ok_or(Refusal::NotWaiting)?;
    let tries = Tries {
        count: waiting.tries.count.saturating_add(1),
        in_try: true,
        maybe_delivered: waiting.tries.may_be_there(),
    };
    Ok(Change::of(Write::Request { sequence, set: SetRequest { tries, state: None, taken: None, waits: None } }))
}

/// What came of it. What comes after the end changes nothing.
///
/// # Errors
/// [`Refusal::UnknownRequest`]; or a row could not be read.
pub fn end_try<'a, R: Rows>(sequence: i64, delivery: &'a Delivery, at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    let known = rows.waiting(Which::Sequence(sequence))?.ok_or(Refusal::UnknownRequest)?;
    if known.state == QueueState::Sent {
        return Ok(Change::default());
    }
    let before = known.tries.maybe_delivered;
    let (maybe_delivered, state, taken) = match delivery {
        Delivery::Done { note } => {
            let (words, told) = (note.as_ref().map(ToString::to_string), note.as_ref());
            return end(sequence, Left { note: words, told, closed_by_hand: None, at }, rows);
        }
        // The answer to a part ends the doubt of the tries before it.
        Delivery::Part { taken, .. } => (before && taken.is_empty(), None, Some(taken.as_slice())),
        // An earlier try that may have got through stays so, whatever this one met.
        Delivery::Later { maybe_delivered, .. } => (before || *maybe_delivered, None, None),
        // A refusal may have come in the middle of a bundle: look before it is sent again.
        Delivery::Park { .. } => (true, Some(QueueState::Parked), None),
        Delivery::Hold { .. } | Delivery::Busy { .. } => (before, None, None),
    };
    let tries = Tries { in_try: false, maybe_delivered, ..known.tries };
    let waits = waits(delivery, known);
    Ok(Change::of(Write::Request { sequence, set: SetRequest { tries, state, taken, waits } }))
}

/// That a part is there, or may be, stays known until all of it is: whoever enters it by hand must know.
fn waits(delivery: &Delivery, known: Waiting) -> Option<Waits> {
    let reason = delivery.undelivered()?;
    let (in_part, note) = (reason.in_part().max(known.in_part), reason.words(known.in_part));
    Some(Waits { reason, in_part, note })
}

/// The hospital has it: it is erased, and what paid for it is settled.
fn end<'a, R: Rows>(sequence: i64, left: Left<'a>, rows: &R) -> Result<Change<'a>, R::Error> {
    let paid = rows.request(sequence)?.filter(|request| paid_by(request).is_some()).map(|request| request.id);
    let mut writes = paid.map_or_else(|| Ok(Vec::new()), |request| settle(request, left.at, rows))?;
    writes.push(Write::Over { sequence, left });
    Ok(Change { writes, erases: true })
}

fn parked<R: Rows>(id: Uuid, rows: &R) -> Result<Option<Waiting>, R::Error> {
    Ok(rows.waiting(Which::Id(id))?.filter(|known| known.state == QueueState::Parked))
}

/// Staff: send a parked request once more, all of it, because what was there of it may be gone. `None` if it is not parked.
///
/// # Errors
/// A row could not be read.
pub fn retry<'a, R: Rows>(id: Uuid, rows: &R) -> Result<Option<Change<'a>>, R::Error> {
    let again = |Waiting { sequence, tries, .. }| {
        let set = SetRequest { tries, state: Some(QueueState::Waiting), taken: Some(&[]), waits: None };
        Change::of(Write::Request { sequence, set })
    };
    Ok(parked(id, rows)?.map(again))
}

/// Staff: a parked request that people entered at the hospital is over. `None` if it is not parked.
///
/// # Errors
/// A row could not be read.
pub fn close_by_hand<'a, R: Rows>(
    id: Uuid,
    evidence: &str,
    at: Time,
    rows: &R,
) -> Result<Option<Change<'a>>, R::Error> {
    let Some(Waiting { sequence, .. }) = parked(id, rows)? else { return Ok(None) };
    let closed = ClosedByHand { evidence: evidence.to_owned() };
    let left = Left { note: Some(closed.to_string()), told: None, closed_by_hand: Some(closed), at };
    end(sequence, left, rows).map(Some)
}
