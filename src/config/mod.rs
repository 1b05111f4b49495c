//! The configuration: one struct per section, each key commented in `config/kiosk.toml`.

use std::path::PathBuf;

/// `[display]`: sizes on screen are millimetres, so the real size must be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    pub width_px: u32,
    pub height_px: u32,
    pub diagonal_inch: f32,
    pub fullscreen: bool,
}

/// `[terminal]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminal {
    /// A name in `terminal::PROTOCOLS`; empty = this kiosk has none.
    pub protocol: String,
    /// Device path, best `/dev/serial/by-id/…`.
    pub port: String,
    pub baud: u32,
    /// The identifier the terminal was registered with (Smartro: CAT/MID, at most 16 characters).
    pub terminal_id: String,
    pub ack_timeout_ms: u64,
    pub answer_timeout_ms: u64,
}

/// `[printer]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printer {
    /// Device path of a serial line, a USB printer file (`/dev/usb/lp0`), or `tcp:host:9100`; empty = none.
    pub port: String,
    pub baud: u32,
    pub width_dots: u32,
    /// How long a job may take until the printer proves that it is out.
    pub job_timeout_ms: u64,
    pub has_cutter: bool,
}

/// `[scanner]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanner {
    /// Empty = none.
    pub port: String,
    pub baud: u32,
    /// Codes that begin with this are appointment slips.
    pub slip_prefix: String,
    /// Codes that begin with this are patient cards; a bare hospital number is one too.
    pub card_prefix: String,
}

/// `[hospital]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hospital {
    /// FHIR R4 base URL.
    pub url: String,
    /// Extra root certificate (PEM) of the hospital's own CA.
    pub ca_file: Option<PathBuf>,
    /// Identifier system of hospital numbers.
    pub patient_system: String,
    /// Identifier system of everything this product makes.
    pub request_system: String,
    /// Identifier system and value of this machine.
    pub device_system: String,
    pub device_serial: String,
    /// Code system of document codes.
    pub document_system: String,
    /// Identifier system of the number on an appointment slip.
    pub slip_system: String,
    /// `arrived` or `checked-in`.
    pub arrival_status: String,
    pub look_up_timeout_ms: u64,
    pub quote_timeout_ms: u64,
    pub send_timeout_ms: u64,
    pub retry_base_ms: u64,
    pub retry_cap_ms: u64,
    pub network_return_wait_ms: u64,
    pub schedule_refresh_s: u64,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub folder: PathBuf,
    /// Outside `folder`; made at first start with mode 0600. A systemd credential named `store-key` wins.
    pub key_file: PathBuf,
}
