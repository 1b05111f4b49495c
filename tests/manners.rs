//! What the simulated terminals say in ways of their own, word for word: `data/zvt/manners.txt` and
//! `data/smartro-manners.txt`.

use crate::zvt_vectors::bytes;
use encoding_rs::EUC_KR;
use hospital_kiosk::rehearsal::terminal::model;
use hospital_kiosk::rehearsal::terminal::model::manners as smartro;
use hospital_kiosk::rehearsal::terminal::zvt;
use hospital_kiosk::rehearsal::terminal::zvt::manners::{
    AtOnce, CompletesAbort, Naming, NoApproval, NoStatus, Padding, Part, Prints, Refusal, StatusResult, Turnover,
    Untold, Waits,
};
use hospital_kiosk::rehearsal::terminal::{CardAction, Out};
use hospital_kiosk::terminal::smartro::packet::Frame;
use hospital_kiosk::terminal::zvt::frame::{unwrap, wrap};
use std::collections::{BTreeMap, VecDeque};

const ACK: u8 = 0x06;
const AFTER_ABORT_MS: u64 = 500;
const ID: [u8; 16] = *b"KIOSK1114915545\0";
const STAMP: [u8; 14] = *b"20261125100000";

type Talks = BTreeMap<String, Vec<String>>;

fn talks(file: &str) -> Talks {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut talks = Talks::new();
    let mut name = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("= ") {
            Some(new) => {
                new.clone_into(&mut name);
                assert!(talks.insert(name.clone(), Vec::new()).is_none(), "{name} stands there twice");
            }
            None => talks.get_mut(&name).expect("a talk has a name").push(line.to_owned()),
        }
    }
    talks
}

/// Every line of a talk, those that it uses included.
fn lines<'a>(talks: &'a Talks, name: &str) -> Vec<&'a str> {
    let talk = talks.get(name).unwrap_or_else(|| panic!("there is no talk \"{name}\""));
    talk.iter()
        .flat_map(|line| match line.strip_prefix("use ") {
            Some(other) => lines(talks, other),
            None => vec![line.as_str()],
        })
        .collect()
}

fn word(line: &str) -> (&str, &str) {
    line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()))
}

fn card(word: &str) -> CardAction {
    match word {
        "" => CardAction::Approve,
        "decline" => CardAction::Decline,
        other => panic!("no such card: {other}"),
    }
}

fn pieces(outs: Vec<Out>) -> impl Iterator<Item = Vec<u8>> {
    outs.into_iter().filter_map(|out| match out {
        Out::Send(bytes) | Out::SendSlowly(bytes) => Some(bytes),
        Out::LineDown | Out::LineUp => None,
    })
}

#[test]
fn a_zvt_terminal_has_its_own_ways_word_for_word() {
    play("zvt/manners.txt", |lines| {
        let mut stage = Zvt { model: zvt::Model::new(0), ms: 0, said: VecDeque::new(), last: Vec::new() };
        lines.iter().try_for_each(|line| stage.line(line).map_err(|why| format!("{line}: {why}")))
    });
}

fn play(file: &str, mut one: impl FnMut(&[&str]) -> Result<(), String>) {
    let talks = talks(file);
    let wrong = |name: &String| one(&lines(&talks, name)).err().map(|why| format!("{name}: {why}"));
    let failed: Vec<String> = talks.keys().filter_map(wrong).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

struct Zvt {
    model: zvt::Model,
    ms: u64,
    /// Whole pieces of the terminal that nobody has looked at.
    said: VecDeque<Vec<u8>>,
    last: Vec<u8>,
}

impl Zvt {
    fn turn(&mut self) {
        let outs = self.model.tick(self.ms);
        self.said.extend(pieces(outs));
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (order, rest) = word(line);
        match order {
            "is" => self.becomes(rest),
            "card" => self.model.card(card(rest)),
            "wait" => self.wait(rest.parse().map_err(|_| "no number")?),
            "kiosk" | "kiosk!" => {
                self.model.bytes(&wrap(&bytes(rest)), self.ms);
                self.turn();
                let heard = self.said.front().is_some_and(|said| *said == [ACK]);
                if heard {
                    self.said.pop_front();
                }
                if heard != (order == "kiosk") {
                    return Err(format!("it heard: {heard}"));
                }
            }
            "term" => return self.says(rest),
            "has" => return self.last_has(rest, true),
            "lacks" => return self.last_has(rest, false),
            "nothing" if self.said.is_empty() => {}
            "ack" | "nothing" => return Err(format!("it says {:02x?}", self.said)),
            "stands" => return is(&numbers(self.model.bookings.iter().map(|booking| &booking.approval_number)), rest),
            "astray" => return is(&numbers(self.model.astray.iter()), rest),
            "kept" => return is(&numbers(self.model.kept.iter()), rest),
            "shows" => {
                let shown = std::mem::take(&mut self.model.ways);
                let words: Vec<&str> = shown.iter().map(|way| zvt_word(*way)).collect();
                if !words.contains(&rest) {
                    return Err(format!("it showed {words:?}"));
                }
            }
            other => panic!("no such line: {other}"),
        }
        Ok(())
    }

    fn wait(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(due) = self.model.deadline_ms().filter(|due| *due <= end) {
            self.ms = due.max(self.ms);
            self.turn();
        }
        self.ms = end;
        self.turn();
    }

    fn says(&mut self, wanted: &str) -> Result<(), String> {
        let said = self.said.pop_front().ok_or("it says nothing")?;
        let apdu = unwrap(&said).map_err(|_| format!("no block: {said:02x?}"))?;
        let (hex, whole) = wanted.strip_suffix("..").map_or((wanted, true), |hex| (hex, false));
        let wanted = bytes(hex);
        let fits = if whole { apdu == wanted } else { apdu.starts_with(&wanted) };
        self.last.clone_from(&apdu);
        self.model.bytes(&[ACK], self.ms);
        self.turn();
        if fits { Ok(()) } else { Err(format!("it says {}", hex_of(&apdu))) }
    }

    fn last_has(&self, wanted: &str, has: bool) -> Result<(), String> {
        let wanted = bytes(wanted);
        let found = self.last.windows(wanted.len()).any(|part| part == wanted);
        if found == has { Ok(()) } else { Err(format!("it said {}", hex_of(&self.last))) }
    }

    fn becomes(&mut self, words: &str) {
        let words: Vec<&str> = words.split(' ').collect();
        let has = |word: &str| words.contains(&word);
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<i64>().ok()).expect("a number");
        let code = |at: usize| words.get(at).and_then(|word| u8::from_str_radix(word, 16).ok()).expect("a code");
        let manners = &mut self.model.manners;
        match words[0] {
            "reverses-last" => {
                manners.reverses_last = Some(match words[1] {
                    "trace" => Naming::Trace,
                    "receipt" => Naming::Receipt,
                    _ => Naming::Bare,
                });
            }
            "status-result" => {
                manners.status_result =
                    Some(StatusResult { at_status: true, at_registration: true, refusal_undoes: true });
            }
            "no-status-byte" => {
                manners.no_status_byte = Some(match words[1] {
                    "empty" => NoStatus::Empty,
                    "result" => NoStatus::Result,
                    _ => NoStatus::Unknown,
                });
            }
            "waits" => {
                let ms = u64::try_from(number(1)).expect("a time");
                manners.waits = Some(Waits { ms, refuses: has("and-refuses"), tells_late: has("and-tells-late") });
            }
            "empty-repeat" => {
                manners.empty_repeat = Some(0xff);
                self.model.forget();
            }
            "pin-twice" => manners.pin_twice_every = Some(1),
            "completion-after-abort" => {
                let ends_charge = has("of-a-charge");
                manners.completes_abort = Some(CompletesAbort { after_ms: AFTER_ABORT_MS, ends_charge });
            }
            "no-approval-number" => {
                manners.no_approval_number = Some(match words[1] {
                    "left-out" => NoApproval::LeftOut,
                    "zeros" => NoApproval::Zeros,
                    _ => NoApproval::Blanks,
                });
            }
            "clock-off" => manners.clock_off_min = number(1),
            "errors-in-completion" => manners.errors_in_completion = true,
            "books-early" => manners.books_early = true,
            "refuses-a-field" if has("behind-currency") => manners.refuses_field = Some(Part::BehindCurrency),
            "refuses-a-field" => manners.refuses_field = Some(Part::Bmp(code(1))),
            "prints-lines" => {
                manners.prints_lines = Some(Prints { blocks: has("blocks"), before_booking: has("before-booking") });
            }
            "padded-tlv" => {
                let count = |at| usize::try_from(number(at)).expect("a count");
                manners.padded_tlv =
                    Some(Padding { fillers: count(1), length_bytes: count(2), long_text: has("long") });
            }
            "refuses-at-once" => {
                let how = match words[2] {
                    "84" => Refusal::Command(code(3)),
                    "84-1e" => Refusal::CommandWithCode(code(3)),
                    _ => Refusal::Result(code(3)),
                };
                manners.refuses_at_once = Some(AtOnce { every: u32::try_from(number(1)).expect("a count"), how });
            }
            "last-untold" => {
                manners.last_untold = Some(if has("refused") { Untold::Refused } else { Untold::Aborted });
            }
            "reversals-as-turnover" => {
                manners.counts_reversals = Some(if has("added") { Turnover::Added } else { Turnover::Gross });
            }
            other => panic!("no such way: {other}"),
        }
    }
}

/// Receipts without their zeros.
fn numbers<'a>(numbers: impl Iterator<Item = &'a String>) -> String {
    numbers.map(|number| number.trim_start_matches('0')).collect::<Vec<_>>().join(" ")
}

fn is(found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("it is {found:?}")) }
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |said, byte| said + &format!("{byte:02x}"))
}

const fn zvt_word(way: zvt::manners::Manner) -> &'static str {
    use zvt::manners::Manner;
    match way {
        Manner::ReversesLast => "reverses-last",
        Manner::StatusResult => "status-result",
        Manner::NoStatusByte => "no-status-byte",
        Manner::Waits => "wait-a-while",
        Manner::EmptyRepeat => "empty-repeat",
        Manner::PinTwice => "pin-twice",
        Manner::CompletionAfterAbort => "completion-after-abort",
        Manner::NoApprovalNumber => "no-approval-number",
        Manner::ClockOff => "clock-an-hour-off",
        Manner::ErrorsInCompletion => "errors-in-completion",
        Manner::BooksEarly => "books-early",
        Manner::RefusesField => "refuses-a-field",
        Manner::PrintsLines => "prints-lines",
        Manner::PaddedTlv => "padded-tlv",
        Manner::RefusesAtOnce => "refuses-at-once",
        Manner::CountsReversals => "reversals-as-turnover",
        Manner::LastUntold => "last-untold",
    }
}

#[test]
fn a_smartro_terminal_has_its_own_ways_word_for_word() {
    play("smartro-manners.txt", |lines| {
        let mut stage = Smartro { model: model::Model::new(0), ms: 0, said: VecDeque::new(), last: None };
        lines.iter().try_for_each(|line| stage.line(line).map_err(|why| format!("{line}: {why}")))
    });
}

struct Smartro {
    model: model::Model,
    ms: u64,
    said: VecDeque<Vec<u8>>,
    last: Option<Frame>,
}

impl Smartro {
    fn turn(&mut self) {
        let outs = self.model.tick(self.ms);
        self.said.extend(pieces(outs));
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let (order, rest) = word(line);
        match order {
            "is" => self.becomes(rest),
            "card" => self.model.card(card(rest)),
            "wait" => {
                self.ms += rest.parse::<u64>().map_err(|_| "no number")?;
                self.turn();
            }
            "kiosk" => {
                let frame = match word(rest) {
                    ("ACK", _) => vec![ACK],
                    (job, data) => {
                        let first = self.model.bookings.first().map_or("", |booking| &booking.approval_number);
                        let data = field(&data.replace("FIRST", first));
                        Frame::request(job.as_bytes()[0], "KIOSK1114915545", STAMP, data).encode()
                    }
                };
                self.model.bytes(&frame, self.ms);
                self.turn();
            }
            "ack" if self.said.front().is_some_and(|said| *said == [ACK]) => drop(self.said.pop_front()),
            "nak" if self.said.front().is_some_and(|said| *said == [0x15]) => drop(self.said.pop_front()),
            "term" => return self.says(rest),
            "id" => {
                let id = self.last.as_ref().map(|frame| hex_of(&frame.terminal_id)).unwrap_or_default();
                let same = id.starts_with(&hex_of(&ID[..14]));
                return if same && id.ends_with(rest) { Ok(()) } else { Err(format!("it is {id}")) };
            }
            "nothing" if self.said.is_empty() => {}
            "nothing" => return Err(format!("it says {:02x?}", self.said)),
            "stands" => {
                let standing = self.model.bookings.len() - self.model.reversals().len();
                return is(&standing.to_string(), rest);
            }
            "astray" => return is(&self.model.astray.len().to_string(), rest),
            "shows" => {
                let shown = std::mem::take(&mut self.model.ways);
                let words: Vec<&str> = shown.iter().map(|way| smartro_word(*way)).collect();
                if !words.contains(&rest) {
                    return Err(format!("it showed {words:?}"));
                }
            }
            other => panic!("no such line: {other}"),
        }
        Ok(())
    }

    fn says(&mut self, wanted: &str) -> Result<(), String> {
        let said = self.said.pop_front().ok_or("it says nothing")?;
        let frame = Frame::parse(&said).map_err(|_| format!("no frame: {said:02x?}"))?;
        let (job, rest) = word(wanted);
        let (at, data) = word(rest);
        let at: usize = if at.is_empty() { 0 } else { at.parse().map_err(|_| "no number")? };
        let part = frame.data.get(at..).unwrap_or_default();
        let fits = frame.job == job.as_bytes()[0] && part.starts_with(&field(data));
        let told = format!("it says {} {}", char::from(frame.job), EUC_KR.decode(&frame.data).0);
        self.last = Some(frame);
        if fits { Ok(()) } else { Err(told) }
    }

    fn becomes(&mut self, words: &str) {
        let (name, rest) = word(words);
        let manners = &mut self.model.manners;
        match name {
            "changed-dates" => {
                manners.dates = Some(match rest {
                    "blank" => smartro::Dates::Blank,
                    "zeros" => smartro::Dates::Zeros,
                    "day-later" => smartro::Dates::DayLater,
                    _ => smartro::Dates::Shifted,
                });
            }
            "no-approval-number" => manners.approval = Some(smartro::Approval::Blank),
            "odd-approval-field" => {
                let right = rest == "right";
                let odd = if right { smartro::Approval::RightAligned } else { smartro::Approval::TextAtDecline };
                manners.approval = Some(odd);
            }
            "clock-off" => manners.clock_off_min = rest.parse().expect("a number"),
            "odd-decline-codes" => manners.decline_code = field(rest).try_into().ok(),
            "d-for-c" => manners.nothing_for_cancelled = rest.bytes().next(),
            "last-forgotten-at-decline" => manners.forgets_at_decline = true,
            "id-padded-with-blanks" => manners.blanks_in_id = true,
            "events-between" => manners.event_between = rest.bytes().next(),
            "refuses-at-once" => manners.refuses_every = rest.parse().ok(),
            "cancels-last" => {
                manners.cancels_last = Some(match rest {
                    "hit" => smartro::Naming::Hit,
                    "own" => smartro::Naming::Own,
                    _ => smartro::Naming::OwnAsAsked,
                });
            }
            "waits" => manners.waits = Some(smartro::Waits { ms: 1_000, naks: rest == "naks" }),
            "late-ack" => manners.ack_late_ms = rest.parse().ok(),
            "decline-elsewhere" => manners.decline_elsewhere = true,
            "new-kind-of-payment" => manners.new_kind_every = rest.parse().ok(),
            "empty-repeat" => {
                manners.starts_empty = true;
                self.model.forget();
            }
            other => panic!("no such way: {other}"),
        }
    }
}

/// Without the blanks between its parts; `_` is one.
fn field(words: &str) -> Vec<u8> {
    let text: String = words.split(' ').collect::<String>().replace('_', " ");
    EUC_KR.encode(&text).0.into_owned()
}

const fn smartro_word(way: smartro::Manner) -> &'static str {
    use smartro::Manner;
    match way {
        Manner::ChangedDates => "changed-dates",
        Manner::NoApprovalNumber => "no-approval-number",
        Manner::OddApproval => "odd-approval-field",
        Manner::ClockOff => "clock-an-hour-off",
        Manner::OddDeclines => "odd-decline-codes",
        Manner::NothingForCancelled => "d-for-c",
        Manner::ForgetsAtDecline => "last-forgotten-at-decline",
        Manner::CancelIsLast => "last-is-the-cancellation",
        Manner::BlankPaddedId => "id-padded-with-blanks",
        Manner::EventsBetween => "events-between",
        Manner::RefusesAtOnce => "refuses-at-once",
        Manner::EmptyLast => "empty-repeat",
        Manner::CancelsLast => "cancels-last",
        Manner::Waits => "waits",
        Manner::LateAck => "late-ack",
        Manner::DeclineElsewhere => "decline-elsewhere",
        Manner::NewKind => "new-kind-of-payment",
    }
}
