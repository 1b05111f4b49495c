//! Smartro frames, and the reader that finds them in a stream.

use hospital_kiosk::domain::attempt::{CardTransaction, LastTransaction};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::terminal::decode;
use hospital_kiosk::terminal::smartro::packet::{ETX, Frame};
use hospital_kiosk::terminal::smartro::reader::{Item, Reader};
use hospital_kiosk::terminal::smartro::transaction::{read_answer, read_last};

const RECORDED: &str = include_str!("../../data/smartro.tsv");

/// The engine flips bytes, and the check byte would then hide everything behind it: the whole input is also taken as a
/// frame's data.
pub fn frame(bytes: &[u8]) {
    match decode("smartro", bytes).expect("a known protocol") {
        Ok(decoded) => assert_eq!(decoded.reencoded, bytes),
        Err(refused) => assert!(refused.at <= bytes.len() && !refused.error.is_empty(), "{refused:?}"),
    }
    let mended = mended(bytes);
    for bytes in [bytes, &mended] {
        if let Ok(frame) = Frame::parse(bytes) {
            assert_eq!(frame.encode(), bytes);
            assert_eq!(decode("smartro", bytes).expect("a protocol").expect("a frame").reencoded, bytes);
            read(&frame);
        }
    }
}

/// The same with the length, ETX and check byte that make it a frame.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02];
    frame.extend(bytes.iter().skip(1).copied().chain(std::iter::repeat(b'0')).take(34));
    let data = bytes.get(35..).unwrap_or_default();
    let data = &data[..data.len().saturating_sub(2).min(usize::from(u16::MAX))];
    frame[33..35].copy_from_slice(&u16::try_from(data.len()).expect("cut").to_le_bytes());
    frame.extend_from_slice(data);
    frame.push(ETX);
    frame.push(frame.iter().fold(0, |check, byte| check ^ byte));
    frame
}

fn read(frame: &Frame) {
    for amount in [0, 1004, 9_999_999_999] {
        if let Ok(told) = read_answer(frame, Amount(amount)) {
            assert!(!told.approved || told.amount.0 == amount, "an approval of another amount was taken for ours");
            assert!(told.approved || told.decline.is_some(), "neither approved nor declined");
            masked(&told);
        }
    }
    if let LastTransaction::Known(told) = read_last(frame) {
        masked(&told);
    }
}

/// A card number in the clear never gets past here; what a terminal has masked itself stays as it is.
fn masked(told: &CardTransaction) {
    assert!(super::longest_digit_run(&told.masked_card) < 13, "a card in the clear");
}

/// However the line cuts it, the same frames come out; nothing is kept that silence does not end.
pub fn stream(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let whole = read_in_pieces(bytes, bytes.len().max(1));
    let pieces = read_in_pieces(bytes, usize::from(*cut).max(1));
    assert_eq!(frames_of(&whole), frames_of(&pieces), "pieces of {cut}");
    // Every item stands for at least one byte; a frame's own bytes are told once.
    assert!(whole.len() <= bytes.len() && pieces.len() <= bytes.len());
    assert!(frames_of(&whole).iter().map(|raw| raw.len()).sum::<usize>() <= bytes.len());
}

fn read_in_pieces(bytes: &[u8], piece: usize) -> Vec<Item> {
    super::read_in_pieces(bytes, piece, Reader::push, Reader::silence, Reader::is_waiting)
}

fn frames_of(items: &[Item]) -> Vec<&Vec<u8>> {
    items.iter().filter_map(|item| if let Item::Frame { raw, .. } = item { Some(raw) } else { None }).collect()
}

pub fn frames() -> Vec<Vec<u8>> {
    let rows = RECORDED.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|row| super::hex(row.split('\t').nth(2).expect("a frame"))).collect()
}

pub fn streams() -> Vec<Vec<u8>> {
    super::streams_of(&frames(), 0x02)
}

/// A card number that the terminal "masks" with one star behind it.
pub const FOUND: &[&[u8]] = &[b"\x02KIOSK1114915545\x0020260102030405b\x00\x9d\x00114711008005757038123*000000100400000000000000000030012345    202601020304090000000000  123456789012   73053020000001 0100TESTISSUER      0200TESTACQUIRER    \x03\x00"];
