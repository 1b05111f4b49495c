//! What `b` and `l` say, in the kiosk's own words. Nothing here trusts a byte: models are known that shift the date.

use super::layout::{DECLINE_AT, Data, MONEY_BYTES, SALE_BYTES};
use super::packet::Frame;
use crate::domain::attempt::{CardTransaction, Decline, DeclineCause, LastTransaction};
use crate::domain::money::Amount;
use crate::terminal::card;
use encoding_rs::EUC_KR;

/// First byte of a sale that moved money by card or phone. '2' is a cash receipt: nobody paid by it.
const PAID_KINDS: &[u8] = b"134568";
const DECLINED: u8 = b'X';
/// One source reads the decline's mark in the acquirer's field.
const DECLINE_ELSEWHERE_AT: usize = 137;
const CODE_BYTES: usize = 2;

/// Whose refusal a code is (terminals.md 2.5); the card company's own codes differ from one to the other.
fn cause(code: &str) -> DeclineCause {
    match code {
        "6B" => DeclineCause::Balance,
        "6D" | "69" | "71" => DeclineCause::Card,
        // No network, no service, a request that it does not understand.
        "0A" | "7A" | "B3" => DeclineCause::Terminal,
        _ => DeclineCause::Untold,
    }
}

/// Reads the answer to our charge of `amount`.
///
/// # Errors
/// Why it proves nothing, in words for staff.
pub fn read_answer(frame: &Frame, amount: Amount) -> Result<CardTransaction, String> {
    let transaction = read_sale(frame)?;
    if transaction.approved && transaction.amount != amount {
        return Err("the answer is for another amount".to_owned());
    }
    if !transaction.approved && transaction.decline.is_none() {
        return Err("the answer is neither an approval nor a decline with a code".to_owned());
    }
    let named = transaction.amount;
    if !transaction.approved && !named.is_zero() && named != amount {
        return Err("the decline is for another amount".to_owned());
    }
    Ok(transaction)
}

/// Reads the terminal's last transaction.
#[must_use]
pub fn read_last(frame: &Frame) -> LastTransaction {
    if frame.data.iter().all(|byte| matches!(byte, 0 | b' ' | b'0')) {
        return LastTransaction::Empty;
    }
    read_sale(frame).map_or(LastTransaction::Unknown, |transaction| LastTransaction::Known(Box::new(transaction)))
}

fn read_sale(frame: &Frame) -> Result<CardTransaction, String> {
    // What stands behind the money fields (banks, a newer version's own) is optional: it never takes them back.
    if frame.data.len() < MONEY_BYTES {
        return Err(format!("the answer has {} bytes of data, expected {SALE_BYTES}", frame.data.len()));
    }
    let data = Data::decode(frame.job, &frame.data);
    let kind = frame.data[0];
    // Right aligned; some pad with spaces.
    let amount = data.text("amount").parse().ok().filter(|amount| *amount >= 0);
    // A kind that nobody knows yet is no payment, and like a cash receipt it has marks of its own to be known again by: as
    // the last transaction it must not close the terminal for the day.
    if kind != DECLINED && (amount.is_none() || !kind.is_ascii_graphic()) {
        return Err("the answer is of a kind or amount that cannot be read".to_owned());
    }
    let decline = if kind == DECLINED { find_decline(&frame.data) } else { None };
    let bank = |name| if kind == DECLINED { String::new() } else { data.text(name) };
    Ok(CardTransaction {
        approved: PAID_KINDS.contains(&kind),
        amount: Amount(amount.unwrap_or(0)),
        approval_number: data.text("approval_no"),
        masked_card: mask(&data.text("card_no")),
        issuer: card::hidden(&bank("issuer_name")),
        acquirer: card::hidden(&bank("acquirer_name")),
        terminal_time: find_time(&frame.data),
        unique_number: data.text("unique_no"),
        merchant_number: data.text("merchant_no"),
        decline,
    })
}

/// `-`, a code of two characters, a message to the end of the sale.
fn find_decline(data: &[u8]) -> Option<Decline> {
    [DECLINE_AT, DECLINE_ELSEWHERE_AT].into_iter().find_map(|at| {
        let field = data.get(at..data.len().min(SALE_BYTES))?;
        let (mark, rest) = field.split_first()?;
        let (code, message) = rest.split_at_checked(CODE_BYTES)?;
        if *mark != b'-' || !code.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let code = String::from_utf8_lossy(code).into_owned();
        let message = EUC_KR.decode_without_bom_handling(message).0.trim_matches([' ', '\0']).to_owned();
        let message: String = message.chars().filter(|letter| !letter.is_control()).collect();
        Some(Decline { cause: cause(&code), code, message: card::hidden(&message) })
    })
}

/// Date and time of the sale; searched nearby where a model has shifted them, empty where there is none.
fn find_time(data: &[u8]) -> String {
    const TIME_AT: usize = 62;
    const TIME_BYTES: usize = 14;
    const SEARCH: std::ops::Range<usize> = 50..103;
    let here = data.get(TIME_AT..TIME_AT + TIME_BYTES).filter(|text| is_time(text));
    let found = here.or_else(|| data.get(SEARCH)?.windows(TIME_BYTES).find(|text| is_time(text)));
    found.map_or_else(String::new, |text| String::from_utf8_lossy(text).into_owned())
}

fn is_time(text: &[u8]) -> bool {
    let pair = |at: usize| text[at..at + 2].iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    text.iter().all(u8::is_ascii_digit)
        && pair(0) == 20
        && (1..=12).contains(&pair(4))
        && (1..=31).contains(&pair(6))
        && pair(8) < 24
        && pair(10) < 60
        && pair(12) < 60
}

/// Without the padding of zeros, and with no more of the number than may be shown.
fn mask(card: &str) -> String {
    let mut bytes = card.trim_start_matches('0').as_bytes().to_vec();
    card::hide_number(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
