//! What ZVT terminals of the field do in their own way: where PA00P015 leaves a choice, and where they depart from it. Made
//! from the specification and from what such terminals were seen to say, not from what the kiosk expects.

/// One way of its own, as it is counted when it took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    ReversesLast,
    StatusResult,
    NoStatusByte,
    Waits,
    EmptyRepeat,
    PinTwice,
    CompletionAfterAbort,
    NoApprovalNumber,
    ClockOff,
    ErrorsInCompletion,
    BooksEarly,
    RefusesField,
    PrintsLines,
    PaddedTlv,
    RefusesAtOnce,
    CountsReversals,
    LastUntold,
}

/// All of one terminal. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manners {
    /// 06 30 gives back the last sale of the day, whatever receipt it names.
    pub reverses_last: Option<Naming>,
    pub status_result: Option<StatusResult>,
    pub no_status_byte: Option<NoStatus>,
    /// Busy for a while after each card.
    pub waits: Option<Waits>,
    /// It begins with an empty store, and says so by 06 1E with this code.
    pub empty_repeat: Option<u8>,
    /// At every so many cards the PIN is wrong at first: 04 0F with 37 (hex), and the PIN is asked for again.
    pub pin_twice_every: Option<u32>,
    pub completes_abort: Option<CompletesAbort>,
    pub no_approval_number: Option<NoApproval>,
    /// How far its clock goes before ours.
    pub clock_off_min: i64,
    /// 06 0F with a result code in place of 06 1E.
    pub errors_in_completion: bool,
    /// It books as soon as its host agrees, and keeps the sale whatever the kiosk says.
    pub books_early: bool,
    /// `84 9A 00` to a command with this in it.
    pub refuses_field: Option<Part>,
    pub prints_lines: Option<Prints>,
    pub padded_tlv: Option<Padding>,
    pub refuses_at_once: Option<AtOnce>,
    pub counts_reversals: Option<Turnover>,
    /// 06 20 is not answered with the last transaction, though there is one.
    pub last_untold: Option<Untold>,
}

/// How a reversal is told: by the numbers of what was really given back, or by none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// A receipt number of its own, and the trace of the sale in BMP 37.
    Trace,
    /// The receipt number of the sale.
    Receipt,
    /// The result code alone.
    Bare,
}

/// A 04 0F in answer to something that is no transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusResult {
    pub at_status: bool,
    pub at_registration: bool,
    /// `84 xx` to it is taken for "goods failed", and the last sale is undone.
    pub refusal_undoes: bool,
}

/// What ends a 05 01 in place of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoStatus {
    /// `06 0F 00`
    Empty,
    /// `06 0F 02 27 00`
    Result,
    /// `84 83 00`
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    pub ms: u64,
    /// All other commands get `84 9C 00`; else it only tells of it when it is asked how it is.
    pub refuses: bool,
    /// Until then 06 20 tells the sale before. What a kiosk may not take for "nothing was booked".
    pub tells_late: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Untold {
    /// 06 1E with 6C, as if somebody had pressed the stop key.
    Aborted,
    /// The same, of so many questions the last.
    AbortedEvery(u32),
    /// `84 83 00`
    Refused,
}

/// 06 0F after an answered 06 B0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompletesAbort {
    pub after_ms: u64,
    /// Also of a charge that is called off, in place of 06 1E and without a result code.
    pub ends_charge: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoApproval {
    LeftOut,
    Zeros,
    Blanks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A BMP of 06 01.
    Bmp(u8),
    /// Whatever stands behind the currency of 06 00.
    BehindCurrency,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prints {
    /// 06 D3 with TLV rather than 06 D1.
    pub blocks: bool,
    /// Each line is part of the commit (PA00P015 2.2.8): booked when all are answered.
    pub before_booking: bool,
}

/// Filler bytes between TLV objects, and lengths that are longer than they need to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding {
    pub fillers: usize,
    /// 1: as short as can be, 2: `81 nn`, 3: `82 nn nn`.
    pub length_bytes: usize,
    /// A text so long that the APDU needs a long length of its own.
    pub long_text: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtOnce {
    /// Of so many charges the last.
    pub every: u32,
    pub how: Refusal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `84 xx 00`
    Command(u8),
    /// `84 1E 01 xx`
    CommandWithCode(u8),
    /// A 04 0F and 06 1E before any card.
    Result(u8),
}

/// What an end of day adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turnover {
    /// Every sale, whatever became of it.
    Gross,
    /// Every sale, and every reversal once more.
    Added,
}

/// Of the BMPs that 06 01 may have: their number and how many bytes follow.
const LENGTHS: [(u8, usize); 9] =
    [(0x01, 1), (0x02, 1), (0x04, 6), (0x05, 1), (0x0b, 3), (0x0e, 2), (0x19, 1), (0x49, 2), (0x8c, 1)];

impl Part {
    pub(super) fn stands_in(self, code: u16, data: &[u8]) -> bool {
        match self {
            Self::BehindCurrency => code == 0x0600 && data.len() > 6,
            Self::Bmp(wanted) => code == 0x0601 && numbers(data).contains(&wanted),
        }
    }
}

fn numbers(data: &[u8]) -> Vec<u8> {
    let (mut rest, mut found) = (data, Vec::new());
    while let Some((number, behind)) = rest.split_first() {
        found.push(*number);
        let length = LENGTHS.iter().find(|(known, _)| known == number).map(|(_, length)| *length);
        let Some(next) = length.and_then(|length| behind.get(length..)) else { break };
        rest = next;
    }
    found
}

/// `MMDDhhmmss`, so many minutes later.
pub(super) fn shifted(time: &str, minutes: i64) -> String {
    let read = chrono::NaiveDateTime::parse_from_str(&format!("2026{time}"), "%Y%m%d%H%M%S");
    read.map_or_else(
        |_| time.to_owned(),
        |time| (time + chrono::Duration::minutes(minutes)).format("%m%d%H%M%S").to_string(),
    )
}

/// One TLV object.
pub(super) fn object(tag: &[u8], value: &[u8], padding: Padding) -> Vec<u8> {
    let [high, low] = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    let needed = if high > 0 {
        3
    } else if low > 0x7f {
        2
    } else {
        1
    };
    let length = match needed.max(padding.length_bytes) {
        1 => vec![low],
        2 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [tag, &length, value].concat()
}

/// BMP 06 around objects, with the filler bytes before, between and after them.
pub(super) fn container(objects: &[Vec<u8>], padding: Padding) -> Vec<u8> {
    let filler = vec![0; padding.fillers];
    let inside = objects.iter().fold(filler.clone(), |inside, object| [&inside[..], object, &filler].concat());
    object(&[0x06], &inside, padding)
}
