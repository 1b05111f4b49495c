//! `kiosk staff pin|list` and `kiosk audit export|verify`.

use super::{Answer, Refusal, no, usage};
use crate::domain::staff::{Gate, PIN_MAX, PIN_MIN, Pin};
use crate::ports::{StaffBook, Store};
use crate::store::first_broken;
use chrono::{DateTime, FixedOffset};
use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use serde_json::json;
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use zeroize::Zeroizing;

/// Twice, from the terminal without showing it, or as two lines of a pipe. Never from the arguments, which everybody on
/// the machine can read.
///
/// # Errors
/// No PIN, one that is too easy, or two different ones.
pub fn read_pin(input: &mut (impl BufRead + AsFd), prompts: &mut dyn Write) -> Result<Pin, Refusal> {
    let hidden = isatty(&*input).then(|| hide(&*input)).flatten();
    let first = ask(input, prompts, hidden.is_some().then_some("New PIN: "));
    let second = first.is_ok().then(|| ask(input, prompts, hidden.is_some().then_some("The same again: ")));
    if let Some(shown) = hidden {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(&*input, OptionalActions::Now, &shown);
    }
    let first = first?;
    if second.transpose()?.as_ref() != Some(&first) {
        return Err(no("the two are not the same; nothing was changed"));
    }
    if first.is_guessable() {
        return Err(no("this PIN is guessed first (all the same, or counted up or down); choose another"));
    }
    Ok(first)
}

/// Takes the echo away; what to give back afterwards.
fn hide(terminal: impl AsFd) -> Option<Termios> {
    let shown = tcgetattr(&terminal).ok()?;
    let mut mode = shown.clone();
    mode.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&terminal, OptionalActions::Now, &mode).ok()?;
    Some(shown)
}

fn ask(input: &mut impl BufRead, prompts: &mut dyn Write, prompt: Option<&str>) -> Result<Pin, Refusal> {
    if let Some(prompt) = prompt {
        write!(prompts, "{prompt}").and_then(|()| prompts.flush()).map_err(usage)?;
    }
    let mut line = Zeroizing::new(String::with_capacity(64));
    input.read_line(&mut line).map_err(usage)?;
    if prompt.is_some() {
        writeln!(prompts).map_err(usage)?;
    }
    Pin::read(line.trim_start_matches('\u{FEFF}').trim())
        .ok_or_else(|| no(format!("a PIN is {PIN_MIN} to {PIN_MAX} digits; nothing was changed")))
}

fn book(store: &dyn Store) -> Result<&dyn StaffBook, Refusal> {
    store.staff_book().ok_or_else(|| usage("this store keeps no staff book"))
}

/// # Errors
/// The store cannot be written, in words for staff.
pub fn set_pin(store: &dyn Store, pin: &Pin, at: DateTime<FixedOffset>) -> Answer {
    book(store)?.set_pin(pin, at).map_err(usage)?;
    Ok(vec!["the PIN is set, and unlocked if it was locked".to_owned()])
}

/// # Errors
/// The store cannot be read, in words for staff.
pub fn list(store: &dyn Store, as_json: bool, at: DateTime<FixedOffset>) -> Answer {
    let gate = book(store)?.gate(at).map_err(usage)?;
    let (state, until) = match gate {
        Gate::NoPin => ("none", None),
        Gate::Locked { until } => ("locked", Some(until.to_rfc3339())),
        Gate::Closed | Gate::Wrong { .. } | Gate::Open | Gate::Unknown => ("set", None),
    };
    if as_json {
        return Ok(vec![json!({ "who": "staff", "pin": state, "locked_until": until }).to_string()]);
    }
    Ok(vec![match (state, until) {
        (_, Some(until)) => format!("staff  PIN locked until {until}; `kiosk staff pin` sets a new one and unlocks"),
        ("none", None) => "staff  no PIN: set one with `kiosk staff pin`".to_owned(),
        (_, None) => "staff  PIN set".to_owned(),
    }])
}

/// # Errors
/// The store cannot be read, in words for staff.
pub fn export(store: &dyn Store, as_json: bool) -> Answer {
    let trail = book(store)?.trail().map_err(usage)?;
    Ok(trail
        .rows
        .iter()
        .map(|row| {
            if as_json {
                return json!(row).to_string();
            }
            format!("{}  {}  {:<5} {:<13} {:<10} {}", row.sequence, row.at, row.who, row.act, row.about, row.result)
        })
        .collect())
}

/// # Errors
/// The trail is not as it was written.
pub fn verify(store: &dyn Store, as_json: bool) -> Answer {
    let trail = book(store)?.trail().map_err(usage)?;
    let last = trail.rows.last().map_or(trail.before.as_str(), |row| row.hash.as_str());
    if let Some(broken) = first_broken(&trail) {
        return Err(no(format!(
            "row {broken} of the trail was changed, taken out or put in later: keep the data folder as it is and compare \
             with an earlier `kiosk audit export`"
        )));
    }
    let (count, gone) = (trail.rows.len(), trail.gone);
    Ok(vec![if as_json {
        json!({ "ok": true, "rows": count, "last": last, "gone": gone }).to_string()
    } else if gone > 0 {
        format!(
            "{count} rows, each follows the one before it; the last is {last}; {gone} before them went by their age \
             (store.keep_audit_days)"
        )
    } else {
        format!("{count} rows, each follows the one before it; the last is {last}")
    }])
}
