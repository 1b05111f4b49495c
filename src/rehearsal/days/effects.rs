//! The world of the kiosk's own shell (`app/shell.rs`) on made-up time: between any two things that it does the power may go.

use super::faults::Fault;
use super::world::{Kiosk, World};
use crate::app::shell::{self, Happens};
use crate::domain::attempt::AttemptId;
use crate::domain::enquiry::Known;
use crate::domain::facility::Facility;
use crate::domain::finished::Finished;
use crate::domain::line::Line;
use crate::domain::moment::{Moment, Tick};
use crate::domain::order::{StaffAnswer, StaffOrder};
use crate::domain::outbox::Request;
use crate::domain::paper::Paper;
use crate::domain::payment::PaymentRecord;
use crate::domain::printer::{PrintJob, PrinterReport};
use crate::domain::question::{Question, Reply};
use crate::domain::screen::{Screen, View};
use crate::domain::session::{Input, Session};
use crate::domain::staff::StaffCommand;
use crate::domain::terminal::TerminalCommand;
use crate::domain::tries::Tried;
use crate::hospital::sync::{ByHand, Means, Next, SyncSettings};
use crate::ports::{Believed, Bundles, Clock, Frozen, Journal, JournalLines, Queue, Retention, StoreError};
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
        self.oracle.found(&self.store.payments().map_err(|error| error.to_string())?);
        let restarted = shell::restarted(&*self.store).map_err(|error| error.to_string())?;
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

    pub(super) fn input(&mut self, input: Input) {
        shell::handle(self, input);
    }

    fn shown(&mut self, view: Box<View>) {
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

    fn commanded(&mut self, command: &TerminalCommand) {
        match command {
            TerminalCommand::Charge { attempt, .. } => {
                self.oracle.charged(*attempt, self.now_ms);
                self.takes_out_a_card(*attempt);
            }
            TerminalCommand::Prepare => self.trouble(),
            TerminalCommand::Undo { undo, way, .. } => {
                self.oracle.ordered(*undo, self.rig.machine.days().len(), self.now_ms);
                self.holds_out_a_card(*undo, *way);
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

    fn wake_outbox(&mut self) {
        let now_ms = self.now_ms;
        if let Some(kiosk) = self.kiosk.as_mut().filter(|kiosk| kiosk.outbox_waits) {
            kiosk.outbox_due = now_ms;
        }
    }

    /// One step of the real sender.
    pub(super) fn send_due(&mut self) {
        let clock = Believed(Still(Moment { tick: Tick(self.now_ms), wall: self.wall(), fresh: uuid::Uuid::nil() }));
        let now_ms = self.now_ms;
        let chance = Mutex::new(&mut self.weather_chance);
        let Some(kiosk) = self.kiosk.as_mut().filter(|kiosk| kiosk.outbox_due <= now_ms) else { return };
        let random = || chance.lock().unwrap_or_else(PoisonError::into_inner).bits();
        let means = Means { now_ms: &|| now_ms, random: &random, on_pool: false };
        let (queue, retention): (Arc<dyn Queue>, Arc<dyn Retention>) = (self.store.clone(), self.store.clone());
        let next = kiosk.outbox.step((&queue, &retention), self.hospital.as_ref(), &clock, means);
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

impl shell::World for World {
    fn session(&mut self) -> Option<&mut Session> {
        self.kiosk.as_mut().filter(|_| self.power.is_on()).map(|kiosk| &mut kiosk.session)
    }

    fn now(&mut self) -> Moment {
        self.moment()
    }

    fn hear(&mut self, what: Happens<'_>) {
        let now_ms = self.now_ms;
        match what {
            Happens::Input(input) => self.trace.input(now_ms, input),
            Happens::Writing(lines) => {
                for line in lines {
                    self.trace.durable(now_ms, line);
                    if let Line::Entry(entry) = line {
                        self.oracle.intended(entry);
                    }
                }
            }
            Happens::Kept(lines) => {
                for line in lines {
                    if let Line::Entry(entry) = line {
                        self.oracle.recorded(entry);
                    }
                }
            }
            Happens::NotKept(error) => self.trace.line(now_ms, || format!("  not written: {error}")),
            Happens::Effect(effect) => self.trace.effect(now_ms, effect),
        }
    }

    fn freeze(&self, request: &Request) -> Vec<u8> {
        self.hospital.freeze(request)
    }

    fn commit(&mut self, lines: &[Frozen<'_>]) -> Result<(), StoreError> {
        self.store.commit(lines, self.wall())
    }

    fn queued(&mut self) {
        self.wake_outbox();
    }

    fn forget_try(&mut self, tried: &Tried) {
        // It goes on counting then.
        let _ = self.store.save_tries(tried);
    }

    fn show(&mut self, view: Box<View>) {
        self.shown(view);
    }

    fn terminal(&mut self, command: TerminalCommand) {
        self.commanded(&command);
    }

    fn print(&mut self, job: PrintJob, paper: Paper) {
        if self.power.boundary("before print") {
            self.press.print(job, paper, self.now_ms, &mut self.chance);
            self.power.boundary("after print");
        }
    }

    fn clear_printer(&mut self) {
        self.press.clear();
    }

    fn ask(&mut self, id: Uuid, question: Question) {
        let wall = self.wall();
        let (after_ms, reply) = self.hospital.look_up(&question, || super::facility::appointment(1, wall));
        let from_cache = || shell::from_cache(&*self.store, wall.date_naive(), &question, Reply::Unreachable);
        let reply = reply.unwrap_or_else(from_cache);
        let due = self.now_ms + after_ms;
        if let Some(kiosk) = &mut self.kiosk {
            kiosk.replies.push((due, Input::Hospital { id, reply }));
        }
    }

    fn find_payment(&mut self, visit: Uuid, known: Known) {
        let answer = shell::enquired(&*self.store, &known, self.wall());
        if let Some(kiosk) = &mut self.kiosk {
            kiosk.orders.push(Input::Enquired { visit, answer });
        }
    }

    fn staff(&mut self, order_id: Uuid, attempt: AttemptId, order: StaffOrder) {
        let input = shell::staff_input(&*self.store, order_id, attempt, order);
        if let Some(kiosk) = &mut self.kiosk {
            kiosk.orders.push(input);
        }
    }

    /// Nobody here knows the staff's PIN; orders come from the command line.
    fn staff_area(&mut self, _: Uuid, _: StaffCommand) {}

    fn staff_answer(&mut self, order_id: Uuid, answer: StaffAnswer) {
        if let Some(attempt) = self.order_ids.get(&order_id) {
            self.oracle.staff_told(*attempt, &answer);
        }
        self.day_ended(order_id, &answer);
    }

    fn finish(&mut self, _: Finished) {}

    fn accept_clock(&mut self) {}

    fn configure(&mut self, _: Arc<Facility>) {}

    fn wipe(&mut self) {}
}

/// Screens of one kind on which a patient does different things.
const fn detail(screen: &Screen) -> u8 {
    match screen {
        Screen::Payment(payment) => payment.prompt as u8,
        Screen::InDoubt(doubt) => doubt.seconds_left.is_none() as u8,
        _others => 0,
    }
}
