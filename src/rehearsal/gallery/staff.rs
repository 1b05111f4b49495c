//! The staff area as sample values.

use super::{Shot, at, now};
use crate::domain::money::Amount;
use crate::domain::printer::PrinterState;
use crate::domain::reason::{Meanwhile, StaffReason, TakenFor, Told};
use crate::domain::screen::staff::{
    ChoiceOf, Known, Note, NoteRow, ParkedDone, ParkedRow, ParkedWhy, PinOf, RequestQuestion, StaffChoice, StaffHome,
    StaffPayment, StaffPaymentScreen, StaffQueue, StaffRequest, StaffResult, StaffScreen, StaffTrouble, Trouble,
    Witness,
};
use crate::domain::screen::{PrintState, Screen};
use crate::domain::set_aside::SetAside;
use crate::domain::staff::Gate;
use chrono::NaiveTime;

pub(super) fn staff() -> Vec<Shot> {
    let shot = |name, screen| (name, None, Screen::Staff(Box::new(screen)));
    let pin_of = |what, typed, gate| StaffScreen::Pin { what, typed, gate, checking: false, trouble: None };
    let pin = |typed, gate| pin_of(PinOf::Door, typed, gate);
    let home = |unfinished, parked, printer| {
        StaffScreen::Home(StaffHome {
            trouble: None,
            terminal_online: Some(true),
            terminal_trouble: (parked > 0).then(|| "DF Terminal ist blockiert".to_owned()),
            printer: Some(printer),
            hospital_online: Some(parked == 0),
            unfinished: Some(unfinished),
            paid: 14,
            waiting: 3,
            parked,
        })
    };
    let rows = payments();
    let opened = |result, record: &StaffPayment, free| {
        StaffScreen::Payment(StaffPaymentScreen {
            payment: record.clone(),
            result,
            can_ask: free,
            can_settle: free,
            can_give_back: free && !record.approval_number.is_empty(),
            can_print: true,
            printing: PrintState::Idle,
        })
    };
    let choice = |what, chosen| {
        StaffScreen::Choice(StaffChoice { what, number: "K3-0047".to_owned(), amount: Amount(13_000), chosen })
    };
    let request = |asked, chosen| StaffScreen::Request(StaffRequest { row: parked().swap_remove(0), asked, chosen });
    vec![
        shot("26-staff-pin", pin(5, Gate::Closed)),
        shot("26-staff-pin-wrong", pin(0, Gate::Wrong { tries_left: 2 })),
        shot("26-staff-pin-locked", pin(0, Gate::Locked { until: at(20, 14, 20) })),
        shot("26-staff-pin-none", pin(0, Gate::NoPin)),
        shot("26-staff-number", pin_of(PinOf::Number, 3, Gate::Closed)),
        shot("26-staff-number-wrong", pin_of(PinOf::Number, 0, Gate::Refused)),
        shot("26-staff-number-after-wrong", pin_of(PinOf::Number, 0, Gate::Number { after_wrong: true })),
        shot("26-staff-pin-wait", pin(0, Gate::Wait { seconds: 16 })),
        shot("30-staff-pin-again", pin_of(PinOf::Again, 2, Gate::Closed)),
        shot("27-staff-home", home(2, 1, PrinterState::PaperLow)),
        shot("27-staff-home-calm", home(0, 0, PrinterState::Online)),
        shot("28-staff-payments", StaffScreen::Payments { paid: false, rows: rows.clone() }),
        shot("28-staff-payments-none", StaffScreen::Payments { paid: false, rows: vec![] }),
        shot("28-staff-paid-today", StaffScreen::Payments { paid: true, rows: paid() }),
        shot("29-staff-payment", opened(None, &rows[0], true)),
        shot("29-staff-payment-booked", opened(None, &rows[2], true)),
        shot("29-staff-payment-running", opened(Some(StaffResult::Running), &rows[0], false)),
        shot("29-staff-payment-unknown", opened(Some(StaffResult::StillUnknown), &rows[0], true)),
        shot("29-staff-payment-paid", opened(Some(StaffResult::Paid), &rows[0], false)),
        shot("30-staff-evidence", choice(ChoiceOf::PaidEvidence, Some(1))),
        shot("30-staff-evidence-none", choice(ChoiceOf::NotPaidEvidence, None)),
        shot("30-staff-give-back", choice(ChoiceOf::GiveBackWay, Some(0))),
        shot("30-staff-request", request(RequestQuestion::End, None)),
        shot("30-staff-request-again", request(RequestQuestion::End, Some(0))),
        shot("30-staff-request-by-hand", request(RequestQuestion::End, Some(1))),
        shot("30-staff-entered", request(RequestQuestion::Evidence, Some(0))),
        shot("31-staff-queue", StaffScreen::Queue(queue(parked(), vec![]))),
        shot("31-staff-queue-notes", StaffScreen::Queue(queue(vec![], notes()))),
        shot(
            "31-staff-queue-held",
            StaffScreen::Queue(StaffQueue { held_until: Some(at(20, 14, 45)), ..queue(parked(), vec![]) }),
        ),
        shot("31-staff-queue-calm", StaffScreen::Queue(queue(vec![], vec![]))),
    ]
}

const CONFIGURATION: &str = "/etc/hospital-kiosk/kiosk.toml:31:8: terminal.port: nothing is there. Instead: a line that `kiosk devices` lists\n\
/etc/hospital-kiosk/kiosk.toml:58:7: hospital.url: plain http is for this machine only. Instead: https://…";
const DISK_FULL: &str = "the disk is full: free some space; nothing was lost";

fn damaged(unread: u64, nothing: bool) -> Trouble {
    let (payments, requests) = if nothing { (0, 0) } else { (214, 37) };
    let (file, why) = ("kiosk.db.damaged-1".to_owned(), "its pages do not fit together".to_owned());
    Trouble::SetAside(Box::new(SetAside { file, at: at(20, 6, 58), why, payments, requests, unread, nothing }))
}

/// Nobody is served: at the door, inside, and why.
pub(super) fn closed() -> Vec<Shot> {
    let shot = |name, screen| (name, None, Screen::Staff(Box::new(screen)));
    let clock = |witness| Trouble::Clock { ours: at(20, 10, 5), witness, theirs: at(22, 10, 5) };
    let closed_to = |trouble: Trouble, is_technician: bool| {
        let clock = matches!(trouble, Trouble::Clock { .. });
        let (can_accept, needs_technician) = (clock && is_technician, clock && !is_technician);
        StaffScreen::Trouble(StaffTrouble { trouble, can_accept, needs_technician, not_kept: false })
    };
    let closed = |trouble: Trouble| closed_to(trouble, true);
    let closed_home = || {
        StaffScreen::Home(StaffHome {
            trouble: Some(clock(Witness::Hospital)),
            terminal_trouble: None,
            terminal_online: Some(true),
            printer: Some(PrinterState::Online),
            hospital_online: Some(true),
            unfinished: Some(1),
            paid: 14,
            waiting: 3,
            parked: 0,
        })
    };
    let unreadable = || Trouble::Journal { reason: "disk I/O error: the database file cannot be read".to_owned() };
    let door =
        |gate, trouble| StaffScreen::Pin { what: PinOf::Door, typed: 0, gate, checking: false, trouble: Some(trouble) };
    vec![
        shot("26-staff-pin-closed", door(Gate::Closed, clock(Witness::Hospital))),
        shot("26-staff-pin-unreadable", door(Gate::Unknown, unreadable())),
        shot("27-staff-home-closed", closed_home()),
        shot("32-staff-trouble-clock", closed(clock(Witness::Hospital))),
        shot("32-staff-trouble-attendant", closed_to(clock(Witness::Hospital), false)),
        shot("32-staff-trouble-entry", closed(clock(Witness::Store))),
        shot("32-staff-trouble-journal", closed(unreadable())),
        shot("32-staff-trouble-unset", closed(Trouble::ClockUnset { ours: at(20, 10, 5) })),
        shot("32-staff-trouble-start", closed(Trouble::CannotStart { reason: CONFIGURATION.to_owned() })),
        shot("32-staff-trouble-write", closed(Trouble::CannotWrite { reason: DISK_FULL.to_owned() })),
        shot("26-staff-pin-set-aside", door(Gate::Closed, damaged(3, false))),
        shot("32-staff-trouble-set-aside", closed(damaged(3, false))),
        shot("32-staff-trouble-set-aside-whole", closed(damaged(0, false))),
        shot("32-staff-trouble-set-aside-nothing", closed(damaged(0, true))),
    ]
}

fn paid() -> Vec<StaffPayment> {
    let paid = payments().into_iter().filter(|payment| !payment.approval_number.is_empty());
    paid.map(|payment| StaffPayment { known: Known::Paid, ..payment }).collect()
}

fn payments() -> Vec<StaffPayment> {
    let payment = |number: &str, at, amount, card: &str, approval: &str, known| StaffPayment {
        number: number.to_owned(),
        at,
        amount: Amount(amount),
        masked_card: card.to_owned(),
        approval_number: approval.to_owned(),
        known,
    };
    let card = "1234-56**-****-7890";
    let booked = StaffReason::BookedAfterAll {
        taken_for: TakenFor::NotPaid,
        amount: Amount(5_100),
        approval_number: "30012345".to_owned(),
    };
    vec![
        payment("K3-0047", at(20, 13, 52), 13_000, "", "", Known::Because(StaffReason::CardCompanyAway)),
        payment("K3-0046", at(20, 13, 40), 3_000, "", "", Known::BeingChecked),
        payment("K3-0031", at(20, 10, 12), 5_100, card, "30012345", Known::Because(booked)),
        payment("K3-0112", at(19, 16, 31), 10_000, "", "", Known::Because(StaffReason::EmptyBefore)),
        payment("K3-0098", at(19, 11, 5), 3_000, card, "", Known::Because(StaffReason::LaterPayment)),
        payment("K3-0051", at(18, 9, 44), 48_500, card, "30011877", Known::Because(StaffReason::OtherTime)),
    ]
}

fn parked() -> Vec<ParkedRow> {
    let row = |arrival, queued_at, why, done| ParkedRow { arrival, queued_at, why, done };
    let refused = |status| ParkedWhy::Refused { status };
    vec![
        row(false, at(20, 9, 12), refused(422), None),
        row(true, at(20, 9, 30), refused(404), Some(ParkedDone::SentAgain)),
        row(false, at(20, 11, 2), ParkedWhy::FoundTwice, Some(ParkedDone::Closed)),
        row(false, at(20, 11, 48), ParkedWhy::TakenApart, None),
        row(true, at(20, 13, 1), refused(413), None),
    ]
}

fn notes() -> Vec<NoteRow> {
    let row = |at, meanwhile, ticket: &str| NoteRow {
        arrival: true,
        at,
        what: Note::Told(Told::Appointment { meanwhile, ticket: ticket.to_owned() }),
    };
    let half_past_ten = NaiveTime::MIN + chrono::TimeDelta::minutes(10 * 60 + 30);
    let other_time = Meanwhile::OtherTime { from: half_past_ten, to: half_past_ten + chrono::TimeDelta::minutes(225) };
    vec![
        row(at(20, 13, 12), Meanwhile::Cancelled, "K3-012"),
        row(at(20, 12, 40), other_time, "K3-011"),
        row(at(20, 11, 2), Meanwhile::AtDesk, "K3-009"),
        NoteRow { arrival: false, at: at(20, 9, 48), what: Note::Told(Told::Twice) },
    ]
}

fn queue(rows: Vec<ParkedRow>, notes: Vec<NoteRow>) -> StaffQueue {
    StaffQueue {
        held_until: None,
        waiting: 3,
        oldest_min: Some(200),
        last_delivered: Some(now() - chrono::TimeDelta::minutes(7)),
        parked: u32::try_from(rows.len()).unwrap_or(0),
        rows,
        notes,
        not_kept: false,
        unreadable: false,
    }
}
