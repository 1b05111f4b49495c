//! ZVT blocks, the APDUs in them, the TLV in those, and the reader that finds blocks in a stream.

use hospital_kiosk::domain::attempt::{CardTransaction, LastTransaction};
use hospital_kiosk::terminal::decode;
use hospital_kiosk::terminal::zvt::apdu::Apdu;
use hospital_kiosk::terminal::zvt::message::Message;
use hospital_kiosk::terminal::zvt::reader::{Item, Reader};
use hospital_kiosk::terminal::zvt::stream::Stream;
use hospital_kiosk::terminal::zvt::{frame, tlv, transaction};

const SERIAL: &str = include_str!("../../data/zvt/serial.tsv");
const DERIVED: &str = include_str!("../../data/zvt/serial-derived.tsv");
const FEIG: &str = include_str!("../../data/zvt/apdu-feig.tsv");
const PORTALUM: &str = include_str!("../../data/zvt/apdu-portalum.tsv");
const VALINA: &str = include_str!("../../data/zvt/apdu-valina.tsv");
const NOW: &[u8; 14] = b"20261125100000";

/// The engine flips bytes, and the CRC would then hide everything behind it: the input is also taken as what a block holds.
pub fn block(bytes: &[u8]) {
    explained("zvt", bytes);
    if let Ok(apdu) = frame::unwrap(bytes) {
        assert_eq!(frame::wrap(&apdu), bytes);
    }
    let wrapped = frame::wrap(bytes);
    assert_eq!(frame::unwrap(&wrapped).as_deref(), Ok(bytes));
    explained("zvt", &wrapped);
}

fn explained(protocol: &str, bytes: &[u8]) {
    match decode(protocol, bytes).expect("a known protocol") {
        Ok(decoded) => assert_eq!(decoded.reencoded, bytes, "{decoded:?}"),
        Err(refused) => assert!(refused.at <= bytes.len() && !refused.error.is_empty(), "{refused:?}"),
    }
}

/// The same with the length field mended; then what a sale, the last transaction and the totals are read from.
pub fn apdu(bytes: &[u8]) {
    explained("zvt-apdu", bytes);
    let Some((code, rest)) = bytes.split_first_chunk::<2>() else { return };
    let data = rest[..rest.len().min(usize::from(u16::MAX))].to_vec();
    let mended = Apdu::new(u16::from_be_bytes(*code), data).encode();
    explained("zvt-apdu", &mended);
    for bytes in [bytes, &mended] {
        let Ok(apdu) = Apdu::parse(bytes) else { continue };
        assert_eq!(apdu.encode(), bytes);
        let (far, fault) = Message::read_as_far(&apdu);
        assert_eq!(far.to_apdu(), apdu, "{fault:?}");
        assert!(fault.is_none_or(|fault| fault.at <= apdu.data.len()));
        masked(&transaction::read(&far, NOW));
        let Ok(message) = Message::read(&apdu) else { continue };
        masked(&transaction::read(&message, NOW));
        if let LastTransaction::Known(told) = transaction::read_last(&message, NOW) {
            masked(&told);
        }
        let _ = transaction::read_totals(&message);
    }
}

/// A card number in the clear never gets past here.
fn masked(told: &CardTransaction) {
    assert!(super::longest_digit_run(&told.masked_card) < 13, "a card in the clear");
    assert!(!told.approved || told.decline.is_none(), "approved and declined");
}

pub fn nodes(bytes: &[u8]) {
    assert_eq!(tlv::encode(&tlv::read(bytes).0), bytes);
    match tlv::parse(bytes) {
        Ok(nodes) => assert_eq!(tlv::encode(&nodes), bytes),
        Err(error) => assert!(error.at <= bytes.len() && !error.what.is_empty(), "{error:?}"),
    }
}

/// However the line cuts it, the same blocks come out; nothing is kept that silence does not end.
pub fn stream(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = read_in_pieces(bytes, bytes.len().max(1));
    assert_eq!(whole, read_in_pieces(bytes, usize::from(*cut).max(1)), "pieces of {cut}");
    assert!(whole.len() <= bytes.len());
    for item in whole {
        if let Item::Block { apdu, raw } = item {
            assert_eq!(frame::wrap(&apdu), raw);
        }
    }
}

/// The same of a connection: what is found there makes up the stream, up to where nobody knows any more.
pub fn network(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let in_pieces = |piece| super::read_in_pieces(bytes, piece, Stream::push, Stream::silence, Stream::is_waiting);
    let whole = in_pieces(bytes.len().max(1));
    assert_eq!(whole, in_pieces(usize::from(*cut).max(1)), "pieces of {cut}");
    let mut rest = bytes;
    for (at, item) in whole.iter().enumerate() {
        match item {
            Item::Block { apdu, raw } => {
                assert!(apdu == raw && Apdu::parse(apdu).is_ok());
                rest = rest.strip_prefix(apdu.as_slice()).expect("the next bytes");
            }
            Item::Broken => assert_eq!(at + 1, whole.len()),
            Item::Ack | Item::Nak => panic!("there is no such thing on the network"),
        }
    }
    assert!(rest.is_empty() || whole.last() == Some(&Item::Broken));
}

/// All recordings behind each other, in pieces of some length.
pub fn connections() -> Vec<Vec<u8>> {
    vec![[vec![7], apdus().concat()].concat(), [vec![255], apdus().concat()].concat()]
}

fn read_in_pieces(bytes: &[u8], piece: usize) -> Vec<Item> {
    super::read_in_pieces(bytes, piece, Reader::push, Reader::silence, Reader::is_waiting)
}

/// The column of every row that is hexadecimal.
fn column(table: &str, column: usize) -> Vec<Vec<u8>> {
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let cells = rows.filter_map(|row| row.split('\t').nth(column));
    cells.filter(|cell| cell.bytes().all(|digit| digit.is_ascii_hexdigit())).map(super::hex).collect()
}

pub fn blocks() -> Vec<Vec<u8>> {
    let mut blocks = column(SERIAL, 2);
    blocks.extend(column(DERIVED, 2));
    blocks
}

pub fn apdus() -> Vec<Vec<u8>> {
    [column(FEIG, 2), column(PORTALUM, 2), column(VALINA, 1)].concat()
}

/// What BMP 06 holds, of every recording that has one, cut at its own length.
pub fn containers() -> Vec<Vec<u8>> {
    let container = |apdu: Vec<u8>| {
        let message = Message::read(&Apdu::parse(&apdu).ok()?).ok()?;
        let found = message.bmps.into_iter().find_map(|bmp| match bmp.value {
            hospital_kiosk::terminal::zvt::bmp::Content::Container(_, nodes) => Some(tlv::encode(&nodes)),
            hospital_kiosk::terminal::zvt::bmp::Content::Bytes(_) => None,
        });
        found.filter(|bytes| !bytes.is_empty())
    };
    apdus().into_iter().filter_map(container).collect()
}

pub fn streams() -> Vec<Vec<u8>> {
    let blocks: Vec<_> = blocks().into_iter().chain(apdus().iter().map(|apdu| frame::wrap(apdu))).collect();
    super::streams_of(&blocks, 0x10)
}

/// A card number with more behind it, as a terminal that sends track data in the place of the number.
pub const FOUND: &[&[u8]] = &[b"\x04\x0f\x0d\x27\x00\x22\xf0\xf9\x41\x11\x11\x11\x11\x11\x11\x11\xd2"];
