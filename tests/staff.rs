//! The staff area on a whole kiosk: the door, a payment in doubt settled at the screen, and what is kept of it.

use crate::stage::{TO_CONSENT, Theatre, open};
use hospital_kiosk::commands::socket::{self, Request};
use hospital_kiosk::commands::staff::Somebody;
use hospital_kiosk::domain::person::{Role, StaffNumber};
use hospital_kiosk::domain::staff::Pin;
use hospital_kiosk::rehearsal::hospital::{Fault, SimHospital};

const PIN: &str = "40718293";

fn ask(theatre: &Theatre, request: &Request) -> String {
    let folder = theatre.folder.path().join("data/store");
    socket::ask(&folder, request).expect("the kiosk runs").expect("an answer").join("\n")
}

/// The terminal restarts in the middle and has forgotten: people must find out.
fn in_doubt(theatre: &mut Theatre) {
    theatre.stage.terminal.set_up(|setup| setup.reboot_books = false);
    theatre.play(&format!("{TO_CONSENT}card reboot\ntap \"I agree\"\nexpect \"Pay\""));
    std::thread::sleep(std::time::Duration::from_millis(600));
    for _ in 0..20 {
        theatre.stage.wait(60_000).expect("time passes");
        if ask(theatre, &Request::PaymentsList { json: true }).contains("\"needs-staff\"") {
            theatre.stage.wait(60_000).expect("time passes");
            theatre.play("expect \"Check-in and documents\"");
            return;
        }
    }
    panic!("not with staff: {}", ask(theatre, &Request::PaymentsList { json: true }));
}

#[test]
fn staff_settle_a_payment_in_doubt_at_the_screen() {
    let mut theatre = open();
    in_doubt(&mut theatre);
    theatre.play("key staff\nexpect \"kiosk staff pin\"\ntap \"Back\"\nexpect \"Touch to start\"");
    ask(&theatre, &Request::StaffPin { whose: None, pin: Pin::read(PIN).expect("digits") });
    theatre.play(
        "key staff\ntap \"Language\"\ntap \"English\"\ntype \"4071\"\ntap \"Next\"\nexpect \"4 tries are left\"\n\
         type \"40718293\"\ntap \"Next\"\nexpect \"Staff area\"\nexpect \"1\"\n\
         tap \"Unfinished payments\"\ntap \"K3-0001\"\nexpect \"₩3,000\"\n\
         tap \"Print a slip for the cashier\"\nexpect-paper \"K3-0001\"\n\
         tap \"Mark as paid\"\ntap \"The card company said so\"\ntap \"It is paid\"\nexpect \"Please enter your PIN again.\"\ntype \"40718293\"\ntap \"Next\"\nexpect \"It is paid.\"\n\
         tap \"Back\"\nexpect \"Every payment is either paid or not paid.\"\ntap \"Back\"\ntap \"Leave\"\n\
         expect \"Touch to start\"\nexpect-money charged 0",
    );
    let payments = ask(&theatre, &Request::PaymentsList { json: true });
    // The hospital may have it already: it takes a payment that staff know of without an approval number.
    assert!(["\"committed\"", "\"settled\""].iter().any(|state| payments.contains(state)), "{payments}");
    let trail = ask(&theatre, &Request::AuditRows { after: 0, from: None });
    let words = ["set-pin", "wrong (1)", "\"ok\"", "print-slip", "mark-paid", "the card company said so", "\"paid\""];
    for word in words {
        assert!(trail.contains(word), "{word}: {trail}");
    }
    for secret in [PIN, "4071\"", "10293847"] {
        assert!(!trail.contains(secret), "{secret}: {trail}");
        assert!(!theatre.log().contains(secret), "{secret}: {}", theatre.log());
    }
    assert!(
        ask(&theatre, &Request::AuditVerify { json: false, anchors: Vec::new(), hospital_silent: None })
            .contains("each follows the one before it")
    );
}

fn hospital(theatre: &Theatre) -> &SimHospital {
    theatre.stage.hospital.as_ref().expect("its own")
}

/// The hospital refuses a paid order, people enter it there by hand: with the second answer the kiosk is done with it.
#[test]
fn staff_close_a_refused_request_that_they_entered_by_hand() {
    let mut theatre = open();
    ask(&theatre, &Request::StaffPin { whose: None, pin: Pin::read(PIN).expect("digits") });
    theatre.play(&format!("{TO_CONSENT}card approve\nexpect \"May we use your data\""));
    hospital(&theatre).set(Fault::Answer { status: 422, retry_after: None });
    theatre.play("tap \"I agree\"\nexpect \"Paid\"\ntap \"Finish\"\nexpect \"Check-in and documents\"");
    let queue = |theatre: &Theatre| ask(theatre, &Request::QueueList { json: true });
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !queue(&theatre).contains("\"parked\"") {
        assert!(std::time::Instant::now() < end, "not parked: {}", queue(&theatre));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    hospital(&theatre).set(Fault::Up);
    assert!(ask(&theatre, &Request::PaymentsList { json: true }).contains("\"committed\""));
    theatre.play(&format!(
        "key staff\ntap \"Language\"\ntap \"English\"\ntype \"{PIN}\"\ntap \"Next\"\nexpect \"Staff area\"\n\
         tap \"Requests to the hospital\"\ntap \"Put aside 1\"\nexpect \"What is to be done?\"\n\
         tap \"It was entered by hand\"\ntap \"Next\"\ntap \"I saw it there\"\ntap \"Close the request\"\n\
         expect \"Nothing was put aside.\"\ntap \"Back\"\ntap \"Leave\"\nexpect \"Touch to start\""
    ));
    assert!(ask(&theatre, &Request::PaymentsList { json: true }).contains("\"settled\""));
    let closed = queue(&theatre);
    for word in ["\"sent\"", "closed by staff: entered by hand, seen in the hospital's system"] {
        assert!(closed.contains(word), "{word}: {closed}");
    }
    let trail = ask(&theatre, &Request::AuditRows { after: 0, from: None });
    for word in ["close-request", "ordered: entered by hand", "\"closed\""] {
        assert!(trail.contains(word), "{word}: {trail}");
    }
    assert_eq!(hospital(&theatre).count("Task"), 0, "nothing was sent after that");
}

#[test]
fn the_terminal_is_asked_again_from_the_screen_and_the_power_may_go() {
    let mut theatre = open();
    in_doubt(&mut theatre);
    ask(&theatre, &Request::StaffPin { whose: None, pin: Pin::read(PIN).expect("digits") });
    let door =
        format!("key staff\ntap \"Language\"\ntap \"English\"\ntype \"{PIN}\"\ntap \"Next\"\nexpect \"Staff area\"\n");
    theatre.play(&format!(
        "{door}tap \"Unfinished payments\"\ntap \"K3-0001\"\ntap \"Ask the terminal again\"\nexpect \"Still not known\"\n\
         power cut\nexpect \"Check-in and documents\"\n"
    ));
    theatre.play(&format!(
        "{door}tap \"Unfinished payments\"\ntap \"K3-0001\"\ntap \"Mark as not paid\"\ntap \"The terminal's own record\"\n\
         tap \"It is not paid\"\ntype \"{PIN}\"\ntap \"Next\"\nexpect \"No money was taken.\"\nexpect-money charged 0"
    ));
    let trail = ask(&theatre, &Request::AuditRows { after: 0, from: None });
    for word in ["still not known", "mark-not-paid", "\"not paid\""] {
        assert!(trail.contains(word), "{word}: {trail}");
    }
    // Left alone it is the patients' again.
    theatre.stage.wait(145_000).expect("time passes");
    theatre.play("expect \"Check-in and documents\"");
}

/// Two persons: each comes in by number and PIN, acts under the own number, and the trail tells whose record was looked up
/// without the number.
#[test]
fn the_trail_tells_who_acted_and_who_was_looked_up() {
    let mut theatre = open();
    let add = |theatre: &Theatre, name: &str, role: Role, number: &str, pin: &str| {
        let number = StaffNumber::read(number);
        ask(theatre, &Request::StaffAdd { name: name.to_owned(), role, number, json: false });
        let whose = Some(Somebody::Name(name.to_owned()));
        ask(theatre, &Request::StaffPin { whose, pin: Pin::read(pin).expect("digits") });
    };
    add(&theatre, "Kim", Role::Attendant, "48213", PIN);
    add(&theatre, "Lee", Role::Technician, "0047", "5566778");
    theatre.play(&format!(
        "{TO_CONSENT}tap \"Start over\"\nkey staff\ntap \"Language\"\ntap \"English\"\nexpect \"Please enter your staff number.\"\ntype \"48213\"\n\
         tap \"Next\"\nexpect \"Please enter the PIN.\"\ntype \"1111\"\ntap \"Next\"\n\
         expect \"Number or PIN is wrong\"\ntype \"48213\"\ntap \"Next\"\ntype \"{PIN}\"\ntap \"Next\"\n\
         expect \"Staff area\"\ntap \"Leave\"\nexpect \"Touch to start\""
    ));
    let trail = ask(&theatre, &Request::AuditRows { after: 0, from: None });
    for words in ["\"patient\",\"act\":\"look-up\"", "found, by number, online", "\"who\":\"48213\",\"act\":\"log-in\""]
    {
        assert!(trail.contains(words), "{words}: {trail}");
    }
    for secret in ["10293847", PIN, "Kim", "Lee", "1958-04-12"] {
        assert!(!trail.contains(secret), "{secret}: {trail}");
    }
}
