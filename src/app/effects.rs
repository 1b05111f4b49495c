//! The product's world: each effect to its port.

use crate::domain::attempt::AttemptId;
use crate::domain::clock::Standing;
use crate::domain::enquiry::Known;
use crate::domain::facility::Facility;
use crate::domain::finished::Finished;
use crate::domain::line::Line;
use crate::domain::moment::Moment;
use crate::domain::order::{StaffAnswer, StaffOrder};
use crate::domain::outbox::Request;
use crate::domain::paper::Paper;
use crate::domain::payment::Entry;
use crate::domain::printer::{PrintEnd, PrintJob, PrinterReport};
use crate::domain::question::{Question, Reply};
use crate::domain::screen::View;
use crate::domain::session::{Input, Session};
use crate::domain::staff::StaffCommand;
use crate::domain::terminal::TerminalCommand;
use crate::domain::tries::Tried;
use crate::ports::{
    Bundles, CardTerminal, Frozen, InForce, JournalLines, KioskClock, LookUps, Outbox, Printer, Raster, Scanner, Store,
    StoreError,
};
use chrono::{DateTime, FixedOffset};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;
use uuid::Uuid;

use super::event_loop::Inputs;
use super::shell::{self, Happens, World};
use super::{look_ups, staff};

/// Staff orders that somebody waits for; each command line holds one.
const WAITING_MAX: usize = 16;

/// Shows a view in the window, from any thread.
pub type ShowView = Arc<dyn Fn(View, DateTime<FixedOffset>) + Send + Sync>;
/// Takes what a visit left out of the window, from any thread; a view follows.
pub type WipeScreens = Arc<dyn Fn() + Send + Sync>;
/// Moves the clocks on the screen, from any thread.
pub type SetClock = Arc<dyn Fn(DateTime<FixedOffset>) + Send + Sync>;
/// Draws a paper; slow (tens of ms), called on a blocking thread.
pub type Press = Arc<dyn Fn(&Paper, &Facility) -> Result<Raster, String> + Send + Sync>;

/// What a kiosk needs to serve anybody, beside its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The last thing that was to be written down was, as far as anybody tried.
    pub can_write: bool,
    pub clock_believed: bool,
}

/// Hears it after every input.
pub type TellHealth = Arc<dyn Fn(Health) + Send + Sync>;

/// Hears what the journal holds from now on.
pub type Recorded = Arc<dyn Fn(&Entry) + Send + Sync>;

/// Every port the shell drives.
#[derive(Clone)]
pub struct Ports {
    pub facility: InForce,
    pub clock: Arc<dyn KioskClock>,
    pub store: Arc<dyn Store>,
    pub terminal: Arc<dyn CardTerminal>,
    pub printer: Arc<dyn Printer>,
    pub scanner: Option<Arc<dyn Scanner>>,
    pub look_ups: Arc<dyn LookUps>,
    pub bundles: Arc<dyn Bundles>,
    pub show: ShowView,
    pub health: TellHealth,
    pub wipe: WipeScreens,
    pub set_clock: SetClock,
    pub press: Press,
    /// Told of each journey's end.
    pub finished: Arc<dyn Fn(&Finished) + Send + Sync>,
    /// Told of each line of the journal once it is durable, before the next effect begins.
    pub recorded: Recorded,
    pub outbox: Arc<dyn Outbox>,
}

pub struct Effects {
    ports: Ports,
    desk: Inputs,
    runtime: Handle,
    steady: Arc<staff::Steady>,
    /// Who waits for the answer to a staff order, by its `order_id`.
    waiting: Mutex<Vec<(Uuid, Sender<StaffAnswer>)>>,
}

impl Effects {
    #[must_use]
    pub fn new(ports: Ports, desk: Inputs, runtime: Handle) -> Self {
        let steady = Arc::new(staff::Steady::new(ports.clock.now()));
        Self { ports, desk, runtime, steady, waiting: Mutex::default() }
    }

    #[must_use]
    pub fn now(&self) -> Moment {
        self.ports.clock.now()
    }

    /// A minute has begun: the screen's clocks move.
    pub fn set_clock(&self) {
        (self.ports.set_clock)(self.now().wall);
    }

    pub fn tell_health(&self, health: Health) {
        (self.ports.health)(health);
    }

    #[must_use]
    pub fn standing(&self) -> Standing {
        self.ports.clock.standing()
    }

    /// # Errors
    /// They cannot be read: what is open is then not known, and no payment may begin.
    pub fn restarted(&self) -> Result<Input, StoreError> {
        shell::restarted(&*self.ports.store)
    }

    /// # Errors
    /// It cannot be written, and why.
    pub fn check_writable(&self, try_it: bool) -> Result<(), StoreError> {
        let check = || self.ports.store.check_writable(try_it);
        // A glance at the free room takes no time.
        if try_it { waiting_for_disk(check) } else { check() }
    }

    /// # Errors
    /// The store cannot be read.
    pub fn set_aside(&self) -> Result<Input, StoreError> {
        Ok(Input::SetAside(self.ports.store.set_aside()?.map(Box::new)))
    }

    /// A staff order as an input, with the payment as it stands at this moment.
    pub fn staff_input(&self, order_id: Uuid, attempt: AttemptId, order: StaffOrder) -> Input {
        shell::staff_input(&*self.ports.store, order_id, attempt, order)
    }

    pub fn wait_for_answer(&self, order_id: Uuid, answers: Sender<StaffAnswer>) {
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING_MAX {
            waiting.remove(0);
        }
        waiting.push((order_id, answers));
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Uuid, Sender<StaffAnswer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody waits any more for what the screen ordered, or for what took too long.
    fn answer_staff(&self, order_id: Uuid, answer: StaffAnswer) {
        tracing::info!(?answer, "a staff order was answered");
        let last = answer != StaffAnswer::Begun;
        let mut waiting = self.waiting();
        if let Some(at) = waiting.iter().position(|(known, _)| *known == order_id) {
            let gone = waiting[at].1.send(answer).is_err();
            if gone || last {
                waiting.remove(at);
            }
        }
    }

    fn print(&self, job: PrintJob, paper: Paper) {
        let ports = self.ports.clone();
        let desk = self.desk.clone();
        self.runtime.spawn_blocking(move || match (ports.press)(&paper, &ports.facility.now()) {
            Ok(raster) => ports.printer.print(job, raster),
            Err(reason) => {
                let end = PrintEnd::Failed { reason };
                desk.send(Input::Printer(PrinterReport::Job { job, end }));
            }
        });
    }

    fn ask(&self, id: Uuid, question: Question) {
        let ports = self.ports.clone();
        let desk = self.desk.clone();
        self.runtime.spawn(async move {
            let asked_at = Instant::now();
            let (hospital, asked) = (ports.look_ups.clone(), question.clone());
            // A look-up that breaks is one without an answer, not one that the patient waits for in vain.
            let answered = tokio::spawn(async move { hospital.ask(asked).await }).await.unwrap_or(Reply::Unreachable);
            let is_lost = matches!(answered, Reply::Unreachable | Reply::Unreadable | Reply::Obscured);
            let otherwise = if is_lost { answered.clone() } else { Reply::Unreachable };
            let kept = tokio::task::spawn_blocking(move || {
                let day = ports.clock.now().wall.date_naive();
                let reply = if is_lost { shell::from_cache(&*ports.store, day, &question, answered) } else { answered };
                look_ups::written_down(&ports, &question, reply, is_lost)
            });
            let reply = kept.await.unwrap_or(otherwise);
            if let Reply::NotFound | Reply::Obscured = reply {
                tokio::time::sleep_until(asked_at + miss_after(asked_at.elapsed())).await;
            }
            desk.send(Input::Hospital { id, reply });
        });
    }
}

/// The product's session, and all around it.
pub struct Product<'a> {
    pub session: &'a mut Session,
    pub effects: &'a Effects,
    /// Why something could not be written, unless the journal will never take it.
    pub unwritten: Option<String>,
}

impl Product<'_> {
    const fn ports(&self) -> &Ports {
        &self.effects.ports
    }
}

impl World for Product<'_> {
    fn session(&mut self) -> Option<&mut Session> {
        Some(self.session)
    }

    fn now(&mut self) -> Moment {
        self.effects.now()
    }

    fn hear(&mut self, what: Happens<'_>) {
        match what {
            Happens::Kept(lines) => {
                for line in lines {
                    if let Line::Entry(entry) = line {
                        (self.ports().recorded)(entry);
                    }
                }
            }
            Happens::NotKept(error) => {
                tracing::error!("the journal could not be written: {error}");
                if !matches!(error, StoreError::Refused(_)) {
                    self.unwritten.get_or_insert_with(|| error.to_string());
                }
            }
            Happens::Input(_) | Happens::Writing(_) | Happens::Effect(_) => {}
        }
    }

    fn freeze(&self, request: &Request) -> Vec<u8> {
        self.ports().bundles.freeze(request)
    }

    fn commit(&mut self, lines: &[Frozen<'_>]) -> Result<(), StoreError> {
        let at = self.effects.now().wall;
        waiting_for_disk(|| self.ports().store.commit(lines, at))
    }

    fn queued(&mut self) {
        self.ports().outbox.queued();
    }

    fn forget_try(&mut self, tried: &Tried) {
        if let Err(error) = waiting_for_disk(|| self.ports().store.save_tries(tried)) {
            tracing::error!("a look-up goes on counting: {error}");
        }
    }

    fn show(&mut self, view: Box<View>) {
        (self.ports().show)(*view, self.effects.now().wall);
    }

    fn terminal(&mut self, command: TerminalCommand) {
        self.ports().terminal.command(command);
    }

    fn print(&mut self, job: PrintJob, paper: Paper) {
        self.effects.print(job, paper);
    }

    fn clear_printer(&mut self) {
        self.ports().printer.clear();
    }

    fn ask(&mut self, id: Uuid, question: Question) {
        self.effects.ask(id, question);
    }

    fn find_payment(&mut self, visit: Uuid, known: Known) {
        let (store, desk, now) = (self.ports().store.clone(), self.effects.desk.clone(), self.effects.now().wall);
        self.effects.runtime.spawn_blocking(move || {
            let answer = shell::enquired(&*store, &known, now);
            desk.send(Input::Enquired { visit, answer });
        });
    }

    fn staff(&mut self, order_id: Uuid, attempt: AttemptId, order: StaffOrder) {
        self.effects.desk.staff_order(order_id, attempt, order, None);
    }

    fn staff_area(&mut self, visit: Uuid, command: StaffCommand) {
        let Effects { desk, runtime, steady, .. } = self.effects;
        staff::carry_out(self.ports(), steady, (desk, runtime), visit, command);
    }

    fn staff_answer(&mut self, order_id: Uuid, answer: StaffAnswer) {
        self.effects.answer_staff(order_id, answer);
    }

    fn finish(&mut self, finished: Finished) {
        tracing::info!(kind = ?finished.kind, outcome = ?finished.outcome, "journey ended");
        (self.ports().finished)(&finished);
    }

    fn accept_clock(&mut self) {
        self.ports().clock.accept();
    }

    fn configure(&mut self, facility: Arc<Facility>) {
        tracing::info!("the hospital's new configuration holds");
        self.ports().facility.put(facility);
    }

    /// Every value the session held was dropped with its journey, and `wiping` overwrote it.
    fn wipe(&mut self) {
        (self.ports().wipe)();
        if let Some(scanner) = &self.ports().scanner {
            scanner.forget();
        }
        tracing::debug!("session wiped");
    }
}

/// How long after its question a miss is told: at the next full second. A server takes longer over a number that it has than
/// over one that it has not; nobody in the lobby is to measure that.
fn miss_after(answered: Duration) -> Duration {
    Duration::from_secs(answered.as_secs() + 1)
}

/// On a runtime's thread its other tasks go on elsewhere meanwhile, where it has another.
fn waiting_for_disk<T>(work: impl FnOnce() -> T) -> T {
    let has_others = |runtime: Handle| runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
    if Handle::try_current().is_ok_and(has_others) { tokio::task::block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use super::miss_after;
    use std::time::Duration;

    #[test]
    fn a_miss_is_told_at_a_full_second_however_quick_the_server_was() {
        for answered in [0, 3, 80, 400, 999].map(Duration::from_millis) {
            assert_eq!(miss_after(answered), Duration::from_secs(1), "{answered:?}");
        }
        assert_eq!(miss_after(Duration::from_secs(1)), Duration::from_secs(2));
    }
}
