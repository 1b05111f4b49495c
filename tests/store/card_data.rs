//! Trust R16: a terminal that tells card numbers in the clear. Nothing of one is on the disk, not even under the store's key.

use super::*;
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::terminal::dialogue::{Dialogue as _, Now, Step};
use hospital_kiosk::terminal::smartro::packet::Frame;
use hospital_kiosk::terminal::zvt::frame::wrap;
use hospital_kiosk::terminal::zvt::request::Merchant;
use hospital_kiosk::terminal::{smartro, zvt};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

const PAN: &str = "9410991234123456";
const STAMP: [u8; 14] = *b"20261125100000";

fn digits(text: &str) -> Vec<u8> {
    text.bytes().map(|digit| digit - b'0').collect()
}

/// In letters, in hexadecimal letters of letters, or in halves of bytes.
fn tells(bytes: &[u8]) -> bool {
    // The middle of it: what may be seen stands at its ends.
    let middle = &PAN[4..14];
    let letters = bytes.windows(middle.len()).any(|part| part == middle.as_bytes());
    let halves: Vec<u8> = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect();
    letters || halves.windows(middle.len()).any(|part| part == digits(middle))
}

/// Every value of every row, decrypted.
fn rows(disk: &Disk) -> Vec<(String, Vec<u8>)> {
    let connection = Connection::open(disk.database()).unwrap();
    let key = fs::read_to_string(disk.key_file()).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", key.trim())).unwrap();
    let mut tables = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut found = Vec::new();
    for table in tables {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = statement.column_count();
        let mut all = statement.query([]).unwrap();
        while let Some(row) = all.next().unwrap() {
            for column in 0..columns {
                let bytes = match row.get_ref(column).unwrap() {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.to_vec(),
                    ValueRef::Integer(number) => number.to_string().into_bytes(),
                    ValueRef::Null | ValueRef::Real(_) => continue,
                };
                found.push((format!("{table}.{column}"), bytes));
            }
        }
    }
    found
}

fn now(ms: u64) -> Now {
    Now { ms, stamp: STAMP }
}

fn report(steps: Vec<Step>) -> Option<TerminalReport> {
    steps.into_iter().find_map(|step| match step {
        Step::Report(report @ (TerminalReport::Answered { .. } | TerminalReport::Prepared { .. })) => Some(report),
        _ => None,
    })
}

fn charge() -> TerminalCommand {
    TerminalCommand::Charge { attempt: attempt(1), amount: Amount(5_100), card_ms: 60_000 }
}

/// What its dialogue reports of a charge.
fn of_smartro() -> (TerminalReport, TerminalReport) {
    let mut dialogue = smartro::dialogue::Dialogue::new("", smartro::dialogue::Limits::new(3_000, 120_000));
    let sale = |approval: &str| {
        let sale = format!(
            "1I{PAN:<20}{:010}{:08}{:08}00{approval:<12}20261125100000{approval:<12}{:<15}{:<14}",
            5_100, 0, 0, "123456789012", "12345678901234"
        );
        format!("{sale:<117}{:<4}{:<16}{:<4}{:<16}{PAN}", "0001", PAN, "0002", "BC").into_bytes()
    };
    let said = |job: u8, data: &[u8]| {
        let frame = Frame { terminal_id: [0; 16], stamp: STAMP, job, response_code: 0, data: data.to_vec() };
        [&[0x06][..], &frame.encode()].concat()
    };
    let hear = |dialogue: &mut smartro::dialogue::Dialogue, job: u8, data: &[u8]| {
        let bytes = said(job, data);
        report(dialogue.bytes(&bytes, now(10)))
    };
    dialogue.line_up(now(1));
    dialogue.command(&TerminalCommand::Prepare, now(5));
    let mut prepared = None;
    for (job, data) in [(b'e', Vec::new()), (b'a', b"OOON".to_vec()), (b'm', b"X".to_vec()), (b'l', sale("11111111"))] {
        prepared = hear(&mut dialogue, job, &data).or(prepared);
    }
    dialogue.command(&charge(), now(20));
    let answered = hear(&mut dialogue, b'b', &sale("22222222"));
    (prepared.expect("prepared"), answered.expect("an answer"))
}

fn of_zvt() -> (TerminalReport, TerminalReport) {
    let merchant = Merchant { password: [0; 3], currency: [0x04, 0x10], terminal: None };
    let mut dialogue = zvt::dialogue::Dialogue::new(merchant, zvt::dialogue::Limits::new(3_000, 120_000));
    let bcd: Vec<u8> = digits(PAN).chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let track = [&bcd[..], &[0xd2, 0x51, 0x21, 0x01]].concat();
    let sale = |receipt: u8| {
        let data = [
            &[0x27, 0, 0x04, 0, 0, 0, 0, 0x51, 0, 0x0b, 0, 0, receipt, 0x0c, 0x10, 0, 0, 0x0d, 0x11, 0x25][..],
            &[0x49, 0x04, 0x10, 0x87, 0, receipt, 0x22, 0xf0, 0xf8],
            &bcd,
            &[0x23, 0xf1, 0xf2],
            &track,
            &[0x2d, 0xf1, 0xf6],
            PAN.as_bytes(),
            &[0x2e, 0xf0, 0xf1, 0xf2],
            &track,
            &[0x3c, 0xf0, 0xf1, 0xf6],
            PAN.as_bytes(),
            &[0x06, 0x1a, 0x22, 8],
            &bcd,
            &[0x57, 12],
            &track,
            &[0x07, 0],
        ]
        .concat();
        let length = u8::try_from(data.len()).expect("short");
        [&[0x04, 0x0f, length][..], &data].concat()
    };
    let hear = |dialogue: &mut zvt::dialogue::Dialogue, apdu: &[u8]| {
        let steps = dialogue.bytes(&[&[0x06][..], &wrap(apdu)].concat(), now(10));
        let acknowledged = dialogue.bytes(&[0x06], now(10));
        report(steps.into_iter().chain(acknowledged).collect())
    };
    dialogue.line_up(now(1));
    let end = [0x06, 0x0f, 0x00];
    let accepted = [0x80, 0x00, 0x00];
    hear(&mut dialogue, &accepted);
    hear(&mut dialogue, &end);
    dialogue.command(&TerminalCommand::Prepare, now(5));
    hear(&mut dialogue, &accepted);
    hear(&mut dialogue, &[0x06, 0x0f, 0x08, 0xf0, 0xf0, 0xf4, 0x31, 0x2e, 0x30, 0x37, 0x00]);
    hear(&mut dialogue, &accepted);
    hear(&mut dialogue, &sale(1));
    let prepared = hear(&mut dialogue, &end);
    dialogue.command(&charge(), now(20));
    hear(&mut dialogue, &accepted);
    let answered = hear(&mut dialogue, &sale(2));
    (prepared.expect("prepared"), answered.expect("an answer"))
}

#[test]
fn no_card_number_is_in_a_row_of_the_store() {
    for (protocol, (prepared, answered)) in [("smartro", of_smartro()), ("zvt", of_zvt())] {
        let TerminalReport::Prepared { baseline } = prepared else { panic!("{prepared:?}") };
        let TerminalReport::Answered { raw, transaction, booking, .. } = answered else { panic!("{answered:?}") };
        assert!(transaction.approved && transaction.masked_card.starts_with("941099"), "{protocol}: {transaction:?}");
        assert!(raw.len() > 100, "{protocol}: it is kept");
        let disk = Disk::new();
        let store = disk.open();
        let Entry::Intent { attempt: id, number, amount, request: asked, receipt, .. } = intent(1) else { panic!() };
        let paid = PaymentOfRequest::Card { attempt_number: number.clone(), transaction: transaction.clone() };
        record(
            &store,
            [
                Entry::Intent { attempt: id, number, amount, request: asked, receipt, baseline },
                sent(1),
                Entry::Answered { attempt: id, raw: raw.clone(), transaction: transaction.clone(), booking },
                Entry::Committed { attempt: id, transaction, request: request(1, 1, paid), receipt: super::receipt() },
            ],
        );
        drop(store);
        let rows = rows(&disk);
        assert!(rows.iter().any(|(_, bytes)| *bytes == raw), "{protocol}: its answer is there");
        let telling: Vec<&str> =
            rows.iter().filter(|(_, bytes)| tells(bytes)).map(|(place, _)| place.as_str()).collect();
        assert!(telling.is_empty(), "{protocol}: {telling:?}");
    }
}
