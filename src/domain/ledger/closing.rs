//! Lines about the end of the terminal's day.

use super::change::{Change, Write};
use super::refusal::Refusal;
use super::{Rows, Time, refuse_beside_open};
use crate::domain::closing::{ClosingEnd, ClosingEntry, ClosingId, ClosingRecord};

pub(super) fn record<'a, R: Rows>(entry: &'a ClosingEntry, at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    match entry {
        ClosingEntry::Asked { closing } => ask(*closing, at, rows),
        ClosingEntry::Ended { closing, end } => end_day(*closing, end, at, rows),
    }
}

/// Never beside a money operation: it would be in neither day's totals for sure.
fn ask<'a, R: Rows>(closing: ClosingId, at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    if let Some(known) = rows.closing(closing)? {
        return if known.end.is_none() { Ok(Change::default()) } else { Err(Refusal::ClosingOver.into()) };
    }
    refuse_beside_open(rows, None)?;
    let (charges_to, undos_to) = rows.last_places()?;
    Ok(Change::of(Write::NewClosing(ClosingRecord { closing, asked_at: at, end: None, charges_to, undos_to })))
}

/// Said twice it is harmless; an answer is never written over another.
fn end_day<'a, R: Rows>(closing: ClosingId, end: &'a ClosingEnd, at: Time, rows: &R) -> Result<Change<'a>, R::Error> {
    let known = rows.closing(closing)?.ok_or(Refusal::UnknownClosing)?;
    match &known.end {
        Some(known) if known == end => Ok(Change::default()),
        Some(_) => Err(Refusal::OtherTotals.into()),
        None => Ok(Change::of(Write::Closing { closing, end, at })),
    }
}
