//! Whole kiosk days on made-up time: the real session, the real terminal dialogues and the real outbox sender, played
//! against people, terminals, printers, hospitals and power that fail in every way they can, each by name.
//!
//! One seed is one exact day of some 20 to 60 payments: nothing here reads a clock, starts a thread or depends on the
//! machine. An oracle ([`oracle`]) that knows what the card company booked checks the four promises of
//! `design/money.md`. `src/bin/rehearse.rs` is its command line; `tests/mutations.sh` shows that it can fail.

pub mod chance;
mod effects;
pub mod ends;
pub mod facility;
pub mod faults;
pub mod hospital;
pub mod line;
mod manners;
pub mod memory_store;
pub mod oracle;
pub mod patient;
pub mod power;
pub mod printer;
mod refund;
pub mod report;
pub mod rig;
pub mod shelf;
pub mod smartro;
mod staff;
pub mod trace;
mod weather;
mod world;
pub mod zvt;

use chance::Chance;
use ends::{Machine, Speaker};
use faults::{Allowed, Fault, Fired};
use oracle::{Broken, Promise};
use shelf::Kind;
use std::collections::BTreeMap;

/// How days are to be.
#[derive(Debug, Clone)]
pub struct Setting {
    pub faults: Allowed,
    pub store: Kind,
    pub protocol: Protocol,
    pub trace: trace::To,
    /// How many payments; else the seed says.
    pub payments: Option<u64>,
    /// The power goes at this boundary, counted from the first.
    pub cut_after: Option<u64>,
}

/// Which terminal stands there: its dialogue and its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Smartro,
    Zvt,
    /// The same terminal, over connections that end instead of bytes that change.
    ZvtNetwork,
}

impl Protocol {
    /// Whose turn it is, seed by seed: these two, so that a seed stays the day that it was.
    pub const ALL: &[Self] = &[Self::Smartro, Self::Zvt];
    pub const KNOWN: &[Self] = &[Self::Smartro, Self::Zvt, Self::ZvtNetwork];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smartro => "smartro",
            Self::Zvt => "zvt",
            Self::ZvtNetwork => "zvt-network",
        }
    }

    #[must_use]
    pub fn speaker(self) -> Box<dyn Speaker> {
        match self {
            Self::Smartro => smartro::speaker(),
            Self::Zvt => zvt::speaker(),
            Self::ZvtNetwork => zvt::network_speaker(),
        }
    }

    /// The ways of its own that such a terminal can have.
    #[must_use]
    pub fn personalities(self) -> Vec<Fault> {
        match self {
            Self::Smartro => manners::SMARTRO.iter().map(|(fault, _)| *fault).collect(),
            Self::Zvt | Self::ZvtNetwork => manners::ZVT.iter().map(|(fault, _)| *fault).collect(),
        }
    }

    /// A terminal of some character, and whether the technician has proved that it keeps its last transaction.
    fn machine(self, chance: &mut Chance, allowed: &Allowed) -> (Box<dyn Machine>, bool) {
        let kinds = allowed.of(&[Fault::RebootKeeps, Fault::RebootLoses, Fault::RebootFallsBack]);
        let kind = chance.pick(&kinds).unwrap_or(Fault::RebootKeeps);
        let keeps = kind == Fault::RebootKeeps;
        let survives = keeps && chance.percent(50);
        let machine: Box<dyn Machine> = match self {
            Self::Smartro => Box::new(smartro::Terminal::new(chance, keeps, kind == Fault::RebootFallsBack)),
            Self::Zvt => Box::new(zvt::Terminal::new(chance, keeps, kind == Fault::RebootFallsBack)),
            Self::ZvtNetwork => {
                Box::new(zvt::Terminal::new(chance, keeps, kind == Fault::RebootFallsBack).on_network())
            }
        };
        (machine, survives)
    }
}

/// The terminal's ways of its own, by dice of their own: a day on which it has none is what it was without them.
fn give_personality(machine: &mut dyn Machine, seed: u64, setting: &Setting) {
    let mut chance = Chance::new(seed ^ 0x7065_7273_6f6e_616c);
    let mut possible = setting.faults.of(&setting.protocol.personalities());
    for _ in 0..chance.pick(&[0, 1, 1, 2, 2, 3]).unwrap_or(0) {
        let at = chance.index(possible.len());
        if at < possible.len() {
            machine.takes_on(possible.remove(at), &mut chance);
        }
    }
}

/// What came of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayReport {
    pub payments: u64,
    pub virtual_ms: u64,
    pub fired: Fired,
    /// Where the power went.
    pub cuts: BTreeMap<&'static str, u64>,
    pub checked: [u64; Promise::COUNT],
    pub broken: Vec<Broken>,
    pub trace: String,
}

/// Plays the day of `seed`.
///
/// # Errors
/// The day could not be played to its end: the store failed, or nothing happened any more.
pub fn play(seed: u64, setting: &Setting) -> Result<DayReport, String> {
    world::World::new(seed, setting)?.run()
}
