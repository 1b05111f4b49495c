//! Plays a script on a stage, line by line, and writes down what was seen.

use super::child::{Order, Say};
use super::hospital::{Fault, SimHospital};
use super::printer::PaperState;
use super::script::{Action, CardAct, HospitalAct, Key, Line, PaperAct};
use super::stage::{Stage, lock};
use super::terminal::CardAction;
use crate::domain::attempt::PaymentState;
use anyhow::{Context, bail};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Every expectation of a script is given this long to come true.
pub const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Plays every line; the first that fails ends the script.
///
/// # Errors
/// `line N: what was expected and what was there`.
pub fn play(stage: &mut Stage, lines: &[Line]) -> anyhow::Result<()> {
    let made_before =
        MADE_BY_KIOSKS.map(|kind| (kind, stage.hospital.as_ref().map_or(0, |hospital| hospital.count(kind))));
    let mut scene = Scene { money_before: stage.booked().0, made_before, stage, cut: None };
    let cuts = power_cuts(lines);
    for (at, line) in lines.iter().enumerate() {
        let told = || format!("line {}: {}", line.number, line.text);
        if let Some(step) = cuts.get(&at) {
            scene.cut_at(*step).with_context(told)?;
        }
        scene.act_over_power_cuts(&line.action).with_context(told)?;
    }
    match scene.cut {
        None => Ok(()),
        Some(step) => bail!("a payment never came to be `{}`, so the power was never cut", state_word(step)),
    }
}

/// Which lines set a power cut, and at which step: the last touch before the line that asks for it, because the payment may
/// be past the step by the time that the script comes there; or that line itself, if nothing was touched before.
fn power_cuts(lines: &[Line]) -> BTreeMap<usize, PaymentState> {
    let asks = lines.iter().enumerate().filter_map(|(at, line)| match line.action {
        Action::PowerCut { at: Some(step) } => Some((at, step)),
        _ => None,
    });
    asks.map(|(at, step)| (lines[..at].iter().rposition(|line| is_touch(&line.action)).unwrap_or(at), step)).collect()
}

/// What may begin a payment.
const fn is_touch(action: &Action) -> bool {
    matches!(action, Action::Tap(_) | Action::Key(_))
}

/// As scripts and `kiosk payments` write it.
fn state_word(step: PaymentState) -> String {
    serde_json::to_value(step).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

struct Scene<'a> {
    stage: &'a mut Stage,
    money_before: i64,
    made_before: [(&'static str, usize); MADE_BY_KIOSKS.len()],
    /// Where the kiosk ends itself; `None` once it did.
    cut: Option<PaymentState>,
}

/// Counted since the script began, as money is.
const MADE_BY_KIOSKS: [&str; 4] = ["Task", "ChargeItem", "Invoice", "PaymentNotice"];

impl Scene<'_> {
    fn cut_at(&mut self, step: PaymentState) -> anyhow::Result<()> {
        self.cut = Some(step);
        self.stage.order(&Order::CutAt { step }).map(drop)
    }

    /// True if the power went where it was to go; it is back then.
    fn power_came_back(&mut self) -> anyhow::Result<bool> {
        if self.cut.is_none() || !self.stage.kiosk_ended() {
            return Ok(false);
        }
        self.cut = None;
        self.stage.power_off();
        self.stage.power_on()?;
        Ok(true)
    }

    /// A touch that made the payment begin may not live to tell; everything else is asked of the kiosk's next life.
    fn act_over_power_cuts(&mut self, action: &Action) -> anyhow::Result<()> {
        let lived = !self.stage.kiosk_ended();
        match self.act(action) {
            Ok(()) => self.power_came_back().map(drop),
            Err(error) => {
                if !self.power_came_back()? {
                    return Err(error);
                }
                if lived && is_touch(action) { Ok(()) } else { self.act(action) }
            }
        }
    }

    fn act(&mut self, action: &Action) -> anyhow::Result<()> {
        match action {
            Action::Tap(id) => self.tap(id),
            Action::Type(text) => self.type_keys(text),
            Action::TypePayment => {
                let number = self.stage.newest_payment()?;
                self.type_keys(&number)
            }
            Action::Scan(code) => Ok(self.stage.scanner.scan(code)?),
            Action::Key(key) => self.stage.order(&Order::Key { key: key_name(*key).to_owned() }).map(drop),
            Action::WaitMs(ms) => self.stage.wait(*ms),
            Action::Shot(name) => self.shot(name),
            Action::Clock(at) => self.stage.set_clock(*at),
            Action::Card(act) => {
                self.stage.card(card_action(*act));
                Ok(())
            }
            Action::Paper(act) => {
                self.stage.printer.set(paper_state(*act));
                Ok(())
            }
            Action::Hospital(act) => self.hospital(*act),
            Action::PowerCut { at: None } => {
                self.stage.power_off();
                self.stage.power_on()
            }
            // Set by the line before which it counts, see `power_cuts`.
            Action::PowerCut { at: Some(_) } => Ok(()),
            Action::Expect(text) => self.expect(text),
            Action::ExpectPaper(text) => self.expect_paper(text),
            Action::ExpectMoney(amount) => self.expect_money(*amount),
            Action::ExpectHospital { resource, count } => self.expect_hospital(resource, *count),
        }
    }

    /// The first may come with an answer that is still on its way; the others are there then.
    fn type_keys(&mut self, keys: &str) -> anyhow::Result<()> {
        let Some(first) = keys.chars().next() else { return Ok(()) };
        self.tap(&first.to_string())?;
        self.stage.order(&Order::Type { keys: keys.chars().skip(1).collect() }).map(drop)
    }

    /// A control may come with an answer that is still on its way: it is waited for.
    fn tap(&mut self, id: &str) -> anyhow::Result<()> {
        let end = Instant::now() + self.stage.patience();
        loop {
            match self.stage.order(&Order::Tap { id: id.to_owned() }) {
                Err(error) if Instant::now() > end || self.stage.kiosk_ended() => return Err(error),
                Err(_) => std::thread::sleep(LOOK_AGAIN),
                Ok(_) => return Ok(()),
            }
        }
    }

    fn shot(&mut self, name: &str) -> anyhow::Result<()> {
        let folder = self.stage.out().join("screens");
        fs::create_dir_all(&folder)?;
        self.stage.order(&Order::Shot { path: folder.join(format!("{name}.png")) }).map(drop)
    }

    fn hospital(&mut self, act: HospitalAct) -> anyhow::Result<()> {
        let Some(hospital) = &self.stage.hospital else {
            bail!("the hospital is somebody else's; it cannot be told to fail")
        };
        hospital.set(match act {
            HospitalAct::Down => Fault::Down,
            HospitalAct::Up => Fault::Up,
            HospitalAct::Slow => Fault::Slow,
            HospitalAct::Reject => Fault::Reject,
        });
        Ok(())
    }

    fn expect(&mut self, text: &str) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        let wanted = plain(text);
        within(self.stage.patience(), || {
            seen = self.stage.texts()?;
            Ok(seen.iter().any(|line| plain(line).contains(&wanted)))
        })?
        .then_some(())
        .with_context(|| format!("not on the screen; there is: {}", seen.join(" | ")))
    }

    fn expect_paper(&mut self, text: &str) -> anyhow::Result<()> {
        let mut seen = Vec::<Vec<String>>::new();
        let wanted = plain(text);
        within(self.stage.patience(), || {
            seen = self.stage.paper_words().into_iter().map(|words| words.texts).collect();
            Ok(seen.iter().flatten().any(|line| plain(line).contains(&wanted)))
        })?
        .then_some(())
        .with_context(|| format!("on none of the {} papers: {seen:?}", seen.len()))
    }

    fn expect_money(&mut self, amount: i64) -> anyhow::Result<()> {
        let before = self.money_before;
        let mut booked = 0;
        within(self.stage.patience(), || {
            self.power_came_back()?;
            booked = self.stage.booked().0 - before;
            Ok(booked == amount)
        })?
        .then_some(())
        .with_context(|| format!("the card company booked {booked}"))
    }

    fn expect_hospital(&mut self, resource: &str, count: usize) -> anyhow::Result<()> {
        let before = self.made_before.iter().find(|(kind, _)| *kind == resource).map_or(0, |(_, count)| *count);
        let mut found = 0;
        within(self.stage.patience(), || {
            self.power_came_back()?;
            let Some(hospital) = &self.stage.hospital else {
                bail!("count the resources on the foreign server itself")
            };
            found = hospital.count(resource) - before;
            Ok(found == count)
        })?
        .then_some(())
        .with_context(|| format!("the hospital has {found}"))
    }
}

/// Line breaks and runs of blanks are layout, not words.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn within(patience: Duration, mut holds: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<bool> {
    let end = Instant::now() + patience;
    loop {
        if holds()? {
            return Ok(true);
        }
        if Instant::now() > end {
            return Ok(false);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

const fn key_name(key: Key) -> &'static str {
    match key {
        Key::Enter => "enter",
        Key::Up => "up",
        Key::Down => "down",
        Key::Cancel => "cancel",
        Key::Help => "help",
        Key::Staff => "staff",
    }
}

const fn card_action(act: CardAct) -> CardAction {
    match act {
        CardAct::Approve => CardAction::Approve,
        CardAct::Decline => CardAction::Decline,
        CardAct::Silence => CardAction::Silence,
        CardAct::Late => CardAction::Late,
        CardAct::Unplug => CardAction::Unplug,
        CardAct::Reboot => CardAction::Reboot,
    }
}

const fn paper_state(act: PaperAct) -> PaperState {
    match act {
        PaperAct::Out => PaperState::Out,
        PaperAct::In => PaperState::In,
        PaperAct::Low => PaperState::Low,
        PaperAct::Jam => PaperState::Jam,
    }
}

/// `summary.json`; keys as in `README.md`, only ever added to.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub journeys: Vec<JourneyLine>,
    pub receipts: Vec<String>,
    pub bundles: Vec<String>,
    pub screens: Vec<String>,
    pub timings: Timings,
    pub peak_rss_kib: u64,
    pub failures: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct JourneyLine {
    pub kind: crate::domain::finished::JourneyKind,
    pub outcome: crate::domain::finished::Outcome,
    pub charged: i64,
    pub claim: Option<String>,
    pub synced: bool,
}

#[derive(Debug, Serialize)]
pub struct Timings {
    pub first_frame_ms: Option<f64>,
    pub touch_to_frame_ms: Percentiles,
}

#[derive(Debug, Serialize)]
pub struct Percentiles {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

/// Waits for what can still be delivered, writes receipts, bundles and `summary.json` into the stage's folder.
///
/// # Errors
/// A file that cannot be written.
pub fn sum_up(stage: &mut Stage, failures: Vec<String>) -> anyhow::Result<Summary> {
    let _ = within(stage.patience(), || Ok(journeys(stage).iter().all(|journey| journey.synced)));
    stage.note_memory();
    let receipts = write_receipts(stage)?;
    let bundles = write_bundles(stage)?;
    let summary = Summary {
        journeys: journeys(stage),
        receipts,
        bundles,
        screens: listing(stage.out(), "screens", "png")?,
        timings: timings(stage),
        peak_rss_kib: stage.peak_rss_kib,
        failures,
    };
    fs::write(stage.out().join("summary.json"), serde_json::to_string_pretty(&summary)? + "\n")?;
    Ok(summary)
}

fn journeys(stage: &Stage) -> Vec<JourneyLine> {
    let heard = lock(&stage.heard);
    let lines = heard.finished.iter().filter_map(|said| match said {
        Say::Finished { kind, outcome, charged, claim, request } => Some(JourneyLine {
            kind: *kind,
            outcome: *outcome,
            charged: *charged,
            claim: claim.clone(),
            synced: request.is_none_or(|request| heard.delivered.contains(&request)),
        }),
        Say::Done { .. }
        | Say::Texts { .. }
        | Say::Place(_)
        | Say::Refused { .. }
        | Say::Ready { .. }
        | Say::Delivered { .. }
        | Say::Pressed { .. } => None,
    });
    lines.collect()
}

fn write_receipts(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let folder = stage.out().join("receipts");
    fs::create_dir_all(&folder)?;
    let words = stage.paper_words();
    for (index, paper) in stage.printer.papers().iter().enumerate() {
        let name = folder.join(format!("{:02}", index + 1));
        fs::write(name.with_extension("png"), super::picture::to_png(paper))?;
        fs::write(
            name.with_extension("escpos"),
            crate::printer::encode::job(paper, true).map_err(anyhow::Error::msg)?,
        )?;
        let words = words.get(index).cloned().unwrap_or_default();
        fs::write(name.with_extension("txt"), words.texts.join("\n") + "\n")?;
        if let Some(code) = words.code {
            fs::write(name.with_extension("claim"), code)?;
        }
    }
    listing(stage.out(), "receipts", "png")
}

fn write_bundles(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let folder = stage.out().join("bundles");
    fs::create_dir_all(&folder)?;
    let bundles = stage.hospital.as_ref().map(SimHospital::bundles).unwrap_or_default();
    for (index, bundle) in bundles.iter().enumerate() {
        fs::write(folder.join(format!("{:02}.json", index + 1)), serde_json::to_string_pretty(bundle)? + "\n")?;
    }
    listing(stage.out(), "bundles", "json")
}

fn listing(out: &Path, folder: &str, extension: &str) -> anyhow::Result<Vec<String>> {
    let Ok(entries) = fs::read_dir(out.join(folder)) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(&format!(".{extension}")) {
            names.push(format!("{folder}/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

fn timings(stage: &Stage) -> Timings {
    let mut touches = stage.touch_to_frame_ms.clone();
    touches.sort_by(f64::total_cmp);
    let rank =
        |percent: usize| touches.get((touches.len() * percent / 100).min(touches.len().saturating_sub(1))).copied();
    Timings {
        first_frame_ms: lock(&stage.heard).first_frame_ms,
        touch_to_frame_ms: Percentiles { p50: rank(50), p99: rank(99) },
    }
}
