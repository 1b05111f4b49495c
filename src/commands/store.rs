//! `kiosk store show|acknowledge`, and what every command that reads the books says while a damaged store is not acknowledged.

use super::{Answer, NO, Refusal, no, usage, write_down};
use crate::domain::person::Who;
use crate::domain::set_aside::SetAside;
use crate::domain::staff::{AuditEntry, StaffAct};
use crate::ports::{Store, Upkeep};
use chrono::{DateTime, FixedOffset};
use serde_json::json;

/// What came over from a damaged store that staff have not acknowledged.
///
/// # Errors
/// There is one (1), or the store cannot be read.
pub fn show(store: &dyn Upkeep, as_json: bool) -> Answer {
    let told = store.set_aside().map_err(usage)?;
    let lines = vec![match (&told, as_json) {
        (told, true) => told.as_ref().map_or_else(|| json!({ "set_aside": null }), as_value).to_string(),
        (Some(told), false) => format!("{}  {told}", told.at.to_rfc3339()),
        (None, false) => "the store is sound".to_owned(),
    }];
    match told {
        Some(told) => Err(Refusal { exit: NO, why: what_to_do(&told), lines }),
        None => Ok(lines),
    }
}

fn as_value(told: &SetAside) -> serde_json::Value {
    let SetAside { file, at, why, payments, requests, unread, nothing } = told;
    json!({ "set_aside": file, "at": at.to_rfc3339(), "why": why, "payments": payments, "requests": requests,
            "unread": unread, "nothing": nothing })
}

/// Opens payments again. In the trail before it is done.
///
/// # Errors
/// There is nothing to acknowledge (1), or the store cannot be written.
pub fn acknowledge(store: &dyn Store, at: DateTime<FixedOffset>) -> Answer {
    let Some(told) = store.set_aside().map_err(usage)? else {
        return Err(no("no damaged store waits to be acknowledged; nothing was done"));
    };
    let entry = AuditEntry::new(Who::Shell, StaffAct::OpenPayments, told.file.clone(), told.to_string());
    write_down(store, &entry)?;
    store.acknowledge_set_aside(at).map_err(usage)?;
    Ok(vec![format!("payments are open again; {} stays until its time is over", told.file)])
}

/// The lists are true, and not whole: whoever reads them has to know, also a script.
///
/// # Errors
/// As `answer`; or a damaged store is not acknowledged (1), with all that `answer` says.
pub fn with_warning(store: &dyn Upkeep, answer: Answer) -> Answer {
    let lines = answer?;
    match store.set_aside().map_err(usage)? {
        Some(told) => Err(Refusal { exit: NO, why: format!("{told}\n{}", what_to_do(&told)), lines }),
        None => Ok(lines),
    }
}

fn what_to_do(told: &SetAside) -> String {
    let first = if told.is_incomplete() {
        "compare the payments with the card terminal and the card company, look at the disk, then "
    } else {
        "look at the disk, then "
    };
    format!("payments are closed: {first}open them in the staff area or with `kiosk store acknowledge`")
}
