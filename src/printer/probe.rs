//! "Are you an ESC/POS printer?" `DLE EOT 1` is answered at once and prints nothing.

use super::status::{ask, is_real_time};
use crate::serial::{LineSettings, SerialLine};
use std::time::Duration;

/// What answers on `port` at `baud`, in words; `None` if no printer does.
#[must_use]
pub fn probe(port: &str, baud: u32) -> Option<String> {
    let mut line = SerialLine::open(port, LineSettings { baud, two_stop_bits: false }).ok()?;
    line.write_within(&ask(1), Duration::from_millis(500)).ok()?;
    let mut answer = [0; 8];
    let count = line.read_some(&mut answer, Duration::from_millis(800)).ok()?;
    (count > 0 && answer[..count].iter().all(|byte| is_real_time(*byte))).then(|| "ESC/POS printer".to_owned())
}
