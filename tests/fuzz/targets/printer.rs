//! A printer's answers, and a technician's recordings of any protocol.

use hospital_kiosk::commands::{Streams, decode};
use hospital_kiosk::printer::status;
use hospital_kiosk::terminal::PROTOCOLS;

/// The first byte says how many bytes the question has.
pub fn status(bytes: &[u8]) {
    let Some((count, bytes)) = bytes.split_first() else { return };
    let (request, answer) = bytes.split_at(usize::from(*count).min(bytes.len()));
    match status::decode_line(request, answer) {
        Ok(decoded) => assert_eq!(decoded.encode(), (request.to_vec(), answer.to_vec())),
        Err(refused) => assert!(refused.at <= bytes.len() && !refused.what.is_empty(), "{refused:?}"),
    }
    if let [first, second, third, fourth, ..] = bytes {
        // Any four answers have a meaning.
        let _ = status::state([*first, *second, *third, *fourth]);
    }
}

/// The first byte chooses the protocol and the form; the rest is what was pasted.
pub fn recording(bytes: &[u8]) {
    let Some((choice, text)) = bytes.split_first() else { return };
    let names: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name).chain(["escpos"]).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams { out: &mut out, err: &mut err };
    let protocol = names[usize::from(choice / 2) % names.len()];
    let exit = decode::run(protocol, choice % 2 == 1, text, &mut streams).expect("memory can be written");
    assert!(exit <= 1 && err.is_empty());
    let out = String::from_utf8(out).expect("text");
    for line in out.lines().filter(|_| choice % 2 == 1) {
        let answer: serde_json::Value = serde_json::from_str(line).expect("one JSON object a line");
        let refused = answer["ok"] == false && answer["at"].as_u64().is_some_and(|at| at <= text.len() as u64);
        assert!(answer["ok"] == true && answer["reencoded"].is_string() || refused, "{answer}");
    }
}

pub fn answers() -> Vec<Vec<u8>> {
    let lines: [(&[u8], &[u8]); 9] = [
        (&[16, 4, 1], &[0x12]),
        (&[16, 4, 2], &[0x32]),
        (&[16, 4, 3], &[0x1A]),
        (&[16, 4, 4], &[0x7E]),
        (&[29, 114, 1], &[0x0C]),
        (&[29, 114, 2], &[0x00]),
        (&[29, 97, 255], &[0x14, 0x00, 0x0F, 0x6F]),
        (&[29, 73, 67], b"_TM-T88V\x00"),
        (&[16, 20, 8, 1, 3, 20, 1, 6, 2, 8], &[0x37, 0x25, 0]),
    ];
    let joined = |(request, answer): &(&[u8], &[u8])| {
        let count = u8::try_from(request.len()).expect("short");
        [&[count], *request, *answer].concat()
    };
    lines.iter().map(joined).collect()
}

pub fn recordings() -> Vec<Vec<u8>> {
    let frames = super::terminal::frames();
    let lines: Vec<String> = frames.iter().map(|bytes| super::to_hex(bytes)).collect();
    let escpos = u8::try_from(PROTOCOLS.len() * 2 + 1).expect("few");
    let mut all = vec![[&[1], lines.join("\n").as_bytes()].concat()];
    all.extend(lines.iter().map(|line| [&[0], line.as_bytes()].concat()));
    all.push([&[escpos], &b"10 04 01 12\n100401 12\n# a comment\n\n1d7201 0c"[..]].concat());
    all
}
