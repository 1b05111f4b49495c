//! A doubt: the terminal is asked for its last transaction until it proves something, or staff find out.

use super::{Attempt, Conclusion, News, Next, Phase, Till};
use crate::domain::journey::resolve::{self, Doubted, Testimony, Verdict};
use crate::domain::limits::{ASK_LIMIT_MS, AWAY_LIMIT_MS};
use crate::domain::payment::{AttemptId, Entry, LastTransaction};
use crate::domain::reason::StaffReason;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::session::{Effect, TerminalCommand};

/// Asked in vain so often, it is for staff.
const ASKS_MAX: u32 = 5;

const fn when_online(kiosk: &Kiosk) -> Next {
    Next::WhenOnline { until: kiosk.tick().plus_ms(AWAY_LIMIT_MS) }
}

impl Till {
    pub(super) fn outcome(
        &mut self,
        id: AttemptId,
        first: &LastTransaction,
        second: &LastTransaction,
        host_reachable: bool,
        maybe_restarted: bool,
        kiosk: &mut Kiosk,
    ) -> Option<News> {
        let place = self.place(id)?;
        let attempt = &mut self.attempts[place];
        if !matches!(attempt.phase, Phase::Doubt { .. }) {
            return None;
        }
        attempt.maybe_restarted |= maybe_restarted;
        self.booked.told_last(second);
        let memory_trusted = !attempt.maybe_restarted || kiosk.facility.payment.last_transaction_survives_reboot;
        let told = Testimony { first, second, host_reachable, memory_trusted };
        let doubted = Doubted {
            baseline: &attempt.baseline,
            amount: attempt.amount,
            started_at: attempt.started_at,
            zone: &kiosk.facility.zone,
        };
        // What it told as the answer to this very payment, before the doubt, needs no comparison with an older one.
        let own = match (first, second) {
            (LastTransaction::Known(first), LastTransaction::Known(second)) => {
                (first == second && first.approved && first.amount == attempt.amount && self.booked.is_of(id, first))
                    .then(|| Verdict::Paid(first.clone()))
            }
            _unproved => None,
        };
        match own.unwrap_or_else(|| resolve::verdict(&doubted, &told)) {
            Verdict::Paid(transaction) if self.booked.is_of_another(id, &transaction) => {
                self.hand_to_staff(place, StaffReason::OtherPayment, kiosk)
            }
            Verdict::Paid(transaction)
                if !self.booked.is_of(id, &transaction) && self.booked.may_be_of_a_later(id, &transaction) =>
            {
                self.hand_to_staff(place, StaffReason::LaterPayment, kiosk)
            }
            Verdict::Paid(transaction) => {
                let entry = attempt.committed(&transaction);
                self.conclude(place, vec![entry], Conclusion::Paid(transaction), kiosk)
            }
            // It told us of an approval and knows of none now: it does not tell what it has.
            Verdict::NotPaid if *second == LastTransaction::Empty && self.booked.has_of(id) => {
                self.hand_to_staff(place, StaffReason::TerminalEmpty, kiosk)
            }
            // Told to book what it had approved, and it still tells the one before: some tell late, some forget.
            Verdict::NotPaid if self.booked.has_of(id) && !attempt.withdrawn => {
                self.ask_again_or(place, StaffReason::TerminalForgot, kiosk)
            }
            Verdict::NotPaid => {
                let reason = "the terminal's last transaction is still the one before".to_owned();
                self.conclude(
                    place,
                    vec![Entry::NotPaid { attempt: id, reason }],
                    Conclusion::NotPaid(NotPaidWhy::Checked),
                    kiosk,
                )
            }
            Verdict::Staff(reason) => self.hand_to_staff(place, reason, kiosk),
            Verdict::AskAgain => self.ask_later(place, kiosk),
        }
    }

    pub(super) fn hand_to_staff(&mut self, place: usize, reason: StaffReason, kiosk: &mut Kiosk) -> Option<News> {
        let entry = Entry::NeedsStaff { attempt: self.attempts[place].id, reason, transaction: None };
        self.conclude(place, vec![entry], Conclusion::Staff, kiosk)
    }

    /// The terminal gave no answer: again, a little later each time. One that is away is asked when it is back.
    pub(super) fn ask_later(&mut self, place: usize, kiosk: &mut Kiosk) -> Option<News> {
        self.ask_again_or(place, StaffReason::TerminalSilent, kiosk)
    }

    fn ask_again_or(&mut self, place: usize, reason: StaffReason, kiosk: &mut Kiosk) -> Option<News> {
        let away = kiosk.devices.terminal_online != Some(true);
        let Phase::Doubt { asks, next } = &mut self.attempts[place].phase else { return None };
        if *asks >= ASKS_MAX && !away {
            return self.hand_to_staff(place, reason, kiosk);
        }
        let wait_ms = super::RETRY_FIRST_MS << (*asks).min(4);
        *next = if away { when_online(kiosk) } else { Next::At(kiosk.tick().plus_ms(wait_ms)) };
        None
    }

    /// Only the first attempt is asked about; the others wait for their turn.
    pub(super) fn doubt(&mut self, place: usize, kiosk: &mut Kiosk) {
        let attempt = &mut self.attempts[place];
        attempt.doubt_since.get_or_insert(kiosk.tick());
        if matches!(attempt.phase, Phase::Doubt { .. }) {
            return;
        }
        attempt.phase = Phase::Doubt { asks: 0, next: Next::At(kiosk.tick()) };
        if place == 0 {
            self.ask(kiosk);
        }
    }

    pub(super) fn ask(&mut self, kiosk: &mut Kiosk) {
        let away = kiosk.devices.terminal_online != Some(true);
        let Some(Attempt { id, phase: Phase::Doubt { asks, next }, .. }) = self.attempts.front_mut() else { return };
        if away {
            *next = when_online(kiosk);
            return;
        }
        *asks += 1;
        *next = Next::Asked { limit: kiosk.tick().plus_ms(ASK_LIMIT_MS) };
        kiosk.emit(Effect::Terminal(TerminalCommand::AskOutcome { attempt: *id }));
    }
}
