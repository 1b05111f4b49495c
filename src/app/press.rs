//! `Paper` in, dots out: the paper is a screen that Slint draws off-screen.
//!
//! One thread draws all papers, with a Slint context of its own; it lives as long as the process. A context is never given
//! back whole: a thread for each paper left fonts and caches behind every time, more than 4 MB. Context, translations and
//! fonts of Slint are thread-local; only the event loop proxy is process-wide, and our platform has none. So the window of
//! the main thread is never touched. That is no promise of Slint: the exact version is pinned, `tests/paper.rs` guards it.

use super::screens::paper::{Sheet, fill};
use super::screens::ui::GlyphProbe;
use crate::domain::facility::Facility;
use crate::domain::paper::Paper;
use crate::ports::Raster;
use slint::platform::software_renderer::{
    MinimalSoftwareWindow, PremultipliedRgbaColor, RepaintBufferType, TargetPixel,
};
use slint::platform::{Platform, PlatformError, WindowAdapter};
use slint::{ComponentHandle, ModelRc, PhysicalSize, SharedString, VecModel};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

/// Two metres of paper: longer is a mistake, not a receipt.
const HEIGHT_DOTS_MAX: u32 = 16_000;
/// Darker than this is a dot. 160 gives the most even Hangul strokes.
const THRESHOLD: u8 = 160;
/// Printed for a letter that no installed font has; a blank would be read as nothing.
const STAND_IN: char = '?';

/// A drawn paper and the words on it, which a picture no longer tells.
pub struct Pressed {
    pub raster: Raster,
    /// In the order they were laid out, each once.
    pub texts: Vec<String>,
}

/// Draws a paper as wide as the printer's head, `width_dots` (a multiple of 8). The same paper gives the same dots, on any
/// thread.
///
/// # Errors
/// In words for staff: the language is not in the catalogue, the paper is too long, Slint panicked.
pub fn press(paper: &Paper, facility: &Facility, width_dots: u32) -> Result<Raster, String> {
    press_with_texts(paper, facility, width_dots).map(|pressed| pressed.raster)
}

/// As [`press`], with the words.
///
/// # Errors
/// As [`press`].
pub fn press_with_texts(paper: &Paper, facility: &Facility, width_dots: u32) -> Result<Pressed, String> {
    let (paper, facility) = (paper.clone(), facility.clone());
    at_the_press(move |press| press.draw(&paper, &facility, width_dots))
}

type Job = Box<dyn FnOnce(&Result<Press, String>) + Send>;

/// The thread that draws, while there is one. It ends by a panic only.
static DRAWER: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);
static DRAWERS: AtomicU64 = AtomicU64::new(0);

/// How many threads have drawn papers since the process began: one, and one more for each that a panic ended. Each leaves
/// its memory behind.
#[must_use]
pub fn drawers() -> u64 {
    DRAWERS.load(Ordering::Relaxed)
}

/// Does `work` on the drawing thread and waits for what comes of it.
fn at_the_press<T: Send + 'static>(
    work: impl FnOnce(&Press) -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let (answer, drawn) = mpsc::channel();
    hand_over(Box::new(move |press| {
        let _ = answer.send(press.as_ref().map_err(Clone::clone).and_then(work));
    }))?;
    drawn.recv().unwrap_or_else(|_| Err("drawing a paper stopped half way".into()))
}

/// A panic leaves the context in nobody knows what state: the thread ends with it, and the next paper gets another.
fn hand_over(job: Job) -> Result<(), String> {
    let mut drawer = DRAWER.lock().unwrap_or_else(PoisonError::into_inner);
    let job = match &*drawer {
        None => job,
        Some(jobs) => match jobs.send(job) {
            Ok(()) => return Ok(()),
            Err(mpsc::SendError(job)) => job,
        },
    };
    let (jobs, queue) = mpsc::channel::<Job>();
    let thread = std::thread::Builder::new().name("press".into()).spawn(move || {
        let press = Press::new();
        for job in &queue {
            if catch_unwind(AssertUnwindSafe(|| job(&press))).is_err() {
                break;
            }
        }
        // Who waited hears of a panic at once and may have handed over the next paper already: another thread draws it.
        *DRAWER.lock().unwrap_or_else(PoisonError::into_inner) = None;
        for job in queue.try_iter() {
            let _ = hand_over(job);
        }
    });
    thread.map_err(|error| format!("no thread to draw papers on: {error}"))?;
    let before = DRAWERS.fetch_add(1, Ordering::Relaxed);
    if before > 0 {
        tracing::error!(before, "the thread that draws papers had ended by a panic; another one draws now");
    }
    let sent = jobs.send(job);
    *drawer = Some(jobs);
    sent.map_err(|_| "the thread that draws papers ended at once".to_owned())
}

/// What the text layer saw, and what it must replace.
#[derive(Default)]
pub struct Letters {
    pub seen: BTreeSet<char>,
    pub missing: BTreeSet<char>,
    pub texts: Vec<String>,
}

impl Letters {
    /// The text layer of every paper: words stay whole, letters without a font become visible.
    pub fn glue(&mut self, text: &str) -> String {
        let plain = crate::domain::format::plain(text);
        if !plain.is_empty() && !self.texts.contains(&plain) {
            self.texts.push(plain);
        }
        let mut glued = String::with_capacity(text.len() * 2);
        let mut before = [' '; 2];
        for letter in text.chars() {
            self.seen.insert(letter);
            if belongs_together(before, letter) {
                glued.push(WORD_JOINER);
            }
            glued.push(if self.missing.contains(&letter) { STAND_IN } else { letter });
            before = [before[1], letter];
        }
        glued
    }
}

/// Where Slint would break a line and a reader would not: inside a Korean word, after its figure, after `X-`.
fn belongs_together(before: [char; 2], letter: char) -> bool {
    let [first, second] = before;
    if second.is_whitespace() || letter.is_whitespace() {
        return false;
    }
    let hyphenated = second == '-' && first.is_alphanumeric() && letter.is_alphanumeric();
    is_hangul(second) || is_hangul(letter) || hyphenated
}

/// No line is broken at it.
const WORD_JOINER: char = '\u{2060}';

const fn is_hangul(letter: char) -> bool {
    matches!(letter, '\u{AC00}'..='\u{D7A3}' | '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}')
}

/// The Slint platform of the drawing thread and its one window.
struct Press {
    window: Rc<MinimalSoftwareWindow>,
}

/// On the window while it is laid out and drawn; a window keeps what it shows alive.
struct Shown(Sheet);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.hide();
    }
}

impl Press {
    fn new() -> Result<Self, String> {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
        slint::platform::set_platform(Box::new(OffScreen(Rc::clone(&window))))
            .map_err(|error| format!("this thread cannot draw a paper: {error}"))?;
        Ok(Self { window })
    }

    fn draw(&self, paper: &Paper, facility: &Facility, width_dots: u32) -> Result<Pressed, String> {
        let letters = Rc::new(RefCell::new(Letters::default()));
        let raster = self.print(fill(paper, facility, width_dots, &letters)?, width_dots)?;
        let unknown = letters.borrow().seen.clone();
        let missing = self.missing(&unknown)?;
        let mut texts = letters.borrow().texts.clone();
        texts.push(paper.number().to_owned());
        if missing.is_empty() {
            return Ok(Pressed { raster, texts });
        }
        tracing::warn!(letters = ?missing, "no installed font has these letters; printed as a stand-in");
        letters.borrow_mut().missing = missing;
        let raster = self.print(fill(paper, facility, width_dots, &letters)?, width_dots)?;
        Ok(Pressed { raster, texts })
    }

    fn print(&self, sheet: Sheet, width_dots: u32) -> Result<Raster, String> {
        let sheet = Shown(sheet);
        let height_dots = self.lay_out(&sheet.0, width_dots)?;
        let grey = self.grey(width_dots, height_dots);
        Ok(Raster { width_dots, height_dots, rows: grey.chunks_exact(8).map(eight_dots).collect() })
    }

    /// The height that the sheet wants. The width must be known first: texts wrap.
    fn lay_out(&self, sheet: &Sheet, width_dots: u32) -> Result<u32, String> {
        self.window.set_size(PhysicalSize::new(width_dots, 100));
        sheet.show()?;
        let height = whole_dots(sheet.height());
        if height > HEIGHT_DOTS_MAX {
            return Err(format!("a paper of {height} dots is longer than {HEIGHT_DOTS_MAX}"));
        }
        self.window.set_size(PhysicalSize::new(width_dots, height));
        Ok(height)
    }

    fn grey(&self, width_dots: u32, height_dots: u32) -> Vec<Grey> {
        let mut dots = vec![Grey(255); (width_dots * height_dots) as usize];
        self.window.request_redraw();
        self.window.draw_if_needed(|renderer| {
            renderer.render(&mut dots, width_dots as usize);
        });
        dots
    }

    /// Those of `letters` that leave their cell blank in every font there is.
    fn missing(&self, letters: &BTreeSet<char>) -> Result<BTreeSet<char>, String> {
        let visible: Vec<char> = letters.iter().copied().filter(|letter| leaves_ink(*letter)).collect();
        let probe = GlyphProbe::new().map_err(|error| error.to_string())?;
        let texts: Vec<SharedString> = visible.iter().map(|letter| SharedString::from(letter.to_string())).collect();
        let cells = u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let height = (cells.div_ceil(CELLS_ACROSS) * CELL_HEIGHT).clamp(CELL_HEIGHT, HEIGHT_DOTS_MAX);
        probe.set_letters(ModelRc::new(VecModel::from(texts)));
        probe.set_face("Noto Sans CJK KR".into());
        self.window.set_size(PhysicalSize::new(PROBE_WIDTH, height));
        probe.show().map_err(|error| error.to_string())?;
        let grey = self.grey(PROBE_WIDTH, height);
        probe.hide().map_err(|error| error.to_string())?;
        Ok(visible
            .into_iter()
            .enumerate()
            .filter(|(cell, _)| is_blank(&grey, *cell))
            .map(|(_, letter)| letter)
            .collect())
    }
}

/// The cells of `ui/paper/probe.slint`.
const CELLS_ACROSS: u32 = 12;
const CELL_WIDTH: u32 = 48;
const PROBE_WIDTH: u32 = CELLS_ACROSS * CELL_WIDTH;
const CELL_HEIGHT: u32 = 64;

fn is_blank(grey: &[Grey], cell: usize) -> bool {
    let across = CELLS_ACROSS as usize;
    let (x, y) = (cell % across * CELL_WIDTH as usize, cell / across * CELL_HEIGHT as usize);
    (y..y + CELL_HEIGHT as usize).all(|row| {
        let start = row * PROBE_WIDTH as usize + x;
        grey.get(start..start + CELL_WIDTH as usize).is_none_or(|dots| dots.iter().all(|dot| dot.0 >= THRESHOLD))
    })
}

/// Spaces, joiners and direction marks are meant to be blank.
fn leaves_ink(letter: char) -> bool {
    !(letter.is_whitespace()
        || letter.is_control()
        || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}'))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what an u32 holds")]
fn whole_dots(length: f32) -> u32 {
    length.ceil().clamp(1.0, 1e6) as u32
}

fn eight_dots(dots: &[Grey]) -> u8 {
    dots.iter().fold(0, |byte, dot| byte << 1 | u8::from(dot.0 < THRESHOLD))
}

struct OffScreen(Rc<MinimalSoftwareWindow>);

impl Platform for OffScreen {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(Rc::clone(&self.0) as Rc<dyn WindowAdapter>)
    }
}

/// One dot while it is still grey: 0 black, 255 white.
#[derive(Clone, Copy)]
struct Grey(u8);

impl TargetPixel for Grey {
    fn blend(&mut self, color: PremultipliedRgbaColor) {
        let over = luminance(color.red, color.green, color.blue);
        let under = u16::from(self.0) * u16::from(255 - color.alpha) / 255;
        self.0 = u8::try_from(under + u16::from(over)).unwrap_or(255);
    }

    fn from_rgb(red: u8, green: u8, blue: u8) -> Self {
        Self(luminance(red, green, blue))
    }
}

/// ITU-R BT.601, in whole numbers.
fn luminance(red: u8, green: u8, blue: u8) -> u8 {
    let sum = u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114;
    u8::try_from(sum / 1000).unwrap_or(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn korean_words_stay_whole_and_nothing_else_changes() {
        let mut letters = Letters::default();
        assert_eq!(letters.glue("두 번 청구"), "두 번 청\u{2060}구");
        assert_eq!(letters.glue("Desk 3, floor 1"), "Desk 3, floor 1");
        assert_eq!(letters.glue("2:35부터 6"), "2:35\u{2060}부\u{2060}터 6");
        assert_eq!(letters.glue("CD (X-ray)"), "CD (X-\u{2060}ray)");
        letters.missing.insert('♄');
        assert_eq!(letters.glue("a♄"), "a?");
    }

    /// The papers of the tests beside this one are drawn by the same thread: a panic of it may be theirs to hear of, once.
    #[test]
    fn a_panic_costs_one_paper_and_one_thread() {
        let drawn = || at_the_press(|press| Ok(press.grey(8, 8).len()));
        assert_eq!(drawn(), Ok(64));
        let before = drawers();
        assert!(at_the_press(|_| -> Result<(), String> { panic!("on purpose") }).is_err());
        assert_eq!(drawn(), Ok(64));
        assert_eq!(drawers(), before + 1);
        assert_eq!((drawn(), drawers()), (Ok(64), before + 1), "a living thread is kept");
    }
}
