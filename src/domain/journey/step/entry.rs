//! Digits under the patient's fingers: the hospital number and the birth date. Zeroed when dropped.

use crate::domain::moment::Moment;
use crate::domain::patient::BirthDate;
use crate::domain::screen::{DateEntry, DateField, EntryProblem, Tap};
use chrono::{Datelike, NaiveDate};
use zeroize::{Zeroize, ZeroizeOnDrop};

const BORN_FROM: i32 = 1900;

/// Up to `slots` digits.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct Digits(String);

impl Digits {
    /// Room for all of them at once, so that no copy stays behind in freed memory.
    pub fn push(&mut self, digit: u8, slots: usize) {
        if self.0.capacity() == 0 {
            self.0.reserve_exact(32);
        }
        if digit <= 9 && self.0.len() < slots.min(32) {
            self.0.push(char::from(b'0' + digit));
        }
    }

    /// What the keys of a number do; false if `tap` is none of them.
    pub fn tap(&mut self, tap: Tap, slots: usize) -> bool {
        if let Tap::Digit(digit) = tap {
            self.push(digit, slots);
        } else if tap == Tap::Erase {
            self.erase();
        } else if tap == Tap::ClearAll {
            self.clear();
        } else {
            return false;
        }
        true
    }

    pub fn erase(&mut self) {
        self.0.pop();
    }

    pub fn clear(&mut self) {
        self.0.zeroize();
    }

    pub fn cut(&mut self, length: usize) {
        self.0.truncate(length);
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    fn part(&self, from: usize, to: usize) -> &str {
        let end = to.min(self.0.len());
        self.0.get(from.min(end)..end).unwrap_or_default()
    }

    fn number(&self, from: usize, to: usize) -> u32 {
        self.part(from, to).parse().unwrap_or(0)
    }
}

/// Year, month, day as eight digits in that order, each field checked when it is full.
#[derive(Default)]
pub struct DateDigits {
    digits: Digits,
    pub problem: Option<EntryProblem>,
}

impl DateDigits {
    pub fn push(&mut self, digit: u8, at: Moment) {
        self.problem = None;
        self.digits.push(digit, 8);
        if let Some((problem, keep)) = self.fault(at) {
            self.problem = Some(problem);
            self.digits.cut(keep);
        }
    }

    pub fn erase(&mut self) {
        self.problem = None;
        self.digits.erase();
    }

    pub fn clear(&mut self) {
        self.problem = None;
        self.digits.clear();
    }

    /// What is impossible about the field just filled, and how many digits stay.
    fn fault(&self, at: Moment) -> Option<(EntryProblem, usize)> {
        let this_year = at.wall.year();
        match self.digits.len() {
            4 if !(BORN_FROM..=this_year).contains(&self.year()) => Some((EntryProblem::NoSuchYear, 0)),
            6 if !(1..=12).contains(&self.digits.number(4, 6)) => Some((EntryProblem::NoSuchMonth, 4)),
            8 => match self.date() {
                None => Some((EntryProblem::NoSuchDay, 6)),
                Some(date) if date.0 > at.wall.date_naive() => Some((EntryProblem::NoSuchYear, 0)),
                Some(_) => None,
            },
            0..=7 | 9.. => None,
        }
    }

    fn year(&self) -> i32 {
        i32::try_from(self.digits.number(0, 4)).unwrap_or(0)
    }

    /// `None` unless eight digits make a day of the calendar.
    pub fn date(&self) -> Option<BirthDate> {
        if self.digits.len() < 8 {
            return None;
        }
        NaiveDate::from_ymd_opt(self.year(), self.digits.number(4, 6), self.digits.number(6, 8)).map(BirthDate)
    }

    pub fn entry(&self) -> DateEntry {
        DateEntry {
            year: self.digits.part(0, 4).to_owned(),
            month: self.digits.part(4, 6).to_owned(),
            day: self.digits.part(6, 8).to_owned(),
            active: match self.digits.len() {
                0..=3 => DateField::Year,
                4..=5 => DateField::Month,
                6..=7 => DateField::Day,
                8.. => DateField::Complete,
            },
            problem: self.problem,
        }
    }
}
