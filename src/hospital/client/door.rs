//! Whether this kiosk is let in at the hospital at all: by the server, which knows its client id, and by what stands before it,
//! which knows its certificate. A kiosk that is kept out looks well otherwise: something answers.

use super::http::HttpAnswer;
use super::trouble::is_away;
use crate::domain::outbox::Delivery;
use crate::domain::reason::BeforeServer;
use std::sync::atomic::{AtomicU8, Ordering};

/// What is asked and what is sent may go by different rules, so each has its own word.
#[derive(Default)]
pub struct Door {
    asking: Known,
    sending: Known,
}

/// 0: nothing yet, 1: let in, 2: kept out.
#[derive(Default)]
struct Known(AtomicU8);

impl Known {
    /// True if that is news.
    fn set(&self, let_in: bool) -> bool {
        let now = if let_in { 1 } else { 2 };
        let before = self.0.swap(now, Ordering::Relaxed);
        before != now && (before != 0 || !let_in)
    }

    fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            known => Some(known == 1),
        }
    }
}

impl Door {
    pub fn answered(&self, answer: &HttpAnswer) {
        let status = answer.status;
        if matches!(status, 300..=399 | 401 | 403 | 407) || (answer.is_page() && !is_away(status)) {
            if self.asking.set(false) {
                tracing::error!("{}", BeforeServer(status));
            }
        } else if answer.is_fhir() && self.asking.set(true) {
            tracing::info!("this kiosk is let in at the hospital's server again");
        }
    }

    pub fn tried(&self, delivery: &Delivery) {
        match delivery {
            Delivery::Hold { .. } => drop(self.sending.set(false)),
            Delivery::Done { .. } | Delivery::Part { .. } | Delivery::Park { .. } => drop(self.sending.set(true)),
            Delivery::Later { .. } | Delivery::Busy { .. } => {}
        }
    }

    /// `None` before anything was heard.
    pub fn lets_in(&self) -> Option<bool> {
        match (self.asking.get(), self.sending.get()) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (None, None) => None,
            _ => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::Content;
    use super::*;
    use crate::domain::reason::KeptOut;

    #[test]
    fn kept_out_is_told_from_let_in_and_from_nothing_known() {
        let answer = |status, content| HttpAnswer { content, ..HttpAnswer::bare(status) };
        let door = Door::default();
        assert_eq!(door.lets_in(), None);
        door.answered(&answer(503, Content::Page));
        assert_eq!(door.lets_in(), None, "who is away keeps nobody out");
        for (status, content, lets_in) in [
            (200, Content::Resource, true),
            (400, Content::Page, false),
            (503, Content::Page, false),
            (404, Content::Resource, true),
            (403, Content::Resource, false),
            (200, Content::Resource, true),
            (200, Content::Page, false),
            (200, Content::Resource, true),
            (302, Content::Nothing, false),
            (400, Content::Resource, true),
        ] {
            door.answered(&answer(status, content));
            assert_eq!(door.lets_in(), Some(lets_in), "{status}");
        }
        door.tried(&Delivery::Hold { reason: KeptOut::Before(BeforeServer(403)) });
        door.answered(&answer(200, Content::Resource));
        assert_eq!(door.lets_in(), Some(false), "it may ask, and send nothing");
        door.tried(&Delivery::Done { note: None });
        assert_eq!(door.lets_in(), Some(true));
    }
}
