//! A screen without glass (Xvfb) with real keys and a real pointer (xdotool), and eyes on it: the server's frame buffer
//! lies in a file, and a control is pressed once it looks there as the headless kiosk drew it.

use hospital_kiosk::rehearsal::headless::Box2;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub const SIZE: (u32, u32) = (1080, 1920);
const PATIENCE: Duration = Duration::from_mins(1);
const BYTES_PER_PIXEL: usize = 4;
/// Of the same pixel in two renderings of one control: what a focus ring or a shade may differ in.
const SHADE_MAX: u8 = 40;
const DIFFERENT_PERCENT_MAX: usize = 8;

/// A clock or a seconds count changes fewer pixels of a thousand, a step of the walk more.
const CHANGED_PERMILLE_MIN: usize = 3;
const SCREEN_BYTES: usize = SIZE.0 as usize * SIZE.1 as usize * BYTES_PER_PIXEL;

/// `text` with `from`, which must be there once, replaced.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?} is not once in the shipped file");
    text.replacen(from, to, 1)
}

/// `text` with the value of `key`, which must be set once, replaced: whatever is shipped there today.
pub fn with_value(text: &str, key: &str, value: &str) -> String {
    let is_it = |line: &&str| line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
    let line = text.lines().find(is_it).unwrap_or_else(|| panic!("{key} is not set in the shipped file"));
    replaced(text, &format!("\n{line}\n"), &format!("\n{key} = {value}\n"))
}

/// An X server of our own, gone when dropped.
pub struct Screen {
    server: Child,
    pub display: String,
    frame_buffer: PathBuf,
    _folder: tempfile::TempDir,
}

/// A control as the headless kiosk shows it.
pub struct Target {
    pub id: String,
    pub area: Box2,
    /// The whole screen in RGBA while the control could be pressed.
    pub picture: Vec<u8>,
}

impl Screen {
    pub fn open() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{}x{}x24", SIZE.0, SIZE.1))
            .arg("-fbdir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb is needed: `make kill` installs it");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut number).expect("a display number");
        assert!(!number.trim().is_empty(), "Xvfb did not start");
        let screen = Self {
            server,
            display: format!(":{}", number.trim()),
            frame_buffer: folder.path().join("Xvfb_screen0"),
            _folder: folder,
        };
        screen.xdotool(&["getdisplaygeometry"]);
        screen
    }

    /// Presses `target` with the pointer, once it is to be seen, and waits for what comes of it.
    pub fn click(&self, target: &Target) -> Result<(), String> {
        let (x, y) = (target.area.x + target.area.width / 2.0, target.area.y + target.area.height / 2.0);
        let (x, y) = (x.round().to_string(), y.round().to_string());
        // The pointer goes away again: nothing is to hover where the next control appears.
        self.press(
            target,
            &["mousemove", &x, &y, "mousedown", "1", "sleep", "0.05", "mouseup", "1", "mousemove", "0", "0"],
        )
    }

    /// Keys by their X names, one after the other, once `target` is to be seen; the last changes the screen.
    pub fn keys(&self, target: &Target, names: &[&str]) -> Result<(), String> {
        let Some((last, first)) = names.split_last() else { return Ok(()) };
        if !first.is_empty() {
            self.wait_for(target)?;
            self.xdotool(&[&["key", "--delay", "40"], first].concat());
            sleep(Duration::from_millis(200));
        }
        self.press(target, &["key", last])
    }

    fn press(&self, target: &Target, arguments: &[&str]) -> Result<(), String> {
        self.wait_for(target)?;
        let before = self.pixels();
        self.xdotool(arguments);
        let end = Instant::now() + PATIENCE;
        let mut changed = 0;
        // Twice in a row: a control that only looks pressed looks so for a moment.
        while changed < 2 {
            if Instant::now() > end {
                return Err(format!("{:?} was pressed and nothing came of it", target.id));
            }
            sleep(Duration::from_millis(60));
            changed = if another_screen(&before, &self.pixels()) { changed + 1 } else { 0 };
        }
        Ok(())
    }

    fn wait_for(&self, target: &Target) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        loop {
            let different = self.different_percent(target);
            if different <= DIFFERENT_PERCENT_MAX {
                // The double tap guard: a touch right after a change of screen is not taken.
                sleep(Duration::from_millis(200));
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{:?} was never to be seen: {different} % of it differ", target.id));
            }
            sleep(Duration::from_millis(30));
        }
    }

    /// BGRX, from the top left.
    fn pixels(&self) -> Vec<u8> {
        let mut shown = std::fs::read(&self.frame_buffer).unwrap_or_default();
        // XWD: a header and a colour map, whose sizes its fields tell, and then the pixels to the end.
        let head = shown.len().saturating_sub(SCREEN_BYTES);
        shown.drain(..head);
        shown.resize(SCREEN_BYTES, 0);
        shown
    }

    fn different_percent(&self, target: &Target) -> usize {
        let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
        let pixels = self.pixels();
        let (left, top) = (pixel(target.area.x), pixel(target.area.y));
        let (right, bottom) = (pixel(target.area.x + target.area.width), pixel(target.area.y + target.area.height));
        let mut different = 0;
        for y in top..bottom.min(height) {
            for x in left..right.min(width) {
                let at = (y * width + x) * BYTES_PER_PIXEL;
                let (seen, wanted) = (&pixels[at..at + 3], &target.picture[at..at + 3]);
                let apart = |shown: u8, drawn: u8| shown.abs_diff(drawn) > SHADE_MAX;
                let differs = apart(seen[0], wanted[2]) || apart(seen[1], wanted[1]) || apart(seen[2], wanted[0]);
                different += usize::from(differs);
            }
        }
        different * 100 / ((right - left) * (bottom - top)).max(1)
    }

    fn xdotool(&self, arguments: &[&str]) {
        let done = Command::new("xdotool").env("DISPLAY", &self.display).args(arguments).output();
        let done = done.expect("xdotool is needed: `make kill` installs it");
        assert!(done.status.success(), "xdotool {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn another_screen(before: &[u8], after: &[u8]) -> bool {
    let row_bytes = SIZE.0 as usize * BYTES_PER_PIXEL;
    let rows = before.chunks(row_bytes).zip(after.chunks(row_bytes)).filter(|(before, after)| before != after);
    let different = |(before, after): (&[u8], &[u8])| {
        before
            .chunks(BYTES_PER_PIXEL)
            .zip(after.chunks(BYTES_PER_PIXEL))
            .filter(|(before, after)| before != after)
            .count()
    };
    rows.map(different).sum::<usize>() * 1000 / (SCREEN_BYTES / BYTES_PER_PIXEL) >= CHANGED_PERMILLE_MIN
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place on the screen")]
fn pixel(place: f32) -> usize {
    place.max(0.0).round() as usize
}

/// The dots of a screenshot, RGBA.
pub fn picture(file: &Path) -> Vec<u8> {
    let mut reader =
        png::Decoder::new(BufReader::new(File::open(file).expect("a screenshot"))).read_info().expect("png");
    let mut dots = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut dots).expect("a picture");
    assert_eq!((info.width, info.height), SIZE);
    dots
}
