//! Whether the machine's clock is believed, by what the hospital's answers say of it.
//!
//! | the hospital's clock is away from ours by | then |
//! |---|---|
//! | a minute at most | ours holds |
//! | 24 hours at most | the hospital's holds: its appointments, its day |
//! | more | neither is believed: nobody is served |
//!
//! One odd answer changes nothing, and the difference is asked for again at once: three in a row must say the same. Out of
//! the third row lead: the clock set right, a technician who says that ours is right, and the hospital's clock, if for a
//! quarter of an hour no answer said otherwise. For what a kiosk does is done in the hospital's books, and a lobby has no
//! technician on a Sunday; a quarter of an hour is longer than one ill node of a cluster keeps answering alone.

use super::moment::Tick;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// Apart by more than this, neither is believed.
pub const BELIEVED_S: i64 = 24 * 3600;
/// Apart by less than this, ours holds: nobody sees it, and a clock that followed each answer would never stand still.
const LEFT_ALONE_S: i64 = 60;
/// Two answers that differ by less say the same.
const SAME_S: i64 = 30;
/// A technician who said that ours is right meant a difference like this one.
const ACCEPTED_S: i64 = 3600;
const ANSWERS: u32 = 3;
const OVERRULING_ANSWERS: u32 = 10;
const OVERRULING_MS: u64 = 15 * 60_000;
/// How long a program is in use at most.
const YEARS_MAX: i32 = 20;
const RELEASED: i32 = 2026;

/// Before its own first release this program did not run, and long after it neither will.
#[must_use]
pub fn is_possible(at: DateTime<Utc>) -> bool {
    let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    year(RELEASED).is_some_and(|first| at >= first) && year(RELEASED + YEARS_MAX).is_some_and(|end| at < end)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// The hospital was not heard since the start, or since the clock jumped.
    #[default]
    Unheard,
    /// The hospital's clock says the same, ours corrected by it where that was needed.
    Agreed,
    /// The hospital's is ahead of ours by so many seconds, and neither is believed.
    Disputed { ahead_s: i64 },
    /// So it is, and a technician said that ours is right.
    Accepted { ahead_s: i64 },
}

#[derive(Debug, Clone, Default)]
pub struct Belief {
    standing: Standing,
    correction_s: i64,
    streak: Option<Streak>,
}

/// Answers in a row that say the same.
#[derive(Debug, Clone, Copy)]
struct Streak {
    ahead_s: i64,
    answers: u32,
    since: Tick,
}

impl Belief {
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// What is to be added to the machine's clock.
    #[must_use]
    pub const fn correction_s(&self) -> i64 {
        self.correction_s
    }

    /// Another answer now would bring more certainty.
    #[must_use]
    pub fn wants_answer(&self) -> bool {
        let open = self.streak.is_none_or(|streak| streak.answers < ANSWERS && !self.holds(streak.ahead_s));
        matches!(self.standing, Standing::Unheard | Standing::Disputed { .. }) || open
    }

    /// The hospital's clock is `ahead_s` seconds ahead of the machine's, an answer says that no cache gave.
    pub fn heard(&mut self, ahead_s: i64, now: Tick) {
        let same = self.streak.filter(|streak| streak.ahead_s.abs_diff(ahead_s) <= SAME_S.unsigned_abs());
        let streak = same.map_or(Streak { ahead_s, answers: 1, since: now }, |streak| Streak {
            ahead_s,
            answers: streak.answers.saturating_add(1),
            ..streak
        });
        self.streak = Some(streak);
        if self.holds(ahead_s) {
            if self.standing == Standing::Unheard {
                self.standing = Standing::Agreed;
            }
        } else if streak.answers >= ANSWERS {
            self.conclude(streak, now);
        }
    }

    /// What is believed already says so too.
    fn holds(&self, ahead_s: i64) -> bool {
        let near = |known: i64, most: i64| known.abs_diff(ahead_s) <= most.unsigned_abs();
        match self.standing {
            Standing::Unheard => near(0, LEFT_ALONE_S),
            Standing::Agreed => near(self.correction_s, LEFT_ALONE_S),
            Standing::Disputed { .. } => false,
            Standing::Accepted { ahead_s } => near(ahead_s, ACCEPTED_S),
        }
    }

    fn conclude(&mut self, streak: Streak, now: Tick) {
        let ahead_s = streak.ahead_s;
        let believed = ahead_s.unsigned_abs() <= BELIEVED_S.unsigned_abs();
        let overrules = matches!(self.standing, Standing::Disputed { .. })
            && streak.answers >= OVERRULING_ANSWERS
            && now.ms_since(streak.since) >= OVERRULING_MS;
        (self.standing, self.correction_s) = if ahead_s.unsigned_abs() <= LEFT_ALONE_S.unsigned_abs() {
            (Standing::Agreed, 0)
        } else if believed || overrules {
            (Standing::Agreed, ahead_s)
        } else {
            (Standing::Disputed { ahead_s }, 0)
        };
    }

    /// The machine's clock was set: nothing that was measured holds any more.
    pub fn jumped(&mut self) {
        *self = Self::default();
    }

    /// A technician says that the machine's clock is right.
    pub fn accept(&mut self) {
        if let Standing::Disputed { ahead_s } = self.standing {
            self.standing = Standing::Accepted { ahead_s };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;
    const MINUTE: u64 = 60_000;

    /// `ahead_s` in seconds, one answer a minute: standing and correction after each.
    fn after(answers: &[i64]) -> (Standing, i64) {
        let mut belief = Belief::default();
        for (minute, ahead_s) in answers.iter().enumerate() {
            belief.heard(*ahead_s, Tick(minute as u64 * MINUTE));
        }
        (belief.standing(), belief.correction_s())
    }

    #[test]
    fn the_hospitals_clock_is_believed_up_to_a_day() {
        let (agreed, unheard) = (Standing::Agreed, Standing::Unheard);
        for (answers, said) in [
            (&[] as &[i64], (unheard, 0)),
            (&[0], (agreed, 0)),
            (&[60], (agreed, 0)),
            (&[61], (unheard, 0)),
            (&[3600, 3600], (unheard, 0)),
            (&[3600, 3601, 3599], (agreed, 3599)),
            // Heard before: one odd answer, or two, change nothing.
            (&[0, 3600, 3600, 0], (agreed, 0)),
            (&[0, 3600, 7200, 3600, 7200], (agreed, 0)),
            (&[0, 3600, 3600, 3600], (agreed, 3600)),
            (&[3600, 3600, 3600, 0, 0], (agreed, 3600)),
            (&[3600, 3600, 3600, 0, 0, 0], (agreed, 0)),
            (&[-DAY, -DAY, -DAY], (agreed, -DAY)),
            (&[DAY + 1, DAY + 1], (unheard, 0)),
            (&[DAY + 1, DAY + 1, DAY + 1], (Standing::Disputed { ahead_s: DAY + 1 }, 0)),
            (&[-2 * DAY; 5], (Standing::Disputed { ahead_s: -2 * DAY }, 0)),
            (&[2 * DAY, 2 * DAY, 2 * DAY, 0, 0, 0], (agreed, 0)),
            (&[i64::MAX, i64::MAX, i64::MAX], (Standing::Disputed { ahead_s: i64::MAX }, 0)),
            (&[i64::MIN, i64::MAX, i64::MIN], (unheard, 0)),
        ] {
            assert_eq!(after(answers), said, "{answers:?}");
        }
    }

    #[test]
    fn a_hospital_that_keeps_saying_so_overrules_the_machine_after_a_quarter_of_an_hour() {
        assert_eq!(after(&[2 * DAY; 15]).0, Standing::Disputed { ahead_s: 2 * DAY }, "fourteen minutes");
        assert_eq!(after(&[2 * DAY; 16]), (Standing::Agreed, 2 * DAY));
        let mut interrupted = [2 * DAY; 20];
        interrupted[10] = 0;
        assert_eq!(after(&interrupted).0, Standing::Disputed { ahead_s: 2 * DAY }, "one answer said otherwise");
        let mut hurried = Belief::default();
        (0..100).for_each(|second| hurried.heard(2 * DAY, Tick(second * 1000)));
        assert_eq!(hurried.standing(), Standing::Disputed { ahead_s: 2 * DAY }, "many answers, and no time");
    }

    #[test]
    fn a_technician_is_believed_until_the_clock_or_the_difference_changes() {
        let mut belief = Belief::default();
        belief.accept();
        assert_eq!(belief.standing(), Standing::Unheard, "nothing to accept");
        (0..3).for_each(|_| belief.heard(2 * DAY, Tick(0)));
        belief.accept();
        let accepted = Standing::Accepted { ahead_s: 2 * DAY };
        (0..100).for_each(|minute| belief.heard(2 * DAY + 5, Tick(minute * MINUTE)));
        assert_eq!((belief.standing(), belief.correction_s(), belief.wants_answer()), (accepted, 0, false));
        let mut jumped = belief.clone();
        jumped.jumped();
        assert_eq!((jumped.standing(), jumped.wants_answer()), (Standing::Unheard, true));
        (0..3).for_each(|_| belief.heard(5 * DAY, Tick(0)));
        assert_eq!(belief.standing(), Standing::Disputed { ahead_s: 5 * DAY });
    }

    #[test]
    fn it_asks_again_until_it_is_certain() {
        let mut belief = Belief::default();
        for _ in 0..3 {
            assert!(belief.wants_answer());
            belief.heard(7_200, Tick(0));
        }
        assert!(!belief.wants_answer(), "three say the same");
        (0..9).for_each(|_| belief.heard(2 * DAY, Tick(0)));
        assert!(belief.wants_answer(), "a dispute is never over by itself");
        belief.jumped();
        belief.heard(1, Tick(0));
        assert!(!belief.wants_answer(), "one that agrees is enough");
        belief.heard(3600, Tick(0));
        assert!(belief.wants_answer(), "and one that does not is asked about");
    }

    #[test]
    fn times_at_which_no_copy_of_this_program_runs_are_impossible() {
        let at = |text: &str| is_possible(DateTime::parse_from_rfc3339(text).unwrap().to_utc());
        assert_eq!(
            ["1970-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-11-25T01:00:00Z"].map(at),
            [false, false, true, true]
        );
        assert_eq!(
            ["2045-12-31T23:59:59Z", "2046-01-01T00:00:00Z", "2099-01-01T00:00:00Z"].map(at),
            [true, false, false]
        );
        assert!(!is_possible(DateTime::<Utc>::MAX_UTC) && !is_possible(DateTime::<Utc>::MIN_UTC));
    }
}
