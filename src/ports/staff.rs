use super::StoreError;
use crate::domain::attempt::AttemptId;
use crate::domain::order::{StaffAnswer, StaffOrder};
use crate::domain::patient::PatientNumber;
use crate::domain::person::{Person, Role, StaffNumber};
use crate::domain::staff::{AuditEntry, Gate, LookUp, Pin};
use crate::domain::trail::{Anchor, TrailCheck, TrailHead};
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use std::sync::mpsc::Receiver;

/// Staff and their PINs. Durable and failing as [`super::Store`] is.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait StaffBook: Send + Sync {
    /// Is there a PIN, and what is asked for?
    fn gate(&self, at: DateTime<FixedOffset>) -> Result<Gate, StoreError>;
    /// One try, with a number unless the gate asks for none. Slow on purpose: call it where nobody waits. It counts before
    /// it is looked at, so pulling the plug gives no more tries; the outcome is in the trail. A number that nobody has
    /// takes as long and is answered as one that somebody has.
    fn try_pin(&self, number: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate, StoreError>;
    /// The PIN of whoever is inside once more. Counts and waits as [`Self::try_pin`] does.
    fn confirm_pin(&self, who: StaffNumber, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Gate, StoreError>;
    /// The clock was moved by so much. Locks and waits move along: none ends earlier or later for it.
    fn clock_moved(&self, by: TimeDelta) -> Result<(), StoreError>;
    /// Also who was removed, last.
    fn persons(&self) -> Result<Vec<Person>, StoreError>;
    /// `None`: a number is drawn. `Refused`: the name or the number is somebody's.
    fn add_person(
        &self,
        name: &str,
        role: Role,
        number: Option<StaffNumber>,
        at: DateTime<FixedOffset>,
    ) -> Result<Person, StoreError>;
    fn set_role(&self, whose: StaffNumber, role: Role, at: DateTime<FixedOffset>) -> Result<Person, StoreError>;
    fn remove_person(&self, whose: StaffNumber, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// A new PIN; unlocks. Slow on purpose. `None`: of the only person, and of the first if there is none.
    fn set_pin(&self, whose: Option<StaffNumber>, pin: &Pin, at: DateTime<FixedOffset>) -> Result<Person, StoreError>;
    /// How many persons are locked.
    fn locked(&self, at: DateTime<FixedOffset>) -> Result<u64, StoreError>;
}

/// The trail of what staff did and who was looked up, each line chained to the one before. Durable and failing as [`super::Store`] is.
#[expect(clippy::missing_errors_doc, reason = "said once, at Journal")]
pub trait Trail: Send + Sync {
    /// Somebody was looked up, or was not found: a row before the answer is shown to anybody.
    fn looked_up(&self, look_up: &LookUp, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// What stands in the trail for this patient.
    fn mark_of(&self, number: &PatientNumber) -> String;
    /// Appends one line to the trail.
    fn audit(&self, entry: &AuditEntry, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
    /// The rows of the trail after the one numbered `after`, of the day `from` and later ones, oldest first and at most `most`
    /// of them.
    fn trail(&self, after: i64, from: Option<NaiveDate>, most: usize) -> Result<Vec<AuditRow>, StoreError>;
    /// Reads the whole trail, and compares it with what is remembered of it: `anchors`, and the store's own list of what the
    /// hospital took. Takes its time: a second for some hundred thousand rows.
    fn check_trail(&self, anchors: &[Anchor]) -> Result<TrailCheck, StoreError>;
    /// Its last row.
    fn trail_head(&self) -> Result<TrailHead, StoreError>;
    /// What the hospital took of it last.
    fn last_anchor(&self) -> Result<Option<Anchor>, StoreError>;
    /// The hospital has this head.
    fn anchored(&self, head: &TrailHead, at: DateTime<FixedOffset>) -> Result<(), StoreError>;
}

/// One line of the trail as it is kept: `hash` is HMAC-SHA256 over the hash of the line before and this one's words, SHA-256
/// in lines of older versions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditRow {
    pub sequence: i64,
    pub at: String,
    pub who: String,
    pub act: String,
    pub about: String,
    pub result: String,
    pub hash: String,
    /// How what it is about was before, and how it is after.
    pub was: String,
    pub became: String,
}

/// A kiosk at work, as staff's commands reach it.
pub trait StaffOrders: Send + Sync {
    /// The first answer may be `Begun`, then another follows; none comes if the desk is behind or ends, and nothing was
    /// done then.
    fn order(&self, attempt: AttemptId, order: StaffOrder) -> Receiver<StaffAnswer>;
    /// The end of the terminal's day, answered in the same way.
    fn close_day(&self) -> Receiver<StaffAnswer>;
    /// What became of a damaged store was acknowledged by a command.
    fn payments_opened(&self);
}
