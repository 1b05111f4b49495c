//! Prices and times: the table `data/quotes.txt`, properties, and the command's own words.

use crate::configuration::{KNOWN, shipped};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, TimeDelta};
use hospital_kiosk::commands::quote::{QuoteArgs, run};
use hospital_kiosk::commands::{NO, Streams, YES};
use hospital_kiosk::config;
use hospital_kiosk::domain::document::fees::{FeeRefusal, fee, pages_fee};
use hospital_kiosk::domain::document::{OrderItem, Price};
use hospital_kiosk::domain::facility::Facility;
use hospital_kiosk::domain::hours::WeekHours;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::pricing::order::price;
use hospital_kiosk::domain::pricing::quote::{Reason, quote};
use hospital_kiosk::domain::zone::Zone;
use proptest::prelude::*;

fn facility() -> Facility {
    config::load(&shipped(), &KNOWN).expect("the shipped configuration is sound").facility
}

fn seoul(local: &str) -> DateTime<FixedOffset> {
    let local: NaiveDateTime = local.parse().expect("a local time");
    local.and_local_timezone(FixedOffset::east_opt(9 * 3600).expect("an offset")).single().expect("a moment")
}

#[test]
fn every_line_of_the_table_holds() {
    let facility = facility();
    let mut cases = 0;
    for line in include_str!("data/quotes.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let [code, pages, copies, at, outcome, ready, amount] =
            line.split_whitespace().collect::<Vec<_>>().try_into().expect(line);
        let quote = quote(&facility, code, pages.parse().ok(), copies.parse().expect(line), None, seoul(at));
        let reason = quote.reason.map(Reason::word);
        assert_eq!((quote.orderable, quote.today), (ready != "-", outcome == "today"), "{line}");
        assert_eq!(reason, Some(outcome).filter(|outcome| *outcome != "today"), "{line}");
        assert_eq!(quote.ready_at, Some(ready).filter(|ready| *ready != "-").map(seoul), "{line}");
        assert_eq!(quote.amount, amount.parse().ok().map(Amount), "{line}");
        let total: i64 = quote.lines.iter().map(|line| line.amount.unwrap_or_default().0).sum();
        assert_eq!(total, quote.amount.unwrap_or_default().0, "{line}");
        cases += 1;
    }
    assert!(cases > 50, "{cases} cases read");
}

#[test]
fn the_other_reading_of_the_fee_rule_is_only_other_data() {
    let first_five_together = [(1, Amount(1_000)), (2, Amount(0)), (6, Amount(100))];
    for (pages, amount) in [(1, 1_000), (5, 1_000), (6, 1_100), (30, 3_500)] {
        assert_eq!(pages_fee(&first_five_together, pages), Some(Amount(amount)), "{pages} pages");
    }
}

#[test]
fn an_amount_beyond_all_numbers_is_refused_and_never_wraps() {
    let dear = Amount(i64::MAX);
    let pages = Price::ByPage { tiers: vec![(1, dear)] };
    assert_eq!(fee(&pages, Some(2), 1), Err(FeeRefusal::BadPages));
    assert_eq!(fee(&pages, Some(1), 2), Err(FeeRefusal::BadCopies));
    assert_eq!(fee(&Price::Fixed { first: dear, further: Amount(1) }, None, 2), Err(FeeRefusal::BadCopies));
    assert_eq!(fee(&pages, Some(1), 0), Err(FeeRefusal::BadCopies));
}

#[test]
fn the_moment_counts_in_hospital_time_whatever_its_offset() {
    let facility = facility();
    let utc = DateTime::parse_from_rfc3339("2026-11-27T23:30:00Z").expect("a moment");
    let answer = quote(&facility, "REC", Some(1), 1, None, utc);
    assert_eq!(answer.ready_at.expect("ready").to_rfc3339(), "2026-11-28T09:00:00+09:00");
    assert_eq!(answer.collect_until.expect("until").to_rfc3339(), "2026-11-28T13:00:00+09:00");
}

/// zone, ordered at, whether ready today (else why not), ready at. The counters' own hours: 08:00-18:00.
#[test]
fn the_counters_go_by_the_towns_clocks() {
    for (zone, at, today, ready) in [
        // Summer, winter, and the same instants written otherwise.
        ("Europe/Berlin", "2026-07-15T08:30:00+02:00", None, "2026-07-15T08:30:00+02:00"),
        ("Europe/Berlin", "2026-07-15T06:30:00Z", None, "2026-07-15T08:30:00+02:00"),
        ("Europe/Berlin", "2026-07-15T18:30:00+02:00", Some("closed"), "2026-07-16T08:00:00+02:00"),
        ("Europe/Berlin", "2026-01-14T07:30:00+01:00", Some("closed"), "2026-01-14T08:00:00+01:00"),
        ("Europe/Berlin", "2026-01-14T17:30:00Z", Some("closed"), "2026-01-15T08:00:00+01:00"),
        // The next opening lies behind the change.
        ("Europe/Berlin", "2026-03-28T19:00:00+01:00", Some("closed"), "2026-03-30T08:00:00+02:00"),
        ("Europe/Berlin", "2026-10-24T19:00:00+02:00", Some("closed"), "2026-10-26T08:00:00+01:00"),
        ("Europe/Dublin", "2026-07-15T16:59:00Z", None, "2026-07-15T17:59:00+01:00"),
        ("Europe/Dublin", "2026-01-14T17:59:00Z", None, "2026-01-14T17:59:00+00:00"),
        ("America/Santiago", "2026-07-15T12:30:00Z", None, "2026-07-15T08:30:00-04:00"),
        ("America/Santiago", "2026-01-14T11:30:00Z", None, "2026-01-14T08:30:00-03:00"),
        ("America/Santiago", "2026-07-15T11:30:00Z", Some("closed"), "2026-07-15T08:00:00-04:00"),
        ("Australia/Lord_Howe", "2026-07-14T21:45:00Z", None, "2026-07-15T08:15:00+10:30"),
        ("Australia/Lord_Howe", "2026-01-13T21:15:00Z", None, "2026-01-14T08:15:00+11:00"),
        // Ramadan of 2026.
        ("Africa/Casablanca", "2026-03-10T08:15:00Z", None, "2026-03-10T08:15:00+00:00"),
        ("Africa/Casablanca", "2026-04-14T07:15:00Z", None, "2026-04-14T08:15:00+01:00"),
        ("Africa/Casablanca", "2026-03-10T07:15:00Z", Some("closed"), "2026-03-10T08:00:00+00:00"),
    ] {
        let facility = Facility { zone: Zone::named(zone).expect(zone), ..facility() };
        let at = DateTime::parse_from_rfc3339(at).expect("a moment");
        let answer = quote(&facility, "CF_VISIT", None, 1, None, at);
        assert_eq!(answer.reason.map(Reason::word), today, "{zone} {at}");
        assert_eq!(answer.ready_at.expect("ready").to_rfc3339(), ready, "{zone} {at}");
    }
}

/// A counter that hands out by night, 01:30-03:30, while the clocks change; a record takes half an hour.
#[test]
fn a_counter_that_is_open_while_the_clocks_change_serves_as_long_as_it_does() {
    for (zone, at, today, ready) in [
        // 02:00 becomes 03:00: it is open for an hour.
        ("Europe/Berlin", "2026-03-29T00:30:00Z", None, "2026-03-29T03:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", None, "2026-03-29T03:30:00+02:00"),
        ("Europe/Berlin", "2026-03-29T01:00:01Z", Some("too-late"), "2026-03-30T02:00:00+02:00"),
        ("Europe/Berlin", "2026-03-29T01:30:00Z", Some("closed"), "2026-03-30T02:00:00+02:00"),
        // 03:00 becomes 02:00: for three.
        ("Europe/Berlin", "2026-10-24T23:30:00Z", None, "2026-10-25T02:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25T01:45:00Z", None, "2026-10-25T03:15:00+01:00"),
        ("Europe/Berlin", "2026-10-25T02:00:00Z", None, "2026-10-25T03:30:00+01:00"),
        ("Europe/Berlin", "2026-10-25T02:00:01Z", Some("too-late"), "2026-10-26T02:00:00+01:00"),
        // Half an hour, from 02:00 to 01:30: it opens at the first of the two.
        ("Australia/Lord_Howe", "2026-04-04T14:30:00Z", None, "2026-04-05T01:30:00+10:30"),
        ("Australia/Lord_Howe", "2026-04-04T14:29:59Z", Some("closed"), "2026-04-05T01:30:00+10:30"),
    ] {
        let mut facility = Facility { zone: Zone::named(zone).expect(zone), ..facility() };
        let time = |hour| chrono::NaiveTime::from_hms_opt(hour, 30, 0).expect("a time");
        facility.holidays.clear();
        facility.hours.insert("records".to_owned(), WeekHours([Some((time(1), time(3))); 7]));
        let at = DateTime::parse_from_rfc3339(at).expect("a moment");
        let answer = quote(&facility, "REC", Some(1), 1, None, at);
        assert_eq!(answer.reason.map(Reason::word), today, "{zone} {at}");
        assert_eq!(answer.ready_at.expect("ready").to_rfc3339(), ready, "{zone} {at}");
    }
}

#[test]
fn a_price_begins_with_the_towns_day() {
    let mut facility = Facility { zone: Zone::named("America/Santiago").expect("a zone"), ..facility() };
    let document = facility.documents.iter_mut().find(|document| document.code == "CF_VISIT").expect("CF_VISIT");
    // A day without a midnight.
    let from = NaiveDate::from_ymd_opt(2026, 9, 6).expect("a day");
    document.price_changes = vec![(from, Price::Fixed { first: Amount(2_000), further: Amount(500) })];
    for (at, amount) in [("2026-09-06T03:59:59Z", 3_000), ("2026-09-06T04:00:00Z", 2_000)] {
        let at = DateTime::parse_from_rfc3339(at).expect("a moment");
        assert_eq!(quote(&facility, "CF_VISIT", None, 1, None, at).amount, Some(Amount(amount)), "{at}");
    }
}

#[test]
fn a_new_price_holds_from_its_day_on() {
    let mut facility = facility();
    let rec = facility.documents.iter_mut().find(|document| document.code == "CF_VISIT").expect("CF_VISIT");
    let from = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day");
    rec.price_changes = vec![(from, Price::Fixed { first: Amount(2_000), further: Amount(500) })];
    let at = |local| quote(&facility, "CF_VISIT", None, 2, None, seoul(local)).amount;
    assert_eq!(at("2026-11-30T23:59:59"), Some(Amount(4_000)));
    assert_eq!(at("2026-12-01T00:00:00"), Some(Amount(2_500)));
}

/// Ready the day after tomorrow, which is a holiday: nobody closes a counter that is not open.
#[test]
fn nothing_is_collected_on_a_holiday() {
    let mut facility = facility();
    let document = facility.documents.iter_mut().find(|document| document.code == "CF_VISIT").expect("CF_VISIT");
    document.ready_max = 25 * 60;
    let item = OrderItem { code: "CF_VISIT".to_owned(), copies: 1, language: Language::Ko, pages: None };
    let until =
        |facility: &Facility| price(facility, std::slice::from_ref(&item), seoul("2026-11-23T10:00:00")).collect_until;
    let day = |until: Option<DateTime<FixedOffset>>| until.map(|until| until.date_naive().to_string());
    assert_eq!(day(until(&facility)).as_deref(), Some("2026-11-25"));
    let holiday = NaiveDate::from_ymd_opt(2026, 11, 25).expect("a day");
    facility.holidays.insert(holiday, hospital_kiosk::domain::language::LocalText::default());
    assert_eq!(day(until(&facility)), None);
}

#[test]
fn a_counter_that_never_opens_takes_no_order() {
    let mut facility = facility();
    facility.hours.insert("desk".to_owned(), WeekHours::default());
    let answer = quote(&facility, "CF_VISIT", None, 1, None, seoul("2026-11-25T10:00:00"));
    assert_eq!((answer.orderable, answer.reason, answer.amount), (false, Some(Reason::Closed), None));
}

proptest! {
    #[test]
    fn what_is_promised_is_ready_while_its_counter_hands_out(minute in 0_i64..(2 * 365 * 24 * 60), code in 0_usize..5) {
        let facility = facility();
        let document = &facility.documents[code];
        let at = seoul("2026-01-01T00:00:00") + TimeDelta::minutes(minute);
        let answer = quote(&facility, &document.code, Some(3), 1, None, at);
        let (ready, until) = (answer.ready_at.expect("ready"), answer.collect_until.expect("until"));
        prop_assert!(at <= ready && ready <= until && ready.date_naive() == until.date_naive());
        prop_assert_eq!(answer.today, answer.reason.is_none());
        let calendar = facility.calendar(&document.hours).expect("hours");
        let (opens, closes) = calendar.opening(ready.date_naive()).expect("an open day");
        prop_assert!(opens <= ready.time() && ready.time() <= closes);
        let last = calendar.last_order(at.date_naive(), document.ready_max);
        let in_time = last.is_some_and(|last| at <= last) && calendar.opens(at.date_naive()).is_some_and(|opens| at >= opens);
        prop_assert_eq!(answer.today, in_time);
    }
}

fn ask(args: &QuoteArgs) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let now = seoul("2026-11-25T10:00:00");
    let code = run(args, &facility(), now, &mut Streams { out: &mut out, err: &mut err }).expect("a writer");
    (code, String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
}

fn args(document: &str, pages: Option<u32>, language: Option<Language>, json: bool) -> QuoteArgs {
    QuoteArgs { document: document.to_owned(), pages, copies: 1, language, at: None, json }
}

#[test]
fn the_json_has_the_agreed_keys_in_their_order() {
    let (code, out, err) = ask(&args("REC", Some(6), Some(Language::Ko), true));
    let expected = concat!(
        r#"{"document":"REC","orderable":true,"today":true,"reason":null,"ready_at":"2026-11-25T10:30:00+09:00","#,
        r#""amount":5100,"currency":"KRW","lines":[{"text":"진료기록 사본","unit":"page","count":6,"amount":5100,"#,
        r#""copies":1,"language":"ko"}],"tax":"exempt","collect_until":"2026-11-25T18:00:00+09:00"}"#,
        "\n"
    );
    assert_eq!((code, out.as_str(), err.as_str()), (YES, expected, ""));
}

#[test]
fn a_refusal_is_json_too_and_says_what_to_do_on_the_other_stream() {
    let (code, out, err) = ask(&args("REC", Some(0), None, true));
    let expected = concat!(
        r#"{"document":"REC","orderable":false,"today":false,"reason":"bad-pages","ready_at":null,"amount":null,"#,
        r#""currency":"KRW","lines":[],"tax":"exempt","collect_until":null}"#,
        "\n"
    );
    assert_eq!((code, out.as_str()), (NO, expected));
    assert!(err.contains("--pages"), "{err}");
}

#[test]
fn a_language_the_paper_is_not_issued_in_is_told() {
    let (code, out, err) = ask(&args("REC", Some(6), Some(Language::En), false));
    assert_eq!(code, YES);
    assert!(out.contains("Medical record") && out.contains("5100 KRW") && out.contains("2026-11-25 10:30"), "{out}");
    assert!(err.contains("not issued in en"), "{err}");
}
