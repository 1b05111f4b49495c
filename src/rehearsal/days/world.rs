//! One kiosk and its day on made-up time: what happens next is always the earliest thing that is due. The kiosk itself
//! (session, dialogue, outbox sender) is the real one; what it does to the world is in `effects.rs`, what the world does
//! to it in `weather.rs`.

use super::chance::Chance;
use super::ends::At;
use super::facility;
use super::faults::{Allowed, Fault, Fired};
use super::hospital::Hospital;
use super::oracle::Oracle;
use super::patient::{Act, Patient};
use super::power::{Power, Powered};
use super::printer::DayPrinter;
use super::rig::Rig;
use super::shelf::Shelf;
use super::trace::Trace;
use super::weather::Weather;
use super::{DayReport, Setting};
use crate::domain::attempt::AttemptId;
use crate::domain::facility::Facility;
use crate::domain::moment::{Moment, Tick};
use crate::domain::payment::PaymentRecord;
use crate::domain::printer::PrinterState;
use crate::domain::screen::{Screen, Tap, View};
use crate::domain::session::{Input, Session};
use crate::hospital::sync::ByHand;
use crate::ports::{Journal, Queue};
use chrono::{DateTime, Duration, FixedOffset};
use std::collections::BTreeMap;
use std::mem::Discriminant;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// 09:00 in Seoul on the day of the demo.
const DAY_BEGINS: &str = "2026-11-25T09:00:00+09:00";
/// More than this at one instant: something turns in a circle.
const TURNS_MAX: u32 = 20_000;
const DAY_MOST_MS: u64 = 48 * 3_600_000;
const PATIENTS_A_PAYMENT: u64 = 6;

pub struct World {
    pub(super) chance: Chance,
    pub(super) weather_chance: Chance,
    /// Its own, so that days on which nobody closes the terminal's are what they were.
    pub(super) closing_chance: Chance,
    pub(super) refund_chance: Chance,
    pub(super) allowed: Allowed,
    pub(super) facility: Arc<Facility>,
    pub(super) power: Power,
    pub(super) shelf: Shelf,
    pub(super) store: Arc<Powered>,
    pub(super) rig: Rig,
    pub(super) protocol: super::Protocol,
    pub(super) hospital: Arc<Hospital>,
    pub(super) press: DayPrinter,
    pub(super) oracle: Oracle,
    pub(super) fired: Fired,
    pub(super) trace: Trace,
    /// What runs on the kiosk's power.
    pub(super) kiosk: Option<Kiosk>,
    pub(super) boot_at: Option<u64>,
    pub(super) now_ms: u64,
    turns: u32,
    stamp: [u8; 14],
    stamp_of: Option<DateTime<FixedOffset>>,
    pub(super) begins: DateTime<FixedOffset>,
    pub(super) clock_off_ms: i64,
    pub(super) weather: Vec<(u64, Weather)>,
    /// Which payment each staff order was about.
    pub(super) order_ids: BTreeMap<Uuid, AttemptId>,
    /// Orders to close the terminal's day that were not answered yet.
    pub(super) closings: Vec<Uuid>,
    /// What the card of the patient who is there does.
    pub(super) card: Option<Fault>,
    /// Whose card paid what.
    pub(super) cards: BTreeMap<AttemptId, u32>,
    patient: Option<Patient>,
    patient_due: Option<u64>,
    taps_due: Vec<(u64, Tap)>,
    pub(super) cards_due: Vec<u64>,
    patients_left: u64,
    pub(super) payments_wanted: u64,
    pub(super) cuts: BTreeMap<&'static str, u64>,
}

pub(super) struct Kiosk {
    pub session: Session,
    pub outbox: ByHand,
    pub outbox_due: u64,
    /// A sign of life or a new request ends the outbox's wait.
    pub outbox_waits: bool,
    pub online: Arc<Mutex<Vec<bool>>>,
    pub replies: Vec<(u64, Input)>,
    /// Given on the screen; carried out in their turn.
    pub orders: Vec<Input>,
    pub seen: Option<(Discriminant<Screen>, u8)>,
    pub view: Option<Box<View>>,
}

impl World {
    /// # Errors
    /// The store cannot be made.
    pub fn new(seed: u64, setting: &Setting) -> Result<Self, String> {
        let mut chance = Chance::new(seed);
        let power = Power::default();
        let shelf = Shelf::new(setting.store, seed)?;
        let store = Arc::new(Powered { store: shelf.store(), power: power.clone() });
        let (mut machine, survives) = setting.protocol.machine(&mut chance, &setting.faults);
        super::give_personality(machine.as_mut(), seed, setting);
        let facility = Arc::new(facility::facility(survives));
        let mut rig = Rig::new(machine, power.clone(), &mut chance);
        if setting.protocol == super::Protocol::ZvtNetwork {
            rig.on_network();
        }
        let hospital = Arc::new(Hospital::new(facility.clone(), power.clone(), chance.fork())?);
        hospital.take_on(seed, &setting.faults);
        let chosen = chance.between(20, 60);
        let payments_wanted = setting.payments.unwrap_or(chosen);
        if let Some(boundaries) = setting.cut_after {
            power.cut_after(boundaries);
        }
        let begins = DateTime::parse_from_rfc3339(DAY_BEGINS).map_err(|error| error.to_string())?;
        Ok(Self {
            weather_chance: chance.fork(),
            closing_chance: Chance::new(!seed),
            refund_chance: Chance::new(seed ^ 0x7265_6675_6e64_7321),
            chance,
            allowed: setting.faults.clone(),
            facility,
            power,
            shelf,
            store,
            rig,
            protocol: setting.protocol,
            hospital,
            press: DayPrinter::new(),
            oracle: Oracle::default(),
            fired: Fired::default(),
            trace: Trace::new(setting.trace),
            kiosk: None,
            boot_at: Some(0),
            now_ms: 1_000,
            turns: 0,
            stamp: [b'0'; 14],
            stamp_of: None,
            begins,
            clock_off_ms: 0,
            weather: Vec::new(),
            order_ids: BTreeMap::new(),
            closings: Vec::new(),
            card: None,
            cards: BTreeMap::new(),
            patient: None,
            patient_due: Some(2_000),
            taps_due: Vec::new(),
            cards_due: Vec::new(),
            patients_left: payments_wanted * PATIENTS_A_PAYMENT,
            payments_wanted,
            cuts: BTreeMap::new(),
        })
    }

    /// The whole day, and what the oracle says of it.
    ///
    /// # Errors
    /// The store could not be opened again.
    pub fn run(mut self) -> Result<DayReport, String> {
        self.keep_schedule();
        self.close_in_between();
        self.plan_refunds();
        if self.trace.is_on() {
            self.rig.heard = Some(Vec::new());
        }
        while !self.day_is_over() {
            self.turn()?;
            if self.now_ms > DAY_MOST_MS {
                return Err("the day does not end: somebody waits for something that never comes".to_owned());
            }
        }
        self.close()?;
        self.judge()
    }

    fn day_is_over(&self) -> bool {
        let enough = self.oracle.payments() >= self.payments_wanted || self.patients_left == 0;
        (enough && self.patient.is_none() && !self.refunds_are_planned()) || self.oracle.is_broken()
    }

    /// Everything calms down, the kiosk is restarted once, and whatever is under way comes to its end.
    fn close(&mut self) -> Result<(), String> {
        self.calm();
        self.patient_due = None;
        self.pass(200_000)?;
        self.power.cut_now();
        self.trace.line(self.now_ms, || "the last restart".to_owned());
        for _ in 0..20 {
            self.pass(120_000)?;
            let open = self.store.payments().is_ok_and(|all| all.iter().any(PaymentRecord::is_open));
            let queued = self.store.next_requests(&[], 1).is_ok_and(|next| !next.is_empty());
            if !open && !queued {
                break;
            }
        }
        self.close_day();
        self.pass(300_000)?;
        let answered = self.closings.is_empty();
        self.oracle.answered_at_night(answered);
        Ok(())
    }

    fn pass(&mut self, ms: u64) -> Result<(), String> {
        let end_ms = self.now_ms + ms;
        self.weather.push((end_ms, Weather::Nothing));
        while self.now_ms < end_ms && !self.oracle.is_broken() {
            self.turn()?;
        }
        Ok(())
    }

    fn judge(mut self) -> Result<DayReport, String> {
        let journal = self.shelf.store().payments().map_err(|error| error.to_string())?;
        self.collect();
        self.papers_out();
        self.oracle.judge(&self.rig.machine.books(), &journal, &self.hospital.stored());
        self.oracle.judge_arrived(&self.hospital.faults());
        Ok(DayReport {
            payments: self.oracle.payments(),
            virtual_ms: self.now_ms,
            fired: self.fired,
            cuts: self.cuts,
            checked: self.oracle.checked,
            broken: std::mem::take(&mut self.oracle.broken),
            trace: self.trace.take(),
        })
    }

    fn next_due(&self) -> Option<u64> {
        let kiosk = self.kiosk.as_ref();
        let deadline = kiosk.and_then(|kiosk| kiosk.session.deadline()).map(|tick| tick.0);
        let outbox = kiosk.map(|kiosk| kiosk.outbox_due);
        let reply = kiosk.and_then(|kiosk| kiosk.replies.iter().map(|(due, _)| *due).min());
        let weather = self.weather.iter().map(|(due, _)| *due).min();
        let tap = self.taps_due.iter().map(|(due, _)| *due).min();
        let card = self.cards_due.iter().copied().min();
        let printer = kiosk.and_then(|_| self.press.due_ms());
        [self.rig.due_ms(), deadline, outbox, reply, weather, tap, card, printer, self.patient_due, self.boot_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// The earliest thing that is due, and all that follows from it at once.
    fn turn(&mut self) -> Result<(), String> {
        let due = self.next_due().ok_or("nothing will ever happen again")?;
        if due > self.now_ms {
            self.now_ms = due;
            self.turns = 0;
        } else {
            self.turns += 1;
            if self.turns > TURNS_MAX {
                return Err(format!("the day stands still at {} ms", self.now_ms));
            }
        }
        self.hospital.set_time(self.now_ms);
        self.change_weather();
        self.boot()?;
        let at = self.at();
        self.rig.advance(at);
        self.hear_rig();
        self.print_due();
        self.replies_due();
        self.people_due();
        self.send_due();
        self.wake();
        self.cut_if_off()
    }

    pub(super) fn wall(&self) -> DateTime<FixedOffset> {
        let ms = i64::try_from(self.now_ms).unwrap_or(i64::MAX).saturating_add(self.clock_off_ms);
        let wall = self.begins + Duration::milliseconds(ms);
        wall - Duration::milliseconds(i64::from(wall.timestamp_subsec_millis()))
    }

    pub(super) fn at(&mut self) -> At {
        let wall = self.wall();
        if self.stamp_of != Some(wall) {
            self.stamp_of = Some(wall);
            for (slot, digit) in self.stamp.iter_mut().zip(wall.format("%Y%m%d%H%M%S").to_string().bytes()) {
                *slot = digit;
            }
        }
        At { ms: self.now_ms, stamp: self.stamp }
    }

    pub(super) fn moment(&mut self) -> Moment {
        Moment { tick: Tick(self.now_ms), wall: self.wall(), fresh: self.chance.uuid() }
    }

    fn print_due(&mut self) {
        if self.kiosk.is_some()
            && let Some(report) = self.press.advance(self.now_ms)
        {
            self.input(Input::Printer(report));
        }
    }

    fn replies_due(&mut self) {
        let now_ms = self.now_ms;
        let Some(kiosk) = &mut self.kiosk else { return };
        let orders = std::mem::take(&mut kiosk.orders);
        let due = kiosk.replies.iter().position(|(due, _)| *due <= now_ms);
        let reply = due.map(|at| kiosk.replies.remove(at).1);
        for order in orders {
            self.input(order);
        }
        if let Some(reply) = reply {
            self.input(reply);
        }
    }

    fn wake(&mut self) {
        let deadline = self.kiosk.as_ref().and_then(|kiosk| kiosk.session.deadline());
        if deadline.is_some_and(|deadline| deadline.0 <= self.now_ms) {
            self.input(Input::Deadline);
        }
    }

    fn people_due(&mut self) {
        let now_ms = self.now_ms;
        if let Some(at) = self.cards_due.iter().position(|due| *due <= now_ms) {
            self.cards_due.remove(at);
            self.show_card();
        }
        if let Some(at) = self.taps_due.iter().position(|(due, _)| *due <= now_ms) {
            let (_, tap) = self.taps_due.remove(at);
            self.input(Input::Tapped(tap));
        }
        if self.patient_due.is_some_and(|due| due <= now_ms) {
            self.patient_due = None;
            self.patient_acts();
        }
    }

    fn patient_acts(&mut self) {
        let Some(mut patient) = self.patient.take() else { return self.next_patient() };
        let Some(view) = self.kiosk.as_ref().and_then(|kiosk| kiosk.view.clone()) else {
            self.patient = Some(patient);
            return;
        };
        let act = patient.act(&view, &mut self.chance);
        if let Some(fault) = patient.fired.take() {
            self.fired.note(fault);
        }
        self.trace.line(self.now_ms, || format!("patient {act:?}"));
        self.patient = Some(patient);
        // Before the screen can change: a screen that changes wakes the patient by itself.
        self.patient_due = (act != Act::Wait).then(|| self.now_ms + self.chance.between(250, 1_500));
        self.carry_out_act(act);
    }

    fn carry_out_act(&mut self, act: Act) {
        match act {
            Act::Tap(tap) => self.input(Input::Tapped(tap)),
            Act::TapTwice(tap, later_ms) => {
                self.taps_due.push((self.now_ms + later_ms, tap));
                self.input(Input::Tapped(tap));
            }
            Act::Scan(code) => self.input(Input::Scanned(code)),
            Act::ShowCard => {
                let later_ms = self.chance.between(300, 6_000);
                self.cards_due.push(self.now_ms + later_ms);
                self.patient_due = None;
            }
            Act::CancelAndShow(later_ms) => {
                self.cards_due.push(self.now_ms + later_ms);
                self.input(Input::Tapped(Tap::CancelPayment));
            }
            Act::TakeCardOut => self.rig.machine.take_card_out(self.now_ms),
            Act::Wait => {}
            Act::Leave => self.patient_leaves(),
        }
    }

    pub(super) fn patient_leaves(&mut self) {
        self.patient = None;
        self.patient_due = Some(self.now_ms + self.chance.between(1_000, 20_000));
    }

    fn next_patient(&mut self) {
        if self.day_is_over() || self.oracle.payments() >= self.payments_wanted || self.patients_left == 0 {
            return;
        }
        self.patients_left -= 1;
        self.patient = Some(Patient::new(&self.allowed, &mut self.chance));
        self.patient_due = Some(self.now_ms + 10);
    }

    fn show_card(&mut self) {
        let card = self.card.take();
        self.trace.line(self.now_ms, || format!("card: {}", card.map_or("approve", Fault::word)));
        self.rig.machine.card(card, &mut self.chance);
    }

    /// The patient looks up when the screen becomes another one.
    pub(super) fn screen_changed(&mut self) {
        if self.patient.is_some() && self.patient_due.is_none() {
            self.patient_due = Some(self.now_ms + self.chance.between(250, 1_500));
        }
    }

    /// What was counted elsewhere since the last time.
    pub(super) fn collect(&mut self) {
        self.fired.add(&self.rig.take_fired());
        self.fired.add(&self.hospital.take_fired());
        self.fired.add(&std::mem::take(&mut self.press.fired));
        for _ in 0..self.power.take_disk_failures() {
            self.fired.note(Fault::DiskFull);
        }
    }

    pub(super) fn printer_state(&self) -> PrinterState {
        self.press.state
    }
}
