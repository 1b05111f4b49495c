//! Today's schedule, so that check-in works while the hospital's server does not. Gone at midnight.

use super::column::{json, to_json};
use super::fault::Result;
use crate::domain::patient::{Appointment, BirthDate, Patient, PatientNumber};
use chrono::NaiveDate;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

/// More appointments of one patient on one day are not shown.
const APPOINTMENTS_MAX: u32 = 50;
pub(super) const FIND_PATIENT: &str =
    "SELECT patient FROM schedule WHERE day = ?1 AND number = ?2 AND birth_date = ?3 LIMIT 1";
pub(super) const FIND_APPOINTMENTS: &str =
    "SELECT appointment FROM schedule WHERE day = ?1 AND number = ?2 ORDER BY starts_at_s, rowid LIMIT ?3";
pub(super) const FIND_SLIP: &str = "SELECT patient, appointment FROM schedule WHERE day = ?1 AND slip = ?2 LIMIT 2";

/// A row as it is stored; made before the database is locked, for a day has 15,000 of them.
pub(super) struct Prepared {
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

pub(super) fn replace(tx: &Transaction<'_>, day: NaiveDate, rows: &[Prepared]) -> Result<()> {
    let day = day.to_string();
    tx.execute("DELETE FROM schedule WHERE day = ?1", [&day])?;
    let mut statement = tx.prepare(
        "INSERT INTO schedule (day, number, birth_date, slip, starts_at_s, patient, appointment)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for row in rows {
        statement.execute(params![
            day,
            row.number,
            row.birth_date,
            row.slip,
            row.starts_at_s,
            row.patient,
            row.appointment
        ])?;
    }
    Ok(())
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

/// Nobody if two rows share the slip: it must not show one patient what is another's.
pub(super) fn slip(connection: &Connection, day: NaiveDate, code: &str) -> Result<Option<(Patient, Appointment)>> {
    let mut statement = connection.prepare(FIND_SLIP)?;
    let rows = statement.query_map(params![day.to_string(), code], |row| Ok((offline_patient(row)?, json(row, 1)?)))?;
    let mut found = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

pub(super) fn wipe_except(tx: &Transaction<'_>, day: NaiveDate) -> Result<()> {
    tx.execute("DELETE FROM schedule WHERE day <> ?1", [day.to_string()])?;
    Ok(())
}
