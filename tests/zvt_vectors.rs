//! Every whole block and APDU of a third party decodes, and our encoder makes the same bytes again; fragments are refused
//! with the offset; nothing makes the decoder panic.

use hospital_kiosk::domain::attempt::DeclineCause;
use hospital_kiosk::terminal::zvt::apdu::Apdu;
use hospital_kiosk::terminal::zvt::bmp;
use hospital_kiosk::terminal::zvt::frame::{place, unwrap, wrap};
use hospital_kiosk::terminal::zvt::message::Message;
use hospital_kiosk::terminal::zvt::reader::{Item, Reader};
use hospital_kiosk::terminal::zvt::stream::Stream;
use hospital_kiosk::terminal::zvt::{tlv, transaction};
use hospital_kiosk::terminal::{Decoded, Refused, decode};
use proptest::prelude::*;
use serde_json::json;

const SERIAL: &str = include_str!("data/zvt/serial.tsv");
const DERIVED: &str = include_str!("data/zvt/serial-derived.tsv");
const FEIG: &str = include_str!("data/zvt/apdu-feig.tsv");
const VALINA: &str = include_str!("data/zvt/apdu-valina.tsv");
const PORTALUM: &str = include_str!("data/zvt/apdu-portalum.tsv");

fn rows(table: &str) -> Vec<Vec<&str>> {
    table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split('\t').collect())
        .collect()
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.chars().filter(|letter| !letter.is_whitespace()).collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

/// (block, its APDU)
fn blocks() -> Vec<(Vec<u8>, Vec<u8>)> {
    let theirs = rows(SERIAL).into_iter().map(|row| (bytes(row[2]), bytes(row[3])));
    let derived = rows(DERIVED).into_iter().map(|row| (bytes(row[2]), bytes(row[1])));
    let all: Vec<_> = theirs.chain(derived).collect();
    assert_eq!(all.len(), 30, "recordings are gone");
    all
}

/// (APDU, is it whole?)
fn apdus() -> Vec<(Vec<u8>, bool)> {
    let feig = rows(FEIG).into_iter().map(|row| (bytes(row[2]), row[3] == "ok"));
    let valina = rows(VALINA).into_iter().map(|row| (bytes(row[1]), row[2] == "ok"));
    let portalum = rows(PORTALUM).into_iter().map(|row| (bytes(row[2]), row[3] == "apdu len ok"));
    let all: Vec<_> = feig.chain(valina).chain(portalum).collect();
    let whole = all.iter().filter(|(_, whole)| *whole).count();
    assert_eq!((all.len(), whole), (107, 84), "recordings are gone");
    all
}

fn zvt(bytes: &[u8]) -> Result<Decoded, Refused> {
    decode("zvt", bytes).expect("known")
}

fn apdu(bytes: &[u8]) -> Result<Decoded, Refused> {
    decode("zvt-apdu", bytes).expect("known")
}

#[test]
fn every_recorded_block_comes_out_as_it_went_in() {
    for (block, inside) in blocks() {
        let decoded = zvt(&block).unwrap_or_else(|refused| panic!("{block:02x?}: {refused:?}"));
        assert_eq!(decoded.reencoded, block);
        assert_eq!((unwrap(&block), wrap(&inside)), (Ok(inside.clone()), block));
        assert_eq!(decoded.command, format!("{:02x}{:02x}", inside[0], inside[1]));
        let bare = apdu(&inside).expect("the APDU alone decodes too");
        assert_eq!((bare.reencoded, bare.fields), (inside, decoded.fields));
    }
}

/// Over the network the same messages come bare and in any pieces, and the length field alone tells where each ends.
#[test]
fn every_recorded_message_is_found_in_a_network_stream_however_it_is_cut() {
    let inside = blocks().into_iter().map(|(_, inside)| inside);
    let whole: Vec<_> = apdus().into_iter().filter_map(|(apdu, whole)| whole.then_some(apdu)).chain(inside).collect();
    let all = whole.concat();
    for piece in [1, 2, 3, 5, 64, 1_460, all.len()] {
        let mut stream = Stream::default();
        let found: Vec<_> = all.chunks(piece).flat_map(|bytes| stream.push(bytes)).collect();
        let found: Vec<_> = found
            .into_iter()
            .map(|item| match item {
                Item::Block { apdu, .. } => apdu,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(found == whole, "in pieces of {piece}: {} messages of {}", found.len(), whole.len());
        assert!(!stream.is_waiting());
    }
}

#[test]
fn every_recorded_apdu_comes_out_as_it_went_in_and_no_fragment_passes_for_one() {
    for (bytes, whole) in apdus() {
        match apdu(&bytes) {
            Ok(decoded) => {
                assert!(whole, "taken: {bytes:02x?}");
                assert_eq!(decoded.reencoded, bytes);
                let framed = zvt(&wrap(&bytes)).expect("in a block it decodes too");
                assert_eq!((framed.reencoded, framed.fields), (wrap(&bytes), decoded.fields));
            }
            Err(refused) => {
                assert!(!whole, "{refused:?}: {bytes:02x?}");
                assert!(refused.at <= bytes.len() && !refused.error.is_empty(), "{refused:?}");
            }
        }
    }
}

/// No field of a recording stays unread but the Feig's own version text (and two made-up APDUs whose only byte is no field).
#[test]
fn every_recorded_apdu_is_read_to_its_last_field() {
    let unread: Vec<_> = apdus()
        .into_iter()
        .filter(|(_, whole)| *whole)
        .filter_map(|(bytes, _)| apdu(&bytes).ok())
        .filter(|decoded| decoded.fields.contains_key("data"))
        .collect();
    let (made_up, recorded): (Vec<_>, Vec<_>) = unread.iter().partition(|decoded| decoded.fields["data"] == "l");
    assert_eq!((made_up.len(), recorded.len()), (2, 1), "{unread:?}");
    assert!(recorded[0].fields["data"].as_str().is_some_and(|text| text.contains("GER-APP-v2.0.9")));
}

#[test]
fn fields_say_what_the_tables_say() {
    let said = |hex: &str| serde_json::Value::Object(apdu(&bytes(hex)).expect("decodes").fields);
    assert_eq!(said("06010704000000000154"), json!({ "amount": 154 }));
    assert_eq!(said("060006123456ba0978"), json!({ "password": "123456", "config": "BA", "currency": "0978" }));
    assert_eq!(
        said("06000E123456BE0978060626040A0206D3"),
        json!({ "password": "123456", "config": "BE", "currency": "0978", "tlv": [
            { "tag": "26", "name": "permitted_commands", "value": [
                { "tag": "0a", "name": "iso_character_set", "value": "06d3" }] }] })
    );
    assert_eq!(said("04ff010e"), json!({ "status": "0E" }));
    assert_eq!(said("04ff020a01"), json!({ "status": "0A", "timeout": "01" }));
    assert_eq!(said("061e016c"), json!({ "result_code": "6C" }));
    assert_eq!(said("849c00"), json!({ "error_code": "9C" }));
    assert_eq!(said("849d0704000000002200"), json!({ "error_code": "9D", "amount": 2200 }));
    assert_eq!(said("06300612345687 0231"), json!({ "password": "123456", "receipt_no": "0231" }));
    assert_eq!(said("0620051234560303"), json!({ "password": "123456", "service_byte": "03" }));
    assert_eq!(said("060f0bf0f0f7322e31342e313500"), json!({ "sw_version": "2.14.15", "terminal_status": "00" }));
    assert_eq!(said("060f01dc"), json!({ "terminal_status": "DC" }));
    assert_eq!(said("060f0a19002929001006490978"), json!({ "status": "00", "tid": "29001006", "currency": "0978" }));
    assert_eq!(
        said("06d10f40524945444720353006041f070101"),
        json!({ "attribute": "40", "text": "RIEDG 50", "tlv": [{ "tag": "1f07", "name": "receipt_type", "value": "01" }] })
    );
}

#[test]
fn a_recorded_approval_and_its_intermediate_status_are_told_in_words() {
    let approval = rows(VALINA).into_iter().find(|row| row[0] == "data081649050.hex").expect("recorded");
    let said = apdu(&bytes(approval[1])).expect("decodes").fields;
    let expected = [
        ("result_code", json!("00")),
        ("amount", json!(1)),
        ("trace", json!("000022")),
        ("time", json!("164923")),
        ("date", json!("0308")),
        ("payment_type", json!("70")),
        ("pan", json!("eeeeeeeeeeee5726")),
        ("tid", json!("29001006")),
        ("vu_no", json!("100764992")),
        ("auth_code", json!("291675")),
        ("text", json!("GEN.NR.:291675")),
        ("currency", json!("0978")),
        ("receipt_no", json!("0022")),
        ("turnover_no", json!("000022")),
        ("card_type", json!("2E")),
        ("card_name", json!("Debit Mastercard")),
    ];
    for (name, value) in expected {
        assert_eq!(said[name], value, "{name}");
    }
    let wait = "04FF2E0A01062A2428 07264B61727465 20766F7268616C74656E0A65696E737465636B656E2F64757263687A696568656E";
    // The published excerpt is cut off at its end; its lengths are mended to what is there.
    let mut wait = bytes(wait);
    let text = wait.len() - 11;
    (wait[2], wait[6], wait[8], wait[10]) = (
        u8::try_from(text + 8).expect("short"),
        u8::try_from(text + 4).expect("short"),
        u8::try_from(text + 2).expect("short"),
        u8::try_from(text).expect("short"),
    );
    let said = apdu(&wait).expect("decodes").fields;
    assert_eq!(said["tlv"][0]["value"][0]["value"], "Karte vorhalten\neinstecken/durchziehen");
}

#[test]
fn every_block_cut_anywhere_is_refused_at_the_cut() {
    for (block, _) in blocks() {
        for cut in 2..block.len() {
            assert_eq!(zvt(&block[..cut]).expect_err("a part is no block").at, cut, "{block:02x?} cut at {cut}");
        }
        let mut longer = block.clone();
        longer.push(0x06);
        assert_eq!(zvt(&longer).expect_err("one byte too many").at, block.len());
    }
}

#[test]
fn every_flipped_bit_is_refused_with_an_offset() {
    for (block, _) in blocks() {
        for at in 0..block.len() {
            for bit in 0..8 {
                let mut damaged = block.clone();
                damaged[at] ^= 1 << bit;
                let refused = zvt(&damaged).expect_err("a damaged block is refused");
                assert!(refused.at <= damaged.len() && !refused.error.is_empty(), "byte {at} bit {bit}: {refused:?}");
            }
        }
    }
}

#[test]
fn what_is_malformed_inside_a_whole_apdu_is_refused_where_it_is() {
    let cases = [
        // an amount cut off, length digits that are none, a container that is longer than the message
        ("0601040400000 0", 7),
        ("040f0522c1f5ee ee", 4),
        ("040f0522f0fa eeee", 5),
        ("040f0822f0f9eeeeeeee ee", 11),
        ("06d304060307ff", 7),
        ("06d303068007", 4),
        ("06d3020681", 5),
        ("06000212 34", 5),
    ];
    for (hex, at) in cases {
        let refused = apdu(&bytes(hex)).expect_err(hex);
        assert_eq!(refused.at, at, "{hex}: {}", refused.error);
        let inside = bytes(hex);
        assert_eq!(zvt(&wrap(&inside)).expect_err(hex).at, place(&inside, at), "{hex} in a block");
    }
    // A manufacturer's own number: what stands before it is read, what stands behind it is kept.
    let said = apdu(&bytes("040f062700 7e010203")).expect("kept").fields;
    assert_eq!((&said["result_code"], &said["data"]), (&json!("00"), &json!({ "hex": "7e010203" })));
    // A control field nobody told us of is kept as it is, in fields where it has some.
    assert_eq!(apdu(&bytes("0e0103010203")).expect("kept").fields["data"], json!({ "hex": "010203" }));
    assert_eq!(apdu(&bytes("0e010404000000")).expect("kept").reencoded, bytes("0e010404000000"));
    assert_eq!(apdu(&bytes("0e0106060403020102")).expect("kept").reencoded, bytes("0e0106060403020102"));
}

#[test]
fn the_form_of_every_length_and_the_order_of_everything_is_kept() {
    for hex in [
        "040fff01006c",
        "040fff0200 2700",
        "06d30806 81 05 25 81 02 07 00",
        "06d30a06 82 0006 25 82 0002 07 00",
        "040f0a 87 0231 27 00 87 0232 06 00",
        "04ff0506 06 02 14 00",
        "06 d3 05 06 03 25 01 07",
        "061e00",
        "060100",
        "80000100",
    ] {
        // The first is one byte of status text, not a field: kept, and extended.
        let bytes = bytes(hex);
        let decoded = apdu(&bytes).unwrap_or_else(|refused| panic!("{hex}: {refused:?}"));
        assert_eq!(decoded.reencoded, bytes, "{hex}");
    }
    assert_eq!(apdu(&bytes("040f08870231 2700 870232")).expect("read").fields["receipt_no#2"], "0232");
}

/// BER and ISO 7816-4 in every form, and what is none of it: read as far as it goes, and never written otherwise.
#[test]
fn a_container_comes_out_as_it_went_in_however_it_is_written() {
    for (inside, found) in [
        ("1f100100 1f120102", true),
        ("1f100100 1f120102 00", true),
        ("00 ff 00 1f100100 ff ff 1f120102 ffff", true),
        ("1f10810100 1f1282000102", true),
        ("1f10830000 0100 1f128400 00000102", true),
        ("1f808101 0100 1f120102", true),
        ("ff40 02 0000 1f120102", true),
        ("2f07 00 1f100100 ff 00 1f120102", true),
        // Cut off, indefinite, or no tag at all: what stands before it is read.
        ("1f120102 1f10", true),
        ("1f120102 1f100500", true),
        ("1f120102 24 80 0000", true),
        ("1f120102 1f8787878701 00", true),
        ("24 06 1f120102 07ff", true),
        ("07ff", false),
        ("", false),
    ] {
        let inside = bytes(inside);
        let said = [&[0x06, u8::try_from(inside.len()).expect("short")][..], &inside].concat();
        let whole = [&[0x04, 0x0f, u8::try_from(said.len() + 2).expect("short"), 0x27, 0x00][..], &said].concat();
        let decoded = apdu(&whole).unwrap_or_else(|refused| panic!("{inside:02x?}: {refused:?}"));
        assert_eq!(decoded.reencoded, whole, "{inside:02x?}");
        assert_eq!(decoded.fields["result_code"], "00");
        let message = Message::read(&Apdu::parse(&whole).expect("an APDU")).expect("read");
        assert_eq!(message.tlv(0x1f12), found.then_some(&[2][..]), "{inside:02x?}");
        let (nodes, _) = tlv::read(&inside);
        assert_eq!(tlv::encode(&nodes), inside);
    }
}

/// What stands before a fault is read, and the whole comes out again.
#[test]
fn a_message_is_read_as_far_as_it_goes() {
    for (hex, at, text) in [
        ("2700 04000000005100 ee01", Some(9), None),
        ("2700 04000000005100 0620 1f17026f6b", Some(16), Some("6f6b")),
        ("2700 04000000005100 0680 1f17026f6b", Some(10), Some("6f6b")),
        ("2700 04000000005100 3cf9f9f9", Some(13), None),
        ("2700 04000000005100 0606 1f17026f6b 00", None, Some("6f6b")),
    ] {
        let apdu = Apdu::new(0x040f, bytes(hex));
        let (message, fault) = Message::read_as_far(&apdu);
        assert_eq!(fault.map(|fault| fault.at), at, "{hex}");
        assert_eq!(message.bytes(bmp::AMOUNT), Some(&bytes("000000005100")[..]), "{hex}");
        assert_eq!(message.tlv(0x1f17), text.map(bytes).as_deref(), "{hex}");
        assert_eq!(message.to_apdu(), apdu, "{hex}");
    }
}

#[test]
fn a_refusal_is_told_in_the_terminals_own_words() {
    for (hex, words, cause) in [
        (
            "27df 29 00000000 061e 1f1602173a 1f1716 5465726d696e616c20697374 20626c6f636b69657274",
            "DF Terminal ist blockiert (173a)",
            DeclineCause::Terminal,
        ),
        ("2764 3cf0f1f0 4b617274652075 6e6c2e", "64 Karte unl.", DeclineCause::Card),
        ("27ff 0609 1f1705 47657284 74 00", "FF Gerät", DeclineCause::Terminal),
        ("2705", "05 declined", DeclineCause::CardCompany),
        ("2771", "71 ", DeclineCause::Balance),
        ("276c", "6C aborted, or nobody presented a card in time", DeclineCause::NoCard),
        ("279c", "9C the terminal is busy", DeclineCause::Busy),
        ("27f0 06 04 1f160102", "F0 02", DeclineCause::Terminal),
    ] {
        let (message, _) = Message::read_as_far(&Apdu::new(0x040f, bytes(hex)));
        let decline = transaction::read(&message, b"20261125100000").decline.expect("a refusal");
        assert_eq!((decline.words(), decline.cause), (words.trim().to_owned(), cause), "{hex}");
    }
}

#[test]
fn units_read_their_fragments() {
    let nodes = tlv::parse(&bytes("1f260100")).expect("one tag of two bytes");
    assert_eq!((nodes.len(), nodes[0].tag), (1, 0x1f26));
    assert_eq!(tlv::read_length(&bytes("82028a")), Ok((tlv::LengthForm::Two, 650, 3)));
    let var = |hex: &str, tag: u8| {
        let data = [&[tag][..], &bytes(hex), &[0; 19]].concat();
        bmp::parse(0x040f, &data, 0).2 > 0 && bmp::parse(0x040f, &data, 0).0.len() == 1
    };
    assert!(var("f1f8", 0x23) && var("f0f1f9", 0x24));
    let deep = (0..40_u8).fold(Vec::new(), |inner: Vec<u8>, _| {
        [&[0x25, u8::try_from(inner.len()).expect("short")][..], &inner].concat()
    });
    assert_eq!(tlv::encode(&tlv::parse(&deep).expect("deep")), deep);
}

fn wholesome() -> impl Strategy<Value = Vec<u8>> {
    let code = prop_oneof![
        proptest::sample::select(vec![
            0x0600_u16, 0x0601, 0x060f, 0x061e, 0x0620, 0x0630, 0x0650, 0x06d1, 0x06d3, 0x040f, 0x04ff, 0x0501, 0x8000,
            0x849d
        ]),
        any::<u16>(),
    ];
    let byte = prop_oneof![
        proptest::sample::select(vec![
            0x04_u8, 0x06, 0x10, 0x22, 0x27, 0x87, 0xf0, 0xf2, 0x81, 0x82, 0x25, 0x07, 0x1f, 0x02
        ]),
        any::<u8>(),
    ];
    (code, any::<bool>(), proptest::collection::vec(byte, 0..300)).prop_map(|(code, extended, data)| {
        let extended_length = extended || data.len() > 254;
        Apdu { code, extended_length, data }.encode()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_taken_comes_out_as_it_went_in(apdu_bytes in wholesome()) {
        match apdu(&apdu_bytes) {
            Ok(decoded) => prop_assert_eq!(decoded.reencoded, apdu_bytes.clone()),
            Err(refused) => prop_assert!(refused.at <= apdu_bytes.len()),
        }
        let block = wrap(&apdu_bytes);
        prop_assert_eq!(unwrap(&block), Ok(apdu_bytes));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for refused in [zvt(&bytes).err(), apdu(&bytes).err()].into_iter().flatten() {
            prop_assert!(refused.at <= bytes.len());
        }
        let _ = tlv::parse(&bytes);
    }

    /// In whatever pieces and behind whatever noise, a block is found once the line was silent.
    #[test]
    fn the_reader_finds_every_block(
        blocks in proptest::collection::vec((wholesome(), proptest::collection::vec(any::<u8>(), 0..6)), 1..4),
        cut in 1..9_usize,
    ) {
        let mut reader = Reader::default();
        for (apdu, noise) in blocks {
            reader.push(&noise);
            reader.silence();
            let mut found = Vec::new();
            for piece in wrap(&apdu).chunks(cut) {
                found.extend(reader.push(piece));
            }
            prop_assert_eq!(found, vec![Item::Block { raw: wrap(&apdu), apdu }]);
            prop_assert!(!reader.is_waiting());
        }
    }
}

#[test]
fn the_reader_takes_no_remains_for_an_answer() {
    let mut reader = Reader::default();
    let mut broken = wrap(&bytes("06d1030615 06"));
    *broken.last_mut().expect("a CRC") ^= 1;
    broken.extend([0x06, 0x15, 0x06]);
    assert_eq!(reader.push(&broken), vec![]);
    assert!(reader.is_waiting());
    assert_eq!(reader.silence(), vec![Item::Broken]);
    assert_eq!(reader.push(&[0x06, 0x15]), vec![Item::Ack, Item::Nak]);
    // Behind a broken one a good one is found without a pause.
    let good = wrap(&bytes("800000"));
    let found = reader.push(&[&broken, &good[..], &[0x06]].concat());
    assert_eq!(found, vec![Item::Block { apdu: bytes("800000"), raw: good }, Item::Ack]);
}

#[test]
fn reading_is_linear() {
    // The worst of each kind, twice as long each time: counted in what is made of it, not in seconds.
    for count in [4_000, 8_000] {
        let data = bytes("8a02").repeat(count);
        let made = Message::read(&Apdu::new(0x040f, data)).expect("fields");
        assert_eq!(made.bmps.len(), count);
        let line = [&[0x40][..], &[0x06, 0x82, 0x00].repeat(count)].concat();
        let apdu = Apdu::new(0x06d1, line);
        assert_eq!(Message::read(&apdu).expect("a text").to_apdu(), apdu);
    }
}
