//! Everything that can go wrong on a rehearsed day, by name, and how often each really happened.

use std::collections::BTreeSet;

macro_rules! faults {
    ($($name:ident = $word:literal,)*) => {
        /// Counted when it took effect, not when it was ordered.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault { $($name,)* }

        impl Fault {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word on the command line and in the report.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

faults! {
    // On the card terminal's line, in each direction; the driver's and the terminal's bytes are the real ones.
    LossToTerminal = "loss-to-terminal",
    LossToKiosk = "loss-to-kiosk",
    DelayToTerminal = "delay-to-terminal",
    DelayToKiosk = "delay-to-kiosk",
    DuplicationToTerminal = "duplication-to-terminal",
    DuplicationToKiosk = "duplication-to-kiosk",
    CorruptionToTerminal = "corruption-to-terminal",
    CorruptionToKiosk = "corruption-to-kiosk",
    TruncationToTerminal = "truncation-to-terminal",
    TruncationToKiosk = "truncation-to-kiosk",
    LineBreaks = "line-breaks-in-a-write",
    // The card terminal.
    NakStorm = "nak-storm",
    AckLost = "ack-lost",
    AckFlipped = "ack-flipped",
    ChargeNaked = "charge-naked",
    AckGlued = "ack-glued",
    AnswerSplit = "answer-split",
    Noise = "noise",
    OddEvents = "odd-events",
    AnswerCorrupt = "answer-corrupt",
    AnswerOther = "answer-other-amount",
    AnswerTwice = "answer-twice",
    AnswerOld = "answer-older",
    LastEmpty = "last-empty",
    HostAway = "host-away",
    CardStays = "card-stays",
    // ... one that books when it is told to.
    BusyOnce = "busy-once",
    AbortAfterConfirm = "abort-after-confirm",
    RebootBeforeBooking = "reboot-before-booking",
    RebootAfterBooking = "reboot-after-booking",
    SilentAfterBooking = "silent-after-booking",
    SilentAfterUndo = "silent-after-undo",
    SilentAfterClosing = "silent-after-closing",
    // The card and its company.
    Declined = "declined",
    HostTimesOut = "host-times-out",
    Silence = "silence",
    Late = "late",
    Unplugged = "unplugged",
    RebootKeeps = "reboot-keeps-last",
    RebootLoses = "reboot-loses-last",
    RebootFallsBack = "reboot-falls-back",
    // The printer.
    PaperOut = "paper-out",
    PrinterGone = "printer-gone",
    // The hospital.
    HospitalDown = "hospital-down",
    HospitalSlow = "hospital-slow",
    HospitalFails = "hospital-5xx",
    HospitalBusy = "hospital-429",
    AnswerLost = "hospital-answer-lost",
    PartRefused = "hospital-part-refused",
    SmallServer = "hospital-takes-few-entries",
    // The kiosk itself.
    DiskFull = "disk-full",
    ClockJumps = "clock-jumps",
    PowerCut = "power-cut",
    PowerCutOfAll = "power-cut-of-terminal-too",
    // People.
    DoubleTap = "double-tap",
    Cancels = "cancels",
    WalksAway = "walks-away",
    StartsOver = "starts-over",
    // Staff, from the command line.
    StaffAsk = "staff-ask",
    StaffSettle = "staff-settle",
    StaffCancel = "staff-cancel",
    StaffReprint = "staff-reprint",
    StaffTotals = "staff-totals",
    // ... and give money back to the card that paid, also on a day after; or to another card that is held out.
    StaffRefund = "staff-refund",
    RefundOfBefore = "refund-of-the-day-before",
    WrongCard = "wrong-card",
    Night = "night",
    // Ways of its own that a terminal has all day long: personalities. Of a ZVT terminal:
    ReversesLast = "reverses-last",
    StatusResult = "status-result",
    NoStatusByte = "no-status-byte",
    WaitsAWhile = "wait-a-while",
    EmptyRepeat = "empty-repeat",
    PinTwice = "pin-twice",
    CompletionAfterAbort = "completion-after-abort",
    NoApprovalNumber = "no-approval-number",
    ClockOff = "clock-an-hour-off",
    ErrorsInCompletion = "errors-in-completion",
    BooksEarly = "books-early",
    RefusesField = "refuses-a-field",
    PrintsLines = "prints-lines",
    PaddedTlv = "padded-tlv",
    RefusesAtOnce = "refuses-at-once",
    CountsReversals = "reversals-as-turnover",
    LastUntold = "last-untold",
    // ... of a Smartro terminal, beside those of the above that it can have.
    ChangedDates = "changed-dates",
    OddApproval = "odd-approval-field",
    OddDeclines = "odd-decline-codes",
    NothingForCancelled = "d-for-c",
    ForgetsAtDecline = "last-forgotten-at-decline",
    CancelIsLast = "last-is-the-cancellation",
    BlankPaddedId = "id-padded-with-blanks",
    EventsBetween = "events-between",
    LateAck = "late-ack",
    DeclineElsewhere = "decline-elsewhere",
    NewKind = "new-kind-of-payment",
}

/// These come in their own time and by their own dice: days on which they do not come are what they were without them.
pub(super) const APART: [Fault; 7] = [
    Fault::StaffTotals,
    Fault::SilentAfterClosing,
    Fault::SmallServer,
    Fault::StaffRefund,
    Fault::RefundOfBefore,
    Fault::WrongCard,
    Fault::Night,
];

/// Money that goes back to a card, and the night that lies before.
pub const REFUNDS: [Fault; 4] = [Fault::StaffRefund, Fault::RefundOfBefore, Fault::WrongCard, Fault::Night];

/// Lasting ways of a terminal, drawn once a day by their own dice: no patient orders them.
pub const PERSONALITIES: [Fault; 28] = [
    Fault::ReversesLast,
    Fault::StatusResult,
    Fault::NoStatusByte,
    Fault::WaitsAWhile,
    Fault::EmptyRepeat,
    Fault::PinTwice,
    Fault::CompletionAfterAbort,
    Fault::NoApprovalNumber,
    Fault::ClockOff,
    Fault::ErrorsInCompletion,
    Fault::BooksEarly,
    Fault::RefusesField,
    Fault::PrintsLines,
    Fault::PaddedTlv,
    Fault::RefusesAtOnce,
    Fault::CountsReversals,
    Fault::LastUntold,
    Fault::ChangedDates,
    Fault::OddApproval,
    Fault::OddDeclines,
    Fault::NothingForCancelled,
    Fault::ForgetsAtDecline,
    Fault::CancelIsLast,
    Fault::BlankPaddedId,
    Fault::EventsBetween,
    Fault::LateAck,
    Fault::DeclineElsewhere,
    Fault::NewKind,
];

/// What may happen on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed(BTreeSet<Fault>);

impl Allowed {
    #[must_use]
    pub fn all() -> Self {
        Self(Fault::ALL.iter().copied().collect())
    }

    #[must_use]
    pub const fn none() -> Self {
        Self(BTreeSet::new())
    }

    /// Names with commas between; `all`, `none`, `personalities` and `refunds` stand for those. A word with `-` before it
    /// takes away: `all,-personalities`.
    ///
    /// # Errors
    /// A name that is none, with all there are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut allowed = BTreeSet::new();
        for word in text.split(',').map(str::trim) {
            match word.strip_prefix('-') {
                Some(less) => {
                    let less = named(less)?;
                    allowed.retain(|fault| !less.contains(fault));
                }
                None => allowed.extend(named(word)?),
            }
        }
        Ok(Self(allowed))
    }

    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// As [`Self::parse`] reads it.
    #[must_use]
    pub fn words(&self) -> String {
        if *self == Self::all() {
            return "all".to_owned();
        }
        let words: Vec<&str> = self.0.iter().map(|fault| fault.word()).collect();
        if words.is_empty() { "none".to_owned() } else { words.join(",") }
    }

    /// Those of `some` that may happen.
    #[must_use]
    pub fn of(&self, some: &[Fault]) -> Vec<Fault> {
        some.iter().copied().filter(|fault| self.has(*fault)).collect()
    }
}

fn named(word: &str) -> Result<Vec<Fault>, String> {
    match word {
        "all" => return Ok(Fault::ALL.to_vec()),
        "none" => return Ok(Vec::new()),
        "personalities" => return Ok(PERSONALITIES.to_vec()),
        "refunds" => return Ok(REFUNDS.to_vec()),
        _name => {}
    }
    let words = || Fault::ALL.iter().map(|fault| fault.word()).collect::<Vec<_>>().join(", ");
    let found = Fault::ALL.iter().copied().find(|fault| fault.word() == word);
    let all = "all, none, personalities, refunds";
    found
        .map(|fault| vec![fault])
        .ok_or_else(|| format!("there is no fault \"{word}\": write {all}, or some of {}", words()))
}

/// How often each fault took effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired(Vec<u64>);

impl Default for Fired {
    fn default() -> Self {
        Self(vec![0; Fault::ALL.len()])
    }
}

impl Fired {
    pub fn note(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (mine, more) in self.0.iter_mut().zip(&other.0) {
            *mine += more;
        }
    }

    pub fn counts(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.iter().copied().zip(self.0.iter().copied())
    }
}
