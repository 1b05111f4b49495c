//! `kiosk staff add|role|remove|list|pin|review`: who may enter the staff area, and as what. Nothing here is shown in a lobby.

use super::hidden::Hidden;
use super::socket::Request;
use super::{Answer, Refusal, no, usage};
use crate::domain::person::{Person, Role, StaffNumber, Who, is_name};
use crate::domain::staff::{AuditEntry, Gate, PIN_MAX, PIN_MIN, Pin, StaffAct};
use crate::ports::{StaffBook, StoreError, Trail};
use chrono::{DateTime, FixedOffset};
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::os::fd::AsFd;
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub enum Command {
    /// A person who may enter the staff area as soon as they have a PIN (`kiosk staff pin NAME`).
    Add {
        /// With a department, say, where two have the same.
        #[arg(value_parser = name)]
        name: String,
        /// attendant: devices, payments, queue. technician: also the clock.
        #[arg(long)]
        role: Role,
        /// The hospital's own number of them, four to eight digits; else one is drawn.
        #[arg(long)]
        number: Option<StaffNumber>,
        #[arg(long)]
        json: bool,
    },
    /// Another role.
    Role {
        #[command(flatten)]
        whose: Whose,
        #[arg(long)]
        role: Role,
    },
    /// May enter no more. Their acts stay in the trail.
    Remove {
        #[command(flatten)]
        whose: Whose,
    },
    /// Sets a PIN (four to eight digits, asked twice; or two lines on standard input) and unlocks it. Of the only person
    /// there is, and of the first if there is none, unless somebody is named.
    Pin {
        #[command(flatten)]
        whose: Named,
    },
    List {
        #[arg(long)]
        json: bool,
    },
    /// Who has which rights, since when, given by whom, and when they last came: to be looked through once a year, which
    /// the trail then shows.
    Review {
        #[arg(long)]
        json: bool,
    },
}

/// Somebody, by name or by number.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct Whose {
    #[arg(value_parser = name)]
    name: Option<String>,
    #[arg(long)]
    number: Option<StaffNumber>,
}

#[derive(clap::Args)]
#[group(multiple = false)]
pub struct Named {
    #[arg(value_parser = name)]
    name: Option<String>,
    #[arg(long)]
    number: Option<StaffNumber>,
}

/// On its way to the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Somebody {
    Name(String),
    Number(StaffNumber),
}

/// Arguments are read by everybody on the machine: a PIN among them is refused before anything is done with it.
fn name(text: &str) -> Result<String, String> {
    if is_name(text) {
        return Ok(text.to_owned());
    }
    Err("a name has a letter and is no longer than 60; a staff number is given with --number, a PIN on standard input"
        .to_owned())
}

fn somebody(name: Option<String>, number: Option<StaffNumber>) -> Option<Somebody> {
    number.map(Somebody::Number).or(name.map(Somebody::Name))
}

/// # Errors
/// No PIN could be read.
pub fn request(what: Command, input: &mut (impl BufRead + AsFd), prompts: &mut dyn Write) -> Result<Request, Refusal> {
    let of = |whose: Whose| somebody(whose.name, whose.number).ok_or_else(|| usage("say whose"));
    Ok(match what {
        Command::Add { name, role, number, json } => Request::StaffAdd { name, role, number, json },
        Command::Role { whose, role } => Request::StaffRole { whose: of(whose)?, role },
        Command::Remove { whose } => Request::StaffRemove { whose: of(whose)? },
        Command::Pin { whose } => {
            Request::StaffPin { whose: somebody(whose.name, whose.number), pin: read_pin(input, prompts)? }
        }
        Command::List { json } => Request::StaffList { json },
        Command::Review { json } => Request::StaffReview { json },
    })
}

/// Twice, from the terminal without showing it, or as two lines of a pipe. Never from the arguments, which everybody on
/// the machine can read.
///
/// # Errors
/// No PIN, one that is too easy, or two different ones.
pub fn read_pin(input: &mut (impl BufRead + AsFd), prompts: &mut dyn Write) -> Result<Pin, Refusal> {
    let hidden = Hidden::on(&*input);
    let first = ask(input, prompts, hidden.is_some().then_some("New PIN: "));
    let second = first.is_ok().then(|| ask(input, prompts, hidden.is_some().then_some("The same again: ")));
    drop(hidden);
    let first = first?;
    if second.transpose()?.as_ref() != Some(&first) {
        return Err(no("the two are not the same; nothing was changed"));
    }
    if first.is_guessable() {
        return Err(no("this PIN is guessed first (all the same, or counted up or down); choose another"));
    }
    Ok(first)
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

/// What the book refuses is a "no"; what it cannot do, it cannot.
fn refused(error: StoreError) -> Refusal {
    if let StoreError::Refused(why) = error { no(why) } else { usage(error) }
}

fn number_of(book: &dyn StaffBook, whose: &Somebody) -> Result<StaffNumber, Refusal> {
    match whose {
        Somebody::Number(number) => Ok(*number),
        Somebody::Name(name) => {
            let persons = book.persons().map_err(usage)?;
            let found = persons.into_iter().find(|person| person.removed_at.is_none() && person.name == *name);
            found
                .map(|person| person.number)
                .ok_or_else(|| no(format!("no person {name}; `kiosk staff list` shows them")))
        }
    }
}

/// # Errors
/// 1: the name or the number is somebody's. 2: the store cannot be written.
pub fn add(
    book: &dyn StaffBook,
    name: &str,
    role: Role,
    number: Option<StaffNumber>,
    as_json: bool,
    at: DateTime<FixedOffset>,
) -> Answer {
    let person = book.add_person(name, role, number, at).map_err(refused)?;
    if as_json {
        return Ok(vec![as_value(&person, at).to_string()]);
    }
    let (number, role) = (person.number, role.word());
    Ok(vec![
        format!("{name} has the staff number {number} and is {role}"),
        "they get in with a PIN: `kiosk staff pin` with their name sets one".to_owned(),
    ])
}

/// # Errors
/// 1: nobody of this name. 2: the store cannot be written.
pub fn role(book: &dyn StaffBook, whose: &Somebody, role: Role, at: DateTime<FixedOffset>) -> Answer {
    let person = book.set_role(number_of(book, whose)?, role, at).map_err(refused)?;
    Ok(vec![format!("{} ({}) is {} now", person.name, person.number, role.word())])
}

/// # Errors
/// As [`role`].
pub fn remove(book: &dyn StaffBook, whose: &Somebody, at: DateTime<FixedOffset>) -> Answer {
    let number = number_of(book, whose)?;
    book.remove_person(number, at).map_err(refused)?;
    Ok(vec![format!("{number} gets in no more; what they did stays in the trail")])
}

/// # Errors
/// 1: nobody of this name, or several persons and none named. 2: the store cannot be written.
pub fn set_pin(book: &dyn StaffBook, whose: Option<&Somebody>, pin: &Pin, at: DateTime<FixedOffset>) -> Answer {
    let whose = whose.map(|whose| number_of(book, whose)).transpose()?;
    let person = book.set_pin(whose, pin, at).map_err(refused)?;
    let (name, number, role) = (&person.name, person.number, person.role.word());
    Ok(vec![
        "the PIN is set, and unlocked if it was locked".to_owned(),
        format!(
            "it is {name}'s ({role}), staff number {number}: asked for where there are several persons, or after wrong PINs"
        ),
    ])
}

fn pin_word(person: &Person, at: DateTime<FixedOffset>) -> &'static str {
    match person.locked_until {
        _ if !person.has_pin => "none",
        Some(until) if until > at => "locked",
        Some(_) | None => "set",
    }
}

fn as_value(person: &Person, at: DateTime<FixedOffset>) -> Value {
    let text = |at: Option<DateTime<FixedOffset>>| at.map(|at| at.to_rfc3339());
    let locked = person.locked_until.filter(|until| *until > at);
    json!({
        "who": person.name,
        "pin": pin_word(person, at),
        "locked_until": text(locked),
        "number": person.number,
        "role": person.role,
        "added_at": person.added_at.to_rfc3339(),
        "role_since": person.role_since.to_rfc3339(),
        "granted_by": person.granted_by,
        "last_log_in": text(person.last_log_in),
        "removed_at": text(person.removed_at),
    })
}

/// # Errors
/// The store cannot be read, in words for staff.
pub fn list(book: &dyn StaffBook, as_json: bool, at: DateTime<FixedOffset>) -> Answer {
    let gate = book.gate(at).map_err(usage)?;
    let mut persons = book.persons().map_err(usage)?;
    persons.retain(|person| person.removed_at.is_none());
    if persons.is_empty() {
        let none = json!({ "who": "staff", "pin": "none", "locked_until": null }).to_string();
        return Ok(vec![if as_json { none } else { "staff  no PIN: set one with `kiosk staff pin`".to_owned() }]);
    }
    let mut lines: Vec<String> = persons
        .iter()
        .map(|person| if as_json { as_value(person, at).to_string() } else { line(person, at) })
        .collect();
    if !as_json && gate == (Gate::Number { after_wrong: true }) {
        lines
            .push("the PIN alone was wrong too often: the staff number is asked for until somebody gets in".to_owned());
    }
    Ok(lines)
}

fn line(person: &Person, at: DateTime<FixedOffset>) -> String {
    let Person { number, name, role, .. } = person;
    let pin = match (pin_word(person, at), person.locked_until) {
        ("none", _) => "no PIN: set one with `kiosk staff pin`".to_owned(),
        ("locked", Some(until)) => {
            format!("PIN locked until {}; `kiosk staff pin` sets a new one and unlocks", until.to_rfc3339())
        }
        _set => "PIN set".to_owned(),
    };
    format!("{name}  {pin}  ({}, staff number {number})", role.word())
}

/// Also who was removed. That it was looked at is in the trail.
///
/// # Errors
/// The store cannot be read or written, in words for staff.
pub fn review(book: &dyn StaffBook, trail: &dyn Trail, as_json: bool, at: DateTime<FixedOffset>) -> Answer {
    let persons = book.persons().map_err(usage)?;
    let there = persons.iter().filter(|person| person.removed_at.is_none()).count();
    let entry = AuditEntry::new(Who::Shell, StaffAct::ReviewRights, "", format!("{there} persons"));
    trail.audit(&entry, at).map_err(usage)?;
    Ok(persons.iter().map(|person| if as_json { as_value(person, at).to_string() } else { reviewed(person) }).collect())
}

fn reviewed(person: &Person) -> String {
    let day =
        |at: Option<DateTime<FixedOffset>>| at.map_or_else(|| "never".to_owned(), |at| at.date_naive().to_string());
    let removed = person.removed_at.map_or_else(String::new, |at| format!("  removed {}", at.date_naive()));
    format!(
        "{}  {:<10}  since {}  given by {}  last log-in {}  {}{removed}",
        person.number,
        person.role.word(),
        person.role_since.date_naive(),
        person.granted_by,
        day(person.last_log_in),
        person.name,
    )
}
