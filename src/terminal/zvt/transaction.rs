//! What a status information (04 0F) says, in the kiosk's own words. Nothing here trusts a byte.

use super::bmp;
use super::decode::{hex, number};
use super::message::Message;
use crate::domain::closing::TerminalTotals;
use crate::domain::money::Amount;
use crate::domain::payment::{CardTransaction, Decline, LastTransaction};
use crate::terminal::dialogue::STAMP_BYTES;

/// Receipt numbers of a PT have four digits, traces six; together they name one transaction until both have run over.
const RECEIPT_DIGITS: usize = 4;
/// What may be shown of a card number that a terminal did not mask itself (PCI DSS 3.4).
const CLEAR_FIRST: usize = 6;
const CLEAR_LAST: usize = 4;
/// TLV tag of a text for the display or receipt.
const TEXT_LINE: u32 = 0x07;
/// BMP 60: first and last receipt number, then a count and an amount for each of seven kinds of card.
const TOTALS_HEAD: usize = 4;
const TOTALS_KINDS: usize = 7;
const TOTALS_KIND_BYTES: usize = 7;

/// What a result code means, where a text for staff helps (PA00P015 chapter 10).
const fn words(code: u8) -> &'static str {
    match code {
        0x05 => "declined",
        0x6c => "aborted, or nobody presented a card in time",
        0x64 => "the card cannot be read",
        0x6f => "not in this currency",
        0x77 => "the receipt number is not known",
        0xb4 => "already reversed",
        0xb5 => "cannot be reversed",
        0xc3 => "over the terminal's limit",
        0x51 => "the terminal has to be initialised first",
        0xdc => "a card is inserted",
        0xf0 => "the end of day is due",
        0xff => "fault of the terminal's system",
        _ => "",
    }
}

/// A sale or refusal. `ours` is our own date and time: ZVT tells no year.
#[must_use]
pub fn read(message: &Message, ours: &[u8; STAMP_BYTES]) -> CardTransaction {
    // A reversal tells the trace of what it undid (BMP 37) and is no sale, however alike the rest of it.
    let agreed = message.bytes(bmp::RESULT) == Some(&[0]);
    let approved = agreed && message.bytes(bmp::ORIGINAL_TRACE).is_none();
    let digits = |tag| message.bytes(tag).map(hex).unwrap_or_default();
    let receipt = digits(bmp::RECEIPT);
    let trace = digits(bmp::TRACE);
    let unique_number =
        if receipt.is_empty() && trace.is_empty() { String::new() } else { format!("{receipt}-{trace}") };
    CardTransaction {
        approved,
        amount: Amount(message.bytes(bmp::AMOUNT).and_then(number).unwrap_or(0)),
        approval_number: text(message.bytes(bmp::AUTHORISATION)),
        masked_card: mask(&digits(bmp::PAN)),
        issuer: text(message.bytes(bmp::CARD_NAME)),
        acquirer: String::new(),
        terminal_time: date_time(&digits(bmp::DATE), &digits(bmp::TIME), ours),
        unique_number,
        merchant_number: text(message.bytes(bmp::CONTRACT)),
        decline: (!agreed).then(|| decline(message)),
    }
}

fn decline(message: &Message) -> Decline {
    let said = text(message.bytes(bmp::TEXT).or_else(|| message.tlv(TEXT_LINE)));
    match message.bytes(bmp::RESULT).or_else(|| message.fixed("result_code")) {
        Some(&[code]) => {
            Decline { message: if said.is_empty() { words(code).to_owned() } else { said }, ..refusal(code) }
        }
        // Neither approved nor refused with a code.
        Some(_) | None => Decline { code: String::new(), message: said },
    }
}

/// A refusal that is nothing but a code.
#[must_use]
pub fn refusal(code: u8) -> Decline {
    Decline { code: format!("{code:02X}"), message: words(code).to_owned() }
}

/// A refusal without any status information: 06 1E, or 84 xx to the command itself.
#[must_use]
pub fn refused(code: u8) -> CardTransaction {
    CardTransaction {
        approved: false,
        amount: Amount::ZERO,
        approval_number: String::new(),
        masked_card: String::new(),
        issuer: String::new(),
        acquirer: String::new(),
        terminal_time: String::new(),
        unique_number: String::new(),
        merchant_number: String::new(),
        decline: Some(refusal(code)),
    }
}

/// The last transaction as 06 20 tells it. Without a result code it is none that can be read.
#[must_use]
pub fn read_last(message: &Message, ours: &[u8; STAMP_BYTES]) -> LastTransaction {
    if message.bytes(bmp::RESULT).is_none() {
        return LastTransaction::Unknown;
    }
    LastTransaction::Known(Box::new(read(message, ours)))
}

/// What the end of day says: the amount of the whole (BMP 04), and of the seven kinds of card with their counts (BMP 60).
#[must_use]
pub fn read_totals(message: &Message) -> Option<TerminalTotals> {
    let whole = message.bytes(bmp::TOTALS).and_then(|raw| {
        let (head, kinds) = raw.split_at_checked(TOTALS_HEAD)?;
        (kinds.len() == TOTALS_KINDS * TOTALS_KIND_BYTES).then_some((head, kinds))
    });
    let kinds = whole.map(|(_, kinds)| kinds);
    let receipt = |raw: &[u8]| number(raw).and_then(|number| u16::try_from(number).ok());
    let receipts = whole.and_then(|(head, _)| Some((receipt(&head[..2])?, receipt(&head[2..])?)));
    let count = kinds.map(|kinds| kinds.chunks(TOTALS_KIND_BYTES).map(|kind| u32::from(kind[0])).sum());
    let sum = kinds.and_then(|kinds| {
        let mut amounts = kinds.chunks(TOTALS_KIND_BYTES).map(|kind| number(&kind[1..]));
        amounts.try_fold(0_i64, |sum, amount| sum.checked_add(amount?))
    });
    let amount = message.bytes(bmp::AMOUNT).and_then(number).or(sum)?;
    Some(TerminalTotals { count, amount: Amount(amount), of_cards: sum.map(Amount), receipts })
}

/// The receipt number of a sale that [`read`] has read.
#[must_use]
pub fn receipt_of(transaction: &CardTransaction) -> Option<[u8; 2]> {
    let digits = transaction.unique_number.split('-').next()?;
    let bytes = super::request::bcd(digits).filter(|_| digits.len() == RECEIPT_DIGITS)?;
    bytes.try_into().ok()
}

/// Whether two readings tell of one sale. The time may be read with another year.
#[must_use]
pub fn is_same(one: &CardTransaction, other: &CardTransaction) -> bool {
    one.approved == other.approved
        && one.amount == other.amount
        && one.unique_number == other.unique_number
        && one.approval_number == other.approval_number
        && one.terminal_time.get(4..) == other.terminal_time.get(4..)
}

/// ISO 8859-1, up to the first NUL.
fn text(raw: Option<&[u8]>) -> String {
    let used = raw.unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
    let text: String = used.iter().map(|byte| char::from(*byte)).filter(|letter| !letter.is_control()).collect();
    text.trim().to_owned()
}

/// `e` masks a digit, a last `f` fills up. Should a terminal send a number in the clear, all but the first six and the
/// last four digits are masked here, before anything else can see it.
fn mask(card: &str) -> String {
    // Behind the number there may be padding (`f`) or, after a separator (`d`), the rest of a track.
    let end = card.find(|digit: char| !digit.is_ascii_digit() && digit != 'e').unwrap_or(card.len());
    let card = &card[..end];
    let clear = card.bytes().filter(u8::is_ascii_digit).count() > CLEAR_FIRST + CLEAR_LAST;
    let hidden = |at: usize, digit: char| digit == 'e' || (clear && at >= CLEAR_FIRST && at + CLEAR_LAST < end);
    card.chars().enumerate().map(|(at, digit)| if hidden(at, digit) { '*' } else { digit }).collect()
}

/// `YYYYMMDDhhmmss` with the year that brings it nearest to `ours`; empty if the terminal told no time.
fn date_time(date: &str, time: &str, ours: &[u8; STAMP_BYTES]) -> String {
    let ours = String::from_utf8_lossy(ours);
    let (Some(year), Some(now)) = (ours.get(..4).and_then(|year| year.parse::<i32>().ok()), seconds(&ours)) else {
        return String::new();
    };
    let near = (year - 1..=year + 1)
        .map(|year| format!("{year:04}{date}{time}"))
        .filter_map(|text| Some((seconds(&text)?.abs_diff(now), text)))
        .min();
    near.map(|(_, text)| text).unwrap_or_default()
}

/// Seconds since 1970; `None` if it is no date and time.
fn seconds(stamp: &str) -> Option<i64> {
    chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%d%H%M%S").ok().map(|time| time.and_utc().timestamp())
}
