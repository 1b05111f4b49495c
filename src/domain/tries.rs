//! Look-ups that may be guesses. Three wrong ones for a number, a slip or a payment send it to the desk for the day;
//! twenty on the machine in ten minutes slow it down for two, three where only the cache of the day answered (somebody may
//! have pulled the plug of the network), and so do five people who were found and whose visit came to nothing.
//!
//! What was looked up is kept as a hash under the day's own random salt, so that it does not outlive its session. All of it is
//! in the store before the answer is on the screen: a power cut gives no try back. After a restart what was recent is taken for
//! of now, for ticks do not go on.
//!
//! A day is over when the clock shows another one and its midnight has passed by our own ticks as well: a clock that jumps frees
//! nothing early. How long the power was away only the clock can tell, so after a restart somebody else has to say that it is
//! right, or a whole day passes.

use crate::domain::facility::CheckInRules;
use crate::domain::moment::{Moment, Tick};
use crate::domain::patient::PatientNumber;
use chrono::{DateTime, FixedOffset, NaiveDate, Timelike};
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

const WINDOW_MS: u64 = 10 * 60_000;
const SLOW_MS: u64 = 2 * 60_000;
const DAY_MS: u64 = 24 * 3_600_000;
/// How long each look-up waits while the machine is slowed.
pub const SLOW_LOOK_UP_MS: u64 = 10_000;
/// Wrong ones remembered. Of more the least tried goes first and a locked one never; when all are locked, whatever else is
/// looked up is taken for locked as well: that takes thousands of tries on one day.
const BOOK_MAX: usize = 2_000;
/// Of the machine; no rule counts further.
const RECENT_MAX: usize = 1_000;
const UNFINISHED_MAX: usize = 100;

/// What somebody is looked up by.
#[derive(Clone, Copy)]
pub enum Named<'a> {
    /// Typed, or on a card.
    Number(&'a PatientNumber),
    /// The code of an appointment slip.
    Slip(&'a str),
    /// What somebody knows of a payment first.
    Payment(&'a str),
}

/// Who says that there is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    ByHospital,
    /// The hospital did not answer, or cannot be understood, and nobody like that is in the cache of the day.
    ByCache,
}

/// Of the machine, whoever was looked up.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Machine {
    /// Wrong tries of the last ten minutes, and those of them against the cache.
    pub wrong: u32,
    pub wrong_by_cache: u32,
    /// Found in the last ten minutes, and their visits came to nothing so far.
    pub unfinished: Vec<Uuid>,
    pub slow: bool,
}

/// All that a store keeps of a day's tries. Nothing in it is a number, a slip or a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriesKept {
    pub day: NaiveDate,
    pub salt: Uuid,
    /// What the clock said when the machine was counted last.
    pub at: DateTime<FixedOffset>,
    pub machine: Machine,
    /// Wrong tries of each, the first counted first.
    pub book: Vec<(Uuid, u32)>,
}

/// What one look-up changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub day: NaiveDate,
    pub salt: Uuid,
    pub at: DateTime<FixedOffset>,
    pub machine: Machine,
    /// So many wrong tries of this one now; 0: none any more.
    pub wrong: Option<(Uuid, u32)>,
    /// Left out of the book.
    pub gone: Option<Uuid>,
    /// It counts a try: what comes of it must not be shown before it is kept. Else it takes one back.
    pub counts: bool,
}

impl Tried {
    /// As a store keeps it, for those that keep everything at hand.
    pub fn keep(&self, kept: &mut Option<TriesKept>) {
        let same = kept.take().filter(|kept| (kept.day, kept.salt) == (self.day, self.salt));
        let mut book = same.map(|kept| kept.book).unwrap_or_default();
        book.retain(|(known, _)| Some(*known) != self.gone);
        if let Some((key, count)) = self.wrong {
            match book.iter_mut().find(|(known, _)| *known == key) {
                Some(known) => known.1 = count,
                None => book.push((key, count)),
            }
            book.retain(|(_, count)| *count > 0);
        }
        *kept = Some(TriesKept { day: self.day, salt: self.salt, at: self.at, machine: self.machine.clone(), book });
    }
}

#[derive(Debug, Clone, Default)]
pub struct Tries {
    day: Option<NaiveDate>,
    /// By our own ticks its midnight has passed.
    over_at: Tick,
    /// It began before a restart, and nobody has said since that the clock is right.
    is_unsure: bool,
    salt: Uuid,
    book: Arc<Vec<(Uuid, u32)>>,
    wrong: VecDeque<(Tick, Miss)>,
    unfinished: VecDeque<(Tick, Uuid)>,
    /// Who was found last in this visit.
    here: Option<Uuid>,
    slow_until: Tick,
}

impl Tries {
    /// What was kept over a restart.
    #[must_use]
    pub fn restarted(kept: TriesKept, at: Moment) -> Self {
        let mut tries = Self {
            day: Some(kept.day),
            over_at: at.tick.plus_ms(DAY_MS),
            is_unsure: true,
            salt: kept.salt,
            book: Arc::new(kept.book),
            ..Self::default()
        };
        let over_ms = (at.wall - kept.at).num_milliseconds();
        if u64::try_from(over_ms).is_ok_and(|over_ms| over_ms > WINDOW_MS) {
            return tries;
        }
        let Machine { wrong, wrong_by_cache, unfinished, slow } = kept.machine;
        for count in (0..wrong).take(RECENT_MAX) {
            tries.wrong.push_back((at.tick, if count < wrong_by_cache { Miss::ByCache } else { Miss::ByHospital }));
        }
        tries.unfinished.extend(unfinished.into_iter().take(UNFINISHED_MAX).map(|key| (at.tick, key)));
        if slow {
            tries.slow_until = at.tick.plus_ms(SLOW_MS);
        }
        tries
    }

    /// The hospital, or a technician, says that the clock is right.
    pub fn clock_is_right(&mut self, at: Moment) {
        if std::mem::take(&mut self.is_unsure) {
            let is_over = self.day.is_none_or(|day| at.wall.date_naive() > day);
            self.over_at = if is_over { at.tick } else { midnight_after(at) };
        }
    }

    /// Counts a wrong try. `true` if what was looked up must now go to the desk.
    pub fn wrong(&mut self, named: Named<'_>, miss: Miss, rules: &CheckInRules, at: Moment) -> (bool, Tried) {
        let key = self.key_of(named, at);
        self.wrong_of(key, miss, rules, at)
    }

    /// What stands for it today.
    pub fn key_of(&mut self, named: Named<'_>, at: Moment) -> Uuid {
        self.start_day(at);
        self.key(named)
    }

    /// As [`Self::wrong`], by [`Self::key_of`].
    pub fn wrong_of(&mut self, key: Uuid, miss: Miss, rules: &CheckInRules, at: Moment) -> (bool, Tried) {
        self.start_day(at);
        self.forget_old(at.tick);
        if self.wrong.len() >= RECENT_MAX {
            self.wrong.pop_front();
        }
        self.wrong.push_back((at.tick, miss));
        self.slow_down_if(self.wrong.len() >= rules.machine_tries_max as usize, at.tick);
        let against_cache = miss == Miss::ByCache && self.wrong_by_cache() >= rules.offline_tries_max as usize;
        self.slow_down_if(against_cache, at.tick);
        let (count, gone) = self.count(key, rules.wrong_tries_max);
        // Without room for it, it is as good as locked.
        let locked = count.is_none_or(|count| count >= rules.wrong_tries_max);
        (locked, self.tried(count.map(|count| (key, count)), gone, true, at))
    }

    /// Somebody was found, and is shown more than whoever does not know them may see. `None` if that is counted already.
    pub fn found(&mut self, named: Named<'_>, rules: &CheckInRules, at: Moment) -> Option<Tried> {
        self.start_day(at);
        self.forget_old(at.tick);
        let key = self.key(named);
        self.here = Some(key);
        let was_wrong = self.book.iter().any(|(known, _)| *known == key);
        let again = self.unfinished.iter().any(|(_, known)| *known == key);
        if was_wrong {
            Arc::make_mut(&mut self.book).retain(|(known, _)| *known != key);
        }
        if !again {
            if self.unfinished.len() >= UNFINISHED_MAX {
                self.unfinished.pop_front();
            }
            self.unfinished.push_back((at.tick, key));
            self.slow_down_if(self.unfinished.len() >= rules.unfinished_visits_max as usize, at.tick);
        }
        (was_wrong || !again).then(|| self.tried(was_wrong.then_some((key, 0)), None, true, at))
    }

    /// The visit of whoever was found last came to something.
    pub fn finished(&mut self, at: Moment) -> Option<Tried> {
        let key = self.here.take()?;
        let before = self.unfinished.len();
        self.unfinished.retain(|(_, known)| *known != key);
        (self.unfinished.len() < before).then(|| self.tried(None, None, false, at))
    }

    /// The visit is over; what it came to is said by now.
    pub const fn left(&mut self) {
        self.here = None;
    }

    #[must_use]
    pub fn is_locked(&self, named: Named<'_>, rules: &CheckInRules, at: Moment) -> bool {
        if self.is_new_day(at) {
            return false;
        }
        let key = self.key(named);
        let known = self.book.iter().find(|(known, _)| *known == key);
        match known {
            Some((_, count)) => *count >= rules.wrong_tries_max,
            None => self.book.len() >= BOOK_MAX && self.book.iter().all(|(_, count)| *count >= rules.wrong_tries_max),
        }
    }

    #[must_use]
    pub fn is_slow(&self, at: Tick) -> bool {
        at < self.slow_until
    }

    fn slow_down_if(&mut self, yes: bool, at: Tick) {
        if yes {
            self.slow_until = at.plus_ms(SLOW_MS);
        }
    }

    fn wrong_by_cache(&self) -> usize {
        self.wrong.iter().filter(|(_, miss)| *miss == Miss::ByCache).count()
    }

    /// How often it was wrong, if there is room for it, and who had to go for it.
    fn count(&mut self, key: Uuid, max: u32) -> (Option<u32>, Option<Uuid>) {
        let book = Arc::make_mut(&mut self.book);
        if let Some((_, count)) = book.iter_mut().find(|(known, _)| *known == key) {
            *count = count.saturating_add(1);
            return (Some(*count), None);
        }
        let mut gone = None;
        if book.len() >= BOOK_MAX {
            let unlocked = book.iter().enumerate().filter(|(_, (_, count))| *count < max);
            // The first of the least: the oldest.
            let Some((place, _)) = unlocked.min_by_key(|(_, (_, count))| *count) else { return (None, None) };
            gone = Some(book.remove(place).0);
        }
        book.push((key, 1));
        (Some(1), gone)
    }

    fn tried(&self, wrong: Option<(Uuid, u32)>, gone: Option<Uuid>, counts: bool, at: Moment) -> Tried {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let machine = Machine {
            wrong: count(self.wrong.len()),
            wrong_by_cache: count(self.wrong_by_cache()),
            unfinished: self.unfinished.iter().map(|(_, key)| *key).collect(),
            slow: self.is_slow(at.tick),
        };
        let day = self.day.unwrap_or_else(|| at.wall.date_naive());
        Tried { day, salt: self.salt, at: at.wall, machine, wrong, gone, counts }
    }

    fn forget_old(&mut self, at: Tick) {
        let is_old = |counted: Tick| at.ms_since(counted) > WINDOW_MS;
        while self.wrong.front().is_some_and(|(counted, _)| is_old(*counted)) {
            self.wrong.pop_front();
        }
        while self.unfinished.front().is_some_and(|(counted, _)| is_old(*counted)) {
            self.unfinished.pop_front();
        }
    }

    /// Also an earlier one: a day of a clock that was far ahead must not last until its date comes.
    fn is_new_day(&self, at: Moment) -> bool {
        self.day.is_none_or(|day| at.wall.date_naive() != day && at.tick >= self.over_at)
    }

    fn start_day(&mut self, at: Moment) {
        if self.is_new_day(at) {
            (self.day, self.over_at, self.is_unsure) = (Some(at.wall.date_naive()), midnight_after(at), false);
            self.salt = at.fresh_id("tries");
            self.book = Arc::default();
            // Their hashes are of another salt.
            self.unfinished.clear();
            self.here = None;
        }
    }

    fn key(&self, named: Named<'_>) -> Uuid {
        let (kind, text) = match named {
            Named::Number(number) => ("number", number.0.as_str()),
            Named::Slip(code) => ("slip", code),
            Named::Payment(digits) => ("payment", digits),
        };
        Uuid::new_v5(&self.salt, format!("{kind} {text}").as_bytes())
    }
}

fn midnight_after(at: Moment) -> Tick {
    let passed_ms = u64::from(at.wall.num_seconds_from_midnight()) * 1_000;
    at.tick.plus_ms(DAY_MS.saturating_sub(passed_ms))
}
