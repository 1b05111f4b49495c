//! One direction of the card terminal's line: pieces of bytes on their way, in order, and what becomes of them.

use super::chance::Chance;
use super::faults::{Fault, Fired};
use crate::domain::attempt::AttemptId;
use std::collections::VecDeque;

const TRAVEL_MS: u64 = 1;
/// A duplicated piece comes at once: a line has no memory that could repeat a command a minute later.
const DUPLICATED_BYTES_MAX: u64 = 4;
const DELAY_MOST_MS: u64 = 40_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    Loss,
    Delay,
    Duplication,
    Corruption,
    Truncation,
}

impl Damage {
    pub const ALL: [Self; 5] = [Self::Loss, Self::Delay, Self::Duplication, Self::Corruption, Self::Truncation];

    #[must_use]
    pub const fn to_terminal(self) -> Fault {
        match self {
            Self::Loss => Fault::LossToTerminal,
            Self::Delay => Fault::DelayToTerminal,
            Self::Duplication => Fault::DuplicationToTerminal,
            Self::Corruption => Fault::CorruptionToTerminal,
            Self::Truncation => Fault::TruncationToTerminal,
        }
    }

    #[must_use]
    pub const fn to_kiosk(self) -> Fault {
        match self {
            Self::Loss => Fault::LossToKiosk,
            Self::Delay => Fault::DelayToKiosk,
            Self::Duplication => Fault::DuplicationToKiosk,
            Self::Corruption => Fault::CorruptionToKiosk,
            Self::Truncation => Fault::TruncationToKiosk,
        }
    }
}

/// Bytes that were written in one go. `of`: the attempt that was being charged when they were.
pub struct Piece {
    due_ms: u64,
    pub bytes: Vec<u8>,
    pub of: Option<AttemptId>,
    /// The connection ends behind it.
    pub is_last: bool,
}

/// What may become of a piece.
///
/// Of an event something always arrives. A card that nobody hears of, a terminal that then restarts and forgets the
/// sale, and a patient who calls off in the same moment look like a patient who showed no card: no kiosk could tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// May be lost as a whole, or come twice.
    Light,
    /// Never comes twice as a whole: a line has no memory.
    Money,
    /// Sent unasked, and so not asked for again.
    Event,
}

pub struct Line {
    pieces: VecDeque<Piece>,
    last_due_ms: u64,
    /// Pieces that still pass unharmed, and what then happens to one.
    armed: Vec<(u64, Damage)>,
    name: fn(Damage) -> Fault,
    chance: Chance,
    /// Bytes are neither lost nor changed nor doubled on it: its connection ends instead, within a piece.
    pub network: bool,
    pub fired: Fired,
}

impl Line {
    #[must_use]
    pub fn new(name: fn(Damage) -> Fault, chance: Chance) -> Self {
        let (pieces, armed) = (VecDeque::new(), Vec::new());
        Self { pieces, last_due_ms: 0, armed, name, chance, network: false, fired: Fired::default() }
    }

    pub fn arm(&mut self, after_pieces: u64, damage: Damage) {
        self.armed.push((after_pieces, damage));
    }

    pub fn disarm(&mut self) {
        self.armed.clear();
    }

    /// What is on its way is lost.
    pub fn empty(&mut self) {
        self.pieces.clear();
    }

    #[must_use]
    pub fn due_ms(&self) -> Option<u64> {
        self.pieces.front().map(|piece| piece.due_ms)
    }

    pub fn take_due(&mut self, now_ms: u64) -> Option<Piece> {
        if self.due_ms()? <= now_ms { self.pieces.pop_front() } else { None }
    }

    pub fn send(&mut self, mut bytes: Vec<u8>, of: Option<AttemptId>, weight: Weight, now_ms: u64) {
        let mut delay_ms = TRAVEL_MS;
        let mut is_last = false;
        if let Some(damage) = self.damage_now() {
            if damage == Damage::Delay {
                delay_ms = self.chance.between(100, DELAY_MOST_MS);
            } else if self.network {
                is_last = true;
                bytes.truncate(self.chance.index(bytes.len() + 1));
            } else {
                self.harm(&mut bytes, damage, weight);
            }
            self.fired.note((self.name)(damage));
        }
        // Bytes on a line do not overtake each other.
        let due_ms = now_ms.saturating_add(delay_ms).max(self.last_due_ms);
        self.last_due_ms = due_ms;
        self.pieces.push_back(Piece { due_ms, bytes, of, is_last });
    }

    /// At most one harm to a piece: two flipped bits could give a good check byte to a wrong frame.
    fn damage_now(&mut self) -> Option<Damage> {
        let due = self.armed.iter().position(|(left, _)| *left == 0);
        for (left, _) in &mut self.armed {
            *left = left.saturating_sub(1);
        }
        due.map(|at| self.armed.remove(at).1)
    }

    fn harm(&mut self, bytes: &mut Vec<u8>, damage: Damage, weight: Weight) {
        let at = self.chance.index(bytes.len());
        match damage {
            Damage::Delay => {}
            Damage::Loss if weight != Weight::Event && self.chance.percent(50) => bytes.clear(),
            Damage::Loss => {
                if at < bytes.len() {
                    bytes.remove(at);
                }
            }
            Damage::Duplication if weight == Weight::Light && self.chance.percent(50) => bytes.extend(bytes.clone()),
            Damage::Duplication => {
                let count = usize::try_from(self.chance.between(1, DUPLICATED_BYTES_MAX)).unwrap_or(1);
                let again: Vec<u8> = bytes.iter().copied().skip(at).take(count).collect();
                // Never the whole command once more.
                if again.len() < bytes.len() || weight == Weight::Light {
                    bytes.splice(at..at, again);
                }
            }
            Damage::Corruption => {
                let flipped = 1 << self.chance.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= flipped;
                }
            }
            Damage::Truncation => bytes.truncate(if weight == Weight::Event { at.max(1) } else { at }),
        }
    }
}
