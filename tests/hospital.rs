//! The hospital line: the bundles byte by byte, each rule of delivery against a hospital that fails on demand, and the
//! one sender with a store in memory.

mod arrivals;
mod chaos;
mod delivery;
mod fixture;
mod fleet;
mod light;
mod look_ups;
mod peer;
mod sync;
mod virtual_time;
mod wire;
