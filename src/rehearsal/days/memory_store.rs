//! The store without a disk, for millions of payments: the arrows and refusals of `store/journal.rs` and
//! `store/outbox.rs`, in plain lists. A test plays the same days on both and compares every line of their traces.

mod batch;
mod closing;
mod outbox;
mod undo;

use crate::domain::closing::{ClosingId, ClosingRecord, DayBook};
use crate::domain::outbox::{Act, Delivery, PaymentOfRequest, QueueState, QueuedRequest, Request, Taken};
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::domain::payment::{AttemptId, Booking, CardTransaction, Entry, PaymentRecord, PaymentState};
use crate::domain::reason::{InPart, Undelivered};
use crate::domain::session::{Counters, Given, TriesKept};
use crate::ports::{Frozen, Journal, Queue, Retention, ScheduleCache, ScheduleMark, ScheduleNews, StoreError};
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

type Done<T> = Result<T, StoreError>;
type Time = DateTime<FixedOffset>;

#[derive(Default)]
pub struct MemoryStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    payments: Vec<PaymentRecord>,
    /// Every undo there ever was, in order.
    undos: Vec<AttemptId>,
    closings: Vec<ClosingRecord>,
    outbox: Vec<Row>,
    /// Rows of the outbox that are not sent yet, by sequence: all that the sender looks at.
    undelivered: BTreeMap<i64, usize>,
    numbers: BTreeMap<NaiveDate, Counters>,
    last_number_at: Option<Time>,
    tries: Option<TriesKept>,
    schedule: Option<(NaiveDate, Vec<(Patient, Appointment)>)>,
}

struct Row {
    id: Uuid,
    visit: Uuid,
    state: QueueState,
    /// Gone when it is delivered.
    request: Option<Request>,
    bundle: Vec<u8>,
    tries: u32,
    in_try: bool,
    maybe_delivered: bool,
    note: Option<String>,
    undelivered: Option<Undelivered>,
    in_part: Option<InPart>,
    taken: Vec<Taken>,
}

fn refuse<T>(why: &str) -> Done<T> {
    Err(StoreError::Refused(why.to_owned()))
}

/// A queued request: where it stands, and how often it was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub state: QueueState,
    pub tries: u32,
}

impl MemoryStore {
    /// In the order of queueing.
    #[must_use]
    pub fn queued(&self) -> Vec<Standing> {
        self.tables().outbox.iter().map(|row| Standing { state: row.state, tries: row.tries }).collect()
    }

    /// Everything parked is sent once more, as staff have it.
    pub fn retry_parked(&self) {
        self.tables().retry_parked();
    }

    /// How many appointments of which day are kept.
    #[must_use]
    pub fn scheduled(&self) -> Option<(NaiveDate, usize)> {
        self.tables().schedule.as_ref().map(|(day, rows)| (*day, rows.len()))
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn known(&mut self, attempt: AttemptId) -> Done<&mut PaymentRecord> {
        let found = self.payments.iter_mut().rev().find(|payment| payment.attempt == attempt);
        found.ok_or_else(|| StoreError::Refused("the journal knows no such payment attempt".to_owned()))
    }

    fn record(&mut self, entry: &Entry, bundle: &[u8], at: Time) -> Done<()> {
        match entry {
            Entry::Intent { .. } => self.intend(entry, at),
            Entry::Sent { attempt } => self.advance(*attempt, PaymentState::Sent, None),
            Entry::Answered { attempt, transaction, booking, .. } => self.answer(*attempt, transaction, *booking),
            Entry::Committed { attempt, transaction, request, receipt } => {
                self.pay(*attempt, transaction, request, bundle)?;
                let payment = self.known(*attempt)?;
                if payment.state == PaymentState::Committed {
                    payment.receipt.clone_from(receipt);
                }
                Ok(())
            }
            Entry::NotPaid { attempt, reason } => {
                self.advance(*attempt, PaymentState::NotPaid, Some(reason))?;
                forget(&mut self.known(*attempt)?.request);
                Ok(())
            }
            Entry::InDoubt { attempt, reason } => self.advance(*attempt, PaymentState::InDoubt, Some(reason)),
            Entry::NeedsStaff { attempt, reason, transaction } => {
                self.advance(*attempt, PaymentState::NeedsStaff, Some(&reason.to_string()))?;
                self.known(*attempt)?.staff_reason = Some(reason.clone());
                self.keep_booking(*attempt, transaction.as_deref())
            }
            Entry::Evidence { attempt, text } => self.keep_evidence(*attempt, text),
            Entry::Undo(entry) => self.record_undo(entry, bundle, at),
            Entry::Closing(entry) => self.record_closing(entry, at),
            Entry::ReceiptPrinted { attempt } => {
                let payment = self.known(*attempt)?;
                if !matches!(payment.state, PaymentState::Committed | PaymentState::Settled | PaymentState::Reversed) {
                    return refuse("a payment that is not paid has no receipt");
                }
                payment.receipt_printed = true;
                Ok(())
            }
        }
    }

    fn intend(&mut self, entry: &Entry, at: Time) -> Done<()> {
        let Entry::Intent { attempt, number, amount, request, receipt, baseline } = entry else { return Ok(()) };
        if let Some(known) = self.payments.iter().find(|payment| payment.attempt == *attempt) {
            let same = known.state == PaymentState::Intent
                && (&known.number, known.amount, &known.request) == (number, *amount, request.as_ref())
                && (&known.receipt, &known.baseline) == (receipt.as_ref(), baseline);
            return if same { Ok(()) } else { refuse("this attempt has gone further") };
        }
        self.refuse_second_open(*attempt)?;
        let charged =
            |payment: &PaymentRecord| payment.request.id == request.id && payment.state != PaymentState::NotPaid;
        if self.payments.iter().any(charged) {
            return refuse("this request has a payment that is not known to be unpaid: it may not be charged again");
        }
        self.payments.push(PaymentRecord {
            attempt: *attempt,
            number: number.clone(),
            state: PaymentState::Intent,
            amount: *amount,
            request: (**request).clone(),
            receipt: (**receipt).clone(),
            baseline: baseline.clone(),
            transaction: None,
            booking: Booking::default(),
            reason: None,
            staff_reason: None,
            evidence: None,
            started_at: at,
            receipt_printed: false,
            undo: None,
            day_closed: false,
        });
        Ok(())
    }

    fn refuse_second_open(&self, attempt: AttemptId) -> Done<()> {
        if self.payments.iter().any(|payment| payment.is_open() && payment.attempt != attempt) {
            return refuse("another payment is still open: no second one may begin");
        }
        Ok(())
    }

    fn advance(&mut self, attempt: AttemptId, to: PaymentState, reason: Option<&str>) -> Done<()> {
        let from = self.known(attempt)?.state;
        if from != to && !from.may_become(to) {
            return Err(StoreError::Refused(format!("a payment that is {from:?} cannot become {to:?}")));
        }
        if to.is_open() {
            self.refuse_second_open(attempt)?;
        }
        let payment = self.known(attempt)?;
        payment.state = to;
        payment.staff_reason = None;
        if let Some(reason) = reason {
            payment.reason = Some(reason.to_owned());
        }
        Ok(())
    }

    fn answer(&mut self, attempt: AttemptId, card: &CardTransaction, booking: Booking) -> Done<()> {
        if self.known(attempt)?.state == PaymentState::Answered {
            return self.same_card(attempt, card);
        }
        if booking == Booking::Unconfirmed && card.approved {
            self.refuse_second_use(attempt, card)?;
        }
        self.advance(attempt, PaymentState::Answered, None)?;
        let payment = self.known(attempt)?;
        payment.transaction = Some(card.clone());
        payment.booking = booking;
        Ok(())
    }

    /// No line of the card company's books is ever given to two payments.
    fn refuse_second_use(&self, attempt: AttemptId, card: &CardTransaction) -> Done<()> {
        use PaymentState::{Intent, NotPaid, Sent};
        let uses = |payment: &PaymentRecord| {
            let booking = payment.transaction.as_ref().filter(|booking| booking.approved);
            payment.attempt != attempt
                && !matches!(payment.state, Intent | Sent | NotPaid)
                && booking.is_some_and(|booking| booking.is_same_booking(card))
        };
        match self.payments.iter().find(|payment| uses(payment)) {
            Some(other) => {
                Err(StoreError::Refused(format!("this booking belongs to payment {} already", other.number)))
            }
            None => Ok(()),
        }
    }

    /// What a terminal answered first is not written over.
    fn keep_booking(&mut self, attempt: AttemptId, card: Option<&CardTransaction>) -> Done<()> {
        let payment = self.known(attempt)?;
        if let Some(card) = card.filter(|_| !payment.transaction.as_ref().is_some_and(|known| known.approved)) {
            payment.transaction = Some(card.clone());
        }
        Ok(())
    }

    fn keep_evidence(&mut self, attempt: AttemptId, text: &str) -> Done<()> {
        let payment = self.known(attempt)?;
        if !payment.needs_staff() {
            return refuse("a payment that is not with staff needs no evidence");
        }
        match &mut payment.evidence {
            Some(before) if before.lines().any(|line| line == text) => {}
            Some(before) => {
                before.push('\n');
                before.push_str(text);
            }
            none => *none = Some(text.to_owned()),
        }
        Ok(())
    }

    fn same_card(&mut self, attempt: AttemptId, card: &CardTransaction) -> Done<()> {
        if self.known(attempt)?.transaction.as_ref() == Some(card) {
            return Ok(());
        }
        refuse("the terminal's answer differs from the one already in the journal")
    }

    fn pay(&mut self, attempt: AttemptId, card: &CardTransaction, request: &Request, bundle: &[u8]) -> Done<()> {
        let known = self.known(attempt)?;
        if request.id != known.request.id || !carries(request, card) {
            return refuse("the request of a paid attempt must be its own and carry the payment");
        }
        if matches!(known.state, PaymentState::Committed | PaymentState::Settled) {
            return self.same_card(attempt, card);
        }
        if self.queued(request.id).is_some_and(|row| row.request.as_ref().is_some_and(|queued| queued != request)) {
            return Err(StoreError::Other("another request is already queued under this identifier".to_owned()));
        }
        self.refuse_second_use(attempt, card)?;
        self.advance(attempt, PaymentState::Committed, None)?;
        let payment = self.known(attempt)?;
        payment.request = request.clone();
        payment.transaction = Some(card.clone());
        payment.reason = None;
        self.enqueue(request, bundle)
    }
}

fn sequence(at: usize) -> i64 {
    i64::try_from(at + 1).unwrap_or(i64::MAX)
}

fn forget(request: &mut Request) {
    request.patient = PatientNumber(String::new());
    request.patient_ref = None;
}

fn paid_by_card(request: &Request) -> bool {
    matches!(&request.act, Act::Documents { payment: PaymentOfRequest::Card { .. }, .. })
}

fn carries(request: &Request, card: &CardTransaction) -> bool {
    matches!(&request.act, Act::Documents { payment: PaymentOfRequest::Card { transaction, .. }, .. }
        if transaction.as_ref() == card)
}

impl Journal for MemoryStore {
    fn commit(&self, lines: &[Frozen<'_>], at: Time) -> Done<()> {
        self.tables().commit(lines, at)
    }

    fn payments(&self) -> Done<Vec<PaymentRecord>> {
        let tables = self.tables();
        let closed_to = tables.closed_to();
        let mut payments = tables.payments.clone();
        for (at, payment) in payments.iter_mut().enumerate() {
            payment.day_closed = sequence(at) <= closed_to;
        }
        Ok(payments)
    }

    fn payment(&self, attempt: AttemptId) -> Done<Option<PaymentRecord>> {
        let tables = self.tables();
        let found = tables.payments.iter().position(|payment| payment.attempt == attempt);
        let closed = |at| sequence(at) <= tables.closed_to();
        Ok(found.map(|at| PaymentRecord { day_closed: closed(at), ..tables.payments[at].clone() }))
    }

    fn day_book(&self, closing: ClosingId) -> Done<DayBook> {
        Ok(self.tables().day_book(closing))
    }

    fn counters(&self) -> Done<Given> {
        let tables = self.tables();
        Ok(Given { days: tables.numbers.values().copied().collect(), last_at: tables.last_number_at })
    }

    fn tries(&self) -> Done<Option<TriesKept>> {
        Ok(self.tables().tries.clone())
    }
}

impl Queue for MemoryStore {
    fn next_requests(&self, step_over: &[Uuid], most: usize) -> Done<Vec<QueuedRequest>> {
        Ok(self.tables().next(step_over, most))
    }

    fn trying_all(&self, sequences: &[i64]) -> Done<()> {
        let mut tables = self.tables();
        sequences.iter().try_for_each(|sequence| tables.trying(*sequence))
    }

    fn tried_all(&self, tried: &[(i64, Delivery)], _at: Time) -> Done<()> {
        let mut tables = self.tables();
        tried.iter().try_for_each(|(sequence, delivery)| tables.tried(*sequence, delivery))
    }
}

/// Nothing is kept for long.
impl Retention for MemoryStore {
    fn forget_old(&self, _now: Time) -> Done<()> {
        Ok(())
    }
}

impl ScheduleCache for MemoryStore {
    fn update_schedule(&self, day: NaiveDate, news: &ScheduleNews, _at: Time) -> Done<()> {
        self.tables().schedule = Some((day, news.rows.clone()));
        Ok(())
    }

    /// Always the whole day.
    fn schedule_mark(&self, _day: NaiveDate) -> Done<Option<ScheduleMark>> {
        Ok(None)
    }

    fn cached_patient(&self, day: NaiveDate, number: &PatientNumber, born: BirthDate) -> Done<Option<Patient>> {
        let known = |patient: &Patient| patient.number == *number && patient.birth_date == born;
        Ok(self.tables().cached(day).find(|(patient, _)| known(patient)).map(|(patient, _)| offline(patient)))
    }

    fn cached_appointments(&self, day: NaiveDate, number: &PatientNumber) -> Done<Vec<Appointment>> {
        let tables = self.tables();
        let theirs = tables.cached(day).filter(|(patient, _)| patient.number == *number);
        Ok(theirs.map(|(_, appointment)| appointment.clone()).collect())
    }

    fn cached_slip(&self, day: NaiveDate, code: &str) -> Done<Option<(Patient, Appointment)>> {
        let tables = self.tables();
        let found = tables.cached(day).find(|(_, appointment)| appointment.slip.as_deref() == Some(code));
        Ok(found.map(|(patient, appointment)| (offline(patient), appointment.clone())))
    }

    fn wipe_schedule_except(&self, day: NaiveDate) -> Done<()> {
        let mut tables = self.tables();
        tables.schedule = tables.schedule.take().filter(|(known, _)| *known == day);
        Ok(())
    }
}

impl Tables {
    fn cached(&self, day: NaiveDate) -> impl Iterator<Item = &(Patient, Appointment)> {
        self.schedule.iter().filter(move |(known, _)| *known == day).flat_map(|(_, rows)| rows)
    }
}

fn offline(patient: &Patient) -> Patient {
    Patient { offline: true, ..patient.clone() }
}
