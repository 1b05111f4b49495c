//! The tables, and how an older database becomes this one. Each step is one transaction with its version number.

use super::audit::{self, ChainKey};
use super::fault::Result;
use super::older;
use crate::ports::StoreError;
use rusqlite::{Connection, TransactionBehavior};

/// Never edit a step that was released: append one.
pub(super) const STEPS: &[&str] = &[
    "
    CREATE TABLE payments (
        sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
        attempt         TEXT NOT NULL UNIQUE,
        number          TEXT NOT NULL,
        request_id      TEXT NOT NULL,
        state           TEXT NOT NULL,
        amount          INTEGER NOT NULL,
        request         TEXT NOT NULL,
        receipt         TEXT NOT NULL,
        baseline        TEXT NOT NULL,
        raw_answer      BLOB,
        card            TEXT,
        reason          TEXT,
        started_at      TEXT NOT NULL,
        changed_at      TEXT NOT NULL,
        receipt_printed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX payments_by_state ON payments (state);
    CREATE INDEX payments_by_request ON payments (request_id);

    CREATE TABLE outbox (
        sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
        id              TEXT NOT NULL UNIQUE,
        visit           TEXT NOT NULL,
        kind            TEXT NOT NULL,
        state           TEXT NOT NULL,
        queued_at       TEXT NOT NULL,
        delivered_at    TEXT,
        request         TEXT,
        bundle          BLOB,
        tries           INTEGER NOT NULL DEFAULT 0,
        in_try          INTEGER NOT NULL DEFAULT 0,
        maybe_delivered INTEGER NOT NULL DEFAULT 0,
        note            TEXT
    ) STRICT;
    CREATE INDEX outbox_by_state ON outbox (state, sequence);
    CREATE INDEX outbox_by_visit ON outbox (visit, sequence) WHERE state IN ('waiting', 'parked');

    CREATE TABLE schedule (
        day         TEXT NOT NULL,
        number      TEXT NOT NULL,
        birth_date  TEXT NOT NULL,
        slip        TEXT,
        starts_at_s INTEGER NOT NULL,
        patient     TEXT NOT NULL,
        appointment TEXT NOT NULL
    ) STRICT;
    CREATE INDEX schedule_by_number ON schedule (day, number, birth_date);
    CREATE INDEX schedule_by_slip ON schedule (day, slip) WHERE slip IS NOT NULL;

    CREATE TABLE counters (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        counters TEXT NOT NULL
    ) STRICT;
",
    "
    ALTER TABLE payments ADD COLUMN booking TEXT NOT NULL DEFAULT '\"final\"';
",
    "
    ALTER TABLE payments ADD COLUMN evidence TEXT;
    CREATE INDEX payments_by_approval ON payments (json_extract(card, '$.approval_number'));
    CREATE INDEX payments_by_unique_number ON payments (json_extract(card, '$.unique_number'));
    CREATE INDEX payments_by_terminal_time ON payments (json_extract(card, '$.terminal_time'));
",
    "
    CREATE TABLE staff (
        only_row     INTEGER PRIMARY KEY CHECK (only_row = 1),
        pin_hash     TEXT NOT NULL,
        set_at       TEXT NOT NULL,
        failures     INTEGER NOT NULL DEFAULT 0,
        locked_until TEXT
    ) STRICT;

    CREATE TABLE audit (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        at       TEXT NOT NULL,
        who      TEXT NOT NULL,
        act      TEXT NOT NULL,
        about    TEXT NOT NULL,
        result   TEXT NOT NULL,
        hash     TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
",
    "
    CREATE TABLE undos (
        sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
        undo       TEXT NOT NULL UNIQUE,
        attempt    TEXT NOT NULL,
        way        TEXT NOT NULL,
        state      TEXT NOT NULL,
        amount     INTEGER NOT NULL,
        card       TEXT NOT NULL,
        raw_answer BLOB,
        answer     TEXT,
        reason     TEXT,
        started_at TEXT NOT NULL,
        changed_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX undos_by_attempt ON undos (attempt, sequence);
    CREATE INDEX undos_by_state ON undos (state);
",
    "
    DROP TABLE schedule;
    CREATE TABLE schedule (
        day             TEXT NOT NULL,
        appointment_ref TEXT NOT NULL,
        number          TEXT NOT NULL,
        birth_date      TEXT NOT NULL,
        slip            TEXT,
        starts_at_s     INTEGER NOT NULL,
        patient         TEXT NOT NULL,
        appointment     TEXT NOT NULL,
        UNIQUE (day, appointment_ref)
    ) STRICT;
    CREATE INDEX schedule_by_number ON schedule (day, number, birth_date);
    CREATE INDEX schedule_by_slip ON schedule (day, slip) WHERE slip IS NOT NULL;

    CREATE TABLE schedule_marks (
        day      TEXT PRIMARY KEY,
        mark     TEXT NOT NULL,
        whole_at TEXT NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE closings (
        sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
        closing    TEXT NOT NULL UNIQUE,
        divides    TEXT NOT NULL,
        ended      TEXT,
        charges_to INTEGER NOT NULL,
        undos_to   INTEGER NOT NULL,
        asked_at   TEXT NOT NULL,
        changed_at TEXT NOT NULL
    ) STRICT;
    CREATE INDEX closings_by_divides ON closings (divides, sequence);
",
    "
    ALTER TABLE outbox ADD COLUMN taken TEXT;
",
    // An appointment may be of several patients, and a patient may have several numbers. The day is pulled anew.
    "
    DROP TABLE schedule;
    CREATE TABLE schedule (
        day             TEXT NOT NULL,
        appointment_ref TEXT NOT NULL,
        number          TEXT NOT NULL,
        birth_date      TEXT NOT NULL,
        slip            TEXT,
        starts_at_s     INTEGER NOT NULL,
        patient         TEXT NOT NULL,
        appointment     TEXT NOT NULL,
        UNIQUE (day, appointment_ref, number)
    ) STRICT;
    CREATE INDEX schedule_by_number ON schedule (day, number, birth_date);
    CREATE INDEX schedule_by_slip ON schedule (day, slip) WHERE slip IS NOT NULL;
    DELETE FROM schedule_marks;
",
    "
    CREATE TABLE numbers (
        day      TEXT PRIMARY KEY,
        tickets  INTEGER NOT NULL,
        claims   INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        given_at TEXT,
        turn     INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX numbers_by_turn ON numbers (turn);
    INSERT INTO numbers (day, tickets, claims, attempts, turn)
        SELECT json_extract(counters, '$.day'), json_extract(counters, '$.tickets'), json_extract(counters, '$.claims'),
               json_extract(counters, '$.attempts'), 1
        FROM counters WHERE json_extract(counters, '$.day') IS NOT NULL;
    DROP TABLE counters;
",
    // The trail has an end by age (`keep_audit_days`). The row before the first one that is left stands in `audit_cut`, and
    // only what is written off there may go.
    "
    CREATE TABLE audit_cut (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        sequence INTEGER NOT NULL,
        hash     TEXT NOT NULL
    ) STRICT;
    DROP TRIGGER audit_is_kept;
    CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
        WHEN OLD.sequence > coalesce((SELECT sequence FROM audit_cut), 0)
        BEGIN SELECT RAISE(ABORT, 'the trail is only added to'); END;
",
    // Look-ups that may be guesses, of one day and under its salt: hashes and counts only.
    "
    CREATE TABLE tries_day (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        day      TEXT NOT NULL,
        salt     TEXT NOT NULL,
        at       TEXT NOT NULL,
        machine  TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tries (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        key      TEXT NOT NULL UNIQUE,
        wrong    INTEGER NOT NULL
    ) STRICT;
",
    // The trail gets a key, and rows say what was before and after. `marks` are its end, its beginning and the row that seals
    // what was written without a key; `anchors` are the heads that the hospital took. See `migrate_with`.
    TRAIL_GETS_A_KEY,
    // Staff are persons. The one PIN there was becomes the first of them, a technician, with a number drawn by chance.
    "
    CREATE TABLE persons (
        number       TEXT PRIMARY KEY,
        name         TEXT NOT NULL,
        role         TEXT NOT NULL,
        pin_hash     TEXT,
        pin_set_at   TEXT,
        added_at     TEXT NOT NULL,
        role_since   TEXT NOT NULL,
        granted_by   TEXT NOT NULL,
        failures     INTEGER NOT NULL DEFAULT 0,
        locked_until TEXT,
        last_log_in  TEXT,
        removed_at   TEXT
    ) STRICT;
    CREATE TABLE staff_door (
        only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
        wrong          INTEGER NOT NULL,
        wrong_at       TEXT,
        wait_until     TEXT,
        without_number INTEGER NOT NULL
    ) STRICT;
    INSERT INTO persons (number, name, role, pin_hash, pin_set_at, added_at, role_since, granted_by)
        SELECT 10000 + (random() & 1073741823) % 90000, 'staff', 'technician', pin_hash, set_at, set_at, set_at, 'older version'
        FROM staff;
    DROP TABLE staff;
",
    "
    CREATE TABLE damage (
        file            TEXT PRIMARY KEY,
        at              TEXT NOT NULL,
        why             TEXT NOT NULL,
        payments        INTEGER NOT NULL,
        requests        INTEGER NOT NULL,
        unread          INTEGER NOT NULL,
        lost_all        INTEGER NOT NULL,
        acknowledged_at TEXT
    ) STRICT;
",
    // Why a payment is for staff, as the domain names it; before, it was read back out of the words. See `older`.
    STAFF_REASONS,
    // What became of a request, as the domain names it; before, it was read back out of the note. See `older`.
    OUTBOX_REASONS,
];

const STAFF_REASONS: &str = "
    ALTER TABLE payments ADD COLUMN staff_reason TEXT;
";

const OUTBOX_REASONS: &str = "
    ALTER TABLE outbox ADD COLUMN undelivered TEXT;
    ALTER TABLE outbox ADD COLUMN in_part TEXT;
    ALTER TABLE outbox ADD COLUMN told TEXT;
    ALTER TABLE outbox ADD COLUMN closed_by_hand TEXT;
";

const TRAIL_GETS_A_KEY: &str = "
    ALTER TABLE audit ADD COLUMN was TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN became TEXT NOT NULL DEFAULT '';
    CREATE TABLE audit_marks (
        what     TEXT PRIMARY KEY,
        sequence INTEGER NOT NULL,
        hash     TEXT NOT NULL,
        tag      TEXT NOT NULL
    ) STRICT;
    CREATE TABLE audit_anchors (
        sequence INTEGER PRIMARY KEY,
        hash     TEXT NOT NULL,
        at       TEXT NOT NULL
    ) STRICT;
";

/// What this program knows of them; a database of a later one is left alone.
pub const FORMAT: usize = STEPS.len();

pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// What a newer program wrote is left untouched.
pub(super) fn refuse_newer(connection: &Connection, steps: &[&str]) -> rusqlite::Result<Result<()>> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let found = version(connection)?;
    Ok(if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(()) })
}

/// `key` seals what stands in the trail in the very step that brings the key, and never again.
pub(super) fn migrate_with(connection: &mut Connection, steps: &[&str], key: &ChainKey) -> rusqlite::Result<()> {
    for (done, step) in (0_i64..).zip(steps) {
        let step_transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if version(&step_transaction)? == done {
            step_transaction.execute_batch(step)?;
            if *step == TRAIL_GETS_A_KEY {
                audit::take_over(&step_transaction, key)?;
            }
            if *step == STAFF_REASONS {
                older::name_staff_reasons(&step_transaction)?;
            }
            if *step == OUTBOX_REASONS {
                older::name_outbox_reasons(&step_transaction)?;
            }
            step_transaction.pragma_update(None, "user_version", done + 1)?;
            step_transaction.commit()?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    migrate_with(connection, steps, &ChainKey::of(&super::key::Secret::Plain))
}
