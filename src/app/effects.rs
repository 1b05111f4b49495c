//! Effect -> port; and a batch into the store, before anything that follows from it.

use crate::domain::clock::Standing;
use crate::domain::enquiry::{self, Enquired, Known};
use crate::domain::facility::Facility;
use crate::domain::moment::Moment;
use crate::domain::paper::Paper;
use crate::domain::payment::{AttemptId, Entry};
use crate::domain::screen::View;
use crate::domain::session::{
    Effect, Finished, Input, Line, PrintEnd, PrintJob, PrinterReport, Question, Reply, StaffAnswer, StaffOrder,
};
use crate::ports::{
    CardTerminal, Clock, Frozen, HospitalServer, InForce, Outbox, Printer, Raster, Scanner, Store, StoreError,
};
use chrono::{DateTime, FixedOffset};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;
use uuid::Uuid;

use super::desk::DeskSender;
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
    pub clock: Arc<dyn Clock>,
    pub store: Arc<dyn Store>,
    pub terminal: Arc<dyn CardTerminal>,
    pub printer: Arc<dyn Printer>,
    pub scanner: Option<Arc<dyn Scanner>>,
    pub hospital: Arc<dyn HospitalServer>,
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

/// Why a batch is not durable.
pub struct NotKept {
    pub reason: String,
    /// It will never be taken.
    pub refused: bool,
}

pub struct Effects {
    ports: Ports,
    desk: DeskSender,
    runtime: Handle,
    steady: Arc<staff::Steady>,
    /// Who waits for the answer to a staff order, by its ticket.
    waiting: Mutex<Vec<(Uuid, Sender<StaffAnswer>)>>,
}

impl Effects {
    #[must_use]
    pub fn new(ports: Ports, desk: DeskSender, runtime: Handle) -> Self {
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

    /// What the journal and the counters say after a start.
    ///
    /// # Errors
    /// They cannot be read: what is open is then not known, and no payment may begin.
    pub fn restarted(&self) -> Result<Input, StoreError> {
        let payments = self.ports.store.payments()?;
        let given = self.ports.store.counters()?;
        let tries = self.ports.store.tries()?;
        Ok(Input::restarted(payments, given, tries))
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

    /// Written and flushed: all of it, or nothing.
    ///
    /// # Errors
    /// It could not be made durable: nothing of it may be done.
    pub fn keep(&self, lines: &[Line]) -> Result<(), NotKept> {
        let frozen =
            |line: &Line| line.request().map(|request| self.ports.hospital.freeze(request)).unwrap_or_default();
        let frozen = lines.iter().map(|line| Frozen { line, bundle: frozen(line) }).collect::<Vec<_>>();
        durable(|| self.ports.store.commit(&frozen, self.now().wall))?;
        for line in lines {
            if let Line::Entry(entry) = line {
                (self.ports.recorded)(entry);
            }
        }
        if lines.iter().any(|line| line.request().is_some()) {
            self.ports.outbox.queued();
        }
        Ok(())
    }

    pub fn carry_out(&self, effects: Vec<Effect>) {
        for effect in effects {
            self.one(effect);
        }
    }

    fn one(&self, effect: Effect) {
        match effect {
            Effect::Show(view) => (self.ports.show)(*view, self.now().wall),
            // Where it cannot be kept it goes on counting.
            Effect::SaveTries(tried) => drop(durable(|| self.ports.store.save_tries(&tried))),
            Effect::AcceptClock => self.ports.clock.accept(),
            Effect::Terminal(command) => self.ports.terminal.command(command),
            Effect::Print { job, paper } => self.print(job, paper),
            Effect::ClearPrinter => self.ports.printer.clear(),
            Effect::Facility(facility) => {
                tracing::info!("the hospital's new configuration holds");
                self.ports.facility.put(facility);
            }
            Effect::Ask { id, question } => self.ask(id, question),
            Effect::Staff { ticket, attempt, order } => self.desk.staff_order(ticket, attempt, order, None),
            Effect::StaffAnswer { ticket, answer } => self.answer_staff(ticket, answer),
            Effect::StaffArea { visit, command } => {
                staff::carry_out(&self.ports, &self.steady, (&self.desk, &self.runtime), visit, command);
            }
            Effect::FindPayment { visit, known } => self.find_payment(visit, known),
            Effect::Finish(finished) => {
                tracing::info!(kind = ?finished.kind, outcome = ?finished.outcome, "journey ended");
                (self.ports.finished)(&finished);
            }
            // Every value the session held was dropped with its journey, and `wiping` overwrote it.
            Effect::Wipe => {
                (self.ports.wipe)();
                if let Some(scanner) = &self.ports.scanner {
                    scanner.forget();
                }
                tracing::debug!("session wiped");
            }
        }
    }

    /// A staff order as an input, with the payment as it stands at this moment. A journal that cannot be read knows none.
    pub fn staff_input(&self, ticket: Uuid, attempt: AttemptId, order: StaffOrder) -> Input {
        let payment = self.ports.store.payment(attempt).unwrap_or_else(|error| {
            tracing::error!("the journal cannot be read: {error}");
            None
        });
        Input::Staff { ticket, order, payment: payment.map(Box::new) }
    }

    pub fn wait_for_answer(&self, ticket: Uuid, answers: Sender<StaffAnswer>) {
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING_MAX {
            waiting.remove(0);
        }
        waiting.push((ticket, answers));
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(Uuid, Sender<StaffAnswer>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody waits any more for what the screen ordered, or for what took too long.
    fn answer_staff(&self, ticket: Uuid, answer: StaffAnswer) {
        tracing::info!(?answer, "a staff order was answered");
        let last = answer != StaffAnswer::Begun;
        let mut waiting = self.waiting();
        if let Some(at) = waiting.iter().position(|(known, _)| *known == ticket) {
            let gone = waiting[at].1.send(answer).is_err();
            if gone || last {
                waiting.remove(at);
            }
        }
    }

    /// All payments are read: not while anybody waits for the desk.
    fn find_payment(&self, visit: Uuid, known: Known) {
        let (store, desk, now) = (self.ports.store.clone(), self.desk.clone(), self.now().wall);
        self.runtime.spawn_blocking(move || {
            let answer = match store.payments() {
                Ok(payments) => Enquired::of(enquiry::find(&payments, &known, now)),
                Err(error) => {
                    tracing::error!("the journal cannot be read: {error}");
                    Enquired::CannotTell
                }
            };
            desk.send(Input::Enquired { visit, answer });
        });
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
            let (hospital, asked) = (ports.hospital.clone(), question.clone());
            // A look-up that breaks is one without an answer, not one that the patient waits for in vain.
            let answered = tokio::spawn(async move { hospital.ask(asked).await }).await.unwrap_or(Reply::Unreachable);
            let is_lost = matches!(answered, Reply::Unreachable | Reply::Unreadable | Reply::Obscured);
            let otherwise = if is_lost { answered.clone() } else { Reply::Unreachable };
            let kept = tokio::task::spawn_blocking(move || {
                let day = ports.clock.now().wall.date_naive();
                let reply = if is_lost { from_cache(&*ports.store, day, &question, answered) } else { answered };
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

fn durable(write: impl FnOnce() -> Result<(), StoreError>) -> Result<(), NotKept> {
    waiting_for_disk(write).map_err(|error| {
        tracing::error!("the journal could not be written: {error}");
        NotKept { reason: error.to_string(), refused: matches!(error, StoreError::Refused(_)) }
    })
}

/// The hospital is out of reach, or its answer cannot be read: what today's cache can answer, else `otherwise`.
fn from_cache(store: &dyn Store, day: chrono::NaiveDate, question: &Question, otherwise: Reply) -> Reply {
    let answer = match question {
        Question::FindPatient { number, birth_date, .. } => store
            .cached_patient(day, number, *birth_date)
            .map(|found| found.map(|patient| Reply::Found(Box::new(patient)))),
        Question::Appointments { patient } => store.cached_appointments(day, &patient.number).map(|list| {
            // Not in the cache is not none: it may be a part of the day only, or older than the appointment.
            (!list.is_empty()).then_some(Reply::Appointments { offline: true, list, complete: true })
        }),
        Question::Slip { code } => store.cached_slip(day, code).map(|found| {
            found.map(|(patient, appointment)| Reply::Slip {
                patient: Box::new(patient),
                appointment: Box::new(appointment),
            })
        }),
        Question::Quote { item, .. } => Ok(Some(Reply::NotQuoted { code: item.code.clone() })),
    };
    match answer {
        Ok(Some(reply)) => reply,
        Ok(None) => otherwise,
        Err(error) => {
            tracing::error!("the cache cannot be read: {error}");
            otherwise
        }
    }
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
