//! Three books that must agree: the card company's (kept by the simulated terminal), the kiosk's journal, and the
//! hospital's. The kiosk's own opinion is never asked about the first and the last.

use hospital_kiosk::commands::socket::{self, Request};
use hospital_kiosk::rehearsal::hospital::SimHospital;
use hospital_kiosk::rehearsal::terminal::{Booking, SimTerminal, zvt};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A kiosk that has not made up its mind by then is stuck.
const PATIENCE: Duration = Duration::from_mins(2);
const PAID: [&str; 2] = ["committed", "settled"];
const OPEN: [&str; 4] = ["intent", "sent", "answered", "in-doubt"];

/// What became of the rounds, by what happened to the card and how the payment ended.
#[derive(Default)]
pub struct Tally {
    pub rounds: u64,
    pub kills: u64,
    pub charged: u64,
    ends: BTreeMap<(String, String), u64>,
}

impl Tally {
    pub fn add(&mut self, happened: &str, end: &End) {
        self.rounds += 1;
        self.charged += u64::from(end.booked);
        *self.ends.entry((happened.to_owned(), end.to_string())).or_default() += 1;
    }

    /// How many rounds ended so.
    pub fn ended(&self, state: &str) -> u64 {
        self.ends.iter().filter(|((_, end), _)| end.contains(state)).map(|(_, count)| count).sum()
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            (sum.rounds, sum.kills, sum.charged) =
                (sum.rounds + one.rounds, sum.kills + one.kills, sum.charged + one.charged);
            for (key, count) in one.ends {
                *sum.ends.entry(key).or_default() += count;
            }
            sum
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((happened, end), count) in &self.ends {
            writeln!(out, "  {happened:<10} {end:<28} {count:>6}")?;
        }
        let not = self.rounds - self.charged;
        write!(
            out,
            "  {} rounds, {} kills, {} charged, {not} not: 0 double, 0 lost",
            self.rounds, self.kills, self.charged
        )
    }
}

/// How one round ended.
pub struct End {
    pub booked: bool,
    /// Of its payment; none if the power went before there was one.
    pub state: Option<String>,
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let money = if self.booked { "charged" } else { "not charged" };
        let state = match self.state.as_deref() {
            Some(state) if PAID.contains(&state) => "paid",
            Some(state) => state,
            None => "not begun",
        };
        write!(out, "{money}, {state}")
    }
}

/// What the simulated terminal knows and the kiosk is never asked.
pub trait CardCompany {
    fn bookings(&self) -> Vec<Booking>;
    /// How many charges ever arrived.
    fn charges_seen(&self) -> usize;
}

impl CardCompany for SimTerminal {
    fn bookings(&self) -> Vec<Booking> {
        Self::bookings(self)
    }

    fn charges_seen(&self) -> usize {
        Self::charges_seen(self)
    }
}

impl CardCompany for SimTerminal<zvt::Model> {
    fn bookings(&self) -> Vec<Booking> {
        self.with(|model| model.bookings.clone())
    }

    fn charges_seen(&self) -> usize {
        self.with(|model| model.charges_seen())
    }
}

/// What was in the books when the round began, and the journal of all rounds so far.
pub struct Books {
    store: PathBuf,
    known: BTreeSet<String>,
    bookings: usize,
    charges_seen: usize,
}

impl Books {
    pub fn new(store: &Path, terminal: &dyn CardCompany) -> Self {
        Self {
            store: store.to_owned(),
            known: BTreeSet::new(),
            bookings: terminal.bookings().len(),
            charges_seen: terminal.charges_seen(),
        }
    }

    /// Waits until no payment is open any more and compares what the round added to the books.
    pub fn close_round(&mut self, terminal: &dyn CardCompany) -> Result<End, String> {
        let payments = settled(&self.store)?;
        let new = payments.iter().filter(|payment| !self.known.contains(&text(payment, "id"))).collect::<Vec<_>>();
        let (bookings, charges_seen) = (terminal.bookings(), terminal.charges_seen());
        let booked = &bookings[self.bookings..];
        let sent = charges_seen - self.charges_seen;
        let end = compare(booked, &new, sent)?;
        self.known.extend(payments.iter().map(|payment| text(payment, "id")));
        (self.bookings, self.charges_seen) = (bookings.len(), charges_seen);
        Ok(end)
    }

    /// The hospital is up: all that is paid gets there, each once, and nothing else does.
    pub fn compare_with_hospital(&self, terminal: &dyn CardCompany, hospital: &SimHospital) -> Result<(), String> {
        let payments = delivered(&self.store)?;
        let paid = payments.iter().filter(|payment| PAID.contains(&text(payment, "state").as_str()));
        let approvals = paid.map(|payment| text(payment, "approval_number")).collect::<Vec<_>>();
        let (tasks, invoices) = (hospital.count("Task"), hospital.count("Invoice"));
        if (tasks, invoices) != (approvals.len(), approvals.len()) {
            return Err(format!("{} paid, but the hospital has {tasks} Tasks, {invoices} Invoices", approvals.len()));
        }
        let told = [hospital.resources("PaymentNotice"), hospital.resources("Task")].concat();
        for approval in &approvals {
            let times = told.iter().filter(|resource| tells(resource, approval)).count();
            if times != 1 || approvals.iter().filter(|other| *other == approval).count() != 1 {
                return Err(format!("the payment {approval} is {times} times with the hospital"));
            }
        }
        // All rounds once more: what the card company booked is paid once or with staff, and nothing is paid besides.
        let of_staff = payments.iter().filter(|payment| text(payment, "state") == "needs-staff").count();
        let booked = terminal.bookings();
        let unpaid = booked.iter().filter(|booking| !approvals.contains(&booking.approval_number)).count();
        if unpaid > of_staff || approvals.len() + unpaid != booked.len() {
            return Err(format!("{} booked, {} paid, {of_staff} with staff", booked.len(), approvals.len()));
        }
        Ok(())
    }
}

/// One round's promises: sent once, never twice, never lost, never guessed.
fn compare(booked: &[Booking], payments: &[&Value], sent: usize) -> Result<End, String> {
    let told = || {
        let rows = payments.iter().map(ToString::to_string).collect::<Vec<_>>();
        format!("sent {sent} times, booked {booked:?}, journal {rows:?}")
    };
    if sent > 1 || booked.len() > 1 || payments.len() > 1 {
        return Err(format!("TWICE: {}", told()));
    }
    let Some(payment) = payments.first() else {
        return if booked.is_empty() && sent == 0 {
            Ok(End { booked: false, state: None })
        } else {
            Err(format!("LOST: {}", told()))
        };
    };
    let state = text(payment, "state");
    let paid = PAID.contains(&state.as_str());
    match booked.first() {
        Some(booking) => {
            let same = payment["amount"] == booking.amount.0;
            let proved = paid && text(payment, "approval_number") == booking.approval_number;
            if !same || !(proved || state == "needs-staff") {
                return Err(format!("LOST: {}", told()));
            }
        }
        None if paid => return Err(format!("GUESSED: {}", told())),
        None => {}
    }
    Ok(End { booked: !booked.is_empty(), state: Some(state) })
}

/// Its approval number stands in this resource, where a payment is told.
fn tells(resource: &Value, approval: &str) -> bool {
    let value =
        |list: &str, key: &str| resource[list].as_array().into_iter().flatten().any(|entry| entry[key] == approval);
    value("identifier", "value") || value("input", "valueString")
}

fn text(row: &Value, key: &str) -> String {
    row[key].as_str().unwrap_or_default().to_owned()
}

/// The payments once none is open any more.
pub fn settled(store: &Path) -> Result<Vec<Value>, String> {
    let open = |payment: &Value| OPEN.contains(&text(payment, "state").as_str());
    wait_for(store, &Request::PaymentsList { json: true }, |payments| !payments.iter().any(open))
}

/// The payments once nothing waits for the hospital.
fn delivered(store: &Path) -> Result<Vec<Value>, String> {
    wait_for(store, &Request::QueueList { json: true }, |rows| rows.iter().all(|row| text(row, "state") == "sent"))?;
    settled(store)
}

fn wait_for(store: &Path, request: &Request, holds: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>, String> {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = ask(store, request);
        match answer {
            Ok(rows) if holds(&rows) => return Ok(rows),
            Ok(rows) if Instant::now() > end => return Err(format!("STUCK: {rows:?}")),
            Err(why) if Instant::now() > end => return Err(why),
            Ok(_) | Err(_) => sleep(Duration::from_millis(20)),
        }
    }
}

pub fn ask(store: &Path, request: &Request) -> Result<Vec<Value>, String> {
    let answer = socket::ask(store, request).ok_or("no kiosk answers")?.map_err(|refusal| refusal.why)?;
    answer.iter().map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect()
}

/// The judge himself: each broken promise is told, and what is right is not.
#[test]
fn the_books_find_what_is_double_lost_or_guessed() {
    use hospital_kiosk::domain::money::Amount;
    let booking = |number: &str| Booking { amount: Amount(3000), approval_number: number.to_owned() };
    let payment = |state: &str| serde_json::json!({"state": state, "amount": 3000, "approval_number": "1"});
    let verdict = |booked: &[&str], states: &[&str], sent| {
        let booked = booked.iter().map(|number| booking(number)).collect::<Vec<_>>();
        let payments = states.iter().map(|state| payment(state)).collect::<Vec<_>>();
        compare(&booked, &payments.iter().collect::<Vec<_>>(), sent).map(|end| end.to_string())
    };
    let table: [(&[&str], &[&str], usize, &str); 14] = [
        (&[], &[], 0, "not charged, not begun"),
        (&[], &["not-paid"], 0, "not charged, not-paid"),
        (&[], &["needs-staff"], 1, "not charged, needs-staff"),
        (&["1"], &["settled"], 1, "charged, paid"),
        (&["1"], &["committed"], 1, "charged, paid"),
        (&["1"], &["needs-staff"], 1, "charged, needs-staff"),
        (&["1", "2"], &["settled"], 2, "TWICE"),
        (&["1"], &["settled"], 2, "TWICE"),
        (&["1"], &["settled", "settled"], 1, "TWICE"),
        (&["1"], &[], 1, "LOST"),
        (&[], &[], 1, "LOST"),
        (&["1"], &["not-paid"], 1, "LOST"),
        (&["2"], &["settled"], 1, "LOST"),
        (&[], &["committed"], 1, "GUESSED"),
    ];
    for (booked, states, sent, expected) in table {
        let told = verdict(booked, states, sent).unwrap_or_else(|error| error);
        assert!(told.starts_with(expected), "{booked:?} {states:?} {sent}: {told}");
    }
}
