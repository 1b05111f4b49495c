//! The ZVT driver and the simulated terminal over a real pty, and where it makes no difference over a real connection too.

use crate::zvt_vectors::bytes;
use chrono::NaiveDateTime;
use hospital_kiosk::app::clock::SystemClock;
use hospital_kiosk::config::{Known, Terminal};
use hospital_kiosk::domain::attempt::{AttemptId, Booking, CardTransaction, LastTransaction};
use hospital_kiosk::domain::closing::receipt_in;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::terminal::{Stands, TerminalCommand, TerminalReport, UndoAnswer, UndoWay};
use hospital_kiosk::domain::terminal::{TerminalDay, TerminalTotals};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::ports::{CardTerminal, Clock};
use hospital_kiosk::rehearsal::terminal::zvt::{Fault, Model};
use hospital_kiosk::rehearsal::terminal::{CardAction, FarEnd, Out, SimTerminal};
use hospital_kiosk::terminal;
use hospital_kiosk::terminal::zvt::frame::wrap;
use hospital_kiosk::terminal::zvt::reader::{Item, Reader};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// ISO 4217, as ZVT has it.
const EURO: [u8; 2] = [0x09, 0x78];
pub const CENT: Amount = Amount(5_100);
/// A machine may be slow; a report that has not come by then will not come.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Bench<M = Model> {
    pub sim: SimTerminal<M>,
    pub kiosk: Arc<dyn CardTerminal>,
    pub reports: Receiver<TerminalReport>,
    _folder: Option<tempfile::TempDir>,
}

fn settings(link: &Path) -> Terminal {
    settings_at(&link.to_string_lossy())
}

pub fn settings_at(port: &str) -> Terminal {
    Terminal {
        protocol: "zvt".to_owned(),
        port: port.to_owned(),
        baud: 9_600,
        terminal_id: String::new(),
        password: "123456".to_owned(),
        currency: "EUR".to_owned(),
        ack_timeout_ms: 3_000,
        answer_timeout_ms: 30_000,
    }
}

pub fn start(settings: &Terminal) -> (terminal::Started, Receiver<TerminalReport>) {
    let (sender, reports) = channel();
    let sender = Mutex::new(sender);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new(Zone::fixed(chrono::FixedOffset::east_opt(0).expect("UTC"))));
    let told = Arc::new(move |report| {
        let _ = sender.lock().expect("one thread").send(report);
    });
    (terminal::start(settings, told, clock), reports)
}

impl Bench {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("terminal");
        let sim = SimTerminal::run(&link, Model::new(seed)).expect("a simulated terminal");
        let (kiosk, reports) = start(&settings(&link));
        Self { sim, kiosk: kiosk.expect("a terminal"), reports, _folder: Some(folder) }
    }

    /// The same terminal on the network.
    pub fn on_network(seed: u64) -> Self {
        let mut model = Model::new(seed);
        model.setup.network = true;
        Self::connected(model)
    }

    fn both(seed: u64) -> [Self; 2] {
        [Self::new(seed), Self::on_network(seed)]
    }
}

impl<M: FarEnd + 'static> Bench<M> {
    pub fn connected(model: M) -> Self {
        let (sim, address) = SimTerminal::listen(model).expect("a simulated terminal");
        let (kiosk, reports) = start(&settings_at(&format!("tcp:{address}")));
        Self { sim, kiosk: kiosk.expect("a terminal"), reports, _folder: None }
    }

    /// The first report that `wanted` picks; what comes before is passed over.
    pub fn wait<T>(&self, mut wanted: impl FnMut(TerminalReport) -> Option<T>) -> T {
        loop {
            let report = self.reports.recv_timeout(PATIENCE).expect("the report that is awaited");
            if let Some(found) = wanted(report) {
                return found;
            }
        }
    }

    /// What the terminal's last transaction is.
    pub fn prepare(&self) -> LastTransaction {
        self.kiosk.command(TerminalCommand::Prepare);
        self.wait(|report| match report {
            TerminalReport::Prepared { baseline } => Some(baseline),
            TerminalReport::NotReady { reason } => panic!("not ready: {reason}"),
            _ => None,
        })
    }
}

impl Bench {
    fn charge(&self, card: CardAction) -> (AttemptId, Box<CardTransaction>, Booking) {
        assert!(matches!(self.prepare(), LastTransaction::Known(_)));
        let attempt = AttemptId(Uuid::new_v4());
        self.sim.with(|model| model.card(card));
        self.kiosk.command(TerminalCommand::Charge { attempt, amount: CENT, card_ms: 10_000 });
        self.wait(|report| match report {
            TerminalReport::Answered { attempt: of, transaction, booking, raw } => {
                assert!(of == attempt && terminal::decode("zvt", &raw).expect("known").is_ok());
                Some((attempt, transaction, booking))
            }
            TerminalReport::NoAnswer { reason, .. } | TerminalReport::NeverSent { reason, .. } => panic!("{reason}"),
            _ => None,
        })
    }

    fn booked(&self) -> Amount {
        self.sim.with(|model| model.booked())
    }

    fn approve(&self) -> Box<CardTransaction> {
        let (attempt, transaction, booking) = self.charge(CardAction::Approve);
        assert!(transaction.approved && transaction.amount == CENT);
        assert_eq!((booking, self.booked()), (Booking::Unconfirmed, Amount::ZERO), "nothing is booked before our word");
        self.kiosk.command(TerminalCommand::Confirm { attempt });
        self.wait(|report| (report == TerminalReport::Confirmed { attempt }).then_some(()));
        assert_eq!(self.booked(), CENT);
        transaction
    }

    fn undo(&self, transaction: &CardTransaction, way: UndoWay) -> UndoAnswer {
        let undo = AttemptId(Uuid::new_v4());
        let transaction = Box::new(transaction.clone());
        self.kiosk.command(TerminalCommand::Undo {
            undo,
            transaction,
            way,
            is_newest: true,
            stands: Stands::Surely,
            card_ms: 10_000,
        });
        self.wait(|report| match report {
            TerminalReport::Undone { undo: of, answer, .. } if of == undo => Some(answer),
            TerminalReport::NoAnswer { reason, .. } | TerminalReport::NeverSent { reason, .. } => panic!("{reason}"),
            _ => None,
        })
    }
}

#[test]
fn a_payment_its_totals_and_its_reversal() {
    for bench in Bench::both(1) {
        let sale = bench.approve();
        assert_eq!((sale.last_four(), sale.issuer.as_str()), ("4711", "MasterCard"));
        bench.kiosk.command(TerminalCommand::EndOfDay);
        let totals = bench.wait(|report| match report {
            TerminalReport::Totals(totals) => Some(totals),
            TerminalReport::NoTotals { reason, .. } => panic!("{reason}"),
            _ => None,
        });
        assert_eq!((totals.count, totals.amount), (Some(1), CENT));
        assert_eq!(bench.undo(&sale, UndoWay::WithoutCard), UndoAnswer::Reversed);
        assert_eq!(bench.booked(), Amount::ZERO);
        assert_eq!(bench.undo(&sale, UndoWay::WithoutCard), UndoAnswer::AlreadyReversed);
        let mut unknown = sale.clone();
        unknown.unique_number = "7777-007777".to_owned();
        assert!(matches!(bench.undo(&unknown, UndoWay::WithoutCard), UndoAnswer::Refused { code, .. } if code == "B5"));
    }
}

impl Bench {
    fn close_day(&self) -> Result<TerminalTotals, TerminalDay> {
        self.kiosk.command(TerminalCommand::EndOfDay);
        self.wait(|report| match report {
            TerminalReport::Totals(totals) => Some(Ok(totals)),
            TerminalReport::NoTotals { day, .. } => Some(Err(day)),
            _ => None,
        })
    }
}

/// Somebody sells at the terminal itself: the totals tell, and the next ones count from nothing.
#[test]
fn a_sale_that_the_kiosk_does_not_know_is_in_the_totals() {
    for bench in Bench::both(11) {
        let sale = bench.approve();
        bench.sim.with(|model| model.sell_by_hand(Amount(8_000)));
        let totals = bench.close_day().expect("totals");
        assert_eq!((totals.count, totals.amount, totals.of_cards), (Some(2), Amount(13_100), Some(Amount(13_100))));
        let (first, last) = totals.receipts.expect("receipts");
        assert_eq!((receipt_in(&sale.unique_number), last), (Some(first), first + 1));
        let nothing = bench.close_day().expect("totals");
        assert_eq!((nothing.count, nothing.amount), (Some(0), Amount::ZERO));
        bench.sim.with(|model| model.setup.finds_closed = false);
        assert!(matches!(bench.undo(&sale, UndoWay::WithoutCard), UndoAnswer::Refused { code, .. } if code == "B5"));
    }
}

#[test]
fn a_refund_to_the_card() {
    for bench in Bench::both(2) {
        let sale = bench.approve();
        bench.sim.with(|model| model.card(CardAction::Approve));
        assert_eq!(bench.undo(&sale, UndoWay::WithCard), UndoAnswer::Reversed);
        assert_eq!(bench.booked(), Amount::ZERO);
    }
}

#[test]
fn a_reversal_without_an_answer_is_in_doubt_and_never_sent_twice() {
    for bench in Bench::both(3) {
        let sale = bench.approve();
        bench.sim.with(|model| model.fault(Fault::SilentAfterUndo));
        let undo = AttemptId(Uuid::new_v4());
        let order = TerminalCommand::Undo {
            undo,
            transaction: sale,
            way: UndoWay::WithoutCard,
            is_newest: true,
            stands: Stands::Surely,
            card_ms: 10_000,
        };
        bench.kiosk.command(order.clone());
        // The line goes then: no proof either way, though the money is back.
        let seen = || bench.sim.with(|model| model.requests.iter().filter(|code| **code == 0x0630).count());
        while seen() == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        bench.sim.with(|model| model.unplug(0));
        bench
            .wait(|report| matches!(report, TerminalReport::NoAnswer { attempt, .. } if attempt == undo).then_some(()));
        bench.kiosk.command(order);
        bench
            .wait(|report| matches!(report, TerminalReport::NoAnswer { attempt, .. } if attempt == undo).then_some(()));
        assert_eq!((seen(), bench.booked()), (1, Amount::ZERO));
    }
}

#[test]
fn a_refused_approval_is_undone_and_a_decline_is_told() {
    for bench in Bench::both(4) {
        let (attempt, _, _) = bench.charge(CardAction::Approve);
        bench.kiosk.command(TerminalCommand::Refuse { attempt });
        bench.wait(|report| matches!(report, TerminalReport::Withdrawn { .. }).then_some(()));
        assert_eq!(bench.booked(), Amount::ZERO);
        let (_, transaction, booking) = bench.charge(CardAction::Decline);
        assert_eq!((transaction.decline.expect("a code").code.as_str(), booking), ("05", Booking::Final));
    }
}

fn at(stamp: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M").expect("a time")
}

fn zvt() -> &'static terminal::Protocol {
    terminal::PROTOCOLS.iter().find(|protocol| protocol.name == "zvt").expect("ours")
}

#[test]
fn what_answers_on_the_line_is_told_by_a_harmless_question() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("terminal");
    let sim = SimTerminal::run(&link, Model::new(5)).expect("a simulated terminal");
    let probe = |settings: &Terminal, now: &str| (zvt().probe)(settings, &settings.port, at(now)).expect("a line");
    let noon = "2026-11-25 12:00";
    let known = "ZVT terminal (software 1.07, status 00)";
    let anybodys = Terminal { protocol: String::new(), ..settings(&link) };
    assert_eq!(probe(&anybodys, noon), Some(Ok(known.to_owned())));
    assert_eq!(sim.with(|model| model.requests.clone()), [0x0501], "nobody registers at somebody else's terminal");

    // The configured one is registered at, and says what a technician must change.
    let mine = settings(&link);
    let ready = format!("{known}, registered for EUR");
    let at_ten = format!("{ready}; its last transaction was at 2026-11-25 10:00 by its own clock");
    assert_eq!(probe(&mine, noon), Some(Ok(at_ten)));
    let ahead = format!("{ready}; its clock is at least 60 minutes ahead of this machine's: set it");
    assert_eq!(probe(&mine, "2026-11-25 09:00"), Some(Ok(ahead)));
    sim.with(|model| model.setup.currency = Some(EURO));
    let won = Terminal { currency: "KRW".to_owned(), ..settings(&link) };
    let refused = format!("{known}, but it refuses to register this kiosk (6F): does it take KRW?");
    assert_eq!(probe(&won, noon), Some(Err(refused)));
    sim.with(|model| model.setup.checks_currency = false);
    let other = format!("{known}, but it is set up for the currency 0978 (ISO 4217) and the hospital's is KRW");
    assert_eq!(probe(&won, noon), Some(Err(other)));
}

/// Says what stands in its script, some time after each command.
struct Scripted {
    reader: Reader,
    script: fn(&str) -> Vec<(u64, &'static str)>,
    plans: Vec<(u64, Vec<u8>)>,
    outs: Vec<Out>,
    heard: Vec<String>,
    line: Vec<u8>,
}

impl FarEnd for Scripted {
    fn bytes(&mut self, heard: &[u8], now_ms: u64) {
        self.line.extend_from_slice(heard);
        for item in self.reader.push(heard) {
            let Item::Block { apdu, .. } = item else { continue };
            self.outs.push(Out::Send(vec![0x06]));
            let said = apdu.iter().fold(String::new(), |said, byte| said + &format!("{byte:02x}"));
            self.plans.extend((self.script)(&said).into_iter().map(|(ms, apdu)| (now_ms + ms, wrap(&bytes(apdu)))));
            self.heard.push(said);
        }
    }

    fn hung_up(&mut self, _now_ms: u64) {}

    fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        self.outs.extend(self.plans.extract_if(.., |(due, _)| *due <= now_ms).map(|(_, block)| Out::Send(block)));
        std::mem::take(&mut self.outs)
    }
}

fn scripted(link: &Path, script: fn(&str) -> Vec<(u64, &'static str)>) -> SimTerminal<Scripted> {
    let far = Scripted { reader: Reader::default(), script, plans: vec![], outs: vec![], heard: vec![], line: vec![] };
    SimTerminal::run(link, far).expect("a scripted terminal")
}

/// As the driver would: what it shows, prints and tells meanwhile is answered, and its end is awaited.
#[test]
fn a_slow_and_talkative_terminal_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("terminal");
    let sim = scripted(&link, |said| match &said[..4] {
        "0501" => vec![
            (1_000, "800000"),
            (1_050, "04ff0117"),
            (1_100, "06d1020041"),
            (1_150, "040f0727002929001234"),
            (3_000, "060f0100"),
        ],
        "0600" => vec![(50, "800000"), (2_500, "060f0a19002952523535490978")],
        "0620" => vec![(50, "800000"), (100, "060f00")],
        _ => vec![],
    });
    let mine = settings(&link);
    let told = "ZVT terminal (software untold, status 00), registered for EUR".to_owned();
    assert_eq!((zvt().probe)(&mine, &mine.port, at("2026-11-25 12:00")).expect("a line"), Some(Ok(told)));
    let answers = |heard: &[String]| heard.iter().filter(|said| *said == "800000").count();
    // The last one may still be on the line.
    let end = Instant::now() + PATIENCE;
    while sim.with(|far| answers(&far.heard)) < 6 && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
    }
    let heard = sim.with(|far| far.heard.clone());
    let commands: Vec<&str> = heard.iter().filter(|said| *said != "800000").map(|said| &said[..4]).collect();
    assert_eq!(commands, ["0501", "0600", "0620"]);
    assert_eq!(answers(&heard), 6, "each of its words has an answer: {heard:?}");
}

/// The late end of one command is never taken for the next one's.
#[test]
fn a_terminal_that_swallows_the_registration_is_not_told_as_registered() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("terminal");
    let sim = scripted(&link, |said| match &said[..4] {
        "0501" => vec![(50, "800000"), (100, "060f0100")],
        // A completion of something before; the command itself is swallowed.
        "0600" => vec![(200, "060f0a19002952523535490978")],
        _ => vec![],
    });
    let mine = settings(&link);
    let told = (zvt().probe)(&mine, &mine.port, at("2026-11-25 12:00"))
        .expect("a line")
        .expect("a terminal")
        .expect_err("not registered");
    assert!(told.contains("does not answer when this kiosk registers"), "{told}");
    assert!(sim.with(|far| far.heard.iter().any(|said| said == "800000")));
}

/// What a line is configured as is all that it is asked as: a printer's question is a broken block to a card terminal.
#[test]
fn a_configured_terminals_line_is_asked_in_its_own_protocol_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("terminal");
    let sim = scripted(&link, |said| match &said[..4] {
        "0501" => vec![(50, "800000"), (100, "060f0100")],
        "0600" => vec![(50, "800000"), (100, "060f00")],
        "0620" => vec![(50, "800000"), (100, "061e01ff")],
        _ => vec![],
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shipped = std::fs::read_to_string(root.join("config/kiosk.toml")).expect("shipped");
    let store = folder.path().join("store").display().to_string();
    let mut section = "";
    let mut text = String::new();
    for line in shipped.lines() {
        section = line.strip_prefix('[').unwrap_or(section);
        let value = match (section, line.split(" = ").next().unwrap_or_default()) {
            ("terminal]", "protocol") => "zvt".to_owned(),
            ("terminal]", "port") => link.display().to_string(),
            ("printer]" | "scanner]", "port") => String::new(),
            ("store]", "folder") => store.clone(),
            (_, "hospital_folder") => root.join("config/hospital/onsaemi").display().to_string(),
            _ => {
                text.extend([line, "\n"]);
                continue;
            }
        };
        text.extend([line.split(" = ").next().unwrap_or_default(), " = \"", &value, "\"\n"]);
    }
    let path = folder.path().join("kiosk.toml");
    std::fs::write(&path, text).expect("a configuration");
    let known = Known { languages: &[Language::Ko, Language::En], protocols: &["smartro", "zvt"] };
    let config = hospital_kiosk::config::load(&path, &known).unwrap_or_else(|faults| panic!("{faults:?}"));
    let says = hospital_kiosk::commands::devices::list(&config, false).unwrap_or_else(|refusal| panic!("{refusal:?}"));
    let ours = says.iter().find(|line| line.starts_with(&config.terminal.port)).expect("its line");
    assert!(ours.contains("registered for KRW"), "{ours}");
    let heard = sim.with(|far| far.line.clone());
    assert!(heard.starts_with(&wrap(&bytes("050103000000"))), "asked first: {heard:02x?}");
    assert!(!heard.windows(2).any(|pair| pair == [0x10, 0x04]), "ESC/POS (DLE EOT): {heard:02x?}");
}

/// A terminal that ignores the currency it is asked for would charge 51.00 euros where the hospital means 5,100 won.
#[test]
fn a_terminal_of_another_currency_takes_no_money_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("terminal");
    let sim = SimTerminal::run(&link, Model::new(6)).expect("a simulated terminal");
    sim.with(|model| (model.setup.currency, model.setup.checks_currency) = (Some(EURO), false));
    let (kiosk, reports) = start(&Terminal { currency: "KRW".to_owned(), ..settings(&link) });
    let bench = Bench { sim, kiosk: kiosk.expect("a terminal"), reports, _folder: Some(folder) };
    bench.kiosk.command(TerminalCommand::Prepare);
    let reason = bench.wait(|report| match report {
        TerminalReport::NotReady { reason } if !reason.contains("not connected") => Some(reason),
        TerminalReport::NotReady { .. } => {
            std::thread::sleep(Duration::from_millis(50));
            bench.kiosk.command(TerminalCommand::Prepare);
            None
        }
        TerminalReport::Prepared { .. } => panic!("prepared"),
        _ => None,
    });
    assert!(reason.contains("another currency"), "{reason}");
}

#[test]
fn settings_that_cannot_be_sent_are_refused() {
    for (password, currency) in [("12345", "EUR"), ("1234567", "EUR"), ("12345x", "EUR"), ("123456", "XXX")] {
        let wrong = Terminal {
            password: password.to_owned(),
            currency: currency.to_owned(),
            ..settings(Path::new("/dev/null"))
        };
        assert!(start(&wrong).0.is_err(), "{password} {currency}");
    }
}
