//! Why something is as it is, where somebody has to know: why a payment is for staff, here; why a request is not with the
//! hospital, what staff should know of one that is. Store and sender keep and compare the reasons themselves; the sentence is
//! made last, for lists and logs, and never read back.

mod line;
mod told;
mod undelivered;

pub use line::{BeforeServer, LineTrouble};
pub use told::{ClosedByHand, Meanwhile, Told};
pub use undelivered::{Delay, EntryStatus, InPart, Issues, KeptOut, ParkReason, Parts, Together, Undelivered};

use super::money::Amount;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Every reason there is: a new one has words here and in `ui/screens/staff_payments.slint`, or does not compile. Its name is
/// what the journal keeps (`terminal-silent`): a released one is never renamed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaffReason {
    /// Asked again and again, the terminal does not tell its last transaction.
    TerminalSilent,
    TerminalEmpty,
    TwoAnswers,
    /// It had none before the payment: an older one that it did not tell of may come up later.
    EmptyBefore,
    NoBaseline,
    LooksTheSame,
    CardCompanyAway,
    TerminalForgot,
    LastRefused,
    OtherAmount,
    OtherTime,
    OtherPayment,
    LaterPayment,
    /// The journal will never take what the terminal says.
    Contradiction,
    /// Booked, and it was over as far as anybody knew.
    BookedAfterAll {
        taken_for: TakenFor,
        amount: Amount,
        approval_number: String,
    },
    /// Paid, but what the hospital must be told was lost with a damaged database: it is made anew once staff say "paid".
    RequestLost,
}

/// What a payment was before its booking came to light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TakenFor {
    NotPaid,
    /// Staff had it already.
    WithStaff,
}

impl fmt::Display for StaffReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::TerminalSilent => "the terminal does not tell its last transaction",
            Self::TerminalEmpty => "the terminal says it has no last transaction",
            Self::TwoAnswers => "the terminal gave two different answers",
            Self::EmptyBefore => "the terminal told of no transaction before this payment",
            Self::NoBaseline => "the last transaction before this payment is not known",
            Self::LooksTheSame => {
                "the terminal's last transaction looks like the one before, but carries no mark of its own"
            }
            Self::CardCompanyAway => {
                "the terminal tells of no booking, but did not say that it was ready and reached the card company"
            }
            Self::TerminalForgot => "the terminal may have restarted and forgotten it",
            Self::LastRefused => "the terminal's last transaction is a refusal",
            Self::OtherAmount => "the terminal's last transaction has another amount",
            Self::OtherTime => "the terminal's last transaction is of another time",
            Self::OtherPayment => "the terminal's last transaction belongs to another payment",
            Self::LaterPayment => "the terminal's last transaction may belong to a later payment",
            Self::Contradiction => "the journal refuses what the terminal says",
            Self::BookedAfterAll { taken_for, amount, approval_number } => {
                let taken_for = match taken_for {
                    TakenFor::NotPaid => "taken for not paid",
                    TakenFor::WithStaff => "handed to staff",
                };
                let amount = amount.0;
                return write!(
                    out,
                    "approved after it was {taken_for}: amount {amount}, approval number {approval_number}"
                );
            }
            Self::RequestLost => {
                "it is paid, but its request to the hospital was lost with a damaged database: mark it as paid"
            }
        })
    }
}
