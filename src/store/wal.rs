//! Whether the write-ahead log is as it was written. `SQLite` reads it up to the first frame whose sum is wrong and takes that for
//! its end, without a word: so a power cut is survived, and so would be lost what a disk damaged in the middle.
//!
//! (`SQLite` file format, 4.1 to 4.4; `SQLCipher` encrypts the pages in the frames and nothing else.)

use std::fs;
use std::path::Path;

const HEAD_BYTES: usize = 32;
const FRAME_HEAD_BYTES: usize = 24;
const MAGIC: u32 = 0x377f_0682;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Log {
    Whole,
    /// The last transaction is not whole: a power cut while it was written, or a disk that damaged it afterwards.
    Torn,
    /// Transactions that were on the disk cannot be read any more; so many at least.
    Damaged(u64),
}

/// A log that cannot be read at all is `SQLite`'s to complain of.
pub(super) fn look(path: &Path) -> Log {
    fs::read(path).map_or(Log::Whole, |bytes| judge(&bytes))
}

fn judge(bytes: &[u8]) -> Log {
    let Some((head, frames)) = bytes.split_at_checked(HEAD_BYTES).filter(|(_, frames)| !frames.is_empty()) else {
        return Log::Whole;
    };
    let magic = word(head, 0);
    let sum = Sum { big: magic & 1 == 1, of: (0, 0) }.over(&head[..24]);
    if magic & !1 != MAGIC || sum.of != (word(head, 24), word(head, 28)) {
        return Log::Damaged(1);
    }
    let salt = &head[16..24];
    let page_bytes = usize::try_from(word(head, 8)).unwrap_or(0).max(1);
    let frames: Vec<&[u8]> = frames.chunks_exact(FRAME_HEAD_BYTES + page_bytes).collect();
    let mut sum = sum;
    let good = frames.iter().take_while(|frame| {
        let next = sum.over(&frame[..8]).over(&frame[FRAME_HEAD_BYTES..]);
        let holds = &frame[8..16] == salt && next.of == (word(frame, 16), word(frame, 20));
        sum = next;
        holds
    });
    let good = good.count();
    // Frames of an older round lie behind the end as well, with another salt.
    let behind: Vec<bool> = frames[good..].iter().map(|frame| &frame[8..16] == salt).collect();
    let Some(end) = behind.iter().rposition(|ours| *ours) else { return Log::Whole };
    let ends = |frame: &&[u8]| word(frame, 4) != 0;
    // A transaction begins only when the one before it is on the disk.
    let lost = frames[good..good + end].iter().zip(&behind).filter(|(frame, ours)| **ours && ends(frame)).count();
    if lost > 0 { Log::Damaged(u64::try_from(lost).unwrap_or(u64::MAX)) } else { Log::Torn }
}

/// Big-endian, as all numbers of the heads are.
fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

#[derive(Clone, Copy)]
struct Sum {
    big: bool,
    of: (u32, u32),
}

impl Sum {
    fn over(mut self, bytes: &[u8]) -> Self {
        for pair in bytes.as_chunks::<8>().0 {
            let (first, second) = pair.split_at(4);
            let read = |half: &[u8]| {
                let half = half.try_into().unwrap_or_default();
                if self.big { u32::from_be_bytes(half) } else { u32::from_le_bytes(half) }
            };
            let (first, second) = (read(first), read(second));
            self.of.0 = self.of.0.wrapping_add(first).wrapping_add(self.of.1);
            self.of.1 = self.of.1.wrapping_add(second).wrapping_add(self.of.0);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    /// A log of three transactions after another, as a power cut leaves it.
    fn log() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE rows (row)")
            .unwrap();
        for row in 0..2 {
            connection.execute("INSERT INTO rows VALUES (?1)", [row]).unwrap();
        }
        fs::read(folder.path().join("db-wal")).unwrap()
    }

    #[test]
    fn a_log_as_it_was_written_is_whole() {
        assert_eq!(judge(&[]), Log::Whole);
        assert_eq!(judge(&log()), Log::Whole);
        assert_eq!(judge(&log()[..HEAD_BYTES]), Log::Whole);
    }

    /// Whatever a power cut leaves of the last transaction: no alarm.
    #[test]
    fn a_log_that_was_cut_off_is_no_damage() {
        let log = log();
        let frame = FRAME_HEAD_BYTES + 4_096;
        for end in (log.len() - frame..log.len()).step_by(97) {
            assert_eq!(judge(&log[..end]), Log::Whole, "{end}");
        }
        let mut torn = log.clone();
        let half = log.len() - 2_000;
        torn[half..].fill(0);
        assert_eq!(judge(&torn), Log::Torn);
    }

    #[test]
    fn a_bit_that_flips_is_seen_wherever_it_is() {
        let log = log();
        let frame = FRAME_HEAD_BYTES + 4_096;
        let last = log.len() - frame;
        for at in (0..log.len()).step_by(61).chain(0..HEAD_BYTES + FRAME_HEAD_BYTES) {
            let mut flipped = log.clone();
            flipped[at] ^= 4;
            let told = judge(&flipped);
            if at < last {
                assert!(matches!(told, Log::Damaged(_)), "{at}: {told:?}");
            } else if !(last + 8..last + 16).contains(&at) {
                assert_eq!(told, Log::Torn, "{at}");
            }
        }
    }
}
