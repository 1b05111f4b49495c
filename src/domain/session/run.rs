//! The session: idle, language, services, one journey, and what may lie over it without losing it.
//!
//! ```text
//! Idle ─touch─▶ Language ─▶ Services ◀─▶ Journey ─▶ done, wiped ─▶ Idle
//!   └─ scan of a slip or card ──────────────▲
//! over any of them: Language · EasyAccess · Help · "Are you still here?"
//! ```
//! Money: whatever the till holds goes on in every state; the session never wipes a payment that is watched.
//! Paper: what is held in the printer is cleared when the visit ends.
//!
//! What must be durable leaves as a [`Batch`] and the session stays as it was: nothing of what the batch is for has happened
//! until it is kept. Numbers given stay given.

use super::guess::Counting;
use super::kiosk::Kiosk;
use super::questions::Whose;
use super::{Batch, Effect, IfKept, IfNotKept, Input, Output};
use crate::domain::enquiry::Enquired;
use crate::domain::facility::Facility;
use crate::domain::finished::{Finished, JourneyKind, Outcome};
use crate::domain::journey::check_in::CheckIn;
use crate::domain::journey::documents::Documents;
use crate::domain::journey::information::Information;
use crate::domain::journey::reprint::Reprint;
use crate::domain::journey::{Flow, Journey, Kept, Leaving, NotKept, Rest};
use crate::domain::moment::{Moment, Tick};
use crate::domain::numbers::Numbers;
use crate::domain::patient::ScannedCode;
use crate::domain::question::Reply;
use crate::domain::screen::staff::StaffTap;
use crate::domain::screen::{Modes, Service, Tap, View};
use crate::domain::terminal::TerminalReport;
use crate::domain::till::{End, News, Till, TillEvent};
use crate::domain::tries::Tries;
use std::sync::Arc;
use uuid::Uuid;

pub struct Session {
    core: Core,
}

/// Everything that an input can change.
pub(super) struct Core {
    pub kiosk: Kiosk,
    pub till: Till,
    pub stage: Stage,
    pub overlay: Option<Overlay>,
    /// The end of "Are you still here?".
    pub still_here: Option<Tick>,
    pub modes: Modes,
    /// When the patient last touched, scanned, or moved a card.
    pub presence: Tick,
    pub shown: Option<Box<View>>,
}

pub(super) enum Stage {
    Idle,
    Language,
    Services,
    Journey(Journey),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlay {
    Language,
    EasyAccess,
    Help,
    /// With its page.
    Notice(u8),
}

impl Session {
    #[must_use]
    pub fn new(facility: Arc<Facility>) -> Self {
        let core = Core {
            kiosk: Kiosk::new(facility),
            till: Till::default(),
            stage: Stage::Idle,
            overlay: None,
            still_here: None,
            modes: Modes::default(),
            presence: Tick::default(),
            shown: None,
        };
        Self { core }
    }

    /// What comes out is to be carried out before the next input. Whatever the till writes of itself (recovery, retries) it
    /// writes on `Input::Deadline`, so [`Session::deadline`] must be asked again after every input.
    pub fn handle(&mut self, input: Input, at: Moment) -> Output {
        self.core.kiosk.begin(at);
        let was_busy = self.core.rest() == Rest::Busy;
        let woken = input == Input::Deadline;
        self.core.take(input);
        self.core.hear_till();
        self.core.time(was_busy, woken);
        self.core.come_to_an_end(was_busy)
    }

    /// All of it is durable.
    pub fn kept(&mut self, batch: Batch) -> Output {
        self.core.kept(batch.if_kept);
        self.core.hear_till();
        self.core.wake_if_rested(batch.was_busy);
        self.core.come_to_an_end(batch.was_busy)
    }

    /// None of it is. `refused`: it was understood, and will never be taken: to try again is useless.
    pub fn not_kept(&mut self, batch: Batch, refused: bool) -> Output {
        self.core.not_kept(batch.if_not_kept, refused);
        self.core.hear_till();
        self.core.come_to_an_end(batch.was_busy)
    }

    /// When the next `Deadline` is wanted. Always later than the last input.
    #[must_use]
    pub fn deadline(&self) -> Option<Tick> {
        self.core.deadline()
    }

    /// False while nobody is served because of the clock, or would not be if nothing else stood against it.
    #[must_use]
    pub fn believes_clock(&self) -> bool {
        self.core.kiosk.is_clock_believed()
    }
}

impl Core {
    fn take(&mut self, input: Input) {
        match input {
            Input::Restarted { open, booked, began, strayed, given, tries } => {
                self.till.know(&booked, &began, &strayed, &self.kiosk.facility.zone);
                self.kiosk.unreadable = None;
                (self.kiosk.numbers, self.kiosk.last_at) = (Numbers::new(&given.days), given.last_at);
                self.kiosk.tries = tries.map_or_else(Tries::default, |kept| Tries::restarted(*kept, self.kiosk.now));
                self.till.recover(open, &self.kiosk);
            }
            Input::Unreadable { reason } => self.kiosk.unreadable = Some(reason),
            Input::CannotWrite(why) => self.kiosk.unwritable = why,
            Input::SetAside(told) => self.kiosk.set_aside = told,
            Input::Clock(standing) => self.kiosk.clock_stands(standing),
            Input::Tapped(tap) => self.tapped(tap),
            Input::Scanned(code) => self.scanned(&code),
            Input::Facility(facility) => self.kiosk.next_facility = Some(facility),
            Input::Terminal(report) => self.terminal(report),
            Input::Printer(report) => {
                let proof = self.kiosk.printer_reported(&report);
                if let Some(journey) = self.journey_mut().filter(|_| proof) {
                    journey.0.receipt_printed(journey.1);
                }
            }
            Input::Hospital { id, reply } => self.hospital(id, reply),
            Input::HospitalOnline(online) => self.kiosk.devices.hospital_online = Some(online),
            Input::Staff { order_id, order, payment } => {
                self.till.staff(order_id, order, payment.map(|payment| *payment), &mut self.kiosk);
            }
            Input::CloseDay { order_id } => self.till.close_day(order_id, &mut self.kiosk),
            Input::StaffArea { visit, reply } => self.staff_told(visit, reply),
            Input::Enquired { visit, answer } => self.enquired(visit, answer),
            Input::Deadline => {}
        }
    }

    /// What must be durable first; else all that is left to do.
    fn come_to_an_end(&mut self, was_busy: bool) -> Output {
        if let Some(batch) = self.kiosk.draft.take(was_busy) {
            return Output::Commit(batch);
        }
        self.close_if_in_trouble();
        self.answer_staff();
        self.change_facility();
        self.show();
        Output::Then(self.kiosk.take_effects())
    }

    fn kept(&mut self, kept: IfKept) {
        match kept {
            IfKept::Till(kept) => self.till.kept(kept, &mut self.kiosk),
            IfKept::Visit(kept) => {
                if let Some((journey, kiosk, till)) = self.journey_mut() {
                    journey.kept(kept, kiosk, till);
                }
            }
            IfKept::GoOn => {}
        }
    }

    fn not_kept(&mut self, not_kept: IfNotKept, refused: bool) {
        self.shown = None;
        match not_kept {
            // A retry in the background must not keep a screen from timing out.
            IfNotKept::Till(not_kept) => self.till.not_kept(not_kept, refused, &mut self.kiosk),
            IfNotKept::Visit(what) => {
                self.presence = self.kiosk.tick();
                if let Some((journey, kiosk, _)) = self.journey_mut() {
                    journey.not_kept(what, kiosk);
                }
            }
            IfNotKept::GoOn => {}
        }
    }

    /// The journey with what it needs.
    pub(super) fn journey_mut(&mut self) -> Option<(&mut Journey, &mut Kiosk, &mut Till)> {
        match &mut self.stage {
            Stage::Journey(journey) => Some((journey, &mut self.kiosk, &mut self.till)),
            Stage::Idle | Stage::Language | Stage::Services => None,
        }
    }

    fn tapped(&mut self, tap: Tap) {
        self.presence = self.kiosk.tick();
        let asked = self.still_here.take().is_some();
        if tap == Tap::StartOver || (asked && tap == Tap::Finish) {
            self.start_over();
        } else if tap == Tap::Staff(StaffTap::Enter) {
            self.enter_staff();
        } else if self.is_closed() {
            self.tap_closed(tap);
        } else if asked {
            // Any touch says "yes"; it must not press what lay under the question.
        } else if let Some(overlay) = overlay_of(tap) {
            self.open(overlay);
        } else if let Some(overlay) = self.overlay {
            self.tap_overlay(overlay, tap);
        } else {
            self.tap_stage(tap);
        }
    }

    fn start_over(&mut self) {
        if !self.is_paying() {
            self.end(Leaving::ByPatient);
        }
    }

    /// On the idle screen a tool begins a visit first.
    fn open(&mut self, overlay: Overlay) {
        if matches!(self.stage, Stage::Idle) {
            self.start();
        }
        let has_it_anyway = overlay == Overlay::Language && matches!(self.stage, Stage::Language);
        self.overlay = (!has_it_anyway).then_some(overlay);
    }

    fn tap_overlay(&mut self, overlay: Overlay, tap: Tap) {
        if let (Overlay::Language, Tap::Language(language)) = (overlay, tap) {
            if self.kiosk.facility.languages.contains(&language) {
                self.kiosk.language = language;
                self.overlay = None;
            }
        } else if let (Overlay::EasyAccess, Tap::Mode(mode)) = (overlay, tap) {
            super::view::toggle(&mut self.modes, mode);
        } else if let (Overlay::Notice(page), Tap::Next) = (overlay, tap) {
            self.overlay = Some(Overlay::Notice(page.wrapping_add(1)));
        } else if matches!(tap, Tap::Back | Tap::Next | Tap::Finish) {
            self.overlay = None;
        }
    }

    pub(super) fn tap_stage(&mut self, tap: Tap) {
        match &mut self.stage {
            Stage::Idle => {
                if tap == Tap::Start {
                    self.start();
                }
            }
            Stage::Language => self.tap_language(tap),
            Stage::Services => self.tap_services(tap),
            Stage::Journey(journey) => {
                let flow = journey.tap(tap, &mut self.kiosk, &mut self.till);
                self.flow(flow);
            }
        }
    }

    fn start(&mut self) {
        let one = self.kiosk.facility.languages.len() < 2;
        self.stage = if one { Stage::Services } else { Stage::Language };
    }

    fn tap_language(&mut self, tap: Tap) {
        if let Tap::Language(language) = tap {
            if self.kiosk.facility.languages.contains(&language) {
                self.kiosk.language = language;
                self.stage = Stage::Services;
            }
        } else if tap == Tap::Back {
            self.end(Leaving::ByPatient);
        }
    }

    fn tap_services(&mut self, tap: Tap) {
        if let Tap::Service(service) = tap {
            if super::view::unavailable(service, &self.kiosk).is_none() {
                self.stage = Stage::Journey(self.begin_journey(service));
            }
        } else if tap == Tap::Back {
            self.start();
        }
    }

    fn begin_journey(&mut self, service: Service) -> Journey {
        match service {
            Service::CheckIn => Journey::CheckIn(Box::new(CheckIn::new(&self.kiosk))),
            Service::Documents => Journey::Documents(Box::new(Documents::new(&mut self.kiosk))),
            Service::Reprint => Journey::Reprint(Box::new(Reprint::new(&self.kiosk))),
            Service::Information => Journey::Information(Information::new()),
        }
    }

    /// On idle, language and services a code begins a check-in, also one that is not ours: a patient who gets no answer
    /// holds it there again and again. In a journey it is the journey's. A tool that lies over it is put away.
    fn scanned(&mut self, code: &ScannedCode) {
        self.presence = self.kiosk.tick();
        self.still_here = None;
        if self.is_closed() {
            return;
        }
        self.overlay = None;
        if let Some((journey, kiosk, _)) = self.journey_mut() {
            journey.scanned(code, kiosk);
            return;
        }
        let begun = match code {
            ScannedCode::PatientCard(number) => CheckIn::by_card(number, &self.kiosk),
            ScannedCode::AppointmentSlip(slip) => Some(CheckIn::by_slip(slip, &mut self.kiosk)),
            ScannedCode::Unknown => None,
        };
        let journey = begun.unwrap_or_else(|| CheckIn::by_unknown_code(&self.kiosk));
        self.stage = Stage::Journey(Journey::CheckIn(Box::new(journey)));
    }

    fn terminal(&mut self, report: TerminalReport) {
        match &report {
            TerminalReport::CardSeen | TerminalReport::CardRemoved | TerminalReport::CardStillIn => {
                self.presence = self.kiosk.tick();
                self.still_here = None;
            }
            TerminalReport::Online(_)
            | TerminalReport::Prepared { .. }
            | TerminalReport::NotReady { .. }
            | TerminalReport::Answered { .. }
            | TerminalReport::Confirmed { .. }
            | TerminalReport::Withdrawn { .. }
            | TerminalReport::Undone { .. }
            | TerminalReport::Totals(_)
            | TerminalReport::NoTotals { .. }
            | TerminalReport::NoAnswer { .. }
            | TerminalReport::NeverSent { .. }
            | TerminalReport::Outcome { .. } => {}
        }
        self.till.report(report, &mut self.kiosk);
    }

    fn hospital(&mut self, id: Uuid, reply: Reply) {
        match self.kiosk.questions.answered(id) {
            Whose::Ours => self.replied(reply),
            Whose::Left(Some(about)) => self.kiosk.missed_by_whoever_left(about, &reply),
            Whose::Left(None) | Whose::Nobodys => {}
        }
    }

    /// What it counts as is durable before anything comes of it.
    fn replied(&mut self, reply: Reply) {
        let Some((journey, kiosk, till)) = self.journey_mut() else { return };
        let Some(Counting { lines, counted }) = journey.count(&reply, kiosk) else {
            journey.reply(reply, false, kiosk, till);
            return;
        };
        let kept = Kept::Replied { reply: Box::new(reply), counted };
        if lines.is_empty() {
            journey.kept(kept, kiosk, till);
        } else {
            kiosk.commit(lines, IfKept::Visit(kept), IfNotKept::Visit(NotKept::Request));
        }
    }

    fn enquired(&mut self, visit: Uuid, answer: Enquired) {
        let Some((journey, kiosk, till)) = self.journey_mut() else { return };
        let Journey::Reprint(reprint) = &*journey else { return };
        let Some(Counting { lines, counted }) = reprint.count(visit, &answer, kiosk) else { return };
        let kept = Kept::Enquired { answer: Box::new(answer), counted };
        if lines.is_empty() {
            journey.kept(kept, kiosk, till);
        } else {
            kiosk.commit(lines, IfKept::Visit(kept), IfNotKept::Visit(NotKept::Request));
        }
    }

    /// All that the till has to say, to whom it concerns.
    pub(super) fn hear_till(&mut self) {
        for event in self.till.take_events() {
            match event {
                TillEvent::Ended(news) => self.news(&news),
                TillEvent::Answer { order_id, answer } => self.kiosk.answer_staff(order_id, answer),
            }
        }
    }

    /// To the patient who waits for it; else only into the log.
    pub fn news(&mut self, news: &News) {
        let told = self.journey_mut().is_some_and(|(journey, kiosk, _)| journey.news(news, kiosk));
        if told {
            self.overlay = None;
            self.presence = self.kiosk.tick();
        } else {
            self.kiosk.emit(Effect::Finish(in_background(news)));
        }
    }

    pub fn flow(&mut self, flow: Flow) {
        match flow {
            Flow::Stay => {}
            Flow::Home => {
                self.leave_journey(Leaving::ByPatient);
                self.stage = Stage::Services;
            }
            Flow::End => self.end(Leaving::ByPatient),
        }
    }

    fn leave_journey(&mut self, why: Leaving) {
        if let Some((journey, kiosk, till)) = self.journey_mut() {
            journey.leave(why, kiosk);
            kiosk.questions.abandon();
            kiosk.tries.left();
            till.unwatch();
        }
    }

    /// The visit is over. What the till holds goes on.
    pub fn end(&mut self, why: Leaving) {
        if matches!(self.stage, Stage::Idle) {
            return;
        }
        self.leave_journey(why);
        self.kiosk.leave_printer();
        self.stage = Stage::Idle;
        self.overlay = None;
        self.still_here = None;
        self.modes = Modes::default();
        self.kiosk.language = self.kiosk.facility.desk_language;
        self.kiosk.emit(Effect::Wipe);
    }

    pub fn is_paying(&self) -> bool {
        match &self.stage {
            Stage::Journey(journey) => journey.is_paying(),
            Stage::Idle | Stage::Language | Stage::Services => false,
        }
    }
}

const fn overlay_of(tap: Tap) -> Option<Overlay> {
    if matches!(tap, Tap::ChooseLanguage) {
        Some(Overlay::Language)
    } else if matches!(tap, Tap::EasyAccess) {
        Some(Overlay::EasyAccess)
    } else if matches!(tap, Tap::Help) {
        Some(Overlay::Help)
    } else if matches!(tap, Tap::Notice) {
        Some(Overlay::Notice(0))
    } else {
        None
    }
}

fn in_background(news: &News) -> Finished {
    let kind = JourneyKind::Unfinished;
    match &news.end {
        End::Paid { request, receipt, .. } => Finished {
            kind,
            outcome: Outcome::Paid,
            charged: news.amount,
            claim: Some(receipt.claim.clone()),
            request: Some(request.id),
        },
        End::NotPaid(_) => nothing_charged(kind, Outcome::NotPaid),
        End::Staff => nothing_charged(kind, Outcome::InDoubt),
    }
}

fn nothing_charged(kind: JourneyKind, outcome: Outcome) -> Finished {
    Finished { kind, outcome, charged: crate::domain::money::Amount::ZERO, claim: None, request: None }
}
