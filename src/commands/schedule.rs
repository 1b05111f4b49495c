//! `kiosk schedule wipe`: today's appointments leave this machine, as they do by themselves at midnight.

use super::{Answer, usage};
use crate::ports::ScheduleCache;
use chrono::NaiveDate;
use serde_json::json;

/// # Errors
/// The store cannot be written, in words for staff.
pub fn wipe(cache: &dyn ScheduleCache, as_json: bool) -> Answer {
    // No day is kept.
    cache.wipe_schedule_except(NaiveDate::MIN).map_err(usage)?;
    let text =
        "today's appointments were erased; check-in without the hospital's server is off until they are fetched again";
    Ok(vec![if as_json { json!({ "wiped": true }).to_string() } else { text.to_owned() }])
}
