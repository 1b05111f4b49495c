//! Opening hours and holidays.

use chrono::NaiveTime;

/// Monday first. `None` = closed that day. Closing is exclusive of service, inclusive for "ready by".
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeekHours(pub [Option<(NaiveTime, NaiveTime)>; 7]);
