//! A code reader's line, byte by byte.

use hospital_kiosk::config;
use hospital_kiosk::domain::patient::ScannedCode;
use hospital_kiosk::scanner::framing::{CODE_BYTES_MAX, Collector, Scan};
use hospital_kiosk::scanner::parse;

/// The first byte says how the reader is set; a `|` is a pause.
pub fn lines(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let settings = config::Scanner { ignore_first: choice % 4, ignore_last: choice / 4 % 4, ..config::Scanner::none() };
    let mut collector = Collector::new(choice & 64 == 0);
    let take = |byte: &u8| if *byte == b'|' { collector.pause() } else { collector.take(*byte) };
    let scans: Vec<Scan> = bytes.iter().filter_map(take).collect();
    for scan in &scans {
        let Scan::Code(line) = scan else { continue };
        // One byte more than any code of ours, so that what is too long is told as unknown.
        assert!(
            (1..=CODE_BYTES_MAX + 1).contains(&line.len()) && !line.iter().any(|byte| b"\r\n\t\x02|".contains(byte))
        );
        match parse(line, &settings, 8) {
            ScannedCode::PatientCard(number) => {
                assert!(number.0.len() == 8 && number.0.bytes().all(|byte| byte.is_ascii_digit()));
            }
            ScannedCode::AppointmentSlip(code) => {
                assert!(!code.is_empty() && code.len() <= CODE_BYTES_MAX && !code.chars().any(char::is_control));
            }
            ScannedCode::Unknown => {}
        }
    }
    collector.forget();
    assert!(collector.pause().is_none());
}

pub fn codes() -> Vec<Vec<u8>> {
    let codes: [&[u8]; 8] = [
        b"\x0010293847\r\n",
        b"\x00P:10293847\r",
        b"\x00A:AS-40021\nA:AS-40022\n",
        b"\x40 10293847 \r\n",
        "\0A:가나다\r".as_bytes(),
        b"\x00\x02A:AS-40021\x03K|",
        b"\x03P01A:AS-40021|",
        b"\x00]C1*10293847*\t",
    ];
    codes.map(<[u8]>::to_vec).to_vec()
}
