//! Card terminals on a serial line or on the network. A protocol is one folder and one line in [`PROTOCOLS`].

mod card;
mod clock;
pub mod dialogue;
pub mod smartro;
mod worker;
pub mod zvt;

use crate::config::Terminal;
use crate::domain::attempt::LastTransaction;
use crate::domain::terminal::TerminalDay;
use crate::domain::terminal::{TerminalCommand, TerminalReport};
use crate::ports::{CardTerminal, Clock, Reports};
use chrono::NaiveDateTime;
use serde_json::{Map, Value};
use std::io;
use std::sync::Arc;

/// Every protocol this program speaks, in the order in which `kiosk devices` asks.
pub const PROTOCOLS: &[Protocol] = &[
    Protocol { name: "zvt", start: zvt::driver::start, probe: zvt::probe::probe },
    Protocol { name: "smartro", start: smartro::driver::start, probe: smartro::probe::probe },
];

/// Every way of writing a protocol down that can be explained: the word in `kiosk decode --protocol`.
pub const DECODERS: &[(&str, Decoder)] =
    &[("smartro", smartro::decode::decode), ("zvt", zvt::decode::decode), ("zvt-apdu", zvt::decode::decode_apdu)];

pub type Decoder = fn(&[u8]) -> Result<Decoded, Refused>;

/// A running terminal, or why there is none, in words for a technician.
pub type Started = Result<Arc<dyn CardTerminal>, String>;

pub struct Protocol {
    /// The word in `[terminal] protocol`.
    pub name: &'static str,
    pub start: fn(&Terminal, Reports<TerminalReport>, Arc<dyn Clock>) -> Started,
    /// What answers on a port. Sends nothing that could move money. The time is the hospital's: a clock that is wrong is
    /// told too.
    pub probe: fn(&Terminal, &str, NaiveDateTime) -> Probed,
}

/// The system's reason why a line cannot be opened or is gone; else what answers there, in words, if this protocol's
/// terminal does: `Err` if it will not work for this kiosk.
pub type Probed = io::Result<Option<Result<String, String>>>;

/// One frame in words, and the same frame made again by our own encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Job code, class and instruction in hex, or `ACK`/`NAK` for a bare byte.
    pub command: String,
    pub fields: Map<String, Value>,
    pub reencoded: Vec<u8>,
}

/// Why bytes are not a frame, and the offset of the byte that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub error: String,
    pub at: usize,
}

/// Starts the terminal's worker thread. Without a protocol or a port: a terminal that is never ready.
///
/// # Errors
/// An unknown protocol or an impossible setting, in words for a technician.
pub fn start(settings: &Terminal, reports: Reports<TerminalReport>, clock: Arc<dyn Clock>) -> Started {
    if settings.protocol.is_empty() || settings.port.is_empty() {
        reports(TerminalReport::Online(false));
        return Ok(Arc::new(NoTerminal { reports }));
    }
    match find(&settings.protocol) {
        Some(protocol) => (protocol.start)(settings, reports, clock),
        None => Err(format!("[terminal] protocol \"{}\" is unknown: write {}", settings.protocol, known_names())),
    }
}

/// Explains one frame of `protocol`; `None` if no such protocol is known.
#[must_use]
pub fn decode(protocol: &str, bytes: &[u8]) -> Option<Result<Decoded, Refused>> {
    DECODERS.iter().find(|(name, _)| *name == protocol).map(|(_, decode)| decode(bytes))
}

fn find(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name == name)
}

fn known_names() -> String {
    let names: Vec<String> = PROTOCOLS.iter().map(|protocol| format!("\"{}\"", protocol.name)).collect();
    names.join(" or ")
}

/// What a kiosk without a terminal has.
struct NoTerminal {
    reports: Reports<TerminalReport>,
}

impl CardTerminal for NoTerminal {
    fn command(&self, command: TerminalCommand) {
        if let Some(report) = refusal(&command, "this kiosk has no card terminal") {
            (self.reports)(report);
        }
    }
}

/// The report for a command that was not even taken; nothing of it left the kiosk.
pub(crate) fn refusal(command: &TerminalCommand, reason: &str) -> Option<TerminalReport> {
    let reason = reason.to_owned();
    match *command {
        TerminalCommand::Prepare => Some(TerminalReport::NotReady { reason }),
        TerminalCommand::Charge { attempt, .. } => Some(TerminalReport::NeverSent { attempt, reason }),
        TerminalCommand::Confirm { attempt } | TerminalCommand::Refuse { attempt } => {
            Some(TerminalReport::NoAnswer { attempt, reason })
        }
        TerminalCommand::Undo { undo, .. } => Some(TerminalReport::NeverSent { attempt: undo, reason }),
        TerminalCommand::EndOfDay => Some(TerminalReport::NoTotals { day: TerminalDay::Open, reason }),
        TerminalCommand::CallOff => None,
        TerminalCommand::AskOutcome { attempt } => Some(TerminalReport::Outcome {
            attempt,
            first: LastTransaction::Unknown,
            second: LastTransaction::Unknown,
            host_reachable: false,
            maybe_restarted: true,
        }),
    }
}
