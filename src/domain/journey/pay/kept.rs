//! When the journal cannot be written: nothing is lost, nothing is sent twice.

use super::booked::Booked;
use super::{Attempt, Conclusion, End, News, Phase, RETRY_FIRST_MS, RETRY_MOST_MS, Till};
use crate::domain::payment::{AttemptId, Booking, CardTransaction, Entry};
use crate::domain::reason::StaffReason;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::undo::UndoEntry;

impl Till {
    /// These entries could not be made durable; the till is as it was before they were tried.
    /// Nothing after the failed entry was carried out, so no byte of a charge has left. What the journal has `refused`
    /// it will refuse for ever: then people have to look.
    pub fn not_kept(&mut self, failed: &[Entry], refused: bool, kiosk: &mut Kiosk) -> Option<News> {
        if let Some(Entry::Intent { attempt, .. }) = failed.first() {
            // Perhaps the intent was kept and only `Sent` was not: then say that nothing was sent.
            let reason = "the journal could not be written: nothing was sent".to_owned();
            kiosk.emit(Effect::Record(Entry::NotPaid { attempt: *attempt, reason }));
            return self.not_begun(NotPaidWhy::CannotRecord);
        }
        // Of a finished attempt, or of one that ended before it began: until the journal has it, it takes no other.
        if let [entry] = failed
            && self.is_over(entry)
        {
            self.contradictions.retain(|(known, _)| known != entry);
            if refused {
                return None;
            }
            self.contradictions.push_front((entry.clone(), kiosk.tick().plus_ms(RETRY_MOST_MS)));
            return None;
        }
        if let [Entry::Closing(entry)] = failed {
            self.day_not_kept(entry);
            return None;
        }
        let undo = failed.iter().filter_map(undo_of).collect::<Vec<_>>();
        if !undo.is_empty() {
            self.undo_not_kept(undo, refused, kiosk);
            return None;
        }
        let place = failed.iter().find_map(|entry| self.place(attempt_of(entry)?))?;
        if let [Entry::Answered { booking: Booking::Unconfirmed, transaction, .. }] = failed
            && transaction.approved
        {
            self.refuse_unkept(place, kiosk);
            return None;
        }
        if refused {
            return self.never_kept(place, failed, kiosk);
        }
        let attempt: &mut Attempt = &mut self.attempts[place];
        let entries: Vec<Entry> =
            failed.iter().filter(|entry| attempt_of(entry) == Some(attempt.id)).cloned().collect();
        let conclusion = attempt.conclusion_of(&entries, &self.booked, kiosk);
        let wait_ms = match &attempt.phase {
            Phase::Unkept { wait_ms, .. } => (wait_ms * 2).min(RETRY_MOST_MS),
            Phase::Charging { .. } | Phase::Confirming { .. } | Phase::Doubt { .. } => RETRY_FIRST_MS,
        };
        attempt.doubt_since.get_or_insert(kiosk.tick());
        attempt.phase = Phase::Unkept { entries, conclusion, retry_at: kiosk.tick().plus_ms(wait_ms), wait_ms };
        None
    }

    /// How something ended that the till does not work on any more.
    fn is_over(&self, entry: &Entry) -> bool {
        match entry {
            Entry::NeedsStaff { attempt, .. } | Entry::NotPaid { attempt, .. } => self.place(*attempt).is_none(),
            Entry::Undo(UndoEntry::NotReversed { undo, .. }) => !self.is_undoing(*undo),
            Entry::Intent { .. }
            | Entry::Sent { .. }
            | Entry::Answered { .. }
            | Entry::Committed { .. }
            | Entry::InDoubt { .. }
            | Entry::Evidence { .. }
            | Entry::Undo(_)
            | Entry::Closing(_)
            | Entry::ReceiptPrinted { .. } => false,
        }
    }

    /// The journal will not take it: the booking belongs to another payment, or the row says something else by now. It
    /// goes to staff; if that is refused too, the row is as people have left it and the till lets go of it.
    fn never_kept(&mut self, place: usize, failed: &[Entry], kiosk: &mut Kiosk) -> Option<News> {
        let attempt = &mut self.attempts[place];
        let id = attempt.id;
        if matches!(failed, [.., Entry::NeedsStaff { .. }]) {
            let attempt = self.attempts.remove(place)?;
            let end = End::Staff;
            self.remember(&attempt, &end);
            let Attempt { number, amount, .. } = attempt;
            return Some(News { attempt: Some(id), number, amount, watched: self.watched && place == 0, end });
        }
        let reason = StaffReason::Contradiction;
        let doubt = Entry::InDoubt { attempt: id, reason: reason.to_string() };
        let transaction = failed.iter().find_map(transaction_of);
        let staff = Entry::NeedsStaff { attempt: id, reason, transaction };
        attempt.phase = Phase::Unkept {
            entries: vec![doubt, staff],
            conclusion: Conclusion::Staff,
            retry_at: kiosk.tick(),
            wait_ms: RETRY_FIRST_MS,
        };
        None
    }

    /// Tried until it is durable; see [`Till::not_kept`].
    pub(super) fn tell_staff(&mut self, kiosk: &mut Kiosk) {
        if self.contradictions.front().is_some_and(|(_, due)| kiosk.tick() >= *due)
            && let Some((entry, _)) = self.contradictions.pop_front()
        {
            kiosk.emit(Effect::Record(entry));
        }
    }
}

impl Attempt {
    /// What a list of entries comes to, read from its last one. A refusal's reason is judged again.
    fn conclusion_of(&self, entries: &[Entry], booked: &Booked, kiosk: &Kiosk) -> Conclusion {
        match entries {
            [.., Entry::Committed { transaction, .. }] => Conclusion::Paid(transaction.clone()),
            [Entry::Answered { transaction, .. }, Entry::NotPaid { .. }] => {
                self.judge(transaction, false, booked, kiosk).1
            }
            [.., Entry::NotPaid { .. }] => Conclusion::NotPaid(NotPaidWhy::Checked),
            [.., Entry::NeedsStaff { .. }] => Conclusion::Staff,
            [
                ..,
                Entry::Intent { .. }
                | Entry::Sent { .. }
                | Entry::Answered { .. }
                | Entry::InDoubt { .. }
                | Entry::Evidence { .. }
                | Entry::Undo(_)
                | Entry::Closing(_)
                | Entry::ReceiptPrinted { .. },
            ]
            | [] => Conclusion::Doubt,
        }
    }
}

fn undo_of(entry: &Entry) -> Option<UndoEntry> {
    if let Entry::Undo(undo) = entry { Some(undo.clone()) } else { None }
}

const fn attempt_of(entry: &Entry) -> Option<AttemptId> {
    match entry {
        Entry::Intent { attempt, .. }
        | Entry::Sent { attempt }
        | Entry::Answered { attempt, .. }
        | Entry::Committed { attempt, .. }
        | Entry::NotPaid { attempt, .. }
        | Entry::InDoubt { attempt, .. }
        | Entry::NeedsStaff { attempt, .. }
        | Entry::Evidence { attempt, .. }
        | Entry::ReceiptPrinted { attempt } => Some(*attempt),
        Entry::Undo(_) | Entry::Closing(_) => None,
    }
}

/// An approval that these entries tell of; it may be another payment's, and people should see which.
fn transaction_of(entry: &Entry) -> Option<Box<CardTransaction>> {
    match entry {
        Entry::Answered { transaction, .. } | Entry::Committed { transaction, .. } if transaction.approved => {
            Some(transaction.clone())
        }
        Entry::Answered { .. }
        | Entry::Committed { .. }
        | Entry::Intent { .. }
        | Entry::Sent { .. }
        | Entry::NotPaid { .. }
        | Entry::InDoubt { .. }
        | Entry::NeedsStaff { .. }
        | Entry::Evidence { .. }
        | Entry::Undo(_)
        | Entry::Closing(_)
        | Entry::ReceiptPrinted { .. } => None,
    }
}
