//! The line as the simulated ZVT terminal speaks it: blocks put together and taken apart by its own hand, and on the network
//! messages as they are.

const DLE: u8 = 0x10;

/// A block around `apdu`.
pub fn block(apdu: &[u8]) -> Vec<u8> {
    let mut sum = apdu.to_vec();
    sum.push(0x03);
    let crc = checksum(&sum);
    let mut out = vec![DLE, 0x02];
    for byte in apdu {
        out.extend(std::iter::repeat_n(*byte, if *byte == DLE { 2 } else { 1 }));
    }
    out.extend([DLE, 0x03, crc.to_be_bytes()[1], crc.to_be_bytes()[0]]);
    out
}

/// Shift register from the low end, x^16 + x^12 + x^5 + 1.
fn checksum(bytes: &[u8]) -> u16 {
    let mut register = 0_u16;
    for byte in bytes {
        for bit in 0..8 {
            let feed = (register ^ u16::from(byte >> bit)) & 1;
            register >>= 1;
            if feed == 1 {
                register ^= 0b1000_0100_0000_1000;
            }
        }
    }
    register
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Ack,
    Nak,
    Apdu(Vec<u8>),
    /// A block whose check failed.
    Bad,
}

/// What the kiosk sent, byte by byte. A terminal starts a new block at every DLE STX.
#[derive(Debug, Default)]
pub struct Ear {
    held: Vec<u8>,
}

impl Ear {
    /// Off the network: its length field tells where a message ends.
    pub fn hear_bare(&mut self, byte: u8) -> Option<Heard> {
        self.held.push(byte);
        let whole = match *self.held.as_slice() {
            [_, _, 0xff, low, high, ..] => 5 + usize::from(high) * 256 + usize::from(low),
            [_, _, 0xff, ..] => return None,
            [_, _, length, ..] => 3 + usize::from(length),
            _ => return None,
        };
        (self.held.len() == whole).then(|| Heard::Apdu(std::mem::take(&mut self.held)))
    }

    pub fn hear(&mut self, byte: u8) -> Option<Heard> {
        self.held.push(byte);
        match self.held.as_slice() {
            [0x06] => Some(self.done(Heard::Ack)),
            [0x15] => Some(self.done(Heard::Nak)),
            [DLE] | [DLE, 0x02, ..] => self.inside(),
            _ => {
                let again = byte == DLE && self.held.len() > 1;
                self.held.clear();
                if again {
                    self.held.push(byte);
                }
                None
            }
        }
    }

    fn done(&mut self, heard: Heard) -> Heard {
        self.held.clear();
        heard
    }

    fn inside(&mut self) -> Option<Heard> {
        let mut apdu = Vec::new();
        let mut at = 2;
        while let Some(byte) = self.held.get(at) {
            match (*byte, self.held.get(at + 1)) {
                (DLE, None) => return None,
                (DLE, Some(&DLE)) => {
                    apdu.push(DLE);
                    at += 2;
                }
                (DLE, Some(0x03)) => {
                    let end = at + 4;
                    if self.held.len() < end {
                        return None;
                    }
                    let good = block(&apdu) == self.held[..end];
                    return Some(self.done(if good { Heard::Apdu(apdu) } else { Heard::Bad }));
                }
                (DLE, Some(0x02)) => {
                    self.held.drain(..at);
                    return None;
                }
                (DLE, Some(_)) => return Some(self.done(Heard::Bad)),
                (byte, _) => {
                    apdu.push(byte);
                    at += 1;
                }
            }
        }
        None
    }
}
