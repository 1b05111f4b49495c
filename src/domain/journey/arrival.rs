//! The rules of arriving: which appointments may be checked in now, and who must show papers at the desk.

use crate::domain::facility::CheckInRules;
use crate::domain::paper::DeskReason;
use crate::domain::patient::{Appointment, AppointmentState, InsuranceAnswer, Patient};
use crate::domain::screen::{RowState, SorryWhy};
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset, Months, NaiveDate};

/// What the row of one of today's appointments says; `None` = not shown (another day, or a state that is no business
/// of a kiosk). The window's edges count as inside, to the minute that the wall clock shows.
#[must_use]
pub fn row(
    appointment: &Appointment,
    now: DateTime<FixedOffset>,
    zone: &Zone,
    rules: &CheckInRules,
) -> Option<RowState> {
    let starts = appointment.starts_at;
    if zone.at(&starts).date_naive() != zone.at(&now).date_naive() {
        return None;
    }
    Some(match appointment.state {
        AppointmentState::Other => return None,
        AppointmentState::Cancelled => RowState::Cancelled,
        AppointmentState::Arrived { at_minute } => RowState::Already { at_minute },
        AppointmentState::Booked if appointment.other_site => RowState::OtherSite,
        AppointmentState::Booked => window((now - starts).num_minutes(), rules),
    })
}

fn window(minutes_late: i64, rules: &CheckInRules) -> RowState {
    if minutes_late < -i64::from(rules.before_min) {
        RowState::TooEarly
    } else if minutes_late > i64::from(rules.after_min) {
        RowState::TooLate
    } else {
        RowState::Marked
    }
}

/// Why nothing of a day's rows can be checked in; the reason that helps most comes first.
#[must_use]
pub fn why_none(rows: &[RowState]) -> SorryWhy {
    let has = |state: RowState| rows.contains(&state);
    if has(RowState::TooEarly) {
        SorryWhy::TooEarly
    } else if has(RowState::TooLate) {
        SorryWhy::TooLate
    } else if has(RowState::OtherSite) {
        SorryWhy::OtherSite
    } else {
        SorryWhy::NoAppointmentToday
    }
}

/// Why this patient must go to a desk although registered (rules C4).
#[must_use]
pub fn desk_reasons<'a>(
    patient: &Patient,
    answer: Option<InsuranceAnswer>,
    mut arriving: impl Iterator<Item = &'a Appointment>,
    today: NaiveDate,
    rules: &CheckInRules,
) -> Vec<DeskReason> {
    let mut reasons = Vec::new();
    let insured = matches!(answer, Some(InsuranceAnswer::Yes | InsuranceAnswer::NotSure));
    let exempt = arriving.all(|appointment| appointment.referral_or_emergency);
    if insured && !exempt && needs_id_check(patient, today, rules) {
        reasons.push(DeskReason::IdCheck);
    }
    if answer == Some(InsuranceAnswer::NotSure) {
        reasons.push(DeskReason::InsuranceQuestion);
    }
    reasons
}

/// Old enough, and not seen within the months. The last day counts as within (a period of months ends with the day of
/// the same number). What a cache says of an earlier check proves nothing: offline it goes to the desk.
fn needs_id_check(patient: &Patient, today: NaiveDate, rules: &CheckInRules) -> bool {
    if patient.birth_date.age_on(today) < rules.id_check_age {
        return false;
    }
    let last = if patient.offline { None } else { patient.identity_verified_on };
    let good_until = last.and_then(|day| day.checked_add_months(Months::new(rules.id_check_months)));
    good_until.is_none_or(|until| today > until)
}

/// Below the age at which somebody may come alone, on the day itself.
#[must_use]
pub fn is_under_age(patient: &Patient, today: NaiveDate, rules: &CheckInRules) -> bool {
    patient.birth_date.age_on(today) < rules.alone_age
}
