//! Trust R17: a server whose pages never end, and what the real client takes of memory by them, in a process of its own.

use super::fixture::{client, day};
use hospital_kiosk::ports::Schedules;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

const CHILD: &str = "KIOSK_TEST_HOSTILE_CHILD";
/// Half of what the unit allows the whole kiosk (`MemoryMax=`).
const PEAK_MAX_MIB: u64 = 256;

#[derive(Clone, Copy)]
struct Page {
    rows: usize,
    text_bytes: usize,
}

/// Appointments of today, whatever was asked; each page has others, and leads to a next.
fn page(kind: Page, number: usize) -> String {
    let text = "가".repeat(kind.text_bytes / 3);
    let mut body =
        String::from("{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"link\":[{\"relation\":\"next\",");
    let _ = write!(body, "\"url\":\"?page={}\"}}],\"entry\":[", number + 1);
    for row in 0..kind.rows {
        let comma = if row == 0 { "" } else { "," };
        let _ = write!(
            body,
            "{comma}{{\"resource\":{{\"resourceType\":\"Appointment\",\"id\":\"p{number}r{row}\",\"status\":\"booked\",\
             \"start\":\"2026-11-25T10:30:00+09:00\",\"description\":\"{text}\",\
             \"participant\":[{{\"actor\":{{\"reference\":\"Patient/1\"}}}}]}}}}"
        );
    }
    body.push_str(
        ",{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"1\",\"birthDate\":\"1958-04-12\",\"identifier\":[{",
    );
    let _ = write!(
        body,
        "\"system\":\"{}\",\"value\":\"10293847\"}}]}},\"search\":{{\"mode\":\"include\"}}}}]}}",
        hospital_kiosk::rehearsal::people::PATIENT_SYSTEM
    );
    body
}

/// Answers every question on a connection with the next page.
fn serve(stream: TcpStream, kind: Page, pages: &std::sync::atomic::AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut length = 0;
        let mut any = false;
        for line in reader.by_ref().lines() {
            let line = line?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            any = true;
            length = line.strip_prefix("content-length: ").map_or(length, |told| told.parse().unwrap_or(0));
        }
        if !any {
            return Ok(());
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        let body = page(kind, pages.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
    }
}

/// The client's peak, in MiB, and how it says that the day ended.
fn peak_over(kind: Page) -> (u64, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/fhir", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let pages = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        for stream in listener.incoming().flatten() {
            let pages = pages.clone();
            std::thread::spawn(move || serve(stream, kind, &pages));
        }
    });
    let child = Command::new(std::env::current_exe().expect("the test binary"))
        .args(["child_that_reads_pages_without_end", "--nocapture"])
        .env(CHILD, url)
        .output()
        .expect("a child");
    let out = String::from_utf8_lossy(&child.stdout).into_owned();
    let told =
        |name: &str| out.lines().find_map(|line| line.split_once(name)).map(|(_, value)| value.trim().to_owned());
    let peak_kib: u64 = told("@peak ").unwrap_or_else(|| panic!("{out}")).parse().expect("a number");
    (peak_kib / 1024, told("@end ").unwrap_or_default())
}

/// Not a test of its own.
#[test]
fn child_that_reads_pages_without_end() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let news = runtime.block_on(client(&url).schedule_since(day(), None));
    let status = std::fs::read_to_string("/proc/self/status").expect("proc");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    println!("\n@peak {}", peak.trim().trim_end_matches("kB").trim());
    match news {
        Ok(news) => println!("@end {} rows, cut short: {}", news.rows.len(), news.cut_short.is_some()),
        Err(why) => println!("@end {why}"),
    }
}

#[test]
fn pages_without_end_end_within_the_memory_that_a_kiosk_has() {
    for (what, kind) in [
        ("long texts", Page { rows: 200, text_bytes: 9_000 }),
        ("many rows a page", Page { rows: 9_000, text_bytes: 30 }),
        ("more rows than a page may hold", Page { rows: 40_000, text_bytes: 0 }),
    ] {
        let (peak_mib, end) = peak_over(kind);
        println!("{what}: a peak of {peak_mib} MiB, {end}");
        assert!(peak_mib < PEAK_MAX_MIB, "{what}: {peak_mib} MiB");
        assert!(end.contains("cut short: true") || end.contains("large"), "{what}: {end}");
    }
}
