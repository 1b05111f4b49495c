//! What every `port` has in common: where a device hangs.

use super::read::Section;
use std::net::Ipv4Addr;

/// Before the address of a device on the network.
const NETWORK: &str = "tcp:";

/// A device on the network as its section is checked: `example` shows how it is written, `risk` what whoever is on that
/// network can do, `instead` what is safer.
pub(super) fn check(section: &Section<'_>, port: &str, example: &str, risk: &str, instead: &str) {
    match port.strip_prefix(NETWORK) {
        Some(address) if !has_host_and_port(address) => {
            section.fault("port", "this is not a network address", format!("\"{NETWORK}{example}\""));
        }
        Some(address) if !is_this_machine(address) => section.warning("port", risk, instead),
        Some(_) | None => {}
    }
}

pub(super) fn is_on_network(port: &str) -> bool {
    port.starts_with(NETWORK)
}

fn is_this_machine(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost" || host == "[::1]" || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn has_host_and_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0))
}
