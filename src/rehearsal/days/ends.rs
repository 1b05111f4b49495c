//! The two ends of the card terminal's line: what every protocol brings to be rehearsed, its real dialogue and its
//! simulated terminal.

use super::chance::Chance;
use super::faults::Fault;
use crate::domain::money::Amount;
pub use crate::rehearsal::terminal::Out;
pub use crate::terminal::dialogue::{Dialogue as Speaker, Now as At, Step as Say};

/// A line in the card company's books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    pub amount: Amount,
    pub approval_number: String,
    /// Not undone.
    pub stands: bool,
    /// The terminal did with it what nobody had told it.
    pub astray: Option<Astray>,
}

/// What a terminal does against the word of the kiosk, and the card company with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Astray {
    /// Another sale was to be given back, and this one was.
    GivenBack,
    /// It was to be undone at once, and stands.
    Kept,
}

/// A day that a terminal has closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// How many sales it said there were, and their amount.
    pub told: (u32, Amount),
    /// What stood of it with the card company.
    pub stood: Amount,
}

/// The other end: a simulated terminal, which knows what the card company booked.
pub trait Machine {
    /// Its own clock, `YYYYMMDDhhmmss`, where no frame tells it the time.
    fn set_clock(&mut self, stamp: &[u8; 14]);
    fn bytes(&mut self, bytes: &[u8], now_ms: u64);
    fn tick(&mut self, now_ms: u64) -> Vec<Out>;
    fn deadline_ms(&self) -> Option<u64>;
    /// Every booking ever made, in order.
    fn books(&self) -> Vec<Booked>;
    fn booking_count(&self) -> usize;
    /// Whole money commands that arrived, charges and undos.
    fn money_seen(&self) -> usize;
    fn undone_count(&self) -> usize;
    /// What it gave to cards that had paid nothing of the kind, or had it back already, in order.
    fn strangers(&self) -> Vec<Amount> {
        Vec::new()
    }
    /// Each day that it closed; nothing where it counts nothing.
    fn days(&self) -> Vec<Closed> {
        Vec::new()
    }
    /// Has this way of its own from now on.
    fn takes_on(&mut self, personality: Fault, chance: &mut Chance);
    /// Whoever shows a card next holds this one: each payer has one of their own.
    fn hold(&mut self, card: u32);
    /// The next card shown does this; `None` = an ordinary approval.
    fn card(&mut self, what: Option<Fault>, chance: &mut Chance);
    /// Makes this mistake at the next opportunity. `false` if it cannot.
    fn mistake(&mut self, fault: Fault, chance: &mut Chance, now_ms: u64) -> bool;
    /// A lasting mistake ends.
    fn over(&mut self, fault: Fault, now_ms: u64);
    /// A forgotten card is taken out.
    fn take_card_out(&mut self, now_ms: u64);
    /// Its own power goes, and comes back at once.
    fn restart(&mut self, now_ms: u64);
    fn pull_plug(&mut self, now_ms: u64);
    /// The kiosk has closed the connection; a serial line tells of nothing like it.
    fn hung_up(&mut self, now_ms: u64);
    /// These bytes are sent unasked, and nobody will ask for them again.
    fn is_event(&self, bytes: &[u8]) -> bool;
    /// Nothing goes wrong any more.
    fn calm(&mut self);
    /// What really went wrong since the last call.
    fn take_fired(&mut self) -> Vec<Fault>;
}
