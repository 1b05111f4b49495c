//! The day's running numbers: one row.

use super::column::{json, to_json};
use super::fault::Result;
use crate::domain::session::Counters;
use rusqlite::{Connection, OptionalExtension, Transaction};

pub(super) fn load(connection: &Connection) -> Result<Counters> {
    let counters = connection.query_row("SELECT counters FROM counters", [], |row| json(row, 0));
    Ok(counters.optional()?.unwrap_or_default())
}

pub(super) fn save(tx: &Transaction<'_>, counters: &Counters) -> Result<()> {
    tx.execute(
        "INSERT INTO counters (only_row, counters) VALUES (1, ?1)
         ON CONFLICT (only_row) DO UPDATE SET counters = excluded.counters",
        [to_json(counters)?],
    )?;
    Ok(())
}
