//! ZVT (PA00P015 13.08, PA00P016 rev 04): one terminal on one line, serial (9600 8N2, blocks with DLE stuffing and a CRC) or
//! network (TCP, bare APDUs).
//!
//! - [`frame`]: the block; [`reader`]: blocks out of a serial line; [`stream`]: APDUs out of a connection; [`framing`]: one
//!   or the other
//! - [`apdu`], [`message`], [`bmp`], [`tlv`]: what travels, field by field, lossless
//! - [`request`]: what the kiosk says; [`transaction`]: a result in the kiosk's own words; [`text`]: the terminal's words;
//!   [`currency`]: ISO 4217 numbers
//! - [`dialogue`]: who speaks when, pure; [`driver`]: settings to worker; [`probe`]: "are you one?"
//! - [`hidden`]: the same without what a terminal tells of a card; [`decode`]: a block or an APDU explained to a technician

pub mod apdu;
pub mod bmp;
mod currency;
pub mod decode;
pub mod dialogue;
pub mod driver;
pub mod frame;
pub mod framing;
pub mod hidden;
pub mod message;
pub mod probe;
pub mod reader;
pub mod request;
pub mod stream;
mod text;
pub mod tlv;
pub mod transaction;
