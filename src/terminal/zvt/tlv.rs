//! BER-TLV as ZVT uses it (PA00P015 chapter 9): tags of one to three bytes, lengths of one byte or `81 nn` or
//! `82 nn nn`, constructed tags hold more of the same. The form of every length is kept.

use std::fmt;

/// Deeper than any terminal nests; what lies deeper is kept as bytes.
const DEPTH_MAX: u8 = 8;
const CONSTRUCTED: u8 = 0x20;
const LONG_TAG: u8 = 0x1f;
const MORE: u8 = 0x80;
const TAG_BYTES_MAX: usize = 3;

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
}

/// How a length was written; a short one may be written long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    Short,
    One,
    Two,
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
        let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        match self {
            Self::Short => out.push(low),
            Self::One => out.extend_from_slice(&[0x81, low]),
            Self::Two => out.extend_from_slice(&[0x82, high, low]),
        }
    }
}

/// A length field at the front of `bytes`: its form, the length, and how many bytes the field takes.
///
/// # Errors
/// A form ZVT does not have, or too few bytes.
pub fn read_length(bytes: &[u8]) -> Result<(LengthForm, usize, usize), TlvError> {
    let cut = TlvError { what: "the length field is cut off", at: bytes.len() };
    match *bytes.first().ok_or(cut)? {
        short @ 0..=0x7f => Ok((LengthForm::Short, usize::from(short), 1)),
        0x81 => Ok((LengthForm::One, usize::from(*bytes.get(1).ok_or(cut)?), 2)),
        0x82 => {
            let (high, low) = (*bytes.get(1).ok_or(cut)?, *bytes.get(2).ok_or(cut)?);
            Ok((LengthForm::Two, usize::from(u16::from_be_bytes([high, low])), 3))
        }
        _ => Err(TlvError { what: "a TLV length is one byte below 80, or 81 nn, or 82 nn nn", at: 0 }),
    }
}

/// All of `bytes` as nodes.
///
/// # Errors
/// The first fault, with its offset.
pub fn parse(bytes: &[u8]) -> Result<Vec<Node>, TlvError> {
    parse_at_depth(bytes, 0)
}

fn parse_at_depth(bytes: &[u8], depth: u8) -> Result<Vec<Node>, TlvError> {
    let mut nodes = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (tag, tag_bytes) = read_tag(&bytes[at..]).map_err(|error| error.later(at))?;
        let length_at = at + tag_bytes;
        let (length, count, length_bytes) = read_length(&bytes[length_at..]).map_err(|error| error.later(length_at))?;
        let value_at = length_at + length_bytes;
        let cut = TlvError { what: "the value is cut off", at: bytes.len() };
        let raw = bytes.get(value_at..value_at + count).ok_or(cut)?;
        let inner =
            if is_constructed(bytes[at]) && depth < DEPTH_MAX { parse_at_depth(raw, depth + 1).ok() } else { None };
        let value = inner.map_or_else(|| Value::Bytes(raw.to_vec()), Value::Nodes);
        nodes.push(Node { tag, length, value });
        at = value_at + count;
    }
    Ok(nodes)
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
    }
}

/// The first leaf with `tag`, however deep.
#[must_use]
pub fn find(nodes: &[Node], tag: u32) -> Option<&[u8]> {
    nodes.iter().find_map(|node| match &node.value {
        Value::Bytes(bytes) => (node.tag == tag).then_some(bytes.as_slice()),
        Value::Nodes(inner) => find(inner, tag),
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
    Err(TlvError { what: "a tag has at most three bytes", at: TAG_BYTES_MAX - 1 })
}

const fn is_constructed(first: u8) -> bool {
    first & CONSTRUCTED != 0
}

impl TlvError {
    const fn later(self, by: usize) -> Self {
        Self { what: self.what, at: self.at + by }
    }
}
