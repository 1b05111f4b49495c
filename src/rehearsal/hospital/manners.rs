//! In what servers differ that keep to the standard: how much they take at once, how they say that it was too much, and how
//! much they tell of what they took.

use super::rules::Refusal;
use serde_json::{Value, json};

/// Without any, this hospital takes as many entries as come and tells where each is.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// Most entries of a transaction; 0: any number.
    pub entries_max: usize,
    /// The status with which more are refused, and the body; `Null` for none.
    pub refusal: (u16, Value),
    pub location: Location,
    pub minimal: Minimal,
    /// The status of an entry with (`201 Created`) or without its reason.
    pub bare_status: bool,
}

/// Where an entry is, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Location {
    /// `Task/h7`
    #[default]
    Relative,
    /// `https://inner.example/fhir/Task/h7/_history/1`
    Whole,
    /// R4 asks for it in no answer.
    Untold,
}

/// What the server answers to a transaction with `Prefer: return=minimal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Minimal {
    #[default]
    Bundle,
    /// Nothing, with 204.
    Nothing,
    /// Nothing, whatever is preferred.
    AlwaysNothing,
}

impl Manners {
    /// So many entries at most; more are refused with this.
    #[must_use]
    pub fn small(entries_max: usize, status: u16, said: Value) -> Self {
        Self { entries_max, refusal: (status, said), ..Self::default() }
    }

    /// [`Self::small`] with an outcome that says so in `details.text`.
    #[must_use]
    pub fn small_and_plain(entries_max: usize) -> Self {
        let text = "Transaction requires strict isolation but has too many entries";
        Self::small(
            entries_max,
            400,
            json!({"resourceType": "OperationOutcome", "issue": [
                {"severity": "error", "code": "invalid", "details": {"text": text}}]}),
        )
    }

    pub(super) fn refuse_more(&self, bundle: &Value) -> Result<(), Refusal> {
        let entries = bundle["entry"].as_array().map_or(0, Vec::len);
        if self.entries_max == 0 || entries <= self.entries_max {
            return Ok(());
        }
        let (status, said) = self.refusal.clone();
        Err(Refusal { status, text: String::new(), said: Some(said) })
    }

    pub(super) fn entry_answer(&self, status: u16, path: &str) -> Value {
        let reason = if status == 201 { "Created" } else { "OK" };
        let status = if self.bare_status { status.to_string() } else { format!("{status} {reason}") };
        let location = match self.location {
            Location::Untold => return json!({"response": {"status": status}}),
            Location::Relative => path.to_owned(),
            Location::Whole => format!("https://inner.example/fhir/{path}/_history/1"),
        };
        json!({"response": {"status": status, "location": location, "etag": "W/\"1\""}})
    }

    pub(super) fn status_of(&self, prefer: Option<&str>) -> u16 {
        match self.minimal {
            Minimal::AlwaysNothing => 204,
            Minimal::Nothing if prefer == Some("return=minimal") => 204,
            Minimal::Nothing | Minimal::Bundle => 200,
        }
    }
}
