//! Scripts of the demo: read, or refused line by line.

use hospital_kiosk::rehearsal::script::parse;
use hospital_kiosk::rehearsal::scripts::BUILT_IN;

pub fn lines(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match parse(text) {
        Ok(lines) => {
            let last = text.lines().count();
            assert!(lines.iter().all(|line| (1..=last).contains(&line.number)));
            assert!(lines.windows(2).all(|pair| pair[0].number < pair[1].number));
        }
        Err(faults) => assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("line"))),
    }
}

pub fn scripts() -> Vec<Vec<u8>> {
    BUILT_IN.iter().map(|(_, text)| text.as_bytes().to_vec()).collect()
}
