//! What can go wrong between a question and its answer, told apart by whether the server may have acted and whether it is
//! there at all.

use super::answer::before_the_server;
use std::fmt;

/// No answer that could be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No connection: the server has seen nothing.
    NotSent,
    /// No connection: its certificate is not to be trusted.
    NotTrusted,
    /// No connection: it does not take our certificate, or wants one.
    NotLetIn,
    /// It broke on the way: the server may have acted.
    NoAnswer,
    TimedOut,
    /// The server answered, and more than is read.
    TooLarge,
    /// The server named an address that is not below its own base: nobody was asked.
    NotFollowed,
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotSent => "the hospital server cannot be reached",
            Self::NotTrusted => {
                "the hospital server's certificate is not trusted: is [hospital] ca_file the hospital's CA, is the name in url the server's, is the time right?"
            }
            Self::NotLetIn => {
                "the hospital server does not take this kiosk's certificate, or asks for one: look at [identity] certificate_file"
            }
            Self::NoAnswer => "the connection broke before the answer",
            Self::TimedOut => "no answer within the time limit",
            Self::TooLarge => "the answer was too large",
            Self::NotFollowed => "the server named an address outside its own base, which is not followed",
        })
    }
}

impl Trouble {
    #[must_use]
    pub const fn maybe_delivered(self) -> bool {
        match self {
            Self::NotSent | Self::NotTrusted | Self::NotLetIn | Self::NotFollowed => false,
            Self::NoAnswer | Self::TimedOut | Self::TooLarge => true,
        }
    }

    /// Nothing of the server was heard.
    #[must_use]
    pub const fn is_away(self) -> bool {
        match self {
            Self::NotSent | Self::NotTrusted | Self::NotLetIn | Self::NoAnswer | Self::TimedOut => true,
            Self::TooLarge | Self::NotFollowed => false,
        }
    }

    pub fn of(error: &reqwest::Error) -> Self {
        if let Some(trouble) = tls_error(error).and_then(Self::of_tls) {
            trouble
        } else if error.is_connect() || error.is_builder() {
            Self::NotSent
        } else if error.is_timeout() {
            Self::TimedOut
        } else {
            Self::NoAnswer
        }
    }

    /// Only what a technician can mend; everything else is a line that broke.
    fn of_tls(error: &rustls::Error) -> Option<Self> {
        use rustls::AlertDescription as Alert;
        match error {
            rustls::Error::InvalidCertificate(_) => Some(Self::NotTrusted),
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
            ) => Some(Self::NotLetIn),
            _ => None,
        }
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
    Trouble(Trouble),
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
            Self::Page(status) => out.write_str(&before_the_server(*status)),
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
