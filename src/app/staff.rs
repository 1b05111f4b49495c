//! What the staff area asks of the shell: the PIN and the lists. Each on a blocking thread, answered by an input.

use super::effects::Ports;
use super::event_loop::Inputs;
use crate::domain::attempt::PaymentState;
use crate::domain::moment::Moment;
use crate::domain::payment::PaymentRecord;
use crate::domain::person::Who;
use crate::domain::session::Input;
use crate::domain::staff::{
    AuditEntry, Gate, PAYMENTS_LISTED_MAX, QueueSight, StaffAct, StaffCommand, StaffLists, StaffReply,
};
use crate::domain::zone::Zone;
use crate::ports::{StaffBook, StoreError};
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use uuid::Uuid;

/// What goes on without us is no move of the clock, and neither is a second that was cut off.
const MOVED_MS: i64 = 5_000;

/// How far the clock is from our own ticks: what changes that is somebody who set the clock, and then no lock of a PIN may end
/// earlier for it.
pub(super) struct Steady(Mutex<i64>);

impl Steady {
    pub fn new(now: Moment) -> Self {
        Self(Mutex::new(ahead_ms(now)))
    }

    /// Moves the locks along with the clock.
    fn keep_locks(&self, now: Moment, book: &dyn StaffBook) -> Result<(), StoreError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let by_ms = ahead_ms(now).saturating_sub(*known);
        if by_ms.abs() > MOVED_MS {
            book.clock_moved(TimeDelta::milliseconds(by_ms))?;
            *known = ahead_ms(now);
        }
        Ok(())
    }
}

fn ahead_ms(now: Moment) -> i64 {
    now.wall.timestamp_millis().saturating_sub(i64::try_from(now.tick.0).unwrap_or(i64::MAX))
}

pub(super) fn carry_out(
    ports: &Ports,
    steady: &Arc<Steady>,
    (desk, runtime): (&Inputs, &Handle),
    visit: Uuid,
    command: StaffCommand,
) {
    let (ports, desk, steady) = (ports.clone(), desk.clone(), steady.clone());
    runtime.spawn_blocking(move || {
        // Nobody's PIN is looked at by locks that may be over too early.
        let kept = told(steady.keep_locks(ports.clock.now(), &*ports.store));
        let at_door = matches!(command, StaffCommand::Knock | StaffCommand::Try { .. } | StaffCommand::Confirm { .. });
        if kept.is_none() && at_door {
            return desk.send(Input::StaffArea { visit, reply: StaffReply::Gate(Gate::Unknown) });
        }
        if let Some(reply) = answer(&ports, command) {
            desk.send(Input::StaffArea { visit, reply });
        }
    });
}

fn answer(ports: &Ports, command: StaffCommand) -> Option<StaffReply> {
    let at = ports.clock.now().wall;
    let store = &*ports.store;
    Some(match command {
        StaffCommand::Knock => StaffReply::Gate(gate(store.gate(at))),
        StaffCommand::Try { number, pin } => StaffReply::Gate(gate(store.try_pin(number, &pin, at))),
        StaffCommand::Confirm { who, pin } => StaffReply::Gate(gate(store.confirm_pin(who, &pin, at))),
        StaffCommand::Look => {
            told(lists(ports, at)).map_or(StaffReply::NoLists, |lists| StaffReply::Lists(Box::new(lists)))
        }
        StaffCommand::Retry { who, request } => {
            let sent = store.retry(request);
            let sent = ended(ports, (who, StaffAct::Retry), request, sent, "waits again", at);
            if sent {
                ports.outbox.try_now();
            }
            StaffReply::Retried(sent)
        }
        StaffCommand::TryNow => {
            ports.outbox.try_now();
            return None;
        }
        StaffCommand::Close { who, request, evidence } => {
            let closed = store.close_by_hand(request, evidence.words(), at);
            StaffReply::Closed(ended(ports, (who, StaffAct::CloseRequest), request, closed, "closed", at))
        }
        StaffCommand::Note(entry) => {
            told(store.audit(&entry, at));
            return None;
        }
    })
}

fn gate(said: Result<Gate, StoreError>) -> Gate {
    told(said).unwrap_or(Gate::Unknown)
}

/// How an act on a parked request ended, for the trail; the sender may have something to send now.
fn ended(
    ports: &Ports,
    (who, act): (Who, StaffAct),
    request: Uuid,
    done: Result<bool, StoreError>,
    word: &str,
    at: DateTime<FixedOffset>,
) -> bool {
    told(ports.store.audit(&AuditEntry::of_parked(who, act, request, &done, word), at));
    let done = told(done).unwrap_or(false);
    if done {
        ports.outbox.queued();
    }
    done
}

fn lists(ports: &Ports, at: DateTime<FixedOffset>) -> Result<StaffLists, StoreError> {
    let facility = ports.facility.now();
    let (store, zone) = (&*ports.store, &facility.zone);
    let all = store.payments()?;
    let newest = || all.iter().rev();
    let payments = newest().filter(|payment| is_unfinished(payment)).take(PAYMENTS_LISTED_MAX).cloned().collect();
    let paid = paid(&all, zone, at);
    let tally = store.tally()?;
    let queue = QueueSight {
        waiting: u32::try_from(tally.waiting).unwrap_or(u32::MAX),
        oldest: tally.oldest_queued_at,
        last_delivered: tally.last_delivered_at,
        held_until: ports.outbox.held_until().map(|until| zone.at(&until)),
        parked: u32::try_from(tally.parked).unwrap_or(u32::MAX),
        parked_rows: store.parked()?,
        noted_rows: store.noted()?,
    };
    Ok(StaffLists { payments, paid, queue })
}

/// Neither paid nor not paid, or given back or not, nobody knows.
fn is_unfinished(payment: &PaymentRecord) -> bool {
    payment.is_open() || payment.needs_staff()
}

/// Today's, and behind them those of earlier days: however many were paid today, what was paid before is not pushed off.
fn paid(all: &[PaymentRecord], zone: &Zone, at: DateTime<FixedOffset>) -> Vec<PaymentRecord> {
    let newest = all.iter().rev().filter(|payment| was_paid(payment));
    let (today, before): (Vec<_>, Vec<_>) = newest.partition(|payment| is_of(payment, zone, at));
    [today, before].into_iter().flat_map(|list| list.into_iter().take(PAYMENTS_LISTED_MAX)).cloned().collect()
}

/// Also what was given back since.
const fn was_paid(payment: &PaymentRecord) -> bool {
    matches!(payment.state, PaymentState::Committed | PaymentState::Settled | PaymentState::Reversed)
}

fn is_of(payment: &PaymentRecord, zone: &Zone, day: DateTime<FixedOffset>) -> bool {
    payment.day(zone) == zone.at(&day).date_naive()
}

fn told<T>(result: Result<T, StoreError>) -> Option<T> {
    result.inspect_err(|error| tracing::error!("the staff area cannot use the store: {error}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::{AttemptId, Booking, LastTransaction};
    use crate::domain::language::{Language, LocalText};
    use crate::domain::money::Amount;
    use crate::domain::outbox::{Act, Request};
    use crate::domain::paper::Receipt;
    use crate::domain::patient::PatientNumber;

    fn text() -> LocalText {
        LocalText::new([(Language::En, "")])
    }

    fn payment(number: u32, state: PaymentState, started_at: DateTime<FixedOffset>) -> PaymentRecord {
        let act = Act::Cancellation {
            of: Uuid::nil(),
            claim: String::new(),
            amount: Amount(5_100),
            currency: "KRW".to_owned(),
            attempt_number: String::new(),
        };
        PaymentRecord {
            attempt: AttemptId(Uuid::from_u128(number.into())),
            number: number.to_string(),
            state,
            amount: Amount(5_100),
            request: Request {
                id: Uuid::nil(),
                visit: Uuid::nil(),
                made_at: started_at,
                language: Language::En,
                patient: PatientNumber(String::new()),
                patient_ref: None,
                act,
            },
            receipt: Receipt {
                language: Language::En,
                at: started_at,
                claim: String::new(),
                lines: Vec::new(),
                total: Amount(5_100),
                card: None,
                pay_at: None,
                collect_at: text(),
                ready_at: started_at,
                collect_until: None,
                bring: text(),
                duplicate: false,
            },
            baseline: LastTransaction::Unknown,
            transaction: None,
            booking: Booking::Final,
            reason: None,
            staff_reason: None,
            evidence: None,
            started_at,
            receipt_printed: false,
            undo: None,
            day_closed: false,
        }
    }

    #[test]
    fn what_was_paid_before_today_stands_behind_what_was_paid_today() {
        let today = DateTime::parse_from_rfc3339("2026-11-25T10:00:00+09:00").expect("a time");
        let zone = Zone::named("Asia/Seoul").expect("a zone");
        let before = today - TimeDelta::days(1);
        let numbers = |all: &[PaymentRecord]| -> Vec<String> {
            paid(all, &zone, today).into_iter().map(|payment| payment.number).collect()
        };
        let few = [
            payment(1, PaymentState::Settled, before),
            payment(2, PaymentState::NotPaid, before),
            payment(3, PaymentState::Reversed, before),
            payment(4, PaymentState::Committed, today),
            payment(5, PaymentState::NeedsStaff, today),
            payment(6, PaymentState::Settled, today),
        ];
        assert_eq!(numbers(&few), ["6", "4", "3", "1"]);
        let busy: Vec<PaymentRecord> = std::iter::once(payment(1, PaymentState::Settled, before))
            .chain((2..200).map(|number| payment(number, PaymentState::Settled, today)))
            .collect();
        let listed = numbers(&busy);
        assert_eq!((listed.len(), listed.last().map(String::as_str)), (PAYMENTS_LISTED_MAX + 1, Some("1")));
    }
}
