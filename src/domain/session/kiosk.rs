//! What belongs to the machine and outlives the patient in front of it. Journeys get it with every input.

use super::Effect;
use super::batch::{Draft, IfKept, IfNotKept};
use super::given_orders::GivenOrders;
use super::print_queue::PrintQueue;
use super::questions::Questions;
use crate::domain::attempt::{CardTransaction, DeclineCause};
use crate::domain::clock::Standing;
use crate::domain::facility::Facility;
use crate::domain::finished::{Finished, JourneyKind, Outcome};
use crate::domain::language::{Language, LocalText};
use crate::domain::line::Line;
use crate::domain::moment::{Moment, Tick};
use crate::domain::money::Amount;
use crate::domain::numbers::{Counters, Numbered, Numbers};
use crate::domain::order::StaffAnswer;
use crate::domain::paper::Ticket;
use crate::domain::printer::PrinterState;
use crate::domain::question::Question;
use crate::domain::set_aside::SetAside;
use crate::domain::tries::{Named, Tries};
use chrono::{DateTime, FixedOffset, NaiveDate};
use std::sync::Arc;
use uuid::Uuid;

/// Tickets remembered for a reprint; the oldest go first.
const TICKETS_MAX: usize = 2000;

pub struct Kiosk {
    pub facility: Arc<Facility>,
    /// Holds from the next visit on.
    pub(super) next_facility: Option<Arc<Facility>>,
    pub now: Moment,
    pub language: Language,
    pub devices: Devices,
    pub numbers: Numbers,
    /// What the clock said when the last number was given.
    pub last_at: Option<DateTime<FixedOffset>>,
    pub standing: Standing,
    /// A technician said that the clock is right, and no number was given since.
    pub own_accepted: bool,
    /// Why the journal could not be read at start.
    pub unreadable: Option<String>,
    /// Why nothing can be written down now.
    pub unwritable: Option<String>,
    /// A damaged database that staff have not acknowledged: payments are closed.
    pub set_aside: Option<Box<SetAside>>,
    pub tries: Tries,
    pub questions: Questions,
    /// Questions that this input asked, so that each has an id of its own.
    asked: u32,
    pub given_orders: GivenOrders,
    answers: Vec<(Uuid, StaffAnswer)>,
    pub papers: PrintQueue,
    tickets: Vec<(String, Ticket)>,
    out: Vec<Effect>,
    /// What must be durable before this input goes on.
    pub(super) draft: Draft,
}

/// What the devices last said of themselves; `None` = not heard of yet.
#[derive(Default)]
pub struct Devices {
    pub terminal_online: Option<bool>,
    pub printer: Option<PrinterState>,
    pub hospital_online: Option<bool>,
    pub card_in: bool,
    /// The terminal answers but takes no payments, in its own words.
    pub terminal_trouble: Option<TerminalTrouble>,
}

/// It stays until the terminal shows that it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalTrouble {
    /// Code and text of the terminal.
    pub words: String,
    /// It refused a payment: that it gets ready proves nothing.
    refused: bool,
}

impl Devices {
    pub(crate) fn terminal_not_ready(&mut self, reason: String) {
        self.terminal_trouble = Some(TerminalTrouble { words: reason, refused: false });
    }

    pub(crate) fn terminal_got_ready(&mut self) {
        self.terminal_trouble.take_if(|trouble| !trouble.refused);
    }

    /// To a payment.
    pub(crate) fn terminal_answered(&mut self, answer: &CardTransaction) {
        let trouble = answer.decline.as_ref().filter(|decline| decline.cause == DeclineCause::Terminal);
        self.terminal_trouble = trouble.map(|decline| TerminalTrouble { words: decline.words(), refused: true });
    }
}

impl Kiosk {
    pub fn new(facility: Arc<Facility>) -> Self {
        let wall = facility.zone.at(&DateTime::UNIX_EPOCH);
        Self {
            now: Moment { tick: Tick::default(), wall, fresh: Uuid::nil() },
            language: facility.desk_language,
            devices: Devices::default(),
            numbers: Numbers::default(),
            last_at: None,
            standing: Standing::default(),
            own_accepted: false,
            unreadable: None,
            unwritable: None,
            set_aside: None,
            tries: Tries::default(),
            questions: Questions::default(),
            asked: 0,
            given_orders: GivenOrders::default(),
            answers: Vec::new(),
            papers: PrintQueue::default(),
            tickets: Vec::new(),
            out: Vec::new(),
            draft: Draft::default(),
            facility,
            next_facility: None,
        }
    }

    /// Called with every input, before anything else looks at the kiosk.
    pub fn begin(&mut self, at: Moment) {
        self.now = Moment { wall: self.facility.zone.at(&at.wall), ..at };
        self.out.clear();
        self.draft = Draft::default();
        self.asked = 0;
    }

    pub fn emit(&mut self, effect: Effect) {
        self.out.push(effect);
    }

    /// The last that is done in this input until the lines are durable, with the numbers that were given for it.
    pub fn commit(&mut self, lines: impl IntoIterator<Item = Line>, if_kept: IfKept, if_not_kept: IfNotKept) {
        self.draft.close(lines, if_kept, if_not_kept);
    }

    /// Something must be durable first: nothing else is done in this input.
    pub const fn is_committing(&self) -> bool {
        self.draft.is_closed()
    }

    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.out)
    }

    /// To whoever gave the order, at the end of this input.
    pub fn answer_staff(&mut self, order_id: Uuid, answer: StaffAnswer) {
        self.answers.push((order_id, answer));
    }

    pub(super) fn take_answers(&mut self) -> Vec<(Uuid, StaffAnswer)> {
        std::mem::take(&mut self.answers)
    }

    pub const fn tick(&self) -> Tick {
        self.now.tick
    }

    pub const fn wall(&self) -> DateTime<FixedOffset> {
        self.now.wall
    }

    pub fn today(&self) -> NaiveDate {
        self.now.wall.date_naive()
    }

    pub fn ask(&mut self, question: Question) {
        let about = match &question {
            Question::FindPatient { number, .. } => Some(self.tries.key_of(Named::Number(number), self.now)),
            Question::Slip { code } => Some(self.tries.key_of(Named::Slip(code), self.now)),
            Question::Appointments { .. } | Question::Quote { .. } => None,
        };
        self.asked += 1;
        let id = self.now.fresh_id(&format!("question {}", self.asked));
        self.questions.asked(id, about, self.now.tick);
        self.emit(Effect::Ask { id, question });
    }

    /// `K3-012`. In the next batch, and so durable before anybody sees it: a power cut cannot give it twice.
    pub fn next_ticket(&mut self) -> String {
        let tickets = self.give(Numbered::Ticket).tickets;
        format!("{}-{tickets:03}", self.facility.kiosk_prefix)
    }

    /// `K3-1120-047-6`; see [`crate::domain::document::claim`].
    pub fn next_claim(&mut self) -> String {
        let claims = self.give(Numbered::Claim).claims;
        crate::domain::document::claim::number(&self.facility.kiosk_prefix, self.today(), claims)
    }

    /// `K3-0047`, shown to the patient and to staff for one payment attempt.
    pub fn next_attempt(&mut self) -> String {
        let attempts = self.give(Numbered::Attempt).attempts;
        format!("{}-{attempts:04}", self.facility.kiosk_prefix)
    }

    fn give(&mut self, what: Numbered) -> Counters {
        let counters = self.numbers.give(what, self.today());
        (self.last_at, self.own_accepted) = (Some(self.wall()), false);
        self.draft.add(Line::Counters(counters));
        counters
    }

    pub fn remember_ticket(&mut self, appointment_ref: &str, patient_ref: Option<&str>, ticket: &Ticket) {
        let key = ticket_key(appointment_ref, patient_ref);
        let today = self.today();
        self.tickets.retain(|(known, before)| *known != key && before.at.date_naive() == today);
        if self.tickets.len() >= TICKETS_MAX {
            self.tickets.remove(0);
        }
        self.tickets.push((key, ticket.clone()));
    }

    /// The ticket this machine gave this patient today for an appointment. Another of a group has another.
    pub fn ticket_of(&self, appointment_ref: &str, patient_ref: Option<&str>) -> Option<&Ticket> {
        let key = ticket_key(appointment_ref, patient_ref);
        let today = self.today();
        let mut known = self.tickets.iter().filter(|(_, ticket)| ticket.at.date_naive() == today);
        known.find(|(reference, _)| *reference == key).map(|(_, ticket)| ticket)
    }

    pub fn finish(&mut self, kind: JourneyKind, outcome: Outcome) {
        self.finished(Finished { kind, outcome, charged: Amount::ZERO, claim: None, request: None });
    }

    pub fn registration_desk(&self) -> LocalText {
        self.facility.desk_name(&self.facility.registration_desk)
    }

    pub fn cashier_desk(&self) -> LocalText {
        self.facility.desk_name(&self.facility.cashier_desk)
    }

    pub fn help_desk(&self) -> LocalText {
        self.facility.desk_name(&self.facility.help_desk)
    }

    /// The hospital's server is known to be away. Not yet heard of = worth a try.
    pub fn hospital_is_away(&self) -> bool {
        self.devices.hospital_online == Some(false)
    }
}

fn ticket_key(appointment_ref: &str, patient_ref: Option<&str>) -> String {
    format!("{appointment_ref} {}", patient_ref.unwrap_or_default())
}
