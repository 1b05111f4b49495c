//! Every screen and its important states as sample values: pictures for people, and the ground of the screen tests.

mod rights;
mod sight;
mod staff;

use super::headless;
use crate::app::screens::{COMPLETE_LANGUAGES, KioskWindow};
use crate::config::Display;
use crate::domain::document::{OrderLine, Tax, Unit};
use crate::domain::enquiry::Became;
use crate::domain::facility::{CheckInRules, Desk, Facility, PaymentRules, Privacy, Timing};
use crate::domain::language::Language::{self, En, Ko};
use crate::domain::language::LocalText;
use crate::domain::money::{Amount, Currency};
use crate::domain::paper::DeskReason;
use crate::domain::screen::{
    AppointmentRow, AtDeskWhy, CheckedIn, DateEntry, DateField, DocumentRow, DoneHow, DoneScreen, EntryProblem,
    HoursRow, InDoubtScreen, InformationPage, LaterWhy, Modes, NotPaidWhy, NumberEntry, NumberOf, PayHow,
    PaymentPrompt, PaymentScreen, PrintState, ReadyIn, Review, RowPrice, RowState, Screen, Service, ServiceRow,
    SorryWhy, UnavailableWhy, View, Waiting,
};
use crate::domain::zone::Zone;
use chrono::{DateTime, FixedOffset};
use rights::rights;
use sight::{notice, sight};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Diagonal of the reference screen.
pub const REFERENCE_INCH: f32 = 24.0;

/// One picture to take.
pub struct Sample {
    pub name: &'static str,
    pub view: View,
}

/// Renders every sample in `languages` and `modes` at `size` pixels of a `diagonal_inch` screen into `out`; files are
/// named `<language>-<mode>-<sample>.png`.
///
/// # Errors
/// No fonts, no renderer, or `out` cannot be written.
pub fn render(
    out: &Path,
    languages: &[Language],
    modes: &[(&str, Modes)],
    size: (u32, u32),
    diagonal_inch: f32,
) -> Result<Vec<PathBuf>, String> {
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let window = window(size, diagonal_inch)?;
    let mut files = Vec::new();
    for language in languages {
        for (mode, modes) in modes {
            for sample in samples(*language, *modes) {
                window.show(&sample.view, now());
                let file = out.join(format!("{}-{mode}-{}.png", language.code(), sample.name));
                headless::snapshot(window.component(), &file)?;
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// A headless window with the demo hospital, taking touches at any speed and telling nobody.
///
/// # Errors
/// No fonts or no renderer.
pub fn window(size: (u32, u32), diagonal_inch: f32) -> Result<KioskWindow, String> {
    crate::app::screens::fonts_installed()?;
    headless::start()?;
    let display = Display { width_px: size.0, height_px: size.1, diagonal_inch, fullscreen: false };
    let window = KioskWindow::new(&display, Arc::new(facility()), |_tap| {}).map_err(|error| error.to_string())?;
    window.set_double_tap_guard(std::time::Duration::ZERO);
    slint::ComponentHandle::show(window.component()).map_err(|error| error.to_string())?;
    Ok(window)
}

/// The ways of use by the name a command line gives them.
#[must_use]
pub fn modes(name: &str) -> Vec<(&'static str, Modes)> {
    let all = [
        ("normal", Modes::default()),
        ("large", Modes { large: true, ..Modes::default() }),
        ("contrast", Modes { contrast: true, ..Modes::default() }),
        ("low-reach", Modes { low_reach: true, ..Modes::default() }),
    ];
    all.into_iter().filter(|(mode, _)| name == "all" || name == *mode).collect()
}

fn both(ko: &str, en: &str) -> LocalText {
    LocalText::new([(Ko, ko), (En, en)])
}

/// Hospital time of every picture: Friday 20 November 2026, 2:05 pm.
#[must_use]
pub fn now() -> DateTime<FixedOffset> {
    at(20, 14, 5)
}

fn at(day: u32, hour: u32, minute: u32) -> DateTime<FixedOffset> {
    let text = format!("2026-11-{day:02}T{hour:02}:{minute:02}:00+09:00");
    DateTime::parse_from_rfc3339(&text).unwrap_or_default()
}

/// The hospital of the pictures.
#[must_use]
pub fn facility() -> Facility {
    let desk = |ko: &str, en: &str| Desk { name: both(ko, en) };
    Facility {
        name: both("온새미대학교병원", "Onsaemi University Hospital"),
        short_name: both("온새미대학교병원", "Onsaemi Hospital"),
        receipt_note: LocalText::default(),
        currency: Currency { code: "KRW".to_owned(), minor_digits: 0 },
        zone: Zone::fixed(*now().offset()),
        languages: COMPLETE_LANGUAGES.to_vec(),
        desk_language: Ko,
        number_digits: 8,
        documents: Vec::new(),
        hours: BTreeMap::new(),
        holidays: BTreeMap::new(),
        desks: BTreeMap::from([
            ("registration".to_owned(), desk("1층 3번 창구", "desk 3, floor 1")),
            ("cashier".to_owned(), desk("1층 수납 창구 3번", "cashier 3, floor 1")),
            ("records".to_owned(), desk("1층 의무기록 창구", "records desk, floor 1")),
        ]),
        registration_desk: "registration".to_owned(),
        cashier_desk: "cashier".to_owned(),
        help_desk: "registration".to_owned(),
        check_in: CheckInRules {
            before_min: 180,
            after_min: 60,
            ask_insurance: true,
            id_check_age: 19,
            id_check_months: 6,
            alone_age: 14,
            wrong_tries_max: 3,
            machine_tries_max: 20,
            offline_tries_max: 3,
            unfinished_visits_max: 5,
            ticket_clinic: false,
        },
        payment: PaymentRules {
            signature_limit: Some(Amount(50_000)),
            offline_fixed_price: true,
            card_ms: 60_000,
            doubtful_declines: Vec::new(),
            last_transaction_survives_reboot: false,
        },
        timing: Timing { idle_ms: 60_000, warning_ms: 20_000, done_ms: 30_000, quote_ms: 15_000, in_doubt_ms: 20_000 },
        kiosk_prefix: "K3".to_owned(),
        kiosk_place: both("1층 로비", "lobby, floor 1"),
        emergency: both(
            "위급하면 직원에게 · 응급실 1층 동쪽 · 병원 밖 119",
            "Tell any member of staff. Outside the hospital: 119.",
        ),
        consent_version: "2026-01".to_owned(),
        consent: consent(),
        privacy: Privacy::default(),
        patient_rights: rights(),
    }
}

fn consent() -> LocalText {
    both(
        "등록번호, 생년월일, 신청한 서류를 씁니다.\n서류를 준비하고 드리는 데에만 씁니다.\n신청 기록은 5년 동안 보관합니다.\n동의하지 않으시면 창구에서 신청하세요.",
        "We use your hospital number, date of birth and order.\nOnly to prepare your papers and hand them out.\nThe order is kept for five years.\nYou may say no and order at the desk.",
    )
}

fn row(code: &str, name: LocalText, hint: LocalText, ready: ReadyIn, price: RowPrice, chosen: bool) -> DocumentRow {
    DocumentRow { code: code.to_owned(), name, hint, ready, price, chosen }
}

fn documents() -> Vec<DocumentRow> {
    let none = LocalText::default;
    let three = RowPrice::Fixed(Amount(3_000));
    vec![
        row("record", both("진료기록 사본", "Medical record"), none(), ReadyIn::Minutes(30), RowPrice::ByPage, false),
        row(
            "cd",
            both("영상 CD", "Images on CD"),
            both("X-ray·CT·MRI", "X-ray, CT, MRI"),
            ReadyIn::Minutes(30),
            RowPrice::Fixed(Amount(10_000)),
            true,
        ),
        row("visit", both("통원 확인서", "Visit confirmation"), none(), ReadyIn::AtOnce, three, true),
        row("stay", both("입퇴원 확인서", "Hospital stay"), none(), ReadyIn::AtOnce, three, false),
        row(
            "bill",
            both("진료비 영수증", "Receipt and bill"),
            both("한국어·영어", "Korean or English"),
            ReadyIn::AtOnce,
            RowPrice::Free,
            false,
        ),
        row("report", both("진단서·소견서", "Medical report"), none(), ReadyIn::Never, RowPrice::AskDoctor, false),
    ]
}

/// Every screen and the states that look different, in the order of a visit.
#[must_use]
pub fn samples(language: Language, modes: Modes) -> Vec<Sample> {
    let sample = |name, step, screen| {
        let start_over = !matches!(&screen, Screen::Payment(payment) if payment.prompt != PaymentPrompt::Present)
            && !matches!(&screen, Screen::InDoubt(doubt) if doubt.seconds_left.is_some());
        Sample { name, view: View { language, modes, step, start_over, screen } }
    };
    let mut all = Vec::new();
    all.extend(opening(language).into_iter().map(|(name, step, screen)| sample(name, step, screen)));
    all.extend(check_in().into_iter().map(|(name, step, screen)| sample(name, step, screen)));
    all.extend(ordering().into_iter().map(|(name, step, screen)| sample(name, step, screen)));
    all.extend(paying().into_iter().map(|(name, step, screen)| sample(name, step, screen)));
    all.extend(anywhere().into_iter().map(|(name, step, screen)| sample(name, step, screen)));
    all.extend(
        staff::staff().into_iter().chain(staff::closed()).map(|(name, step, screen)| sample(name, step, screen)),
    );
    all
}

type Shot = (&'static str, Option<(u8, u8)>, Screen);

fn opening(language: Language) -> Vec<Shot> {
    let service = |service, unavailable| ServiceRow { service, unavailable };
    let services = [Service::CheckIn, Service::Documents, Service::Reprint, Service::Information];
    vec![
        ("01-idle", None, Screen::Idle),
        ("02-language", None, Screen::Language { offered: COMPLETE_LANGUAGES.to_vec(), current: None }),
        ("02-language-all", None, Screen::Language { offered: Language::ALL.to_vec(), current: Some(language) }),
        ("03-services", None, Screen::Services { rows: services.map(|name| service(name, None)).to_vec() }),
        (
            "03-services-no-paper",
            None,
            Screen::Services {
                rows: vec![
                    service(Service::CheckIn, Some(UnavailableWhy::NoPaper)),
                    service(Service::Documents, Some(UnavailableWhy::NoPrinter)),
                    service(Service::Reprint, None),
                    service(Service::Information, None),
                ],
            },
        ),
    ]
}

fn number(digits: &str, problem: Option<EntryProblem>) -> Screen {
    Screen::Number(NumberEntry { of: NumberOf::Patient, digits: digits.to_owned(), slots: 8, problem })
}

fn payment_number(of: NumberOf, digits: &str, problem: Option<EntryProblem>) -> Screen {
    Screen::Number(NumberEntry { of, digits: digits.to_owned(), slots: 4, problem })
}

fn birth(day: &str, active: DateField, problem: Option<EntryProblem>) -> Screen {
    let (year, month, day) = ("1958".to_owned(), "04".to_owned(), day.to_owned());
    Screen::BirthDate(DateEntry { year, month, day, active, problem })
}

fn check_in() -> Vec<Shot> {
    let visit = |hour, minute, clinic: LocalText, place: LocalText, state| AppointmentRow {
        at: at(20, hour, minute),
        clinic,
        place,
        state,
    };
    let heart = || both("순환기내과", "Cardiology");
    let rows = vec![
        visit(14, 30, heart(), both("2층 순환기내과 앞", "Cardiology, floor 2"), RowState::Marked),
        visit(
            15,
            40,
            both("영상의학과", "Radiology"),
            both("지하 1층 영상의학과", "Radiology, floor B1"),
            RowState::Marked,
        ),
        visit(9, 0, both("안과", "Eye clinic"), LocalText::default(), RowState::Already { at_minute: Some(552) }),
        visit(17, 50, both("정형외과", "Orthopaedics"), LocalText::default(), RowState::TooEarly),
    ];
    let done = |see_desk: Option<LocalText>, reasons, printing| {
        Screen::CheckedIn(CheckedIn {
            ticket: "A-024".to_owned(),
            clinic: heart(),
            place: both("2층 순환기내과 앞", "Cardiology, floor 2"),
            at: at(20, 14, 30),
            see_desk,
            reasons,
            provisional: false,
            printing,
            seconds_left: 25,
            seconds_total: 30,
        })
    };
    let desk = || both("1층 3번 창구", "desk 3, floor 1");
    let sorry = |why, retry| Screen::Sorry { why, desk: desk(), retry };
    vec![
        ("04-number", Some((1, 4)), number("26041", None)),
        ("04-number-not-found", Some((1, 4)), number("26041058", Some(EntryProblem::NotFound))),
        ("04-number-unknown-code", Some((1, 4)), number("", Some(EntryProblem::UnknownCode))),
        ("05-birth-date", Some((2, 4)), birth("1", DateField::Day, None)),
        ("05-birth-date-no-such-day", Some((2, 4)), birth("32", DateField::Complete, Some(EntryProblem::NoSuchDay))),
        ("06-wait", Some((2, 4)), Screen::Wait { what: Waiting::LookUp, seconds_left: 4, seconds_total: 5 }),
        ("06-wait-quote", Some((2, 5)), Screen::Wait { what: Waiting::Quote, seconds_left: 14, seconds_total: 15 }),
        ("07-insurance", Some((3, 4)), Screen::Insurance),
        (
            "08-appointments",
            Some((4, 4)),
            Screen::Appointments { masked_name: "홍○동".to_owned(), rows, can_go_on: true },
        ),
        ("09-checked-in", Some((4, 4)), done(None, vec![], PrintState::Printing)),
        ("09-checked-in-desk", Some((4, 4)), done(Some(desk()), vec![DeskReason::IdCheck], PrintState::NoPaper)),
        ("09-checked-in-more", Some((4, 4)), done(Some(desk()), vec![DeskReason::MoreToday], PrintState::Printing)),
        ("10-sorry-not-found", None, sorry(SorryWhy::NotFound, true)),
        ("10-sorry-under-age", None, sorry(SorryWhy::UnderAge, false)),
        ("10-sorry-somebody-else", None, sorry(SorryWhy::SomebodyElse, false)),
        ("10-sorry-offline", None, sorry(SorryWhy::Offline, true)),
        ("10-sorry-cannot-record", None, sorry(SorryWhy::CannotRecord, true)),
        ("10-sorry-unreadable", None, sorry(SorryWhy::Unreadable, true)),
        ("10-sorry-ambiguous", None, sorry(SorryWhy::Ambiguous, false)),
    ]
}

fn line(name: LocalText, amount: Option<i64>) -> OrderLine {
    OrderLine {
        code: "cd".to_owned(),
        name,
        language: Ko,
        unit: Unit::Copy,
        count: 1,
        copies: 1,
        amount: amount.map(Amount),
        tax: Tax::Exempt,
    }
}

fn review(how: PayHow, later: Option<LaterWhy>) -> Screen {
    let mut lines = vec![
        line(both("영상 CD", "Images on CD"), Some(10_000)),
        line(both("통원 확인서", "Visit confirmation"), Some(3_000)),
    ];
    if how != PayHow::Card {
        lines.push(line(both("진료기록 사본", "Medical record"), None));
    }
    Screen::Review(Review {
        lines,
        total: Amount(13_000),
        how,
        collect_at: both("1층 의무기록 창구", "records desk, floor 1"),
        ready_at: if later.is_some() { at(23, 8, 30) } else { at(20, 14, 35) },
        collect_until: later.is_none().then(|| at(20, 18, 0)),
        later,
        bring: both("사진이 있는 신분증", "Photo ID"),
    })
}

fn ordering() -> Vec<Shot> {
    let list = |rows, count, total| Screen::Documents {
        rows,
        count,
        total: Amount(total),
        has_unpriced: false,
        page: 0,
        pages: 1,
    };
    let empty = documents().into_iter().take(3).map(|row| DocumentRow { chosen: false, ..row }).collect();
    vec![
        ("11-for-whom", Some((1, 5)), Screen::ForWhom),
        ("12-documents", Some((2, 5)), list(documents(), 2, 13_000)),
        ("12-documents-none", Some((2, 5)), list(empty, 0, 0)),
        (
            "13-options",
            Some((2, 5)),
            Screen::Options {
                document: both("진료비 영수증", "Receipt and bill"),
                code: "bill".to_owned(),
                copies: 1,
                copies_max: 5,
                languages: COMPLETE_LANGUAGES.to_vec(),
                language: Ko,
            },
        ),
        ("14-review", Some((3, 5)), review(PayHow::Card, None)),
        ("14-review-at-desk", Some((3, 5)), review(PayHow::AtDesk(AtDeskWhy::NoQuote), Some(LaterWhy::Closed))),
        ("14-review-being-checked", Some((3, 5)), review(PayHow::AtDesk(AtDeskWhy::PaymentBeingChecked), None)),
        ("15-consent", Some((3, 5)), Screen::Consent { text: consent() }),
    ]
}

fn paying() -> Vec<Shot> {
    let cashier = || both("1층 수납 창구 3번", "cashier 3, floor 1");
    let payment = |prompt, can_cancel| {
        Screen::Payment(PaymentScreen {
            amount: Amount(13_000),
            first: both("영상 CD", "Images on CD"),
            count: 2,
            prompt,
            can_cancel,
            seconds_left: 42,
            seconds_total: 60,
        })
    };
    let doubt = |seconds_left, printing| {
        Screen::InDoubt(InDoubtScreen {
            amount: Amount(13_000),
            attempt_number: "K3-0047".to_owned(),
            desk: cashier(),
            seconds_left,
            seconds_total: 20,
            printing,
        })
    };
    let done = |how, printing| {
        Screen::Done(DoneScreen {
            how,
            claim: "K3-1120-047-6".to_owned(),
            collect_at: both("1층 의무기록 창구", "records desk, floor 1"),
            ready_at: at(20, 14, 35),
            collect_until: Some(at(20, 18, 0)),
            bring: both("사진이 있는 신분증", "Photo ID"),
            printing,
            can_reprint: true,
            seconds_left: 17,
            seconds_total: 20,
        })
    };
    let paid = || DoneHow::Paid { amount: Amount(13_000), last_four: "8207".to_owned(), number: "K3-0047".to_owned() };
    let unpaid = DoneHow::Unpaid { amount: None, desk: cashier() };
    vec![
        ("16-payment", Some((4, 5)), payment(PaymentPrompt::Present, true)),
        ("16-payment-preparing", Some((4, 5)), payment(PaymentPrompt::Preparing, true)),
        ("16-payment-working", Some((4, 5)), payment(PaymentPrompt::Working, false)),
        ("16-payment-remove-card", Some((4, 5)), payment(PaymentPrompt::RemoveCard, false)),
        ("17-in-doubt", None, doubt(Some(12), PrintState::Idle)),
        ("17-in-doubt-over", None, doubt(None, PrintState::Printing)),
        ("18-not-paid", None, Screen::NotPaid { why: NotPaidWhy::Declined, desk: cashier(), retry: true }),
        (
            "18-not-paid-terminal",
            None,
            Screen::NotPaid { why: NotPaidWhy::TerminalTrouble, desk: cashier(), retry: false },
        ),
        ("18-not-paid-taken-back", None, Screen::NotPaid { why: NotPaidWhy::TakenBack, desk: cashier(), retry: false }),
        ("18-not-paid-checked", None, Screen::NotPaid { why: NotPaidWhy::Checked, desk: cashier(), retry: false }),
        ("19-done", Some((5, 5)), done(paid(), PrintState::Printing)),
        ("19-done-no-paper", Some((5, 5)), done(paid(), PrintState::NoPaper)),
        ("19-done-unpaid", Some((5, 5)), done(unpaid, PrintState::Printing)),
    ]
}

fn anywhere() -> Vec<Shot> {
    let desk = || both("1층 3번 창구", "desk 3, floor 1");
    let hours = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
    let open = |what, saturday| HoursRow { what, weekday: hours("08:30", "18:00"), saturday, sunday: None };
    let information = |page| Screen::Information { page, rights: true };
    vec![
        ("20-reprint-which", None, payment_number(NumberOf::Payment, "00", None)),
        ("20-reprint-which-not-found", None, payment_number(NumberOf::Payment, "", Some(EntryProblem::NotFound))),
        ("20-reprint-which-too", None, payment_number(NumberOf::PaymentToo, "8207", None)),
        ("20-reprint", None, sight(Became::Paid, PrintState::Idle)),
        ("20-reprint-printing", None, sight(Became::Paid, PrintState::Printing)),
        ("20-reprint-not-paid", None, sight(Became::NotPaid, PrintState::Idle)),
        ("20-reprint-in-doubt", None, sight(Became::InDoubt, PrintState::Idle)),
        ("20-reprint-given-back", None, sight(Became::GivenBack, PrintState::Idle)),
        ("21-information-fees", None, information(InformationPage::Fees { rows: documents() })),
        (
            "21-information-hours",
            None,
            information(InformationPage::Hours {
                rows: vec![
                    open(both("의무기록 창구", "Records desk"), hours("08:30", "12:30")),
                    open(both("수납 창구", "Cashier"), None),
                ],
            }),
        ),
        (
            "21-information-desks",
            None,
            information(InformationPage::Desks {
                rows: facility().desks.into_values().map(|desk| desk.name).collect(),
            }),
        ),
        ("21-information-rights", None, information(InformationPage::Rights { text: facility().patient_rights })),
        ("22-easy-access", None, Screen::EasyAccess),
        ("23-notice", None, notice(0, None)),
        ("23-notice-on", None, notice(1, None)),
        ("23-notice-new", None, notice(0, Some(("2027-01".to_owned(), at(27, 0, 0).date_naive())))),
        ("23-help", None, Screen::Help { desk: desk(), emergency: facility().emergency }),
        ("24-still-here", None, Screen::StillHere { seconds_left: 14, seconds_total: 20 }),
        ("25-out-of-service", None, Screen::OutOfService { desk: both("왼쪽 2번 창구", "desk 2 on the left") }),
    ]
}
