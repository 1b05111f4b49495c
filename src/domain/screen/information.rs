//! What the information pages tell.

use super::DocumentRow;
use crate::domain::language::LocalText;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InformationPage {
    Fees {
        rows: Vec<DocumentRow>,
    },
    Hours {
        rows: Vec<HoursRow>,
    },
    Desks {
        rows: Vec<LocalText>,
    },
    /// Lines.
    Rights {
        text: LocalText,
    },
}

/// Opening hours of one counter: weekdays, Saturday, Sunday, `None` = closed; already `08:00` to `18:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoursRow {
    pub what: LocalText,
    pub weekday: Option<(String, String)>,
    pub saturday: Option<(String, String)>,
    pub sunday: Option<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InformationTab {
    Fees,
    Hours,
    Desks,
    Rights,
}
