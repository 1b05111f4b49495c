//! What is to be seen, as plain data. Words are chosen by `ui/`, from these values and the catalogue.

mod information;
mod sight;
pub mod staff;

use super::document::OrderLine;
use super::language::{Language, LocalText};
use super::money::Amount;
use super::paper::DeskReason;
use chrono::{DateTime, FixedOffset};
pub use information::{HoursRow, InformationPage, InformationTab};
pub use sight::{Notice, NumberOf, SightScreen};
use staff::{StaffScreen, StaffTap};
use std::fmt;

/// Everything the window needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub language: Language,
    pub modes: Modes,
    /// `(2, 5)` = bars and "2 / 5"; `None` = no progress on this screen.
    pub step: Option<(u8, u8)>,
    /// "Start over" answers; it does not while a payment runs.
    pub start_over: bool,
    pub screen: Screen,
}

/// Ways of use, remembered for one session only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches")]
pub struct Modes {
    pub large: bool,
    pub contrast: bool,
    pub low_reach: bool,
    /// Twice the time before "still here?".
    pub slow: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Screen {
    Idle,
    Language {
        offered: Vec<Language>,
        current: Option<Language>,
    },
    Services {
        rows: Vec<ServiceRow>,
    },
    Number(NumberEntry),
    BirthDate(DateEntry),
    /// Looking something up: whole seconds left of the longest wait.
    Wait {
        what: Waiting,
        seconds_left: u32,
        seconds_total: u32,
    },
    Insurance,
    Appointments {
        masked_name: String,
        rows: Vec<AppointmentRow>,
        can_go_on: bool,
    },
    CheckedIn(CheckedIn),
    /// Nothing was done; why, and where to go.
    Sorry {
        why: SorryWhy,
        desk: LocalText,
        retry: bool,
    },
    ForWhom,
    Documents {
        rows: Vec<DocumentRow>,
        count: u32,
        total: Amount,
        has_unpriced: bool,
        page: u8,
        pages: u8,
    },
    /// Copies and language of one chosen document.
    Options {
        document: LocalText,
        code: String,
        copies: u32,
        copies_max: u32,
        languages: Vec<Language>,
        language: Language,
    },
    /// Price, hours, papers: all before any payment.
    Review(Review),
    Consent {
        text: LocalText,
    },
    Payment(PaymentScreen),
    InDoubt(InDoubtScreen),
    NotPaid {
        why: NotPaidWhy,
        desk: LocalText,
        retry: bool,
    },
    Done(DoneScreen),
    /// What became of a payment, and its receipt once more.
    Reprint(SightScreen),
    Information {
        page: InformationPage,
        /// The hospital says what rights patients have.
        rights: bool,
    },
    EasyAccess,
    /// What is collected, why, how long, and whom to ask.
    Notice(Notice),
    Help {
        desk: LocalText,
        emergency: LocalText,
    },
    StillHere {
        seconds_left: u32,
        seconds_total: u32,
    },
    OutOfService {
        desk: LocalText,
    },
    Staff(Box<StaffScreen>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    CheckIn,
    Documents,
    Reprint,
    Information,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    pub service: Service,
    /// Not to be had now, and why.
    pub unavailable: Option<UnavailableWhy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableWhy {
    NoPrinter,
    NoPaper,
}

#[derive(Clone, PartialEq, Eq)]
pub struct NumberEntry {
    pub of: NumberOf,

    /// Digits typed so far, shown as typed (they are on the patient's own card).
    pub digits: String,
    pub slots: u8,
    pub problem: Option<EntryProblem>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct DateEntry {
    pub year: String,
    pub month: String,
    pub day: String,
    /// The field the next digit goes to.
    pub active: DateField,
    pub problem: Option<EntryProblem>,
}

/// What a patient types does not appear in logs (rule 9 of the house); how far they are may.
impl fmt::Debug for NumberEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "NumberEntry({:?}, redacted)", self.problem)
    }
}

impl fmt::Debug for DateEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DateEntry({:?}, {:?}, redacted)", self.active, self.problem)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateField {
    Year,
    Month,
    Day,
    /// All eight digits are there.
    Complete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryProblem {
    /// "Please type all the digits."
    Incomplete,
    NoSuchMonth,
    NoSuchDay,
    /// Not born yet, or before 1900.
    NoSuchYear,
    /// The number and the birth date did not match anybody.
    NotFound,
    /// The scanner read something that is not ours.
    UnknownCode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    LookUp,
    Quote,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentRow {
    pub at: DateTime<FixedOffset>,
    pub clinic: LocalText,
    pub place: LocalText,
    pub state: RowState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// Will be checked in by "Next".
    Marked,
    Unmarked,
    /// Already checked in, at this minute of the day if known.
    Already {
        at_minute: Option<u16>,
    },
    TooEarly,
    TooLate,
    OtherSite,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedIn {
    pub ticket: String,
    pub clinic: LocalText,
    pub place: LocalText,
    pub at: DateTime<FixedOffset>,
    pub see_desk: Option<LocalText>,
    pub reasons: Vec<DeskReason>,
    pub provisional: bool,
    pub printing: PrintState,
    pub seconds_left: u32,
    pub seconds_total: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PrintState {
    #[default]
    Idle,
    Printing,
    Printed,
    /// No paper came out; the screen shows the number instead.
    NoPaper,
    NoPrinter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SorryWhy {
    NotFound,
    TooManyTries,
    NoAppointmentToday,
    TooEarly,
    TooLate,
    OtherSite,
    UnderAge,
    /// The network is down and the answer is not in the cache.
    Offline,
    /// The hospital's answer cannot be read.
    Unreadable,
    /// More than one record fits, or one that is out of use.
    Ambiguous,
    /// For somebody else: the desk must see the papers.
    SomebodyElse,
    NothingOrderable,
    /// This machine could not write it down: nothing was done, and it is not the hospital's fault.
    CannotRecord,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    pub code: String,
    pub name: LocalText,
    pub hint: LocalText,
    pub ready: ReadyIn,
    pub price: RowPrice,
    pub chosen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadyIn {
    AtOnce,
    Minutes(u32),
    /// `DoctorWrites`: no time.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowPrice {
    Free,
    Fixed(Amount),
    ByPage,
    /// Not orderable here: ask your doctor.
    AskDoctor,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// A line without an amount is priced and paid at the desk.
    pub lines: Vec<OrderLine>,
    pub total: Amount,
    pub how: PayHow,
    pub collect_at: LocalText,
    pub ready_at: DateTime<FixedOffset>,
    pub collect_until: Option<DateTime<FixedOffset>>,
    /// Not ready today, and why.
    pub later: Option<LaterWhy>,
    pub bring: LocalText,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterWhy {
    Closed,
    Holiday,
    TooLate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayHow {
    Free,
    Card,
    /// Why it is the desk.
    AtDesk(AtDeskWhy),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtDeskWhy {
    NoQuote,
    Offline,
    Signature,
    NoTerminal,
    PaymentBeingChecked,
    /// Staff must look at something first.
    PaymentsClosed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentScreen {
    pub amount: Amount,
    /// First document's name and how many more.
    pub first: LocalText,
    pub count: u32,
    pub prompt: PaymentPrompt,
    pub can_cancel: bool,
    pub seconds_left: u32,
    pub seconds_total: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentPrompt {
    /// The terminal is being made ready.
    Preparing,
    /// Somebody's card is still in the slot.
    RemoveOldCard,
    Present,
    /// A card is there; no picture moves.
    Working,
    /// Cancel was asked for.
    Cancelling,
    RemoveCard,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InDoubtScreen {
    pub amount: Amount,
    pub attempt_number: String,
    pub desk: LocalText,
    /// `None` when the wait is over: "show this slip".
    pub seconds_left: Option<u32>,
    pub seconds_total: u32,
    pub printing: PrintState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPaidWhy {
    /// The card company refused.
    Declined,
    NoBalance,
    /// No card came in time.
    NoCard,
    Cancelled,
    /// The terminal cannot read this card, or does not take it.
    CardNotTaken,
    /// Refused, and nobody said by whom.
    NotAccepted,
    /// The terminal did not get ready; nothing was asked of it, or it was busy.
    TerminalNotReady,
    /// The terminal takes no payments, or not this one: no fault of the patient or the card.
    TerminalTrouble,
    /// The journal could not be written: nothing was sent.
    CannotRecord,
    /// The approval could not be written down, so the terminal was told to undo it, and said that it has.
    TakenBack,
    /// Checked: the terminal never booked it.
    Checked,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneScreen {
    pub how: DoneHow,
    pub claim: String,
    pub collect_at: LocalText,
    pub ready_at: DateTime<FixedOffset>,
    pub collect_until: Option<DateTime<FixedOffset>>,
    pub bring: LocalText,
    pub printing: PrintState,
    /// The receipt may be asked for once more.
    pub can_reprint: bool,
    pub seconds_left: u32,
    pub seconds_total: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DoneHow {
    Paid {
        amount: Amount,
        last_four: String,
        /// The payment's number.
        number: String,
    },
    Free,
    /// Pay there.
    Unpaid {
        amount: Option<Amount>,
        desk: LocalText,
    },
}

/// What a finger or a key can do. Indices count the rows of the screen that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tap {
    Start,
    StartOver,
    ChooseLanguage,
    EasyAccess,
    Help,
    Notice,
    Language(Language),
    Mode(Mode),
    Service(Service),
    Digit(u8),
    Erase,
    ClearAll,
    Row(u8),
    PageUp,
    PageDown,
    More,
    Fewer,
    /// Document language on the options screen.
    DocumentLanguage(Language),
    Insurance(super::patient::InsuranceAnswer),
    ForMe,
    ForSomebodyElse,
    Information(InformationTab),
    Back,
    Next,
    Agree,
    Disagree,
    CancelPayment,
    TryAgain,
    PrintAgain,
    Finish,
    StillHere,
    Staff(StaffTap),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Large,
    Contrast,
    LowReach,
    Slow,
}
