//! Sample values of what is said of a payment and of personal data.

use super::{at, both, consent};
use crate::domain::enquiry::Became;
use crate::domain::money::Amount;
use crate::domain::screen::{Notice, PrintState, Screen, SightScreen};

pub(super) fn sight(became: Became, printing: PrintState) -> Screen {
    Screen::Reprint(SightScreen {
        number: "K3-0047".to_owned(),
        amount: Amount(13_000),
        at: at(20, 10, 12),
        became,
        can_print: became == Became::Paid && printing == PrintState::Idle,
        desk: both("1층 수납 창구 3번", "cashier 3, floor 1"),
        printing,
    })
}

pub(super) fn notice(page: u8, next: Option<(String, chrono::NaiveDate)>) -> Screen {
    let more = both(
        "물어볼 곳: 개인정보 보호책임자, 1층 원무과 창구 (시연용)\n처리를 맡은 곳: 온샘카드 결제대행 (시연용)\n열람·정정·삭제를 요구하실 수 있습니다. 1층 원무과 창구로 와 주세요\n아직 병원에 전달되지 않은 신청은 창구에서 거두실 수 있습니다. 이 기계에서는 할 수 없습니다\n개인정보 침해 신고: 118 · 분쟁조정위원회 1833-6972\n대검찰청 1301 · 경찰청 182\n의료 분쟁: 한국소비자원 1372 · 한국의료분쟁조정중재원",
        "Whom to ask: the data protection officer, admissions desk on floor 1 (demo)\nWho works on it for us: the card company's payment agent (demo)\nYou may see, correct and erase your data: please come to the admissions desk\nAn order that the hospital does not have yet can be withdrawn at the desk, not at this machine\nPrivacy complaints: 118 · mediation committee 1833-6972\nProsecutors 1301 · police 182\nMedical disputes: Consumer Agency 1372 · Medical Dispute Mediation and Arbitration Agency",
    );
    let since = Some(at(1, 0, 0).date_naive());
    Screen::Notice(Notice { text: consent(), more, version: "2026-11".to_owned(), since, next, page })
}
