//! APDUs out of a network connection: the length field tells where each ends. They come in any pieces.

use super::reader::Item;

/// Answers (80, 84) and commands (01 to 0F) are all that a terminal says.
const CLASSES: std::ops::RangeInclusive<u8> = 0x01..=0x0f;
const ANSWERS: [u8; 2] = [0x80, 0x84];
const EXTENDED: u8 = 0xff;

/// Whoever speaks otherwise is no ZVT terminal, and where its next message begins nobody knows: from there on all is
/// [`Item::Broken`], told once.
#[derive(Debug, Default)]
pub struct Stream {
    held: Vec<u8>,
    broken: bool,
}

impl Stream {
    /// Takes what came and gives what is complete, in order.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Item> {
        let mut items = Vec::new();
        if self.broken {
            return items;
        }
        self.held.extend_from_slice(bytes);
        let mut rest = self.held.as_slice();
        while let Some(class) = rest.first() {
            if !CLASSES.contains(class) && !ANSWERS.contains(class) {
                self.held = Vec::new();
                self.broken = true;
                items.push(Item::Broken);
                return items;
            }
            let Some((apdu, behind)) = length(rest).and_then(|length| rest.split_at_checked(length)) else { break };
            items.push(Item::Block { apdu: apdu.to_vec(), raw: apdu.to_vec() });
            rest = behind;
        }
        let taken = self.held.len() - rest.len();
        // What was read goes back to the allocator, which wipes it.
        self.held = self.held.split_off(taken);
        items
    }

    /// True while the rest of a message is awaited.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// The rest of what was begun does not come.
    pub fn silence(&mut self) -> Vec<Item> {
        if !self.is_waiting() {
            return Vec::new();
        }
        self.held = Vec::new();
        self.broken = true;
        vec![Item::Broken]
    }
}

/// Of the message that begins here, header and all (PA00P016 5.2.4).
fn length(bytes: &[u8]) -> Option<usize> {
    match *bytes {
        [_, _, EXTENDED, low, high, ..] => Some(5 + usize::from(u16::from_le_bytes([low, high]))),
        [_, _, EXTENDED, ..] => None,
        [_, _, short, ..] => Some(3 + usize::from(short)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apdus(items: &[Item]) -> Vec<Vec<u8>> {
        let apdu = |item: &Item| match item {
            Item::Block { apdu, .. } => apdu.clone(),
            Item::Ack | Item::Nak | Item::Broken => vec![],
        };
        items.iter().map(apdu).collect()
    }

    #[test]
    fn messages_are_found_however_they_are_cut() {
        let long = [&[0x04, 0x0f, 0xff, 0x2c, 0x01][..], &[0x10; 300]].concat();
        let short = [[0x80, 0x00, 0x00], [0x84, 0x9c, 0x00]].concat();
        let all = [&long[..], &short, &[0x06, 0x0f, 0x02, 0x06, 0x15], &long].concat();
        let whole = [&long[..], &short[..3], &short[3..], &[0x06, 0x0f, 0x02, 0x06, 0x15], &long].map(<[u8]>::to_vec);
        for piece in [1, 2, 3, 4, 5, 7, 299, 305, all.len()] {
            let mut stream = Stream::default();
            let found: Vec<Item> = all.chunks(piece).flat_map(|bytes| stream.push(bytes)).collect();
            assert_eq!(apdus(&found), whole, "in pieces of {piece}");
            assert!(!stream.is_waiting() && stream.silence().is_empty());
            assert_eq!(stream.held.capacity(), 0, "a new buffer: the old one was overwritten when it was given back");
        }
    }

    #[test]
    fn what_no_terminal_says_is_told_once_and_for_all() {
        for noise in [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"\x10\x02\x06\x0f\x00\x10\x03\xc6\x33", b"\x00\x00\x00"] {
            let mut stream = Stream::default();
            let mut items = stream.push(&[0x80, 0x00, 0x00]);
            items.extend(stream.push(noise));
            items.extend(stream.push(&[0x80, 0x00, 0x00]));
            assert!(matches!(items[..], [Item::Block { .. }, Item::Broken]), "{items:?}");
        }
        let mut stream = Stream::default();
        assert!(stream.push(&[0x04, 0x0f, 0x05, 0x27]).is_empty() && stream.is_waiting());
        assert_eq!(stream.silence(), [Item::Broken]);
        assert!(stream.push(&[0x80, 0x00, 0x00]).is_empty() && !stream.is_waiting());
    }
}
