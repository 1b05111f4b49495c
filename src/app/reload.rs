//! The hospital's configuration read again, on SIGHUP (`systemctl reload`): prices, hours, desks, texts, rules. With a fault in it
//! the old one goes on. What belongs to the machine itself (devices, server, store, display) holds from the next start.

use super::event_loop::Inputs;
use crate::config::{Config, Fault};
use crate::domain::session::Input;
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

/// Until the runtime ends. `read` reads the configuration.
///
/// # Errors
/// Signals cannot be listened for.
pub fn on_hangup(
    read: impl Fn() -> Result<Config, Vec<Fault>> + Clone + Send + 'static,
    desk: Inputs,
    runtime: &Handle,
) -> io::Result<()> {
    let _inside = runtime.enter();
    let mut hangups = signal(SignalKind::hangup())?;
    runtime.spawn(async move {
        while hangups.recv().await.is_some() {
            // Reading waits for the disk.
            match tokio::task::spawn_blocking(read.clone()).await {
                Ok(Ok(config)) => {
                    tracing::info!(
                        "the configuration was read again: the hospital's files hold from the next visit on"
                    );
                    for warning in &config.warnings {
                        tracing::warn!("{warning}");
                    }
                    desk.send(Input::Facility(Arc::new(config.facility)));
                }
                Ok(Err(faults)) => {
                    for fault in faults {
                        tracing::error!("{fault}");
                    }
                    tracing::error!("the configuration has faults, and the one before goes on");
                }
                Err(error) => tracing::error!(%error, "the configuration could not be read"),
            }
        }
    });
    Ok(())
}
