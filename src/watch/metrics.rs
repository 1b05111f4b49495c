//! The text itself (Prometheus exposition format 0.0.4).

use super::{Line, PRINTER_STATES};
use crate::domain::printer::PrinterState;
use crate::ports::{Software, Tally};
use chrono::{DateTime, Utc};
use std::fmt::{Display, Write};

/// Everything that is told, at one moment.
pub struct Seen {
    pub kiosk: String,
    pub terminal_protocol: String,
    pub database_format: usize,
    pub now: DateTime<Utc>,
    pub uptime_s: u64,
    /// `None`: the store cannot be read, which is worth an alarm of its own.
    pub tally: Option<Tally>,
    pub store_writable: Option<bool>,
    /// Persons of the staff whose PIN was missed too often.
    pub staff_locked: Option<u64>,
    pub printer: PrinterState,
    /// `None` where there is none.
    pub scanner_online: Option<bool>,
    pub terminal_online: Option<bool>,
    pub hospital_online: Option<bool>,
    pub in_service: Option<bool>,
    pub clock_believed: Option<bool>,
    pub line: Line,
}

/// What is not known is left out: a monitor tells "absent" from "zero".
#[must_use]
pub fn text(seen: &Seen) -> String {
    let mut out = Text(String::new());
    let (kiosk, version) = (quoted(&seen.kiosk), quoted(env!("CARGO_PKG_VERSION")));
    let (database, protocol) = (seen.database_format, quoted(&seen.terminal_protocol));
    out.head(
        "kiosk_info",
        "gauge",
        "Which kiosk this is, the versions of its program and database, its terminal's protocol.",
    );
    out.line(
        "kiosk_info",
        &format!("kiosk={kiosk},version={version},database=\"{database}\",terminal_protocol={protocol}"),
        1,
    );
    if let Some(Software { fhir, name, version }) = &seen.line.software {
        let (fhir, name, version) = (quoted(fhir), quoted(name), quoted(version));
        out.head("kiosk_hospital_info", "gauge", "What the hospital's server says it is.");
        out.line("kiosk_hospital_info", &format!("fhir={fhir},software={name},version={version}"), 1);
    }
    out.gauge("kiosk_uptime_seconds", "How long the program has been running.", Some(seen.uptime_s));
    out.gauge(
        "kiosk_in_service",
        "0 while nobody is served: the journal cannot be read or written, or the clock is not believed.",
        seen.in_service.map(u8::from),
    );
    out.gauge("kiosk_store_readable", "1 if the encrypted store can be read.", Some(u8::from(seen.tally.is_some())));
    out.gauge(
        "kiosk_store_writable",
        "0 while the store cannot be written (the disk is full, read-only or broken), and nobody is served.",
        seen.store_writable.map(u8::from),
    );
    out.gauge(
        "kiosk_store_set_aside",
        "1 while payments are closed, because a damaged store was set aside and staff have not acknowledged it.",
        seen.tally.as_ref().map(|tally| u8::from(tally.set_aside)),
    );
    if let Some(tally) = &seen.tally {
        queue_and_money(&mut out, tally, seen.now);
    }
    out.gauge("kiosk_staff_locked", "Members of staff who are locked after wrong PINs.", seen.staff_locked);
    out.head("kiosk_printer_state", "gauge", "1 for the state the receipt printer is in, 0 for the others.");
    for (state, word) in PRINTER_STATES {
        out.line("kiosk_printer_state", &format!("state=\"{word}\""), u8::from(state == seen.printer));
    }
    out.gauge("kiosk_scanner_online", "1 if the code reader's line is open.", seen.scanner_online.map(u8::from));
    out.gauge("kiosk_terminal_online", "1 if the card terminal answers.", seen.terminal_online.map(u8::from));
    out.gauge(
        "kiosk_hospital_online",
        "1 if the hospital's server can be reached.",
        seen.hospital_online.map(u8::from),
    );
    line_to_hospital(&mut out, &seen.line);
    out.gauge(
        "kiosk_clock_believed",
        "0 while nobody is served because of this machine's clock: not set, or days apart from the hospital's or behind the last number it gave.",
        seen.clock_believed.map(u8::from),
    );
    out.0
}

fn line_to_hospital(out: &mut Text, line: &Line) {
    out.gauge(
        "kiosk_hospital_lets_in",
        "0 while the hospital's server, or a gateway before it, keeps this kiosk out: nothing is delivered.",
        line.let_in.map(u8::from),
    );
    out.gauge(
        "kiosk_hospital_last_answer_timestamp_seconds",
        "When the hospital's server last answered anything.",
        line.heard_at_s,
    );
    out.gauge(
        "kiosk_schedule_read_timestamp_seconds",
        "When today's appointments or what changed of them were last read, for check-in offline.",
        line.schedule_at_s,
    );
    out.gauge(
        "kiosk_queue_held_until_timestamp_seconds",
        "0, or until when nothing is sent although something waits: the hospital's server named the time, or tries failed.",
        Some(line.held_until_s.unwrap_or(0)),
    );
    out.gauge("kiosk_clock_skew_seconds", "By how much the hospital's clock is ahead of this machine's.", line.skew_s);
}

fn queue_and_money(out: &mut Text, tally: &Tally, now: DateTime<Utc>) {
    let age = tally.oldest_queued_at.map_or(0, |at| (now - at.to_utc()).num_seconds().max(0));
    out.gauge("kiosk_queue_waiting", "Requests that wait for the hospital.", Some(tally.waiting));
    out.gauge("kiosk_queue_parked", "Requests that the hospital refused: staff must look.", Some(tally.parked));
    out.gauge(
        "kiosk_queue_noted",
        "Of the last 200 deliveries, those with a note for staff: a visit that was cancelled or moved meanwhile.",
        Some(tally.noted),
    );
    out.gauge("kiosk_queue_oldest_age_seconds", "Age of the oldest request the hospital does not have.", Some(age));
    out.gauge(
        "kiosk_queue_last_delivery_timestamp_seconds",
        "When the hospital last took a request.",
        tally.last_delivered_at.map(|at| at.timestamp()),
    );
    out.gauge("kiosk_payments_in_doubt", "Payments neither paid nor not paid yet.", Some(tally.payments_in_doubt));
    out.gauge("kiosk_payments_need_staff", "Payments that people must settle.", Some(tally.payments_need_staff));
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        let Some(value) = value else { return };
        self.head(name, "gauge", help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
