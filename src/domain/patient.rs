//! Who a patient is. `Debug` is redacted by hand: patients do not appear in logs (rule 9 of the house).

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The hospital's number for a patient: digits only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PatientNumber(pub String);

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BirthDate(pub NaiveDate);

impl BirthDate {
    /// Completed years on `day` (a child born on 29 February has its birthday on 1 March in common years).
    #[must_use]
    pub fn age_on(self, day: NaiveDate) -> u32 {
        day.years_since(self.0).unwrap_or(0)
    }
}

/// A patient whose number *and* birth date matched.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    pub number: PatientNumber,
    pub birth_date: BirthDate,
    /// Already masked by whoever read it (`홍○동`, `J••• S•••`); the full name never enters the domain.
    pub masked_name: String,
    /// `Patient/<id>` on the hospital's server; unknown offline.
    pub server_ref: Option<String>,
    /// Found in today's cache, not on the server.
    pub offline: bool,
    /// When the hospital last saw this patient's identity papers; `None` if never or unknown.
    pub identity_verified_on: Option<NaiveDate>,
}

/// What a scanner's code turned out to be.
#[derive(Clone, PartialEq, Eq)]
pub enum ScannedCode {
    /// A patient card: says who, still asks for the birth date.
    PatientCard(PatientNumber),
    /// An appointment slip: shows and arrives only its own appointment.
    AppointmentSlip(String),
    /// Neither, or too long, or not text.
    Unknown,
}

/// Today's appointment as a patient may see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// `Appointment/<id>` on the server.
    pub server_ref: String,
    /// What an appointment slip's code carries.
    pub slip: Option<String>,
    /// `versionId` when it was read: the If-Match of the arrival.
    pub version: String,
    pub starts_at: chrono::DateTime<chrono::FixedOffset>,
    /// Clinic as the hospital writes it, by language where it has them.
    pub clinic: super::language::LocalText,
    /// Where to go: desk id in the facility, else free text.
    pub place: super::language::LocalText,
    pub state: AppointmentState,
    /// Came with a referral letter or from an emergency: no ID check is due (rules C4).
    pub referral_or_emergency: bool,
    /// Another site of the same hospital.
    pub other_site: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppointmentState {
    Booked,
    /// Already arrived, at this minute of the day if known.
    Arrived { at_minute: Option<u16> },
    Cancelled,
    Other,
}

/// What the patient said about Korean National Health Insurance, or whatever cover the facility asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InsuranceAnswer {
    Yes,
    No,
    NotSure,
}

macro_rules! redacted {
    ($($name:ty),+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )+};
}
redacted!(PatientNumber, BirthDate, Patient, ScannedCode, Appointment);
