//! A code reader's line, byte by byte.

use hospital_kiosk::config;
use hospital_kiosk::domain::patient::ScannedCode;
use hospital_kiosk::scanner::{CODE_BYTES_MAX, Collector, parse};

pub fn lines(bytes: &[u8]) {
    let settings =
        config::Scanner { port: String::new(), baud: 9600, slip_prefix: "A:".into(), card_prefix: "P:".into() };
    let mut collector = Collector::default();
    let lines: Vec<Vec<u8>> = bytes.iter().filter_map(|byte| collector.take(*byte)).collect();
    assert!(lines.iter().map(Vec::len).sum::<usize>() <= bytes.len());
    for line in &lines {
        // One byte more than any code of ours, so that what is too long is told as unknown.
        assert!((1..=CODE_BYTES_MAX + 1).contains(&line.len()) && !line.contains(&b'\r') && !line.contains(&b'\n'));
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
}

pub fn codes() -> Vec<Vec<u8>> {
    [&b"10293847\r\n"[..], b"P:10293847\r", b"A:AS-40021\nA:AS-40022\n", b" 10293847 \r\n", "A:가나다\r".as_bytes()]
        .map(<[u8]>::to_vec)
        .to_vec()
}
