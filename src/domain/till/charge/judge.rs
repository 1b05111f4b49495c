//! What an answer to our own charge proves, and the request and receipt of a paid attempt.

use super::{Charge, Conclusion, End, Running};
use crate::domain::attempt::{CardTransaction, Decline, DeclineCause};
use crate::domain::outbox::{Act, PaymentOfRequest, Request};
use crate::domain::paper::{CardLine, Receipt};
use crate::domain::payment::Entry;
use crate::domain::screen::NotPaidWhy;
use crate::domain::session::kiosk::Kiosk;
use crate::domain::till::books::Books;

impl Charge {
    /// A well-formed answer to our charge: the entry after `Answered`, and what it comes to.
    pub fn judge(&self, answer: &CardTransaction, is_stale: bool, books: &Books, kiosk: &Kiosk) -> (Entry, Conclusion) {
        if answer.approved && books.is_of_another(self.id, answer) {
            return self.in_doubt("the answer repeats the booking of another payment");
        }
        if answer.approved && is_stale {
            return self.in_doubt("the answer is of another time");
        }
        if answer.approved && answer.amount == self.sale.amount {
            return (self.committed(answer), Conclusion::Paid(Box::new(answer.clone())));
        }
        if answer.approved {
            return self.in_doubt("approved with another amount");
        }
        match &answer.decline {
            None => self.in_doubt("refused without a reason"),
            Some(decline) if kiosk.facility.payment.doubtful_declines.contains(&decline.code) => {
                self.in_doubt(&format!("refused with {}, which proves nothing", decline.code))
            }
            Some(decline) => {
                let reason = format!("refused: {}", decline.code);
                (Entry::NotPaid { attempt: self.id, reason }, Conclusion::NotPaid(self.why_declined(decline)))
            }
        }
    }

    fn in_doubt(&self, reason: &str) -> (Entry, Conclusion) {
        (Entry::InDoubt { attempt: self.id, reason: reason.to_owned() }, Conclusion::Doubt)
    }

    /// What the patient stopped was not refused. Else it is told as what it is: without a card in the terminal nobody's
    /// card was refused, and nobody came too late because the machine would not.
    fn why_declined(&self, decline: &Decline) -> NotPaidWhy {
        if let Some(why) = self.stop.called_off {
            return why;
        }
        let without_card = matches!(self.operation.running(), Some(Running::Presenting { card_seen: false, .. }));
        match decline.cause {
            DeclineCause::Terminal => NotPaidWhy::TerminalTrouble,
            DeclineCause::Busy => NotPaidWhy::TerminalNotReady,
            DeclineCause::NoCard if without_card => NotPaidWhy::NoCard,
            DeclineCause::Card => NotPaidWhy::CardNotTaken,
            DeclineCause::Balance => NotPaidWhy::NoBalance,
            DeclineCause::CardCompany | DeclineCause::Untold if is_balance(decline) => NotPaidWhy::NoBalance,
            DeclineCause::CardCompany => NotPaidWhy::Declined,
            DeclineCause::Untold if !without_card => NotPaidWhy::Declined,
            DeclineCause::NoCard | DeclineCause::Untold => NotPaidWhy::NotAccepted,
        }
    }

    pub fn committed(&self, transaction: &CardTransaction) -> Entry {
        Entry::Committed {
            attempt: self.id,
            transaction: Box::new(transaction.clone()),
            request: Box::new(self.paid_request(transaction)),
            receipt: Box::new(self.paid_receipt(transaction)),
        }
    }

    pub(super) fn paid(&self, transaction: Box<CardTransaction>) -> End {
        let (request, receipt) = (Box::new(self.paid_request(&transaction)), Box::new(self.paid_receipt(&transaction)));
        End::Paid { transaction, request, receipt }
    }

    fn paid_request(&self, transaction: &CardTransaction) -> Request {
        let mut request = self.sale.request.clone();
        match &mut request.act {
            Act::Documents { payment, .. } => {
                *payment = PaymentOfRequest::Card {
                    attempt_number: self.sale.number.clone(),
                    transaction: Box::new(transaction.clone()),
                };
            }
            Act::Arrival { .. } | Act::Cancellation { .. } => {}
        }
        request
    }

    fn paid_receipt(&self, transaction: &CardTransaction) -> Receipt {
        let card = CardLine {
            masked_card: transaction.last_four().to_owned(),
            approval_number: transaction.approval_number.clone(),
            issuer: transaction.issuer.clone(),
            paid_at: transaction.terminal_time.clone(),
            attempt_number: self.sale.number.clone(),
        };
        Receipt { card: Some(card), pay_at: None, ..self.sale.receipt.clone() }
    }
}

/// Korean card companies say 잔액부족 (balance) or 한도초과 (limit) in the message; the codes differ by company.
fn is_balance(decline: &Decline) -> bool {
    ["잔액", "한도"].iter().any(|word| decline.message.contains(word))
}
