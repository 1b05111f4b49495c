//! The one event loop. A single task owns the session; everything that happens reaches it through one queue, in order and each
//! kind within its own bound ([`super::lanes`]), and everything it asks for is carried out in order by [`Effects`].

use super::effects::{Effects, Health, Product};
use super::lanes::{Inside, Outside, lanes};
use super::shell;
use crate::domain::attempt::AttemptId;
use crate::domain::moment::Tick;
use crate::domain::order::{StaffAnswer, StaffOrder};
use crate::domain::session::{Input, Session};
use crate::ports::StaffOrders;
use chrono::Timelike;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel as channel_of_answers};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

/// Between two tries to read the journal at start, or to write where nothing could be written.
const JOURNAL_RETRY: Duration = Duration::from_secs(5);

/// What the desk's queue carries.
pub enum Message {
    Input(Input),
    /// About a payment that is read from the journal when its turn has come.
    Staff {
        order_id: Uuid,
        attempt: AttemptId,
        order: StaffOrder,
        answers: Option<Sender<StaffAnswer>>,
    },
    CloseDay {
        order_id: Uuid,
        answers: Sender<StaffAnswer>,
    },
    /// Is anybody there? Answered in its turn.
    Pulse {
        seen: Sender<()>,
    },
    /// Rehearsal only: let `ms` of the kiosk's own time pass, deadline by deadline. `set` moves the clock.
    Pass {
        ms: u64,
        set: Arc<dyn Fn(Tick) + Send + Sync>,
        done: oneshot::Sender<()>,
    },
}

/// Sends to the desk from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Inputs(Outside);

impl Inputs {
    /// Never blocks. What finds no place among its kind is logged and worthless: the session is then seconds behind.
    pub fn send(&self, input: Input) {
        if let Err(why) = self.0.give(Message::Input(input)) {
            tracing::error!("an input was dropped: {why}");
        }
    }

    pub(super) fn staff_order(
        &self,
        order_id: Uuid,
        attempt: AttemptId,
        order: StaffOrder,
        answers: Option<Sender<StaffAnswer>>,
    ) {
        self.give(Message::Staff { order_id, attempt, order, answers });
    }

    fn give(&self, order: Message) {
        if let Err(why) = self.0.give(order) {
            tracing::error!("a staff order was dropped: {why}");
        }
    }

    /// Whether the desk reads what it is sent, and gets so far within the time. Blocks until then.
    #[must_use]
    pub fn answers(&self, within: Duration) -> bool {
        let (seen, answered) = channel_of_answers();
        self.0.give(Message::Pulse { seen }).is_ok() && answered.recv_timeout(within).is_ok()
    }

    /// Lets the kiosk's own time pass and returns when every deadline in between was handled.
    pub async fn pass(&self, ms: u64, set: Arc<dyn Fn(Tick) + Send + Sync>) {
        let (done, finished) = oneshot::channel();
        if self.0.give_in_time(Message::Pass { ms, set, done }).await.is_ok() {
            let _ = finished.await;
        }
    }
}

impl StaffOrders for Inputs {
    fn order(&self, attempt: AttemptId, order: StaffOrder) -> Receiver<StaffAnswer> {
        let (answers, received) = channel_of_answers();
        self.staff_order(Uuid::new_v4(), attempt, order, Some(answers));
        received
    }

    fn close_day(&self) -> Receiver<StaffAnswer> {
        let (answers, received) = channel_of_answers();
        self.give(Message::CloseDay { order_id: Uuid::new_v4(), answers });
        received
    }

    fn payments_opened(&self) {
        self.send(Input::SetAside(None));
    }
}

#[must_use]
pub fn channel() -> (Inputs, Inside) {
    let (outside, inside) = lanes();
    (Inputs(outside), inside)
}

pub struct EventLoop {
    session: Session,
    effects: Effects,
    /// Nothing can be written down, and it is tried again then.
    write_again_at: Option<Instant>,
}

impl EventLoop {
    #[must_use]
    pub fn new(session: Session, effects: Effects) -> Self {
        Self { session, effects, write_again_at: None }
    }

    /// Runs until every sender is gone. Until the journal can be read it is tried again and again, and nobody is served:
    /// what patients touch meanwhile is no wish of the patient who stands there when it can.
    pub async fn run(mut self, mut inputs: Inside) {
        let mut retry_at = self.start().then_some(Instant::now() + JOURNAL_RETRY);
        // Seen with a full disk: the first patients of the day would come before the first full minute.
        self.look_at_disk();
        loop {
            let message = tokio::select! {
                message = inputs.next() => message,
                () = self.until_deadline() => Some(Message::Input(Input::Deadline)),
                () = self.until_next_minute() => {
                    self.effects.set_clock();
                    self.look_at_disk();
                    Some(Message::Input(Input::Clock(self.effects.standing())))
                }
                () = until(self.write_again_at) => {
                    self.try_to_write();
                    continue;
                }
                () = until(retry_at) => {
                    retry_at = self.start().then_some(Instant::now() + JOURNAL_RETRY);
                    continue;
                }
            };
            match message {
                Some(Message::Input(input)) => self.handle(input),
                // Nothing is known of any payment yet: whoever waits hears that nothing was done.
                Some(Message::Staff { .. } | Message::CloseDay { .. }) if retry_at.is_some() => {}
                Some(Message::Staff { order_id, attempt, order, answers }) => {
                    if let Some(answers) = answers {
                        self.effects.wait_for_answer(order_id, answers);
                    }
                    let input = self.effects.staff_input(order_id, attempt, order);
                    self.handle(input);
                }
                Some(Message::CloseDay { order_id, answers }) => {
                    self.effects.wait_for_answer(order_id, answers);
                    self.handle(Input::CloseDay { order_id });
                }
                Some(Message::Pulse { seen }) => {
                    let _ = seen.send(());
                }
                Some(Message::Pass { ms, set, done }) => {
                    self.pass(ms, &*set);
                    let _ = done.send(());
                }
                None => return,
            }
        }
    }

    /// A kiosk that does not know what it left open does nothing, rather than charge beside an open payment or give a
    /// number twice. True if it has to be tried again.
    fn start(&mut self) -> bool {
        // Before the journal: what waits in it may not begin a payment.
        match self.effects.set_aside().and_then(|told| Ok((told, self.effects.restarted()?))) {
            Ok((told, restarted)) => {
                self.handle(told);
                self.handle(restarted);
                self.handle(Input::Clock(self.effects.standing()));
                false
            }
            Err(error) => {
                tracing::error!("the journal cannot be read, nobody is served: {error}");
                self.handle(Input::Unreadable { reason: error.to_string() });
                true
            }
        }
    }

    /// A disk that fills up while nobody is there must not be found full at the end of somebody's visit.
    fn look_at_disk(&mut self) {
        if self.write_again_at.is_none()
            && let Err(error) = self.effects.check_writable(false)
        {
            self.cannot_write(error.to_string());
        }
    }

    fn cannot_write(&mut self, reason: String) {
        if self.write_again_at.is_none() {
            tracing::error!("nothing can be written down, nobody is served: {reason}");
        }
        self.write_again_at = Some(Instant::now() + JOURNAL_RETRY);
        self.handle(Input::CannotWrite(Some(reason)));
    }

    fn try_to_write(&mut self) {
        match self.effects.check_writable(true) {
            Ok(()) => {
                tracing::info!("it can be written down again");
                self.write_again_at = None;
                self.handle(Input::CannotWrite(None));
            }
            Err(error) => self.cannot_write(error.to_string()),
        }
    }

    /// The only thing that wakes a kiosk that nobody uses.
    async fn until_next_minute(&self) {
        let left_s = 60 - self.effects.now().wall.second().min(59);
        tokio::time::sleep(Duration::from_secs(left_s.into())).await;
    }

    async fn until_deadline(&self) {
        match self.session.deadline() {
            Some(deadline) => {
                let wait_ms = deadline.ms_since(self.effects.now().tick);
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            None => std::future::pending().await,
        }
    }

    fn handle(&mut self, input: Input) {
        let mut product = Product { session: &mut self.session, effects: &self.effects, unwritten: None };
        shell::handle(&mut product, input);
        let unwritten = product.unwritten;
        // Not while it is known, or this would call itself for ever.
        if let Some(reason) = unwritten.filter(|_| self.write_again_at.is_none()) {
            return self.cannot_write(reason);
        }
        let (can_write, clock_believed) = (self.write_again_at.is_none(), self.session.believes_clock());
        self.effects.tell_health(Health { can_write, clock_believed });
    }

    fn pass(&mut self, ms: u64, set: &dyn Fn(Tick)) {
        let end = self.effects.now().tick.plus_ms(ms);
        while let Some(deadline) = self.session.deadline().filter(|deadline| *deadline <= end) {
            set(deadline.max(self.effects.now().tick));
            self.handle(Input::Deadline);
        }
        set(end.max(self.effects.now().tick));
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
