//! What a status information (04 0F) says, in the kiosk's own words. Nothing here trusts a byte.

use super::bmp;
use super::decode::{hex, number};
use super::message::Message;
use super::text;
use crate::domain::attempt::{CardTransaction, Decline, DeclineCause, LastTransaction};
use crate::domain::money::Amount;
use crate::domain::terminal::TerminalTotals;
use crate::terminal::card::{CLEAR_FIRST, CLEAR_LAST};
use crate::terminal::dialogue::STAMP_BYTES;

/// Receipt numbers of a PT have four digits, traces six; together they name one transaction until both have run over.
const RECEIPT_DIGITS: usize = 4;
/// TLV tags of a text for the display or receipt, and of an error in the terminal's own words.
const TEXT_LINE: u32 = 0x07;
const ERROR_TEXT: u32 = 0x1f17;
const ERROR_NUMBER: u32 = 0x1f16;
/// Result 37: wrong PIN. The terminal may ask for it once more, and tell another result of the same payment (2.2.6).
pub const WRONG_PIN: u8 = 0x37;
/// A field or command that the terminal does not know (PA00P015 chapter 10: "ZVT protocol error").
pub const PROTOCOL_ERROR: u8 = 0x9a;
const ERROR_NUMBER_DIGITS_MAX: usize = 8;
/// BMP 60: first and last receipt number, then a count and an amount for each of seven kinds of card.
const TOTALS_HEAD: usize = 4;
const TOTALS_KINDS: usize = 7;
const TOTALS_KIND_BYTES: usize = 7;

/// What a result code means, where a text for staff helps (PA00P015 chapter 10).
const fn words(code: u8) -> &'static str {
    match code {
        0x05 => "declined",
        0x37 => "wrong PIN",
        0x6b => "payments are switched off at the terminal",
        0x6c => "aborted, or nobody presented a card in time",
        0x64 => "the card cannot be read",
        0x6f => "not in this currency",
        0x77 => "the end of day is not possible",
        0xb4 => "already reversed",
        0xb5 => "cannot be reversed",
        0x83 => "the terminal cannot do this",
        0x9a => "the terminal does not understand the message",
        0x9c => "the terminal is busy",
        0xa0 => "the terminal does not listen",
        0xa1 | 0xa3 | 0x7d | 0x9b => "no line to the card company",
        0xb1 | 0xb2 => "the terminal's memory is full",
        0xc2 => "the terminal wants a diagnosis",
        0xc3 => "over the terminal's limit",
        0xe4 => "the terminal has to be activated first",
        0x51 => "the terminal has to be initialised first",
        0xdc => "a card is inserted",
        0xf0 => "the end of day is due",
        0xff => "fault of the terminal's system",
        _ => "",
    }
}

/// Whose refusal a result code is (PA00P015 chapter 10: up to 63 the card company's, above the terminal's own).
const fn cause(code: u8) -> DeclineCause {
    match code {
        // The card company says so of the terminal itself: initialise it first.
        0x51 => DeclineCause::Terminal,
        0x00 => DeclineCause::Untold,
        0x01..=0x63 => DeclineCause::CardCompany,
        0x71 => DeclineCause::Balance,
        0x64 | 0x65 | 0x67 | 0x68 | 0x6e | 0x72 | 0x73 | 0x76 | 0x78..=0x7c | 0x7e | 0xc5 | 0xd2 | 0xea => {
            DeclineCause::Card
        }
        0x6c => DeclineCause::NoCard,
        0x9c | 0xa0 | 0xdc => DeclineCause::Busy,
        _ => DeclineCause::Terminal,
    }
}

/// A sale or refusal. `ours` is our own date and time: ZVT tells no year.
#[must_use]
pub fn read(message: &Message, ours: &[u8; STAMP_BYTES]) -> CardTransaction {
    // A reversal tells the trace of what it undid (BMP 37) and is no sale, however alike the rest of it.
    let agreed = message.bytes(bmp::RESULT) == Some(&[0]);
    let approved = agreed && message.bytes(bmp::ORIGINAL_TRACE).is_none();
    let digits = |tag| message.bytes(tag).map(hex).unwrap_or_default();
    // A number that is nothing but zeros names nothing: terminals are known that tell it of every sale.
    let numbered =
        |tag| Some(digits(tag)).filter(|digits| digits.bytes().any(|digit| digit != b'0')).unwrap_or_default();
    let (receipt, trace) = (numbered(bmp::RECEIPT), numbered(bmp::TRACE));
    let unique_number =
        if receipt.is_empty() && trace.is_empty() { String::new() } else { format!("{receipt}-{trace}") };
    CardTransaction {
        approved,
        amount: Amount(message.bytes(bmp::AMOUNT).and_then(number).unwrap_or(0)),
        approval_number: named(message.bytes(bmp::AUTHORISATION)),
        masked_card: mask(&digits(bmp::PAN)),
        issuer: message.bytes(bmp::CARD_NAME).map(text::line).unwrap_or_default(),
        acquirer: String::new(),
        terminal_time: date_time(&digits(bmp::DATE), &digits(bmp::TIME), ours),
        unique_number,
        merchant_number: named(message.bytes(bmp::CONTRACT)),
        decline: (!agreed).then(|| decline(message)),
    }
}

fn decline(message: &Message) -> Decline {
    match message.bytes(bmp::RESULT).or_else(|| message.fixed("result_code")) {
        Some(&[code]) => refusal_with(code, message),
        // Neither approved nor refused with a code.
        Some(_) | None => Decline { code: String::new(), message: said(message), cause: DeclineCause::Untold },
    }
}

/// The terminal's own words, wherever it puts them: most have its text in one place only, some a number besides.
#[must_use]
pub fn said(message: &Message) -> String {
    let places = [message.bytes(bmp::TEXT), message.tlv(ERROR_TEXT), message.tlv(TEXT_LINE)];
    let words = places.into_iter().flatten().map(text::line).find(|words| !words.is_empty()).unwrap_or_default();
    let number = message.tlv(ERROR_NUMBER).map(hex).filter(|number| number.len() <= ERROR_NUMBER_DIGITS_MAX);
    match number {
        Some(number) if words.is_empty() => number,
        Some(number) => format!("{words} ({number})"),
        None => words,
    }
}

/// A refusal with what the message says of it.
#[must_use]
pub fn refusal_with(code: u8, message: &Message) -> Decline {
    let said = said(message);
    Decline { message: if said.is_empty() { words(code).to_owned() } else { said }, ..refusal(code) }
}

/// A refusal that is nothing but a code.
#[must_use]
pub fn refusal(code: u8) -> Decline {
    Decline { code: format!("{code:02X}"), message: words(code).to_owned(), cause: cause(code) }
}

/// A refusal without any status information: 06 1E, an error in 06 0F, or 84 xx to the command itself.
#[must_use]
pub fn refused(decline: Decline) -> CardTransaction {
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
        decline: Some(decline),
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

/// The trace of a sale that [`read`] has read.
#[must_use]
pub fn trace_of(transaction: &CardTransaction) -> Option<&str> {
    transaction.unique_number.split_once('-').map(|(_, trace)| trace).filter(|trace| !trace.is_empty())
}

/// Whether two readings tell of one sale or refusal. The time may be read with another year.
#[must_use]
pub fn is_same(one: &CardTransaction, other: &CardTransaction) -> bool {
    let code = |transaction: &CardTransaction| transaction.decline.as_ref().map(|decline| decline.code.clone());
    one.approved == other.approved
        && code(one) == code(other)
        && one.amount == other.amount
        && one.unique_number == other.unique_number
        && one.approval_number == other.approval_number
        && one.terminal_time.get(4..) == other.terminal_time.get(4..)
}

/// Two masked numbers that cannot be one card's: both show a digit in the same place from the end, and not the same one.
/// Of numbers of different lengths only the last four are compared.
#[must_use]
pub fn are_of_two_cards(one: &str, other: &str) -> bool {
    let places = if one.len() == other.len() { one.len() } else { CLEAR_LAST };
    let shown = |(one, other): &(u8, u8)| one.is_ascii_digit() && other.is_ascii_digit();
    one.bytes().rev().zip(other.bytes().rev()).take(places).filter(shown).any(|(one, other)| one != other)
}

/// Numbers and names: up to the first NUL.
fn named(raw: Option<&[u8]>) -> String {
    raw.map(text::name).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::are_of_two_cards;

    #[test]
    fn two_cards_are_told_apart_by_the_digits_that_both_show() {
        for (one, other, wanted) in [
            ("************4711", "************4711", false),
            ("************4711", "************0815", true),
            ("456789******4711", "************4711", false),
            ("456789******4711", "456780******4711", true),
            // Of other lengths: how a card is numbered depends on how it is read.
            ("***************4711", "456789******4711", false),
            ("***************4711", "456789******4712", true),
            // One or both tell nothing.
            ("", "************4711", false),
            ("****************", "************4711", false),
            ("", "", false),
        ] {
            assert_eq!(are_of_two_cards(one, other), wanted, "{one} and {other}");
            assert_eq!(are_of_two_cards(other, one), wanted, "{other} and {one}");
        }
    }
}
