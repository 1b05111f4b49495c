//! `[watch]`: what the hospital's monitoring may read.

use super::read::{Or, Section};
use std::net::SocketAddr;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Where the kiosk answers; `None`: nowhere.
    pub address: Option<SocketAddr>,
}

impl Watch {
    pub(super) fn read(section: Section<'_>) -> Self {
        let text = section.text("address", Or::Default(""));
        let address = text.parse::<SocketAddr>();
        match &address {
            _ if text.is_empty() => {}
            Ok(address) if address.ip().is_loopback() => {}
            Ok(_) => section.fault(
                "address",
                "it is served without a password, so only to this machine itself",
                "\"127.0.0.1:9464\", and on this machine an agent that passes it on",
            ),
            Err(_) => {
                section.fault("address", "this is no address with a port", "\"127.0.0.1:9464\", or \"\" for none");
            }
        }
        section.finish();
        Self { address: address.ok() }
    }
}
