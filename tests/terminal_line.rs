//! The driver and the simulated terminal over a real pty.

use hospital_kiosk::app::clock::SystemClock;
use hospital_kiosk::config::Terminal;
use hospital_kiosk::domain::attempt::{AttemptId, LastTransaction};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::domain::zone::Zone;
use hospital_kiosk::ports::{CardTerminal, Clock};
use hospital_kiosk::rehearsal::terminal::{CardAction, Fault, SimTerminal};
use hospital_kiosk::terminal;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

const WON: Amount = Amount(5_100);
/// A machine may be slow; a report that has not come by then will not come.
const PATIENCE: Duration = Duration::from_mins(1);

struct Bench {
    sim: SimTerminal,
    kiosk: Arc<dyn CardTerminal>,
    reports: Receiver<TerminalReport>,
    _folder: tempfile::TempDir,
}

impl Bench {
    fn new(seed: u64) -> Self {
        Self::with_window(seed, 30_000)
    }

    fn with_window(seed: u64, answer_timeout_ms: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("terminal");
        let sim = SimTerminal::start(&link, seed).expect("a simulated terminal");
        let (kiosk, reports) = start(&settings(&link, answer_timeout_ms));
        Self { sim, kiosk, reports, _folder: folder }
    }

    /// The first report that `wanted` picks; what comes before is passed over.
    fn wait<T>(&self, wanted: impl Fn(TerminalReport) -> Option<T>) -> T {
        loop {
            let report = self.reports.recv_timeout(PATIENCE).expect("the report that is awaited");
            if let Some(found) = wanted(report) {
                return found;
            }
        }
    }

    fn prepare(&self) -> LastTransaction {
        self.kiosk.command(TerminalCommand::Prepare);
        self.wait(|report| match report {
            TerminalReport::Prepared { baseline } => Some(baseline),
            TerminalReport::NotReady { reason } => panic!("not ready: {reason}"),
            _ => None,
        })
    }

    /// Prepares, charges, and says how it ended: "approved", "declined", "no answer", "never sent".
    fn charge(&self, card: CardAction) -> (LastTransaction, AttemptId, &'static str) {
        let baseline = self.prepare();
        let attempt = AttemptId(Uuid::new_v4());
        self.sim.card(card);
        self.kiosk.command(TerminalCommand::Charge { attempt, amount: WON, card_ms: 1_000 });
        (baseline, attempt, self.end_of(attempt))
    }

    fn end_of(&self, attempt: AttemptId) -> &'static str {
        self.wait(|report| match report {
            TerminalReport::Answered { attempt: of, transaction, raw, .. } => {
                assert!(of == attempt && terminal::decode("smartro", &raw).expect("known").is_ok());
                Some(if transaction.approved { "approved" } else { "declined" })
            }
            TerminalReport::NoAnswer { .. } => Some("no answer"),
            TerminalReport::NeverSent { .. } => Some("never sent"),
            _ => None,
        })
    }

    fn outcome(&self, attempt: AttemptId) -> (LastTransaction, LastTransaction, bool) {
        self.kiosk.command(TerminalCommand::AskOutcome { attempt });
        self.wait(|report| match report {
            TerminalReport::Outcome { first, second, maybe_restarted, .. } => Some((first, second, maybe_restarted)),
            _ => None,
        })
    }
}

fn settings(link: &Path, answer_timeout_ms: u64) -> Terminal {
    Terminal {
        protocol: "smartro".to_owned(),
        port: link.to_string_lossy().into_owned(),
        baud: 115_200,
        terminal_id: "KIOSK1114915545".to_owned(),
        password: "123456".to_owned(),
        currency: "EUR".to_owned(),
        ack_timeout_ms: 3_000,
        answer_timeout_ms,
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new(Zone::fixed(chrono::FixedOffset::east_opt(0).expect("UTC"))))
}

fn start(settings: &Terminal) -> (Arc<dyn CardTerminal>, Receiver<TerminalReport>) {
    let (sender, reports) = channel();
    let sender = Mutex::new(sender);
    let kiosk = terminal::start(
        settings,
        Arc::new(move |report| {
            let _ = sender.lock().expect("one thread").send(report);
        }),
        clock(),
    );
    (kiosk.expect("a terminal"), reports)
}

#[test]
fn approved_and_declined() {
    let bench = Bench::new(1);
    assert_eq!(bench.charge(CardAction::Approve).2, "approved");
    assert_eq!(bench.sim.booked(), WON);
    bench.wait(|report| (report == TerminalReport::CardRemoved).then_some(()));
    assert_eq!(bench.charge(CardAction::Decline).2, "declined");
    assert_eq!((bench.sim.booked(), bench.sim.charges_seen()), (WON, 2));
}

#[test]
fn a_lost_answer_is_found_in_the_last_transaction() {
    let bench = Bench::with_window(2, 1_500);
    let (baseline, attempt, end) = bench.charge(CardAction::Silence);
    assert_eq!(end, "no answer");
    let (first, second, maybe_restarted) = bench.outcome(attempt);
    assert!(first == second && second != baseline && maybe_restarted, "silence suggests a restart");
    assert!(matches!(second, LastTransaction::Known(sale) if sale.approved && sale.amount == WON));
    assert_eq!(bench.sim.charges_seen(), 1);
}

#[test]
fn an_unplugged_terminal_tells_when_it_is_back() {
    for books in [true, false] {
        let bench = Bench::new(3);
        bench.sim.set_up(|setup| setup.unplug_books = books);
        let (baseline, attempt, end) = bench.charge(CardAction::Unplug);
        assert_eq!(end, "no answer");
        let (first, second, maybe_restarted) = bench.outcome(attempt);
        assert!(first == second && maybe_restarted);
        assert_eq!(second != baseline, books);
        assert_eq!(bench.sim.charges_seen(), 1);
    }
}

#[test]
fn a_terminal_that_restarts_is_asked_until_it_is_back() {
    for keeps_last in [true, false] {
        let bench = Bench::with_window(4, 1_500);
        bench.sim.set_up(|setup| {
            setup.keeps_last = keeps_last;
            setup.reboot_ms = 3_000;
        });
        let (baseline, attempt, end) = bench.charge(CardAction::Reboot);
        assert_eq!(end, "no answer");
        let (_, second, maybe_restarted) = bench.outcome(attempt);
        assert!(maybe_restarted && second != baseline);
        assert_eq!(second == LastTransaction::Empty, !keeps_last);
        assert_eq!((bench.sim.charges_seen(), bench.sim.booked()), (1, WON));
    }
}

#[test]
fn a_nak_is_in_doubt_and_resolved_by_asking() {
    let bench = Bench::new(5);
    bench.sim.fault(Fault::NakCharge);
    let (baseline, attempt, end) = bench.charge(CardAction::Approve);
    assert_eq!(end, "no answer");
    let (first, second, maybe_restarted) = bench.outcome(attempt);
    assert!(first == baseline && second == baseline && !maybe_restarted);
    assert_eq!((bench.sim.charges_seen(), bench.sim.booked()), (1, Amount::ZERO));
    assert_eq!(bench.charge(CardAction::Approve).2, "approved", "a new attempt is allowed then");
    assert_eq!(bench.sim.charges_seen(), 2);
}

#[test]
fn faults_of_the_line_do_not_lose_the_answer() {
    for fault in [
        Fault::DropAck,
        Fault::GlueAck,
        Fault::NoiseAfterAnswer,
        Fault::SplitAnswer,
        Fault::OddEvents,
        Fault::CorruptAnswer,
        Fault::AnswerTwice,
    ] {
        let bench = Bench::new(6);
        bench.sim.fault(fault);
        assert_eq!(bench.charge(CardAction::Approve).2, "approved", "{fault:?}");
        assert_eq!((bench.sim.charges_seen(), bench.sim.booked()), (1, WON), "{fault:?}");
    }
}

#[test]
fn a_charge_without_a_card_is_called_off_and_a_forgotten_card_is_told() {
    let bench = Bench::new(7);
    bench.prepare();
    let attempt = AttemptId(Uuid::new_v4());
    bench.kiosk.command(TerminalCommand::Charge { attempt, amount: WON, card_ms: 300 });
    assert_eq!(bench.end_of(attempt), "declined", "the simulated terminal answers a call-off with a decline");
    bench.sim.set_up(|setup| setup.card_stays = true);
    assert_eq!(bench.charge(CardAction::Approve).2, "approved");
    bench.kiosk.command(TerminalCommand::Prepare);
    bench.wait(|report| (report == TerminalReport::CardStillIn).then_some(()));
    bench.kiosk.command(TerminalCommand::CallOff);
    bench.wait(|report| matches!(report, TerminalReport::NotReady { .. }).then_some(()));
}

#[test]
fn no_line_no_charge() {
    let folder = tempfile::tempdir().expect("a folder");
    let (kiosk, reports) = start(&settings(&folder.path().join("nothing"), 30_000));
    let attempt = AttemptId(Uuid::nil());
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(TerminalReport::Online(false)));
    kiosk.command(TerminalCommand::Prepare);
    assert!(matches!(reports.recv_timeout(PATIENCE), Ok(TerminalReport::NotReady { .. })));
    kiosk.command(TerminalCommand::Charge { attempt, amount: WON, card_ms: 1_000 });
    assert!(matches!(reports.recv_timeout(PATIENCE), Ok(TerminalReport::NeverSent { .. })));
}

#[test]
fn a_kiosk_without_a_terminal_and_one_with_an_unknown_one() {
    let mut none = settings(Path::new(""), 30_000);
    none.protocol = String::new();
    let (kiosk, reports) = start(&none);
    assert_eq!(reports.recv_timeout(PATIENCE), Ok(TerminalReport::Online(false)));
    kiosk.command(TerminalCommand::Prepare);
    assert!(matches!(reports.recv_timeout(PATIENCE), Ok(TerminalReport::NotReady { .. })));
    let unknown = Terminal { protocol: "concert".to_owned(), ..settings(Path::new("/dev/null"), 1) };
    let refused = terminal::start(&unknown, Arc::new(|_| ()), clock()).err().expect("refused");
    assert!(refused.contains("concert") && refused.contains("smartro"), "{refused}");
    let long = Terminal { terminal_id: "x".repeat(17), ..settings(Path::new("/dev/null"), 1) };
    assert!(terminal::start(&long, Arc::new(|_| ()), clock()).is_err());
}
