use super::ui::{App, KnownWord, StaffPaymentItem, StaffPaymentsData};
use super::words::{Words, rows};
use crate::domain::format;
use crate::domain::reason::StaffReason;
use crate::domain::screen::staff::{Known, StaffPayment};
use chrono::{DateTime, FixedOffset};
use slint::{ComponentHandle, SharedString};

pub(super) fn show(app: &App, words: &Words, paid: bool, payments: &[StaffPayment]) {
    let global = app.global::<StaffPaymentsData>();
    global.set_paid(paid);
    global.set_rows(rows(global.get_rows(), payments.iter().map(|payment| item(words, payment)).collect()));
}

pub(super) fn item(words: &Words, payment: &StaffPayment) -> StaffPaymentItem {
    let note = if let Known::Other(note) = &payment.known { note.as_str() } else { "" };
    StaffPaymentItem {
        number: payment.number.as_str().into(),
        at: when(words, payment.at),
        amount: words.money(payment.amount),
        card: payment.masked_card.as_str().into(),
        approval: payment.approval_number.as_str().into(),
        ending: ending(&payment.masked_card).into(),
        known: known(&payment.known),
        note: note.into(),
    }
}

/// The last four digits, where the terminal does not mask them too.
fn ending(masked: &str) -> &str {
    let four = masked.len().checked_sub(4).and_then(|start| masked.get(start..)).unwrap_or_default();
    if four.bytes().all(|byte| byte.is_ascii_digit()) { four } else { "" }
}

/// Today a clock says enough.
pub(super) fn when(words: &Words, at: DateTime<FixedOffset>) -> SharedString {
    let clock = format::clock(at.time(), words.language);
    if at.date_naive() == words.wall.date_naive() {
        return words.line(&clock);
    }
    words.line(&format!("{} {clock}", format::date(at.date_naive(), words.language)))
}

const fn known(known: &Known) -> KnownWord {
    match known {
        Known::BeingChecked => KnownWord::BeingChecked,
        Known::Because(reason) => because(reason),
        Known::Paid => KnownWord::Paid,
        Known::NotPaid => KnownWord::NotPaid,
        Known::GivenBack => KnownWord::GivenBack,
        Known::UndoInDoubt => KnownWord::UndoInDoubt,
        Known::Other(_) => KnownWord::Other,
    }
}

const fn because(reason: &StaffReason) -> KnownWord {
    match reason {
        StaffReason::TerminalSilent => KnownWord::TerminalSilent,
        StaffReason::TerminalEmpty => KnownWord::TerminalEmpty,
        StaffReason::TwoAnswers => KnownWord::TwoAnswers,
        StaffReason::EmptyBefore => KnownWord::EmptyBefore,
        StaffReason::NoBaseline => KnownWord::NoBaseline,
        StaffReason::LooksTheSame => KnownWord::LooksTheSame,
        StaffReason::CardCompanyAway => KnownWord::CompanyAway,
        StaffReason::TerminalForgot => KnownWord::TerminalForgot,
        StaffReason::LastRefused => KnownWord::LastRefused,
        StaffReason::OtherAmount => KnownWord::OtherAmount,
        StaffReason::OtherTime => KnownWord::OtherTime,
        StaffReason::OtherPayment => KnownWord::OtherPayment,
        StaffReason::LaterPayment => KnownWord::LaterPayment,
        StaffReason::Contradiction => KnownWord::Contradiction,
        StaffReason::BookedAfterAll { .. } => KnownWord::BookedAfterAll,
        StaffReason::RequestLost => KnownWord::RequestLost,
    }
}
