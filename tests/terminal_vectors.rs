//! Every frame of a third party decodes, and our encoder makes the same bytes again; a damaged one is refused.

use hospital_kiosk::domain::attempt::{DeclineCause, LastTransaction};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::terminal::smartro::packet::{Frame, approve_data};
use hospital_kiosk::terminal::smartro::reader::{Item, Reader};
use hospital_kiosk::terminal::smartro::transaction::{read_answer, read_last};
use hospital_kiosk::terminal::{Decoded, Refused, decode};
use proptest::prelude::*;

const RECORDED: &str = include_str!("data/smartro.tsv");

pub fn recorded(case: &str) -> Vec<u8> {
    all_recorded().into_iter().find(|(name, _)| name == case).expect("the case is in smartro.tsv").1
}

fn all_recorded() -> Vec<(String, Vec<u8>)> {
    let rows = RECORDED.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let frames: Vec<_> = rows
        .map(|row| {
            let mut columns = row.split('\t');
            let case = columns.next().expect("a name").to_owned();
            (case, bytes(columns.nth(1).expect("a frame")))
        })
        .collect();
    assert!(frames.len() >= 17, "the recordings are gone");
    frames
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn smartro(bytes: &[u8]) -> Result<Decoded, Refused> {
    decode("smartro", bytes).expect("a known protocol")
}

#[test]
fn every_recorded_frame_comes_out_as_it_went_in() {
    for (case, frame) in all_recorded() {
        let decoded = smartro(&frame).unwrap_or_else(|refused| panic!("{case}: {refused:?}"));
        assert_eq!(decoded.reencoded, frame, "{case}");
        assert_eq!(decoded.command, char::from(frame[31]).to_string(), "{case}");
        assert_eq!(decoded.fields["terminal_id"], "KIOSK1114915545", "{case}");
        assert_eq!(decoded.fields["date_time"], "20260102030405", "{case}");
    }
}

#[test]
fn fields_say_what_the_tables_say() {
    let fields = |case: &str| smartro(&recorded(case)).expect("decodes").fields;
    let charge = fields("approve_B_1004_91_0");
    assert_eq!(
        (charge["amount"].as_i64(), charge["vat"].as_i64(), charge["service"].as_i64()),
        (Some(1004), Some(91), Some(0))
    );
    assert_eq!((&charge["instalment"], &charge["signature"]), (&"00".into(), &"1".into()));
    let cancel = fields("cancel_C1_1004");
    assert_eq!((&cancel["approval_no"], &cancel["original_time"]), (&"30012345".into(), &"030409".into()));
    let check = fields("resp_a_OOON");
    assert_eq!((&check["van_server"], &check["link_server"]), (&"O".into(), &"N".into()));
    let decline = fields("resp_b_reject");
    assert_eq!((&decline["decline_code"], &decline["decline_message"]), (&"0C".into(), &"HOST TIMEOUT".into()));
    let approval = fields("resp_b_ok");
    assert_eq!(approval["issuer_name"], "TESTISSUER");
    assert_eq!(approval["sale_date"], "20260102");
    assert_eq!(approval["terminal_id_padding"], "00");
    assert_eq!(fields("event_I")["event"], "I");
}

#[test]
fn our_own_charge_is_the_third_partys_but_for_the_tax() {
    let theirs = Frame::parse(&recorded("approve_B_1004_91_0")).expect("a frame");
    let mut data = approve_data(1004).expect("an amount");
    data[17..19].copy_from_slice(b"91");
    let ours = Frame::request(b'B', "KIOSK1114915545", *b"20260102030405", data);
    assert_eq!(ours, theirs);
    assert_eq!(approve_data(5_100).as_deref(), Some(&b"100000051000000000000000000001"[..]));
    for amount in [i64::MIN, -1, 0, 10_000_000_000, i64::MAX] {
        assert_eq!(approve_data(amount), None, "{amount}");
    }
}

#[test]
fn every_frame_cut_anywhere_is_refused_at_the_cut() {
    for (case, frame) in all_recorded() {
        for cut in 0..frame.len() {
            let refused = smartro(&frame[..cut]).expect_err("a part is no frame");
            assert_eq!(refused.at, cut, "{case} cut at {cut}");
        }
        let mut longer = frame.clone();
        longer.push(0x06);
        assert_eq!(smartro(&longer).expect_err("one byte too many").at, frame.len(), "{case}");
    }
}

#[test]
fn every_flipped_bit_is_refused_with_an_offset() {
    for (case, frame) in all_recorded() {
        for at in 0..frame.len() {
            for bit in 0..8 {
                let mut damaged = frame.clone();
                damaged[at] ^= 1 << bit;
                let refused = smartro(&damaged).expect_err("a damaged frame is refused");
                assert!(refused.at <= damaged.len() && !refused.error.is_empty(), "{case} byte {at} bit {bit}");
                let wanted = if at == 0 { 0 } else { frame.len() - 2 };
                if !(33..35).contains(&at) {
                    assert!(refused.at == 0 || refused.at >= wanted, "{case} byte {at} bit {bit}: {refused:?}");
                }
            }
        }
    }
}

#[test]
fn bare_acknowledgements_are_valid_and_nothing_else_short_is() {
    assert_eq!(smartro(&[0x06]).expect("ACK").command, "ACK");
    assert_eq!(smartro(&[0x15]).expect("NAK").reencoded, [0x15]);
    for byte in (0..=255_u8).filter(|byte| ![0x06, 0x15].contains(byte)) {
        assert!(smartro(&[byte]).is_err());
    }
    assert_eq!(decode("concert", &[0x06]), None);
}

#[test]
fn an_approval_and_a_decline_in_the_kiosks_words() {
    let approved = Frame::parse(&recorded("resp_b_ok")).expect("a frame");
    let sale = read_answer(&approved, Amount(1004)).expect("an answer to 1,004 won");
    assert!(sale.approved && sale.decline.is_none());
    assert_eq!((sale.approval_number.as_str(), sale.terminal_time.as_str()), ("30012345", "20260102030409"));
    assert_eq!((sale.issuer.as_str(), sale.masked_card.as_str()), ("TESTISSUER", "123456**********"));
    assert!(read_answer(&approved, Amount(1005)).is_err(), "another amount proves nothing");

    let declined = Frame::parse(&recorded("resp_b_reject")).expect("a frame");
    let sale = read_answer(&declined, Amount(1004)).expect("a well-formed decline");
    assert!(!sale.approved);
    assert_eq!(sale.decline.expect("a code").code, "0C");
}

#[test]
fn what_is_neither_approval_nor_decline_proves_nothing() {
    let good = Frame::parse(&recorded("resp_b_ok")).expect("a frame");
    let with = |at: usize, byte: u8| {
        let mut frame = good.clone();
        frame.data[at] = byte;
        read_answer(&frame, Amount(1004))
    };
    assert!(with(0, b'9').is_err(), "an unknown kind");
    assert!(with(0, b'2').is_err(), "a cash receipt is not a payment");
    assert!(with(25, b' ').is_err(), "an amount that is no number");
    let mut bare_x = good.clone();
    bare_x.data = vec![b' '; 157];
    bare_x.data[0] = b'X';
    assert!(read_answer(&bare_x, Amount(1004)).is_err(), "a decline without its code");
    let mut short = good.clone();
    short.data.truncate(116);
    assert!(read_answer(&short, Amount(1004)).is_err(), "the money fields are not whole");
}

/// They stand where they stand, whatever a version adds or leaves out behind them, or pads them with.
#[test]
fn an_optional_tail_takes_nothing_of_an_answer_back() {
    let good = Frame::parse(&recorded("resp_b_ok")).expect("a frame");
    let whole = read_answer(&good, Amount(1004)).expect("an approval");
    for bytes in [117, 118, 120, 156, 157, 158, 187, 200, 300] {
        let mut other = good.clone();
        other.data.resize(bytes, b' ');
        let read = read_answer(&other, Amount(1004)).unwrap_or_else(|why| panic!("{bytes}: {why}"));
        assert!(read.approved && read.is_same_booking(&whole), "{bytes}");
        let frame = other.encode();
        let decoded = hospital_kiosk::terminal::decode("smartro", &frame).expect("known").expect("a frame");
        assert_eq!((decoded.reencoded, &decoded.fields["amount"]), (frame, &1004.into()), "{bytes}");
    }
    let mut padded = good;
    padded.data[22..32].copy_from_slice(b"      1004");
    assert!(read_answer(&padded, Amount(1004)).expect("an approval").approved);
}

#[test]
fn a_refusal_says_whose_it_is() {
    let refused = Frame::parse(&recorded("resp_b_reject")).expect("a frame");
    for (code, cause) in [
        (b"6B", DeclineCause::Balance),
        (b"69", DeclineCause::Card),
        (b"0A", DeclineCause::Terminal),
        (b"B3", DeclineCause::Terminal),
        (b"0C", DeclineCause::Untold),
        (b"51", DeclineCause::Untold),
    ] {
        let mut frame = refused.clone();
        frame.data[118..120].copy_from_slice(code);
        let decline = read_answer(&frame, Amount(1004)).expect("a refusal").decline.expect("a code");
        assert_eq!(decline.cause, cause, "{}", decline.code);
    }
}

#[test]
fn the_last_transaction_is_empty_known_or_unknown() {
    let mut frame = Frame::parse(&recorded("resp_b_ok")).expect("a frame");
    frame.job = b'l';
    assert!(matches!(read_last(&frame), LastTransaction::Known(sale) if sale.approved));
    for nothing in [vec![b' '; 157], vec![0; 157], vec![b'0'; 157], Vec::new()] {
        assert_eq!(read_last(&Frame { data: nothing, ..frame.clone() }), LastTransaction::Empty);
    }
    assert_eq!(read_last(&Frame { data: b"hello".to_vec(), ..frame.clone() }), LastTransaction::Unknown);
    let declined = Frame::parse(&recorded("resp_b_reject")).expect("a frame");
    assert!(matches!(read_last(&declined), LastTransaction::Known(sale) if !sale.approved));
}

#[test]
fn a_shifted_date_is_found_and_a_clear_card_number_is_masked() {
    let mut frame = Frame::parse(&recorded("resp_b_ok")).expect("a frame");
    frame.data.copy_within(62..100, 65);
    frame.data[62..65].copy_from_slice(b"   ");
    frame.data[2..22].copy_from_slice(b"00004711008005757038");
    let sale = read_answer(&frame, Amount(1004)).expect("an answer");
    assert_eq!(sale.terminal_time, "20260102030409");
    assert_eq!(sale.masked_card, "471100******7038");
    assert!(!format!("{frame:?} {sale:?}").contains("4711"), "no card number in a log");
}

#[test]
fn korean_text_space_padding_and_odd_lengths_survive() {
    let mut frame = Frame::parse(&recorded("resp_b_reject")).expect("a frame");
    let message = encoding_rs::EUC_KR.encode("잔액이 부족합니다").0.into_owned();
    frame.data[120..120 + message.len()].copy_from_slice(&message);
    frame.terminal_id[15] = b' ';
    let decoded = smartro(&frame.encode()).expect("decodes");
    assert_eq!(decoded.fields["decline_message"], "잔액이 부족합니다");
    assert_eq!(decoded.fields["terminal_id_padding"], "20");
    assert_eq!(decoded.reencoded, frame.encode());
    for (length, named) in [(57, "original_time"), (59, "extra_length"), (89, "pg_serial"), (56, "data"), (58, "data")]
    {
        let cancel = Frame { job: b'C', data: vec![b'7'; length], ..frame.clone() };
        let decoded = smartro(&cancel.encode()).expect("decodes");
        assert!(decoded.fields.contains_key(named), "C of {length} bytes");
        assert_eq!(decoded.reencoded, cancel.encode());
    }
}

#[test]
fn a_stream_is_read_whatever_it_is_cut_into() {
    let (wait, event, answer) = (vec![0x06], recorded("event_I"), recorded("resp_b_ok"));
    let stream: Vec<u8> = [wait, event.clone(), answer.clone(), vec![0x15]].concat();
    for piece in [1, 2, 3, 7, 38, 39, 100, stream.len()] {
        let mut reader = Reader::default();
        let items: Vec<Item> = stream.chunks(piece).flat_map(|bytes| reader.push(bytes)).collect();
        assert!(
            matches!(&items[..], [Item::Ack, Item::Frame { raw: first, .. }, Item::Frame { raw: second, .. }, Item::Nak]
            if *first == event && *second == answer),
            "pieces of {piece}"
        );
    }
}

#[test]
fn a_stream_recovers_from_every_damaged_byte() {
    let (first, second) = (recorded("resp_b_ok"), recorded("hdr_A"));
    for at in 0..first.len() {
        let mut damaged = first.clone();
        damaged[at] ^= 0x10;
        let mut reader = Reader::default();
        let mut items = reader.push(&[damaged, second.clone()].concat());
        items.extend(reader.silence());
        let good: Vec<_> = items.iter().filter(|item| matches!(item, Item::Frame { .. })).collect();
        assert!(matches!(good[..], [Item::Frame { raw, .. }] if *raw == second), "byte {at}: {items:?}");
        assert!(!reader.is_waiting());
    }
}

#[test]
fn a_false_start_hides_nothing() {
    for noise in [&[0x02][..], &[0x02, 0x02, 0x02], &[0x41, 0x02, 0x03, 0xff], &[0x00; 40]] {
        let mut reader = Reader::default();
        let frame = recorded("event_R");
        let mut items = reader.push(&[noise, &frame[..]].concat());
        items.extend(reader.silence());
        assert!(items.iter().any(|item| matches!(item, Item::Frame { raw, .. } if *raw == frame)), "{noise:?}");
        assert!(!items.contains(&Item::Broken { job: None }), "what was found behind the noise is enough");
    }
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let known: Vec<(u8, usize)> = vec![
        (b'A', 0),
        (b'a', 4),
        (b'B', 30),
        (b'b', 157),
        (b'C', 57),
        (b'C', 59),
        (b'C', 89),
        (b'c', 157),
        (b'D', 0),
        (b'd', 53),
        (b'E', 0),
        (b'e', 0),
        (b'F', 0),
        (b'f', 10),
        (b'G', 339),
        (b'g', 187),
        (b'L', 0),
        (b'l', 157),
        (b'M', 0),
        (b'm', 1),
        (b'R', 0),
        (b'r', 0),
        (b'S', 3),
        (b's', 3),
        (b'V', 0),
        (b'v', 45),
        (b'@', 1),
    ];
    let shape = prop_oneof![proptest::sample::select(known), (any::<u8>(), 0..600_usize)];
    let bytes = |length| {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), length),
            proptest::collection::vec(b' '..=b'z', length),
            proptest::collection::vec(b'0'..=b'9', length),
        ]
    };
    let header = (any::<[u8; 16]>(), any::<[u8; 14]>(), any::<u8>());
    (shape, header).prop_flat_map(move |((job, length), (terminal_id, stamp, response_code))| {
        bytes(length).prop_map(move |data| Frame { terminal_id, stamp, job, response_code, data })
    })
}

proptest! {
    #[test]
    fn any_frame_round_trips(frame in any_frame()) {
        let bytes = frame.encode();
        let decoded = smartro(&bytes).expect("our own frame");
        prop_assert_eq!(&decoded.reencoded, &bytes);
        prop_assert_eq!(Frame::parse(&bytes).expect("our own frame"), frame.clone());
        let _ = (read_last(&frame), read_answer(&frame, Amount(1004)));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), pieces in 1..50_usize) {
        let _ = smartro(&bytes);
        let mut reader = Reader::default();
        for piece in bytes.chunks(pieces) {
            reader.push(piece);
        }
        reader.silence();
        prop_assert!(!reader.is_waiting());
    }
}
