//! Wrong tries: three for a number send it to the desk, twenty on the machine in ten minutes slow it for two.
//!
//! Numbers are kept as salted hashes until midnight, so that what was typed does not outlive its session.

use crate::domain::moment::{Moment, Tick};
use crate::domain::patient::PatientNumber;
use chrono::NaiveDate;
use std::collections::VecDeque;
use uuid::Uuid;

const WINDOW_MS: u64 = 10 * 60_000;
const SLOW_MS: u64 = 2 * 60_000;
/// How long each look-up waits while the machine is slowed.
pub const SLOW_LOOK_UP_MS: u64 = 10_000;
/// Numbers remembered; more wrong numbers than this in a day push the oldest out.
const NUMBERS_MAX: usize = 500;

#[derive(Clone, Default)]
pub struct Tries {
    day: Option<NaiveDate>,
    salt: Uuid,
    numbers: VecDeque<(Uuid, u32)>,
    recent: VecDeque<Tick>,
    slow_until: Tick,
}

impl Tries {
    /// Counts a wrong try. `true` if this number must now go to the desk.
    pub fn wrong(&mut self, number: &PatientNumber, max: u32, machine_max: u32, at: Moment) -> bool {
        self.wrong_on_machine(machine_max, at);
        self.start_day(at);
        let key = self.key(number);
        let count = match self.numbers.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => {
                *count += 1;
                *count
            }
            None => self.remember(key),
        };
        count >= max
    }

    /// Counts a wrong try that named no number (a slip that is not ours).
    pub fn wrong_on_machine(&mut self, machine_max: u32, at: Moment) {
        while self.recent.front().is_some_and(|old| at.tick.ms_since(*old) > WINDOW_MS) {
            self.recent.pop_front();
        }
        self.recent.push_back(at.tick);
        if self.recent.len() >= machine_max as usize {
            self.slow_until = at.tick.plus_ms(SLOW_MS);
            self.recent.clear();
        }
    }

    pub fn right(&mut self, number: &PatientNumber) {
        let key = self.key(number);
        self.numbers.retain(|(known, _)| *known != key);
    }

    pub fn is_locked(&mut self, number: &PatientNumber, max: u32, at: Moment) -> bool {
        self.start_day(at);
        let key = self.key(number);
        self.numbers.iter().any(|(known, count)| *known == key && *count >= max)
    }

    pub fn is_slow(&self, at: Tick) -> bool {
        at < self.slow_until
    }

    fn remember(&mut self, key: Uuid) -> u32 {
        if self.numbers.len() >= NUMBERS_MAX {
            self.numbers.pop_front();
        }
        self.numbers.push_back((key, 1));
        1
    }

    fn start_day(&mut self, at: Moment) {
        let today = at.wall.date_naive();
        if self.day != Some(today) {
            self.day = Some(today);
            self.salt = at.fresh_id("tries");
            self.numbers.clear();
        }
    }

    fn key(&self, number: &PatientNumber) -> Uuid {
        Uuid::new_v5(&self.salt, number.0.as_bytes())
    }
}
