//! The demo with a display: the kiosk in its own window, and beside it a panel to play with the devices.

use super::people;
use super::play;
use super::script;
use super::stage::{Setting, Stage};
use crate::app::screens::ui::RehearsalPanel;
use crate::ports::Raster;
use slint::{ComponentHandle, Image, Rgb8Pixel, SharedPixelBuffer, Timer, TimerMode};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const GUIDE: &str = "Number 10293847, born 1958-04-12 (Korean) or 20481632, born 1985-11-03 (English).";

/// A window manager may know better.
const BESIDE_THE_KIOSK: slint::PhysicalPosition = slint::PhysicalPosition { x: 580, y: 0 };

/// Runs until the panel is closed or the kiosk ends (its window stays open, as a kiosk's does), then writes `summary.json`.
///
/// # Errors
/// The stage or a window cannot be had.
pub fn run(setting: Setting) -> anyhow::Result<()> {
    let panel = RehearsalPanel::new()?;
    panel.set_status(GUIDE.into());
    panel.window().set_position(BESIDE_THE_KIOSK);
    let stage = Rc::new(RefCell::new(Stage::open(setting)?));
    let (acting, weak) = (stage.clone(), panel.as_weak());
    panel.on_act(move |line| {
        let outcome = act(&mut acting.borrow_mut(), &line);
        if let Some(panel) = weak.upgrade() {
            let said = outcome.map_or_else(|error| format!("{error:#}"), |()| format!("{line}: done."));
            panel.set_status(format!("{said}\n{GUIDE}").into());
        }
    });
    let timer = Timer::default();
    let (watching, weak, mut seen) = (stage.clone(), panel.as_weak(), 0);
    timer.start(TimerMode::Repeated, Duration::from_millis(400), move || {
        let Some(panel) = weak.upgrade() else { return };
        let mut stage = watching.borrow_mut();
        if stage.kiosk_ended() {
            let _ = slint::quit_event_loop();
            return;
        }
        let papers = stage.printer.papers();
        if let Some(paper) = papers.get(seen..).and_then(<[Raster]>::last) {
            show_paper(&panel, paper);
            seen = papers.len();
        }
    });
    panel.run()?;
    timer.stop();
    play::sum_up(&mut stage.borrow_mut(), Vec::new()).map(drop)
}

fn act(stage: &mut Stage, line: &str) -> anyhow::Result<()> {
    if line == "scan slip" {
        return Ok(stage.scanner.scan(people::MAIN_SLIP)?);
    }
    let lines = script::parse(line).map_err(|faults| anyhow::anyhow!(faults.join("; ")))?;
    play::play(stage, &lines)
}

fn show_paper(panel: &RehearsalPanel, paper: &Raster) {
    let mut buffer = SharedPixelBuffer::<Rgb8Pixel>::new(paper.width_dots, paper.height_dots);
    let bits = paper.rows.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    for (pixel, black) in buffer.make_mut_slice().iter_mut().zip(bits) {
        let shade = if black { 20 } else { 255 };
        *pixel = Rgb8Pixel { r: shade, g: shade, b: shade };
    }
    panel.set_paper(Image::from_rgb8(buffer));
    let dots = |count: u32| f32::from(u16::try_from(count).unwrap_or(u16::MAX));
    panel.set_paper_height(428.0 * dots(paper.height_dots) / dots(paper.width_dots));
}
