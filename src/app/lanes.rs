//! The way to the desk: one queue, in order, in which each kind of input has a bound of its own. Whoever babbles, a code reader,
//! a palm on the glass, a terminal's card slot, fills its own lane and no other: there is always room for what became of money.

use super::event_loop::Message;
use crate::domain::session::Input;
use crate::domain::terminal::TerminalReport;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What waits for the desk shares its bound with what is like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// What became of a charge, an undo or an end of day, and whether one may begin: a terminal says each once, and only when
    /// it is asked.
    Money,
    /// Fingers and keys.
    Touch,
    /// The code reader.
    Code,
    /// A card that comes and goes.
    Slot,
    Printer,
    Hospital,
    Staff,
    /// The clock, and the kiosk's own signs of life.
    Own,
}

impl Lane {
    const ALL: [Self; 8] =
        [Self::Money, Self::Touch, Self::Code, Self::Slot, Self::Printer, Self::Hospital, Self::Staff, Self::Own];

    /// How many of a kind may wait. More than a few of what people do means that nobody reads it, or that nobody meant it.
    const fn most(self) -> usize {
        match self {
            Self::Money => 256,
            Self::Touch | Self::Slot | Self::Printer | Self::Hospital | Self::Staff | Self::Own => 64,
            Self::Code => 16,
        }
    }

    const fn of(message: &Message) -> Self {
        match message {
            Message::Input(input) => Self::of_input(input),
            Message::Staff { .. } | Message::CloseDay { .. } => Self::Staff,
            Message::Pulse { .. } | Message::Pass { .. } => Self::Own,
        }
    }

    const fn of_input(input: &Input) -> Self {
        match input {
            Input::Tapped(_) => Self::Touch,
            Input::Scanned(_) => Self::Code,
            Input::Terminal(
                TerminalReport::Online(_)
                | TerminalReport::CardStillIn
                | TerminalReport::CardSeen
                | TerminalReport::CardRemoved,
            ) => Self::Slot,
            Input::Terminal(
                TerminalReport::Prepared { .. }
                | TerminalReport::NotReady { .. }
                | TerminalReport::Answered { .. }
                | TerminalReport::Confirmed { .. }
                | TerminalReport::Withdrawn { .. }
                | TerminalReport::NoAnswer { .. }
                | TerminalReport::NeverSent { .. }
                | TerminalReport::Outcome { .. }
                | TerminalReport::Undone { .. }
                | TerminalReport::Totals(_)
                | TerminalReport::NoTotals { .. },
            ) => Self::Money,
            Input::Printer(_) => Self::Printer,
            Input::Hospital { .. } | Input::HospitalOnline(_) | Input::Enquired { .. } => Self::Hospital,
            Input::Staff { .. } | Input::CloseDay { .. } | Input::StaffArea { .. } => Self::Staff,
            Input::Clock(_)
            | Input::Facility(_)
            | Input::Deadline
            | Input::Restarted { .. }
            | Input::Unreadable { .. }
            | Input::SetAside(_)
            | Input::CannotWrite(_) => Self::Own,
        }
    }
}

/// Why something was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error("the desk has ended")]
    Ended,
    #[error("too much of its kind waits")]
    Full,
}

/// A message with its place in its lane, which is free again when the desk has taken it out.
struct Waiting {
    message: Message,
    _place: OwnedSemaphorePermit,
}

/// Cheap to clone; for any thread.
#[derive(Clone)]
pub struct Outside {
    queue: UnboundedSender<Waiting>,
    places: Arc<[Arc<Semaphore>; Lane::ALL.len()]>,
}

/// The desk's end.
pub struct Inside(UnboundedReceiver<Waiting>);

#[must_use]
pub fn lanes() -> (Outside, Inside) {
    // Its length is what the lanes let in.
    let (queue, inside) = unbounded_channel();
    let places = Arc::new(Lane::ALL.map(|lane| Arc::new(Semaphore::new(lane.most()))));
    (Outside { queue, places }, Inside(inside))
}

impl Outside {
    /// Never blocks.
    ///
    /// # Errors
    /// Why it was dropped.
    pub fn give(&self, message: Message) -> Result<(), NotTaken> {
        let place = self.lane(&message).try_acquire_owned().map_err(|_| NotTaken::Full)?;
        self.queue.send(Waiting { message, _place: place }).map_err(|_| NotTaken::Ended)
    }

    /// Waits for a place in its lane.
    ///
    /// # Errors
    /// The desk has ended.
    pub async fn give_in_time(&self, message: Message) -> Result<(), NotTaken> {
        let place = self.lane(&message).acquire_owned().await.map_err(|_| NotTaken::Ended)?;
        self.queue.send(Waiting { message, _place: place }).map_err(|_| NotTaken::Ended)
    }

    fn lane(&self, message: &Message) -> Arc<Semaphore> {
        self.places[Lane::of(message) as usize].clone()
    }
}

impl Inside {
    /// The next in order; `None` when nobody is left to send.
    pub async fn next(&mut self) -> Option<Message> {
        self.0.recv().await.map(|waiting| waiting.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::attempt::AttemptId;
    use crate::domain::patient::ScannedCode;
    use crate::domain::screen::Tap;
    use uuid::Uuid;

    fn waiting(inside: &mut Inside) -> Vec<Message> {
        std::iter::from_fn(|| inside.0.try_recv().ok().map(|waiting| waiting.message)).collect()
    }

    fn count(messages: &[Message], is_it: fn(&Input) -> bool) -> usize {
        messages.iter().filter(|message| matches!(message, Message::Input(input) if is_it(input))).count()
    }

    #[test]
    fn each_lane_has_its_own_place_in_the_list() {
        for (place, lane) in Lane::ALL.into_iter().enumerate() {
            assert_eq!(lane as usize, place);
        }
    }

    /// Trust R18: a code reader that babbles, a palm on the glass and a card that wiggles in the slot.
    #[test]
    fn a_flood_never_takes_the_place_of_what_became_of_money() {
        let (outside, mut inside) = lanes();
        let seen = |input: Input| outside.give(Message::Input(input));
        for _ in 0..5_000 {
            let _ = seen(Input::Tapped(Tap::Start));
            let _ = seen(Input::Scanned(ScannedCode::Unknown));
            let _ = seen(Input::Terminal(TerminalReport::CardSeen));
        }
        let attempt = AttemptId(Uuid::new_v4());
        let reason = "no line".to_owned();
        let money = || Input::Terminal(TerminalReport::NoAnswer { attempt, reason: reason.clone() });
        assert_eq!(seen(money()), Ok(()));
        assert_eq!(seen(Input::Tapped(Tap::Start)), Err(NotTaken::Full));
        let messages = waiting(&mut inside);
        assert_eq!(count(&messages, |input| matches!(input, Input::Tapped(_))), Lane::Touch.most());
        assert_eq!(count(&messages, |input| matches!(input, Input::Scanned(_))), Lane::Code.most());
        assert_eq!(count(&messages, |input| matches!(input, Input::Terminal(TerminalReport::CardSeen))), 64);
        assert!(matches!(messages.last(), Some(Message::Input(Input::Terminal(TerminalReport::NoAnswer { .. })))));

        // Read: there is room again.
        assert_eq!(seen(Input::Tapped(Tap::Start)), Ok(()));
        drop(inside);
        assert_eq!(seen(money()), Err(NotTaken::Ended));
    }

    #[test]
    fn what_comes_first_is_read_first_whatever_it_is() {
        let (outside, mut inside) = lanes();
        for input in [Input::Tapped(Tap::Start), Input::Terminal(TerminalReport::CardSeen), Input::Tapped(Tap::Start)] {
            outside.give(Message::Input(input)).expect("room");
        }
        let order: Vec<bool> =
            waiting(&mut inside).iter().map(|message| matches!(message, Message::Input(Input::Tapped(_)))).collect();
        assert_eq!(order, [true, false, true]);
    }
}
