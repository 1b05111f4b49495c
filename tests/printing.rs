//! From the press over a real pty to the dots of a simulated printer, with everything that goes wrong between.

use crate::paper::{facility, read_code, receipt, ticket};
use hospital_kiosk::app::press::press;
use hospital_kiosk::config;
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::paper::Paper;
use hospital_kiosk::domain::patient::ScannedCode;
use hospital_kiosk::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use hospital_kiosk::ports::{Printer, Raster, Scanner};
use hospital_kiosk::printer;
use hospital_kiosk::rehearsal::printer::{PaperState, SimPrinter};
use hospital_kiosk::rehearsal::scanner::SimScanner;
use hospital_kiosk::scanner;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything here may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(20);

/// Of tests in which one paper is told from another by its dots.
const A_JOB: PrintJob = PrintJob(1);

/// A simulated printer, and the kiosk's side of the same line.
struct Bench {
    sim: SimPrinter,
    device: Arc<dyn Printer>,
    reports: Receiver<PrinterReport>,
    _folder: TempDir,
}

impl Bench {
    fn new(job_timeout_ms: u64) -> Self {
        Self::with(job_timeout_ms, |_| {})
    }

    fn with(job_timeout_ms: u64, prepare: impl FnOnce(&SimPrinter)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("printer");
        let sim = SimPrinter::start(&link).expect("a pty");
        prepare(&sim);
        let (device, reports) = start(&link, job_timeout_ms);
        Self { sim, device, reports, _folder: folder }
    }

    /// The next report of a job; what it says of its state in between is passed over.
    fn outcome(&self) -> PrintEnd {
        loop {
            match self.reports.recv_timeout(PATIENCE).expect("a report of the job") {
                PrinterReport::State(_) => {}
                PrinterReport::Job { end, .. } => return end,
            }
        }
    }

    fn wait_for_state(&self, state: PrinterState) {
        wait_until("the state", || self.device.state() == state);
    }

    fn no_more_outcomes(&self) {
        assert!(self.reports.try_iter().all(|report| matches!(report, PrinterReport::State(_))));
    }
}

fn settings(port: &std::path::Path, job_timeout_ms: u64) -> config::Printer {
    config::Printer {
        port: port.to_string_lossy().into_owned(),
        baud: 921_600,
        width_dots: 576,
        job_timeout_ms,
        has_cutter: true,
    }
}

fn start(link: &std::path::Path, job_timeout_ms: u64) -> (Arc<dyn Printer>, Receiver<PrinterReport>) {
    let (sender, reports) = channel();
    let sender = Mutex::new(sender);
    let device = printer::start(
        &settings(link, job_timeout_ms),
        Arc::new(move |report| drop(sender.lock().expect("one lock").send(report))),
    );
    (device, reports)
}

fn wait_until(what: &str, mut there: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !there() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn a_ticket() -> Raster {
    press(&Paper::Ticket(ticket(Language::En)), &facility(), 576).expect("drawn")
}

fn a_receipt() -> Raster {
    press(&Paper::Receipt(receipt(Language::Ko)), &facility(), 576).expect("drawn")
}

#[test]
fn a_receipt_comes_out_dot_for_dot() {
    let bench = Bench::new(5_000);
    let drawn = a_receipt();
    bench.device.print(A_JOB, drawn.clone());
    assert_eq!(bench.outcome(), PrintEnd::Printed);
    let papers = bench.sim.papers();
    assert!(papers == [drawn], "{} papers, not the one that was drawn", papers.len());
    assert_eq!(read_code(&papers[0]).as_deref(), Some(crate::paper::CLAIM));
    assert_eq!(bench.sim.faults(), [""; 0]);
}

#[test]
fn papers_come_out_one_after_the_other_each_once() {
    let bench = Bench::new(5_000);
    let papers = [a_receipt(), a_ticket(), a_receipt()];
    for paper in &papers {
        bench.device.print(A_JOB, paper.clone());
    }
    for _ in &papers {
        assert_eq!(bench.outcome(), PrintEnd::Printed);
    }
    assert!(bench.sim.papers() == papers);
    bench.no_more_outcomes();
}

#[test]
fn without_paper_it_is_held_and_comes_out_once_after_the_refill() {
    let bench = Bench::with(800, |sim| sim.set(PaperState::Out));
    bench.device.print(A_JOB, a_ticket());
    assert_eq!(bench.outcome(), PrintEnd::Held { reason: PrinterState::PaperOut });
    assert!(bench.sim.papers().is_empty());
    bench.sim.set(PaperState::In);
    wait_until("the held paper", || !bench.sim.papers().is_empty());
    bench.wait_for_state(PrinterState::Online);
    assert!(bench.sim.papers() == [a_ticket()]);
    bench.no_more_outcomes();
}

#[test]
fn paper_that_ends_while_printing_is_held_and_goes_on_after_the_refill() {
    let bench = Bench::with(800, |sim| sim.run_out_after(300));
    bench.device.print(A_JOB, a_receipt());
    assert_eq!(bench.outcome(), PrintEnd::Held { reason: PrinterState::PaperOut });
    assert_eq!(bench.sim.rows_uncut(), 300);
    bench.sim.set(PaperState::In);
    wait_until("the rest", || !bench.sim.papers().is_empty());
    bench.device.print(A_JOB, a_ticket());
    assert_eq!(bench.outcome(), PrintEnd::Printed);
    let papers = bench.sim.papers();
    // What was held may have been proved or not when the ticket came; a cut of nothing is no paper.
    assert!(papers == [a_receipt(), a_ticket()], "{} papers", papers.len());
    assert_eq!(bench.sim.faults(), [""; 0]);
}

#[test]
fn a_full_buffer_gets_the_rest_after_the_refill_and_nothing_twice() {
    let bench = Bench::with(800, |sim| {
        sim.limit_buffer(10_000);
        sim.run_out_after(300);
    });
    bench.device.print(A_JOB, a_receipt());
    assert!(matches!(bench.outcome(), PrintEnd::Held { .. }));
    bench.sim.set(PaperState::In);
    wait_until("the rest", || !bench.sim.papers().is_empty());
    assert!(bench.sim.papers() == [a_receipt()]);
    assert_eq!(bench.sim.faults(), [""; 0]);
}

#[test]
fn what_is_held_is_cleared_before_the_next_patient() {
    let bench = Bench::with(800, |sim| sim.run_out_after(300));
    bench.device.print(A_JOB, a_receipt());
    assert!(matches!(bench.outcome(), PrintEnd::Held { .. }));
    bench.device.clear();
    bench.device.print(A_JOB, a_ticket());
    assert_eq!(bench.outcome(), PrintEnd::Held { reason: PrinterState::PaperOut });
    bench.sim.set(PaperState::In);
    wait_until("the ticket", || bench.sim.papers().last() == Some(&a_ticket()));
    let papers = bench.sim.papers();
    assert_eq!(papers.len(), 2, "the scrap of the receipt, cut off, and the ticket");
    assert_eq!(papers[0].height_dots, 300);
}

#[test]
fn what_never_left_the_kiosk_is_cleared_too() {
    let bench = Bench::with(800, |sim| sim.set(PaperState::Out));
    bench.device.print(A_JOB, a_receipt());
    assert!(matches!(bench.outcome(), PrintEnd::Held { .. }));
    bench.device.clear();
    bench.wait_for_state(PrinterState::PaperOut);
    bench.sim.set(PaperState::In);
    bench.wait_for_state(PrinterState::Online);
    bench.device.print(A_JOB, a_ticket());
    assert_eq!(bench.outcome(), PrintEnd::Printed);
    assert!(bench.sim.papers() == [a_ticket()]);
}

#[test]
fn a_printer_that_vanishes_while_printing_fails_once_and_the_next_paper_is_whole() {
    let bench = Bench::with(5_000, |sim| {
        sim.limit_buffer(10_000);
        sim.run_out_after(300);
    });
    bench.device.print(A_JOB, a_receipt());
    wait_until("the printing", || bench.sim.rows_uncut() == 300);
    bench.sim.unplug();
    assert!(matches!(bench.outcome(), PrintEnd::Failed { .. }));
    bench.wait_for_state(PrinterState::Offline);
    bench.sim.limit_buffer(0);
    bench.sim.set(PaperState::In);
    bench.sim.plug_in().expect("a pty");
    bench.wait_for_state(PrinterState::Online);
    bench.device.print(A_JOB, a_ticket());
    assert_eq!(bench.outcome(), PrintEnd::Printed);
    assert!(bench.sim.papers().last() == Some(&a_ticket()));
    assert_eq!(bench.sim.faults(), [""; 0]);
}

/// Found by killing the kiosk: the printer took the next life's questions for dots, and documents were never offered.
#[test]
fn a_kiosk_that_lost_its_power_while_it_printed_prints_again() {
    use hospital_kiosk::line::{LineSettings, SerialLine, write_within};
    let bytes = hospital_kiosk::printer::encode::job(&a_receipt(), true).expect("a job");
    for sent in [0, 1, 3, 7, 9, 1_000, 9_000, 9_229, 9_300, bytes.len() - 1] {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("printer");
        let sim = SimPrinter::start(&link).expect("a pty");
        let settings = LineSettings { baud: 921_600, two_stop_bits: false };
        let mut wire = SerialLine::open(&link.to_string_lossy(), settings).expect("the pty");
        write_within(&mut wire, &bytes[..sent], PATIENCE).expect("to the printer");
        drop(wire);
        let (device, reports) = start(&link, 5_000);
        let bench = Bench { sim, device, reports, _folder: folder };
        bench.wait_for_state(PrinterState::Online);
        bench.device.print(A_JOB, a_ticket());
        assert_eq!(bench.outcome(), PrintEnd::Printed, "after {sent} bytes");
        let papers = bench.sim.papers();
        assert!(papers.last() == Some(&a_ticket()), "after {sent} bytes the ticket is not whole");
        assert!(papers.len() <= 2, "after {sent} bytes: the scrap, cut off, and the ticket");
    }
}

#[test]
fn a_printer_that_talks_garbage_is_offline_and_gets_nothing() {
    let bench = Bench::with(800, |sim| sim.talk_garbage(true));
    bench.device.print(A_JOB, a_ticket());
    assert_eq!(bench.outcome(), PrintEnd::Held { reason: PrinterState::Offline });
    assert!(bench.sim.papers().is_empty());
    bench.sim.talk_garbage(false);
    wait_until("the held paper", || !bench.sim.papers().is_empty());
    assert!(bench.sim.papers() == [a_ticket()]);
}

#[test]
fn states_are_told_when_they_change() {
    let bench = Bench::new(800);
    bench.wait_for_state(PrinterState::Online);
    for (paper, state) in [
        (PaperState::Low, PrinterState::PaperLow),
        (PaperState::Out, PrinterState::PaperOut),
        (PaperState::Jam, PrinterState::Offline),
        (PaperState::In, PrinterState::Online),
    ] {
        bench.sim.set(paper);
        bench.wait_for_state(state);
    }
    let told: Vec<_> = bench.reports.try_iter().collect();
    let states = [
        PrinterState::Online,
        PrinterState::PaperLow,
        PrinterState::PaperOut,
        PrinterState::Offline,
        PrinterState::Online,
    ];
    assert_eq!(told, states.map(PrinterReport::State));
}

#[test]
fn no_printer_is_always_offline() {
    let (device, reports) = start(&PathBuf::new(), 800);
    device.print(A_JOB, a_ticket());
    device.clear();
    let told: Vec<_> = reports.try_iter().collect();
    let offline = PrinterState::Offline;
    assert_eq!(
        told,
        [PrinterReport::State(offline), PrinterReport::Job { job: A_JOB, end: PrintEnd::Held { reason: offline } }]
    );
    assert_eq!(device.state(), offline);
}

#[test]
fn a_printer_over_tcp_works_the_same() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp:{}", listener.local_addr().expect("an address"));
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("printer");
    let sim = SimPrinter::start(&link).expect("a pty");
    let path = link.to_string_lossy().into_owned();
    std::thread::spawn(move || bridge(&listener, &path));
    let (device, reports) = start(std::path::Path::new(&address), 5_000);
    let bench = Bench { sim, device, reports, _folder: folder };
    bench.device.print(A_JOB, a_receipt());
    assert_eq!(bench.outcome(), PrintEnd::Printed);
    assert!(bench.sim.papers() == [a_receipt()]);
}

/// What the technician is told is what the worker will meet: the same line, the same questions.
#[test]
fn the_check_asks_a_printer_as_the_worker_does() {
    use hospital_kiosk::printer::probe::{Found, probe};
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("printer");
    let sim = SimPrinter::start(&link).expect("a pty");
    let asked = || probe(&settings(&link, 5_000)).expect("a line");
    let ready = Some(Found { state: PrinterState::Online, proves: true });
    assert_eq!(asked(), ready);
    for (paper, state) in [(PaperState::Out, PrinterState::PaperOut), (PaperState::Jam, PrinterState::Offline)] {
        sim.set(paper);
        assert_eq!(asked(), Some(Found { state, proves: true }));
    }
    sim.set(PaperState::In);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("tcp:{}", listener.local_addr().expect("an address"));
    let path = link.to_string_lossy().into_owned();
    std::thread::spawn(move || bridge(&listener, &path));
    assert_eq!(probe(&settings(std::path::Path::new(&address), 5_000)).expect("a line"), ready);
    assert!(sim.papers().is_empty() && sim.rows_uncut() == 0, "nothing was printed");
    // As /dev/usb/lp0: a file that is no serial line. This one never answers.
    assert_eq!(probe(&settings(std::path::Path::new("/dev/null"), 5_000)).expect("opened"), None);
    let absent = probe(&settings(&folder.path().join("lp1"), 5_000)).expect_err("not there");
    assert_eq!(absent.kind(), std::io::ErrorKind::NotFound);
}

/// A network card in front of the simulated printer.
fn bridge(listener: &std::net::TcpListener, path: &str) {
    use hospital_kiosk::line::{Line as _, LineSettings, SerialLine, write_within};
    use std::io::{Read, Write};
    let (mut stream, _) = listener.accept().expect("the kiosk");
    let mut line = SerialLine::open(path, LineSettings { baud: 921_600, two_stop_bits: false }).expect("the pty");
    stream.set_read_timeout(Some(Duration::from_millis(5))).expect("a time-out");
    let mut buffer = [0; 512];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => write_within(&mut line, &buffer[..count], PATIENCE).expect("to the printer"),
            Err(_) => {}
        }
        let count = line.read_some(&mut buffer, Duration::from_millis(1)).expect("from the printer");
        if stream.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}

/// 58 mm and 104 mm: the whole way, from the configuration to what comes out.
#[test]
fn paper_comes_out_as_wide_as_the_configured_printer() {
    for width in ["384", "832"] {
        let folder = tempfile::tempdir().expect("folder");
        let path = crate::commands::config(folder.path(), &[]);
        let text = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, text.replace("\nwidth_dots = 576\n", &format!("\nwidth_dots = {width}\n")))
            .expect("written");
        let mut theatre = crate::stage::open_with(path, 7);
        theatre
            .play("scan \"A:AS-40021\"\ntap \"Yes\"\ntap \"Check in\"\nexpect-paper \"K3-001\"\nexpect-paper \"내과\"");
        let widths =
            theatre.stage.printer.papers().iter().map(|paper| paper.width_dots.to_string()).collect::<Vec<_>>();
        assert_eq!(widths, [width]);
    }
}

/// A simulated reader, the worker behind it, and what it tells.
fn reader(settings: config::Scanner) -> (SimScanner, Arc<dyn Scanner>, Receiver<ScannedCode>, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("scanner");
    let reader = SimScanner::start(&link).expect("a pty");
    let (sender, codes) = channel();
    let sender = Mutex::new(sender);
    let report = Arc::new(move |code| drop(sender.lock().expect("one lock").send(code)));
    let settings = config::Scanner { port: link.to_string_lossy().into_owned(), ..settings };
    let scanner = scanner::start(&settings, facility().into(), report).expect("a scanner");
    (reader, scanner, codes, folder)
}

#[test]
fn a_scanned_code_arrives_once_whatever_the_reader_does() {
    let prefixes = config::Scanner { slip_prefix: "APT:".into(), card_prefix: "PT:".into(), ..config::Scanner::none() };
    let (reader, scanner, codes, _folder) = reader(prefixes);
    for code in ["APT:S-1", "APT:S-1", "PT:10293847", "nonsense"] {
        reader.scan(code).expect("read");
    }
    // A plug's noise is nobody's code; what is long enough to be one is told.
    reader.send(b"\xFF\xFE\r\xFF\xFE\xFF\xFE\xFF\xFE\r").expect("read");
    let next = || codes.recv_timeout(PATIENCE).expect("a code");
    assert!(next() == ScannedCode::AppointmentSlip("S-1".into()));
    assert!(matches!(next(), ScannedCode::PatientCard(_)));
    assert!(next() == ScannedCode::Unknown);
    assert!(next() == ScannedCode::Unknown);
    assert!(codes.try_recv().is_err());
    assert!(scanner.is_there());
    drop(reader);
    let unplugged = std::time::Instant::now();
    while scanner.is_there() && unplugged.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!scanner.is_there(), "a monitor sees that it was unplugged");
}

#[test]
fn a_code_without_an_end_is_taken_after_a_pause_and_never_meets_the_next() {
    let (reader, _scanner, codes, _folder) = reader(config::Scanner { code_gap_ms: 50, ..config::Scanner::none() });
    let next = || codes.recv_timeout(PATIENCE).expect("a code");
    reader.send(b"A:AS-40021").expect("read");
    assert!(next() == ScannedCode::AppointmentSlip("AS-40021".into()));
    reader.send(b"A:AS-40022\r\n").expect("read");
    assert!(next() == ScannedCode::AppointmentSlip("AS-40022".into()));
    reader.send(b"P:1029").expect("half a code");
    assert!(next() == ScannedCode::Unknown);
    reader.send(b"P:10293847\t").expect("read");
    assert!(matches!(next(), ScannedCode::PatientCard(_)));
}

#[test]
fn half_a_code_of_a_visit_that_is_over_is_nobodys() {
    // A pause that never comes within this test: only the end of the visit can take the half away.
    let settings = config::Scanner { code_gap_ms: 60_000, ..config::Scanner::none() };
    let (reader, scanner, codes, _folder) = reader(settings);
    reader.send(b"A:AS-4\rA:AS-9").expect("a code and half of another");
    assert!(codes.recv_timeout(PATIENCE).expect("a code") == ScannedCode::AppointmentSlip("AS-4".into()));
    scanner.forget();
    reader.send(b"A:AS-40022\r").expect("read");
    assert!(codes.recv_timeout(PATIENCE).expect("a code") == ScannedCode::AppointmentSlip("AS-40022".into()));
}
