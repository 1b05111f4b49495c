//! `kiosk check --devices`: the hospital's server asked once for everything that a kiosk needs of it, told in one line.

use super::Client;
use super::http::Trouble;
use super::skew;
use super::token::NoToken;
use std::sync::PoisonError;

impl Client {
    /// What a technician should know of the server.
    ///
    /// # Errors
    /// What does not work and what to do, in words.
    pub async fn check(&self) -> Result<String, String> {
        let identity = match &self.http.tokens {
            None => "it asks for no token".to_owned(),
            Some(tokens) => tokens.introduction(self.look_up_timeout()).await.map_err(|none| match none {
                NoToken::Unreachable(trouble) => unreachable(trouble),
                NoToken::Refused(why) => why,
            })?,
        };
        let server = self.describe().await?;
        self.may_look_up().await?;
        let clocks = match self.http.skew.seconds() {
            None => "it does not tell its time".to_owned(),
            Some(seconds) if seconds.abs() > skew::ALARM_S => {
                return Err(format!("{}: set the time of this machine (timedatectl, NTP)", skew::words(seconds)));
            }
            Some(seconds) => skew::words(seconds),
        };
        Ok(format!("{server}; {identity}; {clocks}"))
    }

    /// Seconds by which the hospital's clock is ahead, as last measured.
    #[must_use]
    pub fn clock_skew_s(&self) -> Option<i64> {
        self.http.skew.seconds()
    }

    /// When the server last answered anything, in seconds since 1970 by this machine's clock.
    #[must_use]
    pub fn heard_at_s(&self) -> Option<i64> {
        self.http.skew.heard_at_s()
    }

    /// When today's schedule, or what changed of it, was last read to its end.
    #[must_use]
    pub fn schedule_at_s(&self) -> Option<i64> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).schedule_at_s
    }

    /// A look-up of a number nobody has: what a token is worth shows only when it is used.
    async fn may_look_up(&self) -> Result<(), String> {
        let token = format!("{}|kiosk-check", self.settings.patient_system);
        let answer = self.http.search("Patient", &[("identifier", &token)], self.look_up_timeout()).await;
        match answer.map_err(unreachable)?.status {
            200..=299 => Ok(()),
            401 if self.http.tokens.is_none() => {
                Err("the server asks who this kiosk is (401): `kiosk enroll`, then [identity] client_id".to_owned())
            }
            status @ (401 | 403) => Err(format!(
                "the server knows this kiosk and does not let it look patients up ({status}): let its administrator grant what [identity] scope asks for"
            )),
            status => Err(format!(
                "the server does not look patients up by their number ({status}): is [hospital] url its FHIR base?"
            )),
        }
    }
}

/// What broke, and what to look at.
pub(super) fn unreachable(trouble: Trouble) -> String {
    let advice = match trouble {
        Trouble::NotSent => ": is the network up, is the address right?",
        // TLS 1.3 says so after the request has left, and OpenSSL's refusal is often lost in the closing.
        Trouble::NoAnswer => {
            ": if a gateway before it asks for a certificate, look at [identity] certificate_file; else try again"
        }
        Trouble::NotTrusted | Trouble::NotLetIn | Trouble::TimedOut | Trouble::TooLarge => "",
    };
    format!("{trouble}{advice}")
}
