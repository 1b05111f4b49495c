//! How domain values lie in columns: JSON text, RFC 3339 text, one word per state.

use super::fault::Result;
use crate::domain::attempt::PaymentState;
use crate::domain::outbox::QueueState;
use crate::domain::undo::UndoState;
use chrono::{DateTime, FixedOffset};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Says only where: what stands there may be personal.
#[derive(Debug, thiserror::Error)]
#[error("not understood")]
struct NotUnderstood;

fn not_understood(column: usize) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(NotUnderstood))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    Ok(serde_json::to_string(value)?)
}

pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    json_or_null(row, column)?.ok_or_else(|| not_understood(column))
}

pub(super) fn json_or_null<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| not_understood(column))).transpose()
}

pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(column)?;
    Uuid::parse_str(&text).map_err(|_| not_understood(column))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<DateTime<FixedOffset>> {
    let text: String = row.get(column)?;
    DateTime::parse_from_rfc3339(&text).map_err(|_| not_understood(column))
}

pub(super) fn time_or_null(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DateTime<FixedOffset>>> {
    let text: Option<String> = row.get(column)?;
    if text.is_some() { time(row, column).map(Some) } else { Ok(None) }
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    let count: i64 = row.get(column)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(super) const fn payment_word(state: PaymentState) -> &'static str {
    state.word()
}

pub(super) fn payment_state(row: &Row<'_>, column: usize) -> rusqlite::Result<PaymentState> {
    let word: String = row.get(column)?;
    PaymentState::ALL.into_iter().find(|state| payment_word(*state) == word).ok_or_else(|| not_understood(column))
}

pub(super) const fn undo_word(state: UndoState) -> &'static str {
    state.word()
}

pub(super) fn undo_state(row: &Row<'_>, column: usize) -> rusqlite::Result<UndoState> {
    let word: String = row.get(column)?;
    UndoState::ALL.into_iter().find(|state| undo_word(*state) == word).ok_or_else(|| not_understood(column))
}

pub(super) const fn queue_word(state: QueueState) -> &'static str {
    match state {
        QueueState::Waiting => "waiting",
        QueueState::Sent => "sent",
        QueueState::Parked => "parked",
    }
}

pub(super) fn queue_state(row: &Row<'_>, column: usize) -> rusqlite::Result<QueueState> {
    let word: String = row.get(column)?;
    [QueueState::Waiting, QueueState::Sent, QueueState::Parked]
        .into_iter()
        .find(|state| queue_word(*state) == word)
        .ok_or_else(|| not_understood(column))
}

/// As a list in SQL: they are our own.
pub(super) fn words(words: impl Iterator<Item = &'static str>) -> String {
    words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}
