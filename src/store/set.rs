//! What of a row is written over: the columns that are named, and no other, so that no index is written for nothing.

use rusqlite::types::Value;
use rusqlite::{Transaction, params_from_iter};

#[derive(Debug, Default)]
pub(super) struct Set {
    columns: Vec<&'static str>,
    values: Vec<Value>,
}

impl Set {
    pub fn put(&mut self, column: &'static str, value: impl Into<Value>) {
        self.columns.push(column);
        self.values.push(value.into());
    }

    /// Where `key` is `of`; nothing where nothing is set. Table and columns are ours.
    pub fn write(self, tx: &Transaction<'_>, table: &str, key: &str, of: impl Into<Value>) -> rusqlite::Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let columns: Vec<String> = self.columns.iter().map(|column| format!("{column} = ?")).collect();
        let sql = format!("UPDATE {table} SET {} WHERE {key} = ?", columns.join(", "));
        tx.execute(&sql, params_from_iter(self.values.into_iter().chain([of.into()])))?;
        Ok(())
    }
}
