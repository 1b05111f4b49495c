//! Requests as `store/outbox.rs` keeps them.

use super::{Done, Row, Tables, forget, paid_by_card, sequence};
use crate::domain::outbox::{Delivery, QueueState, QueuedRequest, Request};
use crate::domain::payment::{PaymentRecord, PaymentState};
use crate::ports::StoreError;
use uuid::Uuid;

impl Tables {
    pub(super) fn queued(&self, id: Uuid) -> Option<&Row> {
        self.outbox.iter().rev().find(|row| row.id == id)
    }

    pub(super) fn enqueue(&mut self, request: &Request, bundle: &[u8]) -> Done<()> {
        match self.queued(request.id).map(|row| (&row.request, &row.bundle)) {
            None => {
                self.undelivered.insert(sequence(self.outbox.len()), self.outbox.len());
                self.outbox.push(Row {
                    id: request.id,
                    visit: request.visit,
                    state: QueueState::Waiting,
                    request: Some(request.clone()),
                    bundle: bundle.to_vec(),
                    tries: 0,
                    in_try: false,
                    maybe_delivered: false,
                    note: None,
                    undelivered: None,
                    in_part: None,
                    taken: Vec::new(),
                });
                Ok(())
            }
            Some((None, _)) => Ok(()),
            Some((Some(queued), frozen)) if queued == request && frozen == bundle => Ok(()),
            Some((Some(_), _)) => {
                Err(StoreError::Other("another request is already queued under this identifier".to_owned()))
            }
        }
    }

    pub(super) fn next(&self, step_over: &[Uuid], most: usize) -> Vec<QueuedRequest> {
        let (mut held, mut found) = (step_over.to_vec(), Vec::new());
        for (sequence, at) in &self.undelivered {
            let row = &self.outbox[*at];
            if found.len() == most {
                break;
            }
            if row.state == QueueState::Waiting
                && !held.contains(&row.visit)
                && let Some(request) = &row.request
            {
                found.push(QueuedRequest {
                    sequence: *sequence,
                    request: request.clone(),
                    bundle: row.bundle.clone(),
                    tries: row.tries,
                    maybe_delivered: row.maybe_delivered || row.in_try,
                    state: row.state,
                    in_part: row.in_part,
                    taken: row.taken.clone(),
                });
            }
            held.push(row.visit);
        }
        found
    }

    pub(super) fn row(&mut self, sequence: i64) -> Done<&mut Row> {
        let at = usize::try_from(sequence - 1).ok();
        let row = at.and_then(|at| self.outbox.get_mut(at));
        row.ok_or_else(|| StoreError::Other("the queue knows no such request".to_owned()))
    }

    pub(super) fn trying(&mut self, sequence: i64) -> Done<()> {
        let row = self.row(sequence)?;
        if row.state != QueueState::Waiting {
            return Err(StoreError::Other("no such request is waiting in the queue".to_owned()));
        }
        row.tries += 1;
        row.maybe_delivered |= row.in_try;
        row.in_try = true;
        Ok(())
    }

    pub(super) fn retry_parked(&mut self) {
        for row in self.outbox.iter_mut().filter(|row| row.state == QueueState::Parked) {
            (row.state, row.taken) = (QueueState::Waiting, Vec::new());
        }
    }

    pub(super) fn tried(&mut self, sequence: i64, delivery: &Delivery) -> Done<()> {
        let row = self.row(sequence)?;
        if row.state == QueueState::Sent {
            return Ok(());
        }
        row.in_try = false;
        match delivery {
            Delivery::Done { note } => {
                self.end(sequence, note.as_ref().map(ToString::to_string))?;
                return Ok(());
            }
            Delivery::Part { taken, .. } => {
                row.maybe_delivered &= taken.is_empty();
                row.taken.clone_from(taken);
            }
            Delivery::Later { maybe_delivered, .. } => row.maybe_delivered |= maybe_delivered,
            Delivery::Park { .. } => {
                row.state = QueueState::Parked;
                row.maybe_delivered = true;
            }
            Delivery::Hold { .. } | Delivery::Busy { .. } => {}
        }
        if let Some(reason) = delivery.undelivered() {
            row.note = Some(reason.words(row.in_part));
            row.in_part = reason.in_part().max(row.in_part);
            row.undelivered = Some(reason);
        }
        Ok(())
    }

    /// It is with the hospital.
    fn end(&mut self, sequence: i64, note: Option<String>) -> Done<()> {
        let row = self.row(sequence)?;
        row.state = QueueState::Sent;
        (row.note, row.undelivered, row.in_part) = (note, None, None);
        row.bundle.clear();
        let request = row.request.take();
        self.undelivered.remove(&sequence);
        if let Some(request) = request {
            self.settle(&request);
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, request: &Request) {
        let mut payments = self.payments.iter_mut().rev();
        let paid = [PaymentState::Committed, PaymentState::Reversed];
        let committed =
            |payment: &&mut PaymentRecord| payment.request.id == request.id && paid.contains(&payment.state);
        if let Some(payment) = payments.find(committed).filter(|_| paid_by_card(request)) {
            if payment.state == PaymentState::Committed {
                payment.state = PaymentState::Settled;
            }
            forget(&mut payment.request);
        }
    }
}
