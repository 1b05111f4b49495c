//! What is to be seen now: the journey's screen, or what lies over it.

use super::kiosk::Kiosk;
use super::run::{Core, Overlay, Stage};
use crate::domain::screen::{Mode, Modes, Notice, Screen, Service, ServiceRow, UnavailableWhy, View};

const SERVICES: [Service; 4] = [Service::CheckIn, Service::Documents, Service::Reprint, Service::Information];

impl Core {
    pub(super) fn view(&self) -> View {
        View {
            language: self.kiosk.language,
            modes: self.modes,
            step: self.step(),
            start_over: !self.is_paying(),
            screen: self.screen(),
        }
    }

    fn screen(&self) -> Screen {
        if let Some(until) = self.still_here {
            let total = crate::domain::journey::seconds(self.kiosk.facility.timing.warning_ms);
            return Screen::StillHere { seconds_left: self.kiosk.tick().seconds_until(until), seconds_total: total };
        }
        match self.overlay {
            Some(Overlay::Language) => self.language_screen(),
            Some(Overlay::EasyAccess) => Screen::EasyAccess,
            Some(Overlay::Help) => {
                Screen::Help { desk: self.kiosk.help_desk(), emergency: self.kiosk.facility.emergency.clone() }
            }
            Some(Overlay::Notice(page)) => Screen::Notice(self.kiosk.notice(page)),
            None => self.stage_screen(),
        }
    }

    fn stage_screen(&self) -> Screen {
        match &self.stage {
            Stage::Idle if self.is_closed() => Screen::OutOfService { desk: self.kiosk.help_desk() },
            Stage::Idle => Screen::Idle,
            Stage::Language => self.language_screen(),
            Stage::Services => Screen::Services { rows: SERVICES.map(|service| self.row(service)).to_vec() },
            Stage::Journey(journey) => journey.screen(&self.kiosk, &self.till, self.clears()),
        }
    }

    fn language_screen(&self) -> Screen {
        let chosen = !matches!(self.stage, Stage::Language);
        Screen::Language {
            offered: self.kiosk.facility.languages.clone(),
            current: chosen.then_some(self.kiosk.language),
        }
    }

    fn row(&self, service: Service) -> ServiceRow {
        ServiceRow { service, unavailable: unavailable(service, &self.kiosk) }
    }

    fn step(&self) -> Option<(u8, u8)> {
        if self.still_here.is_some() || self.overlay.is_some() {
            return None;
        }
        match &self.stage {
            Stage::Journey(journey) => journey.step(),
            Stage::Idle | Stage::Language | Stage::Services => None,
        }
    }
}

/// Check-in, the state of a payment and information need no device: all can be read from the screen. Nothing here tells
/// whether there is a payment.
pub(super) fn unavailable(service: Service, kiosk: &Kiosk) -> Option<UnavailableWhy> {
    match service {
        Service::CheckIn | Service::Reprint | Service::Information => None,
        Service::Documents => kiosk.cannot_print(),
    }
}

impl Kiosk {
    fn notice(&self, page: u8) -> Notice {
        let (today, facility) = (self.today(), &self.facility);
        let (version, text, since) = facility.consent_on(today);
        let next = facility.privacy.announced_on(today);
        Notice {
            text: text.clone(),
            more: facility.privacy.more.clone(),
            version: version.to_owned(),
            since,
            next: next.map(|next| (next.version.clone(), next.from)),
            page,
        }
    }
}

pub(super) fn toggle(modes: &mut Modes, mode: Mode) {
    let switch = match mode {
        Mode::Large => &mut modes.large,
        Mode::Contrast => &mut modes.contrast,
        Mode::LowReach => &mut modes.low_reach,
        Mode::Slow => &mut modes.slow,
    };
    *switch = !*switch;
}
