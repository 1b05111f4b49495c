//! Fees, opening hours, desks, patients' rights where the hospital says any: pages and the way back.
//!
//! ```text
//! Fees ◀──▶ Hours ◀──▶ Desks ◀──▶ Rights
//! ```
//! Money and paper: none, in every state.

use super::Flow;
use crate::domain::facility::Facility;
use crate::domain::finished::{JourneyKind, Outcome};
use crate::domain::language::LocalText;
use crate::domain::pricing::cart;
use crate::domain::screen::{HoursRow, InformationPage, InformationTab, Screen, Tap};
use crate::domain::session::kiosk::Kiosk;
use chrono::NaiveTime;

pub struct Information {
    tab: InformationTab,
}

impl Information {
    #[must_use]
    pub const fn new() -> Self {
        Self { tab: InformationTab::Fees }
    }

    pub fn tap(&mut self, tap: Tap) -> Flow {
        if let Tap::Information(tab) = tap {
            self.tab = tab;
        } else if tap == Tap::Back {
            return Flow::Home;
        } else if tap == Tap::Finish {
            return Flow::End;
        }
        Flow::Stay
    }

    pub fn leave(kiosk: &mut Kiosk) {
        kiosk.finish(JourneyKind::Information, Outcome::Informed);
    }

    #[must_use]
    pub fn screen(&self, kiosk: &Kiosk) -> Screen {
        let facility = &kiosk.facility;
        let page = match self.tab {
            InformationTab::Fees => InformationPage::Fees {
                rows: facility.documents.iter().map(|document| cart::row(document, false)).collect(),
            },
            InformationTab::Hours => InformationPage::Hours { rows: hours(facility) },
            InformationTab::Desks => {
                InformationPage::Desks { rows: facility.desks.values().map(|desk| desk.name.clone()).collect() }
            }
            InformationTab::Rights => InformationPage::Rights { text: facility.patient_rights.clone() },
        };
        Screen::Information { page, rights: !facility.patient_rights.0.is_empty() }
    }
}

fn hours(facility: &Facility) -> Vec<HoursRow> {
    let row = |(key, week): (&String, &crate::domain::hours::WeekHours)| HoursRow {
        what: counter(key, facility),
        weekday: week.0[0].map(times),
        saturday: week.0[5].map(times),
        sunday: week.0[6].map(times),
    };
    facility.hours.iter().map(row).collect()
}

/// A table of hours is known to patients by the first paper that it is for.
fn counter(key: &str, facility: &Facility) -> LocalText {
    let document = facility.documents.iter().find(|document| document.hours == key);
    document.map(|document| document.name.clone()).unwrap_or_default()
}

fn times((opens, closes): (NaiveTime, NaiveTime)) -> (String, String) {
    (opens.format("%H:%M").to_string(), closes.format("%H:%M").to_string())
}
