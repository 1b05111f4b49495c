//! A simulated card terminal at the far end of a pty, or on this machine's network, speaking its protocol's real bytes.
//!
//! [`model`] is a Smartro TL terminal itself, [`zvt`] one that speaks ZVT. Both are pure: bytes and milliseconds in, bytes
//! out, and their own books of what the card company has booked. [`SimTerminal`] gives one a thread and a line.

pub mod model;
mod sale;
pub mod setup;
pub mod zvt;

use crate::domain::money::Amount;
use crate::rehearsal::pty::Pty;
pub use model::Booking;
use model::Model;
pub use model::Out;
pub use setup::{CardAction, Fault, Setup};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the terminal listens before it looks at its own plans.
const TURN: Duration = Duration::from_millis(10);
const BETWEEN_BYTES: Duration = Duration::from_millis(1);

/// A terminal as a pure value. `now_ms` is any clock that never goes back; nothing else tells it the time.
pub trait FarEnd: Send {
    fn bytes(&mut self, bytes: &[u8], now_ms: u64);
    /// Carries out what is due and gives all that is to be sent since the last call.
    fn tick(&mut self, now_ms: u64) -> Vec<Out>;
    /// The kiosk has closed the connection; a serial line tells of nothing like it.
    fn hung_up(&mut self, now_ms: u64);
}

impl FarEnd for Model {
    fn bytes(&mut self, bytes: &[u8], now_ms: u64) {
        Self::bytes(self, bytes, now_ms);
    }

    fn tick(&mut self, now_ms: u64) -> Vec<Out> {
        Self::tick(self, now_ms)
    }

    fn hung_up(&mut self, _now_ms: u64) {}
}

/// Runs until dropped.
pub struct SimTerminal<M = Model> {
    model: Arc<Mutex<M>>,
    stop: Arc<AtomicBool>,
    /// What the model ordered is carried out a turn later.
    plugged_in: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    started: Instant,
}

impl<M: FarEnd + 'static> SimTerminal<M> {
    /// A terminal behind the symlink `link`.
    ///
    /// # Errors
    /// No pty or no thread to be had.
    pub fn run(link: &Path, model: M) -> io::Result<Self> {
        Self::at(Plug::Pty { link: link.to_owned(), pty: Some(Pty::open(link)?) }, model)
    }

    /// A terminal on the network of this machine, and where it listens.
    ///
    /// # Errors
    /// No port or no thread to be had.
    pub fn listen(model: M) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        Ok((Self::at(Plug::Tcp { address, listener: Some(listener), stream: None }, model)?, address))
    }

    fn at(plug: Plug, model: M) -> io::Result<Self> {
        let model = Arc::new(Mutex::new(model));
        let stop = Arc::new(AtomicBool::new(false));
        let started = Instant::now();
        let plugged_in = Arc::new(AtomicBool::new(true));
        let far_end = Line { plug, plugged_in: Arc::clone(&plugged_in), started };
        let (far_model, far_stop) = (Arc::clone(&model), Arc::clone(&stop));
        let thread = std::thread::Builder::new()
            .name("sim-terminal".to_owned())
            .spawn(move || far_end.run(&*far_model, &far_stop))?;
        Ok(Self { model, stop, plugged_in, thread: Some(thread), started })
    }
}

impl<M> SimTerminal<M> {
    /// The terminal itself, between two of its turns.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut M) -> R) -> R {
        use_it(&mut self.lock())
    }

    /// Whether a kiosk finds it now. A terminal that was told to vanish does so a turn later.
    #[must_use]
    pub fn is_plugged_in(&self) -> bool {
        self.plugged_in.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, M> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimTerminal {
    /// A TL terminal behind the symlink `link`. The same `seed` gives the same approval numbers and noise.
    ///
    /// # Errors
    /// No pty or no thread to be had.
    pub fn start(link: &Path, seed: u64) -> io::Result<Self> {
        Self::run(link, Model::new(seed))
    }

    /// Arms the next payment, or the one that waits for a card now, and presents the card.
    pub fn card(&self, action: CardAction) {
        self.lock().card(action);
    }

    /// Cards that were not presented yet never will be.
    pub fn no_cards(&self) {
        self.lock().no_cards();
    }

    /// Makes one mistake at the next opportunity. Several may stand in line.
    pub fn fault(&self, fault: Fault) {
        self.lock().fault(fault);
    }

    /// Changes what the terminal is like.
    pub fn set_up(&self, change: impl FnOnce(&mut Setup)) {
        change(&mut self.lock().setup);
    }

    /// Says these bytes out of turn.
    pub fn talk(&self, bytes: &[u8]) {
        self.lock().talk(bytes);
    }

    /// The line vanishes until [`Self::plug_in`].
    pub fn unplug(&self) {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.lock().unplug(now_ms);
    }

    pub fn plug_in(&self) {
        self.lock().plug_in();
    }

    /// Standing total of the simulated card company, minor units.
    #[must_use]
    pub fn booked(&self) -> Amount {
        self.lock().booked()
    }

    #[must_use]
    pub fn bookings(&self) -> Vec<Booking> {
        self.lock().bookings.clone()
    }

    /// What the card company has given back.
    #[must_use]
    pub fn reversals(&self) -> Vec<Booking> {
        self.lock().reversals().to_vec()
    }

    /// How many `B` frames ever arrived.
    #[must_use]
    pub fn charges_seen(&self) -> usize {
        self.lock().charges_seen()
    }

    /// The job codes of the good frames that arrived lately, in order.
    #[must_use]
    pub fn requests_seen(&self) -> Vec<u8> {
        self.lock().requests.clone()
    }
}

impl<M> Drop for SimTerminal<M> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Where the kiosk finds it.
enum Plug {
    Pty { link: PathBuf, pty: Option<Pty> },
    Tcp { address: SocketAddr, listener: Option<TcpListener>, stream: Option<TcpStream> },
}

struct Line {
    plug: Plug,
    plugged_in: Arc<AtomicBool>,
    started: Instant,
}

/// What came, and whether the kiosk has hung up since.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    ended: bool,
}

impl Line {
    fn run<M: FarEnd>(mut self, model: &Mutex<M>, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let heard = self.plug.hear();
            let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let outs = {
                let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
                model.bytes(&heard.bytes, now_ms);
                if heard.ended {
                    model.hung_up(now_ms);
                }
                model.tick(now_ms)
            };
            for out in outs {
                self.plug.carry_out(out);
                self.plugged_in.store(self.plug.is_in(), Ordering::Release);
            }
        }
    }
}

impl Plug {
    fn hear(&mut self) -> Heard {
        let mut buffer = [0; 512];
        match self {
            Self::Pty { pty, .. } => {
                if let Some(Ok(count)) = pty.as_mut().map(|pty| pty.read_some(&mut buffer, TURN)) {
                    return Heard { bytes: buffer[..count].to_vec(), ended: false };
                }
            }
            Self::Tcp { listener, stream, .. } => {
                if let Some(Ok((new, _))) = listener.as_ref().map(TcpListener::accept) {
                    let ended = stream.replace(new).is_some();
                    // No read may wait for longer than a turn.
                    let set_up =
                        stream.as_ref().map(|new| new.set_nonblocking(false).and(new.set_read_timeout(Some(TURN))));
                    return Heard { bytes: Vec::new(), ended: ended || matches!(set_up, Some(Err(_))) };
                }
                match stream.as_mut().map(|stream| stream.read(&mut buffer)) {
                    Some(Ok(count)) if count > 0 => return Heard { bytes: buffer[..count].to_vec(), ended: false },
                    Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => return Heard::default(),
                    Some(Ok(_) | Err(_)) => {
                        *stream = None;
                        return Heard { bytes: Vec::new(), ended: true };
                    }
                    None => {}
                }
            }
        }
        std::thread::sleep(TURN);
        Heard::default()
    }

    const fn is_in(&self) -> bool {
        match self {
            Self::Pty { pty, .. } => pty.is_some(),
            Self::Tcp { listener, .. } => listener.is_some(),
        }
    }

    fn carry_out(&mut self, out: Out) {
        match out {
            Out::Send(bytes) => match self {
                Self::Pty { pty, .. } => {
                    let _ = pty.as_mut().map(|pty| pty.send(&bytes));
                }
                Self::Tcp { stream, .. } => {
                    let _ = stream.as_mut().map(|stream| stream.write_all(&bytes));
                }
            },
            Out::SendSlowly(bytes) => {
                for byte in bytes {
                    self.carry_out(Out::Send(vec![byte]));
                    std::thread::sleep(BETWEEN_BYTES);
                }
            }
            Out::LineDown => match self {
                Self::Pty { pty, .. } => *pty = None,
                Self::Tcp { listener, stream, .. } => (*listener, *stream) = (None, None),
            },
            Out::LineUp => match self {
                Self::Pty { link, pty } => *pty = Pty::open(link).ok(),
                Self::Tcp { address, listener, .. } => {
                    let bound = TcpListener::bind(*address);
                    *listener = bound.and_then(|bound| bound.set_nonblocking(true).map(|()| bound)).ok();
                }
            },
        }
    }
}
