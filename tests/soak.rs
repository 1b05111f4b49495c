//! A kiosk in use: visit after visit in one life of the real process, on days that pass as fast as they are played. What a
//! visit leaves behind (memory, mappings, threads, descriptors) is measured; after the first hundred nothing may grow.
//!
//! `SOAK_VISITS` says how many (`make soak`: 10,000; a few hundred tell of a leak a paper or a visit), `SOAK_PROGRAM` which
//! program becomes the kiosk.

mod measure;
mod visits;

use measure::{Curve, Floor};
use std::env;
use std::time::Duration;
use visits::Lobby;

/// Until caches and heaps have their size.
const WARM_UP: usize = 100;
/// Long beside the second after which the pool lets an idle thread go: only what is kept for good is left then.
const REST: Duration = Duration::from_secs(20);
const SAMPLE: Duration = Duration::from_millis(200);
/// Where nobody says how many.
const SHORT: usize = 220;

/// Nobody comes until the threads that were only lent out have ended: what runs beside a visit is no part of the floor.
fn rest(floor: &mut Floor, lobby: &Lobby) {
    for _ in 0..REST.as_millis() / SAMPLE.as_millis() {
        std::thread::sleep(SAMPLE);
        floor.lower(lobby.process());
    }
}

#[test]
#[ignore = "takes minutes: `make soak`"]
fn visits_leave_nothing_behind() {
    let visits = env::var("SOAK_VISITS").map_or(SHORT, |text| text.parse().expect("SOAK_VISITS is a whole number"));
    let window = (visits / 40).clamp(20, 250);
    let mut lobby = Lobby::open();
    let mut curve = Curve::default();
    let mut floor = Floor::default();
    for number in 1..=visits {
        lobby.visit(number);
        floor.lower(lobby.process());
        if number <= WARM_UP {
            floor = Floor::default();
        } else if number % window == 0 {
            rest(&mut floor, &lobby);
            curve.add(number, &std::mem::take(&mut floor));
            println!("{}", curve.last_line());
        }
    }
    println!("\n{curve}\n{}", lobby.sum());
    lobby.nothing_went_wrong();
    curve.is_flat().unwrap_or_else(|grown| panic!("{grown}\n{curve}"));
}
