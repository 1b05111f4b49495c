//! JSON that lies in the columns of journal and outbox: understood and written again it is the same, or it is refused.

use hospital_kiosk::domain::attempt::{Booking, CardTransaction, LastTransaction, PaymentState};
use hospital_kiosk::domain::outbox::Request;
use hospital_kiosk::domain::paper::Receipt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

pub fn columns(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    same_again::<Request>(text);
    same_again::<Receipt>(text);
    same_again::<CardTransaction>(text);
    same_again::<LastTransaction>(text);
    same_again::<Booking>(text);
    same_again::<PaymentState>(text);
}

fn same_again<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) {
    let Ok(first) = serde_json::from_str::<T>(text) else { return };
    let written = serde_json::to_string(&first).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    assert!(first == again, "{first:?} is not {again:?}");
    assert_eq!(serde_json::to_string(&again).expect("the same"), written);
}

pub fn rows() -> Vec<Vec<u8>> {
    let card = r#"{"approved":true,"amount":3000,"approval_number":"30012345","masked_card":"123456**********","issuer":"비씨카드","acquirer":"신한카드","terminal_time":"20261125100000","unique_number":"261125000001","merchant_number":"123456789012","decline":null}"#;
    let declined = card.replace("true", "false").replace("null", r#"{"code":"0C","message":"HOST TIMEOUT"}"#);
    let request = format!(
        r#"{{"id":"00000000-0000-0000-0000-000000000001","visit":"00000000-0000-0000-0000-000000000002","made_at":"2026-11-25T10:00:00+09:00","language":"en","patient":"00000000","patient_ref":"Patient/7","act":{{"Documents":{{"claim":"K3-1125-047-6","lines":[],"total":3000,"currency":"KRW","consent_version":"1","payment":{{"Card":{{"attempt_number":"K3-0047","transaction":{card}}}}}}}}}}}"#
    );
    let arrival = r#"{"id":"00000000-0000-0000-0000-000000000001","visit":"00000000-0000-0000-0000-000000000002","made_at":"2026-11-25T10:00:00+09:00","language":"ko","patient":"00000000","patient_ref":null,"act":{"Arrival":{"appointment_ref":"Appointment/1","version_seen":"1","ticket":"A-1","insurance":null,"see_desk":false}}}"#;
    let receipt = r#"{"language":"en","at":"2026-11-25T10:00:00+09:00","claim":"K3-1125-047-6","lines":[],"total":3000,"card":{"masked_card":"1234","approval_number":"3","issuer":"BC","paid_at":"x"},"pay_at":null,"collect_at":{"en":"Desk"},"ready_at":"2026-11-25T10:00:00+09:00","collect_until":null,"bring":{},"duplicate":false}"#;
    let known = format!(r#"{{"Known":{card}}}"#);
    let all = [card, &declined, &request, arrival, receipt, &known, r#""Empty""#, r#""final""#, r#""in-doubt""#];
    all.map(|text| text.as_bytes().to_vec()).to_vec()
}

/// A seed that nothing understands would test nothing.
#[test]
fn every_seed_is_understood() {
    for row in rows() {
        let text = String::from_utf8(row).expect("text");
        let understood = [
            serde_json::from_str::<Request>(&text).is_ok(),
            serde_json::from_str::<Receipt>(&text).is_ok(),
            serde_json::from_str::<CardTransaction>(&text).is_ok(),
            serde_json::from_str::<LastTransaction>(&text).is_ok(),
            serde_json::from_str::<Booking>(&text).is_ok(),
            serde_json::from_str::<PaymentState>(&text).is_ok(),
        ];
        assert!(understood.contains(&true), "{text}");
    }
}
