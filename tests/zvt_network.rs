//! The ZVT driver and a terminal on this machine's network, over real connections that end when they like. What holds of a
//! payment alike over both kinds of line is in `zvt_line`.

use crate::zvt_line::{Bench, CENT, settings_at, start};
use chrono::NaiveDateTime;
use hospital_kiosk::domain::attempt::{AttemptId, LastTransaction};
use hospital_kiosk::domain::terminal::{TerminalCommand, TerminalReport};
use hospital_kiosk::rehearsal::terminal::zvt::{Fault, Model};
use hospital_kiosk::rehearsal::terminal::{CardAction, FarEnd, Out, SimTerminal};
use hospital_kiosk::terminal;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;
use uuid::Uuid;

/// What became of a charge and of the question about it.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    /// A result that waits for our word came before the silence.
    approved: bool,
    confirmed: bool,
    last: Option<(LastTransaction, bool)>,
}

/// One charge as the till does it: what stays without an answer is asked about, and never sent again.
fn pay<M: FarEnd + 'static>(bench: &Bench<M>) -> Told {
    let attempt = AttemptId(Uuid::new_v4());
    bench.kiosk.command(TerminalCommand::Charge { attempt, amount: CENT, card_ms: 10_000 });
    let mut told = Told { approved: false, confirmed: false, last: None };
    bench.wait(|report| match report {
        TerminalReport::Answered { transaction, .. } => {
            told.approved = transaction.approved;
            bench.kiosk.command(TerminalCommand::Confirm { attempt });
            None
        }
        TerminalReport::Confirmed { .. } => {
            told.confirmed = true;
            Some(())
        }
        TerminalReport::NoAnswer { .. } => {
            bench.kiosk.command(TerminalCommand::AskOutcome { attempt });
            None
        }
        TerminalReport::Outcome { first, second, maybe_restarted, .. } => {
            assert_eq!(first, second);
            told.last = Some((second, maybe_restarted));
            Some(())
        }
        TerminalReport::NeverSent { reason, .. } => panic!("never sent: {reason}"),
        _ => None,
    });
    told
}

/// A terminal whose connection ends after so many bytes of its result.
struct Cut {
    model: Model,
    after: usize,
    /// How long the result is.
    result: usize,
}

impl FarEnd for Cut {
    fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        FarEnd::bytes(&mut self.model, bytes, now_ms);
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        let mut outs = self.model.tick(now_ms);
        let charged = self.model.charges_seen() > 0 && self.result == 0;
        let result = |out: &Out| matches!(out, Out::Send(bytes) if bytes.starts_with(&[0x04, 0x0f]));
        if let Some(at) = outs.iter().position(result).filter(|_| charged) {
            outs.truncate(at + 1);
            if let Some(Out::Send(bytes)) = outs.last_mut() {
                self.result = bytes.len();
                bytes.truncate(self.after);
            }
            self.model.setup.away_ms = 300;
            self.model.pull_plug(now_ms);
            outs.extend(self.model.tick(now_ms));
        }
        outs
    }

    fn hung_up(&mut self, now_ms: u64) {
        self.model.hung_up(now_ms);
    }
}

fn model(seed: u64) -> Model {
    let mut model = Model::new(seed);
    model.setup.network = true;
    model
}

/// Half a result is none, and a whole one that nobody could answer is undone: both are silence, and found out about.
#[test]
fn a_connection_that_ends_within_the_result_is_silence() {
    let cut = |after: usize| {
        let bench = Bench::connected(Cut { model: model(21), after, result: 0 });
        let before = bench.prepare();
        bench.sim.with(|far| far.model.card(CardAction::Approve));
        let told = pay(&bench);
        let (result, charges, booked) =
            bench.sim.with(|far| (far.result, far.model.charges_seen(), far.model.bookings.len()));
        assert_eq!((charges, booked), (1, 0), "after {after} bytes");
        // The same as before, and nobody knows what the terminal went through.
        assert_eq!((told.confirmed, told.last), (false, Some((before, true))), "after {after} bytes");
        assert!(!told.approved || after >= result, "after {after} of {result} bytes");
        result
    };
    let longest = cut(usize::MAX);
    assert!(longest > 40);
    std::thread::scope(|scope| {
        let cuts: Vec<_> = (0..=longest).map(|after| scope.spawn(move || cut(after))).collect();
        for cut in cuts {
            assert_eq!(cut.join().expect("as it should be"), longest);
        }
    });
}

#[test]
fn a_terminal_that_restarts_before_or_after_its_booking_is_asked_and_never_charged_again() {
    for (fault, booked) in [
        (Fault::RebootBeforeBooking, 0),
        (Fault::RebootAfterBooking, 1),
        (Fault::SilentAfterBooking, 1),
        (Fault::CorruptResult, 0),
        (Fault::NakCharge, 0),
    ] {
        let bench = Bench::on_network(22);
        let before = bench.prepare();
        bench.sim.with(|model| {
            model.setup.reboot_ms = 400;
            model.fault(fault);
            model.card(CardAction::Approve);
        });
        let told = pay(&bench);
        assert!(!told.confirmed, "{fault:?}");
        let (last, _) = told.last.expect("asked");
        assert_eq!(last == before, booked == 0, "{fault:?}");
        assert_eq!(bench.sim.with(|model| (model.charges_seen(), model.bookings.len())), (1, booked), "{fault:?}");
    }
}

/// The system would deliver it minutes later, when the cable is back; and what is not delivered yet counts as sent.
#[test]
fn a_charge_that_nobody_takes_is_thrown_away_with_its_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (kiosk, reports) = start(&settings_at(&format!("tcp:{}", listener.local_addr().expect("an address"))));
    let kiosk = kiosk.expect("a terminal");
    let (mut stream, _) = listener.accept().expect("the kiosk");
    let say = |stream: &mut std::net::TcpStream, apdus: &[&[u8]]| {
        for apdu in apdus {
            stream.write_all(apdu).expect("to the kiosk");
            if apdu[0] != 0x80 {
                let mut answer = [0; 3];
                stream.read_exact(&mut answer).expect("an answer");
                assert_eq!(answer, [0x80, 0x00, 0x00]);
            }
        }
    };
    let hear = |stream: &mut std::net::TcpStream| {
        let mut head = [0; 3];
        stream.read_exact(&mut head).expect("a command");
        let mut rest = vec![0; usize::from(head[2])];
        stream.read_exact(&mut rest).expect("all of it");
        u16::from_be_bytes([head[0], head[1]])
    };
    assert_eq!(hear(&mut stream), 0x0600);
    say(&mut stream, &[&[0x80, 0x00, 0x00], &[0x06, 0x0f, 0x00]]);
    kiosk.command(TerminalCommand::Prepare);
    assert_eq!(hear(&mut stream), 0x0501);
    say(&mut stream, &[&[0x80, 0x00, 0x00], &[0x06, 0x0f, 0x01, 0x00]]);
    assert_eq!(hear(&mut stream), 0x0620);
    let last = [0x04, 0x0f, 0x0d, 0x27, 0x00, 0x04, 0, 0, 0, 0, 0x10, 0x00, 0x0b, 0, 0, 0x11];
    say(&mut stream, &[&[0x80, 0x00, 0x00], &last, &[0x06, 0x0f, 0x00]]);
    let wait = |wanted: &dyn Fn(&TerminalReport) -> bool| {
        while !wanted(&reports.recv_timeout(Duration::from_mins(1)).expect("a report")) {}
    };
    wait(&|report| matches!(report, TerminalReport::Prepared { .. }));
    let attempt = AttemptId(Uuid::new_v4());
    kiosk.command(TerminalCommand::Charge { attempt, amount: CENT, card_ms: 10_000 });
    assert_eq!(hear(&mut stream), 0x0601);
    // It came, and is not answered. The kiosk hangs up, hard.
    wait(&|report| matches!(report, TerminalReport::NoAnswer { .. }));
    let ended = stream.read(&mut [0; 16]).expect_err("no orderly end");
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
    // And comes back with questions, never with the charge.
    kiosk.command(TerminalCommand::AskOutcome { attempt });
    let (mut stream, _) = listener.accept().expect("the kiosk again");
    assert_eq!(hear(&mut stream), 0x06b0);
    kiosk.command(TerminalCommand::Charge { attempt, amount: CENT, card_ms: 10_000 });
    wait(&|report| matches!(report, TerminalReport::NoAnswer { reason, .. } if reason.contains("never sent twice")));
}

/// What left no byte is known not to have left.
#[test]
fn a_charge_to_a_connection_that_has_ended_never_left() {
    let bench = Bench::on_network(23);
    bench.prepare();
    bench.sim.with(|model| model.unplug(0));
    while bench.sim.is_plugged_in() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let attempt = AttemptId(Uuid::new_v4());
    // Whether the kiosk has noticed yet or not.
    bench.kiosk.command(TerminalCommand::Charge { attempt, amount: CENT, card_ms: 10_000 });
    bench.wait(|report| match report {
        TerminalReport::NeverSent { .. } => Some(()),
        TerminalReport::NoAnswer { .. } => panic!("in doubt"),
        _ => None,
    });
    assert_eq!(bench.sim.with(|model| model.charges_seen()), 0);
}

#[test]
fn what_answers_on_the_network_is_told_by_the_same_questions() {
    let (sim, address) = SimTerminal::listen(model(24)).expect("a terminal");
    let now = NaiveDateTime::parse_from_str("2026-11-25 12:00", "%Y-%m-%d %H:%M").expect("a time");
    let probe = |port: &str| {
        let zvt = terminal::PROTOCOLS.iter().find(|protocol| protocol.name == "zvt").expect("ours");
        (zvt.probe)(&settings_at(port), port, now)
    };
    let told = probe(&format!("tcp:{address}")).expect("a line").expect("a terminal").expect("ours");
    assert!(told.starts_with("ZVT terminal (software 1.07, status 00), registered for EUR; its last"), "{told}");
    assert_eq!(sim.with(|model| model.requests.clone()), [0x0501, 0x0600, 0x0620]);
    drop(sim);
    // Something else listens there: it says what no terminal says, or nothing.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = format!("tcp:{}", listener.local_addr().expect("an address"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("the kiosk");
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = stream.read(&mut [0; 64]);
            std::thread::sleep(Duration::from_millis(200));
        });
        assert!(matches!(probe(&port), Ok(None) | Err(_)));
    });
    drop(listener);
    assert_eq!(probe(&port).expect_err("nobody").kind(), std::io::ErrorKind::ConnectionRefused);
}
