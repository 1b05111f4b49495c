//! Why a payment is for staff. The journal keeps the English words; the staff area says them in its language.

/// Every reason there is: a new one has words here and in `ui/screens/staff_payments.slint`, or does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Booked after it was taken for not paid; the rest of the text tells amount and approval number.
    BookedAfterAll,
    /// Paid, but what the hospital must be told was lost with a damaged database: it is made anew once staff say "paid".
    RequestLost,
}

/// Words of older versions.
const OLDER: [(&str, StaffReason); 2] = [
    ("the terminal did not book it, but could not reach the card company", StaffReason::CardCompanyAway),
    (
        "the terminal did not book it, but was not ready or could not reach the card company",
        StaffReason::CardCompanyAway,
    ),
];

impl StaffReason {
    pub const ALL: [Self; 16] = [
        Self::TerminalSilent,
        Self::TerminalEmpty,
        Self::TwoAnswers,
        Self::EmptyBefore,
        Self::NoBaseline,
        Self::LooksTheSame,
        Self::CardCompanyAway,
        Self::TerminalForgot,
        Self::LastRefused,
        Self::OtherAmount,
        Self::OtherTime,
        Self::OtherPayment,
        Self::LaterPayment,
        Self::Contradiction,
        Self::BookedAfterAll,
        Self::RequestLost,
    ];

    /// As the journal keeps it, and for the command line. Journals of older versions hold the same, or [`OLDER`].
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
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
            Self::BookedAfterAll => "approved after it was",
            Self::RequestLost => {
                "it is paid, but its request to the hospital was lost with a damaged database: mark it as paid"
            }
        }
    }

    /// Read from the journal; more may follow the words.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let older = || OLDER.into_iter().find(|(words, _)| text.starts_with(words)).map(|(_, reason)| reason);
        Self::ALL.into_iter().find(|reason| text.starts_with(reason.words())).or_else(older)
    }
}

#[cfg(test)]
mod tests {
    use super::StaffReason;

    #[test]
    fn every_reason_is_read_back_as_itself() {
        for reason in StaffReason::ALL {
            assert_eq!(StaffReason::of(reason.words()), Some(reason));
            assert_eq!(StaffReason::of(&format!("{} (more)", reason.words())), Some(reason));
        }
        for (words, reason) in super::OLDER {
            assert_eq!(StaffReason::of(words), Some(reason));
        }
        assert_eq!(StaffReason::of("something new"), None);
    }
}
