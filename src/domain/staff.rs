//! Staff at the kiosk: their PIN, what they are told, and what is kept of what they did.

use super::payment::PaymentRecord;
use chrono::{DateTime, FixedOffset};
use std::fmt;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub const PIN_MIN: usize = 4;
pub const PIN_MAX: usize = 8;
/// Wrong tries until the PIN is locked.
pub const PIN_TRIES_MAX: u32 = 5;
/// A locked PIN may be tried once more after this; each further wrong try locks it anew. `kiosk staff pin` unlocks at once.
pub const PIN_LOCK_MIN: i64 = 15;

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
    /// A PIN is wanted.
    Closed,
    Wrong {
        tries_left: u32,
    },
    Locked {
        until: DateTime<FixedOffset>,
    },
    Open,
    /// The store cannot be read or written: nobody gets in on a guess.
    Unknown,
}

/// What the staff area asks of the shell. Never on the window's or the session's own time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffCommand {
    /// Is there a PIN, and may it be tried?
    Knock,
    Try(Pin),
    /// The lists as they are now.
    Look,
    /// Send a parked request once more.
    Retry {
        request: Uuid,
    },
    /// What waits is tried now, whatever it waits for. Not answered.
    TryNow,
    /// People entered a parked request at the hospital: it is over.
    Close {
        request: Uuid,
        evidence: Entered,
    },
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

/// What staff have to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StaffLists {
    /// Neither paid nor not paid, newest first.
    pub payments: Vec<PaymentRecord>,
    /// Paid today, also what was given back since; newest first.
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
    /// As the outbox wrote it down; never a patient's data.
    pub note: String,
}

/// A request that the hospital has, and that staff should know something about all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub kind: String,
    pub delivered_at: DateTime<FixedOffset>,
    /// As the client wrote it down; a ticket at most, never a patient's data.
    pub note: String,
}

/// What staff can do that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffAct {
    LogIn,
    SetPin,
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
}

impl StaffAct {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::SetPin => "set-pin",
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
        }
    }
}

/// One line of the audit trail; durable before the act begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub act: StaffAct,
    /// The payment's number or the request's identifier; empty where it is about neither.
    pub about: String,
    pub result: String,
}

impl AuditEntry {
    /// How an act on a parked request ended; `word` if it was done.
    #[must_use]
    pub fn of_parked(act: StaffAct, request: Uuid, done: &Result<bool, impl fmt::Display>, word: &str) -> Self {
        let result = match done {
            Ok(true) => word.to_owned(),
            Ok(false) => "was not parked".to_owned(),
            Err(error) => format!("nothing was done: {error}"),
        };
        Self { act, about: request.to_string(), result }
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
        assert_eq!(format!("{pin:?} {:?}", StaffCommand::Try(pin.clone())), "Pin(redacted) Try(Pin(redacted))");
    }

    #[test]
    fn what_is_guessed_first_is_seen() {
        for (text, guessable) in [("0000", true), ("1234", true), ("87654321", true), ("1235", false), ("4071", false)]
        {
            assert_eq!(Pin::read(text).unwrap().is_guessable(), guessable, "{text}");
        }
    }
}
