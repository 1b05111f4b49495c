//! The block of the serial line (PA00P016 2.1 and 3), lossless both ways.
//!
//! ```text
//! DLE STX | APDU, every 10 doubled | DLE ETX | CRC low, CRC high
//! ```
//! The CRC runs over the APDU as it was before doubling and over ETX. The specification calls it "CRC-XModem"; what is on
//! the wire is its reflected form, CRC-16/KERMIT. The two CRC bytes are never doubled. Every block is answered by a bare
//! ACK or NAK.

pub const DLE: u8 = 0x10;
pub const STX: u8 = 0x02;
pub const ETX: u8 = 0x03;
pub const ACK: u8 = 0x06;
pub const NAK: u8 = 0x15;

pub(super) const CRC_BYTES: usize = 2;
const HEAD_BYTES: usize = 2;
/// Reflected 0x1021.
const POLYNOMIAL: u16 = 0x8408;

/// Why bytes are not a block; `at` is the offset of the byte that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("there is nothing here")]
    Empty,
    #[error("a block begins with DLE STX (10 02), this has {found:02x} here")]
    NoStart { at: usize, found: u8 },
    #[error("the block ends before its DLE ETX and CRC")]
    Short { have: usize },
    #[error("after DLE (10) only 10 or 03 may follow inside a block, found {found:02x}")]
    LoneDle { at: usize, found: u8 },
    #[error("the CRC is {found:04x}, the bytes before it make {computed:04x}")]
    WrongCrc { at: usize, found: u16, computed: u16 },
    #[error("bytes follow the block, which ends here")]
    Long { expected: usize },
}

impl FrameError {
    #[must_use]
    pub const fn at(&self) -> usize {
        match *self {
            Self::Empty => 0,
            Self::Short { have } => have,
            Self::Long { expected } => expected,
            Self::NoStart { at, .. } | Self::LoneDle { at, .. } | Self::WrongCrc { at, .. } => at,
        }
    }
}

/// `apdu` as one block.
#[must_use]
pub fn wrap(apdu: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(apdu.len() + 8);
    block.extend_from_slice(&[DLE, STX]);
    for byte in apdu {
        block.push(*byte);
        if *byte == DLE {
            block.push(DLE);
        }
    }
    block.extend_from_slice(&[DLE, ETX]);
    block.extend_from_slice(&crc(apdu).to_le_bytes());
    block
}

/// The APDU of exactly one block.
///
/// # Errors
/// The first fault, with its offset.
pub fn unwrap(block: &[u8]) -> Result<Vec<u8>, FrameError> {
    for (at, wanted) in [DLE, STX].into_iter().enumerate() {
        match block.get(at) {
            Some(&found) if found == wanted => {}
            Some(&found) => return Err(FrameError::NoStart { at, found }),
            None if at == 0 => return Err(FrameError::Empty),
            None => return Err(FrameError::Short { have: at }),
        }
    }
    let mut apdu = Vec::with_capacity(block.len());
    let mut at = HEAD_BYTES;
    let short = FrameError::Short { have: block.len() };
    loop {
        let byte = *block.get(at).ok_or(short)?;
        at += 1;
        if byte != DLE {
            apdu.push(byte);
            continue;
        }
        match *block.get(at).ok_or(short)? {
            DLE => apdu.push(DLE),
            ETX => break,
            found => return Err(FrameError::LoneDle { at, found }),
        }
        at += 1;
    }
    at += 1;
    let (Some(&low), Some(&high)) = (block.get(at), block.get(at + 1)) else { return Err(short) };
    let (found, computed) = (u16::from_le_bytes([low, high]), crc(&apdu));
    if found != computed {
        return Err(FrameError::WrongCrc { at, found, computed });
    }
    let expected = at + CRC_BYTES;
    if block.len() > expected {
        return Err(FrameError::Long { expected });
    }
    Ok(apdu)
}

/// Where byte `at` of the APDU lies in the block that [`wrap`] makes of it.
#[must_use]
pub fn place(apdu: &[u8], at: usize) -> usize {
    let doubled = apdu.iter().take(at).filter(|byte| **byte == DLE).count();
    HEAD_BYTES + at + doubled
}

/// CRC-16/KERMIT over `apdu` and ETX.
fn crc(apdu: &[u8]) -> u16 {
    apdu.iter().chain([&ETX]).fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 })
    })
}
