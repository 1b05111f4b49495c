//! When the journal cannot be written: nothing is lost, nothing is sent twice.

use super::{Attempt, Conclusion, News, Phase, RETRY_FIRST_MS, RETRY_MOST_MS, Till};
use crate::domain::payment::{AttemptId, Entry};
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;

impl Till {
    /// These entries could not be made durable; the till is as it was before they were tried.
    /// Nothing after the failed entry was carried out, so no byte of a charge has left.
    pub fn not_kept(&mut self, failed: &[Entry], kiosk: &mut Kiosk) -> Option<News> {
        if let Some(Entry::Intent { attempt, .. }) = failed.first() {
            // Perhaps the intent was kept and only `Sent` was not: then say that nothing was sent.
            let reason = "the journal could not be written: nothing was sent".to_owned();
            kiosk.emit(Effect::Record(Entry::NotPaid { attempt: *attempt, reason }));
            return self.not_begun(NotPaidWhy::CannotRecord);
        }
        if let [entry @ Entry::NeedsStaff { attempt, .. }] = failed
            && self.place(*attempt).is_none()
        {
            self.contradictions.retain(|(known, _)| known != entry);
            self.contradictions.push_front((entry.clone(), kiosk.tick().plus_ms(RETRY_MOST_MS)));
            return None;
        }
        let place = failed.iter().find_map(|entry| self.place(attempt_of(entry)))?;
        let attempt: &mut Attempt = &mut self.attempts[place];
        let entries: Vec<Entry> = failed.iter().filter(|entry| attempt_of(entry) == attempt.id).cloned().collect();
        let conclusion = conclusion_of(&entries);
        let wait_ms = match &attempt.phase {
            Phase::Unkept { wait_ms, .. } => (wait_ms * 2).min(RETRY_MOST_MS),
            Phase::Charging { .. } | Phase::Doubt { .. } => RETRY_FIRST_MS,
        };
        attempt.doubt_since.get_or_insert(kiosk.tick());
        attempt.phase = Phase::Unkept { entries, conclusion, retry_at: kiosk.tick().plus_ms(wait_ms), wait_ms };
        None
    }
}

/// What a list of entries comes to, read from its last one.
fn conclusion_of(entries: &[Entry]) -> Conclusion {
    match entries.last() {
        Some(Entry::Committed { transaction, .. }) => Conclusion::Paid(transaction.clone()),
        Some(Entry::NotPaid { .. }) => Conclusion::NotPaid(NotPaidWhy::Checked),
        Some(Entry::NeedsStaff { .. }) => Conclusion::Staff,
        Some(
            Entry::Intent { .. }
            | Entry::Sent { .. }
            | Entry::Answered { .. }
            | Entry::InDoubt { .. }
            | Entry::ReceiptPrinted { .. },
        )
        | None => Conclusion::Doubt,
    }
}

const fn attempt_of(entry: &Entry) -> AttemptId {
    match entry {
        Entry::Intent { attempt, .. }
        | Entry::Sent { attempt }
        | Entry::Answered { attempt, .. }
        | Entry::Committed { attempt, .. }
        | Entry::NotPaid { attempt, .. }
        | Entry::InDoubt { attempt, .. }
        | Entry::NeedsStaff { attempt, .. }
        | Entry::ReceiptPrinted { attempt } => *attempt,
    }
}
