//! All that the till has to say.

use crate::domain::attempt::{AttemptId, CardTransaction};
use crate::domain::money::Amount;
use crate::domain::order::StaffAnswer;
use crate::domain::outbox::Request;
use crate::domain::paper::Receipt;
use crate::domain::screen::NotPaidWhy;
use uuid::Uuid;

pub enum TillEvent {
    /// A payment came to its end.
    Ended(Box<News>),
    /// What became of the staff order with this `order_id`.
    Answer { order_id: Uuid, answer: StaffAnswer },
}

/// What became of an attempt.
pub struct News {
    /// `None` if it ended before there was one.
    pub attempt: Option<AttemptId>,
    pub number: String,
    pub amount: Amount,
    /// A patient stands there and waits for it.
    pub watched: bool,
    pub end: End,
}

pub enum End {
    Paid { transaction: Box<CardTransaction>, request: Box<Request>, receipt: Box<Receipt> },
    NotPaid(NotPaidWhy),
    Staff,
}
