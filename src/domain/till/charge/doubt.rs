//! A doubt: the terminal is asked for its last transaction until it proves something, or staff find out.

use super::{Charge, Conclusion, Next, Operation, Running};
use crate::domain::attempt::{CardTransaction, LastTransaction};
use crate::domain::limits::{ASK_LIMIT_MS, AWAY_LIMIT_MS};
use crate::domain::moment::Tick;
use crate::domain::payment::Entry;
use crate::domain::reason::StaffReason;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::TerminalCommand;
use crate::domain::till::books::Books;
use crate::domain::till::resolve::{self, Doubted, Testimony, Verdict};

/// Asked in vain so often, it is for staff.
const ASKS_MAX: u32 = 5;
const ASK_AGAIN_MS: u64 = 1_000;

const fn when_online(kiosk: &Kiosk) -> Next {
    Next::WhenOnline { until: kiosk.tick().plus_ms(AWAY_LIMIT_MS) }
}

/// What the terminal told, asked about a doubt.
pub(in crate::domain::till) struct Told {
    pub first: LastTransaction,
    pub second: LastTransaction,
    pub host_reachable: bool,
    pub maybe_restarted: bool,
}

impl Charge {
    pub fn outcome(&mut self, told: &Told, books: &mut Books, kiosk: &mut Kiosk) {
        if !matches!(self.operation.running(), Some(Running::Doubt { .. })) {
            return;
        }
        self.maybe_restarted |= told.maybe_restarted;
        books.told_last(&told.second);
        let verdict = self.own(told, books).unwrap_or_else(|| self.verdict(told, kiosk));
        match verdict {
            Verdict::Paid(transaction) => self.found(transaction, books, kiosk),
            Verdict::NotPaid => self.not_found(&told.second, books, kiosk),
            Verdict::Staff(reason) => self.hand_to_staff(reason, kiosk),
            Verdict::AskAgain => self.ask_later(kiosk),
        }
    }

    /// What it told as the answer to this very payment, before the doubt, needs no comparison with an older one.
    fn own(&self, told: &Told, books: &Books) -> Option<Verdict> {
        match (&told.first, &told.second) {
            (LastTransaction::Known(first), LastTransaction::Known(second)) => {
                let same = first == second && first.approved && first.amount == self.sale.amount;
                (same && books.is_of(self.id, first)).then(|| Verdict::Paid(first.clone()))
            }
            (LastTransaction::Known(_) | LastTransaction::Empty | LastTransaction::Unknown, _) => None,
        }
    }

    fn verdict(&self, told: &Told, kiosk: &Kiosk) -> Verdict {
        let memory_trusted = !self.maybe_restarted || kiosk.facility.payment.last_transaction_survives_reboot;
        let testimony =
            Testimony { first: &told.first, second: &told.second, host_reachable: told.host_reachable, memory_trusted };
        let doubted = Doubted {
            baseline: &self.sale.baseline,
            amount: self.sale.amount,
            started_at: self.sale.started_at,
            zone: &kiosk.facility.zone,
        };
        resolve::verdict(&doubted, &testimony)
    }

    /// A booking that fits: unless it is another payment's, or may be.
    fn found(&mut self, transaction: Box<CardTransaction>, books: &Books, kiosk: &mut Kiosk) {
        if books.is_of_another(self.id, &transaction) {
            self.hand_to_staff(StaffReason::OtherPayment, kiosk);
        } else if !books.is_of(self.id, &transaction) && books.may_be_of_a_later(self.id, &transaction) {
            self.hand_to_staff(StaffReason::LaterPayment, kiosk);
        } else {
            let entry = self.committed(&transaction);
            self.end(vec![entry], Conclusion::Paid(transaction), kiosk);
        }
    }

    /// The last transaction is still the one before: unless the terminal has told of an approval that it does not tell now.
    fn not_found(&mut self, last: &LastTransaction, books: &Books, kiosk: &mut Kiosk) {
        if *last == LastTransaction::Empty && books.has_of(self.id) {
            // It does not tell what it has.
            self.hand_to_staff(StaffReason::TerminalEmpty, kiosk);
        } else if books.has_of(self.id) && !self.stop.withdrawn {
            // Told to book what it had approved: some tell late, some forget.
            self.ask_again_or(StaffReason::TerminalForgot, kiosk);
        } else {
            let reason = "the terminal's last transaction is still the one before".to_owned();
            let entry = Entry::NotPaid { attempt: self.id, reason };
            self.end(vec![entry], Conclusion::NotPaid(NotPaidWhy::Checked), kiosk);
        }
    }

    pub(super) fn hand_to_staff(&mut self, reason: StaffReason, kiosk: &mut Kiosk) {
        let entry = Entry::NeedsStaff { attempt: self.id, reason: reason.clone(), transaction: None };
        self.end(vec![entry], Conclusion::Staff(reason), kiosk);
    }

    /// The terminal gave no answer: again, a little later each time. One that is away is asked when it is back.
    pub(super) fn ask_later(&mut self, kiosk: &mut Kiosk) {
        self.ask_again_or(StaffReason::TerminalSilent, kiosk);
    }

    fn ask_again_or(&mut self, reason: StaffReason, kiosk: &mut Kiosk) {
        let away = kiosk.devices.terminal_online != Some(true);
        let Some(Running::Doubt { asks, next }) = self.operation.running_mut() else { return };
        if *asks >= ASKS_MAX && !away {
            return self.hand_to_staff(reason, kiosk);
        }
        let wait_ms = ASK_AGAIN_MS << (*asks).min(4);
        *next = if away { when_online(kiosk) } else { Next::At(kiosk.tick().plus_ms(wait_ms)) };
    }

    /// It is durable that nobody knows. What was asked about before is asked about further.
    pub(super) fn doubt(&mut self, kiosk: &mut Kiosk) {
        self.doubt_since.get_or_insert(kiosk.tick());
        let before = match &self.operation {
            Operation::Ending(ending) => match ending.before {
                Some(Running::Doubt { asks, next }) => Some((asks, next)),
                Some(Running::Presenting { .. } | Running::Confirming { .. } | Running::Approving(_)) | None => None,
            },
            Operation::Opening | Operation::Running(_) => None,
        };
        let (asks, next) = before.unwrap_or((0, Next::At(kiosk.tick())));
        self.operation = Operation::Running(Running::Doubt { asks, next });
        if before.is_none() {
            self.ask(kiosk);
        }
    }

    pub fn ask(&mut self, kiosk: &mut Kiosk) {
        let away = kiosk.devices.terminal_online != Some(true);
        let Some(Running::Doubt { asks, next }) = self.operation.running_mut() else { return };
        if away {
            *next = when_online(kiosk);
            return;
        }
        *asks += 1;
        *next = Next::Asked { limit: kiosk.tick().plus_ms(ASK_LIMIT_MS) };
        kiosk.emit(Effect::Terminal(TerminalCommand::AskOutcome { attempt: self.id }));
    }

    /// The terminal came: whatever it was asked before it went away is lost.
    pub fn terminal_came(&mut self, now: Tick) {
        if let Some(Running::Doubt { next, .. }) = self.operation.running_mut() {
            *next = Next::At(now);
        }
    }
}
