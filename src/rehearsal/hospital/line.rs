//! The wire of the simulated hospital: a listener that can vanish, connections that can break after the work is done.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Below the range from which the system takes ports for outgoing connections: while we are down nobody gets ours.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const PORT_TRIES: u32 = 200;

pub struct Line {
    down: watch::Sender<bool>,
}

impl Line {
    pub fn set_down(&self, down: bool) {
        self.down.send_replace(down);
    }
}

/// Opens a port on loopback.
pub fn open(runtime: &tokio::runtime::Handle) -> io::Result<(Line, SimListener, SocketAddr)> {
    let (down, watched) = watch::channel(false);
    let listener = any_port()?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let _inside = runtime.enter();
    let inner = Some(TcpListener::from_std(listener)?);
    Ok((Line { down }, SimListener { inner, address, down: watched }, address))
}

fn any_port() -> io::Result<std::net::TcpListener> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_TRIES {
        let random = getrandom::u32().map_err(|error| io::Error::other(error.to_string()))?;
        let port = PORTS.start + u16::try_from(random % u32::from(PORTS.end - PORTS.start)).unwrap_or(0);
        match std::net::TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub struct SimListener {
    inner: Option<TcpListener>,
    address: SocketAddr,
    down: watch::Receiver<bool>,
}

impl Listener for SimListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            if *self.down.borrow_and_update() {
                self.inner = None;
                // The hospital itself is gone when its sender is: then nobody comes any more.
                if self.down.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            }
            let Some(listener) = &self.inner else {
                self.inner = TcpListener::bind(self.address).await.ok();
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            tokio::select! {
                Ok((stream, from)) = listener.accept() => {
                    return (Connection { stream, cut: Cut::default(), down: self.down.clone() }, from);
                }
                Ok(()) = self.down.changed() => {}
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Set by a handler: the connection breaks before another byte goes out.
#[derive(Clone, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, SimListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, SimListener>) -> Self {
        stream.io().cut.clone()
    }
}

pub struct Connection {
    stream: TcpStream,
    cut: Cut,
    down: watch::Receiver<bool>,
}

impl Connection {
    fn alive(&self) -> io::Result<()> {
        if self.cut.0.load(Ordering::Relaxed) || *self.down.borrow() {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.alive() {
            Ok(()) => Pin::new(&mut self.stream).poll_read(context, buffer),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.alive() {
            Ok(()) => Pin::new(&mut self.stream).poll_write(context, bytes),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
