//! An APDU in fields: what stands at fixed places first (by control field), then BMPs. The fields are the value: encoding
//! them gives the bytes back, whatever was in them.

use super::apdu::Apdu;
use super::bmp::{self, Bmp, BmpError, Content, Kind};
use super::tlv::{self, Node};
use std::fmt;

pub const REGISTRATION: u16 = 0x0600;
pub const AUTHORISATION: u16 = 0x0601;
pub const COMPLETION: u16 = 0x060f;
pub const ABORTED: u16 = 0x061e;
pub const REPEAT_RECEIPT: u16 = 0x0620;
pub const REVERSAL: u16 = 0x0630;
pub const REFUND: u16 = 0x0631;
pub const END_OF_DAY: u16 = 0x0650;
pub const ABORT: u16 = 0x06b0;
pub const PRINT_LINE: u16 = 0x06d1;
pub const PRINT_BLOCK: u16 = 0x06d3;
pub const STATUS: u16 = 0x040f;
pub const INTERMEDIATE: u16 = 0x04ff;
pub const SET_TIME: u16 = 0x0401;
pub const STATUS_ENQUIRY: u16 = 0x0501;
pub const POSITIVE: u16 = 0x8000;

/// A field at a fixed place.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub raw: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub code: u16,
    pub extended_length: bool,
    pub head: Vec<Field>,
    pub bmps: Vec<Bmp>,
    /// Behind a number that no table knows (manufacturers have their own), or all of it where no grammar is known; in what
    /// was read by [`Self::read_as_far`], also behind a fault.
    pub rest: Vec<u8>,
    /// What a container in `rest` whose length does not fit still tells.
    loose: Vec<Node>,
}

/// Card data never reaches a log through here.
impl fmt::Debug for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Message({:04x}, {} fields)", self.code, self.head.len() + self.bmps.len())
    }
}

/// One fixed place.
type Place = (&'static str, Kind, usize);

const PASSWORD: Place = ("password", Kind::Digits, 3);
/// The rest of the data up to a TLV container that reaches to its end.
const TO_CONTAINER: usize = usize::MAX;
/// As many bytes as three digits `Fx Fy Fz` say.
const COUNTED: usize = usize::MAX - 1;

/// How the data of a control field may begin; the first way that fits all of it is taken.
fn ways(code: u16) -> &'static [&'static [Place]] {
    const CONFIG: Place = ("config", Kind::Code, 1);
    const STATUS_BYTE: Place = ("terminal_status", Kind::Code, 1);
    match code {
        REGISTRATION => &[&[PASSWORD, CONFIG, ("currency", Kind::Digits, 2)], &[PASSWORD, CONFIG]],
        // 06 10, 06 12: turnover; 06 1B: terminal id; 06 93: initialisation
        STATUS_ENQUIRY | REPEAT_RECEIPT | 0x0610 | 0x0612 | 0x061b | REVERSAL | REFUND | END_OF_DAY | 0x0693 => {
            &[&[PASSWORD], &[]]
        }
        0x0695 => &[&[PASSWORD, ("new_password", Kind::Digits, 3)]],
        0x06c0 => &[&[("timeout", Kind::Count, 1)], &[]],
        0x0830 => &[&[("language", Kind::Code, 1)], &[]],
        INTERMEDIATE => {
            &[&[("status", Kind::Code, 1), ("timeout", Kind::Digits, 1)], &[("status", Kind::Code, 1)], &[]]
        }
        COMPLETION => &[&[], &[("sw_version", Kind::Text, COUNTED), STATUS_BYTE], &[STATUS_BYTE]],
        ABORTED => &[&[("result_code", Kind::Code, 1)], &[]],
        PRINT_LINE => &[&[("attribute", Kind::Code, 1), ("text", Kind::Text, TO_CONTAINER)], &[]],
        _ => &[&[]],
    }
}

/// Control fields whose grammar is known: a broken one is refused rather than kept as bytes.
const fn is_known(code: u16) -> bool {
    matches!(
        code,
        REGISTRATION
            | AUTHORISATION
            | ABORTED
            | REPEAT_RECEIPT
            | REVERSAL
            | REFUND
            | END_OF_DAY
            | ABORT
            | PRINT_LINE
            | PRINT_BLOCK
            | STATUS
            | INTERMEDIATE
            | SET_TIME
            | STATUS_ENQUIRY
            | 0x0622..=0x0625
            | 0x0693
            | 0x06c0
            | 0x06e0
            | 0x8000..=0x80ff
            | 0x8400..=0x84ff
    )
}

impl Message {
    #[must_use]
    pub const fn new(code: u16) -> Self {
        Self { code, extended_length: false, head: Vec::new(), bmps: Vec::new(), rest: Vec::new(), loose: Vec::new() }
    }

    /// All of an APDU's data in fields.
    ///
    /// # Errors
    /// A field is cut off or malformed; the offset counts from the data's first byte.
    pub fn read(apdu: &Apdu) -> Result<Self, BmpError> {
        let (message, fault) = Self::read_as_far(apdu);
        match fault {
            Some(fault) if is_known(apdu.code) && !fault.unknown => Err(fault),
            Some(fault) if !fault.unknown || !is_known(apdu.code) => Ok(Self::whole(apdu)),
            Some(_) | None => Ok(message),
        }
    }

    /// The fields before the first fault, and the fault. What a message says of money stands before its optional tail, and
    /// a tail that cannot be read takes nothing of it back.
    #[must_use]
    pub fn read_as_far(apdu: &Apdu) -> (Self, Option<BmpError>) {
        let (code, data) = (apdu.code, apdu.data.as_slice());
        let mut best: Option<(Self, usize)> = None;
        let mut first_fault = None;
        for way in ways(code) {
            let Some((head, start)) = read_head(way, data) else { continue };
            let (bmps, fault, at) = bmp::parse(code, data, start);
            let rest = &data[at..];
            let read = Self { head, bmps, rest: rest.to_vec(), loose: loose(rest), ..Self::whole(apdu) };
            let Some(fault) = fault else { return (read, None) };
            first_fault.get_or_insert(fault);
            if best.as_ref().is_none_or(|(_, reached)| at > *reached) {
                best = Some((read, at));
            }
        }
        let nothing =
            || BmpError { what: "the data ends inside its first fields".to_owned(), at: data.len(), unknown: false };
        let read = best.map_or_else(|| Self::whole(apdu), |(read, _)| read);
        (read, Some(first_fault.unwrap_or_else(nothing)))
    }

    /// All of it unread.
    fn whole(apdu: &Apdu) -> Self {
        Self { extended_length: apdu.extended_length, rest: apdu.data.clone(), ..Self::new(apdu.code) }
    }

    #[must_use]
    pub fn to_apdu(&self) -> Apdu {
        let mut data = Vec::new();
        for field in &self.head {
            if field.name == "sw_version" {
                let count = field.raw.len();
                data.extend(
                    [count / 100, count / 10 % 10, count % 10].map(|digit| 0xf0 | u8::try_from(digit).unwrap_or(0)),
                );
            }
            data.extend_from_slice(&field.raw);
        }
        for bmp in &self.bmps {
            bmp::write(bmp, &mut data);
        }
        data.extend_from_slice(&self.rest);
        Apdu { extended_length: self.extended_length, ..Apdu::new(self.code, data) }
    }

    /// The first BMP with this number.
    #[must_use]
    pub fn bytes(&self, tag: u8) -> Option<&[u8]> {
        self.bmps.iter().filter(|bmp| bmp.meaning.tag == tag).find_map(|bmp| match &bmp.value {
            Content::Bytes(bytes) => Some(bytes.as_slice()),
            Content::Container(..) => None,
        })
    }

    /// A field at a fixed place.
    #[must_use]
    pub fn fixed(&self, name: &str) -> Option<&[u8]> {
        self.head.iter().find(|field| field.name == name).map(|field| field.raw.as_slice())
    }

    /// The first leaf with `tag` in any container, however deep.
    #[must_use]
    pub fn tlv(&self, tag: u32) -> Option<&[u8]> {
        self.containers().chain([self.loose.as_slice()]).find_map(|nodes| tlv::find(nodes, tag))
    }

    fn containers(&self) -> impl Iterator<Item = &[Node]> {
        self.bmps.iter().filter_map(|bmp| match &bmp.value {
            Content::Container(_, nodes) => Some(nodes.as_slice()),
            Content::Bytes(_) => None,
        })
    }
}

/// What a container at the front of `rest` holds, although its length is no length or leads past the end.
fn loose(rest: &[u8]) -> Vec<Node> {
    let Some((&bmp::TLV, length)) = rest.split_first() else { return Vec::new() };
    let skipped = tlv::read_length(length).map_or(1, |(_, _, bytes)| bytes);
    length.get(skipped..).map_or_else(Vec::new, |inside| tlv::read(inside).0)
}

/// The fields at fixed places and where they end; `None` if they do not fit.
fn read_head(way: &[Place], data: &[u8]) -> Option<(Vec<Field>, usize)> {
    let mut at = 0;
    let mut head = Vec::with_capacity(way.len());
    for &(name, kind, bytes) in way {
        let count = match bytes {
            TO_CONTAINER => container_at(data, at) - at,
            COUNTED => {
                let digits = data.get(at..at + 3)?;
                at += 3;
                digits.iter().try_fold(0, |count, digit| {
                    let value = usize::from(digit & 0x0f);
                    (digit & 0xf0 == 0xf0 && value <= 9).then_some(count * 10 + value)
                })?
            }
            _ => bytes,
        };
        head.push(Field { name, kind, raw: data.get(at..at + count)?.to_vec() });
        at += count;
    }
    Some((head, at))
}

/// Where a TLV container begins that fills the data to its end; the end if there is none. The first place whose length
/// fits decides.
fn container_at(data: &[u8], start: usize) -> usize {
    let fits = |at: &usize| {
        data[*at] == bmp::TLV
            && tlv::read_length(&data[at + 1..]).is_ok_and(|(_, count, bytes)| at + 1 + bytes + count == data.len())
    };
    match (start..data.len()).find(fits) {
        Some(at) if bmp::parse(PRINT_LINE, data, at).1.is_none() => at,
        Some(_) | None => data.len(),
    }
}
