//! The store on the disk and the rehearsal's in memory say the same, whatever is recorded and sent in whatever order:
//! also what is refused, in the same words, and what a batch leaves that is refused in its middle.

use super::*;
use chrono::TimeDelta;
use hospital_kiosk::domain::closing::{ClosingEnd, ClosingEntry, ClosingId, DayBook};
use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::outbox::{Delivery, QueueState};
use hospital_kiosk::domain::reason::{Delay, KeptOut, LineTrouble, ParkReason, Parts, Told};
use hospital_kiosk::domain::terminal::{TerminalDay, TerminalTotals};
use hospital_kiosk::domain::terminal::{UndoAnswer, UndoWay};
use hospital_kiosk::domain::undo::UndoEntry;
use hospital_kiosk::ports::{Frozen, Journal, JournalLines, Queue, QueueList};
use hospital_kiosk::rehearsal::days::memory_store::MemoryStore;
use proptest::prelude::*;
use proptest::test_runner::{TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Ways that a payment takes, by the words of [`entry`].
const WAYS: [&str; 9] = [
    "intent sent answered committed printed",
    "intent sent in-doubt evidence answered printed committed",
    "intent sent in-doubt needs-staff evidence committed printed",
    "intent sent in-doubt needs-staff-booked evidence not-paid",
    "intent not-paid needs-staff-booked in-doubt committed",
    "intent not-paid intent sent answered not-paid",
    "intent sent unconfirmed in-doubt needs-staff-booked evidence-2 evidence evidence-2",
    "committed-unpaid printed needs-staff sent answered-otherwise committed-otherwise",
    "intent-otherwise answered-otherwise unconfirmed-otherwise in-doubt evidence",
];
const UNDO_WAYS: [&str; 6] = [
    "intent sent answered reversed",
    "intent not-reversed intent sent",
    "intent sent in-doubt needs-staff reversed",
    "intent sent in-doubt answered-otherwise not-reversed",
    "intent-otherwise sent needs-staff answered reversed-silently",
    "intent-of-another intent sent answered answered-otherwise reversed",
];

#[derive(Debug, Clone)]
enum Step {
    /// Of payment `number`, words `from..from + count` of a way, each line a batch of its own or all in one; then perhaps a line
    /// of another.
    Lines {
        undo: bool,
        number: u32,
        way: usize,
        from: usize,
        count: usize,
        together: bool,
        and: Option<(u32, usize)>,
    },
    Closing {
        number: u128,
        end: Option<u8>,
    },
    Queue {
        number: u128,
        visit: u128,
        other: bool,
    },
    Try(Vec<i64>),
    End(Vec<(i64, u8)>),
    RetryParked,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = || prop_oneof![3 => Just(1_u32), 3 => Just(2), 2 => Just(4), 1 => Just(3)];
    let and = || prop::option::weighted(0.2, (1_u32..4, 0_usize..9));
    let charge = (
        number(),
        prop_oneof![2 => Just(0_usize), 3 => 0_usize..9],
        prop_oneof![3 => Just(0_usize), 1 => 0_usize..6],
        prop_oneof![1 => 1_usize..4, 2 => 4_usize..7],
        any::<bool>(),
        and(),
    );
    let undo = (number(), 0_usize..6, 0_usize..4, 1_usize..5, any::<bool>(), and());
    let lines = |undo| {
        move |(number, way, from, count, together, and)| Step::Lines { undo, number, way, from, count, together, and }
    };
    let sequence = || 1_i64..6;
    let step = prop_oneof![
        7 => charge.prop_map(lines(false)),
        6 => undo.prop_map(lines(true)),
        4 => (1_u128..4, prop::option::of(0_u8..6)).prop_map(|(number, end)| Step::Closing { number, end }),
        2 => (11_u128..14, 1_u128..3, prop::bool::weighted(0.2))
            .prop_map(|(number, visit, other)| Step::Queue { number, visit, other }),
        3 => prop::collection::vec(sequence(), 1..4).prop_map(Step::Try),
        5 => prop::collection::vec((sequence(), 0_u8..11), 1..4).prop_map(Step::End),
        1 => Just(Step::RetryParked),
    ];
    // What is given back has to be paid first.
    let pay = Step::Lines { undo: false, number: 1, way: 0, from: 0, count: 4, together: false, and: None };
    (any::<bool>(), prop::collection::vec(step, 10..60)).prop_map(move |(paid, mut steps)| {
        if paid {
            steps.insert(0, pay.clone());
        }
        steps
    })
}

/// Payments 1, 2 and 4 are of one request.
fn request_of(number: u32) -> u128 {
    if number == 3 { 3 } else { 1 }
}

fn entry(number: u32, word: &str) -> Entry {
    let (id, attempt) = (u128::from(number), attempt(number.into()));
    let (word, otherwise) = word.strip_suffix("-otherwise").map_or((word, false), |word| (word, true));
    let booking = approval(if otherwise { id % 3 + 1 } else { id });
    let transaction = card(&booking);
    match word {
        "intent" => {
            let Entry::Intent { number, amount, receipt, baseline, .. } = intent(id) else { unreachable!() };
            let request = request(request_of(attempt.0.as_u128().try_into().unwrap()), 1, PaymentOfRequest::Unpaid);
            let amount = if otherwise { Amount(9) } else { amount };
            Entry::Intent { attempt, number, amount, request, receipt, baseline }
        }
        "sent" => sent(id),
        "answered" | "unconfirmed" => {
            let booking = if word == "answered" { Booking::Final } else { Booking::Unconfirmed };
            Entry::Answered { attempt, raw: vec![2, 3], transaction, booking }
        }
        "committed" => {
            let request = request(request_of(number), 1, by_card(&booking));
            Entry::Committed { attempt, transaction, request, receipt: receipt() }
        }
        "committed-unpaid" => {
            let request = request(request_of(number), 1, PaymentOfRequest::Unpaid);
            Entry::Committed { attempt, transaction, request, receipt: receipt() }
        }
        "not-paid" => not_paid(id),
        "in-doubt" => in_doubt(id),
        "needs-staff" => needs_staff(id),
        "needs-staff-booked" => {
            let transaction = Some(transaction);
            Entry::NeedsStaff { attempt, reason: StaffReason::OtherTime, transaction }
        }
        "evidence" | "evidence-2" => Entry::Evidence { attempt, text: word.to_owned() },
        "printed" => receipt_printed(id),
        other => panic!("{other}"),
    }
}

/// Undos 1 and 4 are of payment 1.
fn undo_entry(number: u32, word: &str) -> Entry {
    let undo = AttemptId(Uuid::from_u128(700 + u128::from(number)));
    let of = u128::from((number - 1) % 3 + 1);
    let (word, otherwise) = word.strip_suffix("-otherwise").map_or((word, false), |word| (word, true));
    let reason = word.to_owned();
    Entry::Undo(match word {
        "intent" => {
            let way = if otherwise { UndoWay::WithCard } else { UndoWay::WithoutCard };
            UndoEntry::Intent { undo, of: attempt(of), way, transaction: card(&approval(of)) }
        }
        "intent-of-another" => {
            let transaction = card(&approval(of % 3 + 1));
            UndoEntry::Intent { undo, of: attempt(of), way: UndoWay::WithoutCard, transaction }
        }
        "sent" => UndoEntry::Sent { undo },
        "answered" => {
            let answer = if otherwise { UndoAnswer::AlreadyReversed } else { UndoAnswer::Reversed };
            UndoEntry::Answered { undo, raw: vec![2], answer }
        }
        "reversed" => {
            let (claim, currency, attempt_number) = ("C-0001".into(), "KRW".into(), format!("K3-{of:04}"));
            let act =
                Act::Cancellation { of: Uuid::from_u128(of), claim, amount: Amount(5100), currency, attempt_number };
            // One identifier for all of them: some are taken.
            let told = Request { id: Uuid::from_u128(90), act, ..*request(of, 1, PaymentOfRequest::Unpaid) };
            UndoEntry::Reversed { undo, cancellation: Some(Box::new(told)) }
        }
        "reversed-silently" => UndoEntry::Reversed { undo, cancellation: None },
        "not-reversed" => UndoEntry::NotReversed { undo, reason },
        "in-doubt" => UndoEntry::InDoubt { undo, reason },
        "needs-staff" => UndoEntry::NeedsStaff { undo, reason },
        other => panic!("{other}"),
    })
}

fn closing(number: u128, end: Option<u8>) -> Entry {
    let closing = ClosingId(Uuid::from_u128(800 + number));
    let untold = |day| ClosingEnd::Untold { day, reason: "why".to_owned() };
    let told = |count| {
        ClosingEnd::Told(TerminalTotals { count: Some(count), amount: Amount(5100), of_cards: None, receipts: None })
    };
    Entry::Closing(match end {
        None => ClosingEntry::Asked { closing },
        Some(end) => {
            let batch = [TerminalDay::Open, TerminalDay::Closed, TerminalDay::Unknown, TerminalDay::NotKept];
            let end = batch.get(usize::from(end)).map_or_else(|| told(end.into()), |batch| untold(*batch));
            ClosingEntry::Ended { closing, end }
        }
    })
}

fn delivery(which: u8) -> Delivery {
    let issues = String::new;
    let later = |maybe_delivered| Delivery::Later {
        reason: Delay::Line(LineTrouble::NoAnswer),
        after_s: None,
        maybe_delivered,
        away: true,
    };
    match which {
        0 | 1 => Delivery::Done { note: None },
        2 => Delivery::Done { note: Some(Told::Twice) },
        3 => Delivery::Part {
            taken: vec![Some("ChargeItem/1".to_owned()), None],
            parts: Parts::There { there: 2, all: 9 },
        },
        4 => Delivery::Part { taken: Vec::new(), parts: Parts::FewerTogether },
        5 => later(false),
        6 => later(true),
        7 => Delivery::Busy { after_s: Some(7) },
        8 => Delivery::Park { reason: ParkReason::Status { status: 422, issues: issues() } },
        9 => Delivery::Park { reason: ParkReason::TakenApart { refused: vec![Some(422)], issues: issues() } },
        _ => Delivery::Hold { reason: KeptOut::Server { status: 401, issues: issues() } },
    }
}

/// What both stores can.
trait Kept: Journal + Queue {
    fn retry_parked(&self);
    fn rows(&self) -> Result<Vec<(QueueState, u32)>, StoreError>;
}

impl Kept for SqliteStore {
    fn retry_parked(&self) {
        for row in self.requests().unwrap().iter().filter(|row| row.state == QueueState::Parked) {
            assert!(self.retry(row.id).unwrap());
        }
    }

    fn rows(&self) -> Result<Vec<(QueueState, u32)>, StoreError> {
        Ok(self.requests()?.iter().map(|row| (row.state, row.tries)).collect())
    }
}

impl Kept for MemoryStore {
    fn retry_parked(&self) {
        Self::retry_parked(self);
    }

    fn rows(&self) -> Result<Vec<(QueueState, u32)>, StoreError> {
        Ok(self.queued().iter().map(|row| (row.state, row.tries)).collect())
    }
}

fn commit(store: &dyn Kept, lines: &[Line], at: DateTime<FixedOffset>) -> Result<(), StoreError> {
    let frozen = |line| Frozen { line, bundle: BUNDLE.to_vec() };
    store.commit(&lines.iter().map(frozen).collect::<Vec<_>>(), at)
}

/// One by one, each with what came of it.
fn carry_out(store: &dyn Kept, step: &Step, at: DateTime<FixedOffset>) -> Vec<Result<(), StoreError>> {
    match step {
        Step::Lines { undo, number, way, from, count, together, and } => {
            let entry = if *undo { undo_entry } else { entry };
            let ways: &[&str] = if *undo { &UNDO_WAYS } else { &WAYS };
            let words = |way: usize| ways[way % ways.len()].split(' ');
            let mut lines: Vec<Line> =
                words(*way).skip(*from).take(*count).map(|word| Line::Entry(entry(*number, word))).collect();
            let counters = Counters { day: day(), tickets: *number, ..Counters::default() };
            lines.insert(0, Line::Counters(counters));
            lines.extend(and.and_then(|(other, way)| Some(Line::Entry(entry(other, words(way).next()?)))));
            if *together {
                return vec![commit(store, &lines, at)];
            }
            lines.iter().map(|line| commit(store, std::slice::from_ref(line), at)).collect()
        }
        Step::Closing { number, end } => vec![commit(store, &[Line::Entry(closing(*number, *end))], at)],
        Step::Queue { number, visit, other } => {
            let paid = if *other { PaymentOfRequest::Free } else { PaymentOfRequest::Unpaid };
            vec![store.queue(&request(*number, *visit, paid), BUNDLE)]
        }
        Step::Try(sequences) => vec![store.begin_tries(sequences)],
        Step::End(tried) => {
            let tried: Vec<(i64, Delivery)> = tried.iter().map(|(row, which)| (*row, delivery(*which))).collect();
            vec![store.end_tries(&tried, at)]
        }
        Step::RetryParked => {
            store.retry_parked();
            Vec::new()
        }
    }
}

type Seen = (Vec<PaymentRecord>, Vec<(QueueState, u32)>, Vec<QueuedRequest>, Given, Vec<DayBook>);

fn seen(store: &dyn Kept) -> Result<Seen, StoreError> {
    let books = (1..4).map(|number| store.day_book(ClosingId(Uuid::from_u128(800 + number))));
    let payments = store.payments()?;
    for payment in &payments {
        assert_eq!(store.payment(payment.attempt)?.as_ref(), Some(payment));
    }
    let next = store.next_requests(&[], 10)?;
    Ok((payments, store.rows()?, next, store.counters()?, books.collect::<Result<_, _>>()?))
}

thread_local! {
    /// What came of all steps, in words: whatever is not among them was not tried.
    static CAME: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

fn both_agree(steps: &[Step]) -> Result<(), TestCaseError> {
    // On a disk made of memory: nothing here is about durability, and there are thousands of writes.
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let (disk, lists) = (Disk { root }.open_kept(), MemoryStore::default());
    for (minute, step) in (0..).zip(steps) {
        let at = at() + TimeDelta::minutes(minute);
        let mine = carry_out(&disk.1, step, at);
        let theirs = carry_out(&lists, step, at);
        prop_assert_eq!(format!("{:?}", mine), format!("{:?}", theirs), "{:?}", step);
        prop_assert_eq!(seen(&disk.1).unwrap(), seen(&lists).unwrap(), "after {:?}", step);
        CAME.with_borrow_mut(|came| came.extend(mine.into_iter().map(|came| format!("{came:?}"))));
    }
    Ok(())
}

impl Disk {
    fn open_kept(self) -> (Self, SqliteStore) {
        let store = self.open();
        (self, store)
    }
}

/// The same steps each time, so that every refusal can be asked for.
#[test]
fn the_store_on_the_disk_and_the_one_in_memory_agree_on_everything() {
    let config = ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    TestRunner::new_with_rng(config, rng).run(&steps(), |steps| both_agree(&steps)).unwrap();
    let came = CAME.with_borrow(BTreeSet::clone);
    let begins = |words: &str| came.iter().any(|came| came.starts_with(&format!("Err(Refused(\"{words}")));
    let missing: Vec<&str> = REFUSALS.into_iter().filter(|words| !begins(words)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "were never met");
}

const REFUSALS: [&str; 22] = [
    "the journal knows no such payment attempt",
    "a payment that is intent cannot become intent",
    "a payment that is settled cannot become",
    "a payment that is reversed cannot become",
    "another payment is still open",
    "a payment is being given back",
    "this request has a payment that is not known to be unpaid",
    "the terminal's answer differs from the one already in the journal",
    "this booking belongs to payment",
    "the request of a paid attempt must be its own and carry the payment",
    "a payment that is in-doubt needs no evidence",
    "a payment that is answered has no receipt",
    "the journal knows no such undo",
    "an undo that is",
    "a payment that is committed cannot be given back now",
    "only the booking of a payment can be given back",
    "the terminal's answer differs from the one in the journal",
    "the journal knows no such end of day",
    "this end of day has gone further",
    "the terminal's totals differ from those already in the journal",
    "another request is already queued under this identifier",
    "no such request is waiting in the queue",
];
