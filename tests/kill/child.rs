//! The kiosk as the demo's child process, two kiosks at once, many lives each: cheap enough for thousands of rounds.

use super::books::{Books, CardCompany, End, Tally};
use super::{Dice, number, on_several};
use crate::stage::{Theatre, open_at};
use hospital_kiosk::rehearsal::child::Order;
use hospital_kiosk::rehearsal::hospital::Fault;
use hospital_kiosk::rehearsal::stage::Protocol;
use hospital_kiosk::rehearsal::terminal::CardAction;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Of every `make test`; `make kill` asks for 200.
const ROUNDS: u64 = 12;
/// One terminal, printer, hospital and data folder serve so many rounds.
const ROUNDS_PER_STAGE: u64 = 100;
/// The hospital's books are compared this often; in between its requests pile up and are killed as well.
const DRAINED_EVERY: u64 = 10;
/// With fewer rounds chance may leave one of the outcomes out.
const ENOUGH_FOR_ALL_OUTCOMES: u64 = 100;

const PATIENCE: Duration = Duration::from_mins(1);

const TO_SERVICES: &str = "tap \"Touch to start\"\ntap \"English\"";
const TO_OPTIONS: &str = r#"
tap "For me"
type "10293847"
tap "Next"
type "19580412"
tap "Next"
tap "Visit confirmation"
tap "Next"
"#;

#[test]
fn a_kiosk_killed_at_random_moments_of_payments_charges_once_and_loses_nothing() {
    killed_at(Protocol::Smartro, number("KILL_ROUNDS").unwrap_or(ROUNDS));
}

/// The terminal books only at our word, which may have been the last thing the kiosk said.
#[test]
fn nor_does_a_kiosk_at_a_zvt_terminal() {
    killed_at(Protocol::Zvt, number("KILL_ROUNDS").unwrap_or(ROUNDS).div_ceil(2));
}

fn killed_at(protocol: Protocol, rounds: u64) {
    let name = format!("kill (child, {})", protocol.word());
    let tally = on_several(&name, rounds, |seed, rounds| {
        let mut done = Tally::default();
        while done.rounds < rounds {
            let rounds_here = ROUNDS_PER_STAGE.min(rounds - done.rounds);
            let more = one_stage(protocol, seed.wrapping_add(done.rounds), rounds_here);
            done = [done, more].into_iter().sum();
            println!("{name}: {} of {rounds} rounds of seed {seed} hold", done.rounds);
        }
        done
    });
    assert_eq!(tally.rounds, rounds);
    if rounds >= ENOUGH_FOR_ALL_OUTCOMES {
        assert!(tally.charged > 0 && tally.charged < rounds, "only one outcome: the moments test nothing");
        for state in ["charged, paid", "not charged, not-paid", "needs-staff", "not begun"] {
            assert!(tally.ended(state) > 0, "no round ended {state}");
        }
    }
}

/// What is decided before a round; when exactly the signal arrives, the machine decides.
#[derive(Debug)]
struct Plan {
    /// The power goes before the patient agrees; how soon after it the journal knows is a matter of the machine.
    before_consent: bool,
    card: CardAction,
    /// After "I agree": a card held out before the terminal asks is armed, as in a hand that waits.
    card_after_ms: u64,
    kill_after_ms: u64,
    /// Killed once more while it recovers, after so long.
    again_after_ms: Option<u64>,
    copies: u64,
    hospital: Fault,
    /// What the terminal is like: whether the sale was booked before it went away or silent.
    books: bool,
    keeps_last: bool,
}

impl Plan {
    fn of(protocol: Protocol, dice: &mut Dice) -> Self {
        use CardAction::{Approve, Decline, Late, Reboot, Silence, Unplug};
        let kill_within_ms = dice.one_of(&[250, 700, 700, 700, 1_000, 2_500])
            * match protocol {
                Protocol::Smartro => 1,
                // More is said until the money moves.
                Protocol::Zvt => 3,
            };
        Self {
            before_consent: dice.below(10) == 0,
            card: dice.one_of(&[Approve, Approve, Approve, Decline, Silence, Late, Unplug, Reboot]),
            card_after_ms: dice.below(150),
            kill_after_ms: dice.below(kill_within_ms),
            again_after_ms: (dice.below(3) == 0).then(|| dice.below(500)),
            copies: 1 + dice.below(3),
            hospital: dice.one_of(&[Fault::Up, Fault::Up, Fault::Down, Fault::Reject, Fault::LoseAnswers]),
            books: dice.below(3) > 0,
            keeps_last: dice.below(3) > 0,
        }
    }
}

fn one_stage(protocol: Protocol, seed: u64, rounds: u64) -> Tally {
    let mut dice = Dice(seed);
    let config = tempfile::tempdir().expect("folder");
    let mut theatre = open_at(protocol, patient_terminal(config.path()), seed);
    let mut books = Books::new(&theatre.folder.path().join("data/store"), card_company(&theatre));
    let mut tally = Tally::default();
    for round in 1..=rounds {
        let plan = Plan::of(protocol, &mut dice);
        let end = one_round(&mut theatre, &mut books, &plan, &mut tally)
            .and_then(|end| {
                if round % DRAINED_EVERY == 0 || round == rounds { drain(&theatre, &books, end) } else { Ok(end) }
            })
            .unwrap_or_else(|broken| {
                let log = theatre.log();
                let tail =
                    log.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
                panic!("seed {seed} round {round}: {broken}\n{plan:?}\nkiosk.log ends:\n{tail}")
            });
        tally.add(&format!("{:?}", plan.card), &end);
    }
    tally
}

fn one_round(theatre: &mut Theatre, books: &mut Books, plan: &Plan, tally: &mut Tally) -> Result<End, String> {
    set_up(theatre, plan);
    let more = "tap \"More\"\n".repeat(usize::try_from(plan.copies - 1).expect("a few"));
    to_documents(theatre)?;
    theatre.try_play(&format!("{TO_OPTIONS}{more}tap \"Next\"\ntap \"Pay\"")).map_err(|error| format!("{error:#}"))?;
    theatre.stage.hospital.as_ref().expect("ours").set(plan.hospital.clone());
    if !plan.before_consent {
        theatre.try_play("tap \"I agree\"").map_err(|error| format!("{error:#}"))?;
    }
    let card_ms = plan.card_after_ms.min(plan.kill_after_ms);
    sleep(Duration::from_millis(card_ms));
    theatre.stage.card(plan.card);
    sleep(Duration::from_millis(plan.kill_after_ms - card_ms));
    theatre.stage.power_off();
    tally.kills += 1;
    if let Some(after_ms) = plan.again_after_ms {
        theatre.stage.power_flicker(Duration::from_millis(after_ms)).map_err(|error| format!("{error:#}"))?;
        tally.kills += 1;
    }
    theatre.stage.power_on().map_err(|error| format!("{error:#}"))?;
    let end = books.close_round(card_company(theatre))?;
    theatre.stage.hospital.as_ref().expect("ours").set(Fault::Up);
    Ok(end)
}

fn card_company(theatre: &Theatre) -> &dyn CardCompany {
    match &theatre.stage.zvt {
        Some(zvt) => zvt,
        None => &theatre.stage.terminal,
    }
}

fn set_up(theatre: &Theatre, plan: &Plan) {
    if let Some(zvt) = &theatre.stage.zvt {
        return zvt.with(|model| {
            model.forgive();
            let setup = &mut model.setup;
            (setup.keeps_last, setup.reboot_books) = (plan.keeps_last, plan.books);
            (setup.late_ms, setup.away_ms, setup.reboot_ms, setup.repeat_ms) = (900, 400, 400, 700);
            // Nobody answers a result of before the power cut: it is undone after this.
            (setup.decide_ms, setup.ask_again_ms) = (3_000, 500);
        });
    }
    let terminal = &theatre.stage.terminal;
    terminal.no_cards();
    terminal.set_up(|setup| {
        (setup.unplug_books, setup.reboot_books, setup.silence_books) = (plan.books, plan.books, plan.books);
        setup.keeps_last = plan.keeps_last;
        (setup.late_ms, setup.away_ms, setup.reboot_ms, setup.repeat_ms) = (900, 400, 400, 700);
    });
}

/// Documents are offered once the printer has said that it can print, which a half-printed receipt may delay.
fn to_documents(theatre: &mut Theatre) -> Result<(), String> {
    theatre.try_play(TO_SERVICES).map_err(|error| format!("{error:#}"))?;
    let end = Instant::now() + PATIENCE;
    let mut refused = String::new();
    while Instant::now() < end {
        if theatre.stage.order(&Order::Place { id: "For me".to_owned() }).is_ok() {
            return Ok(());
        }
        // The screen may change between the look and the tap; the next look decides.
        if let Err(error) = theatre.try_play("tap \"Documents\"") {
            refused = format!(" ({error:#})");
        }
        sleep(Duration::from_millis(200));
    }
    Err(format!("documents are not offered: the printer does not come back{refused}"))
}

fn drain(theatre: &Theatre, books: &Books, end: End) -> Result<End, String> {
    books.compare_with_hospital(card_company(theatre), theatre.stage.hospital.as_ref().expect("ours"))?;
    Ok(end)
}

/// The shipped configuration but for how long an acknowledgement is awaited: a terminal that is busy is asked again
/// sooner, so that a round takes seconds and not a minute.
fn patient_terminal(folder: &Path) -> PathBuf {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config");
    let text = std::fs::read_to_string(shipped.join("kiosk.toml")).expect("the shipped configuration");
    let hospital = format!("hospital_folder = \"{}\"", shipped.join("hospital/onsaemi").display());
    let text = super::window::replaced(&text, "hospital_folder = \"hospital/onsaemi\"", &hospital);
    let text = super::window::with_value(&text, "ack_timeout_ms", "300");
    let path = folder.join("kiosk.toml");
    std::fs::write(&path, text).expect("a configuration");
    path
}
