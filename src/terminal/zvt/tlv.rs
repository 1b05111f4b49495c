//! BER-TLV as ZVT uses it (PA00P015 chapter 9), in every form that BER and ISO 7816-4 allow: tags of one to four bytes,
//! lengths of one byte or behind `81` to `84`, fillers (`00`, `FF`) between objects, constructed tags that hold more of
//! the same. The form of every length is kept.
//!
//! A container is the optional tail of a message about money: what cannot be told apart in it is kept as it came, and
//! never hides what stands before.

use std::fmt;

/// Deeper than any terminal nests; what lies deeper is kept as bytes.
const DEPTH_MAX: u8 = 8;
const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1f;
const MORE: u8 = 0x80;
/// ZVT has tags of three bytes at most; a manufacturer's own may be longer.
const TAG_BYTES_MAX: usize = 4;
/// ISO 7816-4, 5.2.2.1: between objects, without meaning. `FF` also begins private tags of several bytes.
const FILLERS: [u8; 2] = [0x00, 0xff];

#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    pub tag: u32,
    pub length: LengthForm,
    pub value: Value,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    Bytes(Vec<u8>),
    /// A constructed tag whose content is more of the same.
    Nodes(Vec<Node>),
    /// The tag's byte alone, which is a filler.
    Filler,
    /// From here to the end nothing can be told apart; there is no tag and no length.
    Unread(Vec<u8>),
}

/// How a length was written; a short one may be written long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    Short,
    One,
    Two,
    Three,
    Four,
}

/// Why bytes are not TLV, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlvError {
    pub what: &'static str,
    pub at: usize,
}

/// Values may be card data and never reach a log.
impl fmt::Debug for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Node({:x})", self.tag)
    }
}

impl Node {
    /// A leaf with the shortest length there is.
    #[must_use]
    pub fn leaf(tag: u32, bytes: Vec<u8>) -> Self {
        Self { tag, length: LengthForm::of(bytes.len()), value: Value::Bytes(bytes) }
    }

    #[must_use]
    pub fn nodes(tag: u32, nodes: Vec<Self>) -> Self {
        let length = LengthForm::of(encode(&nodes).len());
        Self { tag, length, value: Value::Nodes(nodes) }
    }
}

impl LengthForm {
    #[must_use]
    pub const fn of(length: usize) -> Self {
        match length {
            0..0x80 => Self::Short,
            0x80..=0xff => Self::One,
            _ => Self::Two,
        }
    }

    pub fn write(self, length: usize, out: &mut Vec<u8>) {
        let bytes = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        let (mark, count) = match self {
            Self::Short => return out.push(bytes[3]),
            Self::One => (0x81, 1),
            Self::Two => (0x82, 2),
            Self::Three => (0x83, 3),
            Self::Four => (0x84, 4),
        };
        out.push(mark);
        out.extend_from_slice(&bytes[bytes.len() - count..]);
    }
}

/// A length field at the front of `bytes`: its form, the length, and how many bytes the field takes.
///
/// # Errors
/// A form BER does not have for a known length, or too few bytes.
pub fn read_length(bytes: &[u8]) -> Result<(LengthForm, usize, usize), TlvError> {
    let cut = TlvError { what: "the length field is cut off", at: bytes.len() };
    let (form, count) = match *bytes.first().ok_or(cut)? {
        short @ 0..=0x7f => return Ok((LengthForm::Short, usize::from(short), 1)),
        0x81 => (LengthForm::One, 1),
        0x82 => (LengthForm::Two, 2),
        0x83 => (LengthForm::Three, 3),
        0x84 => (LengthForm::Four, 4),
        _ => return Err(TlvError { what: "a TLV length is one byte below 80, or 81 to 84 and as many bytes", at: 0 }),
    };
    let length = bytes.get(1..=count).ok_or(cut)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    Ok((form, length, 1 + count))
}

/// All of `bytes` as nodes.
///
/// # Errors
/// The first fault, with its offset.
pub fn parse(bytes: &[u8]) -> Result<Vec<Node>, TlvError> {
    match read(bytes) {
        (nodes, None) => Ok(nodes),
        (_, Some(error)) => Err(error),
    }
}

/// All of `bytes` as nodes, and the first fault. What cannot be told apart is the last node: nothing is lost.
///
/// `FF` is taken for the first byte of a private tag; only if so nothing fits, for a filler.
#[must_use]
pub fn read(bytes: &[u8]) -> (Vec<Node>, Option<TlvError>) {
    let tags = read_at_depth(bytes, 0, false);
    if tags.whole {
        return (tags.nodes, tags.fault);
    }
    let fillers = read_at_depth(bytes, 0, true);
    let best = if fillers.whole { fillers } else { tags };
    (best.nodes, best.fault)
}

struct Read {
    nodes: Vec<Node>,
    fault: Option<TlvError>,
    /// No fault, and none inside any of the nodes.
    whole: bool,
}

fn read_at_depth(bytes: &[u8], depth: u8, ff_fills: bool) -> Read {
    let mut read = Read { nodes: Vec::new(), fault: None, whole: true };
    let mut at = 0;
    while let Some(&first) = bytes.get(at) {
        let fills = first == FILLERS[0] || (ff_fills && first == FILLERS[1]);
        let object = if fills { None } else { Some(read_object(bytes, at)) };
        match object {
            Some(Err(fault)) if first != FILLERS[1] => {
                read.nodes.push(Node { tag: 0, length: LengthForm::Short, value: Value::Unread(bytes[at..].to_vec()) });
                (read.fault, read.whole) = (Some(fault), false);
                break;
            }
            None | Some(Err(_)) => {
                read.nodes.push(Node { tag: first.into(), length: LengthForm::Short, value: Value::Filler });
                at += 1;
            }
            Some(Ok((tag, length, value_at, end))) => {
                let raw = &bytes[value_at..end];
                let inner =
                    (is_constructed(first) && depth < DEPTH_MAX).then(|| read_at_depth(raw, depth + 1, ff_fills));
                let value = match inner {
                    Some(inner) => {
                        read.whole &= inner.whole;
                        // What was read before a fault is worth keeping; where nothing was, it may be no TLV at all.
                        let worth = inner.fault.is_none() || inner.nodes.len() > 1;
                        if worth { Value::Nodes(inner.nodes) } else { Value::Bytes(raw.to_vec()) }
                    }
                    None => Value::Bytes(raw.to_vec()),
                };
                read.nodes.push(Node { tag, length, value });
                at = end;
            }
        }
    }
    read
}

/// Tag, form of the length, where the value begins and where it ends.
fn read_object(bytes: &[u8], at: usize) -> Result<(u32, LengthForm, usize, usize), TlvError> {
    let (tag, tag_bytes) = read_tag(&bytes[at..]).map_err(|error| error.later(at))?;
    let length_at = at + tag_bytes;
    let (length, count, length_bytes) = read_length(&bytes[length_at..]).map_err(|error| error.later(length_at))?;
    let value_at = length_at + length_bytes;
    let end = value_at.checked_add(count).filter(|end| *end <= bytes.len());
    let end = end.ok_or(TlvError { what: "the value is cut off", at: bytes.len() })?;
    Ok((tag, length, value_at, end))
}

#[must_use]
pub fn encode(nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::new();
    for node in nodes {
        write(node, &mut out);
    }
    out
}

fn write(node: &Node, out: &mut Vec<u8>) {
    if let Value::Unread(bytes) = &node.value {
        return out.extend_from_slice(bytes);
    }
    let tag = node.tag.to_be_bytes();
    let skipped = tag.iter().take_while(|byte| **byte == 0).count().min(tag.len() - 1);
    out.extend_from_slice(&tag[skipped..]);
    match &node.value {
        Value::Bytes(bytes) => {
            node.length.write(bytes.len(), out);
            out.extend_from_slice(bytes);
        }
        Value::Nodes(nodes) => {
            let inner = encode(nodes);
            node.length.write(inner.len(), out);
            out.extend(inner);
        }
        Value::Filler | Value::Unread(_) => {}
    }
}

/// The first leaf with `tag`, however deep.
#[must_use]
pub fn find(nodes: &[Node], tag: u32) -> Option<&[u8]> {
    nodes.iter().find_map(|node| match &node.value {
        Value::Bytes(bytes) => (node.tag == tag).then_some(bytes.as_slice()),
        Value::Nodes(inner) => find(inner, tag),
        Value::Filler | Value::Unread(_) => None,
    })
}

fn read_tag(bytes: &[u8]) -> Result<(u32, usize), TlvError> {
    let cut = TlvError { what: "the tag is cut off", at: bytes.len() };
    let first = *bytes.first().ok_or(cut)?;
    let mut tag = u32::from(first);
    if first & LONG_TAG != LONG_TAG {
        return Ok((tag, 1));
    }
    for at in 1..TAG_BYTES_MAX {
        let byte = *bytes.get(at).ok_or(cut)?;
        tag = tag << 8 | u32::from(byte);
        if byte & MORE == 0 {
            return Ok((tag, at + 1));
        }
    }
    Err(TlvError { what: "a tag has at most four bytes", at: TAG_BYTES_MAX - 1 })
}

const fn is_constructed(first: u8) -> bool {
    first & CONSTRUCTED != 0
}

impl TlvError {
    const fn later(self, by: usize) -> Self {
        Self { what: self.what, at: self.at + by }
    }
}
