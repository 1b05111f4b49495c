//! The kiosk's shell on made-up time: inputs in, batches into the store and effects out, in order, as `app/desk.rs` and
//! `app/effects.rs` do it; between any two the power may go.

use super::faults::Fault;
use super::world::{Kiosk, World};
use crate::domain::enquiry::{self, Enquired};
use crate::domain::moment::{Moment, Tick};
use crate::domain::payment::PaymentRecord;
use crate::domain::screen::{Screen, View};
use crate::domain::session::{Effect, Input, Line, Output, PrinterReport, Question, Reply, Session, TerminalCommand};
use crate::hospital::sync::{ByHand, Means, Next, SyncSettings};
use crate::ports::{Clock, Frozen, HospitalServer, StoreError};
use std::mem::discriminant;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

const BOOT_MS: (u64, u64) = (4_000, 90_000);

/// A clock that stands still for as long as something is looked at.
struct Still(Moment);

impl Clock for Still {
    fn now(&self) -> Moment {
        self.0
    }
}

impl World {
    /// Power is back: everything is built anew, from the store alone.
    pub(super) fn boot(&mut self) -> Result<(), String> {
        if self.boot_at.is_none_or(|due| due > self.now_ms) {
            return Ok(());
        }
        self.boot_at = None;
        self.power.restore();
        self.hospital.forgotten()?;
        let online = Arc::new(Mutex::new(Vec::new()));
        let told = online.clone();
        let outbox = ByHand::new(
            SyncSettings::from(&super::facility::hospital()),
            Arc::new(move |now| told.lock().unwrap_or_else(PoisonError::into_inner).push(now)),
            Arc::new(|_| {}),
        );
        self.kiosk = Some(Kiosk {
            session: Session::new(self.facility.clone()),
            outbox,
            outbox_due: self.now_ms,
            outbox_waits: false,
            online,
            replies: Vec::new(),
            orders: Vec::new(),
            seen: None,
            view: None,
        });
        self.rig.switch_on(self.protocol.speaker(), self.now_ms);
        let payments = self.store.payments().map_err(|error| error.to_string())?;
        self.oracle.found(&payments);
        let given = self.store.counters().map_err(|error| error.to_string())?;
        let tries = self.store.tries().map_err(|error| error.to_string())?;
        let restarted = Input::restarted(payments, given, tries);
        self.trace.line(self.now_ms, || "the kiosk starts".to_owned());
        self.input(restarted);
        self.input(Input::Printer(PrinterReport::State(self.printer_state())));
        Ok(())
    }

    pub(super) fn cut_if_off(&mut self) -> Result<(), String> {
        if self.power.is_on() || self.boot_at.is_some() {
            return Ok(());
        }
        let cuts = self.power.take_cuts();
        for (place, times) in &cuts {
            self.fired.note(Fault::PowerCut);
            *self.cuts.entry(place).or_default() += times;
        }
        self.trace.line(self.now_ms, || format!("the power is cut: {cuts:?}"));
        self.kiosk = None;
        // Whoever waits for an answer gets none.
        self.closings.clear();
        if self.allowed.has(Fault::PowerCutOfAll) && self.weather_chance.percent(40) {
            self.fired.note(Fault::PowerCutOfAll);
            self.rig.machine.restart(self.now_ms);
        }
        self.rig.switch_off();
        self.hear_rig();
        self.press.kiosk_gone(&mut self.chance);
        self.papers_out();
        self.oracle.shown(&Screen::Idle);
        self.patient_leaves();
        self.shelf.crash()?;
        self.store = Arc::new(super::power::Powered { store: self.shelf.store(), power: self.power.clone() });
        self.boot_at = Some(self.now_ms + self.chance.between(BOOT_MS.0, BOOT_MS.1));
        Ok(())
    }

    /// One input and all that follows from it.
    pub(super) fn input(&mut self, input: Input) {
        if !self.power.is_on() {
            return;
        }
        let at = self.moment();
        self.trace.input(self.now_ms, &input);
        let Some(kiosk) = &mut self.kiosk else { return };
        let mut output = kiosk.session.handle(input, at);
        loop {
            match output {
                Output::Commit(batch) => {
                    let kept = self.keep(&batch.lines);
                    let Some(kiosk) = self.kiosk.as_mut().filter(|_| self.power.is_on()) else { return };
                    output = match kept {
                        Ok(()) => kiosk.session.kept(*batch),
                        Err(error) => kiosk.session.not_kept(*batch, matches!(error, StoreError::Refused(_))),
                    };
                }
                Output::Then(effects) => return self.carry_out(effects),
            }
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.one(effect);
            if !self.power.is_on() {
                return;
            }
        }
    }

    fn keep(&mut self, lines: &[Line]) -> Result<(), StoreError> {
        for line in lines {
            self.trace.durable(self.now_ms, line);
            if let Line::Entry(entry) = line {
                self.oracle.intended(entry);
            }
        }
        let frozen = |line: &Line| line.request().map(|request| self.hospital.freeze(request)).unwrap_or_default();
        let frozen = lines.iter().map(|line| Frozen { line, bundle: frozen(line) }).collect::<Vec<_>>();
        let wall = self.wall();
        if let Err(error) = self.store.commit(&frozen, wall) {
            self.trace.line(self.now_ms, || format!("  not written: {error}"));
            return Err(error);
        }
        for line in lines {
            if let Line::Entry(entry) = line {
                self.oracle.recorded(entry);
            }
        }
        if lines.iter().any(|line| line.request().is_some()) {
            self.wake_outbox();
        }
        Ok(())
    }

    fn one(&mut self, effect: Effect) {
        self.trace.effect(self.now_ms, &effect);
        match effect {
            Effect::Show(view) => self.show(view),
            // Where it cannot be kept it goes on counting.
            Effect::SaveTries(tried) => drop(self.store.save_tries(&tried)),
            Effect::Terminal(command) => self.terminal(&command),
            Effect::Print { job, paper } => {
                if self.power.boundary("before print") {
                    self.press.print(job, paper, self.now_ms, &mut self.chance);
                    self.power.boundary("after print");
                }
            }
            Effect::ClearPrinter => self.press.clear(),
            Effect::Ask { id, question } => self.ask(id, &question),
            Effect::FindPayment { visit, known } => {
                let answer = match self.store.payments() {
                    Ok(payments) => Enquired::of(enquiry::find(&payments, &known, self.wall())),
                    Err(_) => Enquired::CannotTell,
                };
                if let Some(kiosk) = &mut self.kiosk {
                    kiosk.orders.push(Input::Enquired { visit, answer });
                }
            }
            Effect::Staff { ticket, attempt, order } => {
                let payment = self.store.payment(attempt).ok().flatten().map(Box::new);
                if let Some(kiosk) = &mut self.kiosk {
                    kiosk.orders.push(Input::Staff { ticket, order, payment });
                }
            }
            // Nobody here knows the staff's PIN; orders come from the command line.
            Effect::StaffArea { .. } | Effect::AcceptClock | Effect::Facility(_) | Effect::Finish(_) | Effect::Wipe => {
            }
            Effect::StaffAnswer { ticket, answer } => {
                if let Some(attempt) = self.tickets.get(&ticket) {
                    self.oracle.staff_told(*attempt, &answer);
                }
                self.day_ended(ticket, &answer);
            }
        }
    }

    fn show(&mut self, view: Box<View>) {
        self.oracle.shown(&view.screen);
        if matches!(view.screen, Screen::OutOfService { .. }) {
            self.out_of_service();
        }
        let seen = (discriminant(&view.screen), detail(&view.screen));
        let Some(kiosk) = &mut self.kiosk else { return };
        let changed = kiosk.seen != Some(seen);
        kiosk.seen = Some(seen);
        kiosk.view = Some(view);
        if changed {
            self.screen_changed();
        }
    }

    fn terminal(&mut self, command: &TerminalCommand) {
        match command {
            TerminalCommand::Charge { attempt, .. } => self.oracle.charged(*attempt, self.now_ms),
            TerminalCommand::Prepare => self.trouble(),
            TerminalCommand::Undo { undo, way, .. } => {
                self.oracle.ordered(*undo, self.now_ms);
                self.undo_card(*way);
            }
            TerminalCommand::Confirm { .. }
            | TerminalCommand::Refuse { .. }
            | TerminalCommand::CallOff
            | TerminalCommand::AskOutcome { .. } => {}
            TerminalCommand::EndOfDay => {
                let open = self.store.payments().is_ok_and(|all| all.iter().any(PaymentRecord::is_open));
                self.oracle.day_closes(open);
            }
        }
        if self.power.boundary("before command") {
            let at = self.at();
            self.rig.command(command, at);
            self.note_rig();
            self.power.boundary("after command");
        }
    }

    /// The oracle hears at once; the session in its turn.
    fn note_rig(&mut self) {
        for note in std::mem::take(&mut self.rig.notes) {
            self.trace.note(self.now_ms, &note);
            self.oracle.note(note);
        }
        let now_ms = self.now_ms;
        if let Some(heard) = &mut self.rig.heard {
            for (who, bytes) in std::mem::take(heard) {
                self.trace.bytes(now_ms, who, &bytes);
            }
        }
    }

    pub(super) fn hear_rig(&mut self) {
        self.note_rig();
        while let Some(report) = self.rig.reports.first().cloned() {
            self.rig.reports.remove(0);
            self.input(Input::Terminal(report));
        }
        self.papers_out();
    }

    pub(super) fn papers_out(&mut self) {
        for paper in std::mem::take(&mut self.press.out) {
            self.trace.line(self.now_ms, || format!("paper {}", paper.number()));
            let store = self.shelf.store();
            self.oracle.paper(paper, |attempt| store.payment(attempt).ok().flatten().map(|payment| payment.state));
        }
    }

    fn ask(&mut self, id: Uuid, question: &Question) {
        let wall = self.wall();
        let (after_ms, reply) = self.hospital.look_up(question, || super::facility::appointment(1, wall));
        let reply = reply.unwrap_or_else(|| self.cached(question));
        let due = self.now_ms + after_ms;
        if let Some(kiosk) = &mut self.kiosk {
            kiosk.replies.push((due, Input::Hospital { id, reply }));
        }
    }

    fn cached(&self, question: &Question) -> Reply {
        let day = self.wall().date_naive();
        match question {
            Question::FindPatient { number, birth_date, .. } => {
                let found = self.store.cached_patient(day, number, *birth_date).ok().flatten();
                found.map_or(Reply::Unreachable, |patient| Reply::Found(Box::new(patient)))
            }
            Question::Quote { item, .. } => Reply::NotQuoted { code: item.code.clone() },
            Question::Appointments { .. } | Question::Slip { .. } => Reply::Unreachable,
        }
    }

    fn wake_outbox(&mut self) {
        let now_ms = self.now_ms;
        if let Some(kiosk) = self.kiosk.as_mut().filter(|kiosk| kiosk.outbox_waits) {
            kiosk.outbox_due = now_ms;
        }
    }

    /// One step of the real sender.
    pub(super) fn send_due(&mut self) {
        let clock = Still(Moment { tick: Tick(self.now_ms), wall: self.wall(), fresh: uuid::Uuid::nil() });
        let now_ms = self.now_ms;
        let chance = Mutex::new(&mut self.weather_chance);
        let Some(kiosk) = self.kiosk.as_mut().filter(|kiosk| kiosk.outbox_due <= now_ms) else { return };
        let random = || chance.lock().unwrap_or_else(PoisonError::into_inner).bits();
        let means = Means { now_ms: &|| now_ms, random: &random, on_pool: false };
        let next = kiosk.outbox.step(&self.store, self.hospital.as_ref(), &clock, means);
        let (wait_ms, waits) = match next {
            Some(Next::AtOnce) => (self.hospital.took_ms(), false),
            Some(Next::Wait(ms)) => (ms.max(1), false),
            Some(Next::UntilBack(ms)) => (ms.max(1), true),
            None => (1_000, false),
        };
        kiosk.outbox_due = now_ms + wait_ms;
        kiosk.outbox_waits = waits;
        let told = std::mem::take(&mut *kiosk.online.lock().unwrap_or_else(PoisonError::into_inner));
        self.trace.line(self.now_ms, || format!("outbox {next:?}"));
        for online in told {
            self.input(Input::HospitalOnline(online));
        }
    }
}

/// Screens of one kind on which a patient does different things.
const fn detail(screen: &Screen) -> u8 {
    match screen {
        Screen::Payment(payment) => payment.prompt as u8,
        Screen::InDoubt(doubt) => doubt.seconds_left.is_none() as u8,
        _others => 0,
    }
}
