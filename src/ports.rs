//! The small traits behind which everything that can break lives. Named after the field's words (`XFS4IoT`, FHIR).

mod clock;
mod hospital;
mod in_force;
mod single;
mod staff;
mod store;

pub use clock::{Believed, Clock, KioskClock};
pub use hospital::{
    Anchors, Bundles, Deliveries, HospitalServer, LookUps, NoAnchor, NoSchedule, ScheduleNews, Schedules, Software,
};
pub use in_force::InForce;
pub use single::{JournalLines, SingleRequests, WholeSchedule};
pub use staff::{AuditRow, StaffBook, StaffOrders, Trail};
pub use store::{
    Frozen, Journal, Queue, QueueList, Retention, ScheduleCache, ScheduleMark, Store, StoreError, Tally, Upkeep,
};

use crate::domain::printer::{PrintJob, PrinterState};
use crate::domain::terminal::TerminalCommand;
use chrono::{DateTime, Utc};
use std::future::Future;
use std::sync::Arc;

/// Where a device's worker sends what happened. Cheap to clone; never blocks for long.
pub type Reports<R> = Arc<dyn Fn(R) + Send + Sync>;
pub type Answer<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A card terminal. Commands are queued to its own worker thread and answered by reports; none blocks the caller.
pub trait CardTerminal: Send + Sync {
    fn command(&self, command: TerminalCommand);
}

/// A one-bit picture: rows of `width_dots / 8` bytes, most significant bit first, 1 = black.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    pub width_dots: u32,
    pub height_dots: u32,
    pub rows: Vec<u8>,
}

/// A receipt printer. Jobs are queued to its own worker thread; each is answered by exactly one report that is not `State`.
pub trait Printer: Send + Sync {
    /// Told of by one `PrinterReport::Job` with the same id.
    fn print(&self, job: PrintJob, raster: Raster);
    /// Throw away what the printer still holds.
    fn clear(&self);
    /// What it last said of itself.
    fn state(&self) -> PrinterState;
}

/// A code reader; codes go to the `Reports<ScannedCode>` it was built with.
pub trait Scanner: Send + Sync {
    /// Its line is open.
    fn is_there(&self) -> bool;
    /// A visit is over: half a code of it never becomes the next one's.
    fn forget(&self);
}

/// The sender of what is queued, as the rest of a kiosk knows it.
pub trait Outbox: Send + Sync {
    /// There is something new to send.
    fn queued(&self);
    /// Staff want what waits to be tried now, whatever it waits for. One try; then it waits again as long as it must.
    fn try_now(&self);
    /// Until when nothing is tried although something waits: the hospital's server named the time, or several tries failed.
    fn held_until(&self) -> Option<DateTime<Utc>>;
}
