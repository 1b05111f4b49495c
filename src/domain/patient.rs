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

/// A name as a lobby may see it: `홍길동` → `홍○동`, `John Smith` → `J••• S•••`. Always three dots, so that a Latin
/// word does not tell its length. A name without letters becomes `•••`.
#[must_use]
pub fn mask_name(name: &str) -> String {
    let words: Vec<&str> =
        name.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return "•••".to_owned();
    }
    if words.iter().all(|word| word.chars().all(writes_syllables)) {
        return mask_syllables(&words.concat());
    }
    let masked: Vec<String> = words.iter().take(NAME_WORDS_MAX).map(|word| mask_word(word)).collect();
    masked.join(" ")
}

/// More words than this add nothing that a patient needs to recognise their name.
const NAME_WORDS_MAX: usize = 4;

/// First and last syllable stay, as Korean hospitals call people; of two only the first, of one none.
fn mask_syllables(name: &str) -> String {
    let syllables: Vec<char> = name.chars().collect();
    match syllables.as_slice() {
        [first, between @ .., last] if !between.is_empty() => format!("{first}{}{last}", "○".repeat(between.len())),
        [first, _] => format!("{first}○"),
        _ => "○".to_owned(),
    }
}

fn mask_word(word: &str) -> String {
    word.chars().find(|c| c.is_alphabetic()).map_or_else(|| "•••".to_owned(), |initial| format!("{initial}•••"))
}

/// Hangul, Han and kana: scripts whose names are written without spaces, a syllable or more a character.
const fn writes_syllables(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
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
    Arrived {
        at_minute: Option<u16>,
    },
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

#[cfg(test)]
mod tests {
    use super::mask_name;

    #[test]
    fn names_are_masked() {
        for (name, masked) in [
            ("홍길동", "홍○동"),
            ("홍 길동", "홍○동"),
            ("남궁민수", "남○○수"),
            ("이산", "이○"),
            ("김", "○"),
            ("山田太郎", "山○○郎"),
            ("王芳", "王○"),
            ("John Smith", "J••• S•••"),
            ("Smith, John", "S••• J•••"),
            ("Anne-Marie O'Neil", "A••• O•••"),
            ("Madonna", "M•••"),
            ("X", "X•••"),
            ("Нгуен Ван", "Н••• В•••"),
            ("محمد علي", "م••• ع•••"),
            ("홍길동 John", "홍••• J•••"),
            ("a b c d e f", "a••• b••• c••• d•••"),
            ("  ", "•••"),
            ("", "•••"),
            ("123", "•••"),
        ] {
            assert_eq!(mask_name(name), masked, "{name}");
        }
    }
}
