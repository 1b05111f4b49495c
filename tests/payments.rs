//! What staff do about a payment, by the real command and a kiosk at work on simulated devices.

use crate::commands::{Ran, kiosk, stored};
use crate::stage::{TO_CONSENT, Theatre, open};
use hospital_kiosk::rehearsal::terminal::CardAction;
use serde_json::Value;
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(40);
const AGAIN: Duration = Duration::from_millis(100);

struct Desk {
    theatre: Theatre,
    /// Where the command's configuration lies.
    _folder: tempfile::TempDir,
    path: String,
}

impl Desk {
    fn open() -> Self {
        let theatre = open();
        let folder = tempfile::tempdir().expect("folder");
        let path = stored(folder.path(), &theatre.folder.path().join("data/store"));
        Self { theatre, _folder: folder, path }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        kiosk(&[&["--config", self.path.as_str()], arguments].concat())
    }

    /// The newest payment, once it is in one of `states`.
    fn newest(&self, states: &[&str]) -> Value {
        let end = Instant::now() + WAIT;
        loop {
            let newest = self.run(&["payments", "list", "--json"]).exits(0).json().pop().expect("a payment");
            if states.contains(&newest["state"].as_str().expect("state")) {
                return newest;
            }
            assert!(Instant::now() < end, "not {states:?}: {newest}");
            std::thread::sleep(AGAIN);
        }
    }

    /// What the hospital has, and what stands in the card company's books.
    fn stands(&self, tasks: usize, amount: i64) {
        let hospital = self.theatre.stage.hospital.as_ref().expect("ours");
        let end = Instant::now() + WAIT;
        while hospital.count("Task") < tasks && Instant::now() < end {
            std::thread::sleep(AGAIN);
        }
        assert_eq!((hospital.count("Task"), self.theatre.stage.terminal.booked().0), (tasks, amount));
    }

    /// A payment whose answer is lost, at a terminal that says it has no last transaction.
    fn in_doubt(&mut self, booked: bool) -> Value {
        let charges = self.theatre.stage.terminal.charges_seen();
        self.theatre.stage.terminal.set_up(|setup| {
            setup.unplug_books = booked;
            setup.hides_last = false;
        });
        self.theatre.play(TO_CONSENT);
        self.theatre.play("tap \"I agree\"");
        let end = Instant::now() + WAIT;
        while self.theatre.stage.terminal.charges_seen() == charges {
            assert!(Instant::now() < end, "no charge");
            std::thread::sleep(AGAIN);
        }
        self.theatre.stage.terminal.set_up(|setup| setup.hides_last = true);
        self.theatre.stage.terminal.card(CardAction::Unplug);
        let newest = self.newest(&["needs-staff"]);
        self.theatre.play("tap \"Finish\"");
        assert_eq!(newest["needs_staff"], true);
        newest
    }
}

fn number(payment: &Value) -> &str {
    payment["number"].as_str().expect("number")
}

#[test]
fn staff_ask_settle_and_give_back() {
    let mut desk = Desk::open();

    // In doubt: asked in vain, asked again, paid.
    let payment = desk.in_doubt(true);
    let said = desk.run(&["payments", "ask", number(&payment)]).exits(1).err;
    assert!(said.contains("no last transaction"), "{said}");
    desk.theatre.stage.terminal.set_up(|setup| setup.hides_last = false);
    let answer = desk.run(&["payments", "ask", number(&payment), "--json"]).exits(0).only();
    assert_eq!((&answer["answer"], &answer["number"]), (&Value::from("paid"), &payment["number"]));
    let paid = desk.newest(&["settled"]);
    desk.stands(1, 3_000);
    desk.run(&["payments", "ask", number(&paid)]).exits(1);
    desk.run(&["payments", "settle", number(&paid), "--as", "not-paid", "--evidence", "a guess"]).exits(1);

    // Its receipt, once more.
    desk.run(&["reprint", "--payment", number(&paid)]).exits(0);
    desk.theatre.play("expect-paper \"DUPLICATE\"");

    // Given back: nothing stands, and the hospital is told to abort.
    let answer = desk.run(&["payments", "cancel", number(&paid), "--json"]).exits(0).only();
    assert_eq!(answer["answer"], "reversed");
    let reversed = desk.newest(&["reversed"]);
    assert_eq!((&reversed["undo"]["state"], &reversed["undo"]["way"]), (&"reversed".into(), &"without-card".into()));
    desk.stands(2, 0);
    let tasks = desk.theatre.stage.hospital.as_ref().expect("ours").resources("Task");
    let abort = tasks.iter().find(|task| task["code"]["coding"][0]["code"] == "abort").expect("the abort Task");
    let request = tasks.iter().find(|task| task["code"]["coding"][0]["code"] != "abort").expect("the request");
    assert_eq!(abort["focus"]["identifier"], request["identifier"][0]);
    let said = desk.run(&["payments", "cancel", number(&paid)]).exits(1).err;
    assert!(said.contains("undone already"), "{said}");
    desk.run(&["reprint", "--payment", number(&paid)]).exits(1);
    assert_eq!(desk.theatre.stage.terminal.reversals().len(), 1);
    let trail = desk.run(&["audit", "export", "--json"]).exits(0).json();
    let acts = trail.iter().map(|line| line["act"].as_str().expect("an act")).collect::<Vec<_>>();
    for act in ["ask", "mark-not-paid", "print-receipt", "give-back"] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }
    desk.run(&["audit", "verify"]).exits(0);

    // In doubt and never booked: people find out.
    let payment = desk.in_doubt(false);
    let said = desk.run(&["payments", "settle", number(&payment), "--as", "paid", "--evidence", " "]).exits(1).err;
    assert!(said.contains("evidence"), "{said}");
    let evidence = "nothing on the card company's list at 17:00";
    desk.run(&["payments", "settle", number(&payment), "--as", "not-paid", "--evidence", evidence]).exits(0);
    let settled = desk.newest(&["not-paid"]);
    assert_eq!((&settled["evidence"], &settled["needs_staff"]), (&Value::from(evidence), &Value::from(false)));
    desk.stands(2, 0);
    // Smartro tells no totals: the journal's own are listed, and they are what the card company has.
    let ran = desk.run(&["payments", "totals", "--json"]).exits(2);
    assert!(ran.err.contains("the card company's report"), "{}", ran.err);
    let sums = &ran.json()[0];
    assert_eq!(sums["result"], "not-kept", "{sums}");
    assert_eq!((&sums["journal"]["charges"], &sums["journal"]["given_back"]), (&1.into(), &1.into()), "{sums}");
    assert_eq!(sums["journal"]["amount"], desk.theatre.stage.terminal.booked().0, "{sums}");
    desk.run(&["audit", "verify"]).exits(0);
    assert!(!desk.theatre.log().contains("panicked"), "{}", desk.theatre.log());
}

#[test]
fn with_no_kiosk_running_the_command_starts_one_without_a_window() {
    let folder = tempfile::tempdir().expect("folder");
    let path = stored(folder.path(), &folder.path().join("store"));
    let with = |arguments: &[&str]| kiosk(&[&["--config", path.as_str()], arguments].concat());
    for arguments in [
        &["payments", "ask", "K3-0001"][..],
        &["payments", "settle", "K3-0001", "--as", "paid", "--evidence", "list"],
        &["payments", "cancel", "K3-0001", "--with-card"],
        &["reprint", "--payment", "K3-0001"],
        &["reprint", "--last"],
    ] {
        let ran = with(arguments).exits(1);
        assert!(ran.out.is_empty() && ran.err.contains("no payment"), "{arguments:?}: {}", ran.err);
    }
}
