//! Drives the real window without a display: finds controls by their accessible id, touches them with mouse events at
//! their centre (so covered or disabled controls really do not react), reads all visible texts, takes pictures.
//!
//! Main thread only, one platform a process. Time is mocked: nothing moves unless [`Headless::wait`] says so.

use crate::domain::format::plain;
use i_slint_backend_testing::{
    AccessibleRole, ElementHandle, ElementQuery, TestingBackend, TestingBackendOptions, mock_elapsed_time,
};
use serde::{Deserialize, Serialize};
use slint::platform::{Key, PointerEventButton, WindowEvent};
use slint::{ComponentHandle, LogicalPosition, SharedString};
use std::cell::Cell;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use crate::app::screens::ui::App;

std::thread_local! {
    static STARTED: Cell<bool> = const { Cell::new(false) };
}

/// A finger stays on the glass this long.
const TOUCH_MS: u64 = 50;

/// Where something is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Box2 {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// A control as a finger or a screen reader finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub id: String,
    pub label: String,
    pub enabled: bool,
    pub checked: bool,
    pub area: Box2,
}

/// A visible text that is not a control.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    pub text: String,
    pub area: Box2,
}

/// Installs the headless platform with the software renderer. Harmless when called again on the same thread.
///
/// # Errors
/// Another platform is already installed.
pub fn start() -> Result<(), String> {
    if STARTED.get() {
        return Ok(());
    }
    let options =
        TestingBackendOptions { mock_time: true, threading: true, renderer_name: Some(SharedString::from("software")) };
    slint::platform::set_platform(Box::new(TestingBackend::new(options))).map_err(|error| error.to_string())?;
    STARTED.set(true);
    Ok(())
}

type Job = Box<dyn FnOnce() + Send>;

/// Runs `f` on the process's one window thread and returns its result: tests run on many threads, windows live on one.
///
/// # Errors
/// `f` panicked, or the thread could not be had.
pub fn on_window_thread<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> Result<R, String> {
    static JOBS: OnceLock<Mutex<mpsc::Sender<Job>>> = OnceLock::new();
    let jobs = JOBS.get_or_init(|| {
        let (sender, receiver) = mpsc::channel::<Job>();
        std::thread::spawn(move || receiver.into_iter().for_each(|job| job()));
        Mutex::new(sender)
    });
    let (answer, result) = mpsc::channel();
    let job: Job = Box::new(move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f));
        let _ = answer.send(outcome.map_err(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
        }));
    });
    jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job).map_err(|error| error.to_string())?;
    result.recv().map_err(|error| error.to_string())?
}

/// Lets mocked time pass: timers, animations, conditional elements.
pub fn wait(time: Duration) {
    mock_elapsed_time(time);
}

fn area(element: &ElementHandle) -> Box2 {
    let (at, size) = (element.absolute_position(), element.size());
    Box2 { x: at.x, y: at.y, width: size.width, height: size.height }
}

/// All elements that show anything; a hidden (`visible: false`) one has no area inside the window.
fn elements(app: &App) -> Vec<ElementHandle> {
    wait(Duration::ZERO);
    let scale = app.window().scale_factor();
    let size = app.window().size().to_logical(scale);
    ElementQuery::from_root(app)
        .match_descendants()
        .find_all()
        .into_iter()
        .filter(|element| {
            let area = area(element);
            area.width > 0.0
                && area.height > 0.0
                && area.x < size.width
                && area.y < size.height
                && area.x + area.width > 0.0
                && area.y + area.height > 0.0
        })
        .collect()
}

fn found(element: &ElementHandle) -> Option<Found> {
    (element.accessible_role() == Some(AccessibleRole::Button)).then(|| Found {
        id: element.accessible_id().unwrap_or_default().into(),
        label: plain(&element.accessible_label().unwrap_or_default()),
        enabled: element.accessible_enabled().unwrap_or(true),
        checked: element.accessible_checked().unwrap_or(false),
        area: area(element),
    })
}

/// Every control on the screen, in reading order of the component.
#[must_use]
pub fn controls(app: &App) -> Vec<Found> {
    once(elements(app).iter().filter_map(found))
}

/// One item is several elements of the component tree: each thing once.
fn once<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    all.fold(Vec::new(), |mut seen, one| {
        if !seen.contains(&one) {
            seen.push(one);
        }
        seen
    })
}

/// Labels of everything on the screen that has one, controls included; U+2060 and direction marks taken out.
#[must_use]
pub fn texts(app: &App) -> Vec<String> {
    reads(app).into_iter().map(|read| read.text).chain(controls(app).into_iter().map(|found| found.label)).collect()
}

/// The texts outside controls, with their boxes.
#[must_use]
pub fn reads(app: &App) -> Vec<Read> {
    let all = elements(app);
    let texts = all.iter().filter(|element| element.accessible_role() == Some(AccessibleRole::Text));
    let reads =
        texts.map(|element| Read { text: plain(&element.accessible_label().unwrap_or_default()), area: area(element) });
    once(reads.filter(|read| !read.text.is_empty()))
}

/// Boxes of all texts that are drawn, those inside controls included.
#[must_use]
pub fn text_boxes(app: &App) -> Vec<Box2> {
    wait(Duration::ZERO);
    let all = ElementQuery::from_root(app).match_descendants().match_inherits("Text").find_all();
    once(all.iter().map(area).filter(|area| area.width > 0.0 && area.height > 0.0))
}

/// The control called `name`: exact id, else exact label, else id without regard to case.
///
/// # Errors
/// Lists the ids that are on the screen.
pub fn find(app: &App, name: &str) -> Result<Found, String> {
    let all = controls(app);
    let by_id = all.iter().find(|found| found.id == name);
    let by_label = || all.iter().find(|found| found.label == name);
    let loosely = || all.iter().find(|found| found.id.to_lowercase() == name.to_lowercase());
    by_id.or_else(by_label).or_else(loosely).cloned().ok_or_else(|| {
        let grey = |found: &Found| if found.enabled { "" } else { " (grey)" };
        let ids: Vec<String> = all.iter().map(|found| format!("{}{}", found.id, grey(found))).collect();
        format!("no control {name:?} on this screen; there are: {}", ids.join(", "))
    })
}

/// Touches the control called `name` in its middle. A disabled or covered one does not react, as for a finger.
///
/// # Errors
/// See [`find`].
pub fn tap(app: &App, name: &str) -> Result<(), String> {
    let area = find(app, name)?.area;
    touch(app, area.x + area.width / 2.0, area.y + area.height / 2.0);
    Ok(())
}

/// A finger at a point, in pixels: press, a moment, release.
pub fn touch(app: &App, x: f32, y: f32) {
    hold(app, x, y, Duration::from_millis(TOUCH_MS));
}

/// A finger that stays at a point for `time`.
pub fn hold(app: &App, x: f32, y: f32, time: Duration) {
    let (position, button) = (LogicalPosition::new(x, y), PointerEventButton::Left);
    let window = app.window();
    window.dispatch_event(WindowEvent::PointerMoved { position });
    window.dispatch_event(WindowEvent::PointerPressed { position, button });
    wait(time);
    window.dispatch_event(WindowEvent::PointerReleased { position, button });
    window.dispatch_event(WindowEvent::PointerExited);
    wait(Duration::ZERO);
}

/// A key of the keypad: `up`, `down`, `enter`, `cancel`, `help`, `erase` or a digit; `staff` of a keyboard plugged in.
///
/// # Errors
/// An unknown word.
pub fn key(app: &App, name: &str) -> Result<(), String> {
    let text: SharedString = match name {
        "up" => Key::UpArrow.into(),
        "down" => Key::DownArrow.into(),
        "enter" => Key::Return.into(),
        "cancel" => Key::Escape.into(),
        "help" => Key::F1.into(),
        "erase" => Key::Backspace.into(),
        "staff" => Key::F10.into(),
        digit if digit.len() == 1 && digit.chars().all(|c| c.is_ascii_digit()) => digit.into(),
        other => return Err(format!("no key {other:?}; there are: up, down, enter, cancel, help, erase, 0 to 9")),
    };
    app.window().dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
    app.window().dispatch_event(WindowEvent::KeyReleased { text });
    wait(Duration::ZERO);
    Ok(())
}

/// Draws the screen into a buffer, as a display would show it.
pub fn draw(app: &App) {
    wait(Duration::ZERO);
    let _ = app.window().take_snapshot();
}

/// Width and height of the window, in pixels.
#[must_use]
pub fn size(app: &App) -> (f32, f32) {
    let size = app.window().size().to_logical(app.window().scale_factor());
    (size.width, size.height)
}

/// The picture that is on the screen, as a PNG file.
///
/// # Errors
/// The renderer or the file system said no.
pub fn snapshot(app: &App, file: &Path) -> Result<(), String> {
    wait(Duration::ZERO);
    let picture = app.window().take_snapshot().map_err(|error| error.to_string())?;
    let out = std::fs::File::create(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut encoder = png::Encoder::new(std::io::BufWriter::new(out), picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(picture.as_bytes()).map_err(|error| error.to_string())
}
