//! Amounts, dates and times of day as people of each language write them.

use super::language::Language;
use super::money::{Amount, Currency};
use chrono::{DateTime, Datelike, FixedOffset, Timelike, Weekday};

/// `13,000원` in Korean, `₩13,000` elsewhere; other currencies by symbol or code.
#[must_use]
pub fn money(amount: Amount, currency: &Currency, language: Language) -> String {
    let figure = figure(amount, currency.minor_digits);
    match (currency.code.as_str(), language) {
        ("KRW", Language::Ko) => format!("{figure}원"),
        ("KRW", _) => format!("₩{figure}"),
        ("EUR", _) => format!("€{figure}"),
        ("USD", _) => format!("${figure}"),
        (code, _) => format!("{code} {figure}"),
    }
}

/// Digits in groups of three, a point before the minor unit.
fn figure(amount: Amount, minor_digits: u8) -> String {
    let minor = 10_i64.pow(u32::from(minor_digits.min(4)));
    let whole = (amount.0 / minor).to_string();
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if minor > 1 {
        grouped.push_str(&format!(".{:0width$}", amount.0 % minor, width = usize::from(minor_digits.min(4))));
    }
    grouped
}

/// `오후 2:05`, `2:05 pm`; 24 hours where that is usual.
#[must_use]
pub fn time_of_day(at: DateTime<FixedOffset>, language: Language) -> String {
    let (afternoon, hour) = at.hour12();
    let minute = at.minute();
    match language {
        Language::Ko => format!("{} {hour}:{minute:02}", if afternoon { "오후" } else { "오전" }),
        Language::En => format!("{hour}:{minute:02} {}", if afternoon { "pm" } else { "am" }),
        Language::Zh | Language::Ja | Language::Ru | Language::Vi | Language::Mn | Language::Ar => {
            format!("{}:{minute:02}", at.hour())
        }
    }
}

/// `11월 25일 (수)`, `Wed 25 Nov`; the ISO date where we have no better yet.
#[must_use]
pub fn date(at: DateTime<FixedOffset>, language: Language) -> String {
    match language {
        Language::Ko => format!("{}월 {}일 ({})", at.month(), at.day(), weekday_ko(at.weekday())),
        Language::En => at.format("%a %-d %b").to_string(),
        Language::Zh | Language::Ja | Language::Ru | Language::Vi | Language::Mn | Language::Ar => {
            at.format("%Y-%m-%d").to_string()
        }
    }
}

const fn weekday_ko(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "월",
        Weekday::Tue => "화",
        Weekday::Wed => "수",
        Weekday::Thu => "목",
        Weekday::Fri => "금",
        Weekday::Sat => "토",
        Weekday::Sun => "일",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_write_it() {
        let won = Currency { code: "KRW".into(), minor_digits: 0 };
        let euro = Currency { code: "EUR".into(), minor_digits: 2 };
        for (amount, currency, language, expected) in [
            (13_000, &won, Language::Ko, "13,000원"),
            (13_000, &won, Language::En, "₩13,000"),
            (0, &won, Language::Ko, "0원"),
            (999, &won, Language::En, "₩999"),
            (1_234_567, &won, Language::Ko, "1,234,567원"),
            (1_205, &euro, Language::En, "€12.05"),
        ] {
            assert_eq!(money(Amount(amount), currency, language), expected);
        }
    }

    #[test]
    fn times_and_dates() {
        let at = DateTime::parse_from_rfc3339("2026-11-25T14:05:00+09:00").expect("a date");
        assert_eq!(time_of_day(at, Language::Ko), "오후 2:05");
        assert_eq!(time_of_day(at, Language::En), "2:05 pm");
        assert_eq!(date(at, Language::Ko), "11월 25일 (수)");
        assert_eq!(date(at, Language::En), "Wed 25 Nov");
    }
}
