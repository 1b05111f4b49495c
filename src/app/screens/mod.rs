//! The window: shows a [`View`], reports each [`Tap`]. One file a screen, of the same name as its `.slint` file.

mod appointments;
mod birth_date;
mod checked_in;
mod consent;
mod documents;
mod done;
mod easy_access;
mod fonts;
mod help;
mod idle;
mod in_doubt;
mod information;
mod keys;
mod language;
mod not_paid;
mod notice;
mod number;
mod options;
mod out_of_service;
pub mod paper;
mod payment;
mod reprint;
mod review;
mod services;
mod sorry;
mod staff_choice;
mod staff_home;
mod staff_payment;
mod staff_payments;
mod staff_pin;
mod staff_queue;
mod staff_trouble;
mod still_here;
mod taps;
mod wait;
mod words;

/// What `ui/app.slint` compiles to.
#[allow(clippy::all, clippy::pedantic)]
pub mod ui {
    slint::include_modules!();
}

pub use fonts::fonts_installed;

use crate::config::Display;
use crate::domain::format;
use crate::domain::language::Language;
use crate::domain::screen::staff::StaffScreen;
use crate::domain::screen::{Screen, Tap, View};
use crate::ports::InForce;
use chrono::{DateTime, FixedOffset};
use slint::{CloseRequestResponse, ComponentHandle};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ui::Scene;
use words::Words;

/// The languages that every text exists in; written by `ui/build.rs`, which refuses an incomplete one.
pub const COMPLETE_LANGUAGES: &[Language] = include!(concat!(env!("OUT_DIR"), "/complete_languages.rs"));

/// The second touch of a double tap comes sooner than this after a screen change and must not act on the new screen.
const DOUBLE_TAP_GUARD_MS: u64 = 150;

/// Millimetres in an inch.
const MM_PER_INCH: f32 = 25.4;

/// The kiosk's one window. Main thread only; other threads use its [`KioskHandle`].
pub struct KioskWindow {
    app: ui::App,
    shared: Arc<Shared>,
    first_frame: FirstFrame,
}

/// What is done once, when the first picture is on the screen.
type FirstFrame = Rc<RefCell<Option<Box<dyn FnOnce()>>>>;

/// What window and handle share.
struct Shared {
    facility: InForce,
    state: Mutex<State>,
    /// The last picture that was asked for by [`KioskHandle::draws`], and the last that was drawn.
    asked: AtomicI32,
    drawn: Mutex<i32>,
    drawing: Condvar,
}

struct State {
    view: Option<View>,
    wall: Option<DateTime<FixedOffset>>,
    changed_at: Instant,
    guard: Duration,
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows views from any thread, by posting to the window's event loop.
#[derive(Clone)]
pub struct KioskHandle {
    app: slint::Weak<ui::App>,
    shared: Arc<Shared>,
}

impl KioskWindow {
    /// Opens the window hidden, sized in millimetres by `display`. Call [`fonts_installed`] first: Slint panics without
    /// fonts.
    ///
    /// # Errors
    /// No display, or no renderer for it.
    pub fn new(
        display: &Display,
        facility: impl Into<InForce>,
        on_tap: impl Fn(Tap) + 'static,
    ) -> Result<Self, slint::PlatformError> {
        let app = ui::App::new()?;
        size(&app, display);
        let guard = Duration::from_millis(DOUBLE_TAP_GUARD_MS);
        let state = State { view: None, wall: None, changed_at: Instant::now(), guard };
        let shared = Arc::new(Shared {
            facility: facility.into(),
            state: Mutex::new(state),
            asked: AtomicI32::new(0),
            drawn: Mutex::new(0),
            drawing: Condvar::new(),
        });
        let first_frame = FirstFrame::default();
        watch_drawing(&app, &shared, &first_frame);
        // A window manager's close, or Alt and F4 on a keyboard plugged in: nobody is there to open it again.
        app.window().on_close_requested(|| CloseRequestResponse::KeepWindowShown);
        let on_tap = Rc::new(on_tap);
        taps::forward(&app, &shared, on_tap.clone());
        keys::forward(&app, &shared, on_tap);
        Ok(Self { app, shared, first_frame })
    }

    /// Shows `view`; `wall` is the header's clock.
    pub fn show(&self, view: &View, wall: DateTime<FixedOffset>) {
        show(&self.app, &self.shared, view, wall);
    }

    pub fn set_clock(&self, wall: DateTime<FixedOffset>) {
        set_clock(&self.app, &self.shared, wall);
    }

    /// Again and again on the window's own thread, until what it returns is dropped.
    #[must_use = "it ends with what is returned"]
    pub fn every(&self, how_often: Duration, work: impl FnMut() + 'static) -> slint::Timer {
        let timer = slint::Timer::default();
        timer.start(slint::TimerMode::Repeated, how_often, work);
        timer
    }

    #[must_use]
    pub fn handle(&self) -> KioskHandle {
        KioskHandle { app: self.app.as_weak(), shared: self.shared.clone() }
    }

    /// Shows the window and runs the event loop until [`KioskHandle::quit`].
    ///
    /// # Errors
    /// The display went away.
    pub fn run(&self) -> Result<(), slint::PlatformError> {
        self.app.show()?;
        slint::run_event_loop_until_quit()?;
        self.app.hide()
    }

    /// The component itself, for rehearsals and tests.
    #[must_use]
    pub fn component(&self) -> &ui::App {
        &self.app
    }

    /// Calls `f` once, in the event loop, right after the first frame was drawn.
    pub fn on_first_frame(&self, f: impl FnOnce() + 'static) {
        *self.first_frame.borrow_mut() = Some(Box::new(f));
    }

    /// How long after a change of screen touches are not taken; zero for scripts that are faster than fingers.
    pub fn set_double_tap_guard(&self, guard: Duration) {
        self.shared.state().guard = guard;
    }
}

impl KioskHandle {
    pub fn show(&self, view: View, wall: DateTime<FixedOffset>) {
        let shared = self.shared.clone();
        self.in_window(move |app| show(app, &shared, &view, wall));
    }

    /// Nothing of the visit stays in the window; the next view is shown after this.
    pub fn wipe(&self) {
        let shared = self.shared.clone();
        self.in_window(move |app| wipe(app, &shared));
    }

    pub fn set_clock(&self, wall: DateTime<FixedOffset>) {
        let shared = self.shared.clone();
        self.in_window(move |app| set_clock(app, &shared, wall));
    }

    /// Asks for a picture, and tells whether the window drew it in that time. Blocks until then; not on the window's thread.
    #[must_use]
    pub fn draws(&self, within: Duration) -> bool {
        let asked = self.shared.asked.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        self.in_window(move |app| app.global::<ui::Frame>().set_asked(asked));
        let drawn = self.shared.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.shared.drawing.wait_timeout_while(drawn, within, |drawn| *drawn != asked);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Ends [`KioskWindow::run`].
    pub fn quit(&self) {
        self.in_window(|_| {
            let _ = slint::quit_event_loop();
        });
    }

    /// Runs `f` in the window's event loop. Nothing to do when loop or window is gone: there is nobody left to see it.
    pub fn in_window(&self, f: impl FnOnce(&ui::App) + Send + 'static) {
        let _ = self.app.upgrade_in_event_loop(move |app| f(&app));
    }
}

/// The software renderer has no rendering notifier; instead a colour of the window is bound to a callback, which drawing asks
/// for: the first time, and whenever another picture was asked for.
fn watch_drawing(app: &ui::App, shared: &Arc<Shared>, first_frame: &FirstFrame) {
    let (shared, first_frame) = (shared.clone(), first_frame.clone());
    app.global::<ui::Frame>().on_drawn(move |colour, asked| {
        if let Some(f) = first_frame.borrow_mut().take() {
            slint::Timer::single_shot(Duration::ZERO, f);
        }
        *shared.drawn.lock().unwrap_or_else(PoisonError::into_inner) = asked;
        shared.drawing.notify_all();
        colour
    });
}

/// Sizes are millimetres: the pixels of a millimetre come from the configured diagonal.
#[allow(clippy::cast_precision_loss)]
fn size(app: &ui::App, display: &Display) {
    let (width, height) = (display.width_px as f32, display.height_px as f32);
    let diagonal_mm = display.diagonal_inch.max(1.0) * MM_PER_INCH;
    app.global::<ui::Theme>().set_px_per_mm(width.hypot(height) / diagonal_mm);
    app.set_screen_width(width);
    app.set_screen_height(height);
    // Logical: the same as physical on a kiosk, and smaller where a demo's window is scaled to fit a desk.
    app.window().set_size(slint::LogicalSize::new(width, height));
    app.window().set_fullscreen(display.fullscreen);
    let zones = app.global::<ui::Zones>();
    zones.set_width(width);
    zones.set_height(height);
}

fn show(app: &ui::App, shared: &Shared, view: &View, wall: DateTime<FixedOffset>) {
    let scene = scene(&view.screen);
    let facility = shared.facility.now();
    let words = Words { language: view.language, facility: &facility, wall };
    let changed = {
        let mut state = shared.state();
        let before = state.view.replace(view.clone());
        state.wall = Some(wall);
        let changed = before.is_none_or(|before| self::scene(&before.screen) != scene);
        if changed {
            state.changed_at = Instant::now();
        }
        changed
    };
    theme(app, view);
    frame(app, &words, view);
    fill(app, &words, &view.screen, view.modes.slow);
    app.set_scene(scene);
    if changed {
        app.invoke_take_keys();
    }
}

/// Resets every text, list and word that a screen has of Rust; written by `ui/build.rs` from the screens themselves, so that
/// none is forgotten.
#[allow(clippy::all, clippy::pedantic)]
mod data {
    use super::ui;
    use slint::ComponentHandle;
    include!(concat!(env!("OUT_DIR"), "/wipe.rs"));
}

/// What stands on the poster is nobody's, and stays.
fn wipe(app: &ui::App, shared: &Shared) {
    data::wipe(app);
    let (view, wall) = {
        let mut state = shared.state();
        let poster = state.view.take().filter(|view| matches!(view.screen, Screen::Idle | Screen::OutOfService { .. }));
        state.view.clone_from(&poster);
        (poster, state.wall)
    };
    if let (Some(view), Some(wall)) = (view, wall) {
        let facility = shared.facility.now();
        let words = Words { language: view.language, facility: &facility, wall };
        fill(app, &words, &view.screen, view.modes.slow);
    }
}

fn theme(app: &ui::App, view: &View) {
    // English is the language of the sources; the build proved all others complete.
    let _ = slint::select_bundled_translation(view.language.code());
    let theme = app.global::<ui::Theme>();
    theme.set_large(view.modes.large);
    theme.set_contrast(view.modes.contrast);
    theme.set_low_reach(view.modes.low_reach);
    theme.set_rtl(view.language.is_rtl());
    theme.set_alphabet(matches!(view.language, Language::En | Language::Ru | Language::Vi | Language::Mn));
    theme.set_family(words::family(view.language).into());
    let (leading, title) = match view.language {
        Language::Ko | Language::Zh | Language::Ja => (0.90, 0.86),
        Language::En | Language::Ru | Language::Vi | Language::Mn => (0.95, 0.90),
        Language::Ar => (0.74, 0.78),
    };
    theme.set_leading(leading);
    theme.set_title_leading(title);
}

fn frame(app: &ui::App, words: &Words, view: &View) {
    let frame = app.global::<ui::Frame>();
    let name = if view.modes.large { &words.facility.short_name } else { &words.facility.name };
    frame.set_hospital(words.text(name));
    frame.set_clock(words.line(&format::clock(words.wall.time(), words.language)));
    let (step, steps) = view.step.unwrap_or_default();
    frame.set_step(i32::from(step));
    frame.set_steps(i32::from(steps));
    frame.set_start_over(view.start_over);
}

fn set_clock(app: &ui::App, shared: &Shared, wall: DateTime<FixedOffset>) {
    let (language, idle) = {
        let mut state = shared.state();
        state.wall = Some(wall);
        let Some(view) = &state.view else { return };
        (view.language, view.screen == Screen::Idle)
    };
    let facility = shared.facility.now();
    let words = Words { language, facility: &facility, wall };
    app.global::<ui::Frame>().set_clock(words.line(&format::clock(wall.time(), language)));
    if idle {
        idle::show(app, &words);
    }
}

fn fill(app: &ui::App, words: &Words, screen: &Screen, slow: bool) {
    match screen {
        Screen::Idle => idle::show(app, words),
        Screen::Language { offered, current } => language::show(app, words, offered, *current),
        Screen::Services { rows } => services::show(app, rows),
        Screen::Number(entry) => number::show(app, entry),
        Screen::BirthDate(entry) => birth_date::show(app, entry),
        Screen::Wait { what, seconds_left, seconds_total } => wait::show(app, *what, *seconds_left, *seconds_total),
        Screen::Insurance | Screen::ForWhom => {}
        Screen::Appointments { masked_name, rows, can_go_on } => {
            appointments::show(app, words, masked_name, rows, *can_go_on);
        }
        Screen::CheckedIn(done) => checked_in::show(app, words, done),
        Screen::Sorry { why, desk, retry } => sorry::show(app, words, *why, desk, *retry),
        Screen::Documents { rows, count, total, has_unpriced, page, pages } => {
            let foot = documents::Foot {
                count: *count,
                total: *total,
                has_unpriced: *has_unpriced,
                page: *page,
                pages: *pages,
            };
            documents::show(app, words, rows, &foot);
        }
        Screen::Options { document, code: _, copies, copies_max, languages, language } => {
            let choice = options::Choice {
                name: document,
                copies: *copies,
                copies_max: *copies_max,
                languages,
                language: *language,
            };
            options::show(app, words, &choice);
        }
        Screen::Review(review) => review::show(app, words, review),
        Screen::Consent { text } => consent::show(app, words, text),
        Screen::Payment(payment) => payment::show(app, words, payment),
        Screen::InDoubt(doubt) => in_doubt::show(app, words, doubt),
        Screen::NotPaid { why, desk, retry } => not_paid::show(app, words, *why, desk, *retry),
        Screen::Done(done) => done::show(app, words, done),
        Screen::Reprint(sight) => reprint::show(app, words, sight),
        Screen::Information { page, rights } => information::show(app, words, page, *rights),
        Screen::EasyAccess => easy_access::show(app, slow),
        Screen::Notice(notice) => notice::show(app, words, notice),
        Screen::Help { desk, emergency } => help::show(app, words, desk, emergency),
        Screen::StillHere { seconds_left, seconds_total } => still_here::show(app, *seconds_left, *seconds_total),
        Screen::OutOfService { desk } => out_of_service::show(app, words, desk),
        Screen::Staff(screen) => fill_staff(app, words, screen),
    }
}

fn fill_staff(app: &ui::App, words: &Words, screen: &StaffScreen) {
    match screen {
        StaffScreen::Pin { what, typed, gate, checking, trouble } => {
            staff_pin::show(app, words, (*what, *typed), *gate, *checking);
            staff_pin::closed(app, trouble.as_ref());
        }
        StaffScreen::Home(home) => staff_home::show(app, home),
        StaffScreen::Payments { paid, rows } => staff_payments::show(app, words, *paid, rows),
        StaffScreen::Payment(payment) => staff_payment::show(app, words, payment),
        StaffScreen::Choice(choice) => staff_choice::show(app, words, choice),
        StaffScreen::Queue(queue) => staff_queue::show(app, words, queue),
        StaffScreen::Request(request) => staff_choice::ask(app, words, request),
        StaffScreen::Trouble(trouble) => staff_trouble::show(app, words, trouble),
    }
}

fn scene(screen: &Screen) -> Scene {
    match screen {
        Screen::Idle => Scene::Idle,
        Screen::Language { .. } => Scene::Language,
        Screen::Services { .. } => Scene::Services,
        Screen::Number(_) => Scene::Number,
        Screen::BirthDate(_) => Scene::BirthDate,
        Screen::Wait { .. } => Scene::Wait,
        Screen::Insurance => Scene::Insurance,
        Screen::Appointments { .. } => Scene::Appointments,
        Screen::CheckedIn(_) => Scene::CheckedIn,
        Screen::Sorry { .. } => Scene::Sorry,
        Screen::ForWhom => Scene::ForWhom,
        Screen::Documents { .. } => Scene::Documents,
        Screen::Options { .. } => Scene::Options,
        Screen::Review(_) => Scene::Review,
        Screen::Consent { .. } => Scene::Consent,
        Screen::Payment(_) => Scene::Payment,
        Screen::InDoubt(_) => Scene::InDoubt,
        Screen::NotPaid { .. } => Scene::NotPaid,
        Screen::Done(_) => Scene::Done,
        Screen::Reprint { .. } => Scene::Reprint,
        Screen::Information { .. } => Scene::Information,
        Screen::EasyAccess => Scene::EasyAccess,
        Screen::Notice(_) => Scene::Notice,
        Screen::Help { .. } => Scene::Help,
        Screen::StillHere { .. } => Scene::StillHere,
        Screen::OutOfService { .. } => Scene::OutOfService,
        Screen::Staff(screen) => staff_scene(screen),
    }
}

fn staff_scene(screen: &StaffScreen) -> Scene {
    match screen {
        StaffScreen::Pin { .. } => Scene::StaffPin,
        StaffScreen::Home(_) => Scene::StaffHome,
        StaffScreen::Payments { .. } => Scene::StaffPayments,
        StaffScreen::Payment(_) => Scene::StaffPayment,
        StaffScreen::Choice(_) | StaffScreen::Request(_) => Scene::StaffChoice,
        StaffScreen::Queue(_) => Scene::StaffQueue,
        StaffScreen::Trouble(_) => Scene::StaffTrouble,
    }
}
