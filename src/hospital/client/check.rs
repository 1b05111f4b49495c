//! `kiosk check --devices`: the hospital's server asked once for everything that a kiosk needs of it, told in one line.

use super::super::wire;
use super::Client;
use super::http::HttpAnswer;
use super::skew;
use super::token::NoToken;
use super::trouble::is_away;
use crate::domain::reason::{BeforeServer, LineTrouble};
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
        let told = self.describe().await?;
        self.may_look_up().await?;
        let server = told.unwrap_or_else(|closed| closed);
        let orders = self.takes_orders().await?;
        let clocks = match self.http.skew.seconds() {
            None => "it does not tell its time".to_owned(),
            Some(seconds) if seconds.abs() > skew::ALARM_S => {
                return Err(format!("{}: set the time of this machine (timedatectl, NTP)", skew::words(seconds)));
            }
            Some(seconds) => skew::words(seconds),
        };
        let day = match self.tells_the_day().await {
            Ok(()) => String::new(),
            Err(missing) => {
                format!("; it does not tell all of today's appointments ({missing}): no check-in while it is away")
            }
        };
        let slips = self.weak_slips().await.map(|weak| format!("; {weak}")).unwrap_or_default();
        Ok(format!("{server}; {orders}{day}; {identity}; {clocks}{slips}"))
    }

    /// Seconds by which the hospital's clock is ahead, as last measured.
    #[must_use]
    pub fn clock_skew_s(&self) -> Option<i64> {
        self.http.skew.seconds()
    }

    /// Whether the server, and what stands before it, let this kiosk in; `None` before either said anything.
    #[must_use]
    pub fn is_let_in(&self) -> Option<bool> {
        self.http.door.lets_in()
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

    /// What the server says of itself; inside, why not, if only that is closed to us: a kiosk can do without, by asking less
    /// of it.
    ///
    /// # Errors
    /// Why it will not do, and what to look at.
    pub async fn describe(&self) -> Result<Result<String, String>, String> {
        let answer = self.http.get("metadata", &[], self.look_up_timeout()).await.map_err(unreachable)?;
        match answer.json.as_ref().filter(|_| answer.is_success()) {
            Some(statement) => return wire::describe(statement).map(Ok),
            None if matches!(answer.status, 401 | 403) => {}
            None if answer.is_page() && !is_away(answer.status) || matches!(answer.status, 300..=399) => {
                return Err(BeforeServer(answer.status).to_string());
            }
            None if is_away(answer.status) => {
                return Err(format!(
                    "the server answers {} to /metadata: it, or what stands before it, cannot serve now; try again",
                    answer.status
                ));
            }
            None => {
                return Err(format!(
                    "the server answers {} to /metadata: is hospital.url its FHIR base URL?",
                    answer.status
                ));
            }
        }
        let closed = self.not_let_in("tell what it can do", &answer);
        // Is it the house that is closed, or this one door of it?
        match self.may_look_up().await {
            Ok(()) => Ok(Err(format!("{closed}; until then the kiosk takes it for a server that can do little"))),
            Err(_) => Err(closed),
        }
    }

    /// A look-up of a number nobody has: what a token is worth shows only when it is used.
    async fn may_look_up(&self) -> Result<(), String> {
        let token = format!("{}|kiosk-check", self.settings.patient_system);
        let answer = self.http.search("Patient", &[("identifier", &token)], self.look_up_timeout()).await;
        let answer = answer.map_err(unreachable)?;
        match answer.status {
            // A portal's page is a success as well.
            200..=299 if answer.is_fhir() => Ok(()),
            401 | 403 => Err(self.not_let_in("let this kiosk look patients up", &answer)),
            status if answer.is_page() || matches!(status, 300..=399) => Err(BeforeServer(status).to_string()),
            status => Err(format!(
                "the server does not look patients up by their number ({status}): is [hospital] url its FHIR base?"
            )),
        }
    }

    /// 401 or 403, by the server or by what stands before it.
    fn not_let_in(&self, what: &str, answer: &HttpAnswer) -> String {
        let status = answer.status;
        if answer.is_page() {
            return BeforeServer(status).to_string();
        }
        if self.http.tokens.is_none() {
            return format!(
                "the server does not {what} and asks who this kiosk is ({status}): `kiosk enroll`, then [identity] client_id, or certificate_file where a gateway asks for a client certificate"
            );
        }
        format!(
            "the server knows this kiosk and does not {what} ({status}): let its administrator grant what [identity] scope asks for"
        )
    }
}

impl Client {
    /// An empty batch, sent where the money's requests go: it does nothing, and shows whether they arrive.
    async fn takes_orders(&self) -> Result<String, String> {
        let mut seen = self.post_nothing().await?;
        let mut moved = "";
        if matches!(seen.status, 301 | 308) && self.http.moved().is_some() {
            moved = ", at its base with the other ending: write hospital.url as the server names it";
            seen = self.post_nothing().await?;
        }
        let status = seen.status;
        let is_fhir = seen.is_fhir();
        match status {
            200..=299 if is_fhir => Ok(format!("it takes requests{moved}")),
            // It read the batch and has something against there being nothing in it: of orders that says nothing. Nor does 403:
            // scopes allow resources, and none allows an empty batch (seen at sekmet-fhir).
            400 | 403 | 422 | 500 | 501 if is_fhir => Ok(format!(
                "it answers at the base{moved}, and takes no empty batch ({status}): orders are not tried here"
            )),
            301 | 302 | 303 | 307 | 308 => Err(format!(
                "a POST to the base is sent elsewhere ({status}), so that no order would arrive: write hospital.url as the server names it, with or without its last slash"
            )),
            401 | 403 if seen.is_page() => Err(format!(
                "something lets this kiosk post nothing to its base ({status}), so that no order would arrive: {}",
                BeforeServer(status)
            )),
            401 | 403 => Err(format!(
                "the server lets this kiosk post nothing to its base ({status}): let its administrator grant what [identity] scope asks for"
            )),
            404 | 405 | 410 => Err(format!(
                "the server takes no POST at its base ({status}), so that no order would arrive: is hospital.url its FHIR base, with or without its last slash?"
            )),
            _ if seen.is_page() && !matches!(status, 500..=599) => Err(format!(
                "a POST to the base was answered {status} by something that is no FHIR server: orders would wait; {}",
                BeforeServer(status)
            )),
            _ => {
                let by = if is_fhir { "" } else { ", by something that is no FHIR server" };
                Err(format!("a POST to the base was answered {status}{by}: orders would wait"))
            }
        }
    }

    /// Servers differ in how they want nothing to be written: without a list (an empty one is no FHIR), or with one.
    async fn post_nothing(&self) -> Result<HttpAnswer, String> {
        let mut answer = Err(LineTrouble::NotSent);
        for batch in
            [r#"{"resourceType":"Bundle","type":"batch"}"#, r#"{"resourceType":"Bundle","type":"batch","entry":[]}"#]
        {
            answer = self.http.transaction(batch.as_bytes().to_vec(), false, self.look_up_timeout()).await;
            let odd = match &answer {
                Ok(answer) => matches!(answer.status, 400 | 422 | 500 | 501),
                Err(trouble) => *trouble == LineTrouble::NoAnswer,
            };
            if !odd {
                break;
            }
        }
        answer.map_err(unreachable)
    }
}

/// What broke, and what to look at.
pub(super) fn unreachable(trouble: LineTrouble) -> String {
    let advice = match trouble {
        LineTrouble::NotSent => ": is the network up, is the address right?",
        // TLS 1.3 says so after the request has left, and OpenSSL's refusal is often lost in the closing.
        LineTrouble::NoAnswer => {
            ": if a gateway before it asks for a certificate, look at [identity] certificate_file; else try again"
        }
        LineTrouble::NotTrusted
        | LineTrouble::NotLetIn
        | LineTrouble::TimedOut
        | LineTrouble::TooLarge
        | LineTrouble::NotFollowed => "",
    };
    format!("{trouble}{advice}")
}
