//! Staff at the kiosk: their PIN, what they are told, and what is kept of what they did.

use super::patient::PatientNumber;
use super::payment::PaymentRecord;
use super::person::{Insider, StaffNumber, Who};
use crate::domain::reason::{InPart, ParkReason, Told};
use chrono::{DateTime, FixedOffset};
use std::fmt;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub const PIN_MIN: usize = 4;
pub const PIN_MAX: usize = 8;
/// Wrong tries until a person is locked; of the PIN without a number, until the number is asked for.
pub const PIN_TRIES_MAX: u32 = 5;
/// A locked person may try once more after this; each further wrong try locks anew. `kiosk staff pin` unlocks at once.
pub const PIN_LOCK_MIN: i64 = 15;
/// The longest that the machine waits after a wrong try, whoever's it was.
pub const WAIT_MAX_S: u32 = 64;
/// One wrong try of the machine is forgotten after this.
pub const WRONG_FORGOTTEN_MIN: i64 = 10;

/// How long the machine takes no further try after so many wrong ones in a row: nobody can guess through the numbers, and
/// nobody who is no member of staff can shut them out.
#[must_use]
pub const fn wait_s(wrong: u32) -> u32 {
    if wrong < PIN_TRIES_MAX {
        return 0;
    }
    let doublings = wrong - PIN_TRIES_MAX + 1;
    if doublings < 6 { 1 << doublings } else { WAIT_MAX_S }
}

/// Digits being typed. A fixed place in memory, so that no copy is left behind when it grows; gone when dropped.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Pin {
    digits: [u8; PIN_MAX],
    length: usize,
}

impl Pin {
    /// `None` unless it is four to eight digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut pin = Self::default();
        let fits = (PIN_MIN..=PIN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.bytes().filter(|_| fits).for_each(|byte| pin.push(byte - b'0'));
        fits.then_some(pin)
    }

    /// More than eight are not taken.
    pub fn push(&mut self, digit: u8) {
        if let Some(place) = self.digits.get_mut(self.length) {
            *place = b'0' + digit.min(9);
            self.length += 1;
        }
    }

    pub fn erase(&mut self) {
        self.length = self.length.saturating_sub(1);
        self.digits[self.length] = 0;
    }

    #[must_use]
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.length]
    }

    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.length >= PIN_MIN
    }

    /// All the same, or counted up or down: what is guessed first.
    #[must_use]
    pub fn is_guessable(&self) -> bool {
        let steps = |step: i16| self.digits().windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == step);
        [0, 1, -1].into_iter().any(steps)
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pin(redacted)")
    }
}

/// How things stand at the door of the staff area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nobody has set a PIN: `kiosk staff pin`.
    NoPin,
    /// A PIN is wanted, and no number: there is one person only.
    Closed,
    /// A staff number is wanted first: there are several, or (`after_wrong`) the PIN alone was wrong too often.
    Number {
        after_wrong: bool,
    },
    Wrong {
        tries_left: u32,
    },
    /// Number or PIN was wrong, or the number is locked: which of them is told to nobody.
    Refused,
    /// After wrong tries nobody may try for so long; this one was not counted.
    Wait {
        seconds: u32,
    },
    /// Whoever is inside was asked for the PIN again, and missed it too often.
    Locked {
        until: DateTime<FixedOffset>,
    },
    Open(Insider),
    /// The store cannot be read or written: nobody gets in on a guess.
    Unknown,
}

/// What the staff area asks of the shell. Never on the window's or the session's own time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffCommand {
    /// Is there a PIN, and what is asked for?
    Knock,
    /// Without a number where the gate asks for none.
    Try { number: Option<StaffNumber>, pin: Pin },
    /// The PIN of whoever is inside once more, before money moves.
    Confirm { who: StaffNumber, pin: Pin },
    /// The lists as they are now.
    Look,
    /// Send a parked request once more.
    Retry { who: Who, request: Uuid },
    /// What waits is tried now, whatever it waits for. Not answered.
    TryNow,
    /// People entered a parked request at the hospital: it is over.
    Close { who: Who, request: Uuid, evidence: Entered },
    /// How an act ended; its beginning is in the trail already. Not answered.
    Note(AuditEntry),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffReply {
    Gate(Gate),
    Lists(Box<StaffLists>),
    /// The store could not be read.
    NoLists,
    /// `false`: it is not parked any more.
    Retried(bool),
    /// As above.
    Closed(bool),
}

/// Of payments that are unfinished, that were paid today and that were paid before, the newest each: more is no list any more.
pub const PAYMENTS_LISTED_MAX: usize = 100;

/// What staff have to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StaffLists {
    /// Neither paid nor not paid, newest first.
    pub payments: Vec<PaymentRecord>,
    /// Paid, also what was given back since: today's, and behind them those of earlier days, each newest first.
    pub paid: Vec<PaymentRecord>,
    pub queue: QueueSight,
}

/// The queue to the hospital, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueueSight {
    pub waiting: u32,
    pub oldest: Option<DateTime<FixedOffset>>,
    pub last_delivered: Option<DateTime<FixedOffset>>,
    /// Nothing of what waits is tried before.
    pub held_until: Option<DateTime<FixedOffset>>,
    pub parked: u32,
    /// The oldest of them.
    pub parked_rows: Vec<Parked>,
    /// Delivered, newest first.
    pub noted_rows: Vec<Noted>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub id: Uuid,
    pub kind: String,
    pub queued_at: DateTime<FixedOffset>,
    /// `None` where an older version wrote words that are not known.
    pub reason: Option<ParkReason>,
    /// What is at the hospital of it.
    pub in_part: Option<InPart>,
    /// As the outbox wrote it down; never a patient's data.
    pub note: String,
}

/// A request that the hospital has, and that staff should know something about all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub kind: String,
    pub delivered_at: DateTime<FixedOffset>,
    /// `None` where an older version wrote words that are not known.
    pub told: Option<Told>,
    /// In words; a ticket at most, never a patient's data.
    pub note: String,
}

/// What is kept of what people do: staff's acts, and who was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffAct {
    LogIn,
    ConfirmPin,
    SetPin,
    AddPerson,
    SetRole,
    RemovePerson,
    ReviewRights,
    LookUp,
    /// By a patient, at the screen.
    Reprint,
    Ask,
    MarkPaid,
    MarkNotPaid,
    GiveBack,
    PrintSlip,
    PrintReceipt,
    Retry,
    CloseRequest,
    CloseDay,
    AcceptClock,
    /// What became of a damaged database was read, and payments are open again.
    OpenPayments,
}

impl StaffAct {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::ConfirmPin => "confirm-pin",
            Self::SetPin => "set-pin",
            Self::AddPerson => "add-person",
            Self::SetRole => "set-role",
            Self::RemovePerson => "remove-person",
            Self::ReviewRights => "review-rights",
            Self::LookUp => "look-up",
            Self::Reprint => "reprint",
            Self::Ask => "ask",
            Self::MarkPaid => "mark-paid",
            Self::MarkNotPaid => "mark-not-paid",
            Self::GiveBack => "give-back",
            Self::PrintSlip => "print-slip",
            Self::PrintReceipt => "print-receipt",
            Self::Retry => "retry",
            Self::CloseRequest => "close-request",
            Self::CloseDay => "close-day",
            Self::AcceptClock => "accept-clock",
            Self::OpenPayments => "open-payments",
        }
    }
}

/// One line of the audit trail; durable before the act begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub who: Who,
    pub act: StaffAct,
    /// The payment's number, the request's identifier, a person's staff number; empty where it is about none.
    pub about: String,
    /// The patient it is about: written down as a keyed hash only.
    pub patient: Option<PatientNumber>,
    pub result: String,
    /// How that was before, and how it is after; empty where nothing changes.
    pub was: String,
    pub became: String,
}

/// Somebody at the screen was looked for. No `Debug`: patients do not appear in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct LookUp {
    /// The patient's number; of a slip that led to nobody, its code.
    pub whose: String,
    pub by: LookedUpBy,
    /// The answer came from today's cache.
    pub offline: bool,
    pub outcome: LookUpOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookedUpBy {
    Number,
    Card,
    Slip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookUpOutcome {
    Found,
    NotFound,
    /// Several records fit.
    Ambiguous,
    /// The hospital answered, and what it said, or the record it has, cannot be read.
    Unreadable,
    /// Nobody could tell.
    NoAnswer,
}

impl LookUp {
    #[must_use]
    pub fn words(&self) -> String {
        let outcome = match self.outcome {
            LookUpOutcome::Found => "found",
            LookUpOutcome::NotFound => "not found",
            LookUpOutcome::Ambiguous => "ambiguous",
            LookUpOutcome::Unreadable => "unreadable",
            LookUpOutcome::NoAnswer => "no answer",
        };
        let by = match self.by {
            LookedUpBy::Number => "number",
            LookedUpBy::Card => "card",
            LookedUpBy::Slip => "slip",
        };
        format!("{outcome}, by {by}, {}", if self.offline { "offline" } else { "online" })
    }
}

impl AuditEntry {
    #[must_use]
    pub fn new(who: Who, act: StaffAct, about: impl Into<String>, result: impl Into<String>) -> Self {
        let (about, result) = (about.into(), result.into());
        Self { who, act, about, patient: None, result, was: String::new(), became: String::new() }
    }

    #[must_use]
    pub fn of_patient(self, number: &PatientNumber) -> Self {
        Self { patient: Some(number.clone()), ..self }
    }

    #[must_use]
    pub fn changing(self, was: impl Into<String>, became: impl Into<String>) -> Self {
        Self { was: was.into(), became: became.into(), ..self }
    }

    /// How an act on a parked request ended; `word` if it was done.
    #[must_use]
    pub fn of_parked(
        who: Who,
        act: StaffAct,
        request: Uuid,
        done: &Result<bool, impl fmt::Display>,
        word: &str,
    ) -> Self {
        let result = match done {
            Ok(true) => word.to_owned(),
            Ok(false) => "was not parked".to_owned(),
            Err(error) => format!("nothing was done: {error}"),
        };
        let became = match (done, act) {
            (Ok(true), StaffAct::CloseRequest) => "sent",
            (Ok(true), _again) => "waiting",
            (Ok(false) | Err(_), _) => "",
        };
        let was = if became.is_empty() { "" } else { "parked" };
        Self::new(who, act, request.to_string(), result).changing(was, became)
    }
}

/// How people found out what became of a payment. The words are kept with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    CardCompany,
    TerminalJournal,
    PatientShowed,
}

impl Evidence {
    pub const ALL: [Self; 3] = [Self::CardCompany, Self::TerminalJournal, Self::PatientShowed];

    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CardCompany => "the card company said so by telephone",
            Self::TerminalJournal => "the terminal's own journal was read",
            Self::PatientShowed => "the patient showed it",
        }
    }
}

/// How people know that a refused request stands at the hospital all the same. The words are kept as its note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    SeenThere,
    DeskSaid,
}

impl Entered {
    pub const ALL: [Self; 2] = [Self::SeenThere, Self::DeskSaid];

    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SeenThere => "entered by hand, seen in the hospital's system",
            Self::DeskSaid => "entered by hand, the desk that did it said so",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_four_to_eight_digits() {
        for (text, good) in
            [("", false), ("123", false), ("1234", true), ("12345678", true), ("123456789", false), ("12a4", false)]
        {
            assert_eq!(Pin::read(text).is_some(), good, "{text}");
        }
        let mut pin = Pin::read("40718293").unwrap();
        pin.push(5);
        assert_eq!(pin.digits(), b"40718293");
        pin.erase();
        assert_eq!(pin.digits(), b"4071829");
        (0..9).for_each(|_| pin.erase());
        assert_eq!(pin, Pin::default());
    }

    #[test]
    fn a_pin_does_not_show_itself() {
        let pin = Pin::read("40718").unwrap();
        let tried = StaffCommand::Try { number: StaffNumber::read("48213"), pin: pin.clone() };
        let said = "Pin(redacted) Try { number: Some(48213), pin: Pin(redacted) }";
        assert_eq!(format!("{pin:?} {tried:?}"), said);
    }

    #[test]
    fn the_machine_waits_longer_after_each_wrong_try_and_never_long() {
        let waits = (0..=12).map(wait_s).collect::<Vec<_>>();
        assert_eq!(waits, [0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 64, 64]);
        assert_eq!(wait_s(u32::MAX), WAIT_MAX_S);
    }

    #[test]
    fn what_is_guessed_first_is_seen() {
        for (text, guessable) in [("0000", true), ("1234", true), ("87654321", true), ("1235", false), ("4071", false)]
        {
            assert_eq!(Pin::read(text).unwrap().is_guessable(), guessable, "{text}");
        }
    }
}
