//! What is kept, in words.

use crate::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction, PaymentState};
use crate::domain::closing::{ClosingEnd, ClosingId, ClosingRecord};
use crate::domain::language::{Language, LocalText};
use crate::domain::ledger::{Booked, Queued, Refusal, Rows, Waiting, Which};
use crate::domain::money::Amount;
use crate::domain::outbox::{Act, PaymentOfRequest, QueueState, Request, Tries};
use crate::domain::paper::Receipt;
use crate::domain::patient::PatientNumber;
use crate::domain::payment::PaymentRecord;
use crate::domain::reason::InPart;
use crate::domain::terminal::TerminalTotals;
use crate::domain::terminal::{UndoAnswer, UndoWay};
use crate::domain::undo::{UndoRecord, UndoState};
use chrono::{DateTime, FixedOffset};
use std::borrow::Cow;
use uuid::Uuid;

pub const BUNDLE: &[u8] = b"frozen";

pub fn at() -> DateTime<FixedOffset> {
    DateTime::UNIX_EPOCH.fixed_offset()
}

/// The words of one fact or entry.
pub struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    pub fn of(text: &'a str) -> Self {
        Self(text.split_whitespace().collect())
    }

    pub fn get(&self, at: usize) -> &'a str {
        self.0.get(at).copied().unwrap_or_default()
    }

    pub fn number(&self, at: usize) -> u32 {
        self.get(at).parse().unwrap_or(0)
    }

    pub fn has(&self, word: &str) -> bool {
        self.0.contains(&word)
    }

    pub fn after(&self, word: &str) -> Option<&'a str> {
        let at = self.0.iter().position(|known| *known == word)?;
        self.0.get(at + 1).copied()
    }

    pub fn number_after(&self, word: &str) -> Option<u32> {
        self.after(word)?.parse().ok()
    }

    /// `card 2`, `card 2 declined`, `card 2 again` (one mark is the same); that of the payment if none is named.
    pub fn card(&self, payment: u32) -> CardTransaction {
        let number = self.number_after("card").unwrap_or(payment);
        CardTransaction {
            approved: !self.has("declined"),
            amount: Amount(5_100),
            approval_number: format!("A{number}"),
            masked_card: String::new(),
            issuer: String::new(),
            acquirer: String::new(),
            terminal_time: String::new(),
            unique_number: if self.has("again") { "other".to_owned() } else { format!("U{number}") },
            merchant_number: String::new(),
            decline: None,
        }
    }

    pub fn request(&self, number: u32) -> Request {
        let id = self.number_after("of").unwrap_or(number);
        let payment = if self.has("unpaid") {
            PaymentOfRequest::Unpaid
        } else if self.has("free") {
            PaymentOfRequest::Free
        } else {
            let transaction = Box::new(match self.number_after("carries") {
                Some(other) => Words::of("").card(other),
                None => self.card(number),
            });
            PaymentOfRequest::Card { attempt_number: format!("K3-{number:04}"), transaction }
        };
        request(id, payment)
    }
}

pub fn id(number: u32) -> Uuid {
    Uuid::from_u128(number.into())
}

pub fn attempt(number: u32) -> AttemptId {
    AttemptId(id(number))
}

fn request(number: u32, payment: PaymentOfRequest) -> Request {
    Request {
        id: id(number),
        visit: id(number),
        made_at: at(),
        language: Language::En,
        patient: PatientNumber("12345678".to_owned()),
        patient_ref: Some("Patient/1".to_owned()),
        act: Act::Documents {
            claim: "C-1".to_owned(),
            lines: Vec::new(),
            total: Amount(5_100),
            currency: "KRW".to_owned(),
            consent_version: "1".to_owned(),
            payment,
        },
    }
}

pub fn cancellation(number: u32) -> Request {
    let (claim, currency, attempt_number) = ("C-1".to_owned(), "KRW".to_owned(), "K3-0001".to_owned());
    let act = Act::Cancellation { of: id(number), claim, amount: Amount(5_100), currency, attempt_number };
    Request { act, ..request(90 + number, PaymentOfRequest::Unpaid) }
}

pub fn receipt() -> Receipt {
    Receipt {
        language: Language::En,
        at: at(),
        claim: "C-1".to_owned(),
        lines: Vec::new(),
        total: Amount(5_100),
        card: None,
        pay_at: None,
        collect_at: LocalText::default(),
        ready_at: at(),
        collect_until: None,
        bring: LocalText::default(),
        duplicate: false,
    }
}

struct Row {
    waiting: Waiting,
    request: Request,
    bundle: &'static [u8],
}

/// What is there before.
#[derive(Default)]
pub struct Kept {
    payments: Vec<PaymentRecord>,
    undos: Vec<(AttemptId, UndoRecord)>,
    closings: Vec<ClosingRecord>,
    queue: Vec<Row>,
}

impl Kept {
    /// `pay 1 sent, undo 1 sent of 1, closing 1 asked, queue 1 waiting`.
    pub fn of(text: &str) -> Self {
        let mut kept = Self::default();
        for fact in text.split(',').map(Words::of).filter(|fact| !fact.0.is_empty()) {
            match fact.get(0) {
                "pay" => kept.payments.push(payment(&fact)),
                "undo" => kept.add_undo(&fact),
                "closing" => {
                    let end = (fact.get(2) == "told").then(|| told(fact.number(3)));
                    let (closing, asked_at) = (ClosingId(id(fact.number(1))), at());
                    kept.closings.push(ClosingRecord { closing, asked_at, end, charges_to: 0, undos_to: 0 });
                }
                "queue" => kept.queue.push(row(&fact, kept.queue.len())),
                other => panic!("no fact: {other}"),
            }
        }
        kept
    }

    fn add_undo(&mut self, fact: &Words<'_>) {
        let state = UndoState::ALL.into_iter().find(|state| state.word() == fact.get(2)).expect("a state");
        let of = attempt(fact.number_after("of").unwrap_or_else(|| fact.number(1)));
        let transaction = fact.card(fact.number(1));
        let undo = UndoRecord {
            undo: undo(fact.number(1)),
            way: UndoWay::WithoutCard,
            state,
            amount: transaction.amount,
            transaction,
            answer: (state == UndoState::Answered).then_some(UndoAnswer::Reversed),
            reason: fact.after("because").map(str::to_owned),
            started_at: at(),
        };
        if let Some(payment) = self.payments.iter_mut().find(|payment| payment.attempt == of) {
            payment.undo = Some(undo.clone());
        }
        self.undos.push((of, undo));
    }
}

pub fn undo(number: u32) -> AttemptId {
    attempt(700 + number)
}

/// It has a card from its answer on; in doubt, with staff or not paid it has the one that is named.
fn payment(fact: &Words<'_>) -> PaymentRecord {
    let number = fact.number(1);
    let state = PaymentState::ALL.into_iter().find(|state| state.word() == fact.get(2)).expect("a state");
    let has_card = match state {
        PaymentState::Intent | PaymentState::Sent => false,
        PaymentState::Answered | PaymentState::Committed | PaymentState::Settled | PaymentState::Reversed => true,
        PaymentState::NotPaid | PaymentState::InDoubt | PaymentState::NeedsStaff => fact.has("card"),
    };
    let unpaid = Words::of("unpaid").request(fact.number_after("of").unwrap_or(number));
    PaymentRecord {
        attempt: attempt(number),
        number: format!("K3-{number:04}"),
        state,
        amount: Amount(5_100),
        request: unpaid,
        receipt: receipt(),
        baseline: LastTransaction::Empty,
        transaction: has_card.then(|| fact.card(number)),
        booking: Booking::Final,
        reason: fact.after("because").map(str::to_owned),
        staff_reason: None,
        evidence: fact.after("evidence").map(str::to_owned),
        started_at: at(),
        receipt_printed: false,
        undo: None,
        day_closed: false,
    }
}

pub fn told(count: u32) -> ClosingEnd {
    let count = Some(count);
    ClosingEnd::Told(TerminalTotals { count, amount: Amount(5_100), of_cards: None, receipts: None })
}

fn row(fact: &Words<'_>, rows: usize) -> Row {
    let number = fact.number(1);
    let state = match fact.get(2) {
        "waiting" => QueueState::Waiting,
        "parked" => QueueState::Parked,
        "sent" => QueueState::Sent,
        other => panic!("no state: {other}"),
    };
    let tries = Tries {
        count: fact.number_after("tries").unwrap_or(0),
        in_try: fact.has("in-try"),
        maybe_delivered: fact.has("maybe"),
    };
    let in_part = fact.has("part").then_some(InPart::FirstEntries);
    let sequence = i64::try_from(rows + 1).expect("a few rows");
    let request = if fact.has("cancels") { cancellation(number - 90) } else { fact.request(number) };
    let bundle = if fact.has("other-bundle") { b"other" } else { BUNDLE };
    Row { waiting: Waiting { sequence, state, tries, in_part }, request, bundle }
}

type Found<T> = Result<T, Refusal>;

impl Rows for Kept {
    type Error = Refusal;

    fn payment(&self, attempt: AttemptId) -> Found<Option<Cow<'_, PaymentRecord>>> {
        Ok(self.payments.iter().find(|payment| payment.attempt == attempt).map(Cow::Borrowed))
    }

    fn has_payment(&self, stands: fn(PaymentState) -> bool, but: Option<AttemptId>) -> Found<bool> {
        Ok(self.payments.iter().any(|payment| stands(payment.state) && Some(payment.attempt) != but))
    }

    fn has_undo(&self, stands: fn(UndoState) -> bool) -> Found<bool> {
        Ok(self.undos.iter().any(|(_, undo)| stands(undo.state)))
    }

    fn payments_of(&self, request: Uuid) -> Found<Vec<(AttemptId, PaymentState)>> {
        let of = self.payments.iter().filter(|payment| payment.request.id == request);
        Ok(of.map(|payment| (payment.attempt, payment.state)).collect())
    }

    fn bookings_like(&self, like: &CardTransaction) -> Found<Vec<Booked>> {
        let mut found = Vec::new();
        for payment in &self.payments {
            if let Some(card) = payment.transaction.clone().filter(|card| card.shares_mark(like)) {
                let (attempt, number, state) = (payment.attempt, payment.number.clone(), payment.state);
                found.push(Booked { attempt, number, state, card });
            }
        }
        Ok(found)
    }

    fn undo(&self, undo: AttemptId) -> Found<Option<(AttemptId, Cow<'_, UndoRecord>)>> {
        let known = self.undos.iter().find(|(_, known)| known.undo == undo);
        Ok(known.map(|(of, known)| (*of, Cow::Borrowed(known))))
    }

    fn closing(&self, closing: ClosingId) -> Found<Option<Cow<'_, ClosingRecord>>> {
        Ok(self.closings.iter().find(|known| known.closing == closing).map(Cow::Borrowed))
    }

    fn last_places(&self) -> Found<(i64, i64)> {
        let count = |rows| i64::try_from(rows).expect("a few rows");
        Ok((count(self.payments.len()), count(self.undos.len())))
    }

    fn queued(&self, request: Uuid) -> Found<Option<Queued<'_>>> {
        let row = self.queue.iter().find(|row| row.request.id == request);
        let is_over = |row: &Row| row.waiting.state == QueueState::Sent;
        Ok(row.map(|row| Queued {
            request: (!is_over(row)).then_some(Cow::Borrowed(&row.request)),
            bundle: Cow::Borrowed(row.bundle),
        }))
    }

    fn waiting(&self, which: Which) -> Found<Option<Waiting>> {
        let is_it = |row: &&Row| match which {
            Which::Sequence(sequence) => row.waiting.sequence == sequence,
            Which::Id(id) => row.request.id == id,
        };
        Ok(self.queue.iter().find(is_it).map(|row| row.waiting))
    }

    fn request(&self, sequence: i64) -> Found<Option<Cow<'_, Request>>> {
        let held = |row: &&Row| row.waiting.sequence == sequence && row.waiting.state != QueueState::Sent;
        Ok(self.queue.iter().find(held).map(|row| Cow::Borrowed(&row.request)))
    }
}
