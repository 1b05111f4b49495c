//! Who stands at the kiosk, which journey runs, idle time; and the two closed enums of the whole machine.

mod batch;
mod given_orders;
pub(crate) mod guess;
mod idle;
pub(crate) mod kiosk;
pub(crate) mod print_queue;
pub(crate) mod questions;
mod restarted;
mod run;
mod service;
mod staff;
mod view;

pub use batch::{Batch, Output};
pub(crate) use batch::{IfKept, IfNotKept};
pub use restarted::StrayedUndo;
pub use run::Session;

use super::attempt::{AttemptId, CardTransaction, LastTransaction};
use super::clock::Standing;
use super::enquiry::{Enquired, Known};
use super::facility::Facility;
use super::finished::Finished;
use super::moment::Tick;
use super::numbers::Given;
use super::order::{StaffAnswer, StaffOrder};
use super::paper::Paper;
use super::patient::ScannedCode;
use super::payment::PaymentRecord;
use super::printer::{PrintJob, PrinterReport};
use super::question::{Question, Reply};
use super::screen::{Tap, View};
use super::set_aside::SetAside;
use super::staff::{StaffCommand, StaffReply};
use super::terminal::{TerminalCommand, TerminalReport};
use super::tries::{Tried, TriesKept};
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
    /// `None` if there is none. Answered by `Effect::StaffAnswer` with the same `order_id`.
    Staff {
        order_id: Uuid,
        order: StaffOrder,
        payment: Option<Box<PaymentRecord>>,
    },
    /// Staff want the terminal's day closed. Answered like `Staff`.
    CloseDay {
        order_id: Uuid,
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
        order_id: Uuid,
        attempt: AttemptId,
        order: StaffOrder,
    },
    /// A technician says that this machine's clock is right.
    AcceptClock,
    /// From here on this one holds, for all that follows.
    Facility(Arc<Facility>),
    /// What became of a staff order, for whoever gave it.
    StaffAnswer {
        order_id: Uuid,
        answer: StaffAnswer,
    },
    /// Wipe what the session's memory, screens and keyboard held.
    Wipe,
}

/// What a session wants to be woken for.
pub type Deadline = Option<Tick>;
