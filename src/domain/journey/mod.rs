//! One file per patient journey, and what every journey can be asked.
//!
//! A journey is a plain value. It takes taps, scans, answers and news of the money, changes its own state, and puts
//! effects into the [`Kiosk`]; what is to be seen is computed from its state afterwards ([`Journey::screen`]).

pub mod arrival;
pub(crate) mod check_in;
pub(crate) mod documents;
pub(crate) mod information;
pub(crate) mod reprint;
pub(crate) mod staff;
pub(crate) mod step;

use super::enquiry::Enquired;
use super::moment::Tick;
use super::paper::Ticket;
use super::patient::ScannedCode;
use super::question::Reply;
use super::screen::{DoneHow, Screen, Tap};
use super::session::guess::{Counted, Counting};
use super::session::kiosk::Kiosk;
use super::till::{News, Order, Till};
use check_in::CheckIn;
use documents::Documents;
use information::Information;
use reprint::Reprint;
use staff::Staff;
use step::checkout::{Checkout, Ended};

pub(crate) enum Journey {
    CheckIn(Box<CheckIn>),
    Documents(Box<Documents>),
    Reprint(Box<Reprint>),
    Information(Information),
    Staff(Box<Staff>),
}

/// How a journey goes on when what it wanted to make durable is.
#[derive(Debug)]
pub(crate) enum Kept {
    /// The number and its arrivals.
    Registered(Box<Ticket>),
    /// The request of an order that nobody pays for here.
    Ordered {
        order: Box<Order>,
        how: DoneHow,
    },
    /// The numbers of a payment.
    Pay {
        order: Box<Order>,
        number: String,
    },
    /// What this answer counts as.
    Replied {
        reply: Box<Reply>,
        counted: Box<Counted>,
    },
    Enquired {
        answer: Box<Enquired>,
        counted: Box<Counted>,
    },
    /// The row of a duplicate.
    Reprint,
    Staff(staff::Act),
}

/// What could not be made durable; nothing of it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotKept {
    Request,
    Payment,
}

/// Where the patient goes after an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Stay,
    /// Back to the list of services.
    Home,
    /// The visit is over: wipe, idle.
    End,
}

/// What the passing of time may do to the screen that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// A question stands there: idle time runs.
    Asking,
    /// Something runs that has its own limit, or money moves: never wiped.
    Busy,
    /// All is said: clears itself.
    Done,
}

/// Why a journey is left before it came to its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaving {
    ByPatient,
    TimedOut,
}

impl Journey {
    pub fn tap(&mut self, tap: Tap, kiosk: &mut Kiosk, till: &mut Till) -> Flow {
        match self {
            Self::CheckIn(journey) => journey.tap(tap, kiosk),
            Self::Documents(journey) => journey.tap(tap, kiosk, till),
            Self::Reprint(journey) => journey.tap(tap, kiosk),
            Self::Information(journey) => journey.tap(tap),
            Self::Staff(journey) => journey.tap(tap, kiosk),
        }
    }

    pub fn scanned(&mut self, code: &ScannedCode, kiosk: &mut Kiosk) {
        match self {
            Self::CheckIn(journey) => journey.scanned(code, kiosk),
            Self::Documents(journey) => journey.scanned(code, kiosk),
            Self::Reprint(_) | Self::Information(_) | Self::Staff(_) => {}
        }
    }

    /// What an answer of the hospital counts as, before anything comes of it.
    pub fn count(&self, reply: &Reply, kiosk: &Kiosk) -> Option<Counting> {
        match self {
            Self::CheckIn(journey) => journey.count(reply, kiosk),
            Self::Documents(journey) => journey.count(reply, kiosk),
            Self::Reprint(_) | Self::Information(_) | Self::Staff(_) => None,
        }
    }

    /// `to_desk`: as it counts, it was one wrong try too many.
    pub fn reply(&mut self, reply: Reply, to_desk: bool, kiosk: &mut Kiosk, till: &Till) {
        match self {
            Self::CheckIn(journey) => journey.reply(reply, to_desk, kiosk),
            Self::Documents(journey) => journey.reply(reply, to_desk, kiosk, till),
            Self::Reprint(_) | Self::Information(_) | Self::Staff(_) => {}
        }
    }

    /// News of a payment. `false` unless it is the one that this journey's patient watches.
    pub fn news(&mut self, news: &News, kiosk: &mut Kiosk) -> bool {
        if let Self::Staff(journey) = self {
            journey.news(kiosk);
        }
        let checkout = self.checkout_mut().filter(|checkout| news.watched && checkout.is_watching());
        let Some(checkout) = checkout else { return false };
        let ended = checkout.news(news, kiosk);
        self.ended(ended, kiosk);
        true
    }

    /// What its checkout came to.
    fn ended(&mut self, ended: Option<Ended>, kiosk: &mut Kiosk) {
        match (self, ended) {
            (Self::Documents(journey), Some(ended)) => journey.ended(&ended, kiosk),
            (Self::Documents(_) | Self::CheckIn(_) | Self::Reprint(_) | Self::Information(_) | Self::Staff(_), _) => {}
        }
    }

    /// Where something is ordered or paid, whichever journey it belongs to.
    fn checkout(&self) -> Option<&Checkout> {
        match self {
            Self::Documents(journey) => journey.checkout(),
            Self::CheckIn(_) | Self::Reprint(_) | Self::Information(_) | Self::Staff(_) => None,
        }
    }

    fn checkout_mut(&mut self) -> Option<&mut Checkout> {
        match self {
            Self::Documents(journey) => journey.checkout_mut(),
            Self::CheckIn(_) | Self::Reprint(_) | Self::Information(_) | Self::Staff(_) => None,
        }
    }

    /// The printer proved that a receipt came out.
    pub fn receipt_printed(&mut self, kiosk: &mut Kiosk) {
        match self {
            Self::Reprint(journey) => journey.receipt_printed(kiosk),
            Self::CheckIn(_) | Self::Documents(_) | Self::Information(_) | Self::Staff(_) => {}
        }
    }

    /// Some time has passed: limits of waits, prompts and countdowns.
    pub fn time(&mut self, kiosk: &mut Kiosk, till: &Till) {
        match self {
            Self::CheckIn(journey) => journey.time(kiosk),
            Self::Documents(journey) => journey.time(kiosk, till),
            Self::Reprint(journey) => journey.time(kiosk),
            Self::Staff(journey) => journey.time(kiosk),
            Self::Information(_) => {}
        }
    }

    pub fn kept(&mut self, kept: Kept, kiosk: &mut Kiosk, till: &mut Till) {
        match kept {
            Kept::Replied { reply, counted } => {
                let to_desk = kiosk.hold(*counted);
                self.reply(*reply, to_desk, kiosk, till);
            }
            Kept::Enquired { answer, counted } => {
                let to_desk = kiosk.hold(*counted);
                if let Self::Reprint(journey) = self {
                    journey.enquired(*answer, to_desk, kiosk);
                }
            }
            Kept::Registered(ticket) => {
                if let Self::CheckIn(journey) = self {
                    journey.registered(ticket, kiosk);
                }
            }
            Kept::Ordered { order, how } => {
                let ended = self.checkout_mut().map(|checkout| checkout.ordered(order, how, kiosk));
                self.ended(ended, kiosk);
            }
            Kept::Pay { order, number } => {
                if let Some(checkout) = self.checkout_mut() {
                    checkout.begin(order, number, kiosk, till);
                }
            }
            Kept::Reprint => {
                if let Self::Reprint(journey) = self {
                    journey.print(kiosk);
                }
            }
            Kept::Staff(act) => {
                if let Self::Staff(journey) = self {
                    journey.kept(act, kiosk);
                }
            }
        }
    }

    /// It could not be made durable, and this journey is as it was before.
    pub fn not_kept(&mut self, what: NotKept, kiosk: &mut Kiosk) {
        match (what, self) {
            (NotKept::Payment, journey) => {
                let ended = journey.checkout_mut().map(|checkout| checkout.not_begun(kiosk));
                journey.ended(ended, kiosk);
            }
            (NotKept::Request, Self::CheckIn(journey)) => journey.not_kept(),
            (NotKept::Request, Self::Documents(journey)) => journey.not_kept(),
            (NotKept::Request, Self::Reprint(journey)) => journey.not_kept(),
            (NotKept::Request, Self::Staff(journey)) => journey.not_kept(),
            (NotKept::Request, Self::Information(_)) => {}
        }
    }

    /// It is staff's, or it may not be broken off when the machine closes.
    pub fn outlives_trouble(&self) -> bool {
        match self {
            Self::Documents(_) | Self::CheckIn(_) => {
                self.checkout().is_some_and(Checkout::is_past_paying) || self.rest() == Rest::Done
            }
            Self::Reprint(_) | Self::Information(_) => false,
            Self::Staff(_) => true,
        }
    }

    pub fn leave(&mut self, why: Leaving, kiosk: &mut Kiosk) {
        match self {
            Self::CheckIn(journey) => journey.leave(why, kiosk),
            Self::Documents(journey) => journey.leave(why, kiosk),
            Self::Reprint(journey) => journey.leave(why, kiosk),
            Self::Information(_) => Information::leave(kiosk),
            // No journey of a patient.
            Self::Staff(_) => {}
        }
    }

    /// What is to be seen. `clears` is when a finished journey goes away, and how long it stays in all.
    pub fn screen(&self, kiosk: &Kiosk, till: &Till, clears: Clears) -> Screen {
        match self {
            Self::CheckIn(journey) => journey.screen(kiosk, clears),
            Self::Documents(journey) => journey.screen(kiosk, till, clears),
            Self::Reprint(journey) => journey.screen(kiosk),
            Self::Information(journey) => journey.screen(kiosk),
            Self::Staff(journey) => journey.screen(kiosk, till),
        }
    }

    pub fn step(&self) -> Option<(u8, u8)> {
        match self {
            Self::CheckIn(journey) => journey.step(),
            Self::Documents(journey) => journey.step(),
            Self::Reprint(_) | Self::Information(_) | Self::Staff(_) => None,
        }
    }

    pub fn rest(&self) -> Rest {
        match self {
            Self::CheckIn(journey) => journey.rest(),
            Self::Documents(journey) => journey.rest(),
            Self::Reprint(journey) => journey.rest(),
            Self::Staff(journey) => journey.rest(),
            Self::Information(_) => Rest::Asking,
        }
    }

    /// When a limit of its own ends; also the countdown that its screen shows.
    pub fn deadline(&self, till: &Till, kiosk: &Kiosk) -> Option<Tick> {
        match self {
            Self::CheckIn(journey) => journey.deadline(),
            Self::Documents(journey) => journey.deadline(till, kiosk),
            Self::Reprint(journey) => journey.deadline(),
            Self::Staff(journey) => journey.deadline(),
            Self::Information(_) => None,
        }
    }

    /// Money is moving or may be: "start over" does not answer.
    pub fn is_paying(&self) -> bool {
        self.checkout().is_some_and(Checkout::is_paying)
    }

    /// Without a touch until "Are you still here?", where it is not the patients' time.
    pub fn idle_ms(&self) -> Option<u64> {
        match self {
            Self::Staff(journey) => journey.idle_ms(),
            Self::CheckIn(_) | Self::Documents(_) | Self::Reprint(_) | Self::Information(_) => None,
        }
    }
}

/// The countdown of a finished screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clears {
    pub seconds_left: u32,
    pub seconds_total: u32,
}

/// Whole seconds of a limit in milliseconds, for `seconds_total`.
pub(crate) fn seconds(ms: u64) -> u32 {
    Tick::default().seconds_until(Tick(ms))
}
