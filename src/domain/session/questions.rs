//! Questions to the hospital that have no answer yet. Each has an id that its answer carries: what comes for somebody who has
//! left, or who called it off, is nobody else's, and nobody waits for it.

use crate::domain::limits::LOST_MS;
use crate::domain::moment::Tick;
use uuid::Uuid;

/// Whoever calls off one look-up after another waits once so many are on their way.
const UNANSWERED_MAX: usize = 8;

#[derive(Default)]
pub struct Questions {
    waited_for: Vec<Asked>,
    /// Called off, or left behind.
    left: Vec<Asked>,
}

struct Asked {
    id: Uuid,
    at: Tick,
    /// Whom it is about, where a wrong answer to it counts as a try.
    about: Option<Uuid>,
}

/// Whose question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Of whoever stands here and waits for it.
    Ours,
    /// Of somebody who did not wait; whom it was about, where that counts.
    Left(Option<Uuid>),
    /// Nobody asked, or it was given up as lost.
    Nobodys,
}

impl Questions {
    pub fn asked(&mut self, id: Uuid, about: Option<Uuid>, at: Tick) {
        self.forget_lost(at);
        self.waited_for.push(Asked { id, at, about });
    }

    pub fn answered(&mut self, id: Uuid) -> Whose {
        if take(&mut self.waited_for, id).is_some() {
            return Whose::Ours;
        }
        take(&mut self.left, id).map_or(Whose::Nobodys, |asked| Whose::Left(asked.about))
    }

    /// Nobody waits for the open answers any more.
    pub fn abandon(&mut self) {
        self.left.append(&mut self.waited_for);
    }

    /// When the next question may be asked; now or later.
    pub fn free_at(&self, at: Tick) -> Tick {
        let mut open: Vec<Tick> = self.open().map(|asked| asked.at).collect();
        open.sort_unstable();
        let over = (open.len() + 1).saturating_sub(UNANSWERED_MAX);
        let last_to_go = over.checked_sub(1).and_then(|last| open.get(last));
        last_to_go.map_or(at, |asked_at| asked_at.plus_ms(LOST_MS).max(at))
    }

    /// To be called before asking: after the limit the lost answers are given up.
    pub fn is_free(&mut self, at: Tick) -> bool {
        self.forget_lost(at);
        self.open().count() < UNANSWERED_MAX
    }

    /// Look-ups: a long order that somebody left behind asks many prices, and holds up nobody.
    fn open(&self) -> impl Iterator<Item = &Asked> {
        self.waited_for.iter().chain(&self.left).filter(|asked| asked.about.is_some())
    }

    fn forget_lost(&mut self, at: Tick) {
        for asked in [&mut self.waited_for, &mut self.left] {
            asked.retain(|asked| at.ms_since(asked.at) < LOST_MS);
        }
    }
}

fn take(asked: &mut Vec<Asked>, id: Uuid) -> Option<Asked> {
    let at = asked.iter().position(|asked| asked.id == id)?;
    Some(asked.remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: Option<Uuid> = Some(Uuid::from_u128(7));

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn an_answer_is_whose_question_it_was_in_whatever_order_they_come() {
        let mut questions = Questions::default();
        questions.asked(id(1), ABOUT, Tick(0));
        questions.abandon();
        questions.asked(id(2), None, Tick(10));
        assert_eq!(questions.answered(id(2)), Whose::Ours);
        assert_eq!(questions.answered(id(2)), Whose::Nobodys, "once");
        assert_eq!(questions.answered(id(1)), Whose::Left(ABOUT));
        assert_eq!(questions.answered(id(3)), Whose::Nobodys);
    }

    #[test]
    fn nobody_waits_for_anothers_answer_unless_there_are_too_many() {
        let mut questions = Questions::default();
        for number in 0..7 {
            questions.asked(id(number), ABOUT, Tick(u64::try_from(number).expect("small")));
            questions.abandon();
            assert!(questions.is_free(Tick(10)), "{number}");
            assert_eq!(questions.free_at(Tick(10)), Tick(10));
        }
        for price in 20..40 {
            questions.asked(id(price), None, Tick(7));
            assert!(questions.is_free(Tick(10)), "a price is no look-up");
        }
        questions.asked(id(7), ABOUT, Tick(7));
        assert!(!questions.is_free(Tick(10)));
        assert_eq!(questions.free_at(Tick(10)), Tick(LOST_MS), "the oldest is lost then");
        assert!(questions.is_free(Tick(LOST_MS)));
        assert_eq!(questions.answered(id(0)), Whose::Nobodys, "given up");
    }
}
