//! What Smartro terminals of the field do in their own way, as the drivers of several makers had to learn it.

use super::Model;
use crate::rehearsal::terminal::sale;

/// One way of its own, as it is counted when it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    ChangedDates,
    NoApprovalNumber,
    OddApproval,
    ClockOff,
    OddDeclines,
    NothingForCancelled,
    ForgetsAtDecline,
    CancelIsLast,
    BlankPaddedId,
    EventsBetween,
    RefusesAtOnce,
    EmptyLast,
    CancelsLast,
    Waits,
    LateAck,
    DeclineElsewhere,
    NewKind,
}

/// All of one terminal. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a way of its own")]
pub struct Manners {
    pub dates: Option<Dates>,
    pub approval: Option<Approval>,
    /// How far its clock goes before ours.
    pub clock_off_min: i64,
    /// The code of its declines.
    pub decline_code: Option<[u8; 2]>,
    /// `d` with this as its last byte where a cancellation is refused.
    pub nothing_for_cancelled: Option<u8>,
    /// After a decline it has no last transaction.
    pub forgets_at_decline: bool,
    /// A cancellation becomes the last transaction.
    pub cancel_is_last: bool,
    /// Its identifier is filled up with 20 (hex) rather than 00.
    pub blanks_in_id: bool,
    /// This event stands between its ACK and its answer.
    pub event_between: Option<u8>,
    /// Of so many charges the last is declined before any card.
    pub refuses_every: Option<u32>,
    /// It has sold nothing yet.
    pub starts_empty: bool,
    /// A cancellation without the card takes its last sale back, whichever is named.
    pub cancels_last: Option<Naming>,
    /// Busy for a while after each answer.
    pub waits: Option<Waits>,
    /// Its ACK of a money command comes so late, perhaps after the answer.
    pub ack_late_ms: Option<u64>,
    /// The mark of a decline stands in the acquirer's field (offset 137).
    pub decline_elsewhere: bool,
    /// Of so many sales the last is of a kind that nobody knows yet.
    pub new_kind_every: Option<u32>,
}

/// What a terminal that cancels its last sale tells of it. One that tells all numbers of the sale that was named cannot be
/// told from one that does as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Its amount and approval number.
    Hit,
    /// Its amount, and an approval number of the cancellation's own.
    Own,
    /// The amount that was asked for, and an approval number of the cancellation's own.
    OwnAsAsked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    pub ms: u64,
    /// It answers NAK to everything; else it hears nothing.
    pub naks: bool,
}

/// Where a model differs in the date of a sale (offset 62, 14 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    Blank,
    Zeros,
    /// That of the next day.
    DayLater,
    /// Two bytes later, into the unique number.
    Shifted,
}

/// The approval number (offset 50, 12 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    Blank,
    RightAligned,
    /// EUC-KR words in it when it declines.
    TextAtDecline,
}

const APPROVAL_AT: usize = 50;
const APPROVAL_BYTES: usize = 12;
const TIME_AT: usize = 62;
const TIME_BYTES: usize = 14;
const UNIQUE_END: usize = 88;
const DECLINE_AT: usize = 117;
const ACQUIRER_AT: usize = 137;
const DECLINE_MARK_BYTES: usize = 20;
const NEW_KIND: u8 = b'9';
const SHIFT: usize = 2;

impl Model {
    pub(super) fn shows(&mut self, manner: Manner) {
        self.ways.push(manner);
    }

    /// Its own clock.
    pub(super) fn own_stamp(&self) -> [u8; TIME_BYTES] {
        if self.manners.clock_off_min == 0 {
            return self.stamp;
        }
        let read = chrono::NaiveDateTime::parse_from_str(&String::from_utf8_lossy(&self.stamp), "%Y%m%d%H%M%S");
        let off = chrono::Duration::minutes(self.manners.clock_off_min);
        let own = read.ok().map(|time| (time + off).format("%Y%m%d%H%M%S").to_string().into_bytes());
        own.and_then(|own| own.try_into().ok()).unwrap_or(self.stamp)
    }

    /// An approval as this model writes it.
    pub(super) fn own_approval(&mut self, mut data: Vec<u8>) -> Vec<u8> {
        if self.manners.clock_off_min != 0 {
            self.shows(Manner::ClockOff);
        }
        let field = APPROVAL_AT..APPROVAL_AT + APPROVAL_BYTES;
        let sales = u32::try_from(self.bookings.len()).unwrap_or(u32::MAX);
        if self.manners.new_kind_every.is_some_and(|every| every > 0 && (sales + 1).is_multiple_of(every)) {
            self.shows(Manner::NewKind);
            data[0] = NEW_KIND;
        }
        match self.manners.approval {
            Some(Approval::Blank) => {
                self.shows(Manner::NoApprovalNumber);
                data[field].fill(b' ');
            }
            Some(Approval::RightAligned) => {
                self.shows(Manner::OddApproval);
                let blanks = data[field.clone()].iter().rev().take_while(|byte| **byte == b' ').count();
                data[field].rotate_right(blanks);
            }
            Some(Approval::TextAtDecline) | None => {}
        }
        if self.manners.dates.is_some() {
            self.shows(Manner::ChangedDates);
        }
        let time = TIME_AT..TIME_AT + TIME_BYTES;
        match self.manners.dates {
            Some(Dates::Blank) => data[time].fill(b' '),
            Some(Dates::Zeros) => data[time].fill(b'0'),
            Some(Dates::DayLater) => {
                let day =
                    chrono::NaiveDate::parse_from_str(&String::from_utf8_lossy(&data[TIME_AT..TIME_AT + 8]), "%Y%m%d");
                if let Some(next) = day.ok().and_then(|day| day.succ_opt()) {
                    data[TIME_AT..TIME_AT + 8].copy_from_slice(next.format("%Y%m%d").to_string().as_bytes());
                }
            }
            Some(Dates::Shifted) => {
                data.copy_within(TIME_AT..UNIQUE_END - SHIFT, TIME_AT + SHIFT);
                data[TIME_AT..TIME_AT + SHIFT].fill(b' ');
            }
            None => {}
        }
        data
    }

    /// A decline as this model writes it.
    pub(super) fn own_decline(&mut self, code: [u8; 2], message: &str) -> Vec<u8> {
        let odd = self.manners.decline_code;
        if odd.is_some() {
            self.shows(Manner::OddDeclines);
        }
        let mut data = sale::declined(odd.unwrap_or(code), message);
        if self.manners.approval == Some(Approval::TextAtDecline) {
            self.shows(Manner::OddApproval);
            data[APPROVAL_AT..APPROVAL_AT + APPROVAL_BYTES].copy_from_slice(&sale::text("거절", APPROVAL_BYTES));
        }
        if self.manners.decline_elsewhere {
            self.shows(Manner::DeclineElsewhere);
            data.copy_within(DECLINE_AT..DECLINE_AT + DECLINE_MARK_BYTES, ACQUIRER_AT);
            data[DECLINE_AT..ACQUIRER_AT].fill(b' ');
        }
        data
    }

    pub(super) fn event_between(&mut self) {
        if let Some(kind) = self.manners.event_between {
            self.shows(Manner::EventsBetween);
            self.event(kind);
        }
    }

    pub(super) fn declines_at_once(&self) -> bool {
        let seen = u32::try_from(self.charges_seen).unwrap_or(u32::MAX);
        self.manners.refuses_every.is_some_and(|every| every > 0 && seen.is_multiple_of(every))
    }
}
