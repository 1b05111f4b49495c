//! What is to be written: whole new rows, and of known rows what is written over.

use crate::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction, PaymentState};
use crate::domain::closing::{ClosingEnd, ClosingId, ClosingRecord};
use crate::domain::money::Amount;
use crate::domain::outbox::{QueueState, Request, Taken, Tries};
use crate::domain::paper::Receipt;
use crate::domain::reason::{ClosedByHand, InPart, StaffReason, Told, Undelivered};
use crate::domain::terminal::{UndoAnswer, UndoWay};
use crate::domain::undo::UndoState;
use chrono::{DateTime, FixedOffset};
use std::borrow::Cow;

type Time = DateTime<FixedOffset>;

/// All of it in one transaction, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change<'a> {
    pub writes: Vec<Write<'a>>,
    /// Personal data goes: it has to leave the disk, not only the table.
    pub erases: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write<'a> {
    NewPayment(NewPayment<'a>),
    Payment {
        attempt: AttemptId,
        set: Box<SetPayment<'a>>,
    },
    NewUndo(NewUndo<'a>),
    Undo {
        undo: AttemptId,
        set: SetUndo<'a>,
    },
    NewClosing(ClosingRecord),
    Closing {
        closing: ClosingId,
        end: &'a ClosingEnd,
        at: Time,
    },
    NewRequest {
        request: &'a Request,
        bundle: &'a [u8],
    },
    Request {
        sequence: i64,
        set: SetRequest<'a>,
    },
    /// It is over: all of its row goes but identifier, kind, tries and the times, and not even that two requests were of one
    /// visit stays.
    Over {
        sequence: i64,
        left: Left<'a>,
    },
}

/// Its state is `Intent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPayment<'a> {
    pub attempt: AttemptId,
    pub number: &'a str,
    pub amount: Amount,
    pub request: &'a Request,
    pub receipt: &'a Receipt,
    pub baseline: &'a LastTransaction,
    pub at: Time,
}

/// What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetPayment<'a> {
    pub standing: Option<Standing<'a>>,
    pub request: Option<Cow<'a, Request>>,
    pub receipt: Option<&'a Receipt>,
    pub card: Option<&'a CardTransaction>,
    /// The frame as it came.
    pub answer: Option<(&'a [u8], Booking)>,
    pub evidence: Option<String>,
    /// False: as it is.
    pub receipt_printed: bool,
}

/// Where a payment stands from now on, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<'a> {
    pub state: PaymentState,
    pub reason: Option<Cow<'a, str>>,
    pub staff_reason: Option<&'a StaffReason>,
    /// When that was said last.
    pub at: Time,
}

/// Its state is `Intent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewUndo<'a> {
    pub undo: AttemptId,
    pub of: AttemptId,
    pub way: UndoWay,
    pub card: &'a CardTransaction,
    pub at: Time,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUndo<'a> {
    pub state: UndoState,
    pub reason: Option<Cow<'a, str>>,
    /// The frame as it came; `None`: as it is.
    pub answer: Option<(&'a [u8], &'a UndoAnswer)>,
    pub at: Time,
}

/// What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRequest<'a> {
    pub tries: Tries,
    pub state: Option<QueueState>,
    /// Of its bundle; empty: nothing is known to be there.
    pub taken: Option<&'a [Taken]>,
    pub waits: Option<Waits>,
}

/// Why the hospital has not got it, and what of it is there all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    pub reason: Undelivered,
    pub in_part: Option<InPart>,
    pub note: String,
}

/// What staff should know of a request that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left<'a> {
    pub note: Option<String>,
    pub told: Option<&'a Told>,
    pub closed_by_hand: Option<ClosedByHand>,
    pub at: Time,
}

impl<'a> Change<'a> {
    pub(super) fn of(write: Write<'a>) -> Self {
        Self { writes: vec![write], erases: false }
    }

    pub(super) fn of_payment(attempt: AttemptId, set: SetPayment<'a>) -> Self {
        Self::of(Write::Payment { attempt, set: Box::new(set) })
    }
}
