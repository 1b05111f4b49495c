//! What staff see, as plain data.

use super::PrintState;
use crate::domain::money::Amount;
use crate::domain::order::StaffRefusal;
use crate::domain::printer::PrinterState;
use crate::domain::reason::{StaffReason, Told};
use crate::domain::set_aside::SetAside;
use crate::domain::staff::{Entered, Evidence, Gate};
use chrono::{DateTime, FixedOffset};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffScreen {
    /// How many digits were typed; never which.
    Pin {
        what: PinOf,
        typed: u8,
        gate: Gate,
        checking: bool,
        trouble: Option<Trouble>,
    },
    Home(StaffHome),
    Payments {
        /// What was paid, today's first, else what is unfinished.
        paid: bool,
        rows: Vec<StaffPayment>,
    },
    Payment(StaffPaymentScreen),
    Choice(StaffChoice),
    Queue(StaffQueue),
    Request(StaffRequest),
    Trouble(StaffTrouble),
}

/// What the digits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinOf {
    /// A staff number.
    Number,
    /// The PIN of whoever wants in.
    Door,
    /// The PIN again, of whoever is inside: before money moves.
    Again,
}

/// Why nobody is served, or nobody pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// In the store's own words.
    Journal { reason: String },
    /// More than a day lies between this machine's clock and what somebody else says; to the minute.
    Clock { ours: DateTime<FixedOffset>, witness: Witness, theirs: DateTime<FixedOffset> },
    /// The clock tells a time at which this program did not exist.
    ClockUnset { ours: DateTime<FixedOffset> },
    /// The program runs and could not begin its work, in its own words.
    CannotStart { reason: String },
    /// Nothing can be written down, in the store's own words.
    CannotWrite { reason: String },
    /// A damaged database was set aside. Patients are served, and pay at the desk.
    SetAside(Box<SetAside>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// The hospital's server, in its answers.
    Hospital,
    /// The last entry of this machine's own store.
    Store,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffTrouble {
    pub trouble: Trouble,
    /// Staff may say that this machine's clock is right.
    pub can_accept: bool,
    /// They might if they were technicians.
    pub needs_technician: bool,
    /// The last press could not be written down, so nothing was done.
    pub not_kept: bool,
}

/// `None` = not heard of yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffHome {
    pub trouble: Option<Trouble>,
    pub terminal_online: Option<bool>,
    /// It answers but takes no payments: why, in its own words.
    pub terminal_trouble: Option<String>,
    pub printer: Option<PrinterState>,
    pub hospital_online: Option<bool>,
    /// `None`: the store cannot be read.
    pub unfinished: Option<u32>,
    /// Today.
    pub paid: u32,
    pub waiting: u32,
    pub parked: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffPayment {
    pub number: String,
    pub at: DateTime<FixedOffset>,
    pub amount: Amount,
    /// As the terminal masked it; empty where no answer came.
    pub masked_card: String,
    pub approval_number: String,
    pub known: Known,
}

/// What is known of an unfinished payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// The kiosk is finding out by itself.
    BeingChecked,
    Because(StaffReason),
    Paid,
    NotPaid,
    GivenBack,
    /// It was to be given back, and nobody knows whether it was.
    UndoInDoubt,
    /// The journal's own words.
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent buttons")]
pub struct StaffPaymentScreen {
    pub payment: StaffPayment,
    pub result: Option<StaffResult>,
    /// What may be done now.
    pub can_ask: bool,
    pub can_settle: bool,
    pub can_give_back: bool,
    pub can_print: bool,
    pub printing: PrintState,
}

/// What became of what staff did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffResult {
    /// Ordered; no answer yet.
    Running,
    Paid,
    NotPaid,
    GivenBack,
    /// The terminal or the card company refused: the payment stands.
    NotGivenBack,
    /// Neither is proved.
    StillUnknown,
    /// Nothing was done.
    Refused(StaffRefusal),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffChoice {
    pub what: ChoiceOf,
    pub number: String,
    pub amount: Amount,
    pub chosen: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChoiceOf {
    PaidEvidence,
    NotPaidEvidence,
    GiveBackWay,
}

impl ChoiceOf {
    /// How many answers there are.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::PaidEvidence | Self::NotPaidEvidence => Evidence::ALL.len(),
            Self::GiveBackWay => 2,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffQueue {
    pub waiting: u32,
    pub oldest_min: Option<u32>,
    pub last_delivered: Option<DateTime<FixedOffset>>,
    /// Nothing of what waits is tried before, unless staff want it.
    pub held_until: Option<DateTime<FixedOffset>>,
    pub parked: u32,
    pub rows: Vec<ParkedRow>,
    /// Below them, newest first; nothing can be done about these here.
    pub notes: Vec<NoteRow>,
    /// The last press could not be written down, so nothing was done.
    pub not_kept: bool,
    pub unreadable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    pub arrival: bool,
    pub queued_at: DateTime<FixedOffset>,
    pub why: ParkedWhy,
    /// It may be over already.
    pub done: Option<ParkedDone>,
}

/// What staff did with a parked request; the list does not show yet what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParkedDone {
    SentAgain,
    Closed,
}

/// A parked request that staff look at, and what they are asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffRequest {
    pub row: ParkedRow,
    pub asked: RequestQuestion,
    pub chosen: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestQuestion {
    /// Send it again, or was it entered by hand?
    End,
    /// How is that known? It is closed with the answer.
    Evidence,
}

impl RequestQuestion {
    /// How many answers there are.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::End => 2,
            Self::Evidence => Entered::ALL.len(),
        }
    }
}

/// Why the hospital's server will not take a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParkedWhy {
    /// With its status.
    Refused {
        status: u16,
    },
    /// Part of it was taken.
    TakenApart,
    FoundTwice,
    Unreadable,
    Other(String),
}

/// A request that the hospital has, and what staff should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteRow {
    pub arrival: bool,
    pub at: DateTime<FixedOffset>,
    pub what: Note,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    Told(Told),
    /// The outbox's own words.
    Other(String),
}

/// What staff touch beyond rows, digits and the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffTap {
    /// A long press on the header: let me in.
    Enter,
    Payments,
    Queue,
    Ask,
    MarkPaid,
    MarkNotPaid,
    GiveBack,
    PrintSlip,
    PaidToday,
    /// Why the machine is closed.
    Trouble,
    /// This machine's clock is right, whatever others say.
    AcceptClock,
    /// It was read of the damaged database: payments are open again.
    OpenPayments,
}

impl StaffTap {
    pub const ALL: [Self; 12] = [
        Self::Enter,
        Self::Payments,
        Self::Queue,
        Self::Ask,
        Self::MarkPaid,
        Self::MarkNotPaid,
        Self::GiveBack,
        Self::PrintSlip,
        Self::PaidToday,
        Self::Trouble,
        Self::AcceptClock,
        Self::OpenPayments,
    ];
}
