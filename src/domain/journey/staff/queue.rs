//! Requests the hospital refused: sent again, or closed because people entered them there by hand.
//!
//! Each act is two touches at least, and closing three: it cannot be taken back. Then the row is done with until the
//! lists are read anew, so a second touch finds nothing to act on; the store looks once more whether it is parked.

use super::act::{self, Act};
use super::{Page, Staff};
use crate::domain::journey::Flow;
use crate::domain::screen::Tap;
use crate::domain::screen::staff::{ParkedDone, RequestQuestion};
use crate::domain::session::kiosk::Kiosk;
use crate::domain::staff::{AuditEntry, Entered, Parked, StaffAct, StaffCommand};
use uuid::Uuid;

impl Staff {
    pub(super) fn tap_queue(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        if let Tap::Row(row) = tap {
            let parked = self.parked_rows().get(usize::from(row)).filter(|row| self.done(row.id).is_none()).cloned();
            if let Some(parked) = parked {
                let parked = Box::new(parked);
                self.open(Page::Request { parked, asked: RequestQuestion::End, chosen: None }, kiosk);
            }
        } else if tap == Tap::Back {
            self.open(Page::Home, kiosk);
        } else if tap == Tap::TryAgain {
            self.done.clear();
            self.look_again(kiosk);
        }
        Flow::Stay
    }

    /// Of a queue that is held, looking again is not all that is wanted.
    fn look_again(&self, kiosk: &mut Kiosk) {
        let held = self.lists.as_ref().is_some_and(|lists| lists.queue.waiting > 0 && lists.queue.held_until.is_some());
        if held {
            let said = "ordered: what waits is tried now";
            self.commit((StaffAct::Retry, String::new(), said), Act::TryNow, kiosk);
        } else {
            self.look(kiosk);
        }
    }

    pub(super) fn tap_request(&mut self, tap: Tap, kiosk: &mut Kiosk) -> Flow {
        let Page::Request { parked, asked, chosen } = &mut self.page else { return Flow::Stay };
        if let Tap::Row(row) = tap {
            *chosen = (usize::from(row) < asked.count()).then_some(row);
        } else if tap == Tap::Back {
            match asked {
                RequestQuestion::End => self.open(Page::Queue, kiosk),
                RequestQuestion::Evidence => (*asked, *chosen) = (RequestQuestion::End, None),
            }
        } else if let (Tap::Next, Some(row)) = (tap, *chosen) {
            let request = parked.id;
            match (*asked, row) {
                (RequestQuestion::End, 0) => self.act_on(request, Ending::SendAgain, kiosk),
                (RequestQuestion::End, _by_hand) => (*asked, *chosen) = (RequestQuestion::Evidence, None),
                (RequestQuestion::Evidence, row) => {
                    let evidence = Entered::ALL.get(usize::from(row)).copied().unwrap_or(Entered::DeskSaid);
                    self.act_on(request, Ending::Close(evidence), kiosk);
                }
            }
        }
        Flow::Stay
    }

    fn act_on(&self, request: Uuid, ending: Ending, kiosk: &mut Kiosk) {
        let who = self.who();
        let (act, said, command, done) = match ending {
            Ending::SendAgain => {
                (StaffAct::Retry, "ordered".to_owned(), StaffCommand::Retry { who, request }, ParkedDone::SentAgain)
            }
            Ending::Close(evidence) => (
                StaffAct::CloseRequest,
                format!("ordered: {}", evidence.words()),
                StaffCommand::Close { who, request, evidence },
                ParkedDone::Closed,
            ),
        };
        let entry = AuditEntry::new(who, act, request.to_string(), said);
        act::commit(entry.changing("parked", ""), None, Act::Request { request, command, done }, kiosk);
    }

    /// Nothing can be chosen any more for what is not parked any more.
    pub(super) fn leave_request_that_went(&mut self) {
        if let Page::Request { parked, .. } = &self.page
            && self.lists.is_some()
            && !self.parked_rows().iter().any(|row| row.id == parked.id)
        {
            self.page = Page::Queue;
        }
    }

    fn parked_rows(&self) -> &[Parked] {
        self.lists.as_ref().map(|lists| lists.queue.parked_rows.as_slice()).unwrap_or_default()
    }

    /// What was done with it in this visit, as long as the lists may not show it.
    pub(super) fn done(&self, request: Uuid) -> Option<ParkedDone> {
        self.done.iter().find(|(done, _)| *done == request).map(|(_, how)| *how)
    }
}

#[derive(Clone, Copy)]
enum Ending {
    SendAgain,
    Close(Entered),
}
