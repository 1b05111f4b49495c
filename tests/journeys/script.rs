//! A tiny script language over `Session`. One input a line; `> ` lines are the effects it must bring, all of them, in
//! order. `BLESS=1 cargo test journeys::script` rewrites the `> ` lines: read the difference before keeping it.
//!
//! ```text
//! tap Start · tap Language En · tap Service CheckIn · tap Row 1 · tap Insurance Yes …      digits 10293847
//! scan card 10293847 · scan slip APPT-1 · scan unknown
//! reply found [offline] [born 1958-04-12] [seen 2026-05-20] · not-found · unreachable · online · away
//! reply appointments [offline] 10:00 booked 11:00 arrived … · slip 10:00 booked · quoted REC 6 · not-quoted REC
//! terminal online|away|prepared|prepared-empty|old-card|not-ready|card-seen|card-removed
//! terminal approved [AMOUNT] · declined [CODE] · no-answer · never-sent   (of the last attempt, or `#1` at the end)
//! terminal approved other: the booking of the payment before; also approved-unconfirmed other
//! terminal approved-unconfirmed [AMOUNT] · confirmed · withdrawn · undone reversed|already|unlike|withdrawn|refused CODE
//! terminal outcome same|paid|other|other-amount|old-time|empty|unknown|differ [restarted] [no-host]
//! printer printed|held|failed|state out|state ok        fail        wait 60s        clock 2026-11-20T10:00
//! area gate no-pin|closed|number [after-wrong]|wrong N|refused|wait N|locked|open|attendant|unknown · area lists [STATE …] [parked N] · area no-lists
//! area retried · area closed · area not-closed
//! area obey STATE   (the last order reaches the till, with that payment's record)
//! staff close-day · terminal totals AMOUNT|no-totals
//! staff STATE ask|settle paid TEXT|settle not-paid TEXT|cancel [with-card]   (of a payment that is in STATE)   fail refused
//! STATE may be of the day before: yesterday[-STATE]
//! unreadable WHY   (instead of restart)     standing unheard|agreed|disputed SECONDS|accepted SECONDS
//! cannot-write WHY · can-write
//! set-aside PAYMENTS REQUESTS UNREAD|nothing   (of the damaged one)     set-aside over   (a command acknowledged it)
//! restart number 2026-11-22T10:00   (when the last number was given)
//! restart intent|sent|in-doubt|approved|declined|doubtful …   (records #1, #2 …)   restart counters 4 5 6
//! enquired STATE|nothing|cannot-tell   (what the journal says of the payment that was asked for)
//! ```

use super::facility::{facility, text};
use super::keeping::{self, Did, Lost};
use super::summary::{self, Names};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime};
use hospital_kiosk::domain::attempt::{
    AttemptId, Booking, CardTransaction, Decline, DeclineCause, LastTransaction, PaymentState,
};
use hospital_kiosk::domain::clock::Standing;
use hospital_kiosk::domain::enquiry::{self, Enquired, Known};
use hospital_kiosk::domain::language::Language;
use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::moment::{Moment, Tick};
use hospital_kiosk::domain::money::Amount;
use hospital_kiosk::domain::numbers::{Counters, Given};
use hospital_kiosk::domain::order::StaffOrder;
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, Request};
use hospital_kiosk::domain::paper::Receipt;
use hospital_kiosk::domain::patient::{
    Appointment, AppointmentState, BirthDate, InsuranceAnswer, Patient, PatientNumber, ScannedCode,
};
use hospital_kiosk::domain::payment::{Entry, PaymentRecord};
use hospital_kiosk::domain::person::{Insider, Role, StaffNumber};
use hospital_kiosk::domain::printer::{PrintEnd, PrintJob, PrinterReport, PrinterState};
use hospital_kiosk::domain::question::{Question, Reply};
use hospital_kiosk::domain::reason::ParkReason;
use hospital_kiosk::domain::screen::staff::StaffTap;
use hospital_kiosk::domain::screen::{InformationTab, Mode, Service, Tap};
use hospital_kiosk::domain::session::{Effect, Input, Session, StrayedUndo};
use hospital_kiosk::domain::set_aside::SetAside;
use hospital_kiosk::domain::staff::{Gate, Parked, QueueSight, StaffLists, StaffReply};
use hospital_kiosk::domain::terminal::{TerminalDay, TerminalTotals};
use hospital_kiosk::domain::terminal::{TerminalReport, UndoAnswer, UndoWay};
use hospital_kiosk::domain::undo::{UndoRecord, UndoState};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// Each script is a test of its own: `cargo test journeys::script::plays::undo`.
mod plays {
    macro_rules! scripts {
        ($($name:ident)*) => {
            $(#[test]
            fn $name() {
                super::holds(stringify!($name));
            })*

            #[test]
            fn every_script_is_a_test() {
                assert_eq!(super::names(), [$(stringify!($name)),*]);
            }
        };
    }

    scripts! {
        check_in check_in_offline check_in_refused check_in_see_desk closed closing confirm disk documents_at_desk
        documents_free documents_paid entry group idle in_doubt in_doubt_staff information late_booking not_paid
        number_not_kept paper receipt recovery scan set_aside staff staff_area staff_area_late
        staff_gone staff_persons stale terminal_gone terminal_manners three_answers told_again
        undo waits
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/journeys")
}

fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut names = files.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>();
    names.sort();
    names
}

fn holds(name: &str) {
    let file = folder().join(format!("{name}.txt"));
    let script = std::fs::read_to_string(&file).unwrap();
    let played = play(&script);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &played).unwrap();
    } else {
        assert!(played == script, "{}:\n{}", file.display(), difference(&script, &played));
    }
}

/// A damaged database, as its rows came over.
fn set_aside(words: &[&str]) -> Option<Box<SetAside>> {
    let count = |text: &str| text.parse().unwrap();
    let (payments, requests, unread, nothing) = match words {
        ["over"] => return None,
        ["nothing"] => (0, 0, 0, true),
        [payments, requests, unread] => (count(payments), count(requests), count(unread), false),
        other => panic!("no such damage: {other:?}"),
    };
    let (file, why) = ("kiosk.db.damaged-1".to_owned(), "its pages do not fit together".to_owned());
    let at = DateTime::parse_from_rfc3339("2026-11-20T07:00:00+09:00").unwrap();
    Some(Box::new(SetAside { file, at, why, payments, requests, unread, nothing }))
}

/// What is believed of the clock.
fn standing(words: &[&str]) -> Standing {
    let ahead_s = |text: &str| text.parse().unwrap();
    match words {
        ["unheard"] => Standing::Unheard,
        ["agreed"] => Standing::Agreed,
        ["disputed", seconds] => Standing::Disputed { ahead_s: ahead_s(seconds) },
        ["accepted", seconds] => Standing::Accepted { ahead_s: ahead_s(seconds) },
        other => panic!("no such standing: {other:?}"),
    }
}

fn difference(wanted: &str, got: &str) -> String {
    let (mut wanted_lines, mut got_lines) = (wanted.lines(), got.lines());
    let mut last_input = "";
    loop {
        let (want, have) = (wanted_lines.next(), got_lines.next());
        if want != have {
            return format!("  after `{last_input}`\n  wanted {want:?}\n  got    {have:?}");
        }
        match have {
            None => return String::new(),
            Some(line) if !line.starts_with('>') => last_input = line,
            Some(_) => {}
        }
    }
}

/// The script with its `> ` lines as they come out.
fn play(script: &str) -> String {
    let mut stage = Stage::new();
    let mut out = String::new();
    for line in script.lines().filter(|line| !line.starts_with('>')) {
        writeln!(out, "{line}").unwrap();
        let action = line.split("  # ").next().unwrap().trim();
        if action.is_empty() || action.starts_with("# ") {
            continue;
        }
        let mut last = String::new();
        for done in stage.act(action) {
            let texts = done.iter().map(|did| summary::did(did, &mut stage.names)).collect::<Vec<_>>();
            for text in news(texts, &last) {
                writeln!(out, "> {text}").unwrap();
                last = text;
            }
        }
    }
    out
}

/// Every effect, also one that is the same as the one before. Only a second that counts down and nothing else, which is
/// drawn but says nothing new, is left out.
fn news(texts: Vec<String>, last: &str) -> Vec<String> {
    if texts == [last] && last.starts_with("show ") { Vec::new() } else { texts }
}

#[test]
fn a_doubled_effect_shows() {
    let said = |texts: &[&str], last: &str| news(texts.iter().map(|text| (*text).to_owned()).collect(), last);
    assert_eq!(said(&["print receipt", "print receipt"], "show x"), ["print receipt", "print receipt"]);
    assert_eq!(said(&["print receipt"], "print receipt"), ["print receipt"]);
    assert_eq!(said(&["show x", "show x"], "show x"), ["show x", "show x"]);
    assert!(said(&["show x"], "show x").is_empty());
}

/// A session is pure: what it came to once it comes to again.
struct Past {
    input: Input,
    at: Moment,
    /// What became of its batches; every later one was kept.
    lost: Vec<Option<Lost>>,
    batches: usize,
    /// Lines of its batches up to the last that was lost.
    lines: usize,
}

struct Stage {
    session: Session,
    past: Vec<Past>,
    /// What the last input came to.
    done: Vec<Did>,
    tick: Tick,
    wall: DateTime<FixedOffset>,
    inputs: u128,
    names: Names,
    asked: Option<(PatientNumber, BirthDate)>,
    amount: Amount,
    /// The staff area's last visit and last order.
    visit: Uuid,
    ordered: Option<(Uuid, StaffOrder)>,
    /// The booking of the payment committed last.
    booked: Option<CardTransaction>,
    /// What the terminal told last as an answer to a payment.
    /// Not answered yet, the oldest first.
    questions: VecDeque<Uuid>,
    papers: VecDeque<PrintJob>,
    told: Option<CardTransaction>,
}

impl Stage {
    fn new() -> Self {
        let wall = DateTime::parse_from_rfc3339("2026-11-20T09:00:00+09:00").unwrap();
        Self {
            session: Session::new(Arc::new(facility())),
            past: Vec::new(),
            done: Vec::new(),
            tick: Tick(1_000),
            wall,
            inputs: 0,
            names: Names::default(),
            asked: None,
            questions: VecDeque::new(),
            papers: VecDeque::new(),
            amount: Amount::ZERO,
            visit: Uuid::nil(),
            ordered: None,
            booked: None,
            told: None,
        }
    }

    fn input(&mut self, input: Input) -> Vec<Did> {
        self.inputs += 1;
        let at = Moment { tick: self.tick, wall: self.wall, fresh: Uuid::from_u128(self.inputs) };
        self.past.push(Past { input, at, lost: Vec::new(), batches: 0, lines: 0 });
        let done = self.replay(self.past.len() - 1);
        self.note(&done);
        done
    }

    fn replay(&mut self, place: usize) -> Vec<Did> {
        let past = &mut self.past[place];
        (past.batches, past.lines) = (0, 0);
        keeping::play(&mut self.session, past.input.clone(), past.at, |lines| {
            past.batches += 1;
            let lost = past.lost.get(past.batches - 1).copied().flatten();
            if past.batches <= past.lost.len() {
                past.lines += lines.len();
            }
            lost.map_or(Ok(()), Err)
        })
    }

    /// The last batch of the last input was lost instead: the same from the start once more, up to there. What follows from that.
    fn fail(&mut self, lost: Lost) -> Vec<Did> {
        self.forget_last();
        let newest = self.past.last_mut().expect("an input before");
        let failed = newest.batches.checked_sub(1).expect("something that must be durable");
        newest.lost.resize(failed, None);
        newest.lost.push(Some(lost));
        self.session = Session::new(Arc::new(facility()));
        let mut done = Vec::new();
        for place in 0..self.past.len() {
            done = self.replay(place);
        }
        let done = done.split_off(self.past.last().map_or(0, |last| last.lines));
        self.note(&done);
        done
    }

    /// Of what was not done after all, nothing is answered.
    fn forget_last(&mut self) {
        for did in std::mem::take(&mut self.done) {
            match did {
                Did::Do(Effect::Ask { id, .. }) => self.questions.retain(|known| *known != id),
                Did::Do(Effect::Print { job, .. }) => self.papers.retain(|known| *known != job),
                Did::Do(_) | Did::Keep(_) => {}
            }
        }
    }

    fn note(&mut self, done: &[Did]) {
        self.done = done.to_vec();
        for did in done {
            if let Did::Keep(Line::Entry(Entry::Committed { transaction, .. })) = did {
                self.booked = Some((**transaction).clone());
            }
            summary::did(did, &mut self.names);
            let Did::Do(effect) = did else { continue };
            if let Effect::Ask { id, .. } = effect {
                self.questions.push_back(*id);
            }
            if let Effect::Print { job, .. } = effect {
                self.papers.push_back(*job);
            }
            if let Effect::Ask { question: Question::FindPatient { number, birth_date, .. }, .. } = effect {
                self.asked = Some((number.clone(), *birth_date));
            }
            if let Effect::Terminal(hospital_kiosk::domain::terminal::TerminalCommand::Charge { amount, .. }) = effect {
                self.amount = *amount;
            }
            if let Effect::StaffArea { visit, .. } | Effect::FindPayment { visit, .. } = effect {
                self.visit = *visit;
            }
            if let Effect::Staff { order_id, order, .. } = effect {
                self.ordered = Some((*order_id, order.clone()));
            }
        }
    }

    /// Of the oldest paper that nothing was told of yet, or of the newest.
    fn printer(&mut self, words: &[&str]) -> PrinterReport {
        let (job, end) = match words {
            ["state", state] => return PrinterReport::State(printer_state(state)),
            ["newest", end] => (self.papers.pop_back(), end),
            [end] => (self.papers.pop_front(), end),
            other => panic!("no such printer report: {other:?}"),
        };
        // The simulated one has said so before, or says it of nothing.
        PrinterReport::Job { job: job.unwrap_or(PrintJob(0)), end: print_end(end) }
    }

    /// The effects of each input that the action comes to.
    fn act(&mut self, action: &str) -> Vec<Vec<Did>> {
        let words: Vec<&str> = action.split_whitespace().collect();
        match words.as_slice() {
            ["wait", time] => self.wait(time),
            ["digits", digits] => self.digits(digits),
            words => vec![self.one(words)],
        }
    }

    /// Of the digits before the last one, nothing but the screen may change.
    fn digits(&mut self, digits: &str) -> Vec<Vec<Did>> {
        let mut all: Vec<Vec<Did>> =
            digits.bytes().map(|digit| self.input(Input::Tapped(Tap::Digit(digit - b'0')))).collect();
        let last = all.pop().into_iter().collect();
        assert!(all.iter().flatten().all(|did| matches!(did, Did::Do(Effect::Show(_)))), "{all:?}");
        last
    }

    fn one(&mut self, words: &[&str]) -> Vec<Did> {
        match words {
            ["tap", rest @ ..] => self.input(Input::Tapped(tap(rest))),
            ["scan", rest @ ..] => self.input(Input::Scanned(code(rest))),
            ["reply", "online"] => self.input(Input::HospitalOnline(true)),
            ["reply", "away"] => self.input(Input::HospitalOnline(false)),
            ["reply", rest @ ..] => {
                let reply = self.reply(rest);
                // The oldest question is answered first.
                let id = self.questions.pop_front().unwrap_or_default();
                self.input(Input::Hospital { id, reply })
            }
            ["terminal", rest @ ..] => {
                let report = self.terminal(rest);
                if let TerminalReport::Answered { transaction, .. } = &report {
                    self.told = Some((**transaction).clone());
                }
                self.input(Input::Terminal(report))
            }
            ["printer", rest @ ..] => {
                let report = self.printer(rest);
                self.input(Input::Printer(report))
            }
            ["fail"] => self.fail(Lost::Disk),
            ["fail", "refused"] => self.fail(Lost::Refused),
            ["staff", "close-day"] => self.input(Input::CloseDay { order_id: Uuid::from_u128(2) }),
            ["staff", state, order @ ..] => self.staff(state, order),
            ["clock", at] => {
                self.wall = DateTime::parse_from_rfc3339(&format!("{at}:00+09:00")).unwrap();
                Vec::new()
            }
            ["unreadable", why @ ..] => self.input(Input::Unreadable { reason: why.join(" ") }),
            ["cannot-write", why @ ..] => self.input(Input::CannotWrite(Some(why.join(" ")))),
            ["can-write"] => self.input(Input::CannotWrite(None)),
            ["set-aside", rest @ ..] => self.input(Input::SetAside(set_aside(rest))),
            ["standing", rest @ ..] => self.input(Input::Clock(standing(rest))),
            ["area", rest @ ..] => self.area(rest),
            ["enquired", what] => self.enquired(what),
            ["restart", rest @ ..] => self.restart(rest),
            other => panic!("no such action: {other:?}"),
        }
    }

    /// Wakes the session exactly when it asked for it.
    fn wait(&mut self, time: &str) -> Vec<Vec<Did>> {
        let ms: u64 = time.trim_end_matches('s').parse::<u64>().unwrap() * 1000;
        let end = self.tick.plus_ms(ms);
        let mut effects = Vec::new();
        while let Some(due) = self.session.deadline().filter(|due| *due <= end) {
            assert!(due > self.tick, "a deadline must lie ahead");
            self.pass(due);
            effects.push(self.input(Input::Deadline));
        }
        self.pass(end);
        effects
    }

    fn pass(&mut self, to: Tick) {
        self.wall += chrono::Duration::milliseconds(i64::try_from(to.ms_since(self.tick)).unwrap());
        self.tick = to;
    }

    fn reply(&self, words: &[&str]) -> Reply {
        match words {
            ["found", options @ ..] => Reply::Found(Box::new(self.patient(options))),
            ["not-found"] => Reply::NotFound,
            ["ambiguous"] => Reply::Ambiguous,
            ["unreadable"] => Reply::Unreadable,
            ["obscured"] => Reply::Obscured,
            ["unreachable"] => Reply::Unreachable,
            ["appointments", "offline", list @ ..] => {
                Reply::Appointments { offline: true, list: self.appointments(list), complete: true }
            }
            ["appointments", "partly", list @ ..] => {
                Reply::Appointments { offline: false, list: self.appointments(list), complete: false }
            }
            ["appointments", list @ ..] => {
                Reply::Appointments { offline: false, list: self.appointments(list), complete: true }
            }
            ["slip", list @ ..] => Reply::Slip {
                patient: Box::new(self.patient(&[])),
                appointment: Box::new(self.appointments(list).remove(0)),
            },
            ["quoted", code, pages] => Reply::Quoted { code: (*code).to_owned(), pages: pages.parse().unwrap() },
            ["not-quoted", code] => Reply::NotQuoted { code: (*code).to_owned() },
            other => panic!("no such reply: {other:?}"),
        }
    }

    fn patient(&self, options: &[&str]) -> Patient {
        let day = |word: &str| {
            options.iter().position(|option| *option == word).map(|at| options[at + 1].parse::<NaiveDate>().unwrap())
        };
        let nobody = (PatientNumber("10293847".to_owned()), BirthDate(NaiveDate::from_ymd_opt(1958, 4, 12).unwrap()));
        let (number, birth_date) = self.asked.clone().unwrap_or(nobody);
        Patient {
            number,
            birth_date: day("born").map_or(birth_date, BirthDate),
            masked_name: "J••• S•••".to_owned(),
            server_ref: Some(if options.contains(&"other") { "Patient/2" } else { "Patient/1" }.to_owned()),
            offline: options.contains(&"offline"),
            identity_verified_on: day("seen"),
        }
    }

    /// `10:00 booked 11:00 cancelled`; the reference is the time.
    fn appointments(&self, words: &[&str]) -> Vec<Appointment> {
        words.chunks(2).map(|pair| self.appointment(pair[0], pair[1])).collect()
    }

    fn appointment(&self, time: &str, state: &str) -> Appointment {
        let time = NaiveTime::parse_from_str(time, "%H:%M").unwrap();
        let starts_at = self.wall.date_naive().and_time(time).and_local_timezone(*self.wall.offset()).unwrap();
        Appointment {
            server_ref: format!("Appointment/{}", time.format("%H%M")),
            slip: None,
            version: "1".to_owned(),
            starts_at: if state == "tomorrow" { starts_at + chrono::Duration::days(1) } else { starts_at },
            clinic: text("Eye clinic"),
            place: text("Floor 2"),
            state: match state {
                "booked" | "emergency" | "other-site" | "tomorrow" => AppointmentState::Booked,
                "arrived" => AppointmentState::Arrived { at_minute: Some(552) },
                "cancelled" => AppointmentState::Cancelled,
                "other" => AppointmentState::Other,
                other => panic!("no such appointment: {other}"),
            },
            referral_or_emergency: state == "emergency",
            other_site: state == "other-site",
        }
    }

    fn terminal(&self, words: &[&str]) -> TerminalReport {
        let named = words
            .last()
            .and_then(|word| word.strip_prefix('#'))
            .map(|number| self.names.nth(number.parse().unwrap()).unwrap());
        let words = if named.is_some() { &words[..words.len() - 1] } else { words };
        let attempt = named.or(self.names.last()).unwrap_or(AttemptId(Uuid::nil()));
        match words {
            ["online"] => TerminalReport::Online(true),
            ["away"] => TerminalReport::Online(false),
            ["prepared"] => TerminalReport::Prepared { baseline: baseline() },
            ["prepared-booked"] => {
                let booked = LastTransaction::Known(Box::new(of(attempt, approved(self.amount, self.wall))));
                TerminalReport::Prepared { baseline: booked }
            }
            ["prepared-empty"] => TerminalReport::Prepared { baseline: LastTransaction::Empty },
            ["old-card"] => TerminalReport::CardStillIn,
            ["not-ready"] => TerminalReport::NotReady { reason: "busy".to_owned() },
            ["card-seen"] => TerminalReport::CardSeen,
            ["card-removed"] => TerminalReport::CardRemoved,
            ["approved"] => answered(attempt, approved(self.amount, self.wall)),
            ["approved", "other"] => TerminalReport::Answered {
                attempt,
                raw: vec![2, 3],
                transaction: Box::new(self.booked.clone().unwrap()),
                booking: Booking::Final,
            },
            ["approved-unconfirmed", "other"] => TerminalReport::Answered {
                attempt,
                raw: vec![4, 15],
                transaction: Box::new(self.booked.clone().unwrap()),
                booking: Booking::Unconfirmed,
            },
            ["approved", amount] => answered(attempt, approved(Amount(amount.parse().unwrap()), self.wall)),
            ["approved-unconfirmed"] => unconfirmed(attempt, approved(self.amount, self.wall)),
            // By the terminal's own clock five minutes ago.
            ["approved-unconfirmed", "older"] => {
                unconfirmed(attempt, approved(self.amount, self.wall - chrono::Duration::minutes(5)))
            }
            // What was told last, whatever it answered, with this amount.
            ["approved-unconfirmed", "again"] => TerminalReport::Answered {
                attempt,
                raw: vec![4, 15],
                transaction: Box::new(CardTransaction { amount: self.amount, ..self.told.clone().unwrap() }),
                booking: Booking::Unconfirmed,
            },
            ["approved-unconfirmed", amount] => {
                unconfirmed(attempt, approved(Amount(amount.parse().unwrap()), self.wall))
            }
            ["confirmed"] => TerminalReport::Confirmed { attempt },
            ["withdrawn"] => TerminalReport::Withdrawn { attempt, reason: "given back".to_owned() },
            ["undone", how @ ..] => TerminalReport::Undone { undo: attempt, raw: vec![2, 3], answer: undo_answer(how) },
            ["declined"] => answered(attempt, declined(self.amount, "51")),
            ["declined", code] => answered(attempt, declined(self.amount, code)),
            ["no-answer"] => TerminalReport::NoAnswer { attempt, reason: "NAK".to_owned() },
            ["totals", amount] => TerminalReport::Totals(TerminalTotals {
                count: None,
                amount: Amount(amount.parse().unwrap()),
                of_cards: None,
                receipts: None,
            }),
            ["no-totals"] => TerminalReport::NoTotals { day: TerminalDay::NotKept, reason: "it keeps none".to_owned() },
            ["never-sent"] => TerminalReport::NeverSent { attempt, reason: "no line".to_owned() },
            ["outcome", what, options @ ..] => self.outcome(attempt, what, options),
            other => panic!("no such report: {other:?}"),
        }
    }

    fn outcome(&self, attempt: AttemptId, what: &str, options: &[&str]) -> TerminalReport {
        let known = |transaction| LastTransaction::Known(Box::new(transaction));
        let paid = known(of(attempt, approved(self.amount, self.wall)));
        let (first, second) = match what {
            "same" => (baseline(), baseline()),
            "paid" => (paid.clone(), paid),
            "other" => (known(self.booked.clone().unwrap()), known(self.booked.clone().unwrap())),
            "other-amount" => (known(approved(Amount(1), self.wall)), known(approved(Amount(1), self.wall))),
            "old-time" => {
                let old = known(approved(self.amount, self.wall - chrono::Duration::hours(2)));
                (old.clone(), old)
            }
            "empty" => (LastTransaction::Empty, LastTransaction::Empty),
            "unknown" => (LastTransaction::Unknown, LastTransaction::Unknown),
            "differ" => (baseline(), paid),
            other => panic!("no such outcome: {other}"),
        };
        let (host_reachable, maybe_restarted) = (!options.contains(&"no-host"), options.contains(&"restarted"));
        TerminalReport::Outcome { attempt, first, second, host_reachable, maybe_restarted }
    }

    fn enquired(&mut self, what: &str) -> Vec<Did> {
        let answer = match what {
            "nothing" => Enquired::Nothing,
            "cannot-tell" => Enquired::CannotTell,
            state => {
                let known = Known { first: "0001".to_owned(), second: None };
                Enquired::of(enquiry::find(&[self.record(state, 0)], &known, self.wall))
            }
        };
        self.input(Input::Enquired { visit: self.visit, answer })
    }

    fn area(&mut self, words: &[&str]) -> Vec<Did> {
        let reply = match words {
            ["gate", "no-pin"] => StaffReply::Gate(Gate::NoPin),
            ["gate", "closed"] => StaffReply::Gate(Gate::Closed),
            ["gate", "open"] => StaffReply::Gate(Gate::Open(insider(Role::Technician))),
            ["gate", "attendant"] => StaffReply::Gate(Gate::Open(insider(Role::Attendant))),
            ["gate", "number"] => StaffReply::Gate(Gate::Number { after_wrong: false }),
            ["gate", "number", "after-wrong"] => StaffReply::Gate(Gate::Number { after_wrong: true }),
            ["gate", "refused"] => StaffReply::Gate(Gate::Refused),
            ["gate", "wait", seconds] => StaffReply::Gate(Gate::Wait { seconds: seconds.parse().unwrap() }),
            ["gate", "unknown"] => StaffReply::Gate(Gate::Unknown),
            ["gate", "wrong", left] => StaffReply::Gate(Gate::Wrong { tries_left: left.parse().unwrap() }),
            ["gate", "locked"] => StaffReply::Gate(Gate::Locked { until: self.wall }),
            ["no-lists"] => StaffReply::NoLists,
            ["retried"] => StaffReply::Retried(true),
            ["closed"] => StaffReply::Closed(true),
            ["not-closed"] => StaffReply::Closed(false),
            ["lists", states @ .., "parked", parked] => self.lists(states, parked.parse().unwrap()),
            ["lists", states @ ..] => self.lists(states, 0),
            ["obey", state] => {
                let (order_id, order) = self.ordered.clone().expect("an order");
                let payment = Some(Box::new(self.record(state, 0)));
                return self.input(Input::Staff { order_id, order, payment });
            }
            other => panic!("no such staff reply: {other:?}"),
        };
        self.input(Input::StaffArea { visit: self.visit, reply })
    }

    fn lists(&self, states: &[&str], parked: u32) -> StaffReply {
        let payments = states.iter().enumerate().map(|(place, state)| self.record(state, place)).collect();
        let row = |number: u32| Parked {
            id: Uuid::from_u128(70 + u128::from(number)),
            kind: "documents".to_owned(),
            queued_at: self.wall,
            reason: Some(ParkReason::Status { status: 422, issues: String::new() }),
            in_part: None,
            note: "the server refuses the request (422)".to_owned(),
        };
        let queue = QueueSight {
            waiting: 3,
            oldest: Some(self.wall - chrono::Duration::minutes(90)),
            last_delivered: None,
            held_until: None,
            parked,
            parked_rows: (0..parked).map(row).collect(),
            noted_rows: Vec::new(),
        };
        StaffReply::Lists(Box::new(StaffLists {
            payments,
            paid: vec![self.record("committed", 9), self.record("yesterday-settled", 8)],
            queue,
        }))
    }

    /// A new session, as after a power cut.
    fn restart(&mut self, words: &[&str]) -> Vec<Did> {
        self.session = Session::new(Arc::new(facility()));
        self.papers.clear();
        self.past.clear();
        self.amount = Amount(5100);
        let mut given = Given::default();
        let mut open = Vec::new();
        let mut began = Vec::new();
        let mut strayed = Vec::new();
        match words {
            // An undo in doubt, so many days ago.
            ["strayed", days] => {
                let at = self.wall - chrono::Duration::days(days.parse().unwrap());
                let (undo, of) = (AttemptId(Uuid::from_u128(990)), AttemptId(Uuid::from_u128(991)));
                strayed.push(StrayedUndo { undo, of, sold_at: at, sent_at: at, stands: false });
            }
            // Payments that the journal knows, in order.
            ["began", places @ ..] => began.extend(places.iter().map(|place| {
                let record = self.record("not-paid", place.parse().unwrap());
                (record.attempt, record.baseline)
            })),
            ["counters", tickets, claims, attempts] => {
                let number = |word: &str| word.parse().unwrap();
                given.days.push(Counters {
                    day: self.wall.date_naive(),
                    tickets: number(tickets),
                    claims: number(claims),
                    attempts: number(attempts),
                });
            }
            ["number", at] => given.last_at = Some(DateTime::parse_from_rfc3339(&format!("{at}:00+09:00")).unwrap()),
            states => open.extend(states.iter().enumerate().map(|(place, state)| self.record(state, place))),
        }
        self.input(Input::Restarted { open, booked: Vec::new(), began, strayed, given, tries: None })
    }

    /// An order about the payment `#900`, which stands in `state`.
    fn staff(&mut self, state: &str, order: &[&str]) -> Vec<Did> {
        let order = match order {
            ["ask"] => StaffOrder::Ask,
            ["settle", "paid", text @ ..] => StaffOrder::Settle { paid: true, evidence: text.join(" ") },
            ["settle", "not-paid", text @ ..] => StaffOrder::Settle { paid: false, evidence: text.join(" ") },
            ["cancel"] => StaffOrder::Cancel { way: UndoWay::WithoutCard },
            ["cancel", "with-card"] => StaffOrder::Cancel { way: UndoWay::WithCard },
            other => panic!("no such order: {other:?}"),
        };
        if self.amount.is_zero() {
            self.amount = Amount(5100);
        }
        let payment = (state != "unknown").then(|| Box::new(self.record(state, 0)));
        self.input(Input::Staff { order_id: Uuid::from_u128(1), order, payment })
    }

    /// `yesterday` is `yesterday-committed`; an undo of that day's is with the card.
    fn record(&self, state: &str, place: usize) -> PaymentRecord {
        let of_yesterday = state.strip_prefix("yesterday");
        let (state, way) = match of_yesterday.map(|state| state.trim_start_matches('-')) {
            Some("") => ("committed", UndoWay::WithCard),
            Some(state) => (state, UndoWay::WithCard),
            None => (state, UndoWay::WithoutCard),
        };
        let started_at = self.wall - chrono::Duration::days(of_yesterday.map_or(0, |_| 1));
        let undo = state.strip_prefix("undo-").map(|undo| self.undo(undo, way, started_at));
        let answer = match state {
            "committed" | "settled" | "day-closed" | "approved" | "unconfirmed" | "found" => {
                Some(approved(Amount(5100), started_at))
            }
            _ if undo.is_some() => Some(approved(Amount(5100), started_at)),
            "declined" => Some(declined(Amount(5100), "51")),
            "doubtful" => Some(declined(Amount(5100), "0C")),
            _other => None,
        };
        PaymentRecord {
            attempt: AttemptId(Uuid::from_u128(900 + place as u128)),
            number: format!("K3-{:04}", place + 1),
            state: match state {
                "intent" => PaymentState::Intent,
                "sent" => PaymentState::Sent,
                "in-doubt" => PaymentState::InDoubt,
                "needs-staff" | "found" => PaymentState::NeedsStaff,
                "committed" | "day-closed" => PaymentState::Committed,
                "settled" => PaymentState::Settled,
                "reversed" => PaymentState::Reversed,
                "not-paid" => PaymentState::NotPaid,
                _ if undo.is_some() => PaymentState::Committed,
                _answered => PaymentState::Answered,
            },
            amount: Amount(5100),
            request: request(),
            receipt: receipt(),
            baseline: baseline(),
            transaction: answer,
            reason: None,
            staff_reason: None,
            evidence: None,
            started_at,
            receipt_printed: false,
            booking: if state == "unconfirmed" { Booking::Unconfirmed } else { Booking::Final },
            undo,
            day_closed: state == "day-closed",
        }
    }

    fn undo(&self, state: &str, way: UndoWay, sold_at: DateTime<FixedOffset>) -> UndoRecord {
        UndoRecord {
            undo: AttemptId(Uuid::from_u128(990)),
            way,
            state: match state {
                "intent" => UndoState::Intent,
                "sent" => UndoState::Sent,
                "answered" => UndoState::Answered,
                "in-doubt" => UndoState::InDoubt,
                "needs-staff" => UndoState::NeedsStaff,
                other => panic!("no such undo: {other}"),
            },
            amount: Amount(5100),
            transaction: approved(Amount(5100), sold_at),
            answer: (state == "answered").then_some(UndoAnswer::Reversed),
            reason: None,
            started_at: self.wall,
        }
    }
}

pub fn request() -> Request {
    Request {
        id: Uuid::from_u128(7),
        visit: Uuid::from_u128(8),
        made_at: DateTime::UNIX_EPOCH.fixed_offset(),
        language: Language::En,
        patient: PatientNumber("10293847".to_owned()),
        patient_ref: None,
        act: Act::Documents {
            claim: "K3-1120-009-1".to_owned(),
            lines: Vec::new(),
            total: Amount(5100),
            currency: "KRW".to_owned(),
            consent_version: "1".to_owned(),
            payment: PaymentOfRequest::Unpaid,
        },
    }
}

pub fn receipt() -> Receipt {
    let at = DateTime::UNIX_EPOCH.fixed_offset();
    Receipt {
        language: Language::En,
        at,
        claim: "K3-1120-009-1".to_owned(),
        lines: Vec::new(),
        total: Amount(5100),
        card: None,
        pay_at: None,
        collect_at: text("records desk"),
        ready_at: at,
        collect_until: None,
        bring: text("photo ID"),
        duplicate: false,
    }
}

pub fn approved(amount: Amount, at: DateTime<FixedOffset>) -> CardTransaction {
    CardTransaction {
        approved: true,
        amount,
        approval_number: "30012345".to_owned(),
        masked_card: "1234-56**-****-7890".to_owned(),
        issuer: "Card".to_owned(),
        acquirer: "Acquirer".to_owned(),
        terminal_time: at.format("%Y%m%d%H%M%S").to_string(),
        unique_number: "U1".to_owned(),
        merchant_number: "M1".to_owned(),
        decline: None,
    }
}

pub fn declined(amount: Amount, code: &str) -> CardTransaction {
    let at = DateTime::UNIX_EPOCH.fixed_offset();
    let cause = match code {
        "51" => DeclineCause::CardCompany,
        "6B" => DeclineCause::Balance,
        "64" => DeclineCause::Card,
        "6C" => DeclineCause::NoCard,
        "9C" => DeclineCause::Busy,
        "DF" => DeclineCause::Terminal,
        _ => DeclineCause::Untold,
    };
    let decline = Decline { code: code.to_owned(), message: "refused".to_owned(), cause };
    CardTransaction { approved: false, decline: Some(decline), ..approved(amount, at) }
}

pub fn baseline() -> LastTransaction {
    let yesterday = DateTime::parse_from_rfc3339("2026-11-19T15:00:00+09:00").unwrap();
    LastTransaction::Known(Box::new(approved(Amount(777), yesterday)))
}

/// No two attempts are booked under the same number.
pub fn of(attempt: AttemptId, transaction: CardTransaction) -> CardTransaction {
    CardTransaction { unique_number: attempt.0.simple().to_string(), ..transaction }
}

fn answered(attempt: AttemptId, transaction: CardTransaction) -> TerminalReport {
    let transaction = Box::new(of(attempt, transaction));
    TerminalReport::Answered { attempt, raw: vec![2, 3], transaction, booking: Booking::Final }
}

fn unconfirmed(attempt: AttemptId, transaction: CardTransaction) -> TerminalReport {
    let transaction = Box::new(of(attempt, transaction));
    TerminalReport::Answered { attempt, raw: vec![4, 15], transaction, booking: Booking::Unconfirmed }
}

fn undo_answer(words: &[&str]) -> UndoAnswer {
    match words {
        ["reversed"] => UndoAnswer::Reversed,
        ["already"] => UndoAnswer::AlreadyReversed,
        ["withdrawn"] => UndoAnswer::Withdrawn { reason: "another card".to_owned() },
        ["unlike"] => UndoAnswer::Unlike { reason: "the terminal gave back another amount, 3000".to_owned() },
        ["refused", code] => UndoAnswer::Refused { code: (*code).to_owned(), message: "no".to_owned() },
        other => panic!("no such answer: {other:?}"),
    }
}

fn code(words: &[&str]) -> ScannedCode {
    match words {
        ["card", number] => ScannedCode::PatientCard(PatientNumber((*number).to_owned())),
        ["slip", slip] => ScannedCode::AppointmentSlip((*slip).to_owned()),
        _unknown => ScannedCode::Unknown,
    }
}

fn printer_state(word: &str) -> PrinterState {
    match word {
        "out" => PrinterState::PaperOut,
        "away" => PrinterState::Offline,
        "ok" => PrinterState::Online,
        other => panic!("no such printer state: {other:?}"),
    }
}

fn print_end(word: &str) -> PrintEnd {
    match word {
        "printed" => PrintEnd::Printed,
        "held" => PrintEnd::Held { reason: PrinterState::PaperOut },
        "failed" => PrintEnd::Failed { reason: "gone".to_owned() },
        other => panic!("no such end of a paper: {other:?}"),
    }
}

fn tap(words: &[&str]) -> Tap {
    let plain = [
        ("Start", Tap::Start),
        ("StartOver", Tap::StartOver),
        ("ChooseLanguage", Tap::ChooseLanguage),
        ("EasyAccess", Tap::EasyAccess),
        ("Notice", Tap::Notice),
        ("Help", Tap::Help),
        ("Erase", Tap::Erase),
        ("ClearAll", Tap::ClearAll),
        ("PageUp", Tap::PageUp),
        ("PageDown", Tap::PageDown),
        ("More", Tap::More),
        ("Fewer", Tap::Fewer),
        ("ForMe", Tap::ForMe),
        ("ForSomebodyElse", Tap::ForSomebodyElse),
        ("Back", Tap::Back),
        ("Next", Tap::Next),
        ("Agree", Tap::Agree),
        ("Disagree", Tap::Disagree),
        ("CancelPayment", Tap::CancelPayment),
        ("TryAgain", Tap::TryAgain),
        ("PrintAgain", Tap::PrintAgain),
        ("Finish", Tap::Finish),
        ("StillHere", Tap::StillHere),
    ];
    match words {
        ["Language", code] => Tap::Language(Language::from_code(code).unwrap()),
        ["DocumentLanguage", code] => Tap::DocumentLanguage(Language::from_code(code).unwrap()),
        ["Staff", what] => Tap::Staff(
            StaffTap::ALL
                .into_iter()
                .find(|tap| format!("{tap:?}") == *what)
                .unwrap_or_else(|| panic!("no tap {what}")),
        ),
        ["Row", row] => Tap::Row(row.parse().unwrap()),
        ["Service", "CheckIn"] => Tap::Service(Service::CheckIn),
        ["Service", "Documents"] => Tap::Service(Service::Documents),
        ["Service", "Reprint"] => Tap::Service(Service::Reprint),
        ["Service", "Information"] => Tap::Service(Service::Information),
        ["Insurance", "Yes"] => Tap::Insurance(InsuranceAnswer::Yes),
        ["Insurance", "No"] => Tap::Insurance(InsuranceAnswer::No),
        ["Insurance", "NotSure"] => Tap::Insurance(InsuranceAnswer::NotSure),
        ["Information", "Hours"] => Tap::Information(InformationTab::Hours),
        ["Information", "Desks"] => Tap::Information(InformationTab::Desks),
        ["Information", "Rights"] => Tap::Information(InformationTab::Rights),
        ["Mode", "Large"] => Tap::Mode(Mode::Large),
        ["Mode", "Slow"] => Tap::Mode(Mode::Slow),
        [name] => plain.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no such tap: {name}")).1,
        other => panic!("no such tap: {other:?}"),
    }
}

/// Whoever the door opens for.
pub fn insider(role: Role) -> Insider {
    Insider { number: StaffNumber::read("48213").unwrap(), role }
}
