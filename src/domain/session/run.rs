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
//! `RecordFailed` belongs to the list just returned. Nothing after the failed entry was carried out, so the session
//! steps back to what it was before that list and then takes the failure into account; numbers given stay given.

use super::kiosk::Kiosk;
use super::questions::Whose;
use super::step_back::{StepBack, answered_by, step_back, ticket_of};
use super::tries::Tries;
use super::{Effect, Input, Numbers, Reply, StaffRefusal, TerminalReport};
use crate::domain::facility::Facility;
use crate::domain::journey::check_in::CheckIn;
use crate::domain::journey::documents::Documents;
use crate::domain::journey::information::Information;
use crate::domain::journey::pay::{End, News, Till};
use crate::domain::journey::reprint::Reprint;
use crate::domain::journey::{Flow, Journey, Leaving, Rest};
use crate::domain::moment::{Moment, Tick};
use crate::domain::patient::ScannedCode;
use crate::domain::payment::Entry;
use crate::domain::screen::staff::StaffTap;
use crate::domain::screen::{Modes, Service, Tap, View};
use crate::domain::session::{Finished, JourneyKind, Outcome};
use std::sync::Arc;
use uuid::Uuid;

pub struct Session {
    core: Core,
    undo: Option<Box<StepBack>>,
}

/// Everything that an input can change.
#[derive(Clone)]
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

#[derive(Clone)]
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
        Self { core, undo: None }
    }

    /// Effects are to be carried out in order. If a `Record` or `Queue` cannot be made durable, the rest of the list is
    /// dropped and `Input::RecordFailed` must be the very next input. Whatever the till writes of itself (recovery,
    /// retries) it writes on `Input::Deadline`, so [`Session::deadline`] must be asked again after every input.
    pub fn handle(&mut self, input: Input, at: Moment) -> Vec<Effect> {
        if let Input::RecordFailed { refused, .. } = input {
            return self.record_failed(refused, at);
        }
        let ticket = ticket_of(&input);
        let mut before = self.core.clone();
        if let Some(id) = answered_by(&input) {
            // It does not come again, whatever becomes of what follows from it.
            before.kiosk.questions.answered(id);
        }
        self.core.handle(input, at);
        let effects = self.core.kiosk.take_effects();
        self.undo = step_back(before, ticket, &effects);
        effects
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

    fn record_failed(&mut self, refused: bool, at: Moment) -> Vec<Effect> {
        let Some(undo) = self.undo.take() else {
            self.core.kiosk.begin(at);
            self.core.shown = None;
            self.core.show();
            return self.core.kiosk.take_effects();
        };
        let numbers = self.core.kiosk.numbers.clone();
        let StepBack { before, entries, ticket, payment_begins } = *undo;
        self.core = before;
        self.core.kiosk.numbers = numbers;
        match ticket {
            Some(ticket) => self.core.order_failed(ticket, at),
            None if payment_begins => self.core.payment_not_begun(at),
            None => self.core.not_kept(&entries, refused, at),
        }
        let effects = self.core.kiosk.take_effects();
        // Its only entry tells how the failure ended: nothing is taken back if that cannot be written either.
        self.undo = step_back(self.core.clone(), None, &effects);
        effects
    }
}

impl Core {
    fn handle(&mut self, input: Input, at: Moment) {
        self.kiosk.begin(at);
        let was_busy = self.rest() == Rest::Busy;
        let woken = input == Input::Deadline;
        match input {
            Input::Restarted { open, booked, began, strayed, given, tries } => {
                self.till.know_booked(&booked, &began, &self.kiosk.facility.zone);
                self.till.know_strayed(&strayed, &self.kiosk.facility.zone);
                self.kiosk.unreadable = None;
                (self.kiosk.numbers, self.kiosk.last_at) = (Numbers::new(&given.days), given.last_at);
                self.kiosk.tries = tries.map_or_else(Tries::default, |kept| Tries::restarted(*kept, self.kiosk.now));
                self.till.recover(open, &mut self.kiosk);
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
            Input::Staff { ticket, order, payment } => {
                let payment = payment.map(|payment| *payment);
                if let Some(news) = self.till.staff(ticket, order, payment, &mut self.kiosk) {
                    self.news(&news);
                }
            }
            Input::CloseDay { ticket } => self.till.close_day(ticket, &mut self.kiosk),
            Input::StaffArea { visit, reply } => self.staff_told(visit, reply),
            Input::Enquired { visit, answer } => {
                if let Stage::Journey(Journey::Reprint(journey)) = &mut self.stage {
                    journey.enquired(visit, answer, &mut self.kiosk);
                }
            }
            Input::RecordFailed { .. } | Input::Deadline => {}
        }
        self.time(was_busy, woken);
        self.close_if_in_trouble();
        self.answer_staff();
        self.change_facility();
        self.show();
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
        if let Some(news) = self.till.report(report, &mut self.kiosk) {
            self.news(&news);
        }
    }

    fn hospital(&mut self, id: Uuid, reply: Reply) {
        match self.kiosk.questions.answered(id) {
            Whose::Ours => {
                if let Some((journey, kiosk, till)) = self.journey_mut() {
                    journey.reply(reply, kiosk, till);
                }
            }
            Whose::Left(Some(about)) => self.kiosk.missed_by_whoever_left(about, &reply),
            Whose::Left(None) | Whose::Nobodys => {}
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

    /// What the last list wanted to write is not on disk; this is the session from before that list.
    fn not_kept(&mut self, entries: &[Entry], refused: bool, at: Moment) {
        self.kiosk.begin(at);
        self.shown = None;
        // A retry in the background must not keep a screen from timing out: only what this patient waited for counts.
        if entries.is_empty() {
            self.presence = self.kiosk.tick();
            if let Some((journey, _, _)) = self.journey_mut() {
                journey.queue_failed();
            }
        } else if let Some(news) = self.till.not_kept(entries, refused, &mut self.kiosk) {
            self.news(&news);
        }
        self.answer_staff();
        self.show();
    }

    /// Nothing of the order was done; whoever gave it may give it again.
    fn order_failed(&mut self, ticket: Uuid, at: Moment) {
        self.kiosk.begin(at);
        self.shown = None;
        self.till.refuse(ticket, StaffRefusal::CannotRecord);
        self.answer_staff();
        self.show();
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
