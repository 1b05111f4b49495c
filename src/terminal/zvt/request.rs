//! What the kiosk says: the data of each command, and the answers to what the terminal asks.

use super::apdu::Apdu;
use super::bmp;
use super::decode::hex;
use super::message::{
    ABORT, AUTHORISATION, END_OF_DAY, Message, POSITIVE, REFUND, REGISTRATION, REPEAT_RECEIPT, REVERSAL, STATUS_ENQUIRY,
};
use crate::domain::money::Amount;

/// Registration, PA00P015 2.1: receipts are the kiosk's (02, 04), which makes them from what the result tells; it wants
/// intermediate status (08), and nothing can be started at the terminal itself (10, 20).
///
/// Not 80 (lines by 06 D1 and 06 D3): each line would be one more message between our word and the terminal's end of the
/// payment, where a lost answer leaves a doubt, and the kiosk's receipt has all of it. What a terminal sends all the same
/// is acknowledged, and a technician is told that nobody prints it. The end of day is read from its totals, never from a
/// slip.
const CONFIG: u8 = 0x3e;
/// How long the terminal waits for our word on its result, in seconds (BMP 01), and how often it asks (BMP 02): every two
/// seconds, PA00P015 2.2.8.
pub(super) const DECIDE_S: u8 = 30;
const ASKS_MAX: u8 = 15;
/// The refusal of a terminal that is set up for another currency (PA00P015 chapter 10).
pub(super) const WRONG_CURRENCY: u8 = 0x6f;
/// 06 20: tell the last transaction (01), print nothing (02).
const TELL_LAST: u8 = 0x03;

/// `84 xx 00` where the goods could not be issued: the terminal undoes the payment (PA00P015 2.2.8).
const GOODS_FAILED: u16 = 0x8466;
const ASK_AGAIN: u16 = 0x849c;
const NOT_SUPPORTED: u16 = 0x8483;

/// What every command needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merchant {
    /// Six digits, BCD.
    pub password: [u8; 3],
    /// ISO 4217 number, BCD.
    pub currency: [u8; 2],
    /// What the terminal calls itself (BMP 29), eight digits, BCD; `None`: whichever answers.
    pub terminal: Option<[u8; 4]>,
}

/// Fields that the grammar has and some terminals refuse (`84 9A`). What was refused once is left out from the next
/// registration on; a money command is never said again without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Without {
    /// The currency at registration.
    pub registered_currency: bool,
    /// BMP 01 and 02 of a charge: the terminal then waits as long, and asks as often, as it likes.
    pub limits: bool,
    /// BMP 49 of a charge or reversal. Never where the currency was not said otherwise.
    pub currency: bool,
}

impl Merchant {
    #[must_use]
    pub fn register(self, without: Without) -> Vec<u8> {
        let currency: &[u8] = if without.registered_currency { &[] } else { &self.currency };
        bytes(REGISTRATION, &[&self.password, &[CONFIG], currency])
    }

    /// The money command. `None` if the amount is not 1..=999 999 999 999.
    #[must_use]
    pub fn authorise(self, amount: Amount, without: Without) -> Option<Vec<u8>> {
        let limits: &[u8] = if without.limits { &[] } else { &[bmp::TIMEOUT, DECIDE_S, bmp::MAX_STATUS, ASKS_MAX] };
        Some(bytes(AUTHORISATION, &[&amount_field(amount)?, &self.currency_field(without), limits]))
    }

    #[must_use]
    pub fn ask_status(self) -> Vec<u8> {
        bytes(STATUS_ENQUIRY, &[&self.password])
    }

    #[must_use]
    pub fn ask_last(self) -> Vec<u8> {
        bytes(REPEAT_RECEIPT, &[&self.password, &[bmp::SERVICE, TELL_LAST]])
    }

    /// Undoes the sale with this receipt number, without the card.
    #[must_use]
    pub fn reverse(self, receipt: [u8; 2], amount: Amount, without: Without) -> Option<Vec<u8>> {
        let receipt = [&[bmp::RECEIPT][..], &receipt].concat();
        Some(bytes(REVERSAL, &[&self.password, &receipt, &amount_field(amount)?, &self.currency_field(without)]))
    }

    /// Gives the amount to a card that is presented.
    #[must_use]
    pub fn refund(self, amount: Amount, without: Without) -> Option<Vec<u8>> {
        Some(bytes(REFUND, &[&self.password, &amount_field(amount)?, &self.currency_field(without)]))
    }

    #[must_use]
    pub fn end_of_day(self) -> Vec<u8> {
        bytes(END_OF_DAY, &[&self.password])
    }

    /// A message that names another currency tells of no amount of ours. Silence is ours: it was registered with it.
    #[must_use]
    pub fn is_in_our_currency(self, message: &Message) -> bool {
        message.bytes(bmp::CURRENCY).is_none_or(|named| named == self.currency)
    }

    /// The terminal's id in a message, if it is another's than the configured one. Nothing but zeros names none.
    #[must_use]
    pub fn other_terminal(self, message: &Message) -> Option<String> {
        let told = message.bytes(bmp::TERMINAL)?;
        let other = self.terminal.is_some_and(|ours| told != ours) && told.iter().any(|byte| *byte != 0);
        other.then(|| hex(told))
    }

    fn currency_field(self, without: Without) -> Vec<u8> {
        if without.currency { Vec::new() } else { [&[bmp::CURRENCY][..], &self.currency].concat() }
    }
}

#[must_use]
pub fn abort() -> Vec<u8> {
    bytes(ABORT, &[])
}

/// `80 00 00`: done; after a result "it is kept, book it".
#[must_use]
pub fn positive() -> Vec<u8> {
    bytes(POSITIVE, &[])
}

#[must_use]
pub fn refuse() -> Vec<u8> {
    bytes(GOODS_FAILED, &[])
}

#[must_use]
pub fn ask_again() -> Vec<u8> {
    bytes(ASK_AGAIN, &[])
}

#[must_use]
pub fn not_supported() -> Vec<u8> {
    bytes(NOT_SUPPORTED, &[])
}

fn bytes(code: u16, parts: &[&[u8]]) -> Vec<u8> {
    Apdu::new(code, parts.concat()).encode()
}

/// Twelve digits of minor units.
fn amount_field(amount: Amount) -> Option<Vec<u8>> {
    if !(1..=999_999_999_999).contains(&amount.0) {
        return None;
    }
    let digits = format!("{:012}", amount.0);
    Some([vec![bmp::AMOUNT], bcd(&digits)?].concat())
}

/// Pairs of digits; `None` for anything else.
#[must_use]
pub fn bcd(digits: &str) -> Option<Vec<u8>> {
    if digits.len() % 2 == 1 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    Some(digits.as_bytes().chunks(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect())
}

#[cfg(test)]
mod tests {
    use super::super::currency;
    use super::*;
    use crate::domain::money::iso_minor_digits;

    #[test]
    fn an_amount_is_in_minor_units_of_the_merchants_currency() {
        for (code, amount, digits) in [
            ("EUR", 1_250, Some("0000000012500978")),
            ("KRW", 5_100, Some("0000000051000410")),
            ("JPY", 1, Some("0000000000010392")),
            ("EUR", 999_999_999_999, Some("9999999999990978")),
            ("EUR", 1_000_000_000_000, None),
            ("EUR", 0, None),
            ("EUR", -1, None),
        ] {
            let merchant =
                Merchant { password: [0x12, 0x34, 0x56], currency: currency::number(code).unwrap(), terminal: None };
            let field = digits.map(|digits| {
                let bytes = bcd(digits).unwrap();
                [&[bmp::AMOUNT], &bytes[..6], &[bmp::CURRENCY], &bytes[6..]].concat()
            });
            let says = [
                merchant.authorise(Amount(amount), Without::default()).map(|apdu| apdu[3..].to_vec()),
                merchant.refund(Amount(amount), Without::default()).map(|apdu| apdu[6..].to_vec()),
                merchant.reverse([0, 0x12], Amount(amount), Without::default()).map(|apdu| apdu[9..].to_vec()),
            ];
            for said in says {
                assert_eq!(said.map(|data| data[..10].to_vec()), field, "{code} {amount}");
            }
        }
    }

    /// Whoever can be charged at a ZVT terminal has a currency whose minor unit the configuration knows.
    #[test]
    fn every_currency_has_a_number_of_its_own_and_a_known_minor_unit() {
        let mut numbers = std::collections::BTreeSet::new();
        for code in currency::codes() {
            assert!(numbers.insert(currency::number(code).unwrap()), "{code}");
            assert!(iso_minor_digits(code).is_some(), "{code}");
        }
        assert_eq!((currency::number("KRW"), currency::number("XYZ")), (Some([0x04, 0x10]), None));
    }
}
