//! The door: a staff number where there is more than one person, then the PIN; and the PIN again before money moves.
//!
//! What the store says of a number it says of every number: nobody learns here which of them are somebody's.

use crate::domain::journey::Flow;
use crate::domain::moment::Tick;
use crate::domain::person::{Insider, StaffNumber};
use crate::domain::screen::Tap;
use crate::domain::screen::staff::PinOf;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::staff::{Gate, Pin, StaffCommand};
use uuid::Uuid;

/// A hash takes well under a second: after this the answer is not waited for.
const CHECK_LIMIT_MS: u64 = 20_000;

/// Digits on their way to the store.
pub(super) struct Asked {
    typed: Pin,
    pub gate: Gate,
    until: Option<Tick>,
}

impl Asked {
    pub const fn new(typed: Pin) -> Self {
        Self { typed, gate: Gate::Closed, until: None }
    }

    pub fn typed(&self) -> u8 {
        u8::try_from(self.typed.digits().len()).unwrap_or(u8::MAX)
    }

    /// Only the lists are missing.
    pub const fn is_open(&self) -> bool {
        matches!(self.gate, Gate::Open(_)) && self.is_checking()
    }

    pub const fn is_checking(&self) -> bool {
        self.until.is_some()
    }

    pub const fn deadline(&self) -> Option<Tick> {
        self.until
    }

    /// The digits, when they are all there and "Next" was touched.
    fn tap(&mut self, tap: Tap) -> Option<Pin> {
        if self.is_checking() || matches!(self.gate, Gate::NoPin | Gate::Locked { .. }) {
            return None;
        }
        if let Tap::Digit(digit) = tap {
            self.typed.push(digit);
            self.gate = Gate::Closed;
        } else if tap == Tap::Erase {
            self.typed.erase();
        } else if tap == Tap::ClearAll {
            self.typed = Pin::default();
        } else if tap == Tap::Next && self.typed.is_whole() {
            return Some(std::mem::take(&mut self.typed));
        }
        None
    }

    fn ask(&mut self, visit: Uuid, command: StaffCommand, kiosk: &mut Kiosk) {
        self.until = Some(kiosk.tick().plus_ms(CHECK_LIMIT_MS));
        kiosk.emit(Effect::StaffArea { visit, command });
    }

    /// Whoever it opens for. An answer to the knock opens nothing, and an answer that came too late neither.
    fn told(&mut self, said: Gate, kiosk: &Kiosk) -> Option<Insider> {
        let was_checking = self.is_checking();
        // Whoever is let in waits for the lists still.
        if !matches!(said, Gate::Open(_)) {
            self.until = None;
        }
        self.gate = match said {
            // As the clocks show it then.
            Gate::Locked { until } => Gate::Locked { until: kiosk.facility.zone.at(&until) },
            said => said,
        };
        match said {
            Gate::Open(insider) => Some(insider).filter(|_| was_checking),
            _not_open => None,
        }
    }

    fn time(&mut self, kiosk: &Kiosk) {
        if self.until.is_some_and(|until| kiosk.tick() >= until) {
            (self.gate, self.until) = (Gate::Unknown, None);
        }
    }
}

/// At the door.
pub(super) struct Door {
    pub asked: Asked,
    /// The number is typed first.
    by_number: bool,
    whose: Option<StaffNumber>,
}

impl Door {
    pub const fn new(typed: Pin) -> Self {
        Self { asked: Asked::new(typed), by_number: false, whose: None }
    }

    pub fn what(&self) -> PinOf {
        if self.by_number && self.whose.is_none() { PinOf::Number } else { PinOf::Door }
    }

    pub fn tap(&mut self, tap: Tap, visit: Uuid, kiosk: &mut Kiosk) -> Flow {
        if matches!(tap, Tap::Back | Tap::Finish) {
            return Flow::End;
        }
        let Some(digits) = self.asked.tap(tap) else { return Flow::Stay };
        if self.what() == PinOf::Number {
            self.whose = std::str::from_utf8(digits.digits()).ok().and_then(StaffNumber::read);
        } else {
            self.asked.ask(visit, StaffCommand::Try { number: self.whose, pin: digits }, kiosk);
        }
        Flow::Stay
    }

    pub fn told(&mut self, said: Gate, kiosk: &Kiosk) -> Option<Insider> {
        match said {
            // What was typed before the answer to the knock may be the number.
            Gate::Number { .. } => (self.by_number, self.whose) = (true, None),
            // Whichever of the two was wrong.
            Gate::Refused => self.whose = None,
            _others => {}
        }
        self.asked.told(said, kiosk)
    }

    pub fn time(&mut self, kiosk: &Kiosk) {
        self.asked.time(kiosk);
    }
}

/// Whoever is inside, once more.
pub(super) struct Again {
    pub asked: Asked,
    who: StaffNumber,
}

/// What came of a touch or an answer.
pub(super) enum Confirmed {
    NotYet,
    /// Not wanted after all.
    Back,
    /// Missed too often: nobody is trusted any more.
    ShutOut,
    Yes,
}

impl Again {
    pub fn new(who: StaffNumber) -> Self {
        Self { asked: Asked::new(Pin::default()), who }
    }

    pub fn tap(&mut self, tap: Tap, visit: Uuid, kiosk: &mut Kiosk) -> Confirmed {
        if matches!(tap, Tap::Back | Tap::Finish) {
            return match self.asked.gate {
                Gate::Locked { .. } => Confirmed::ShutOut,
                _open => Confirmed::Back,
            };
        }
        if let Some(pin) = self.asked.tap(tap) {
            self.asked.ask(visit, StaffCommand::Confirm { who: self.who, pin }, kiosk);
        }
        Confirmed::NotYet
    }

    pub fn told(&mut self, said: Gate, kiosk: &Kiosk) -> Confirmed {
        match self.asked.told(said, kiosk) {
            Some(insider) if insider.number == self.who => Confirmed::Yes,
            Some(_) | None => Confirmed::NotYet,
        }
    }

    pub fn time(&mut self, kiosk: &Kiosk) {
        self.asked.time(kiosk);
    }
}
