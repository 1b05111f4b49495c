//! `kiosk payments totals`: the terminal's day is closed, and what it says it booked is laid beside the journal. Exit
//! status 0: they agree; 1: they differ; 2: there are no totals to compare, and the journal's own sums are listed.

use super::{Answer, CANNOT, NO, Refusal, payments, usage};
use crate::domain::closing::{
    ClosingEnd, Comparison, DayBook, Finding, Move, MoveKind, Period, Sums, Verdict, compare, period,
};
use crate::domain::format;
use crate::domain::language::Language;
use crate::domain::money::{Amount, Currency};
use crate::domain::order::StaffAnswer;
use crate::domain::person::Who;
use crate::domain::staff::{AuditEntry, StaffAct};
use crate::domain::terminal::{TerminalDay, TerminalTotals};
use crate::ports::{Journal, StaffOrders, Store, Trail};
use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};
use std::time::Duration;

/// For `patience` it is tried again while the kiosk is only starting.
///
/// # Errors
/// 1: they differ. 2: the terminal could not be asked, or told no totals.
pub fn run(
    store: &dyn Store,
    desk: &dyn StaffOrders,
    currency: &Currency,
    as_json: bool,
    patience: Duration,
) -> Answer {
    audit(store, "ordered")?;
    let answer = payments::answered(patience, || desk.close_day())?;
    let told = told(store, answer, currency, as_json);
    let result = told.as_ref().map_or_else(|refusal| refusal.why.as_str(), |_| "they agree");
    // The journal has the answer by now.
    if let Err(refusal) = audit(store, result) {
        tracing::error!("{}", refusal.why);
    }
    told
}

fn audit(trail: &dyn Trail, result: &str) -> Result<(), Refusal> {
    super::write_down(trail, &AuditEntry::new(Who::Shell, StaffAct::CloseDay, "", result))
}

fn told(journal: &dyn Journal, answer: StaffAnswer, currency: &Currency, as_json: bool) -> Answer {
    let (closing, end, kept) = match answer {
        StaffAnswer::DayEnded { closing, end, kept } => (closing, end, kept),
        StaffAnswer::Refused(why) => return Err(usage(why)),
        StaffAnswer::Begun
        | StaffAnswer::Paid
        | StaffAnswer::NotPaid
        | StaffAnswer::Reversed
        | StaffAnswer::NotReversed { .. }
        | StaffAnswer::StillOpen { .. }
        | StaffAnswer::Printed
        | StaffAnswer::NotPrinted => return Err(usage("the kiosk answered something else: try again")),
    };
    let book = journal.day_book(closing).map_err(usage)?;
    let report = Report { book: &book, currency, kept };
    match &end {
        ClosingEnd::Told(totals) => report.compared(totals, as_json),
        // Every figure is optional: a terminal that closes a day without one, where the journal has nothing either,
        // contradicts nothing. Where the journal has something, silence is no total.
        ClosingEnd::Untold { day: TerminalDay::Closed, .. } if is_empty(report.book) => {
            report.compared(&NOTHING, as_json)
        }
        ClosingEnd::Untold { day, reason } => Err(report.untold(*day, reason, as_json)),
    }
}

const NOTHING: TerminalTotals = TerminalTotals { count: None, amount: Amount(0), of_cards: None, receipts: None };

/// Nothing moved, and nothing may have.
fn is_empty(book: &DayBook) -> bool {
    let own = period(book);
    own.sums == Sums::default() && own.unsettled.is_empty() && book.forgotten == 0
}

struct Report<'a> {
    book: &'a DayBook,
    currency: &'a Currency,
    /// The answer is in the journal.
    kept: bool,
}

impl Report<'_> {
    fn compared(&self, totals: &TerminalTotals, as_json: bool) -> Answer {
        let compared = compare(self.book, totals);
        let agree = compared.verdict == Verdict::Agree;
        let notes = self.notes(&compared.findings);
        let lines = if as_json {
            vec![
                self.value(
                    if agree { "agree" } else { "differ" },
                    Some(totals),
                    &compared.period,
                    &compared.findings,
                    &notes,
                )
                .to_string(),
            ]
        } else {
            std::iter::once(self.headline(totals, &compared)).chain(self.sums(&compared.period)).chain(notes).collect()
        };
        if agree {
            return Ok(lines);
        }
        let why = "the terminal's totals and the journal differ: look at each line, and at the card company's list"
            .to_owned();
        Err(Refusal { exit: NO, why, lines })
    }

    fn headline(&self, totals: &TerminalTotals, compared: &Comparison) -> String {
        let Comparison { verdict, period: Period { since, sums, .. }, .. } = compared;
        let since = since.map_or_else(String::new, |at| format!(" (since the end of day of {})", when(at)));
        let terminal = totals.count.map_or_else(String::new, |count| format!("{}, ", payments_of(count.into())));
        let terminal = format!("{terminal}{}", self.money(totals.amount.0));
        match verdict {
            Verdict::Agree => format!("they agree: the terminal booked {terminal}, and so has the journal{since}"),
            Verdict::Differ => format!(
                "they differ: the terminal booked {terminal}; the journal has {}, {}{since}",
                payments_of(sums.count()),
                self.money(sums.amount())
            ),
        }
    }

    /// What a giving-back hides in a single figure, and a line for each of several days.
    fn sums(&self, period: &Period) -> Vec<String> {
        let one = |what: &str, sums: Sums| {
            let back = match sums.given_back {
                0 => "none given back".to_owned(),
                count => format!("{count} given back, {}", self.money(sums.gave_back)),
            };
            format!("  {what}: {} taken, {}; {back}", payments_of(sums.charges.into()), self.money(sums.charged))
        };
        let Period { sums, days, .. } = period;
        let several = days.len() > 1;
        std::iter::once(one("in the journal", *sums))
            .chain(days.iter().filter(|_| several).map(|(day, sums)| one(&format!("of these on {day}"), *sums)))
            .collect()
    }

    fn untold(&self, day: TerminalDay, reason: &str, as_json: bool) -> Refusal {
        let own = period(self.book);
        let open = own.unsettled.iter().cloned();
        let findings = open.map(|moved| Finding::Unsettled { moved, explains: false }).collect::<Vec<_>>();
        let notes = self.notes(&findings);
        let (word, next) = match day {
            TerminalDay::NotKept => ("not-kept", "compare these sums with the card company's report of the same days"),
            TerminalDay::Open => ("not-told", "its day goes on: try again when it can be closed"),
            TerminalDay::Closed => ("not-told", "its day is closed: compare with the card company's report"),
            TerminalDay::Unknown => (
                "not-told",
                "nobody knows whether its day was closed, and its totals are not known: compare with the card \
                 company's report",
            ),
        };
        let lines = if as_json {
            let mut value = self.value(word, None, &own, &findings, &notes);
            value["reason"] = reason.into();
            vec![value.to_string()]
        } else {
            let begins = own.since.map_or("the beginning of the journal".to_owned(), when);
            let together = format!("  together: {}, {}", payments_of(own.sums.count()), self.money(own.sums.amount()));
            let mut lines = vec![format!("the journal's own sums since {begins}:")];
            lines.extend(self.sums(&own));
            lines.push(together);
            lines.extend(notes);
            lines
        };
        Refusal { exit: CANNOT, why: format!("there are no totals to compare ({reason}): {next}"), lines }
    }

    fn notes(&self, findings: &[Finding]) -> Vec<String> {
        let kept = if self.kept {
            None
        } else {
            Some(
                "  the disk did not take this answer: next time it will say that this end of day is not known"
                    .to_owned(),
            )
        };
        findings.iter().map(|finding| format!("  {}", self.words(finding))).chain(kept).collect()
    }

    fn words(&self, finding: &Finding) -> String {
        match finding {
            Finding::NeverClosed => {
                "this kiosk has not closed the terminal's day before: the journal counts from its first payment, the \
                 terminal from its own last end of day, whenever that was"
                    .to_owned()
            }
            Finding::Unanswered { at, begins_here } => {
                let here = if *begins_here { "; by the figures it was closed then" } else { "" };
                format!(
                    "the end of day of {} was asked for and no answer is known: the totals of the day that ended then \
                     are not known{here}",
                    when(*at)
                )
            }
            Finding::Contradiction { whole, of_cards } => format!(
                "the terminal contradicts itself: it says {} in all, and {} over its kinds of card",
                self.money(*whole),
                self.money(*of_cards)
            ),
            Finding::Count { terminal, journal } => {
                format!("the count differs: {terminal} at the terminal, {journal} in the journal")
            }
            Finding::Amount { more } if *more > 0 => format!("the terminal has {} more", self.money(*more)),
            Finding::Amount { more } => format!("the terminal has {} less", self.money(-more)),
            Finding::GivenBackCounted { gave_back } => format!(
                "the difference is what was given back, {}: this terminal counts a giving-back as turnover",
                self.money(*gave_back)
            ),
            Finding::BelowNothing { by } => format!(
                "more was given back than taken, {}: the terminal's totals have no sign and cannot tell that, look at the \
                 card company's report",
                self.money(*by)
            ),
            Finding::Unsettled { moved, explains } => self.unsettled(moved, *explains),
            Finding::UnsettledTogether => "these that nobody knows of yet, together, are the difference".to_owned(),
            Finding::BeginsLater { receipt, number, before } => format!(
                "from receipt {receipt:04} ({number}) on they agree. The {}, {} before it are not in these totals: the \
                 terminal closed its day in between without this kiosk; look at the card company's report of that time",
                payments_of(before.count()),
                self.money(before.amount())
            ),
            Finding::OtherReceipts(moves) => {
                let one = |moved: &Move| {
                    let receipt = moved.receipt.map_or_else(String::new, |receipt| format!("receipt {receipt:04}, "));
                    format!("{} ({receipt}{})", moved.number, self.money(moved.amount.0))
                };
                let all = moves.iter().map(one).collect::<Vec<_>>().join(", ");
                format!("look at {all}: not among the receipts that the terminal counted")
            }
            Finding::MissingReceipts(receipts) => {
                let all = receipts.iter().map(|receipt| format!("{receipt:04}")).collect::<Vec<_>>().join(", ");
                format!(
                    "look at the terminal's receipts {all}: no payment of the journal has them (refused cards and \
                     givings-back have receipts too)"
                )
            }
            Finding::Forgotten(count) => format!(
                "{count} payments of this period are not kept any more (store.keep_payments_days): close the day more \
                 often"
            ),
        }
    }

    fn unsettled(&self, moved: &Move, explains: bool) -> String {
        let what = match moved.kind {
            MoveKind::Charge => "was paid",
            MoveKind::GivenBack => "was given back",
        };
        let explains = if explains { "; that would be the difference" } else { "" };
        format!(
            "look at {} ({}, {}): nobody knows yet whether it {what}{explains}. Find out, then `kiosk payments settle {} \
             --as paid|not-paid --evidence TEXT`",
            moved.number,
            self.money(moved.amount.0),
            when(moved.at),
            moved.attempt.0
        )
    }

    fn value(
        &self,
        word: &str,
        totals: Option<&TerminalTotals>,
        period: &Period,
        findings: &[Finding],
        notes: &[String],
    ) -> Value {
        let Period { since, sums, days, .. } = period;
        let of = |sums: &Sums| {
            json!({
                "charges": sums.charges, "charged": sums.charged, "given_back": sums.given_back,
                "gave_back": sums.gave_back, "count": sums.count(), "amount": sums.amount(),
            })
        };
        let open = findings.iter().filter_map(|finding| match finding {
            Finding::Unsettled { moved, explains } => Some(json!({
                "id": moved.attempt.0, "number": moved.number, "kind": moved.kind, "amount": moved.amount, "at": moved.at.to_rfc3339(),
                "explains": explains,
            })),
            _others => None,
        });
        let days = days.iter().map(|(day, sums)| {
            let mut value = of(sums);
            value["day"] = day.to_string().into();
            value
        });
        json!({
            "result": word,
            "since": since.map(|at| at.to_rfc3339()),
            "terminal": totals.map(|totals| json!({
                "count": totals.count, "amount": totals.amount, "of_cards": totals.of_cards,
                "receipts": totals.receipts,
            })),
            "journal": of(sums),
            "days": days.collect::<Vec<_>>(),
            "unsettled": open.collect::<Vec<_>>(),
            "notes": notes.iter().map(|note| note.trim()).collect::<Vec<_>>(),
            "kept": self.kept,
        })
    }

    fn money(&self, amount: i64) -> String {
        format::money(Amount(amount), self.currency, Language::En)
    }
}

fn payments_of(count: i64) -> String {
    format!("{count} payment{}", if count == 1 { "" } else { "s" })
}

fn when(at: DateTime<FixedOffset>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}
