//! The hospital line: the bundles byte by byte, each rule of delivery against a hospital that fails on demand, and the
//! one sender with a store in memory.

mod anchors;
mod arrivals;
mod base;
mod bodies;
mod chaos;
mod clock;
mod delivery;
mod fixture;
mod fleet;
mod forms;
mod gateways;
mod hostile;
mod identity;
mod light;
mod look_ups;
mod odd;
mod paging;
mod peer;
mod rates;
mod results;
mod schedule;
mod small_servers;
mod sync;
mod tls;
mod virtual_time;
mod wire;
