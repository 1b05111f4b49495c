//! Lines about an undo: only the arrows of its diagram, and never one beside another money operation.

use super::change::{Change, NewUndo, SetUndo, Write};
use super::refusal::Refusal;
use super::{Rows, Time, charge, queue, refuse_beside_open};
use crate::domain::attempt::{AttemptId, CardTransaction, PaymentState};
use crate::domain::outbox::Request;
use crate::domain::payment::PaymentRecord;
use crate::domain::terminal::UndoAnswer;
use crate::domain::undo::{UndoEntry, UndoRecord, UndoState};
use std::borrow::Cow;

pub(super) fn record<'a, R: Rows>(
    entry: &'a UndoEntry,
    bundle: &'a [u8],
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    match entry {
        UndoEntry::Intent { undo, of, way, transaction } => {
            intend(NewUndo { undo: *undo, of: *of, way: *way, card: transaction, at }, rows)
        }
        UndoEntry::Sent { undo } => advance(*undo, UndoState::Sent, None, at, rows),
        UndoEntry::Answered { undo, raw, answer } => keep_answer(*undo, raw, answer, at, rows),
        UndoEntry::NotReversed { undo, reason } => advance(*undo, UndoState::NotReversed, Some(reason), at, rows),
        UndoEntry::InDoubt { undo, reason } => advance(*undo, UndoState::InDoubt, Some(reason), at, rows),
        UndoEntry::NeedsStaff { undo, reason } => advance(*undo, UndoState::NeedsStaff, Some(reason), at, rows),
        UndoEntry::Reversed { undo, cancellation } => reverse(*undo, cancellation.as_deref(), bundle, at, rows),
    }
}

type Known<'r> = (AttemptId, Cow<'r, UndoRecord>);

fn find<R: Rows>(undo: AttemptId, rows: &R) -> Result<Known<'_>, R::Error> {
    rows.undo(undo)?.ok_or_else(|| Refusal::UnknownUndo.into())
}

fn intend<'a, R: Rows>(new: NewUndo<'a>, rows: &R) -> Result<Change<'a>, R::Error> {
    if let Some((of, known)) = rows.undo(new.undo)? {
        let is_same =
            known.state == UndoState::Intent && (of, known.way, &known.transaction) == (new.of, new.way, new.card);
        let no_way = Refusal::NoWayForUndo { from: known.state, to: UndoState::Intent };
        return if is_same { Ok(Change::default()) } else { Err(no_way.into()) };
    }
    refuse_impossible(charge::find(new.of, rows)?.as_ref(), new.card)?;
    refuse_beside_open(rows, Some(new.of))?;
    Ok(Change::of(Write::NewUndo(new)))
}

/// Only what was booked for this payment, and only once.
fn refuse_impossible(payment: &PaymentRecord, card: &CardTransaction) -> Result<(), Refusal> {
    let was_undone = payment.undo.as_ref().is_some_and(|undo| undo.state != UndoState::NotReversed);
    if !payment.state.may_become(PaymentState::Reversed) || was_undone {
        return Err(Refusal::NothingToGiveBack(payment.state));
    }
    if payment.transaction.as_ref() != Some(card) || !card.approved {
        return Err(Refusal::OtherBooking);
    }
    Ok(())
}

/// The same state again is harmless; its reason may be told anew.
fn move_to<'a>(known: &UndoRecord, to: UndoState, reason: Option<&'a str>, at: Time) -> Result<SetUndo<'a>, Refusal> {
    if known.state != to && !known.state.may_become(to) {
        return Err(Refusal::NoWayForUndo { from: known.state, to });
    }
    let reason = reason.map(Cow::Borrowed).or_else(|| known.reason.clone().map(Cow::Owned));
    Ok(SetUndo { state: to, reason, answer: None, at })
}

fn advance<'a, R: Rows>(
    undo: AttemptId,
    to: UndoState,
    reason: Option<&'a str>,
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let set = move_to(find(undo, rows)?.1.as_ref(), to, reason, at)?;
    Ok(Change::of(Write::Undo { undo, set }))
}

/// A terminal may repeat its answer; another one is never written over the first.
fn keep_answer<'a, R: Rows>(
    undo: AttemptId,
    raw: &'a [u8],
    answer: &'a UndoAnswer,
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let (_, known) = find(undo, rows)?;
    if known.state == UndoState::Answered {
        let is_same = known.answer.as_ref() == Some(answer);
        return if is_same { Ok(Change::default()) } else { Err(Refusal::OtherUndoAnswer.into()) };
    }
    let set = SetUndo { answer: Some((raw, answer)), ..move_to(&known, UndoState::Answered, None, at)? };
    Ok(Change::of(Write::Undo { undo, set }))
}

/// The undo, its payment, and what the hospital is told: none of them without the others.
fn reverse<'a, R: Rows>(
    undo: AttemptId,
    cancellation: Option<&'a Request>,
    bundle: &'a [u8],
    at: Time,
    rows: &R,
) -> Result<Change<'a>, R::Error> {
    let (of, known) = find(undo, rows)?;
    let mut change = Change::of(Write::Undo { undo, set: move_to(&known, UndoState::Reversed, None, at)? });
    if let Some(cancellation) = cancellation {
        change.writes.extend(queue::queue(cancellation, bundle, rows)?.writes);
    }
    let payment = charge::reverse(of, at, rows)?;
    change.writes.extend(payment.writes);
    Ok(Change { erases: payment.erases, ..change })
}
