//! A sale at the simulated ZVT terminal, from the amount to the books.

use super::manners::{CompletesAbort, Manner, Refusal};
use super::says::Record;
use super::{CARD_OUT_MS, Charge, Fault, Model, Plan, RESULT, number, says};
use crate::domain::money::Amount;
use crate::rehearsal::terminal::{Booking, CardAction};

const SLIP: [&str; 3] = ["** KUNDENBELEG **", "Zahlung erfolgt", "Danke"];

impl Model {
    pub(super) fn begin(&mut self, amount: i64, refund: bool, now_ms: u64) {
        let until_ms = now_ms + self.setup.card_wait_ms;
        self.charge = Some(Charge {
            amount,
            refund,
            card_shown: false,
            reserved: None,
            booked: false,
            printing: false,
            asked: 0,
            until_ms,
        });
        self.plans.push((until_ms, Plan::NoCard(until_ms)));
        self.answer_with([says::INSERT_CARD.to_vec()], now_ms);
        if !self.armed.is_empty() {
            self.plans.push((now_ms + self.setup.present_ms, Plan::ShowCard));
        }
    }

    /// Before it looks for a card.
    pub(super) fn refuse_at_once(&mut self, refusal: Refusal, amount: i64, now_ms: u64) {
        self.shows(Manner::RefusesAtOnce);
        match refusal {
            Refusal::Command(code) => self.send_block(&says::refused(code)),
            Refusal::CommandWithCode(code) => self.send_block(&says::refused_with(code)),
            Refusal::Result(code) => {
                let record = self.record(code, amount);
                let (told, failed) = (self.result(&record), self.failed(code));
                self.answer_with([told, failed], now_ms);
            }
        }
    }

    /// Only until a card was shown; later the terminal does not care.
    pub(super) fn abort(&mut self, now_ms: u64) {
        self.send_block(says::OK);
        let waits = self.charge.as_ref().is_some_and(|charge| !charge.card_shown);
        match self.manners.completes_abort {
            Some(CompletesAbort { ends_charge: true, .. }) if waits && self.setup.heeds_abort => {
                self.shows(Manner::CompletionAfterAbort);
                self.charge = None;
                self.end_with(says::DONE.to_vec(), now_ms);
            }
            _ if waits && self.setup.heeds_abort => self.give_up(0x6c, now_ms),
            Some(CompletesAbort { after_ms, .. })
                if self.charge.is_none() && self.said.is_none() && !self.completing =>
            {
                self.shows(Manner::CompletionAfterAbort);
                self.completing = true;
                self.plans.push((now_ms + after_ms, Plan::CompleteAbort));
            }
            _ => {}
        }
    }

    /// What is in the books already stays there.
    pub(super) fn give_up(&mut self, code: u8, now_ms: u64) {
        let booked = self.charge.take().is_some_and(|charge| charge.booked);
        let end = if booked { says::DONE.to_vec() } else { self.failed(code) };
        self.end_with(end, now_ms);
    }

    fn end_with(&mut self, end: Vec<u8>, now_ms: u64) {
        self.said = None;
        self.queue.clear();
        self.queue.push_back(end);
        self.say_next(now_ms);
        self.plans.retain(|(_, plan)| matches!(plan, Plan::Back | Plan::TellLast));
        self.card_leaves(now_ms);
    }

    /// The card-holder takes it, and some terminals are busy for a while.
    pub(super) fn card_leaves(&mut self, now_ms: u64) {
        self.plans.push((now_ms + CARD_OUT_MS, Plan::TakeCardOut));
        if let Some(waits) = self.manners.waits.filter(|_| self.card_in) {
            self.busy_until_ms = now_ms + waits.ms;
        }
    }

    pub(super) fn show_card(&mut self, now_ms: u64) {
        let Some(charge) = self.charge.as_mut().filter(|charge| !charge.card_shown) else { return };
        let Some(action) = self.armed.pop_front() else { return };
        charge.card_shown = true;
        self.shown.push(action);
        self.card_in = true;
        self.cards_seen += 1;
        self.queue.push_back(says::PLEASE_WAIT.to_vec());
        self.say_next(now_ms);
        if self.manners.pin_twice_every.is_some_and(|every| every > 0 && self.cards_seen.is_multiple_of(every)) {
            return self.plans.push((now_ms + self.setup.host_ms, Plan::WrongPin(action)));
        }
        self.ask_host(action, now_ms);
    }

    fn ask_host(&mut self, action: CardAction, now_ms: u64) {
        let wait_ms = if action == CardAction::Late { self.setup.late_ms } else { self.setup.host_ms };
        self.plans.push((now_ms + wait_ms, Plan::HostAnswers(action)));
    }

    /// The host says 37; the card-holder tries again.
    pub(super) fn wrong_pin(&mut self, action: CardAction, now_ms: u64) {
        let Some(charge) = &self.charge else { return };
        let told = says::wrong_pin(charge.amount);
        self.shows(Manner::PinTwice);
        self.queue.extend([told, says::WRONG_PIN.to_vec(), says::WATCH_PIN_PAD.to_vec()]);
        self.say_next(now_ms);
        self.ask_host(action, now_ms + self.setup.host_ms);
    }

    pub(super) fn host_answers(&mut self, action: CardAction, now_ms: u64) {
        let Some(charge) = &self.charge else { return };
        let (amount, refund) = (charge.amount, charge.refund);
        match action {
            CardAction::Approve | CardAction::Late => self.approve(amount, refund, now_ms),
            CardAction::Decline => {
                let record = self.record(self.setup.decline_code, amount);
                if self.setup.keeps_declines {
                    self.before_last = self.last.replace(record.clone());
                }
                let told = [self.result(&record), self.failed(self.setup.decline_code)];
                self.queue.extend(told);
                self.charge = None;
                self.say_next(now_ms);
                self.card_leaves(now_ms);
            }
            CardAction::Silence => self.fall_silent(now_ms),
            // The host did not answer: nothing is reserved.
            CardAction::TimesOut => self.give_up(0x6c, now_ms),
            CardAction::Unplug => self.vanish(self.setup.away_ms, now_ms),
            CardAction::Reboot => {
                // A terminal that undoes nothing on its own may have told its host and keep the sale.
                if self.setup.reboot_books {
                    let record = self.record(0, amount);
                    self.move_money(record, refund, now_ms);
                }
                self.reboot(now_ms);
            }
        }
    }

    fn approve(&mut self, amount: i64, refund: bool, now_ms: u64) {
        let record = self.record(0, amount);
        let booked = self.manners.books_early;
        if booked {
            self.shows(Manner::BooksEarly);
            self.move_money(record.clone(), refund, now_ms);
        }
        if let Some(charge) = &mut self.charge {
            charge.reserved = Some(record);
            charge.booked = booked;
            charge.until_ms = now_ms + self.setup.decide_ms;
        }
        self.say_result(now_ms);
    }

    pub(super) fn say_result(&mut self, now_ms: u64) {
        let Some(charge) = &self.charge else { return };
        let (Some(mut told), booked) = (charge.reserved.clone(), charge.booked) else { return };
        if self.takes(Fault::OtherAmount) {
            told.amount += 1;
        }
        // One that cannot tell its last transaction has none to mix up. Where it mixed up one that it never told of, and tells
        // nothing else to hold against it, no kiosk could know.
        if self.manners.last_untold.is_none()
            && self.takes(Fault::OldResult)
            && let Some(last) = if booked { &self.before_last } else { &self.last }
        {
            told = last.clone();
        }
        let told = self.result(&told);
        self.queue.push_back(told);
        self.say_next(now_ms);
    }

    /// The kiosk's word on what was said last.
    pub(super) fn answered(&mut self, class: u8, instruction: u8, now_ms: u64) {
        let Some(said) = self.said.take() else { return };
        let result = said.apdu.starts_with(&[0x04, RESULT]);
        let refused = class == 0x84 && !matches!(instruction, 0 | 0x9c);
        match &self.charge {
            Some(charge) if result && charge.reserved.is_some() => self.decided(class, instruction, now_ms),
            Some(charge) if charge.printing => self.printed(refused, now_ms),
            // Whoever will not hear of a wrong PIN wants no second one.
            Some(_) if result && refused => self.give_up(0x64, now_ms),
            Some(_) => self.say_next(now_ms),
            None => {
                let undoes = self.manners.status_result.is_some_and(|way| way.refusal_undoes);
                if refused && undoes && said.apdu == says::no_transaction() {
                    self.undo_last();
                }
                self.say_next(now_ms);
            }
        }
    }

    fn decided(&mut self, class: u8, instruction: u8, now_ms: u64) {
        let Some(charge) = &mut self.charge else { return };
        match (class, instruction) {
            (0x80, _) | (0x84, 0) => {
                if self.takes(Fault::ResultAgain) {
                    return self.say_result(now_ms);
                }
                self.agreed(now_ms);
            }
            (_, 0x9c) => {
                charge.asked += 1;
                if charge.asked > self.setup.asks_max || now_ms >= charge.until_ms {
                    return self.give_up(0x6c, now_ms);
                }
                self.plans.push((now_ms + self.setup.ask_again_ms, Plan::SayResult));
            }
            (_, _) => {
                if let Some(record) = charge.reserved.as_ref().filter(|_| charge.booked && !charge.refund) {
                    self.kept.push(number(record));
                }
                self.give_up(0x64, now_ms);
            }
        }
    }

    fn agreed(&mut self, now_ms: u64) {
        let prints = self.manners.prints_lines.filter(|prints| prints.before_booking);
        let Some((prints, charge)) = prints.zip(self.charge.as_mut().filter(|charge| !charge.booked)) else {
            return self.confirmed(now_ms);
        };
        charge.printing = true;
        self.shows(Manner::PrintsLines);
        self.queue.extend(says::slip(prints.blocks, &SLIP));
        self.say_next(now_ms);
    }

    fn printed(&mut self, refused: bool, now_ms: u64) {
        if refused {
            self.give_up(0x64, now_ms);
        } else if self.queue.is_empty() {
            self.confirmed(now_ms);
        } else {
            self.say_next(now_ms);
        }
    }

    /// The commit point. What goes wrong after it is for the kiosk to find out.
    fn confirmed(&mut self, now_ms: u64) {
        let booked = self.charge.as_ref().is_some_and(|charge| charge.booked);
        if !booked && self.takes(Fault::AbortAfterConfirm) {
            return self.give_up(0x6c, now_ms);
        }
        if self.takes(Fault::RebootBeforeBooking) {
            return self.reboot(now_ms);
        }
        let Some(charge) = self.charge.take() else { return };
        if let Some(record) = charge.reserved.filter(|_| !charge.booked) {
            self.move_money(record, charge.refund, now_ms);
        }
        if self.takes(Fault::RebootAfterBooking) {
            return self.reboot(now_ms);
        }
        if self.takes(Fault::SilentAfterBooking) {
            return self.fall_silent(now_ms);
        }
        if self.setup.prints {
            self.queue.push_back(says::RECEIPT_LINE.to_vec());
        }
        if !charge.printing {
            self.print(&SLIP);
        }
        self.queue.push_back(says::DONE.to_vec());
        self.say_next(now_ms);
        self.card_leaves(now_ms);
    }

    /// A slip, where this terminal has the kiosk print them.
    pub(super) fn print(&mut self, lines: &[&str]) {
        if let Some(prints) = self.manners.prints_lines {
            self.shows(Manner::PrintsLines);
            self.queue.extend(says::slip(prints.blocks, lines));
        }
    }

    fn move_money(&mut self, record: Record, refund: bool, now_ms: u64) {
        if refund {
            self.pay_out(record);
        } else {
            self.book(record, now_ms);
        }
    }

    pub(super) fn book(&mut self, record: Record, now_ms: u64) {
        let booking = Booking { amount: Amount(record.amount), approval_number: number(&record) };
        self.books.push(booking.clone());
        self.bookings.push(booking);
        let Some(waits) = self.manners.waits.filter(|waits| waits.tells_late) else {
            self.before_last = self.last.replace(record);
            return;
        };
        self.late.push_back(record);
        self.busy_until_ms = now_ms + waits.ms;
        self.plans.push((self.busy_until_ms, Plan::TellLast));
    }

    pub(super) fn told_late(&mut self) {
        if let Some(record) = self.late.pop_front() {
            self.shows(Manner::Waits);
            self.before_last = self.last.replace(record);
        }
    }

    pub(super) fn record(&mut self, result: u8, amount: i64) -> Record {
        self.trace += 1;
        let off_min = self.manners.clock_off_min;
        let time = if off_min == 0 { self.time.clone() } else { super::manners::shifted(&self.time, off_min) };
        if off_min != 0 {
            self.shows(Manner::ClockOff);
        }
        let (receipt, card) = (self.trace % 10_000, self.held);
        let record = Record { result, amount, receipt, trace: self.trace, time, card, original_trace: None };
        self.records.push(record.clone());
        record
    }
}
