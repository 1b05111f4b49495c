//! A day of thousands of appointments, written out page by page before anybody asks: reading it costs the one who reads.

use super::query::Query;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PAGE_ROWS: usize = 200;

pub struct LongDay {
    /// The pages of each turn; a pull gets the turn after that of the pull before.
    turns: Vec<Vec<String>>,
    begun: usize,
    pub read_to_end: u64,
}

impl LongDay {
    pub fn write(mut appointments: Vec<Value>, patients: &[Value], turns: usize) -> Self {
        let by_reference: BTreeMap<String, &Value> =
            patients.iter().map(|patient| (reference_to(patient), patient)).collect();
        let turn = |turn: usize| {
            for appointment in &mut appointments {
                appointment["meta"]["versionId"] = json!((turn + 1).to_string());
            }
            pages(turn, &appointments, &by_reference)
        };
        Self { turns: (0..turns).map(turn).collect(), begun: 0, read_to_end: 0 }
    }

    /// `None` if this is no question for a whole day.
    pub fn answer(&mut self, query: &Query) -> Option<(u16, String)> {
        let told = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        let number = |name: &str| told(name).and_then(|value| value.parse::<usize>().ok());
        if told("_lastUpdated").is_some() {
            let issue = json!([{"severity": "error", "code": "not-supported"}]);
            return Some((400, json!({"resourceType": "OperationOutcome", "issue": issue}).to_string()));
        }
        if told("_include").is_none() || told("identifier").is_some() || told("patient").is_some() {
            return None;
        }
        let (turn, page) = number("_turn").zip(number("_page")).unwrap_or_else(|| {
            self.begun += 1;
            (self.begun % self.turns.len().max(1), 0)
        });
        let pages = self.turns.get(turn)?;
        self.read_to_end += u64::from(page + 1 == pages.len());
        Some((200, pages.get(page)?.clone()))
    }
}

fn pages(turn: usize, appointments: &[Value], patients: &BTreeMap<String, &Value>) -> Vec<String> {
    let count = appointments.len().div_ceil(PAGE_ROWS);
    let page = |(number, rows): (usize, &[Value])| {
        let actors = rows.iter().flat_map(|row| row["participant"].as_array().into_iter().flatten());
        let references = actors.filter_map(|participant| participant["actor"]["reference"].as_str());
        let included: BTreeMap<&str, &Value> =
            references.filter_map(|reference| Some((reference, *patients.get(reference)?))).collect();
        let entry = |resource: &Value, mode: &str| json!({"resource": resource, "search": {"mode": mode}});
        let entries: Vec<Value> = rows
            .iter()
            .map(|row| entry(row, "match"))
            .chain(included.values().map(|patient| entry(patient, "include")))
            .collect();
        let mut bundle =
            json!({"resourceType": "Bundle", "type": "searchset", "total": appointments.len(), "entry": entries});
        if number + 1 < count {
            let next = format!("Appointment?_include=Appointment:patient&_turn={turn}&_page={}", number + 1);
            bundle["link"] = json!([{"relation": "next", "url": next}]);
        }
        bundle.to_string()
    };
    appointments.chunks(PAGE_ROWS).enumerate().map(page).collect()
}

fn reference_to(patient: &Value) -> String {
    format!("Patient/{}", patient["id"].as_str().unwrap_or_default())
}
