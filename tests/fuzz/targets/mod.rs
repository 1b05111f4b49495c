//! What is fed, and what must hold. Plain functions of bytes, so that any engine can drive them.

mod configuration;
mod fhir;
mod http;
mod printer;
mod scanner;
mod script;
mod store;
mod terminal;
mod zvt;

pub struct Target {
    pub name: &'static str,
    /// Panics if a property does not hold.
    pub run: fn(&[u8]),
    /// Good inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Inputs that once broke something.
    pub found: &'static [&'static [u8]],
}

pub const ALL: &[Target] = &[
    Target { name: "smartro_frame", run: terminal::frame, seeds: terminal::frames, found: terminal::FOUND },
    Target { name: "smartro_stream", run: terminal::stream, seeds: terminal::streams, found: &[] },
    Target { name: "zvt_block", run: zvt::block, seeds: zvt::blocks, found: &[] },
    Target { name: "zvt_apdu", run: zvt::apdu, seeds: zvt::apdus, found: zvt::FOUND },
    Target { name: "zvt_tlv", run: zvt::nodes, seeds: zvt::containers, found: &[] },
    Target { name: "zvt_stream", run: zvt::stream, seeds: zvt::streams, found: &[] },
    Target { name: "zvt_network", run: zvt::network, seeds: zvt::connections, found: &[] },
    Target { name: "printer_status", run: printer::status, seeds: printer::answers, found: &[] },
    Target { name: "recording", run: printer::recording, seeds: printer::recordings, found: &[] },
    Target { name: "scanner_line", run: scanner::lines, seeds: scanner::codes, found: &[] },
    Target { name: "fhir_delivery", run: fhir::delivery, seeds: fhir::answers, found: fhir::FOUND },
    Target { name: "fhir_reading", run: fhir::reading, seeds: fhir::resources, found: &[] },
    Target { name: "fhir_primitive", run: http::primitive, seeds: http::primitives, found: &[] },
    Target { name: "http_body", run: http::body, seeds: http::bodies, found: &[] },
    Target { name: "page_link", run: http::link, seeds: http::links, found: &[] },
    Target { name: "time_zone", run: http::zone, seeds: http::seconds, found: &[] },
    Target {
        name: "configuration",
        run: configuration::files,
        seeds: configuration::texts,
        found: configuration::FOUND,
    },
    Target { name: "store_columns", run: store::columns, seeds: store::rows, found: &[] },
    Target { name: "script", run: script::lines, seeds: script::scripts, found: &[] },
];

/// Words that mean something somewhere: noise alone seldom writes one.
pub const WORDS: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    "[[",
    "]]",
    ":",
    ",",
    "=",
    "\n",
    "\r",
    "\\u0000",
    "\\",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "9223372036854775808",
    "18446744073709551616",
    "0.1",
    "1979-05-27",
    "'''",
    "\"\"\"",
    "#",
    "inf",
    "nan",
    "0x",
    "=\n",
    "resourceType",
    "Bundle",
    "entry",
    "response",
    "status",
    "201 Created",
    "412",
    "OperationOutcome",
    "Patient",
    "identifier",
    "system",
    "value",
    "birthDate",
    "2026-02-30",
    "link",
    "next",
    "<html>",
    "\u{feff}",
    "\u{202e}",
    "가",
    "\u{0}",
    "\x02",
    "\x03",
    "\x06",
    "\x10\x02",
    "\x10\x03",
    "\x04\x0f",
    "\x06\u{0f}",
    "\x27\x00",
    "\x22\u{0b}",
    "\x15",
    "10 04 01",
    "tap \"",
    "expect",
    "A:",
    "P:",
    "1234567890123456789",
];

pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hex")).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The longest run of digits: a number of somebody, a card, a phone.
fn longest_digit_run(text: &str) -> usize {
    text.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max().unwrap_or(0)
}

/// What a reader finds if the line gives `bytes` in pieces and then falls silent.
fn read_in_pieces<R: Default, I>(
    bytes: &[u8],
    piece: usize,
    push: fn(&mut R, &[u8]) -> Vec<I>,
    silence: fn(&mut R) -> Vec<I>,
    is_waiting: fn(&R) -> bool,
) -> Vec<I> {
    let mut reader = R::default();
    let mut items: Vec<I> = bytes.chunks(piece).flat_map(|bytes| push(&mut reader, bytes)).collect();
    items.extend(silence(&mut reader));
    assert!(!is_waiting(&reader));
    items
}

/// Each block between an ACK and a NAK with a byte that begins another, and each behind its neighbour; the first byte of an
/// input says how the line cuts it.
fn streams_of(blocks: &[Vec<u8>], begins: u8) -> Vec<Vec<u8>> {
    let with_ack = |block: &Vec<u8>| [&[7, 0x06][..], block, &[0x15, begins]].concat();
    let pairs = blocks.windows(2).map(|pair| [&[40], &pair[0][..], &pair[1]].concat());
    blocks.iter().map(with_ack).chain(pairs).collect()
}
