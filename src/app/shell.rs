//! The shell, for the product and for the rehearsal: an input in, its batch into the store, its effects out. What is durable
//! before what, and in which order effects are carried out, is said here and nowhere else; what each does is its world's.

use crate::domain::attempt::AttemptId;
use crate::domain::enquiry::{self, Enquired, Known};
use crate::domain::facility::Facility;
use crate::domain::finished::Finished;
use crate::domain::line::Line;
use crate::domain::moment::Moment;
use crate::domain::order::{StaffAnswer, StaffOrder};
use crate::domain::outbox::Request;
use crate::domain::paper::Paper;
use crate::domain::printer::PrintJob;
use crate::domain::question::{Question, Reply};
use crate::domain::screen::View;
use crate::domain::session::{Effect, Input, Output, Session};
use crate::domain::staff::StaffCommand;
use crate::domain::terminal::TerminalCommand;
use crate::domain::tries::Tried;
use crate::ports::{Frozen, Journal, ScheduleCache, StoreError};
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::sync::Arc;
use uuid::Uuid;

/// Everything around a session.
pub trait World {
    /// `None`: it is gone, and whatever was under way with it.
    fn session(&mut self) -> Option<&mut Session>;
    fn now(&mut self) -> Moment;
    /// For whoever writes along.
    fn hear(&mut self, what: Happens<'_>);

    /// The frozen bundle of a request.
    fn freeze(&self, request: &Request) -> Vec<u8>;
    /// Written and flushed: all of it, or nothing.
    ///
    /// # Errors
    /// It could not be: nothing that it is for may be done.
    fn commit(&mut self, lines: &[Frozen<'_>]) -> Result<(), StoreError>;
    /// Something new is to be sent to the hospital.
    fn queued(&mut self);
    /// Where it cannot be kept it goes on counting.
    fn forget_try(&mut self, tried: &Tried);

    fn show(&mut self, view: Box<View>);
    fn terminal(&mut self, command: TerminalCommand);
    fn print(&mut self, job: PrintJob, paper: Paper);
    fn clear_printer(&mut self);
    fn ask(&mut self, id: Uuid, question: Question);
    fn find_payment(&mut self, visit: Uuid, known: Known);
    fn staff(&mut self, order_id: Uuid, attempt: AttemptId, order: StaffOrder);
    fn staff_area(&mut self, visit: Uuid, command: StaffCommand);
    fn staff_answer(&mut self, order_id: Uuid, answer: StaffAnswer);
    fn finish(&mut self, finished: Finished);
    fn accept_clock(&mut self);
    fn configure(&mut self, facility: Arc<Facility>);
    fn wipe(&mut self);
}

/// What the shell is about to do, or has done.
pub enum Happens<'a> {
    Input(&'a Input),
    Writing(&'a [Line]),
    Kept(&'a [Line]),
    NotKept(&'a StoreError),
    Effect(&'a Effect),
}

/// One input and all that follows from it: what must be durable before anything else.
pub fn handle(world: &mut impl World, input: Input) {
    if world.session().is_none() {
        return;
    }
    let at = world.now();
    world.hear(Happens::Input(&input));
    let Some(session) = world.session() else { return };
    let mut output = session.handle(input, at);
    loop {
        match output {
            Output::Commit(batch) => {
                let kept = keep(world, &batch.lines);
                let Some(session) = world.session() else { return };
                output = match kept {
                    Ok(()) => session.kept(*batch),
                    Err(error) => session.not_kept(*batch, matches!(error, StoreError::Refused(_))),
                };
            }
            Output::Then(effects) => return carry_out(world, effects),
        }
    }
}

fn keep(world: &mut impl World, lines: &[Line]) -> Result<(), StoreError> {
    world.hear(Happens::Writing(lines));
    let frozen = |line: &Line| line.request().map(|request| world.freeze(request)).unwrap_or_default();
    let frozen = lines.iter().map(|line| Frozen { line, bundle: frozen(line) }).collect::<Vec<_>>();
    if let Err(error) = world.commit(&frozen) {
        world.hear(Happens::NotKept(&error));
        return Err(error);
    }
    world.hear(Happens::Kept(lines));
    if lines.iter().any(|line| line.request().is_some()) {
        world.queued();
    }
    Ok(())
}

fn carry_out(world: &mut impl World, effects: Vec<Effect>) {
    for effect in effects {
        if world.session().is_none() {
            return;
        }
        world.hear(Happens::Effect(&effect));
        match effect {
            Effect::Show(view) => world.show(view),
            Effect::SaveTries(tried) => world.forget_try(&tried),
            Effect::Terminal(command) => world.terminal(command),
            Effect::Print { job, paper } => world.print(job, paper),
            Effect::ClearPrinter => world.clear_printer(),
            Effect::Ask { id, question } => world.ask(id, question),
            Effect::FindPayment { visit, known } => world.find_payment(visit, known),
            Effect::Staff { order_id, attempt, order } => world.staff(order_id, attempt, order),
            Effect::StaffArea { visit, command } => world.staff_area(visit, command),
            Effect::StaffAnswer { order_id, answer } => world.staff_answer(order_id, answer),
            Effect::Finish(finished) => world.finish(finished),
            Effect::AcceptClock => world.accept_clock(),
            Effect::Facility(facility) => world.configure(facility),
            Effect::Wipe => world.wipe(),
        }
    }
}

/// What the journal and the counters say after a start.
///
/// # Errors
/// They cannot be read: what is open is then not known, and no payment may begin.
pub fn restarted(journal: &dyn Journal) -> Result<Input, StoreError> {
    Ok(Input::restarted(journal.payments()?, journal.counters()?, journal.tries()?))
}

/// A staff order as an input, with the payment as it stands at this moment. A journal that cannot be read knows none.
pub fn staff_input(journal: &dyn Journal, order_id: Uuid, attempt: AttemptId, order: StaffOrder) -> Input {
    let payment = journal.payment(attempt).unwrap_or_else(|error| {
        tracing::error!("the journal cannot be read: {error}");
        None
    });
    Input::Staff { order_id, order, payment: payment.map(Box::new) }
}

/// What became of the payment that somebody asks for. All payments are read: not while anybody waits for the desk.
pub fn enquired(journal: &dyn Journal, known: &Known, now: DateTime<FixedOffset>) -> Enquired {
    match journal.payments() {
        Ok(payments) => Enquired::of(enquiry::find(&payments, known, now)),
        Err(error) => {
            tracing::error!("the journal cannot be read: {error}");
            Enquired::CannotTell
        }
    }
}

/// The hospital is out of reach, or its answer cannot be read: what today's cache can answer, else `otherwise`.
pub fn from_cache(cache: &dyn ScheduleCache, day: NaiveDate, question: &Question, otherwise: Reply) -> Reply {
    let answer = match question {
        Question::FindPatient { number, birth_date, .. } => cache
            .cached_patient(day, number, *birth_date)
            .map(|found| found.map(|patient| Reply::Found(Box::new(patient)))),
        Question::Appointments { patient } => cache.cached_appointments(day, &patient.number).map(|list| {
            // Not in the cache is not none: it may be a part of the day only, or older than the appointment.
            (!list.is_empty()).then_some(Reply::Appointments { offline: true, list, complete: true })
        }),
        Question::Slip { code } => cache.cached_slip(day, code).map(|found| {
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
