//! What can go wrong between a question and its answer, told apart by whether the server may have acted and whether it is
//! there at all.

use crate::domain::reason::{BeforeServer, LineTrouble};
use std::fmt;

pub fn of_error(error: &reqwest::Error) -> LineTrouble {
    if let Some(trouble) = tls_error(error).and_then(of_tls) {
        trouble
    } else if error.is_connect() || error.is_builder() {
        LineTrouble::NotSent
    } else if error.is_timeout() {
        LineTrouble::TimedOut
    } else {
        LineTrouble::NoAnswer
    }
}

/// Only what a technician can mend; everything else is a line that broke.
fn of_tls(error: &rustls::Error) -> Option<LineTrouble> {
    use rustls::AlertDescription as Alert;
    match error {
        rustls::Error::InvalidCertificate(_) => Some(LineTrouble::NotTrusted),
        rustls::Error::AlertReceived(
            Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::HandshakeFailure,
        ) => Some(LineTrouble::NotLetIn),
        _ => None,
    }
}

/// A status by which the server says that it cannot serve anybody now. 501 is about the question alone.
#[must_use]
pub const fn is_away(status: u16) -> bool {
    matches!(status, 429 | 500 | 502..=599)
}

/// Why there is no resource, and whether its server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Trouble(LineTrouble),
    /// The answer was no success.
    Status(u16),
    /// A web page, with whatever status: something before the server answered instead of it.
    Page(u16),
    /// A success, and not what was asked for: no JSON, another resource, an error told as a result.
    Unreadable(u16),
}

impl Missing {
    #[must_use]
    pub const fn is_away(self) -> bool {
        match self {
            Self::Trouble(trouble) => trouble.is_away(),
            Self::Status(status) => is_away(status),
            Self::Page(_) | Self::Unreadable(_) => false,
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trouble(trouble) => trouble.fmt(out),
            Self::Status(status) => write!(out, "the server answered {status}"),
            Self::Page(status) => BeforeServer(*status).fmt(out),
            Self::Unreadable(status) => write!(out, "the server answered {status}, and it cannot be read"),
        }
    }
}

/// What TLS said, wherever in the chain of causes it is.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // As a source it would pass over the very error that it holds.
        let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = held.map_or_else(|| error.source(), |held| Some(held));
    }
    None
}
