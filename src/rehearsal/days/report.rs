//! What `rehearse` says at the end: the sum of all days.

use super::DayReport;
use super::faults::Fired;
use super::oracle::Promise;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    pub days: u64,
    pub payments: u64,
    pub virtual_ms: u64,
    fired: Fired,
    cuts: BTreeMap<&'static str, u64>,
    checked: [u64; Promise::COUNT],
    broken: [u64; Promise::COUNT],
}

impl Sum {
    pub fn add(&mut self, day: &DayReport) {
        self.days += 1;
        self.payments += day.payments;
        self.virtual_ms += day.virtual_ms;
        self.fired.add(&day.fired);
        for (place, times) in &day.cuts {
            *self.cuts.entry(place).or_default() += times;
        }
        for (mine, more) in self.checked.iter_mut().zip(day.checked) {
            *mine += more;
        }
        for broken in &day.broken {
            self.broken[broken.promise as usize] += 1;
        }
    }

    /// The last line for machines; without the rate it is the same for the same seeds.
    #[must_use]
    pub fn json(&self, rate: Option<u64>) -> Value {
        let mut faults = Map::new();
        for (fault, times) in self.fired.counts() {
            faults.insert(fault.word().to_owned(), times.into());
        }
        let mut promises = Map::new();
        for promise in Promise::ALL {
            let at = promise as usize;
            promises.insert(promise.word().to_owned(), json!({"checked": self.checked[at], "broken": self.broken[at]}));
        }
        let mut line = json!({
            "kiosk_days": self.days,
            "payments": self.payments,
            "virtual_hours": self.virtual_ms / 3_600_000,
            "faults": faults,
            "power_cuts_at": self.cuts,
            "promises": promises,
        });
        if let Some(rate) = rate {
            line["payments_per_second"] = rate.into();
        }
        line
    }

    #[must_use]
    pub fn words(&self, rate: u64) -> String {
        let mut text =
            format!("{} kiosk-days, {} payments, {rate} payments per second\nfaults fired:", self.days, self.payments);
        // Writing to a string cannot fail.
        for (fault, times) in self.fired.counts().filter(|(_, times)| *times > 0) {
            let _ = write!(text, " {} {times}", fault.word());
        }
        text.push_str("\npower cuts:");
        for (place, times) in &self.cuts {
            let _ = write!(text, " {place} {times},");
        }
        for promise in Promise::ALL {
            let at = promise as usize;
            let _ = write!(text, "\n{}: {} checked, {} broken", promise.word(), self.checked[at], self.broken[at]);
        }
        text
    }
}
