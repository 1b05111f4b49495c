//! Today's schedule, so that check-in works while the hospital's server does not. Gone at midnight.

use super::column::{json, time, to_json};
use super::fault::Result;
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use crate::ports::ScheduleMark;
use chrono::{DateTime, FixedOffset, NaiveDate};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use std::collections::BTreeSet;

/// More appointments of one patient on one day are not shown.
const APPOINTMENTS_MAX: u32 = 50;
pub(super) const FIND_PATIENT: &str =
    "SELECT patient FROM schedule WHERE day = ?1 AND number = ?2 AND birth_date = ?3 LIMIT 1";
pub(super) const FIND_APPOINTMENTS: &str =
    "SELECT appointment FROM schedule WHERE day = ?1 AND number = ?2 ORDER BY starts_at_s, rowid LIMIT ?3";
pub(super) const FIND_SLIP: &str = "SELECT patient, appointment FROM schedule WHERE day = ?1 AND slip = ?2 LIMIT 100";

/// More rows are not written in one transaction: whoever waits for the store meanwhile is a patient.
pub(super) const ROWS_AT_ONCE: usize = 100;

/// An appointment, and one number of one of its patients, as it is stored; made before the database is locked, for a day
/// has 15,000 of them.
pub(super) struct Prepared {
    appointment_ref: String,
    number: String,
    birth_date: String,
    slip: Option<String>,
    starts_at_s: i64,
    patient: String,
    appointment: String,
}

pub(super) fn prepare(rows: &[(Patient, Appointment)]) -> Result<Vec<Prepared>> {
    let prepare_row = |(patient, appointment): &(Patient, Appointment)| {
        Ok(Prepared {
            appointment_ref: appointment.server_ref.clone(),
            number: patient.number.0.clone(),
            birth_date: patient.birth_date.0.to_string(),
            slip: appointment.slip.clone(),
            starts_at_s: appointment.starts_at.timestamp(),
            patient: to_json(patient)?,
            appointment: to_json(appointment)?,
        })
    };
    rows.iter().map(prepare_row).collect()
}

/// A row that is as it was is not written again. True if something was overwritten.
pub(super) fn put(tx: &Transaction<'_>, day: NaiveDate, rows: &[Prepared]) -> Result<bool> {
    let day = day.to_string();
    let count = |tx: &Transaction<'_>| -> rusqlite::Result<i64> {
        tx.query_row("SELECT COUNT(*) FROM schedule WHERE day = ?1", [&day], |row| row.get(0))
    };
    let before = count(tx)?;
    let mut statement = tx.prepare(
        "INSERT INTO schedule (day, appointment_ref, number, birth_date, slip, starts_at_s, patient, appointment)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (day, appointment_ref, number) DO UPDATE SET birth_date = excluded.birth_date, slip = excluded.slip,
             starts_at_s = excluded.starts_at_s, patient = excluded.patient, appointment = excluded.appointment
         WHERE patient <> excluded.patient OR appointment <> excluded.appointment",
    )?;
    let mut written = 0;
    for row in rows {
        written += statement.execute(params![
            day,
            row.appointment_ref,
            row.number,
            row.birth_date,
            row.slip,
            row.starts_at_s,
            row.patient,
            row.appointment
        ])?;
    }
    Ok(i64::try_from(written).unwrap_or(i64::MAX) > count(tx)? - before)
}

/// An appointment and a number that is kept with it.
pub(super) type Key = (String, String);

/// What is kept of the day and not among `rows`: with `whole` all of it, else what is kept of their appointments, which may
/// have lost a patient.
pub(super) fn not_among(connection: &Connection, day: NaiveDate, rows: &[Prepared], whole: bool) -> Result<Vec<Key>> {
    let now: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.appointment_ref.as_str(), row.number.as_str())).collect();
    let named: BTreeSet<&str> = rows.iter().map(|row| row.appointment_ref.as_str()).collect();
    let mut statement = connection.prepare("SELECT appointment_ref, number FROM schedule WHERE day = ?1")?;
    let found = statement.query_map([day.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found = found.collect::<rusqlite::Result<Vec<Key>>>()?;
    let is_stale = |(reference, number): &Key| {
        (whole || named.contains(reference.as_str())) && !now.contains(&(reference.as_str(), number.as_str()))
    };
    Ok(found.into_iter().filter(is_stale).collect())
}

/// True if there was one of them.
pub(super) fn remove_stale(tx: &Transaction<'_>, day: NaiveDate, stale: &[Key]) -> Result<bool> {
    let mut statement = tx.prepare("DELETE FROM schedule WHERE day = ?1 AND appointment_ref = ?2 AND number = ?3")?;
    let mut removed = 0;
    for (reference, number) in stale {
        removed += statement.execute(params![day.to_string(), reference, number])?;
    }
    Ok(removed > 0)
}

/// True if there was one of them.
pub(super) fn remove(tx: &Transaction<'_>, day: NaiveDate, gone: &[String]) -> Result<bool> {
    let mut statement = tx.prepare("DELETE FROM schedule WHERE day = ?1 AND appointment_ref = ?2")?;
    let mut removed = 0;
    for reference in gone {
        removed += statement.execute(params![day.to_string(), reference])?;
    }
    Ok(removed > 0)
}

/// Without a mark the next pull is whole.
pub(super) fn set_mark(
    tx: &Transaction<'_>,
    day: NaiveDate,
    whole: bool,
    mark: Option<(&str, DateTime<FixedOffset>)>,
) -> Result<()> {
    let day = day.to_string();
    match mark {
        None => tx.execute("DELETE FROM schedule_marks WHERE day = ?1", [day])?,
        Some((mark, at)) if whole => tx.execute(
            "INSERT OR REPLACE INTO schedule_marks (day, mark, whole_at) VALUES (?1, ?2, ?3)",
            params![day, mark, at.to_rfc3339()],
        )?,
        // Wiped while it was pulled: then there is no row, and the next pull is whole.
        Some((mark, _)) => tx.execute("UPDATE schedule_marks SET mark = ?2 WHERE day = ?1", [&day, mark])?,
    };
    Ok(())
}

pub(super) fn mark(connection: &Connection, day: NaiveDate) -> Result<Option<ScheduleMark>> {
    let found =
        connection.query_row("SELECT mark, whole_at FROM schedule_marks WHERE day = ?1", [day.to_string()], |row| {
            Ok(ScheduleMark { mark: row.get(0)?, whole_at: time(row, 1)? })
        });
    Ok(found.optional()?)
}

pub(super) fn patient(
    connection: &Connection,
    day: NaiveDate,
    number: &PatientNumber,
    birth_date: BirthDate,
) -> Result<Option<Patient>> {
    let found = connection.query_row(
        FIND_PATIENT,
        params![day.to_string(), number.0, birth_date.0.to_string()],
        offline_patient,
    );
    Ok(found.optional()?)
}

fn offline_patient(row: &Row<'_>) -> rusqlite::Result<Patient> {
    json(row, 0).map(|patient: Patient| Patient { offline: true, ..patient })
}

pub(super) fn appointments(
    connection: &Connection,
    day: NaiveDate,
    number: &PatientNumber,
) -> Result<Vec<Appointment>> {
    let mut statement = connection.prepare(FIND_APPOINTMENTS)?;
    let rows = statement.query_map(params![day.to_string(), number.0, APPOINTMENTS_MAX], |row| json(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Nobody if two appointments share the slip: it must not show one patient what is another's. Of several patients of one
/// appointment the eldest, as at the hospital's server.
pub(super) fn slip(connection: &Connection, day: NaiveDate, code: &str) -> Result<Option<(Patient, Appointment)>> {
    let mut statement = connection.prepare(FIND_SLIP)?;
    let rows = statement
        .query_map(params![day.to_string(), code], |row| Ok((offline_patient(row)?, json::<Appointment>(row, 1)?)))?;
    let mut found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let same = found.windows(2).all(|pair| pair[0].1.server_ref == pair[1].1.server_ref);
    found.sort_by_key(|(patient, _)| std::cmp::Reverse(patient.birth_date.0));
    Ok(found.pop().filter(|_| same))
}

/// True while there is more to wipe.
pub(super) fn wipe_some_except(tx: &Transaction<'_>, day: NaiveDate) -> Result<bool> {
    let day = day.to_string();
    tx.execute("DELETE FROM schedule_marks WHERE day <> ?1", [&day])?;
    let wiped = tx.execute(
        "DELETE FROM schedule WHERE rowid IN (SELECT rowid FROM schedule WHERE day <> ?1 LIMIT ?2)",
        params![day, i64::try_from(ROWS_AT_ONCE).unwrap_or(i64::MAX)],
    )?;
    Ok(wiped == ROWS_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;
    use rusqlite::StatementStatus;

    fn filled(rows: i64) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, schema::STEPS).unwrap();
        connection
            .execute(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                 INSERT INTO schedule SELECT '2026-11-25', 'Appointment/' || i, printf('%08d', i), '1990-01-01', 'S' || i, i, '{}', '{}' FROM n",
                [rows],
            )
            .unwrap();
        connection
    }

    /// Steps of the database's machine, rows stepped through in a scan, and sorts, until the answer is there.
    fn effort(connection: &Connection, sql: &str, parameters: &[&str]) -> [i32; 3] {
        let mut statement = connection.prepare(sql).unwrap();
        assert_eq!(
            statement.query(rusqlite::params_from_iter(parameters)).unwrap().next().unwrap().map(|_| 1),
            Some(1),
            "{sql}"
        );
        [StatementStatus::VmStep, StatementStatus::FullscanStep, StatementStatus::Sort]
            .map(|what| statement.get_status(what))
    }

    /// A look-up costs the same in a day of 15,000 appointments as in a day of ten: it reads its own row.
    #[test]
    fn a_look_up_reads_one_row_however_long_the_day() {
        for (sql, parameters) in [
            (FIND_PATIENT, &["2026-11-25", "00000007", "1990-01-01"] as &[&str]),
            (FIND_APPOINTMENTS, &["2026-11-25", "00000007", "50"]),
            (FIND_SLIP, &["2026-11-25", "S7"]),
        ] {
            let [short, long] = [10, 15_000].map(|rows| effort(&filled(rows), sql, parameters));
            assert_eq!(short, long, "{sql}");
            assert_eq!(long[1], 0, "{sql}");
        }
    }
}
