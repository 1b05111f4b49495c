//! The Smartro TL series (TL3500, TL3600, TL3800): 115200 8N1, frames parsed by length, one terminal on one line.
//!
//! - [`packet`]: the frame; [`layout`]: what its data means, job code by job code; [`reader`]: frames out of a stream
//! - [`transaction`]: an approval or decline as the kiosk's own words
//! - [`dialogue`]: who speaks when, pure; [`driver`]: the only IO
//! - [`hidden`]: a frame without what it tells of a card; [`decode`]: a frame explained to a technician

pub mod decode;
pub mod dialogue;
pub mod driver;
pub mod hidden;
pub mod layout;
pub mod packet;
pub mod probe;
pub mod reader;
pub mod transaction;
