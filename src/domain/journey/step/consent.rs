//! May it be done: the hospital's own words, and a plain yes or no. Money and paper: none before the yes.

use crate::domain::screen::{Screen, Tap};
use crate::domain::session::kiosk::Kiosk;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    NotYet,
    Back,
    Refused,
    Given,
}

pub fn tap(tap: Tap) -> Consent {
    if tap == Tap::Agree {
        Consent::Given
    } else if tap == Tap::Disagree {
        Consent::Refused
    } else if tap == Tap::Back {
        Consent::Back
    } else {
        Consent::NotYet
    }
}

pub fn screen(kiosk: &Kiosk) -> Screen {
    Screen::Consent { text: kiosk.facility.consent_on(kiosk.today()).1.clone() }
}
