//! What the terminal reports, to what it is at work on.

use super::charge::{Charge, Told, unconfirmed_late};
use super::{For, Preparing, Till, Work};
use crate::domain::attempt::{AttemptId, Booking, CardTransaction};
use crate::domain::closing::ClosingEnd;
use crate::domain::order::StaffRefusal;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::Effect;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::terminal::{TerminalCommand, TerminalReport, UndoAnswer};

impl Till {
    pub fn report(&mut self, report: TerminalReport, kiosk: &mut Kiosk) {
        match report {
            TerminalReport::Online(online) => self.online(online, kiosk),
            TerminalReport::Prepared { baseline } => {
                kiosk.devices.terminal_got_ready();
                self.prepared(baseline, kiosk);
            }
            TerminalReport::CardStillIn => self.old_card(kiosk),
            TerminalReport::NotReady { reason } => {
                kiosk.devices.terminal_not_ready(reason);
                self.not_begun(NotPaidWhy::TerminalNotReady, StaffRefusal::TerminalNotReady);
            }
            TerminalReport::CardSeen => self.card_seen(kiosk),
            TerminalReport::CardRemoved => self.card_removed(kiosk),
            TerminalReport::Answered { attempt, raw, transaction, booking } => {
                self.answered(attempt, raw, transaction, booking, kiosk);
            }
            TerminalReport::Confirmed { attempt } => {
                if let Some(charge) = self.charge(attempt) {
                    charge.confirmed(kiosk);
                }
            }
            TerminalReport::Withdrawn { attempt, reason } => {
                if let Some(charge) = self.charge(attempt) {
                    charge.withdrawn(reason, kiosk);
                }
            }
            TerminalReport::NoAnswer { attempt, reason } => self.no_answer(attempt, reason, kiosk),
            TerminalReport::NeverSent { attempt, reason } => self.never_sent(attempt, reason, kiosk),
            TerminalReport::Outcome { attempt, first, second, host_reachable, maybe_restarted } => {
                let told = Told { first, second, host_reachable, maybe_restarted };
                self.bring_up(attempt);
                if let Work::Charging(charge) = &mut self.work
                    && charge.id == attempt
                {
                    charge.outcome(&told, &mut self.books, kiosk);
                }
            }
            TerminalReport::Undone { undo, raw, answer } => self.undone(undo, raw, answer, kiosk),
            TerminalReport::Totals(totals) => self.day_ended(ClosingEnd::Told(totals), kiosk),
            TerminalReport::NoTotals { day, reason } => self.day_ended(ClosingEnd::Untold { day, reason }, kiosk),
        }
    }

    /// What is told of one that waits for its turn brings it up.
    fn bring_up(&mut self, attempt: AttemptId) {
        let is_it = |work: &Work| matches!(work, Work::Charging(charge) if charge.id == attempt);
        if let Some(at) = self.waiting.iter().position(is_it) {
            std::mem::swap(&mut self.work, &mut self.waiting[at]);
        }
    }

    fn charge(&mut self, attempt: AttemptId) -> Option<&mut Charge> {
        self.bring_up(attempt);
        match &mut self.work {
            Work::Charging(charge) if charge.id == attempt => Some(charge),
            Work::Charging(_) | Work::Free | Work::Preparing(_) | Work::Undoing(_) | Work::EndOfDay(_) => None,
        }
    }

    fn answered(
        &mut self,
        id: AttemptId,
        raw: Vec<u8>,
        told: Box<CardTransaction>,
        booking: Booking,
        kiosk: &mut Kiosk,
    ) {
        // Also what is refused: told again as the answer to a later payment, it is not its own.
        self.books.told(&told);
        self.bring_up(id);
        if let Work::Charging(charge) = &mut self.work
            && charge.id == id
        {
            return charge.answered(raw, told, booking, &mut self.books, kiosk);
        }
        match booking {
            Booking::Final => {
                if let Some(entry) = self.books.contradict(id, &told) {
                    self.untold.push(entry, kiosk.tick());
                }
            }
            Booking::Unconfirmed => unconfirmed_late(id, &told, &self.books, kiosk),
        }
    }

    fn no_answer(&mut self, id: AttemptId, reason: String, kiosk: &mut Kiosk) {
        self.bring_up(id);
        match &mut self.work {
            Work::Charging(charge) if charge.id == id => charge.no_answer(reason, kiosk),
            Work::Undoing(undo) if undo.id == id => undo.no_answer(&reason, kiosk),
            Work::Charging(_) | Work::Undoing(_) | Work::Free | Work::Preparing(_) | Work::EndOfDay(_) => {}
        }
    }

    fn never_sent(&mut self, id: AttemptId, reason: String, kiosk: &mut Kiosk) {
        self.bring_up(id);
        match &mut self.work {
            Work::Charging(charge) if charge.id == id => charge.never_sent(reason, kiosk),
            Work::Undoing(undo) if undo.id == id => undo.never_sent(&reason, &self.books, kiosk),
            Work::Charging(_) | Work::Undoing(_) | Work::Free | Work::Preparing(_) | Work::EndOfDay(_) => {}
        }
    }

    /// The answer to an undo, also to one that staff have by now; two money operations are never open.
    fn undone(&mut self, id: AttemptId, raw: Vec<u8>, answer: UndoAnswer, kiosk: &mut Kiosk) {
        if !self.is_open()
            && let Some(late) = self.late_undo.take_if(|late| late.id == id)
        {
            self.work = Work::Undoing(late);
        }
        if let Work::Undoing(undo) = &mut self.work
            && undo.id == id
        {
            undo.answered(raw, answer, &self.books, kiosk);
        }
    }

    fn day_ended(&mut self, end: ClosingEnd, kiosk: &mut Kiosk) {
        if let Work::EndOfDay(day) = &mut self.work {
            day.ended(end, kiosk);
        }
    }

    fn online(&mut self, online: bool, kiosk: &mut Kiosk) {
        kiosk.devices.terminal_online = Some(online);
        let now = kiosk.tick();
        if online {
            if let Work::Charging(charge) = &mut self.work {
                charge.terminal_came(now);
            }
            return;
        }
        kiosk.devices.card_in = false;
        kiosk.devices.terminal_trouble = None;
        for work in std::iter::once(&mut self.work).chain(&mut self.waiting) {
            if let Work::Charging(charge) = work {
                charge.maybe_restarted = true;
            }
        }
        self.not_begun(NotPaidWhy::TerminalNotReady, StaffRefusal::TerminalAway);
    }

    fn old_card(&mut self, kiosk: &mut Kiosk) {
        kiosk.devices.card_in = true;
        if let Work::Preparing(Preparing { what: For::Charge { .. }, old_card, .. }) = &mut self.work {
            *old_card = true;
        }
    }

    fn card_seen(&mut self, kiosk: &mut Kiosk) {
        kiosk.devices.card_in = true;
        if let Work::Charging(charge) = &mut self.work {
            charge.card_seen();
        }
    }

    /// With the old card out the terminal is made ready once more; making ready never moves money.
    fn card_removed(&mut self, kiosk: &mut Kiosk) {
        kiosk.devices.card_in = false;
        if let Work::Preparing(Preparing { old_card: old_card @ true, .. }) = &mut self.work {
            *old_card = false;
            kiosk.emit(Effect::Terminal(TerminalCommand::Prepare));
        }
    }
}
