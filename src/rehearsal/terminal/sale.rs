//! The 157 bytes of a sale as the simulated terminal writes them; made by its own hand, not by the kiosk's codec.

use encoding_rs::EUC_KR;

pub const SALE_BYTES: usize = 157;
const DECLINE_MESSAGE_BYTES: usize = 37;
const NAME_BYTES: usize = 16;

/// Numbers of one approved sale.
pub struct Sale<'a> {
    pub amount: i64,
    pub approval_number: &'a str,
    /// `YYYYMMDDhhmmss`
    pub time: &'a str,
    pub unique_number: &'a str,
}

pub fn approved(sale: &Sale<'_>) -> Vec<u8> {
    let card = format!("{:0>20}", "123456**********");
    let head = format!(
        "11{card}{:010}{:08}{:08}00{:<12}{:<14.14}{:<12.12}{:<15}{:<14}",
        sale.amount, 0, 0, sale.approval_number, sale.time, sale.unique_number, "123456789012", "73053020000001"
    );
    let mut data = head.into_bytes();
    data.extend_from_slice(b"0100");
    data.extend(text("비씨카드", NAME_BYTES));
    data.extend_from_slice(b"0200");
    data.extend(text("신한카드", NAME_BYTES));
    data
}

pub fn declined(code: [u8; 2], message: &str) -> Vec<u8> {
    let mut data = vec![b'X'];
    data.resize(117, b' ');
    data.push(b'-');
    data.extend_from_slice(&code);
    data.extend(text(message, DECLINE_MESSAGE_BYTES));
    data
}

/// The 53 bytes of `d`: nothing was cancelled; the card's last sale, and `why` as the last byte.
pub fn nothing_cancelled(last_time: &str, last_amount: i64, why: u8) -> Vec<u8> {
    let card = format!("{:0>20}", "123456**********");
    let mut data = format!("11{card}{last_time:<14}{last_amount:08}{:08}", 0).into_bytes();
    data.push(why);
    data
}

/// A terminal that remembers nothing.
pub fn empty() -> Vec<u8> {
    vec![b' '; SALE_BYTES]
}

pub fn text(words: &str, bytes: usize) -> Vec<u8> {
    let mut raw = EUC_KR.encode(words).0.into_owned();
    raw.resize(bytes, b' ');
    raw
}
