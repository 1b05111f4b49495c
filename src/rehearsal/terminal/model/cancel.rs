//! `C`: the simulated terminal gives a sale back. It keeps its own list of what it has given back.

use super::manners::{Manner, Naming};
use super::{Booking, CARD_OUT_MS, Charge, HOST_TIMED_OUT, Model, Plan};
use crate::domain::money::Amount;
use crate::rehearsal::terminal::sale;
use crate::rehearsal::terminal::setup::{CardAction, Fault};
use crate::terminal::smartro::packet::{ACK, NAK};

const BYTES: usize = 57;
const NUMBER_AT: usize = 50;
const CANNOT_CANCEL: [u8; 2] = *b"B3";

/// Which sale is meant.
pub(super) struct Cancel {
    approval_number: String,
    amount: Amount,
    /// `YYYYMMDDhhmmss`; `None` where the sale before is meant, whichever it is.
    time: Option<String>,
    with_card: bool,
}

/// What the card company knows of a sale.
pub(super) struct Mark {
    pub card: u32,
    /// `YYYYMMDDhhmmss` by the terminal's own clock, whatever it tells.
    pub time: String,
}

/// What became of it in the books.
enum Outcome {
    Cancelled(Booking),
    Before(Booking),
    NoSuchSale,
    /// It was paid with another card than the one that is shown.
    OtherCard,
}

impl Model {
    /// What stands.
    #[must_use]
    pub fn booked(&self) -> Amount {
        let sum = |list: &[Booking]| list.iter().map(|booking| booking.amount.0).sum::<i64>();
        Amount(sum(&self.bookings) - sum(&self.reversals))
    }

    /// What the card company has given back, in order.
    #[must_use]
    pub fn reversals(&self) -> &[Booking] {
        &self.reversals
    }

    /// What `l` carries.
    pub(super) fn told_last(&mut self) -> Vec<u8> {
        if self.last.is_none() && self.manners.starts_empty {
            self.shows(Manner::EmptyLast);
        }
        self.last.clone().filter(|_| !self.setup.hides_last).unwrap_or_else(sale::empty)
    }

    pub(super) fn take_cancel(&mut self, data: &[u8], now_ms: u64) {
        let text = |from: usize, to: usize| data.get(from..to).and_then(|text| std::str::from_utf8(text).ok());
        let amount = text(2, 12).and_then(|digits| digits.parse().ok());
        let (Some(amount), Some(number), Some(time)) = (amount, text(31, 43), text(43, 57)) else {
            return self.refuse();
        };
        let with_card = match data[0] {
            b'1' => true,
            b'3' | b'6' => false,
            _ => return self.refuse(),
        };
        if self.charge.is_some() || data.len() != BYTES || self.takes(Fault::NakCharge) {
            return self.refuse();
        }
        let ack_held = self.acknowledge_money(now_ms);
        let approval_number = number.trim_end().to_owned();
        let time = (data[0] != b'6').then(|| time.to_owned());
        let cancel = Some(Cancel { approval_number, amount: Amount(amount), time, with_card });
        self.charge = Some(Charge { amount, card_shown: !with_card, ack_held, cancel });
        if !with_card {
            let action = self.armed.pop_front().unwrap_or(CardAction::Approve);
            let late_ms = if action == CardAction::Late { self.setup.late_ms } else { self.setup.host_ms };
            self.plan(now_ms, late_ms, Plan::HostAnswers(action));
        } else if !self.armed.is_empty() {
            self.plan(now_ms, self.setup.present_ms, Plan::ShowCard);
        }
    }

    pub(super) fn host_answers_cancel(&mut self, action: CardAction, cancel: &Cancel, ack_held: bool, now_ms: u64) {
        match action {
            CardAction::Approve | CardAction::Late => {
                let (job, data) = match self.cancel(cancel) {
                    Outcome::Cancelled(booking) => {
                        let data = self.cancellation(&booking, cancel);
                        if self.manners.cancel_is_last {
                            self.shows(Manner::CancelIsLast);
                            self.before_last = self.last.replace(data.clone());
                        }
                        (b'c', data)
                    }
                    Outcome::Before(booking) => {
                        let time = self.marks.get(&booking.approval_number).map_or("", |mark| &mark.time);
                        (b'd', sale::nothing_cancelled(time, booking.amount.0, b'X'))
                    }
                    Outcome::OtherCard => (b'd', sale::nothing_cancelled("", 0, b'0')),
                    Outcome::NoSuchSale => self.not_cancelled(CANNOT_CANCEL, cancel),
                };
                self.answer(job, data, ack_held, now_ms);
            }
            CardAction::Decline => {
                let (job, data) = self.not_cancelled(self.setup.decline_code, cancel);
                self.answer(job, data, ack_held, now_ms);
            }
            CardAction::TimesOut => {
                self.cancel_if(self.setup.time_out_books, cancel);
                self.answer(b'c', sale::declined(HOST_TIMED_OUT, "무응답"), ack_held, now_ms);
            }
            CardAction::Silence => {
                self.cancel_if(self.setup.silence_books, cancel);
                self.plan(now_ms, CARD_OUT_MS, Plan::TakeCardOut);
            }
            CardAction::Unplug => {
                self.cancel_if(self.setup.unplug_books, cancel);
                self.pull_plug(now_ms);
            }
            CardAction::Reboot => {
                self.cancel_if(self.setup.reboot_books, cancel);
                self.restart(now_ms);
            }
        }
    }

    /// What is told of it: the number of the sale that was given back, or one of its own.
    fn cancellation(&mut self, booking: &Booking, cancel: &Cancel) -> Vec<u8> {
        let other = i64::from(self.takes(Fault::AnswerForOtherAmount));
        let naming = self.manners.cancels_last.filter(|_| !cancel.with_card);
        let amount = if naming == Some(Naming::OwnAsAsked) { cancel.amount } else { booking.amount };
        let mut data = self.sale(amount.0 + other).1;
        if naming.is_none_or(|naming| naming == Naming::Hit)
            && self.setup.cancel_names_sale
            && self.manners.approval.is_none()
        {
            let number = format!("{:<12}", booking.approval_number);
            data[NUMBER_AT..NUMBER_AT + number.len()].copy_from_slice(number.as_bytes());
        }
        data
    }

    /// The sale stands; some models say so with the card's last sale.
    fn not_cancelled(&mut self, code: [u8; 2], cancel: &Cancel) -> (u8, Vec<u8>) {
        if let Some(why) = self.manners.nothing_for_cancelled {
            self.shows(Manner::NothingForCancelled);
            return (b'd', sale::nothing_cancelled("20260101000000", cancel.amount.0, why));
        }
        (b'c', self.own_decline(code, "취소 불가"))
    }

    pub(super) fn refuse(&mut self) {
        self.send(vec![NAK]);
    }

    /// With what may go wrong at it. `true` if the ACK comes with the answer.
    pub(super) fn acknowledge_money(&mut self, now_ms: u64) -> bool {
        let odd = self.takes(Fault::OddEvents);
        if odd {
            self.event(b'O');
        }
        let ack_held = self.takes(Fault::GlueAck);
        if self.takes(Fault::FlipAck) {
            self.send(vec![NAK]);
        } else if !ack_held && !self.takes(Fault::DropAck) {
            match self.manners.ack_late_ms {
                Some(late_ms) => {
                    self.shows(Manner::LateAck);
                    self.plan(now_ms, late_ms, Plan::Send(vec![ACK]));
                }
                None => self.send(vec![ACK]),
            }
        }
        if odd {
            self.event(b'Q');
            self.event(b'F');
        }
        ack_held
    }

    fn cancel_if(&mut self, books: bool, cancel: &Cancel) {
        if books {
            self.cancel(cancel);
        }
    }

    fn cancel(&mut self, cancel: &Cancel) -> Outcome {
        let meant =
            |booking: &&Booking| booking.approval_number == cancel.approval_number && booking.amount == cancel.amount;
        let mark = |booking: &Booking| self.marks.get(&booking.approval_number);
        let is_its_time = |booking: &&Booking| {
            cancel.time.as_ref().is_none_or(|time| mark(booking).is_some_and(|mark| mark.time == *time))
        };
        let named = self.bookings.iter().find(meant).filter(is_its_time).cloned();
        if cancel.with_card && named.as_ref().and_then(mark).is_some_and(|mark| mark.card != self.held) {
            return Outcome::OtherCard;
        }
        let blind = self.manners.cancels_last.is_some() && !cancel.with_card;
        let found = if blind { self.bookings.last().cloned() } else { named.clone() };
        let Some(booking) = found else { return Outcome::NoSuchSale };
        if blind && named.as_ref() != Some(&booking) {
            self.shows(Manner::CancelsLast);
        }
        if self.reversals.contains(&booking) {
            return Outcome::Before(booking);
        }
        if blind && named.as_ref() != Some(&booking) {
            self.astray.push(booking.approval_number.clone());
        }
        self.reversals.push(booking.clone());
        Outcome::Cancelled(booking)
    }
}
