//! `kiosk quote`: what a document would cost and when it would be ready.

use super::{NO, Streams, YES};
use crate::domain::document::{Tax, Unit};
use crate::domain::facility::Facility;
use crate::domain::language::Language;
use crate::domain::money::{Amount, Currency};
use crate::domain::pricing::quote::{Quote, Reason, quote};
use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde_json::{Value, json};
use std::io;

#[derive(Debug, Clone, clap::Args)]
pub struct QuoteArgs {
    /// Code of the document, as in documents.toml
    #[arg(long, value_name = "CODE")]
    pub document: String,
    /// Pages of the record; ignored where the price is not by page
    #[arg(long, value_name = "N", value_parser = count)]
    pub pages: Option<u32>,
    #[arg(long, value_name = "N", default_value = "1", value_parser = count)]
    pub copies: u32,
    /// Language of the document and of the answer's texts, as ko or en
    #[arg(long, value_parser = language)]
    pub language: Option<Language>,
    /// When it is ordered, as 2026-11-25T10:00:00+09:00; now if left out
    #[arg(long, value_name = "RFC3339", value_parser = moment)]
    pub at: Option<DateTime<FixedOffset>>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Answers the command; `now` holds where `--at` is not given. 1 if it cannot be ordered here.
///
/// # Errors
/// The stream is closed.
pub fn run(
    args: &QuoteArgs,
    facility: &Facility,
    now: DateTime<FixedOffset>,
    streams: &mut Streams<'_>,
) -> io::Result<u8> {
    let at = args.at.unwrap_or(now);
    let answer = quote(facility, &args.document, args.pages, args.copies, args.language, at);
    let shown_in = args.language.unwrap_or(facility.desk_language);
    warn_of_language(args, &answer, streams)?;
    if args.json {
        writeln!(streams.out, "{}", to_json(&answer, shown_in))?;
    } else {
        write!(streams.out, "{}", to_text(&answer, facility, shown_in))?;
    }
    if !answer.orderable {
        let next = answer.reason.map_or("", what_next);
        writeln!(streams.err, "{}: {next}", args.document)?;
    }
    Ok(if answer.orderable { YES } else { NO })
}

fn warn_of_language(args: &QuoteArgs, answer: &Quote, streams: &mut Streams<'_>) -> io::Result<()> {
    let (Some(wanted), Some(line)) = (args.language, answer.lines.first()) else { return Ok(()) };
    if line.language == wanted {
        return Ok(());
    }
    let (wanted, issued) = (wanted.code(), line.language.code());
    writeln!(streams.err, "{} is not issued in {wanted}; quoted in {issued}.", args.document)
}

/// The one JSON form of a quote: keys as in `commands.md`, then those added since.
#[must_use]
pub fn to_json(quote: &Quote, shown_in: Language) -> Value {
    let time = |time: DateTime<FixedOffset>| time.to_rfc3339_opts(SecondsFormat::Secs, false);
    let lines: Vec<Value> = quote
        .lines
        .iter()
        .map(|line| {
            json!({
                "text": line.name.get(shown_in),
                "unit": line.unit.word(),
                "count": line.count,
                "amount": line.amount.map(|amount| amount.0),
                "copies": line.copies,
                "language": line.language.code(),
            })
        })
        .collect();
    json!({
        "document": quote.document,
        "orderable": quote.orderable,
        "today": quote.today,
        "reason": quote.reason.map(Reason::word),
        "ready_at": quote.ready_at.map(time),
        "amount": quote.amount.map(|amount| amount.0),
        "currency": quote.currency.code,
        "lines": lines,
        "tax": quote.tax.map(tax_word),
        "collect_until": quote.collect_until.map(time),
    })
}

fn tax_word(tax: Tax) -> String {
    match tax {
        Tax::Exempt => "exempt".to_owned(),
        Tax::Percent(percent) => format!("{percent}%"),
    }
}

fn to_text(quote: &Quote, facility: &Facility, shown_in: Language) -> String {
    let name = facility.document(&quote.document).map_or("", |document| document.name.get(shown_in));
    let mut rows = vec![format!("{} {name}", quote.document)];
    for line in &quote.lines {
        let of_copies = if line.unit == Unit::Page { format!(", copies: {}", line.copies) } else { String::new() };
        rows.push(format!("  {} x {}{of_copies}", line.count, line.unit.word()));
    }
    if let Some(amount) = quote.amount {
        let tax = quote.tax.map(|tax| format!(" (tax: {})", tax_word(tax))).unwrap_or_default();
        rows.push(format!("  price {}{tax}", money(amount, &quote.currency)));
    }
    if let Some(ready_at) = quote.ready_at {
        let until = quote.collect_until.map(|until| until.format(" until %H:%M").to_string()).unwrap_or_default();
        rows.push(format!("  ready {}{until}", ready_at.format("%Y-%m-%d %H:%M")));
    }
    let answer = match (quote.orderable, quote.today) {
        (false, _) => "cannot be ordered",
        (true, true) => "today",
        (true, false) => "not today",
    };
    let reason = quote.reason.map(|reason| format!(": {}", reason.word())).unwrap_or_default();
    rows.push(format!("  {answer}{reason}\n"));
    rows.join("\n")
}

/// `5100 KRW`, `12.50 EUR`
fn money(amount: Amount, currency: &Currency) -> String {
    let digits = usize::from(currency.minor_digits);
    let figures = format!("{:0width$}", amount.0, width = digits + 1);
    let (whole, minor) = figures.split_at(figures.len() - digits);
    let point = if digits == 0 { "" } else { "." };
    format!("{whole}{point}{minor} {}", currency.code)
}

fn what_next(reason: Reason) -> &'static str {
    match reason {
        Reason::Closed | Reason::Holiday | Reason::TooLate => "its counter never opens; look at hours.toml",
        Reason::DoctorWrites => "a doctor writes it; ask for it in the consultation",
        Reason::BadPages => "priced by pages; say how many with --pages, from 1",
        Reason::BadCopies => "that many copies cannot be ordered; see copies_max in documents.toml",
        Reason::UnknownDocument => "no such code in documents.toml",
    }
}

/// A count a person typed: too many for the machine is still only "too many", not a wrong usage.
fn count(text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.parse().unwrap_or(u32::MAX)) } else { Err("a whole number is needed".to_owned()) }
}

fn language(code: &str) -> Result<Language, String> {
    let codes: Vec<&str> = Language::ALL.iter().map(|language| language.code()).collect();
    Language::from_code(code).ok_or_else(|| format!("one of {}", codes.join(", ")))
}

/// RFC 3339; the seconds may be left out.
fn moment(text: &str) -> Result<DateTime<FixedOffset>, String> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%:z"))
        .map_err(|_| "a moment with its offset is needed, as 2026-11-25T10:00:00+09:00".to_owned())
}
