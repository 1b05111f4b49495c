//! The hospital line: the bundles byte by byte, each rule of delivery against a hospital that fails on demand, and the
//! one sender with a store in memory.

mod arrivals;
mod chaos;
mod delivery;
mod fixture;
mod fleet;
mod identity;
mod light;
mod look_ups;
mod peer;
mod rates;
mod schedule;
mod small_servers;
mod sync;
mod tls;
mod virtual_time;
mod wire;
