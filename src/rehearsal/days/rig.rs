//! The real terminal dialogue and the simulated terminal at the two ends of a line, on made-up time. What a driver does
//! around its dialogue (`terminal/worker.rs`) is done here: it writes, notices a lost line, opens it again.

use super::chance::Chance;
use super::ends::{At, Booked, Machine, Out, Say, Speaker};
use super::faults::{Fault, Fired};
use super::line::{Damage, Line, Weight};
use super::power::Power;
use crate::domain::attempt::AttemptId;
use crate::domain::money::Amount;
use crate::domain::terminal::{TerminalCommand, TerminalReport};

/// What the oracle must hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A money command was written (`false`: its line was gone, nothing left).
    Wrote {
        attempt: Option<AttemptId>,
        left: bool,
    },
    /// The terminal received a whole money command.
    Seen {
        attempt: Option<AttemptId>,
    },
    Booked {
        attempt: Option<AttemptId>,
        booked: Booked,
    },
    /// The card company gave something back. `strangers`: all that ever went to cards that it was not due to. `day`: how many
    /// days the terminal has closed before.
    Undone {
        undo: Option<AttemptId>,
        books: Vec<Booked>,
        strangers: Vec<Amount>,
        day: usize,
    },
}

const NOTICE_MS: u64 = 20;
const OPEN_MS: u64 = 250;

pub struct Rig {
    speaker: Option<Box<dyn Speaker>>,
    pub machine: Box<dyn Machine>,
    to_terminal: Line,
    to_kiosk: Line,
    power: Power,
    /// The attempt that was charged or undone last: whatever carries a money command from now on is its.
    charging: Option<AttemptId>,
    owner: Option<AttemptId>,
    seen_count: usize,
    booked_count: usize,
    undone_count: usize,
    line_up: bool,
    /// A connection, not a serial line; and it is closed until it is opened anew.
    network: bool,
    closed: bool,
    /// When the driver notices that the line came or went.
    notice_at_ms: Option<u64>,
    /// The next money command breaks off after so many writes.
    breaks_after: Option<u8>,
    pub reports: Vec<TerminalReport>,
    pub notes: Vec<Note>,
    pub fired: Fired,
    /// Every piece as it was written, for `--trace`.
    pub heard: Option<Vec<(&'static str, Vec<u8>)>>,
}

impl Rig {
    #[must_use]
    pub fn new(machine: Box<dyn Machine>, power: Power, chance: &mut Chance) -> Self {
        Self {
            speaker: None,
            machine,
            to_terminal: Line::new(Damage::to_terminal, chance.fork()),
            to_kiosk: Line::new(Damage::to_kiosk, chance.fork()),
            power,
            charging: None,
            owner: None,
            seen_count: 0,
            booked_count: 0,
            undone_count: 0,
            line_up: true,
            network: false,
            closed: false,
            notice_at_ms: None,
            breaks_after: None,
            reports: Vec::new(),
            notes: Vec::new(),
            fired: Fired::default(),
            heard: None,
        }
    }

    pub fn on_network(&mut self) {
        (self.network, self.to_terminal.network, self.to_kiosk.network) = (true, true, true);
    }

    /// The kiosk has power: a new dialogue, whose line is opened in a moment.
    pub fn switch_on(&mut self, speaker: Box<dyn Speaker>, now_ms: u64) {
        self.speaker = Some(speaker);
        self.to_kiosk.empty();
        self.closed = self.network;
        self.notice_at_ms = Some(now_ms + OPEN_MS);
    }

    /// The kiosk has none: what was written still arrives.
    pub fn switch_off(&mut self) {
        self.speaker = None;
        self.reports.clear();
        self.notice_at_ms = None;
        self.breaks_after = None;
    }

    pub fn damage(&mut self, damage: Damage, towards_terminal: bool, after_pieces: u64) {
        let line = if towards_terminal { &mut self.to_terminal } else { &mut self.to_kiosk };
        line.arm(after_pieces, damage);
    }

    /// The next money command breaks off before its first byte, or after it.
    pub fn break_charge(&mut self, after_writes: u8) {
        self.breaks_after = Some(after_writes);
    }

    pub fn talk(&mut self, bytes: &[u8], now_ms: u64) {
        // A stranger's byte gets into a line, and into no connection.
        if self.line_up && !self.network {
            self.to_kiosk.send(bytes.to_vec(), None, Weight::Light, now_ms);
        }
    }

    pub fn calm(&mut self) {
        self.to_terminal.disarm();
        self.to_kiosk.disarm();
        self.breaks_after = None;
        self.machine.calm();
    }

    pub fn take_fired(&mut self) -> Fired {
        let mut fired = std::mem::take(&mut self.fired);
        fired.add(&std::mem::take(&mut self.to_terminal.fired));
        fired.add(&std::mem::take(&mut self.to_kiosk.fired));
        for fault in self.machine.take_fired() {
            fired.note(fault);
        }
        fired
    }

    #[must_use]
    pub fn due_ms(&self) -> Option<u64> {
        let speaker = self.speaker.as_ref().and_then(|speaker| speaker.deadline_ms());
        [speaker, self.machine.deadline_ms(), self.to_terminal.due_ms(), self.to_kiosk.due_ms(), self.notice_at_ms]
            .into_iter()
            .flatten()
            .min()
    }

    pub fn command(&mut self, command: &TerminalCommand, at: At) {
        if let TerminalCommand::Charge { attempt, .. } | TerminalCommand::Undo { undo: attempt, .. } = command {
            self.charging = Some(*attempt);
        }
        let says = self.speaker.as_mut().map(|speaker| speaker.command(command, at));
        self.carry_out(says.unwrap_or_default(), at);
    }

    /// Everything that is due by now.
    pub fn advance(&mut self, at: At) {
        self.machine.set_clock(&at.stamp);
        while let Some(piece) = self.to_terminal.take_due(at.ms) {
            if self.line_up {
                self.machine.bytes(&piece.bytes, at.ms);
                self.seen(piece.of);
            }
            self.turn_machine(at);
            if piece.is_last {
                self.hang_up(at);
            }
        }
        if self.machine.deadline_ms().is_some_and(|due| due <= at.ms) {
            self.turn_machine(at);
        }
        if self.notice_at_ms.is_some_and(|due| due <= at.ms) {
            self.notice_line(at);
        }
        while let Some(piece) = self.to_kiosk.take_due(at.ms) {
            let says = self.speaker.as_mut().map(|speaker| speaker.bytes(&piece.bytes, at));
            self.carry_out(says.unwrap_or_default(), at);
            if piece.is_last {
                self.hang_up(at);
            }
        }
        if self.speaker.as_ref().and_then(|speaker| speaker.deadline_ms()).is_some_and(|due| due <= at.ms) {
            let says = self.speaker.as_mut().map(|speaker| speaker.tick(at));
            self.carry_out(says.unwrap_or_default(), at);
        }
    }

    fn seen(&mut self, of: Option<AttemptId>) {
        while self.seen_count < self.machine.money_seen() {
            self.seen_count += 1;
            self.owner = of;
            self.notes.push(Note::Seen { attempt: of });
        }
    }

    fn turn_machine(&mut self, at: At) {
        for out in self.machine.tick(at.ms) {
            match out {
                Out::Send(bytes) => self.hear(bytes, at),
                Out::SendSlowly(bytes) => bytes.into_iter().for_each(|byte| self.hear(vec![byte], at)),
                Out::LineDown => {
                    self.line_up = false;
                    self.to_kiosk.empty();
                    self.to_terminal.empty();
                    self.notice_at_ms = self.speaker.is_some().then_some(at.ms + NOTICE_MS);
                }
                Out::LineUp => {
                    self.line_up = true;
                    self.notice_at_ms = self.speaker.is_some().then_some(at.ms + OPEN_MS);
                }
            }
        }
        if self.booked_count < self.machine.booking_count() {
            let books = self.machine.books();
            for booked in books.into_iter().skip(self.booked_count) {
                self.booked_count += 1;
                self.notes.push(Note::Booked { attempt: self.owner, booked });
            }
        }
        if self.undone_count < self.machine.undone_count() {
            self.undone_count = self.machine.undone_count();
            let (books, strangers, day) = (self.machine.books(), self.machine.strangers(), self.machine.days().len());
            self.notes.push(Note::Undone { undo: self.owner, books, strangers, day });
        }
    }

    fn hear(&mut self, bytes: Vec<u8>, at: At) {
        if self.closed {
            return;
        }
        self.listen("terminal", &bytes);
        let weight = if self.machine.is_event(&bytes) { Weight::Event } else { Weight::Light };
        self.to_kiosk.send(bytes, None, weight, at.ms);
    }

    fn listen(&mut self, who: &'static str, bytes: &[u8]) {
        if let Some(heard) = &mut self.heard {
            heard.push((who, bytes.to_vec()));
        }
    }

    fn notice_line(&mut self, at: At) {
        self.notice_at_ms = None;
        let up = self.line_up;
        self.closed &= !up;
        let says = self.speaker.as_mut().map(|speaker| if up { speaker.line_up(at) } else { speaker.line_down(at) });
        self.carry_out(says.unwrap_or_default(), at);
    }

    fn carry_out(&mut self, says: Vec<Say>, at: At) {
        for say in says {
            match say {
                Say::Report(report) => self.reports.push(report),
                Say::Write(bytes) => self.write(bytes, at),
                Say::WriteCharge(bytes) => self.write_charge(&bytes, at),
                Say::HangUp(_) => self.hang_up(at),
                Say::Tell(_) => {}
            }
            if !self.power.is_on() {
                return;
            }
        }
    }

    /// The connection ends, by the driver or by itself: what is on its way arrives nowhere, and a new one is opened in a
    /// moment.
    fn hang_up(&mut self, at: At) {
        self.closed = true;
        self.to_terminal.empty();
        self.to_kiosk.empty();
        self.machine.hung_up(at.ms);
        let says = self.speaker.as_mut().map(|speaker| speaker.line_down(at));
        self.notice_at_ms.get_or_insert(at.ms + OPEN_MS);
        self.carry_out(says.unwrap_or_default(), at);
    }

    fn write(&mut self, bytes: Vec<u8>, at: At) {
        if !self.power.boundary("before write") {
            return;
        }
        self.listen("kiosk", &bytes);
        if self.closed {
            // Without a line nothing is written.
        } else if self.line_up {
            self.to_terminal.send(bytes, self.charging, Weight::Light, at.ms);
        } else if self.notice_at_ms.is_some() {
            self.notice_line(at);
        }
        self.power.boundary("after write");
    }

    /// The first byte goes alone, as in the driver; on the network the whole command does.
    fn write_charge(&mut self, bytes: &[u8], at: At) {
        let (first, rest) = bytes.split_at(if self.network { bytes.len() } else { bytes.len().min(1) });
        let breaks_after = self.breaks_after.take();
        if breaks_after.is_some() {
            self.fired.note(Fault::LineBreaks);
            self.machine.pull_plug(at.ms);
        }
        if !self.power.boundary("before charge") {
            return;
        }
        self.listen("kiosk", bytes);
        if !self.line_up || breaks_after == Some(0) {
            self.notes.push(Note::Wrote { attempt: self.charging, left: false });
            let says = self.speaker.as_mut().map(|speaker| speaker.charge_never_left());
            self.carry_out(says.unwrap_or_default(), at);
            return self.notice_broken(at);
        }
        self.notes.push(Note::Wrote { attempt: self.charging, left: true });
        self.to_terminal.send(first.to_vec(), self.charging, Weight::Money, at.ms);
        if !self.power.boundary("within charge") {
            return;
        }
        if breaks_after.is_some() {
            return self.notice_broken(at);
        }
        if !rest.is_empty() {
            self.to_terminal.send(rest.to_vec(), self.charging, Weight::Money, at.ms);
        }
        self.power.boundary("after charge");
    }

    fn notice_broken(&mut self, at: At) {
        self.line_up = false;
        self.notice_line(at);
    }
}
