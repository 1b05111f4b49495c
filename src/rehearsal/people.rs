//! The demo hospital's patients, all made up, in one place: what the simulated hospital is seeded with, and what
//! `demo --hospital URL --seed-into` creates on somebody else's server.

use crate::hospital::wire::{ARRIVED_AT, IDENTITY_VERIFIED_ON, SITE};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

/// Identifier systems of the demo; its configuration names the same.
pub const PATIENT_SYSTEM: &str = "https://demo.hospital-kiosk.example/patient-number";
pub const REQUEST_SYSTEM: &str = "https://demo.hospital-kiosk.example/request";
pub const DEVICE_SYSTEM: &str = "https://demo.hospital-kiosk.example/device";
pub const DEVICE_SERIAL: &str = "KIOSK-0003";
pub const DOCUMENT_SYSTEM: &str = "https://demo.hospital-kiosk.example/document";
pub const SLIP_SYSTEM: &str = "https://demo.hospital-kiosk.example/slip";
/// Identifies an appointment over days: `2026-11-25-1`.
pub const APPOINTMENT_SYSTEM: &str = "https://demo.hospital-kiosk.example/appointment";

/// One made-up patient and their day.
pub struct Person {
    pub number: &'static str,
    pub birth_date: &'static str,
    pub family: &'static str,
    pub given: &'static str,
    pub gender: &'static str,
    pub visits: &'static [Visit],
    /// Identity papers were seen this many days before the demo's day.
    pub verified_days_ago: Option<u64>,
    /// Pages of this patient's record, which the hospital quotes.
    pub record_pages: u32,
}

pub struct Visit {
    /// `10:30`, hospital time.
    pub at: &'static str,
    pub status: &'static str,
    pub clinic: &'static Clinic,
    /// What the appointment slip's code carries (after the scanner's prefix); the same every day, today's is meant.
    pub slip: Option<&'static str>,
    pub arrived_at: Option<&'static str>,
    pub other_site: bool,
    pub emergency: bool,
}

pub struct Clinic {
    pub ko: &'static str,
    pub en: &'static str,
    pub place_ko: &'static str,
    pub place_en: &'static str,
}

const INTERNAL: Clinic =
    Clinic {
        ko: "내과", en: "Internal medicine", place_ko: "2층 내과 접수", place_en: "Internal medicine, floor 2"
    };
const EYES: Clinic =
    Clinic { ko: "안과", en: "Ophthalmology", place_ko: "3층 안과 접수", place_en: "Ophthalmology, floor 3" };
const BONES: Clinic =
    Clinic {
        ko: "정형외과", en: "Orthopaedics", place_ko: "1층 정형외과 접수", place_en: "Orthopaedics, floor 1"
    };
const CHILDREN: Clinic = Clinic {
    ko: "소아청소년과",
    en: "Paediatrics",
    place_ko: "2층 소아청소년과 접수",
    place_en: "Paediatrics, floor 2",
};

const fn booked(at: &'static str, clinic: &'static Clinic) -> Visit {
    Visit { at, status: "booked", clinic, slip: None, arrived_at: None, other_site: false, emergency: false }
}

/// The patient of the main walkthrough: 홍○동, 10:30, internal medicine, slip `AS-40021`.
pub const MAIN: &str = "10293847";

/// What the scanner reads off that patient's appointment slip, with the demo's slip prefix before it.
pub const MAIN_SLIP: &str = "A:AS-40021";

/// The kiosk speaks of patients and devices as these people's hospital does.
pub fn use_systems(hospital: &mut crate::config::Hospital) {
    PATIENT_SYSTEM.clone_into(&mut hospital.patient_system);
    REQUEST_SYSTEM.clone_into(&mut hospital.request_system);
    DEVICE_SYSTEM.clone_into(&mut hospital.device_system);
    DEVICE_SERIAL.clone_into(&mut hospital.device_serial);
    DOCUMENT_SYSTEM.clone_into(&mut hospital.document_system);
    SLIP_SYSTEM.clone_into(&mut hospital.slip_system);
}

pub const PEOPLE: &[Person] = &[
    Person {
        number: MAIN,
        birth_date: "1958-04-12",
        family: "홍",
        given: "길동",
        gender: "male",
        visits: &[Visit { slip: Some("AS-40021"), ..booked("10:30", &INTERNAL) }],
        verified_days_ago: None,
        record_pages: 6,
    },
    // Two appointments on one day, in English.
    Person {
        number: "20481632",
        birth_date: "1985-11-03",
        family: "Smith",
        given: "John",
        gender: "male",
        visits: &[
            Visit { slip: Some("AS-40022"), ..booked("10:40", &EYES) },
            Visit { slip: Some("AS-40023"), ..booked("11:20", &BONES) },
        ],
        verified_days_ago: None,
        record_pages: 14,
    },
    // Has already arrived at 09:12.
    Person {
        number: "30517294",
        birth_date: "1971-07-30",
        family: "김",
        given: "영희",
        gender: "female",
        visits: &[Visit {
            status: "arrived",
            arrived_at: Some("09:12"),
            slip: Some("AS-40024"),
            ..booked("09:30", &INTERNAL)
        }],
        verified_days_ago: None,
        record_pages: 3,
    },
    // No appointment today.
    Person {
        number: "40628153",
        birth_date: "1990-02-28",
        family: "이",
        given: "산",
        gender: "male",
        visits: &[],
        verified_days_ago: None,
        record_pages: 2,
    },
    // Too early: 17:30.
    Person {
        number: "50739264",
        birth_date: "1966-12-24",
        family: "박",
        given: "민수",
        gender: "male",
        visits: &[Visit { slip: Some("AS-40025"), ..booked("17:30", &BONES) }],
        verified_days_ago: None,
        record_pages: 8,
    },
    // Too late: 08:30.
    Person {
        number: "60841375",
        birth_date: "1979-09-09",
        family: "최",
        given: "수진",
        gender: "female",
        visits: &[Visit { slip: Some("AS-40026"), ..booked("08:30", &EYES) }],
        verified_days_ago: None,
        record_pages: 5,
    },
    // At the other site.
    Person {
        number: "70952486",
        birth_date: "1949-01-15",
        family: "남궁",
        given: "옥분",
        gender: "female",
        visits: &[Visit { other_site: true, slip: Some("AS-40027"), ..booked("10:20", &INTERNAL) }],
        verified_days_ago: None,
        record_pages: 31,
    },
    // About twelve years old: not alone.
    Person {
        number: "80163597",
        birth_date: "2014-11-20",
        family: "정",
        given: "하늘",
        gender: "female",
        visits: &[Visit { slip: Some("AS-40028"), ..booked("10:50", &CHILDREN) }],
        verified_days_ago: None,
        record_pages: 4,
    },
    // Identity papers were seen here a month ago: no ID check is due.
    Person {
        number: "90274618",
        birth_date: "1983-05-05",
        family: "강",
        given: "지우",
        gender: "female",
        visits: &[Visit { slip: Some("AS-40029"), ..booked("10:15", &INTERNAL) }],
        verified_days_ago: Some(30),
        record_pages: 9,
    },
    // Cancelled this morning.
    Person {
        number: "11385729",
        birth_date: "1994-08-18",
        family: "Nguyen",
        given: "Thi Mai",
        gender: "female",
        visits: &[Visit { status: "cancelled", slip: Some("AS-40030"), ..booked("10:10", &EYES) }],
        verified_days_ago: None,
        record_pages: 1,
    },
    // Came by the emergency department: no ID check is due either.
    Person {
        number: "12496831",
        birth_date: "1962-03-03",
        family: "윤",
        given: "서준",
        gender: "male",
        visits: &[Visit { emergency: true, slip: Some("AS-40031"), ..booked("10:05", &BONES) }],
        verified_days_ago: None,
        record_pages: 12,
    },
];

/// Name of the site where one of them is booked by mistake.
pub const OTHER_SITE: &str = "온새미대학교병원 바다분원";

/// A transaction that creates them conditionally: patients first, then today's appointments, then the kiosk.
#[must_use]
pub fn seed_bundle(day: NaiveDate) -> Value {
    let mut entries = Vec::new();
    let mut visit_number = 0;
    for person in PEOPLE {
        let url = format!("urn:uuid:{}", seed_uuid(&format!("patient/{}", person.number)));
        entries.push(entry("Patient", &url, PATIENT_SYSTEM, person.number, &patient(person, day)));
        for visit in person.visits {
            visit_number += 1;
            let id = format!("{day}-{visit_number}");
            let visit_url = format!("urn:uuid:{}", seed_uuid(&format!("appointment/{id}")));
            entries.push(entry(
                "Appointment",
                &visit_url,
                APPOINTMENT_SYSTEM,
                &id,
                &appointment(visit, &url, &id, day),
            ));
        }
    }
    let device = json!({"resourceType": "Device", "identifier": [{"system": DEVICE_SYSTEM, "value": DEVICE_SERIAL}], "status": "active"});
    entries.push(entry("Device", &format!("urn:uuid:{}", seed_uuid("device")), DEVICE_SYSTEM, DEVICE_SERIAL, &device));
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

fn seed_uuid(name: &str) -> uuid::Uuid {
    uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_URL,
        format!("https://demo.hospital-kiosk.example/seed/{name}").as_bytes(),
    )
}

fn entry(kind: &str, full_url: &str, system: &str, value: &str, resource: &Value) -> Value {
    let once = format!("identifier={}", crate::hospital::wire::encode(&format!("{system}|{value}")));
    json!({"fullUrl": full_url, "resource": resource, "request": {"method": "POST", "url": kind, "ifNoneExist": once}})
}

fn patient(person: &Person, day: NaiveDate) -> Value {
    let mut patient = json!({
        "resourceType": "Patient",
        "active": true,
        "identifier": [{"system": PATIENT_SYSTEM, "value": person.number}],
        "name": [{"use": "official", "family": person.family, "given": [person.given]}],
        "gender": person.gender,
        "birthDate": person.birth_date,
    });
    if let Some(seen) = person.verified_days_ago.and_then(|days| day.checked_sub_days(Days::new(days))) {
        patient["extension"] = json!([{"url": IDENTITY_VERIFIED_ON, "valueDate": seen.to_string()}]);
    }
    patient
}

fn appointment(visit: &Visit, patient_url: &str, id: &str, day: NaiveDate) -> Value {
    let at = |time: &str| format!("{day}T{time}:00+09:00");
    let mut identifiers = vec![json!({"system": APPOINTMENT_SYSTEM, "value": id})];
    identifiers.extend(visit.slip.map(|slip| json!({"system": SLIP_SYSTEM, "value": slip})));
    let mut extensions = Vec::new();
    extensions.extend(visit.arrived_at.map(|time| json!({"url": ARRIVED_AT, "valueDateTime": at(time)})));
    extensions.extend(visit.other_site.then(|| json!({"url": SITE, "valueString": OTHER_SITE})));
    let clinic = visit.clinic;
    let mut appointment = json!({
        "resourceType": "Appointment",
        "language": "ko",
        "identifier": identifiers,
        "status": visit.status,
        "serviceType": [{"text": clinic.ko, "_text": translation("en", clinic.en)}],
        "start": at(visit.at),
        "end": at(&quarter_later(visit.at)),
        "participant": [
            {"actor": {"reference": patient_url}, "status": "accepted"},
            {"actor": {"type": "Location", "display": clinic.place_ko, "_display": translation("en", clinic.place_en)}, "status": "accepted"},
        ],
    });
    if !extensions.is_empty() {
        appointment["extension"] = json!(extensions);
    }
    if visit.emergency {
        let coding = json!([{"system": "http://terminology.hl7.org/CodeSystem/v2-0276", "code": "EMERGENCY"}]);
        appointment["appointmentType"] = json!({"coding": coding});
    }
    appointment
}

fn translation(language: &str, text: &str) -> Value {
    json!({"extension": [{
        "url": "http://hl7.org/fhir/StructureDefinition/translation",
        "extension": [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": text}],
    }]})
}

/// `10:30` to `10:45`.
fn quarter_later(time: &str) -> String {
    let end = time.parse::<chrono::NaiveTime>().unwrap_or_default() + chrono::TimeDelta::minutes(15);
    end.format("%H:%M").to_string()
}

/// Pages of the record of whoever has this number.
#[must_use]
pub fn record_pages(number: &str) -> u32 {
    PEOPLE.iter().find(|person| person.number == number).map_or(5, |person| person.record_pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_there_twice_and_times_are_whole() {
        let mut numbers: Vec<&str> = PEOPLE.iter().map(|person| person.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), PEOPLE.len());
        assert!(PEOPLE.iter().all(|person| person.number.len() == 8 && person.birth_date.parse::<NaiveDate>().is_ok()));
        assert_eq!(quarter_later("10:50"), "11:05");
    }
}
