//! The bundles, byte by byte. `UPDATE_GOLDEN=1` writes them anew; look at the difference before you commit it. The
//! same files are what `make peers` gives to third-party validators.

use super::fixture::{card, day, documents, facility, number, settings, ten_o_clock, unpriced_documents};
use hospital_kiosk::domain::document::OrderItem;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, Request};
use hospital_kiosk::domain::patient::{BirthDate, Patient, PatientNumber};
use hospital_kiosk::hospital::wire::{
    self, Capabilities, Frozen, device_resource, document_bundle, frozen_bundle, quote_task,
};
use hospital_kiosk::rehearsal::people::seed_bundle;
use serde_json::{Value, json};
use uuid::Uuid;

const ALL: Capabilities = Capabilities {
    audit_event: false,
    audit_event_put: false,
    charge_item: true,
    invoice: true,
    payment_notice: true,
    device: true,
    json_patch: true,
    conditional_create: true,
};

fn cases() -> Vec<(&'static str, Request, Capabilities)> {
    let known = Request { patient_ref: Some("Patient/4711".to_owned()), ..documents(1, card()) };
    vec![
        ("paid", known, ALL),
        ("paid-offline", documents(1, card()), Capabilities::default()),
        (
            "paid-task-only",
            documents(2, card()),
            Capabilities { charge_item: false, invoice: false, payment_notice: false, ..ALL },
        ),
        ("paid-no-charge-item", documents(3, card()), Capabilities { charge_item: false, ..ALL }),
        ("unpaid", documents(4, PaymentOfRequest::Unpaid), ALL),
        ("unpriced", unpriced_documents(6), ALL),
        (
            "unpriced-task-only",
            unpriced_documents(7),
            Capabilities { charge_item: false, invoice: false, payment_notice: false, ..ALL },
        ),
        ("free", documents(5, PaymentOfRequest::Free), ALL),
    ]
}

/// What is sent besides the bundles, and what the demo seeds.
fn single_resources() -> Vec<(&'static str, Value)> {
    let settings = settings("http://127.0.0.1:1/fhir");
    let patient = Patient {
        number: number(),
        birth_date: BirthDate(day()),
        masked_name: String::new(),
        server_ref: Some("Patient/4711".to_owned()),
        offline: false,
        identity_verified_on: None,
    };
    let item = OrderItem { code: "REC".to_owned(), copies: 1, language: Language::Ko, pages: None };
    let quote = quote_task(Uuid::from_u128(9), &patient, &item, &settings, &ten_o_clock());
    vec![
        ("quote", serde_json::to_value(&quote).expect("JSON")),
        ("device", device_resource(&settings)),
        ("seed", seed_bundle(day())),
        (
            "cancellation",
            cancellation(Request { patient_ref: Some("Patient/4711".to_owned()), ..documents(8, card()) }),
        ),
        (
            "cancellation-forgotten",
            cancellation(Request { patient: PatientNumber(String::new()), ..documents(8, card()) }),
        ),
    ]
}

/// Of the payment of `request`.
fn cancellation(request: Request) -> Value {
    let act = Act::Cancellation {
        of: request.id,
        claim: "K3-261125-0001-7".to_owned(),
        amount: Amount(16_100),
        currency: "KRW".to_owned(),
        attempt_number: "K3-0047".to_owned(),
    };
    let request = Request { id: Uuid::from_u128(10), act, ..request };
    let bundle = frozen_bundle(&request, &settings("http://127.0.0.1:1/fhir"), &facility(), ALL).expect("a bundle");
    let bundle = serde_json::to_value(&bundle).expect("JSON");
    let original = wire::entry_id(Uuid::from_u128(8), "task").to_string();
    assert_eq!(bundle["entry"][0]["resource"]["focus"]["identifier"]["value"], original, "the Task of the request");
    bundle
}

fn compare(name: &str, value: &Value) {
    let path = format!("{}/tests/data/hospital/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let now = format!("{value:#}\n");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("a golden file"), now, "{name}");
}

fn bundle(request: &Request, can: Capabilities) -> Value {
    let bundle = document_bundle(request, &settings("http://127.0.0.1:1/fhir"), &facility(), can).expect("a bundle");
    serde_json::to_value(&bundle).expect("JSON")
}

#[test]
fn what_is_sent_is_as_it_was() {
    for (name, request, can) in cases() {
        compare(name, &bundle(&request, can));
    }
    for (name, resource) in single_resources() {
        compare(name, &resource);
    }
}

/// The second of three parts at a server that told where the first of two charges is, and the last of five.
#[test]
fn a_part_points_to_what_is_there_already() {
    let (_, request, can) = cases().remove(0);
    let whole = bundle(&request, can);
    let frozen = Frozen::read(whole.to_string().as_bytes()).expect("entries");
    let told = |address: &str| Some(address.to_owned());
    let read = |part: Vec<Value>| serde_json::from_slice::<Value>(&wire::transaction(&part)).expect("JSON");
    let invoice = read(frozen.part(&[told("ChargeItem/11"), None], 2));
    let task =
        read(frozen.part(&[told("ChargeItem/11"), None, told("Invoice/12"), told("PaymentNotice/13")], usize::MAX));
    compare("paid-part-2", &invoice);
    compare("paid-part-last", &task);
    assert_eq!(read(frozen.part(&[], usize::MAX)), whole, "all of it is as it was");
    let lines = &invoice["entry"][0]["resource"]["lineItem"];
    assert_eq!(lines[0]["chargeItemReference"], json!({"reference": "ChargeItem/11"}));
    let logical = json!({"type": "ChargeItem", "identifier": whole["entry"][1]["resource"]["identifier"][0]});
    assert_eq!(lines[1]["chargeItemReference"], logical);
    let notice = &invoice["entry"][1]["resource"]["request"]["reference"];
    assert_eq!(*notice, invoice["entry"][0]["fullUrl"], "within the part it stays as it was");
    assert_eq!(task["entry"][0]["resource"]["focus"], json!({"reference": "Invoice/12"}));
    assert!(!task.to_string().replace(task["entry"][0]["fullUrl"].as_str().expect("a url"), "").contains("urn:uuid"));
    for (part, of) in [(&invoice, 2..4), (&task, 4..5)] {
        for (entry, frozen) in part["entry"].as_array().expect("entries").iter().zip(of) {
            let frozen = &whole["entry"][frozen];
            assert_eq!(
                (&entry["request"], &entry["fullUrl"], &entry["resource"]["identifier"]),
                (&frozen["request"], &frozen["fullUrl"], &frozen["resource"]["identifier"])
            );
        }
    }
}

#[test]
fn entries_come_dependency_first() {
    let kinds = |name: &str| -> Vec<String> {
        let (_, request, can) = cases().into_iter().find(|(case, ..)| *case == name).expect("a case");
        let bundle = bundle(&request, can);
        let entries = bundle["entry"].as_array().expect("entries").clone();
        entries.iter().map(|entry| entry["resource"]["resourceType"].as_str().expect("a type").to_owned()).collect()
    };
    assert_eq!(kinds("paid"), ["ChargeItem", "ChargeItem", "Invoice", "PaymentNotice", "Task"]);
    assert_eq!(kinds("paid-offline"), ["ChargeItem", "ChargeItem", "Invoice", "Task"]);
    assert_eq!(kinds("paid-task-only"), ["Task"]);
    assert_eq!(kinds("unpaid"), ["ChargeItem", "ChargeItem", "Task"]);
}

#[test]
fn every_entry_is_conditional_and_no_full_url_is_an_identifier() {
    for (name, request, can) in cases() {
        let bundle = bundle(&request, can);
        let text = bundle.to_string();
        for entry in bundle["entry"].as_array().expect("entries") {
            let once = entry["request"]["ifNoneExist"].as_str().expect("ifNoneExist");
            let value = entry["resource"]["identifier"][0]["value"].as_str().expect("an identifier");
            assert_eq!(
                once,
                format!("identifier=https%3A%2F%2Fdemo.hospital-kiosk.example%2Frequest%7C{value}"),
                "{name}"
            );
            let full_url = entry["fullUrl"].as_str().expect("fullUrl").strip_prefix("urn:uuid:").expect("a uuid");
            assert!(!once.contains(full_url), "{name}");
            assert_eq!(text.matches(&format!("\"value\":\"{full_url}\"")).count(), 0, "{name}");
        }
    }
}

/// The Task names every paper, and a paper without a price is no charge.
#[test]
fn a_paper_without_a_price_is_ordered_but_not_charged() {
    for can in [ALL, Capabilities { charge_item: false, invoice: false, payment_notice: false, ..ALL }] {
        let bundle = bundle(&unpriced_documents(6), can);
        let entries = bundle["entry"].as_array().expect("entries");
        let charges: Vec<&str> = entries
            .iter()
            .filter(|entry| entry["resource"]["resourceType"] == "ChargeItem")
            .filter_map(|entry| entry["resource"]["code"]["coding"][0]["code"].as_str())
            .collect();
        let wanted: &[&str] = if can.charge_item { &["IMG_CD"] } else { &[] };
        assert_eq!(charges, wanted);
        assert!(!bundle.to_string().contains("Invoice"));
        let task = &entries.last().expect("a task")["resource"];
        let named = |id: &str| task["input"].as_array().expect("inputs").iter().find(|input| input["id"] == id);
        assert_eq!(named("document-1").expect("a code")["valueCodeableConcept"]["coding"][0]["code"], "REC");
        assert_eq!(named("copies-1").expect("copies")["valuePositiveInt"], 2);
        assert_eq!(named("language-1").expect("a language")["valueCode"], "ko");
        assert!(named("amount-1").is_none());
        assert_eq!(named("amount-2").is_some(), !can.charge_item);
    }
}

#[test]
fn a_frozen_bundle_is_always_the_same() {
    let (_, request, can) = cases().remove(0);
    assert_eq!(bundle(&request, can), bundle(&request, can));
}

#[test]
fn no_name_and_no_birth_date_travels() {
    for (name, request, can) in cases() {
        let text = bundle(&request, can).to_string();
        assert!(!text.contains("홍") && !text.contains("1958") && !text.contains("9410"), "{name}");
    }
}

#[test]
fn without_conditional_create_there_is_no_condition_to_refuse() {
    let can =
        Capabilities { charge_item: false, invoice: false, payment_notice: false, conditional_create: false, ..ALL };
    let bundle = bundle(&documents(8, card()), can);
    assert_eq!(bundle["entry"].as_array().map(Vec::len), Some(1));
    assert!(!bundle.to_string().contains("ifNoneExist"));
    compare("paid-unconditional", &bundle);
}
