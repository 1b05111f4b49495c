//! What can go wrong between a question to the hospital's server and its answer.

use serde::{Deserialize, Serialize};
use std::fmt;

/// No answer that could be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineTrouble {
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

impl fmt::Display for LineTrouble {
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

impl LineTrouble {
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
}

/// Something before the hospital's server answered instead of it, with this status: a gateway, a portal, a log-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BeforeServer(pub u16);

/// For staff: who has answered, and what to look at.
impl fmt::Display for BeforeServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.0;
        let advice = match status {
            300..=399 => {
                "is it a log-in page or a portal that has to let this kiosk through, or has the server moved? Look at hospital.url"
            }
            404 | 405 | 410 => "does it lead to the FHIR server? Look at hospital.url",
            407 | 451 => "it has to let this kiosk through",
            413 => "it takes no request of this size: its limit has to be raised (nginx: client_max_body_size)",
            429 => "it takes no more requests for now; try again",
            414 | 431 => "its limit for headers has to be raised",
            401 => {
                "if it asks for a client certificate, look at [identity] certificate_file and at what `kiosk enroll` says of its key; if for a name and a password, this kiosk has none to give"
            }
            400..=499 => {
                "if it asks for a client certificate, look at [identity] certificate_file (is it there, has it expired, is it of the right CA?); else it has to let this kiosk through"
            }
            500..=599 => "it does not reach the server behind it",
            _ => "has the network a log-in page or a portal that has to let this kiosk through?",
        };
        write!(out, "something before the hospital server answered instead of it ({status}): {advice}")
    }
}
