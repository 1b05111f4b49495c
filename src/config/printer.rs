//! `[printer]`: the receipt printer.

use super::line;
use super::read::{Or, Section};
use super::terminal::baud;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printer {
    /// Device path of a serial line, a USB printer's file (`/dev/usb/lp0`), or `tcp:host:9100`; empty = none.
    pub port: String,
    pub baud: u32,
    pub width_dots: u32,
    /// How long a job may take until the printer proves that it is out.
    pub job_timeout_ms: u64,
    pub has_cutter: bool,
}

impl Printer {
    pub(super) fn read(section: Section<'_>) -> Self {
        let printer = Self {
            port: section.text("port", Or::Default("")),
            baud: baud(&section, Or::Default(115_200)),
            width_dots: section.whole("width_dots", 384..=832, Or::Default(576)),
            job_timeout_ms: section.whole("job_timeout_ms", 5_000..=120_000, Or::Default(30_000)),
            has_cutter: section.flag("has_cutter", Or::Default(true)),
        };
        if !printer.width_dots.is_multiple_of(8) {
            section.fault("width_dots", "a row of dots is sent as whole bytes", "a multiple of 8, as 576 or 384");
        }
        line::check(
            &section,
            &printer.port,
            "192.0.2.10:9100",
            "receipts go over the network in the clear, and whoever is on it can print here",
            "a USB or serial printer, or a network that has nothing on it but this kiosk and its printer",
        );
        section.finish();
        printer
    }
}
