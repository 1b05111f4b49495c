//! A simulated ESC/POS receipt printer at the far end of a pty. It takes the real bytes and prints dots.
//!
//! Like a real one it answers real-time questions at once, keeps what it cannot print now, and goes on by itself
//! after the refill. Like no real one it writes down every command that it does not know.

use super::pty::Pty;
use crate::ports::Raster;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The print head: as wide as the widest picture on the paper, of which the widest heads print 832 dots.
const ROW_BYTES_MAX: usize = 104;
/// Of a paper without a picture: 576 dots.
const ROW_BYTES_BLANK: usize = 72;
const PAPER_ROWS_MAX: usize = 40_000;
const FAULTS_MAX: usize = 100;
const LINE_ROWS: usize = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaperState {
    In,
    Out,
    Low,
    /// The cutter is stuck.
    Jam,
}

/// Stops and unplugs when dropped.
pub struct SimPrinter {
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

impl SimPrinter {
    /// Plugged in at `link`, with paper.
    ///
    /// # Errors
    /// No pty to be had, or the link cannot be made.
    pub fn start(link: &Path) -> io::Result<Self> {
        let pty = Pty::open(link)?;
        let shared = Arc::new(Mutex::new(Shared { line: Some(pty), link: link.to_owned(), ..Shared::default() }));
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sim-printer".into()).spawn(move || while step(&worker) {})?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub fn set(&self, paper: PaperState) {
        let mut shared = self.lock();
        shared.machine.paper = paper;
        shared.machine.rows_until_out = None;
    }

    /// The roll ends after so many more rows.
    pub fn run_out_after(&self, rows: usize) {
        self.lock().machine.rows_until_out = Some(rows);
    }

    /// A small buffer: no more bytes are taken from the line while so many wait. 0 = no limit.
    pub fn limit_buffer(&self, bytes: usize) {
        self.lock().buffer_bytes_max = bytes;
    }

    /// Answers noise to every question.
    pub fn talk_garbage(&self, garbage: bool) {
        self.lock().machine.garbage = garbage;
    }

    /// What came out so far: each cut is one paper.
    #[must_use]
    pub fn papers(&self) -> Vec<Raster> {
        self.lock().machine.papers.clone()
    }

    /// Takes away what came out so far.
    #[must_use]
    pub fn take_papers(&self) -> Vec<Raster> {
        std::mem::take(&mut self.lock().machine.papers)
    }

    /// Rows of dots that hang out of the printer uncut.
    #[must_use]
    pub fn rows_uncut(&self) -> usize {
        self.lock().machine.rows.len()
    }

    /// Every command that no printer would have understood.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.lock().machine.faults.clone()
    }

    /// The cable and the power are gone, and with them all that was not printed yet.
    pub fn unplug(&self) {
        let mut shared = self.lock();
        shared.line = None;
        shared.machine.lose_power();
    }

    /// # Errors
    /// No pty to be had.
    pub fn plug_in(&self) -> io::Result<()> {
        let mut shared = self.lock();
        if shared.line.is_none() {
            shared.line = Some(Pty::open(&shared.link)?);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SimPrinter {
    fn drop(&mut self) {
        self.lock().stop = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct Shared {
    line: Option<Pty>,
    link: PathBuf,
    machine: Machine,
    buffer_bytes_max: usize,
    stop: bool,
}

/// Reads what is there, answers, prints. `false` = stop.
fn step(shared: &Mutex<Shared>) -> bool {
    let mut guard = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.stop {
        return false;
    }
    let this = &mut *guard;
    let full = this.buffer_bytes_max > 0 && this.machine.waiting_bytes() >= this.buffer_bytes_max;
    let mut buffer = [0; 4096];
    let room = if this.buffer_bytes_max > 0 { 256 } else { buffer.len() };
    let count = match &mut this.line {
        Some(line) if !full => line.read_some(&mut buffer[..room], Duration::from_millis(1)).unwrap_or(0),
        Some(_) | None => 0,
    };
    let answers = this.machine.turn(&buffer[..count]);
    if let (Some(line), false) = (&mut this.line, answers.is_empty()) {
        let _ = line.send(&answers);
    }
    drop(guard);
    if count == 0 {
        std::thread::sleep(Duration::from_millis(3));
    }
    true
}

/// The printer without its cable, pure: bytes in, answers and paper out.
pub struct Machine {
    pub paper: PaperState,
    /// The roll ends after so many more rows.
    pub rows_until_out: Option<usize>,
    garbage: bool,
    /// Bytes that are not a whole command yet.
    unread: Vec<u8>,
    queue: VecDeque<Action>,
    rows: Vec<Vec<u8>>,
    /// What came out: each cut is one paper.
    pub papers: Vec<Raster>,
    /// Every command that no printer would have understood.
    pub faults: Vec<String>,
    answers: Vec<u8>,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            paper: PaperState::In,
            rows_until_out: None,
            garbage: false,
            unread: Vec::new(),
            queue: VecDeque::new(),
            rows: Vec::new(),
            papers: Vec::new(),
            faults: Vec::new(),
            answers: Vec::new(),
        }
    }
}

/// What waits to be done on paper.
enum Action {
    Picture { row_bytes: usize, dots: Vec<u8> },
    Feed { rows: usize },
    Cut,
    Answer(Queued),
}

enum Queued {
    PaperSensor,
    Drawer,
}

/// A command at the head of the unread bytes.
enum Command {
    Queue(Action),
    Status(u8),
    Clear,
    Nothing,
    Unknown,
}

impl Machine {
    /// Takes these bytes, prints what it can, and answers.
    pub fn turn(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.receive(bytes);
        self.print();
        std::mem::take(&mut self.answers)
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
        while let Some((command, length)) = parse(&self.unread) {
            match command {
                Command::Queue(action) => self.queue.push_back(action),
                Command::Status(n) => self.answer_status(n),
                Command::Nothing => {}
                Command::Unknown => {
                    let bytes = &self.unread[..length.min(4)];
                    if self.faults.len() < FAULTS_MAX {
                        self.faults.push(format!("unknown command {bytes:02X?}"));
                    }
                }
                Command::Clear => {
                    self.queue.clear();
                    self.answers.extend_from_slice(&[0x37, 0x25, 0x00]);
                }
            }
            self.unread.drain(..length);
        }
        // A real-time clear is heard even in the middle of a picture.
        if let Some(at) = self.unread.windows(CLEAR.len()).position(|bytes| bytes == CLEAR) {
            self.queue.clear();
            let rest = self.unread.split_off(at);
            self.unread.clear();
            self.receive(&rest);
        }
    }

    /// What it holds and has not printed.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        let queued = self.queue.iter().map(|action| match action {
            Action::Picture { dots, .. } => dots.len(),
            Action::Feed { .. } | Action::Cut | Action::Answer(_) => 1,
        });
        queued.sum::<usize>() + self.unread.len()
    }

    fn answer_status(&mut self, n: u8) {
        if self.garbage {
            self.answers.extend_from_slice(&[0xFF, 0x00, 0x81]);
            return;
        }
        let (out, low, jam) = self.faults_now();
        let bit = |on: bool, mask: u8| if on { mask } else { 0 };
        self.answers.push(match n {
            1 => 0x12 | bit(out || jam, 0x08),
            2 => 0x12 | bit(out, 0x20) | bit(jam, 0x40),
            3 => 0x12 | bit(jam, 0x08),
            _ => 0x12 | bit(out, 0x60) | bit(low || out, 0x0C),
        });
    }

    fn faults_now(&self) -> (bool, bool, bool) {
        match self.paper {
            PaperState::In => (false, false, false),
            PaperState::Out => (true, false, false),
            PaperState::Low => (false, true, false),
            PaperState::Jam => (false, false, true),
        }
    }

    /// Works through the queue as far as the paper goes.
    fn print(&mut self) {
        while matches!(self.paper, PaperState::In | PaperState::Low) {
            let Some(action) = self.queue.pop_front() else { return };
            match action {
                Action::Picture { row_bytes, dots } => self.draw(row_bytes, &dots),
                Action::Feed { rows } => self.draw(1, &vec![0; rows]),
                Action::Cut => self.cut(),
                Action::Answer(Queued::PaperSensor) => {
                    self.answers.push(if self.paper == PaperState::Low { 0x03 } else { 0x00 });
                }
                Action::Answer(Queued::Drawer) => self.answers.push(0x00),
            }
        }
    }

    fn draw(&mut self, row_bytes: usize, dots: &[u8]) {
        for (index, row) in dots.chunks(row_bytes).enumerate() {
            if self.rows_until_out == Some(0) {
                self.paper = PaperState::Out;
                self.rows_until_out = None;
                let rest = dots[index * row_bytes..].to_vec();
                self.queue.push_front(Action::Picture { row_bytes, dots: rest });
                return;
            }
            self.rows_until_out = self.rows_until_out.map(|rows| rows - 1);
            if self.rows.len() < PAPER_ROWS_MAX {
                self.rows.push(row[..row.len().min(ROW_BYTES_MAX)].to_vec());
            }
        }
    }

    fn cut(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
        let row_bytes = if widest > 1 { widest } else { ROW_BYTES_BLANK };
        for row in &mut rows {
            row.resize(row_bytes, 0);
        }
        if let (Ok(width_dots), Ok(height_dots), false) =
            (u32::try_from(row_bytes * 8), u32::try_from(rows.len()), rows.is_empty())
        {
            self.papers.push(Raster { width_dots, height_dots, rows: rows.concat() });
        }
    }

    fn lose_power(&mut self) {
        self.unread.clear();
        self.queue.clear();
        self.answers.clear();
        self.rows_until_out = None;
    }
}

const CLEAR: [u8; 10] = [0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8];

/// The command at the head of `bytes` and its length; `None` until all of it is there.
#[expect(clippy::match_same_arms, reason = "a table, in the order of the manual")]
fn parse(bytes: &[u8]) -> Option<(Command, usize)> {
    let queue = |action, length| Some((Command::Queue(action), length));
    match bytes {
        [] | [0x1B | 0x1D | 0x10] | [0x10, 0x04 | 0x05] | [0x1D, b'r' | b'V' | b'a'] | [0x1B, b'd' | b'J'] => None,
        [0x1B, b'@', ..] => Some((Command::Nothing, 2)),
        [0x1B, b'd', lines, ..] => queue(Action::Feed { rows: usize::from(*lines) * LINE_ROWS }, 3),
        [0x1B, b'J', rows, ..] => queue(Action::Feed { rows: usize::from(*rows) }, 3),
        [0x0A, ..] => queue(Action::Feed { rows: LINE_ROWS }, 1),
        [0x00, ..] => Some((Command::Nothing, 1)),
        [0x10, 0x04, n @ 1..=4, ..] => Some((Command::Status(*n), 3)),
        [0x10, 0x05, 0..=2, ..] => Some((Command::Nothing, 3)),
        [0x10, 0x14, ..] if CLEAR.starts_with(bytes) && bytes.len() < CLEAR.len() => None,
        [0x10, 0x14, ..] if bytes.starts_with(&CLEAR) => Some((Command::Clear, CLEAR.len())),
        [0x1D, b'a', 0, ..] => Some((Command::Nothing, 3)),
        [0x1D, b'r', 1 | b'1', ..] => queue(Action::Answer(Queued::PaperSensor), 3),
        [0x1D, b'r', 2 | b'2', ..] => queue(Action::Answer(Queued::Drawer), 3),
        [0x1D, b'V', 0 | 1 | b'0' | b'1', ..] => queue(Action::Cut, 3),
        [0x1D, b'V', 65 | 66] => None,
        [0x1D, b'V', 65 | 66, _, ..] => queue(Action::Cut, 4),
        [0x1D, b'v', ..] => parse_picture(bytes),
        [_, ..] => Some((Command::Unknown, 1)),
    }
}

/// `GS v 0 m xL xH yL yH`, then the dots.
fn parse_picture(bytes: &[u8]) -> Option<(Command, usize)> {
    let [_, _, form, size, x_low, x_high, y_low, y_high, dots @ ..] = bytes else { return None };
    let row_bytes = usize::from(u16::from_le_bytes([*x_low, *x_high]));
    let rows = usize::from(u16::from_le_bytes([*y_low, *y_high]));
    if *form != b'0' || *size != 0 {
        return Some((Command::Unknown, 3));
    }
    if row_bytes == 0 || rows == 0 {
        return Some((Command::Nothing, 8));
    }
    let dots = dots.get(..row_bytes * rows)?.to_vec();
    let length = 8 + dots.len();
    Some((Command::Queue(Action::Picture { row_bytes, dots }), length))
}
