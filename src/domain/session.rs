//! Who stands at the kiosk, which journey runs, idle time; and the two closed enums of the whole machine.

mod batch;
mod given_orders;
pub(crate) mod guess;
mod idle;
pub(crate) mod kiosk;
mod numbers;
mod orders;
pub(crate) mod press;
pub(crate) mod questions;
mod restarted;
mod run;
mod service;
mod staff;
pub(crate) mod tries;
mod view;

pub use batch::{Batch, Line, Output};
pub(crate) use batch::{IfKept, IfNotKept};
pub use numbers::{Counters, Given, Numbered, Numbers};
pub use orders::{StaffAnswer, StaffOrder, StaffRefusal, UndoWay};
pub use restarted::StrayedUndo;
pub use run::Session;
pub use tries::{Machine, Tried, TriesKept};

use super::clock::Standing;
use super::closing::{self, TerminalTotals};
use super::document::OrderItem;
use super::enquiry::{Enquired, Known};
use super::facility::Facility;
use super::moment::Tick;
use super::money::Amount;
use super::paper::Paper;
use super::patient::{Appointment, BirthDate, Patient, PatientNumber, ScannedCode};
use super::payment::{AttemptId, Booking, CardTransaction, LastTransaction, PaymentRecord};
use super::screen::{Tap, View};
use super::set_aside::SetAside;
use super::staff::{StaffCommand, StaffReply};
use chrono::{DateTime, FixedOffset};
use std::sync::Arc;
use uuid::Uuid;

/// All that can reach a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// First input after power came back: what the journal still holds open, and the numbers that were given. Made by
    /// [`Input::restarted`].
    Restarted {
        open: Vec<PaymentRecord>,
        /// Bookings that belong to a payment already, and when that began, the newest last.
        booked: Vec<(AttemptId, DateTime<FixedOffset>, CardTransaction)>,
        /// Every payment and undo with the terminal's last transaction before it, the newest last.
        began: Vec<(AttemptId, LastTransaction)>,
        /// Undos that may have given back another sale than was named.
        strayed: Vec<StrayedUndo>,
        given: Given,
        tries: Option<Box<TriesKept>>,
    },
    /// Instead of `Restarted`, until it can come: the journal cannot be read, and nobody knows what is open.
    Unreadable {
        reason: String,
    },
    /// Nothing can be written down, and why; `None`: it can again.
    CannotWrite(Option<String>),
    /// A damaged database was set aside, and staff have not acknowledged it (`None`: they have): payments are closed until then.
    SetAside(Option<Box<SetAside>>),
    /// Whether the clock is believed; on change, and at every full minute.
    Clock(Standing),
    Tapped(Tap),
    Scanned(ScannedCode),
    /// The hospital's configuration has changed. It holds from the next visit on.
    Facility(Arc<Facility>),
    Terminal(TerminalReport),
    Printer(PrinterReport),
    /// An answer to `Effect::Ask` with that id.
    Hospital {
        id: Uuid,
        reply: Reply,
    },
    /// The hospital's server came or went. Sent on change.
    HospitalOnline(bool),
    /// Staff want something done about a payment; `payment` is its record as the journal holds it at this moment,
    /// `None` if there is none. Answered by `Effect::StaffAnswer` with the same `ticket`.
    Staff {
        ticket: Uuid,
        order: StaffOrder,
        payment: Option<Box<PaymentRecord>>,
    },
    /// Staff want the terminal's day closed. Answered like `Staff`.
    CloseDay {
        ticket: Uuid,
    },
    /// An answer to `Effect::StaffArea` of that visit.
    StaffArea {
        visit: Uuid,
        reply: StaffReply,
    },
    /// An answer to `Effect::FindPayment` of that visit.
    Enquired {
        visit: Uuid,
        answer: Enquired,
    },
    /// The kiosk's own time: some deadline has passed.
    Deadline,
}

/// All that a session can ask of the world, but for what must be durable: that is a [`Batch`]. Carried out in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    Show(Box<View>),
    Terminal(TerminalCommand),
    /// Answered by `PrinterReport::Job` with the same id.
    Print {
        job: PrintJob,
        paper: Paper,
    },
    /// A held job must not come out for the next patient.
    ClearPrinter,
    /// Answered by `Input::Hospital` with the same id.
    Ask {
        id: Uuid,
        question: Question,
    },
    /// Answered by `Input::StaffArea` of the same visit.
    StaffArea {
        visit: Uuid,
        command: StaffCommand,
    },
    /// The journal is asked for a payment. Answered by `Input::Enquired` of the same visit.
    FindPayment {
        visit: Uuid,
        known: Known,
    },
    /// A look-up that counts no longer. Where that cannot be kept it goes on counting.
    SaveTries(Box<Tried>),
    /// A journey ended. For the log and the demo's summary; never personal.
    Finish(Finished),
    /// Somebody at this screen orders it: the shell reads the payment and hands both back as `Input::Staff`.
    Staff {
        ticket: Uuid,
        attempt: AttemptId,
        order: StaffOrder,
    },
    /// A technician says that this machine's clock is right.
    AcceptClock,
    /// From here on this one holds, for all that follows.
    Facility(Arc<Facility>),
    /// What became of a staff order, for whoever gave it.
    StaffAnswer {
        ticket: Uuid,
        answer: StaffAnswer,
    },
    /// Wipe what the session's memory, screens and keyboard held.
    Wipe,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalCommand {
    /// Call off whatever is pending, see that it is idle and empty, tell the last transaction. Never moves money.
    Prepare,
    /// The one money command. Sent at most once per attempt, whatever happens.
    Charge { attempt: AttemptId, amount: Amount, card_ms: u64 },
    /// The approval is durable and its request locked: the terminal may book. Only after `Booking::Unconfirmed`.
    Confirm { attempt: AttemptId },
    /// The approval could not be kept: the terminal has to undo it. Only after `Booking::Unconfirmed`.
    Refuse { attempt: AttemptId },
    /// Call off a pending charge; its own answer still decides.
    CallOff,
    /// Wait until idle, ask for the last transaction twice. Never moves money.
    AskOutcome { attempt: AttemptId },
    /// The one money command of an undo; `undo` is its own attempt. Sent at most once, whatever happens. Ends with
    /// `Undone`, `NoAnswer` or `NeverSent` of `undo`.
    /// `is_newest` if no payment and no undo began at this terminal after the one that is undone, by the journal: only then can it be
    /// the terminal's last, whatever the terminal tells.
    /// A command that names no sale (ZVT 06 31) must not leave unless it surely `stands`: it would give away what was never
    /// taken, or give it back twice.
    Undo {
        undo: AttemptId,
        transaction: Box<CardTransaction>,
        way: UndoWay,
        is_newest: bool,
        stands: Stands,
        card_ms: u64,
    },
    /// Close the terminal's day and tell its totals. Moves no card-holder's money, but counts from nothing afterwards: sent
    /// at most once. Ends with `Totals` or `NoTotals`.
    EndOfDay,
}

/// What the journal knows of a sale that is to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    Surely,
    /// The terminal approved it, and nobody knows whether it was booked.
    UnlessNeverBooked,
    /// Another undo may have given it back.
    UnlessGone,
}

/// What a terminal answered to an undo.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum UndoAnswer {
    Reversed,
    /// Somebody undid it before; that is as good (Smartro `d` with `X`; ZVT B4).
    AlreadyReversed,
    /// A well-formed refusal: the sale stands.
    Refused {
        code: String,
        message: String,
    },
    /// It says that it gave something back, but not this amount, or not this sale: people must look what it was.
    Unlike {
        reason: String,
    },
    /// What it was about to give back was not this; it was refused before that was booked, and says that nothing was: the
    /// sale stands.
    Withdrawn {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalReport {
    /// It answers, or stopped answering (`false`). Sent on change.
    Online(bool),
    Prepared {
        baseline: LastTransaction,
    },
    /// A card is in the slot that must come out first.
    CardStillIn,
    NotReady {
        reason: String,
    },
    /// A card was inserted, tapped or read.
    CardSeen,
    CardRemoved,
    /// A whole, well-formed answer to our charge.
    Answered {
        attempt: AttemptId,
        raw: Vec<u8>,
        transaction: Box<CardTransaction>,
        /// `Unconfirmed`: it waits for `Confirm` or `Refuse`, and undoes the sale if neither comes in time.
        booking: Booking,
    },
    /// After `Confirm`: the terminal went on, so it has booked.
    Confirmed {
        attempt: AttemptId,
    },
    /// After `Refuse`, or instead of waiting for either: the terminal says that nothing stands.
    Withdrawn {
        attempt: AttemptId,
        reason: String,
    },
    /// No proof either way: NAK, no ACK, time-out, garbage, vanished line.
    NoAnswer {
        attempt: AttemptId,
        reason: String,
    },
    /// The charge never left the kiosk (the line was already gone): nothing was sent.
    NeverSent {
        attempt: AttemptId,
        reason: String,
    },
    /// Outcome of `AskOutcome`: two answers in a row, and whether the terminal reached its host.
    Outcome {
        attempt: AttemptId,
        first: LastTransaction,
        second: LastTransaction,
        host_reachable: bool,
        maybe_restarted: bool,
    },
    /// A whole, well-formed answer to our undo.
    Undone {
        undo: AttemptId,
        raw: Vec<u8>,
        answer: UndoAnswer,
    },
    Totals(TerminalTotals),
    NoTotals {
        /// Whether it closed its day all the same.
        batch: closing::Batch,
        reason: String,
    },
}

/// One paper on its way to the printer. Counted up from the kiosk's start and never given twice in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrintJob(pub u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterReport {
    State(PrinterState),
    /// What became of a paper: told once for each.
    Job {
        job: PrintJob,
        end: PrintEnd,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrintEnd {
    /// `GS r 1` was answered: all of it came out.
    Printed,
    /// It is in the printer and will come out after the refill, or was never taken.
    Held {
        reason: PrinterState,
    },
    Failed {
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrinterState {
    Online,
    PaperLow,
    PaperOut,
    CoverOpen,
    Offline,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Number and birth date; answered by the server, else by today's cache.
    FindPatient { number: PatientNumber, birth_date: BirthDate, by_card: bool },
    /// Today's appointments of somebody found.
    Appointments { patient: Box<Patient> },
    /// The one appointment that a slip names.
    Slip { code: String },
    /// Pages and amount, up to the quote's time limit.
    Quote { patient: Box<Patient>, item: OrderItem },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Found(Box<Patient>),
    /// The hospital has none.
    NotFound,
    /// A record with this number is there and cannot be read. Told and counted as if there were none, so that no word tells
    /// a number that exists from another; the caller tries the cache before.
    Obscured,
    /// More than one record fits, or only one that is out of use: people must look, nothing is guessed.
    Ambiguous,
    /// The hospital answered, and its answer cannot be read: nothing is known.
    Unreadable,
    /// Neither the server nor the cache can tell.
    Unreachable,
    Appointments {
        offline: bool,
        list: Vec<Appointment>,
        /// Nothing of the day is missing: all that is there could be read.
        complete: bool,
    },
    /// The slip's own appointment and whose it is (number only for the request, never shown).
    Slip {
        patient: Box<Patient>,
        appointment: Box<Appointment>,
    },
    Quoted {
        code: String,
        pages: u32,
    },
    NotQuoted {
        code: String,
    },
}

/// How a journey ended: the words of `summary.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub kind: JourneyKind,
    pub outcome: Outcome,
    pub charged: Amount,
    pub claim: Option<String>,
    /// The request that must reach the hospital, if any.
    pub request: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JourneyKind {
    CheckIn,
    Documents,
    Information,
    Unfinished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Registered,
    RegisteredSeeDesk,
    NotRegistered,
    Paid,
    RequestedUnpaid,
    NotPaid,
    InDoubt,
    HandedOff,
    Informed,
    Reprinted,
    Cancelled,
    TimedOut,
}

/// What a session wants to be woken for.
pub type Deadline = Option<Tick>;
