//! What the world does to the kiosk: troubles that are ordered when somebody pays, and those that come with time.

use super::facility;
use super::faults::{APART, Allowed, Fault, PERSONALITIES};
use super::line::Damage;
use super::world::World;
use crate::domain::clock::Standing;
use crate::domain::printer::PrinterState;
use crate::domain::session::Input;
use crate::ports::ScheduleNews;
use crate::terminal::smartro::packet::NAK;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Only time passes.
    Nothing,
    Hospital(Option<Fault>),
    Printer(PrinterState),
    ClockJumps(i64),
    /// A technician sets the machine's clock by their own.
    ClockSet,
    Nak,
    /// A lasting fault of the terminal ends.
    Over(Fault),
    DiskFreed,
    /// Staff do this about some payment.
    Staff(Fault),
    /// It is the same time of the next day.
    Night,
}

/// Pieces that pass before one is harmed: a payment is some twenty in each direction.
const PIECES: u64 = 24;
/// A technician comes so long after nobody was served for the clock's sake.
const UNTIL_CLOCK_SET_MS: u64 = 600_000;
/// Boundaries of a payment, with all that comes before and after it.
const BOUNDARIES: u64 = 90;

impl World {
    /// Somebody pays: what goes wrong this time?
    pub(super) fn trouble(&mut self) {
        let mut possible = self.allowed.of(Fault::ALL);
        possible.retain(|fault| !APART.contains(fault) && !PERSONALITIES.contains(fault));
        let times = self.weather_chance.pick(&[0, 1, 1, 1, 2, 2, 3]).unwrap_or(0);
        let staff = self.allowed.of(&[Fault::StaffAsk, Fault::StaffSettle, Fault::StaffCancel, Fault::StaffReprint]);
        if self.weather_chance.percent(25)
            && let Some(order) = self.weather_chance.pick(&staff)
        {
            self.order(order);
        }
        for _ in 0..times {
            if let Some(fault) = self.weather_chance.pick(&possible) {
                self.trace.line(self.now_ms, || format!("ordered {}", fault.word()));
                self.order(fault);
            }
        }
        self.collect();
    }

    fn order(&mut self, fault: Fault) {
        for damage in Damage::ALL {
            let after = self.weather_chance.below(PIECES);
            if damage.to_terminal() == fault {
                return self.rig.damage(damage, true, after);
            }
            if damage.to_kiosk() == fault {
                return self.rig.damage(damage, false, after);
            }
        }
        match fault {
            Fault::LineBreaks => {
                let writes = u8::from(self.weather_chance.percent(50));
                self.rig.break_charge(writes);
            }
            Fault::NakStorm => {
                for _ in 0..self.weather_chance.between(3, 20) {
                    self.soon(20_000, Weather::Nak);
                }
            }
            Fault::Declined
            | Fault::HostTimesOut
            | Fault::Silence
            | Fault::Late
            | Fault::Unplugged
            | Fault::RebootKeeps
            | Fault::RebootLoses
            | Fault::RebootFallsBack => self.card = Some(fault),
            Fault::PaperOut => {
                self.for_a_while(Weather::Printer(PrinterState::PaperOut), Weather::Printer(PrinterState::Online));
            }
            Fault::PrinterGone => {
                self.for_a_while(Weather::Printer(PrinterState::Offline), Weather::Printer(PrinterState::Online));
            }
            Fault::HospitalDown
            | Fault::HospitalSlow
            | Fault::HospitalFails
            | Fault::HospitalBusy
            | Fault::AnswerLost
            | Fault::PartRefused => self.for_a_while(Weather::Hospital(Some(fault)), Weather::Hospital(None)),
            Fault::DiskFull => {
                let (after, failing) = (self.weather_chance.below(8), self.weather_chance.between(1, 4));
                self.power.fill_disk(after, failing);
                self.soon(120_000, Weather::DiskFreed);
            }
            Fault::ClockJumps => {
                let ms = self.weather_chance.pick(&[1_000, 60_000, 1_200_000, 10_800_000, 86_400_000]).unwrap_or(0);
                let forward = self.weather_chance.percent(50);
                self.soon(30_000, Weather::ClockJumps(if forward { ms } else { -ms }));
            }
            Fault::PowerCut | Fault::PowerCutOfAll => {
                let boundaries = self.weather_chance.below(BOUNDARIES);
                self.power.cut_after(boundaries);
            }
            Fault::StaffAsk | Fault::StaffSettle | Fault::StaffCancel | Fault::StaffReprint => {
                self.soon(900_000, Weather::Staff(fault));
            }
            Fault::HostAway | Fault::CardStays => {
                self.rig.machine.mistake(fault, &mut self.weather_chance, self.now_ms);
                self.soon(60_000, Weather::Over(fault));
            }
            _others => {
                self.rig.machine.mistake(fault, &mut self.weather_chance, self.now_ms);
            }
        }
    }

    fn soon(&mut self, within_ms: u64, weather: Weather) {
        let due = self.now_ms + self.weather_chance.below(within_ms);
        self.weather.push((due, weather));
    }

    fn for_a_while(&mut self, weather: Weather, then: Weather) {
        let begins = self.now_ms + self.weather_chance.below(20_000);
        let ends = begins + self.weather_chance.between(5_000, 300_000);
        self.weather.push((begins, weather));
        self.weather.push((ends, then));
    }

    /// The kiosk believes neither clock and serves nobody: somebody is sent for.
    pub(super) fn out_of_service(&mut self) {
        if !self.weather.iter().any(|(_, weather)| *weather == Weather::ClockSet) {
            self.weather.push((self.now_ms + UNTIL_CLOCK_SET_MS, Weather::ClockSet));
        }
    }

    pub(super) fn change_weather(&mut self) {
        while let Some(at) = self.weather.iter().position(|(due, _)| *due <= self.now_ms) {
            let (_, weather) = self.weather.remove(at);
            if weather != Weather::Nothing {
                self.trace.line(self.now_ms, || format!("weather {weather:?}"));
            }
            self.becomes(weather);
        }
    }

    fn becomes(&mut self, weather: Weather) {
        match weather {
            Weather::Nothing => {}
            Weather::Hospital(mood) => self.hospital.set_mood(mood),
            Weather::Printer(state) => {
                let report = self.press.becomes(state);
                self.input(Input::Printer(report));
            }
            Weather::ClockJumps(ms) => {
                self.clock_off_ms += ms;
                self.fired.note(Fault::ClockJumps);
            }
            Weather::ClockSet => {
                self.clock_off_ms = 0;
                // As the desk sees it at a minute after the hospital was heard: its clock says the same.
                self.input(Input::Clock(Standing::Agreed));
            }
            Weather::Nak => {
                self.fired.note(Fault::NakStorm);
                self.rig.talk(&[NAK], self.now_ms);
            }
            Weather::Over(fault) => self.rig.machine.over(fault, self.now_ms),
            Weather::DiskFreed => self.power.free_disk(),
            Weather::Staff(what) => self.staff_order(what),
            Weather::Night => self.night_passes(),
        }
    }

    /// Nothing goes wrong any more.
    pub(super) fn calm(&mut self) {
        self.allowed = Allowed::none();
        self.weather.clear();
        self.rig.calm();
        self.power.free_disk();
        self.power.cut_never();
        self.hospital.set_mood(None);
        let report = self.press.becomes(PrinterState::Online);
        self.input(Input::Printer(report));
        self.collect();
    }

    /// The kiosk has read today's schedule, so that it knows its patients while the hospital is away.
    pub(super) fn keep_schedule(&mut self) {
        let wall = self.wall();
        let everybody = (0..facility::PATIENTS)
            .map(|index| (facility::patient(index), facility::appointment(index, wall)))
            .collect();
        let news = ScheduleNews { whole: true, rows: everybody, ..ScheduleNews::default() };
        if let Err(error) = self.shelf.store().update_schedule(wall.date_naive(), &news, wall) {
            self.trace.line(0, || format!("no schedule: {error}"));
        }
    }
}
