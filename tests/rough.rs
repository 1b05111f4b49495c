//! Bad input on a whole kiosk: whatever people, devices and the hospital do, the words are clear, nothing is lost,
//! nothing is charged twice, and the first screen comes back.

use crate::stage::{TO_CONSENT, Theatre, open};
use hospital_kiosk::commands::socket::{self, Request};
use hospital_kiosk::rehearsal::child::Order;
use hospital_kiosk::rehearsal::hospital::Fault as HospitalFault;
use hospital_kiosk::rehearsal::terminal::Fault;
use serde_json::Value;
use std::thread::sleep;
use std::time::{Duration, Instant};

const START: &str = "tap \"Touch to start\"\ntap \"English\"\n";
const PRICE: i64 = 3000;
/// The kiosk waits so long for a card and its answer, in kiosk time; a second more, and it asks.
const PAST_THE_ANSWER_MS: u64 = 241_000;

/// Everything of people that is typed, scanned or answered here, as it would stand in a log.
const PERSONAL: [&str; 14] = [
    "10293847",
    "20481632",
    "40628153",
    "99999999",
    "19580412",
    "1958-04-12",
    "19851103",
    "1985-11-03",
    "19900228",
    "1990-02-28",
    "길동",
    "Smith",
    "AS-4002",
    "이산",
];

impl Theatre {
    fn hospital(&self) -> &hospital_kiosk::rehearsal::hospital::SimHospital {
        self.stage.hospital.as_ref().expect("ours")
    }

    /// Kiosk time passes at once; the devices do not notice.
    fn skip(&mut self, ms: u64) {
        self.stage.order(&Order::Wait { ms }).expect("time passes");
    }

    fn words(&mut self) -> String {
        self.stage.texts().expect("texts").join(" | ").replace('\n', " ")
    }

    fn twice(&mut self, id: &str) {
        let end = Instant::now() + Duration::from_secs(10);
        while let Err(error) = self.stage.order(&Order::TapTwice { id: id.to_owned() }) {
            assert!(Instant::now() < end, "{error:#}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Waits until one of `wanted` is to be read, and says which.
    fn any_of<'a>(&mut self, what: &str, wanted: &[&'a str]) -> &'a str {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let words = self.words();
            if let Some(found) = wanted.iter().find(|text| words.contains(**text)) {
                return found;
            }
            assert!(Instant::now() < end, "{what}: none of {wanted:?} in {words}\n{}", self.log());
            sleep(Duration::from_millis(100));
        }
    }

    fn play_as(&mut self, what: &str, script: &str) {
        self.try_play(script).unwrap_or_else(|error| panic!("{what}: {error:#}\nkiosk.log:\n{}", self.log()));
    }

    /// An abandoned kiosk is back at its first screen by itself; nothing broke and nobody is in the log.
    fn left_alone(&mut self, what: &str) {
        let end = Instant::now() + Duration::from_mins(1);
        while !self.words().contains("Touch to start") && !self.words().contains("화면을 눌러") {
            assert!(Instant::now() < end, "{what}: stuck at {}\n{}", self.words(), self.log());
            self.skip(20_000);
            sleep(Duration::from_millis(50));
        }
        let log = self.log();
        assert!(!log.contains("panicked"), "{what}: {log}");
        for personal in PERSONAL {
            assert!(!log.contains(personal), "{what}: kiosk.log contains somebody's {personal:?}");
        }
    }

    fn list(&self, request: &Request) -> Vec<Value> {
        let folder = self.folder.path().join("data/store");
        let lines = socket::ask(&folder, request).expect("the kiosk runs").expect("a list");
        lines.iter().map(|line| serde_json::from_str(line).expect("json")).collect()
    }

    /// The payments once none is open any more.
    fn settled(&mut self, what: &str) -> Vec<String> {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let payments = self.list(&Request::PaymentsList { json: true });
            let states = payments.iter().map(|payment| payment["state"].as_str().expect("state").to_owned());
            let states = states.collect::<Vec<_>>();
            if !states.iter().any(|state| ["intent", "sent", "answered", "in-doubt"].contains(&state.as_str())) {
                return states;
            }
            assert!(Instant::now() < end, "{what}: still open: {states:?}");
            self.skip(5_000);
            sleep(Duration::from_millis(200));
        }
    }

    /// Each booking is one paid order or one line on the staff list; nothing counts as paid that was not booked.
    fn books_agree(&mut self, what: &str) {
        let states = self.settled(what);
        let count = |wanted: &[&str]| states.iter().filter(|state| wanted.contains(&state.as_str())).count();
        let (paid, staff) = (count(&["committed", "settled"]), count(&["needs-staff"]));
        let bookings = self.stage.terminal.bookings();
        assert!(bookings.iter().all(|booking| booking.amount.0 == PRICE), "{what}: {bookings:?}");
        let booked = bookings.len();
        assert!(paid <= booked && booked <= paid + staff, "{what}: {booked} booked, but {states:?}");
    }

    fn hospital_has(&self, what: &str, tasks: usize) {
        let end = Instant::now() + Duration::from_secs(30);
        while self.hospital().count("Task") < tasks && Instant::now() < end {
            sleep(Duration::from_millis(100));
        }
        // A second delivery would come now.
        sleep(Duration::from_millis(300));
        assert_eq!(
            self.hospital().count("Task"),
            tasks,
            "{what}: {:#?}",
            self.list(&Request::QueueList { json: true })
        );
    }
}

fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        // xorshift64: the same seed, the same noise.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[7]
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn wrong_numbers_and_impossible_dates_get_clear_words_and_a_way_on() {
    let mut theatre = open();
    theatre.play_as("three tries", &format!(
        "{START}tap \"Check in\"\ntype \"99999999\"\ntap \"Next\"\ntype \"19580412\"\ntap \"Next\"\nexpect \"Not found. Please check the number.\"
         tap \"Next\"\ntype \"19580412\"\ntap \"Next\"\nexpect \"Not found. Please check the number.\"
         tap \"Next\"\ntype \"19580412\"\ntap \"Next\"\nexpect \"Please go to the desk\"
         expect \"The number did not match several times. The desk will find you.\"\ntap \"Finish\""
    ));
    theatre.play_as(
        "a fourth try, by a nervous finger",
        &format!("{START}tap \"Documents\"\ntap \"For me\"\ntype \"99999999\"\ntap \"Next\"\ntype \"19580412\""),
    );
    theatre.twice("Next");
    theatre.play_as("a fourth try", "expect \"Please go to the desk\"\ntap \"Finish\"");
    theatre.left_alone("three tries");

    theatre.play_as("dates", &format!(
        "{START}tap \"Check in\"\ntap \"Next\"\nexpect \"Please type all the digits.\"\ntype \"1029\"\ntap \"Erase\"\ntype \"93847555\"
         tap \"Next\"\ntype \"1899\"\nexpect \"Please look at the year again.\"
         type \"195813\"\nexpect \"The month is between 1 and 12.\"
         type \"00\"\nexpect \"The month is between 1 and 12.\"
         type \"0230\"\nexpect \"The day does not fit the month.\"\ntap \"Next\"\nexpect \"Please type all the digits.\"
         tap \"Clear all\"\ntype \"20261126\"\nexpect \"Please look at the year again.\"
         tap \"Next\"\nexpect \"Please type all the digits.\"\ntype \"19580412\"\ntap \"Next\"\ntap \"Yes\"\nexpect \"10:30\"\ntap \"Start over\""
    ));
    theatre.left_alone("dates");
}

#[test]
fn unknown_codes_and_scanner_noise_change_nothing() {
    let mut theatre = open();
    theatre.play_as("a code that is not ours", &format!(
        "scan \"https://example.org/menu\"\nexpect \"우리 병원 코드가 아닙니다\"\ntap \"Start over\"\n{START}tap \"Check in\"\nscan \"8801234567890\"
         expect \"This code is not ours. Please type the number.\"\ntype \"1\"\nscan \"A:NOPE-1\"\nexpect \"We could not find you\"
         tap \"Try again\"\nexpect \"hospital number\"\ntap \"Start over\""
    ));
    for (seed, place) in (1..).zip(["", "tap \"Touch to start\"\ntap \"English\"\ntap \"Check in\"\ntype \"102\""]) {
        theatre.play(place);
        for part in noise(seed, 10_000).chunks(1_000) {
            theatre.stage.scanner.send(part).expect("noise");
            sleep(Duration::from_millis(15));
        }
        theatre.stage.scanner.send(&vec![b'A'; 3_000]).expect("a code without end");
        theatre.stage.scanner.send(b"\r\n").expect("an end");
        sleep(Duration::from_millis(500));
        theatre.left_alone("scanner noise");
    }
    theatre.play_as("a good slip afterwards", "scan \"A:AS-40021\"\ntap \"Language\"\ntap \"English\"\ntap \"Yes\"\nexpect \"10:30\"\ntap \"Check in\"\nexpect \"K3-001\"\ntap \"Finish\"");
    theatre.left_alone("a slip");
}

const ENDS: [&str; 4] = ["Paid", "You have not paid", "We could not confirm it yet", "Please do not pay again"];

/// One payment of [`PRICE`] that goes as `card` and the faults say; afterwards the books agree.
fn pay(theatre: &mut Theatre, what: &str, card: &str, faults: &[Fault]) -> &'static str {
    theatre.play_as(what, TO_CONSENT);
    agree(theatre, what, card, faults)
}

fn agree(theatre: &mut Theatre, what: &str, card: &str, faults: &[Fault]) -> &'static str {
    let before = theatre.stage.terminal.bookings().len();
    for fault in faults {
        theatre.stage.terminal.fault(*fault);
    }
    theatre.play_as(what, &format!("{card}\ntap \"I agree\""));
    let end = theatre.any_of(what, &ENDS);
    let end = if end == ENDS[3] { theatre.any_of(what, &ENDS[..3]) } else { end };
    theatre.books_agree(what);
    let charges = theatre.stage.terminal.bookings().len() - before;
    assert!(charges <= 1, "{what}: booked {charges} times");
    assert!(end != "Paid" || charges == 1, "{what}: {end}, booked {charges} times");
    assert!(end != "You have not paid" || charges == 0, "{what}: {end}, booked {charges} times");
    theatre.left_alone(what);
    // A card that no payment took would be there before the next one asks for it.
    theatre.stage.terminal.no_cards();
    end
}

#[test]
fn a_terminal_that_talks_nonsense_charges_once_at_most() {
    let mut theatre = open();
    let noisy = [Fault::NoiseBeforeAnswer, Fault::NoiseAfterAnswer, Fault::SplitAnswer, Fault::OddEvents];
    assert_eq!(pay(&mut theatre, "noise around the answer", "card approve", &noisy), "Paid");
    let broken = [Fault::CorruptAnswer, Fault::AnswerTwice];
    assert_eq!(pay(&mut theatre, "a broken answer", "card approve", &broken), "Paid");
    assert_eq!(pay(&mut theatre, "ACK and answer at once", "card approve", &[Fault::GlueAck]), "Paid");
    assert_eq!(pay(&mut theatre, "NAK", "", &[Fault::NakCharge]), "You have not paid");
    for (what, fault) in [("ACK as NAK", Fault::FlipAck), ("no ACK", Fault::DropAck)] {
        pay(&mut theatre, what, "card approve", &[fault]);
    }
    for (seed, count) in [(1, 50), (2, 700), (3, 5_000)] {
        theatre.stage.terminal.talk(&noise(seed, count));
        sleep(Duration::from_millis(200));
        pay(&mut theatre, "noise while idle, then a payment", "card approve", &[]);
    }
    for (seed, count) in [(4, 20), (5, 400), (6, 3_000)] {
        let what = "noise while the card is awaited";
        theatre.play_as(what, TO_CONSENT);
        theatre.play_as(what, "tap \"I agree\"\nexpect \"Insert your card\"");
        theatre.stage.terminal.talk(&noise(seed, count));
        theatre.play_as(what, "card approve");
        theatre.any_of(what, &ENDS);
        theatre.books_agree(what);
        theatre.left_alone(what);
    }
}

#[test]
fn a_terminal_that_answers_late_or_never_charges_once_at_most() {
    let mut theatre = open();
    theatre.stage.terminal.set_up(|setup| setup.late_ms = 3_000);
    assert_eq!(pay(&mut theatre, "late", "card late", &[]), "Paid");
    for card in ["card late", "card silence", "card reboot", "card approve"] {
        theatre.play_as(card, TO_CONSENT);
        if card == "card approve" {
            theatre.stage.terminal.fault(Fault::AnswerIsOld);
        }
        theatre.play_as(card, &format!("{card}\ntap \"I agree\""));
        // The terminal may still be asked about the payment before.
        for _ in 0..4 {
            if theatre.any_of(card, &["Paying", "The card reader did not get ready."]) != "Paying" {
                sleep(Duration::from_secs(4));
                // Unless it went on by itself meanwhile.
                if theatre.words().contains("Try again") {
                    theatre.play_as(card, "tap \"Try again\"");
                }
            }
        }
        theatre.skip(PAST_THE_ANSWER_MS);
        let end = theatre.any_of(card, &[ENDS[3], "Paid", "We could not confirm it yet"]);
        assert!(!theatre.words().contains("You have not paid"), "{card}: {end}: it was booked");
        theatre.books_agree(card);
        theatre.left_alone(card);
    }
    assert_eq!(theatre.stage.terminal.bookings().len(), 5);
    theatre.stage.terminal.set_up(|setup| {
        (setup.reboot_books, setup.unplug_books, setup.away_ms) = (false, false, 500);
    });
    for card in ["card reboot", "card unplug"] {
        theatre.play_as(card, TO_CONSENT);
        theatre.play_as(card, &format!("{card}\ntap \"I agree\"\nexpect \"Pay\""));
        sleep(Duration::from_millis(600));
        theatre.skip(PAST_THE_ANSWER_MS);
        theatre.books_agree(card);
        theatre.left_alone(card);
    }
    assert_eq!(theatre.stage.terminal.bookings().len(), 5, "nothing else was booked");
}

#[test]
fn without_a_terminal_papers_are_ordered_and_paid_at_the_desk() {
    let mut theatre = open();
    theatre.play_as("unplugged after the price was said", TO_CONSENT);
    theatre.stage.terminal.unplug();
    sleep(Duration::from_secs(1));
    theatre.play_as(
        "unplugged after the price was said",
        "tap \"I agree\"\nexpect \"Please pay at the desk: no card can be read here.\"\ntap \"Order\"\ntap \"I agree\"\nexpect \"Ordered\"\nexpect-paper \"Not paid yet\"\ntap \"Finish\"",
    );
    theatre.left_alone("unplugged after the price was said");
    theatre.hospital_has("ordered without a card", 1);
    let order = TO_CONSENT
        .replace("tap \"Pay\"", "expect \"Please pay at the desk: no card can be read here.\"\ntap \"Order\"");
    theatre.play_as("unplugged before", &order);
    theatre.play_as("unplugged before", "tap \"I agree\"\nexpect \"Ordered\"");
    theatre.left_alone("unplugged before");
    theatre.hospital_has("two orders", 2);
    theatre.stage.terminal.plug_in();
    sleep(Duration::from_secs(4));
    assert_eq!(pay(&mut theatre, "plugged in again", "card approve", &[]), "Paid");
    assert_eq!(theatre.stage.terminal.charges_seen(), 1);
    theatre.hospital_has("the paid one", 3);
}

#[test]
fn a_printer_that_vanishes_or_jams_loses_no_receipt() {
    let mut theatre = open();
    theatre.play_as("vanishes", TO_CONSENT);
    theatre.stage.printer.limit_buffer(1_500);
    theatre.play_as("vanishes", "card approve\ntap \"I agree\"");
    let end = Instant::now() + Duration::from_secs(20);
    while theatre.stage.printer.rows_uncut() == 0 && Instant::now() < end {
        sleep(Duration::from_millis(1));
    }
    assert!(theatre.stage.printer.papers().is_empty(), "it vanished too late to test anything");
    theatre.stage.printer.unplug();
    theatre.play_as("vanishes", "expect \"Paid\"\nexpect \"note\"\ntap \"Finish\"");
    theatre.left_alone("vanishes");
    theatre.hospital_has("paid without a receipt", 1);
    theatre.stage.printer.limit_buffer(0);
    theatre.stage.printer.plug_in().expect("a pty");
    sleep(Duration::from_secs(4));
    let papers = theatre.stage.printer.papers().len();
    theatre.play_as("comes back", &format!("{START}tap \"Receipt or payment problem\"\ntype \"0001\"\ntap \"Next\""));
    theatre.twice("Print again");
    let end = Instant::now() + Duration::from_secs(20);
    while theatre.stage.printer.papers().len() == papers && Instant::now() < end {
        sleep(Duration::from_millis(100));
    }
    sleep(Duration::from_millis(500));
    assert_eq!(theatre.stage.printer.papers().len(), papers + 1, "one duplicate for two touches");
    theatre.left_alone("comes back");

    // Who is at the consent keeps the order, whatever the printer does from then on; a new one is sent to the desk.
    theatre.play_as("jam", TO_CONSENT);
    theatre.play_as("jam", "paper jam");
    assert_eq!(agree(&mut theatre, "jam", "card approve", &[]), "Paid");
    theatre.play_as("jam", "paper in\nwait 3s");
    theatre.play_as("a printer that talks nonsense", TO_CONSENT);
    theatre.stage.printer.talk_garbage(true);
    assert_eq!(agree(&mut theatre, "a printer that talks nonsense", "card approve", &[]), "Paid");
    theatre.stage.printer.talk_garbage(false);
    theatre.hospital_has("three paid orders", 3);
    assert_eq!(theatre.stage.printer.faults(), Vec::<String>::new());
}

#[test]
fn a_hospital_that_answers_nonsense_loses_no_request() {
    let mut theatre = open();
    let look_up_of = |number: &str| {
        format!("{START}tap \"Check in\"\ntype \"{number}\"\ntap \"Next\"\ntype \"19900228\"\ntap \"Next\"")
    };
    // What cannot be read is an answer, and no patient who is not known; only the last two are an outage. Each of them is a
    // try all the same: today's cache was asked. From the third on the machine is slowed.
    for (number, fault, title, desk) in [
        ("40628153", HospitalFault::Html, "here", "The desk has to look it up for you."),
        ("40628154", HospitalFault::WrongResource, "here", "The desk has to look it up for you."),
        ("40628155", HospitalFault::Reject, "now", "The desk can do it."),
        ("40628156", HospitalFault::Down, "now", "The desk can do it."),
    ] {
        let what = format!("look-up, {fault:?}");
        theatre.hospital().set(fault.clone());
        theatre.play_as(&what, &look_up_of(number));
        if number == "40628156" {
            theatre.play_as(&what, "expect \"One moment, please\"\nwait 11s");
        }
        theatre.play_as(&what, &format!("expect \"We cannot look it up {title}\"\nexpect \"{desk}\""));
        theatre.play_as(&what, "tap \"Try again\"\nexpect \"hospital number\"\ntap \"Start over\"");
        theatre.hospital().set(HospitalFault::Up);
        theatre.left_alone(&what);
    }
    theatre.play_as("slow", "wait 130s");
    theatre.hospital().set(HospitalFault::Slow);
    theatre.play_as("slow", &look_up_of("40628153"));
    theatre.play_as("slow", "expect \"One moment, please\"\nexpect \"No appointment today\"");
    theatre.hospital().set(HospitalFault::Up);
    theatre.left_alone("slow");

    let to_quote = TO_CONSENT.replace("Visit confirmation", "Medical record");
    let to_quote =
        to_quote.split("tap \"Medical record\"").next().expect("before it").to_owned() + "tap \"Medical record\"";
    let mut tasks = 0;
    for fault in [HospitalFault::Html, HospitalFault::WrongResource, HospitalFault::Reject] {
        let what = format!("quote, {fault:?}");
        theatre.play_as(&what, &to_quote);
        theatre.hospital().set(fault.clone());
        theatre.play_as(&what, "tap \"Next\"\ntap \"Next\"\nexpect \"At the desk\"\ntap \"Order\"\ntap \"I agree\"\nexpect \"Ordered\"\ntap \"Finish\"");
        theatre.hospital_has(&what, tasks);
        theatre.hospital().set(HospitalFault::Up);
        tasks += 1;
        theatre.hospital_has(&what, tasks);
        theatre.left_alone(&what);
    }
    for fault in [
        HospitalFault::Html,
        HospitalFault::WrongResource,
        HospitalFault::Reject,
        HospitalFault::LoseAnswers,
        HospitalFault::Slow,
    ] {
        let what = format!("delivery, {fault:?}");
        theatre.play_as(&what, TO_CONSENT);
        theatre.hospital().set(fault.clone());
        theatre
            .play_as(&what, "card approve\ntap \"I agree\"\nexpect \"Paid\"\nexpect-paper \"₩3,000\"\ntap \"Finish\"");
        sleep(Duration::from_millis(800));
        theatre.hospital().set(HospitalFault::Up);
        tasks += 1;
        theatre.hospital_has(&what, tasks);
        theatre.books_agree(&what);
        theatre.left_alone(&what);
    }
    refused_for_good(&mut theatre, tasks + 1);
}

/// A request the hospital refuses is parked, stays in the list, and is delivered when staff try it again.
fn refused_for_good(theatre: &mut Theatre, tasks: usize) {
    let what = "refused";
    theatre.play_as(what, TO_CONSENT);
    theatre.hospital().set(HospitalFault::Answer { status: 400, retry_after: None });
    theatre.play_as(what, "card approve\ntap \"I agree\"\nexpect \"Paid\"\ntap \"Finish\"");
    let end = Instant::now() + Duration::from_secs(20);
    let parked = loop {
        let rows = theatre.list(&Request::QueueList { json: true });
        if let Some(row) = rows.iter().find(|row| row["state"] == "parked") {
            break row["id"].as_str().expect("id").parse().expect("uuid");
        }
        assert!(Instant::now() < end, "not parked: {rows:#?}");
        sleep(Duration::from_millis(100));
    };
    theatre.hospital().set(HospitalFault::Up);
    theatre.hospital_has("parked", tasks - 1);
    let retried = theatre.list(&Request::QueueRetry { id: parked, json: true });
    assert_eq!(retried[0]["retried"], true);
    theatre.hospital_has("retried", tasks);
    theatre.left_alone(what);
}

#[test]
fn nervous_fingers_get_one_ticket_one_charge_one_request() {
    let mut theatre = open();
    theatre.play_as("check-in", START);
    theatre.twice("Check in");
    theatre.play_as("check-in", "type \"10293847\"");
    theatre.twice("Next");
    theatre.play_as("check-in", "type \"19580412\"");
    theatre.twice("Next");
    theatre.any_of("check-in", &["national health insurance"]);
    theatre.twice("Yes");
    theatre.any_of("check-in", &["10:30"]);
    theatre.twice("Check in");
    theatre.play_as("check-in", "expect \"K3-001\"\nexpect-paper \"K3-001\"");
    theatre.twice("Ticket again");
    sleep(Duration::from_secs(1));
    theatre.twice("Finish");
    theatre.left_alone("check-in");
    let arrivals = theatre.list(&Request::QueueList { json: true });
    assert_eq!(arrivals.len(), 1, "{arrivals:#?}");
    assert_eq!(theatre.stage.printer.papers().len(), 2, "the ticket, and once again");

    let to_review = TO_CONSENT.replace("tap \"Pay\"", "expect \"Total\"");
    theatre.play_as("documents", &to_review);
    theatre.twice("Pay");
    theatre.play_as("documents", "expect \"May we use your data\"\ncard approve");
    theatre.twice("I agree");
    theatre.play_as("documents", "expect \"Paid\"\nexpect-paper \"₩3,000\"");
    theatre.twice("Receipt again");
    sleep(Duration::from_secs(1));
    theatre.twice("Finish");
    theatre.left_alone("documents");
    theatre.books_agree("documents");
    assert_eq!((theatre.stage.terminal.charges_seen(), theatre.stage.terminal.booked().0), (1, PRICE));
    assert_eq!(theatre.stage.printer.papers().len(), 4, "the receipt, and once again");
    theatre.hospital_has("documents", 1);

    theatre.play_as("a refused card", TO_CONSENT);
    theatre.play_as("a refused card", "card decline");
    theatre.twice("I agree");
    theatre.play_as("a refused card", "expect \"You have not paid\"\ncard approve");
    theatre.twice("Try again");
    theatre.play_as("a refused card", "expect \"Paid\"");
    theatre.twice("Finish");
    theatre.left_alone("a refused card");
    assert_eq!((theatre.stage.terminal.charges_seen(), theatre.stage.terminal.booked().0), (3, 2 * PRICE));
    theatre.hospital_has("a refused card", 2);

    theatre.play_as("called off", TO_CONSENT);
    theatre.twice("I agree");
    theatre.play_as("called off", "expect \"Insert your card\"");
    theatre.twice("Cancel payment");
    theatre.play_as("called off", "expect \"You have not paid\"");
    theatre.books_agree("called off");
    theatre.left_alone("called off");
    assert_eq!(theatre.stage.terminal.booked().0, 2 * PRICE);
}
