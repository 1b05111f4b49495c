//! A message without what it tells of a card in the clear. Every field keeps its length, so that it can be read still.
//!
//! A card's number keeps its first six and last four digits; tracks, chip data, PINs, check values and the rest of what only a
//! card knows are overwritten whole (PCI DSS 3.3.1). What is kept ([`Knowing::Little`]) tells nothing either of fields that no
//! table here knows: manufacturers have their own for such things. A technician who looks at a recording sees those.

use super::bmp::{self, Content, Kind};
use super::message::Message;
use super::tlv::{self, Node, Value};
use crate::terminal::card;

/// What is done with a field that no table knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knowing {
    /// It may hold a card: overwritten.
    Little,
    /// It is shown.
    All,
}

/// Track 2, track 3, track 1, chip data, expiry, sequence number, CVV, chip data of two national schemes, what a chip's files
/// say, PIN data.
const SECRET: [u8; 12] = [0x0e, 0x17, 0x23, 0x24, 0x2d, 0x2e, 0x3a, 0x92, 0x9a, 0xa7, 0xaf, 0xd1];
/// The same in a container: the numbers of the fields above, and EMV's own (EMV book 3, annex A): track 2 twice, the number,
/// holder, expiry and start, tracks of contactless cards, the cryptogram and what it was made of.
const SECRET_TAGS: [u32; 20] = [
    0x22, 0x23, 0x2d, 0x2e, 0x56, 0x57, 0x5a, 0x5f20, 0x5f24, 0x5f25, 0x5f34, 0x99, 0x9f0b, 0x9f10, 0x9f1f, 0x9f20,
    0x9f26, 0x9f37, 0x9f6b, 0x9f7c,
];
/// Known to tell nothing of a card, in what is kept: attributes, character set, the kind of card, its application's number
/// and name, receipt parameters, how the holder was verified, how the card was read, errors, the transaction's own number.
const PLAIN_TAGS: [u32; 10] = [0x09, 0x0a, 0x26, 0x41, 0x43, 0x1f07, 0x1f10, 0x1f12, 0x1f16, 0x1f1f];
/// Texts.
const TEXT_TAGS: [u32; 5] = [0x07, 0x44, 0x46, 0x47, 0x1f17];
/// Numbers of the transaction and of the merchant: they name no card, and may be as long as one.
const KEPT_TEXTS: [u8; 2] = [bmp::CONTRACT, bmp::AUTHORISATION];
/// As many digits as the shortest card's number has need more bytes than these.
const SHORT_BYTES: usize = card::DIGITS_MIN / 2;

/// The message as it may be seen.
#[must_use]
pub fn hidden(message: &Message, unknown: Knowing) -> Message {
    let mut hidden = message.clone();
    for field in hidden.head.iter_mut().filter(|field| field.kind == Kind::Text) {
        card::hide_runs(&mut field.raw);
    }
    for bmp in &mut hidden.bmps {
        match &mut bmp.value {
            Content::Bytes(raw) if bmp.meaning.tag == bmp::PAN => hide_digits(raw),
            Content::Bytes(raw) if SECRET.contains(&bmp.meaning.tag) => raw.fill(0),
            Content::Bytes(raw) if bmp.meaning.kind == Kind::Text && !KEPT_TEXTS.contains(&bmp.meaning.tag) => {
                card::hide_runs(raw);
            }
            Content::Bytes(raw) if bmp.meaning.kind == Kind::Bytes && bmp.meaning.tag != bmp::TOTALS => {
                hide_unknown(raw, unknown);
            }
            Content::Bytes(_) => {}
            Content::Container(_, nodes) => hide_nodes(nodes, unknown),
        }
    }
    hide_unknown(&mut hidden.rest, unknown);
    hidden
}

fn hide_nodes(nodes: &mut [Node], unknown: Knowing) {
    for node in nodes {
        if SECRET_TAGS.contains(&node.tag) {
            node.value = Value::Bytes(vec![0; value_bytes(&node.value)]);
        }
        match &mut node.value {
            Value::Nodes(inner) => hide_nodes(inner, unknown),
            Value::Bytes(raw) if TEXT_TAGS.contains(&node.tag) => card::hide_runs(raw),
            Value::Bytes(_) if PLAIN_TAGS.contains(&node.tag) => {}
            Value::Bytes(raw) | Value::Unread(raw) => hide_unknown(raw, unknown),
            Value::Filler => {}
        }
    }
}

/// Some of their numbers would mark a container of more; what is in it is no less secret.
fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Nodes(inner) => tlv::encode(inner).len(),
        Value::Bytes(raw) | Value::Unread(raw) => raw.len(),
        Value::Filler => 0,
    }
}

/// A few bytes hold no card's number; a result code does not go with it.
fn hide_unknown(raw: &mut [u8], unknown: Knowing) {
    match unknown {
        Knowing::Little if raw.len() > SHORT_BYTES => raw.fill(0),
        Knowing::Little | Knowing::All => {}
    }
}

/// Half bytes: `e` hides a digit. Behind the number there may be padding (`f`) or, after a separator (`d`), more of a track.
fn hide_digits(raw: &mut [u8]) {
    let half = |raw: &[u8], at: usize| if at.is_multiple_of(2) { raw[at / 2] >> 4 } else { raw[at / 2] & 0x0f };
    let all = raw.len() * 2;
    let end = (0..all).find(|at| !matches!(half(raw, *at), 0..=9 | 0x0e)).unwrap_or(all);
    let digits = (0..end).filter(|at| half(raw, *at) <= 9).count();
    let clear = digits > card::CLEAR_FIRST + card::CLEAR_LAST;
    for at in 0..all {
        let value = match at {
            _ if at >= end => 0x0f,
            _ if clear && at >= card::CLEAR_FIRST && at + card::CLEAR_LAST < end => 0x0e,
            _ => continue,
        };
        let byte = &mut raw[at / 2];
        *byte = if at.is_multiple_of(2) { *byte & 0x0f | value << 4 } else { *byte & 0xf0 | value };
    }
}

#[cfg(test)]
mod tests {
    use super::super::apdu::Apdu;
    use super::super::message::STATUS;
    use super::super::transaction::read;
    use super::*;

    const OURS: &[u8; 14] = b"20261125100000";
    const PAN: [u8; 8] = [0x41, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44];
    const IN_LETTERS: &[u8] = b"4111112222333344";

    fn sale(with: &[u8]) -> Message {
        let fixed = [0x27, 0, 0x04, 0, 0, 0, 0, 0x51, 0, 0x0b, 0, 0, 0x17, 0x49, 0x04, 0x10, 0x87, 0, 0x12];
        let (message, _) = Message::read_as_far(&Apdu::new(STATUS, [&fixed[..], with].concat()));
        message
    }

    fn tells(bytes: &[u8]) -> bool {
        // Also where a number begins in the middle of a byte.
        let halves = |bytes: &[u8]| bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect::<Vec<u8>>();
        let (all, digits) = (halves(bytes), halves(&PAN));
        all.windows(digits.len()).any(|part| part == digits)
            || bytes.windows(IN_LETTERS.len()).any(|part| part == IN_LETTERS)
    }

    fn tlv(tag: &[u8], value: &[u8]) -> Vec<u8> {
        let count = |bytes: &[u8]| u8::try_from(bytes.len()).expect("short");
        let inside = [tag, &[count(value)], value].concat();
        [&[0x06, count(&inside)], &inside[..]].concat()
    }

    #[test]
    fn card_data_in_the_clear_is_hidden_wherever_it_stands() {
        let track = [&PAN[..], &[0xd2, 0x51, 0x21, 0x01]].concat();
        let ll = |tag: u8, value: &[u8]| [&[tag, 0xf1, 0xf0 + u8::try_from(value.len() - 10).unwrap()], value].concat();
        let lll = |tag: u8, value: &[u8]| {
            [&[tag, 0xf0, 0xf1, 0xf0 + u8::try_from(value.len() - 10).unwrap()], value].concat()
        };
        for (what, with) in [
            ("pan", [&[0x22, 0xf0, 0xf8], &PAN[..]].concat()),
            ("pan and more of the track", ll(0x22, &track)),
            ("pan with padding", [&[0x22, 0xf0, 0xf9], &PAN[..], &[0xff]].concat()),
            ("track 2", ll(0x23, &track)),
            ("track 3", lll(0x24, &track)),
            ("track 1", ll(0x2d, IN_LETTERS)),
            ("chip", lll(0x2e, &track)),
            ("text", lll(0x3c, IN_LETTERS)),
            ("name", ll(0x8b, IN_LETTERS)),
            ("pan in a container", tlv(&[0x22], &PAN)),
            ("track 2 in a container", tlv(&[0x23], &track)),
            ("track 1 in a container", tlv(&[0x2d], IN_LETTERS)),
            ("emv's number", tlv(&[0x5a], &PAN)),
            ("emv's track", tlv(&[0x57], &track)),
            ("deep", tlv(&[0x60], &[&[0x57, 12], &track[..]].concat())),
            ("a line of text", tlv(&[0x07], IN_LETTERS)),
            ("receipt parameter", tlv(&[0x46], IN_LETTERS)),
        ] {
            for unknown in [Knowing::Little, Knowing::All] {
                let told = sale(&with);
                assert!(tells(&told.to_apdu().encode()), "{what}");
                let kept = hidden(&told, unknown);
                let (before, after) = (told.to_apdu().encode(), kept.to_apdu().encode());
                assert!(!tells(&after), "{what} {unknown:?}: {after:02x?}");
                assert_eq!(before.len(), after.len(), "{what}");
                let again = Message::read_as_far(&Apdu::parse(&after).expect("an APDU")).0;
                assert_eq!(read(&again, OURS), read(&told, OURS), "{what}");
                assert_eq!(hidden(&again, unknown).to_apdu().encode(), after, "{what}");
            }
        }
    }

    /// Manufacturers have fields of their own.
    #[test]
    fn what_nobody_knows_is_not_kept() {
        for with in [
            [&[0xe7], &PAN[..]].concat(),
            tlv(&[0xdf, 0x01], &PAN),
            tlv(&[0x1f, 0x70], IN_LETTERS),
            // A container whose length does not fit.
            [&[0x06, 0x7f, 0x57, 8], &PAN[..]].concat(),
        ] {
            let told = sale(&with);
            assert!(tells(&told.to_apdu().encode()));
            let kept = hidden(&told, Knowing::Little);
            assert!(!tells(&kept.to_apdu().encode()), "{with:02x?}");
            assert_eq!(read(&kept, OURS), read(&told, OURS));
        }
    }

    #[test]
    fn a_number_that_the_terminal_hid_stays_as_it_came() {
        let told = sale(&[0x22, 0xf0, 0xf8, 0x41, 0x11, 0x11, 0xee, 0xee, 0xee, 0x33, 0x44]);
        assert_eq!(hidden(&told, Knowing::Little), told);
    }
}
