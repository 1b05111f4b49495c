//! What the ledger's rules come to, written into the lists; and taken back where a later line of the same batch is refused.

use super::rows::index;
use super::{Row, Tables, Time, sequence};
use crate::domain::attempt::{AttemptId, Booking, PaymentState};
use crate::domain::closing::ClosingEnd;
use crate::domain::ledger::{Change, NewPayment, NewUndo, SetPayment, SetRequest, SetUndo, Write};
use crate::domain::numbers::Counters;
use crate::domain::outbox::{QueueState, Request, Tries};
use crate::domain::payment::PaymentRecord;
use crate::domain::tries::TriesKept;
use crate::domain::undo::{UndoRecord, UndoState};
use chrono::NaiveDate;
use std::borrow::Cow;

/// What a line changed, as it was: to copy all of a long day for each batch would take longer than the day.
pub(super) enum Before {
    NewPayment,
    Payment(usize, Box<PaymentRecord>),
    NewUndo,
    Undo(usize, Box<UndoRecord>),
    NewClosing,
    Closing(usize, Option<ClosingEnd>),
    NewRequest,
    Request(usize, Box<Row>),
    Numbers(NaiveDate, Option<Counters>, Option<Time>),
    Tries(Option<TriesKept>),
}

impl Tables {
    pub(super) fn write(&mut self, change: Change<'_>) {
        for write in change.writes {
            match write {
                Write::NewPayment(new) => {
                    self.payments.push(payment(&new));
                    self.remember(|_| Before::NewPayment);
                }
                Write::Payment { attempt, set } => self.change_payment(attempt, |payment| set_payment(payment, *set)),
                Write::NewUndo(new) => {
                    self.undos.push((new.of, undo(&new)));
                    self.remember(|_| Before::NewUndo);
                    self.change_payment(new.of, |payment| payment.undo = Some(undo(&new)));
                }
                Write::Undo { undo, set } => self.change_undo(undo, &set),
                Write::NewClosing(new) => {
                    self.closings.push(new);
                    self.remember(|_| Before::NewClosing);
                }
                Write::Closing { closing, end, .. } => {
                    if let Some(at) = self.closings.iter().position(|known| known.closing == closing) {
                        self.remember(|tables| Before::Closing(at, tables.closings[at].end.clone()));
                        self.closings[at].end = Some(end.clone());
                    }
                }
                Write::NewRequest { request, bundle } => {
                    self.undelivered.insert(sequence(self.outbox.len()), self.outbox.len());
                    self.outbox.push(row(request, bundle));
                    self.remember(|_| Before::NewRequest);
                }
                Write::Request { sequence, set } => self.change_row(sequence, |row| set_row(row, set)),
                Write::Over { sequence, .. } => {
                    self.undelivered.remove(&sequence);
                    self.change_row(sequence, end_row);
                }
            }
        }
    }

    fn change_payment(&mut self, attempt: AttemptId, change: impl FnOnce(&mut PaymentRecord)) {
        if let Some(at) = self.place_of(attempt) {
            self.remember(|tables| Before::Payment(at, Box::new(tables.payments[at].clone())));
            change(&mut self.payments[at]);
        }
    }

    fn change_undo(&mut self, undo: AttemptId, set: &SetUndo<'_>) {
        let Some(at) = self.undos.iter().rposition(|(_, known)| known.undo == undo) else { return };
        self.remember(|tables| Before::Undo(at, Box::new(tables.undos[at].1.clone())));
        let (of, known) = &mut self.undos[at];
        known.state = set.state;
        known.reason = set.reason.as_deref().map(str::to_owned);
        if let Some((_, answer)) = set.answer {
            known.answer = Some(answer.clone());
        }
        let (of, now) = (*of, known.clone());
        self.change_payment(of, |payment| {
            if payment.undo.as_ref().is_some_and(|latest| latest.undo == undo) {
                payment.undo = Some(now);
            }
        });
    }

    fn change_row(&mut self, sequence: i64, change: impl FnOnce(&mut Row)) {
        if let Some(at) = index(sequence).filter(|at| *at < self.outbox.len()) {
            self.remember(|tables| Before::Request(at, Box::new(tables.outbox[at].clone())));
            change(&mut self.outbox[at]);
        }
    }

    pub(super) fn remember(&mut self, before: impl FnOnce(&Self) -> Before) {
        if self.remembers {
            self.before.push(before(self));
        }
    }

    pub(super) fn take_back(&mut self) {
        while let Some(before) = self.before.pop() {
            match before {
                Before::NewPayment => drop(self.payments.pop()),
                Before::Payment(at, payment) => self.payments[at] = *payment,
                Before::NewUndo => drop(self.undos.pop()),
                Before::Undo(at, undo) => self.undos[at].1 = *undo,
                Before::NewClosing => drop(self.closings.pop()),
                Before::Closing(at, end) => self.closings[at].end = end,
                Before::NewRequest => {
                    self.outbox.pop();
                    self.undelivered.remove(&sequence(self.outbox.len()));
                }
                Before::Request(at, row) => {
                    if row.state != QueueState::Sent {
                        self.undelivered.insert(sequence(at), at);
                    }
                    self.outbox[at] = *row;
                }
                Before::Numbers(day, counters, last_at) => {
                    match counters {
                        Some(counters) => drop(self.numbers.insert(day, counters)),
                        None => drop(self.numbers.remove(&day)),
                    }
                    self.last_number_at = last_at;
                }
                Before::Tries(tries) => self.tries = tries,
            }
        }
    }
}

fn payment(new: &NewPayment<'_>) -> PaymentRecord {
    PaymentRecord {
        attempt: new.attempt,
        number: new.number.to_owned(),
        state: PaymentState::Intent,
        amount: new.amount,
        request: new.request.clone(),
        receipt: new.receipt.clone(),
        baseline: new.baseline.clone(),
        transaction: None,
        booking: Booking::default(),
        reason: None,
        staff_reason: None,
        evidence: None,
        started_at: new.at,
        receipt_printed: false,
        undo: None,
        day_closed: false,
    }
}

fn set_payment(payment: &mut PaymentRecord, set: SetPayment<'_>) {
    if let Some(standing) = set.standing {
        payment.state = standing.state;
        payment.reason = standing.reason.map(Cow::into_owned);
        payment.staff_reason = standing.staff_reason.cloned();
    }
    if let Some(request) = set.request {
        payment.request = request.into_owned();
    }
    if let Some(receipt) = set.receipt {
        payment.receipt.clone_from(receipt);
    }
    if let Some(card) = set.card {
        payment.transaction = Some(card.clone());
    }
    if let Some((_, booking)) = set.answer {
        payment.booking = booking;
    }
    if let Some(evidence) = set.evidence {
        payment.evidence = Some(evidence);
    }
    payment.receipt_printed |= set.receipt_printed;
}

fn undo(new: &NewUndo<'_>) -> UndoRecord {
    UndoRecord {
        undo: new.undo,
        way: new.way,
        state: UndoState::Intent,
        amount: new.card.amount,
        transaction: new.card.clone(),
        answer: None,
        reason: None,
        started_at: new.at,
    }
}

fn row(request: &Request, bundle: &[u8]) -> Row {
    Row {
        id: request.id,
        visit: request.visit,
        state: QueueState::Waiting,
        request: Some(request.clone()),
        bundle: bundle.to_vec(),
        tries: Tries::default(),
        in_part: None,
        taken: Vec::new(),
    }
}

fn set_row(row: &mut Row, set: SetRequest<'_>) {
    row.tries = set.tries;
    row.state = set.state.unwrap_or(row.state);
    if let Some(taken) = set.taken {
        taken.clone_into(&mut row.taken);
    }
    if let Some(waits) = set.waits {
        row.in_part = waits.in_part;
    }
}

/// What staff should know of it, they are not told here.
fn end_row(row: &mut Row) {
    let tries = Tries { in_try: false, ..row.tries };
    *row = Row {
        state: QueueState::Sent,
        request: None,
        bundle: Vec::new(),
        taken: Vec::new(),
        in_part: None,
        tries,
        ..*row
    };
}
