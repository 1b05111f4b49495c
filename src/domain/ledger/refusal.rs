//! What the ledger never takes, now and for ever. The sentences are for logs and staff; nobody reads them back.

use crate::domain::attempt::PaymentState;
use crate::domain::undo::UndoState;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the journal knows no such payment attempt")]
    UnknownPayment,
    #[error("a payment that is {} cannot become {}", .from.word(), .to.word())]
    NoWay { from: PaymentState, to: PaymentState },
    #[error("another payment is still open: no second one may begin")]
    PaymentOpen,
    #[error("a payment is being given back: nothing else may begin")]
    UndoOpen,
    #[error("this request has a payment that is not known to be unpaid: it may not be charged again")]
    MaybeCharged,
    #[error("the terminal's answer differs from the one already in the journal")]
    OtherAnswer,
    #[error("this booking belongs to payment {number} already")]
    BookedForAnother { number: String },
    #[error("the request of a paid attempt must be its own and carry the payment")]
    OtherRequest,
    #[error("a payment that is {} needs no evidence", .0.word())]
    NoEvidenceNeeded(PaymentState),
    #[error("a payment that is {} has no receipt", .0.word())]
    NoReceipt(PaymentState),

    #[error("the journal knows no such undo")]
    UnknownUndo,
    #[error("an undo that is {} cannot become {}", .from.word(), .to.word())]
    NoWayForUndo { from: UndoState, to: UndoState },
    #[error("a payment that is {} cannot be given back now", .0.word())]
    NothingToGiveBack(PaymentState),
    #[error("only the booking of a payment can be given back")]
    OtherBooking,
    #[error("the terminal's answer differs from the one in the journal")]
    OtherUndoAnswer,

    #[error("the journal knows no such end of day")]
    UnknownClosing,
    #[error("this end of day has gone further")]
    ClosingOver,
    #[error("the terminal's totals differ from those already in the journal")]
    OtherTotals,

    #[error("another request is already queued under this identifier")]
    IdTaken,
    #[error("the queue knows no such request")]
    UnknownRequest,
    #[error("no such request is waiting in the queue")]
    NotWaiting,
}
