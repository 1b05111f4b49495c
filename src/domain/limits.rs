//! The longest waits of the machine, in milliseconds, in one place: whatever answers within one of them must be quicker.
//! `tests/limits.rs` holds every such pair against each other, and `config` refuses what would turn one round.

/// A patient waits so long for a look-up; the hospital's adapter answers sooner, this is for an answer that never comes.
pub const LOOK_UP_LIMIT_MS: u64 = 20_000;
/// What a look-up may take longer than its own time-out: the cache is read, the answer comes to the desk.
pub const LOOK_UP_MARGIN_MS: u64 = 2_000;
/// After this an answer of the hospital will never come: little more than the longest that may be asked for.
pub const LOST_MS: u64 = 65_000;
/// A terminal that is not ready by then will not be.
pub const PREPARE_LIMIT_MS: u64 = 40_000;
/// After the time for the card, for the card company; then it is a doubt, whatever the driver is waiting for.
pub const ANSWER_LIMIT_MS: u64 = 180_000;
/// What a driver may need beyond its own limit for a charge: the grace of a call-off, and what it then says.
pub const ANSWER_MARGIN_MS: u64 = 40_000;
/// One `AskOutcome`, with waiting for idle.
pub const ASK_LIMIT_MS: u64 = 60_000;
/// A terminal that is away so long while a payment is in doubt: staff settle it, and may ask the terminal once it is back.
pub const AWAY_LIMIT_MS: u64 = 600_000;
/// After `Confirm` or `Refuse`, for the terminal to go on.
pub const GO_ON_LIMIT_MS: u64 = 60_000;
/// The end of a terminal's day: its driver has answered by then.
pub const CLOSING_LIMIT_MS: u64 = 240_000;
