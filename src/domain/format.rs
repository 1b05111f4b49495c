//! Money, dates and times as people of a language write them. Pure; used by the screen and by paper.

use super::language::Language;
use super::money::{Amount, Currency};
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveTime, Timelike, Weekday};

/// Between the syllables of a Korean word (WORD JOINER), so that lines break at spaces only.
const WORD_JOINER: char = '\u{2060}';

/// `13,000원`, `₩13,000`, `€12.50`. Grouped by thousands, with the currency's minor digits.
#[must_use]
pub fn money(amount: Amount, currency: &Currency, language: Language) -> String {
    let minor = u32::from(currency.minor_digits.min(4));
    let unit = 10_i64.pow(minor);
    let (group, point) = match language {
        Language::Ru => ('\u{A0}', ','),
        Language::Vi => ('.', ','),
        Language::Ko | Language::En | Language::Zh | Language::Ja | Language::Mn | Language::Ar => (',', '.'),
    };
    let mut figure = grouped(amount.0 / unit, group);
    if minor > 0 {
        let rest = (amount.0 % unit).abs();
        figure = format!("{figure}{point}{rest:0width$}", width = minor as usize);
    }
    let after = match (currency.code.as_str(), language) {
        ("KRW", Language::Ko) => return format!("{figure}원"),
        ("KRW", Language::Zh) => return format!("{figure}韩元"),
        ("KRW", Language::Ja) => return format!("{figure}ウォン"),
        (_, Language::Ru | Language::Vi | Language::Mn | Language::Ar) => true,
        (_, Language::Ko | Language::En | Language::Zh | Language::Ja) => false,
    };
    match (symbol(&currency.code), after) {
        (Some(sign), false) => format!("{sign}{figure}"),
        (Some(sign), true) => format!("{figure}\u{A0}{sign}"),
        (None, _) => format!("{figure}\u{A0}{}", currency.code),
    }
}

fn symbol(code: &str) -> Option<&'static str> {
    match code {
        "KRW" => Some("₩"),
        "EUR" => Some("€"),
        "USD" => Some("$"),
        "GBP" => Some("£"),
        "JPY" => Some("¥"),
        "MNT" => Some("₮"),
        _ => None,
    }
}

fn grouped(value: i64, separator: char) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::from(if value < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// `오후 2:05`, `2:05 pm`, `14:05`. The space in it is U+00A0: no line breaks there.
#[must_use]
pub fn clock(at: NaiveTime, language: Language) -> String {
    match language {
        Language::Ko => format!("{}\u{A0}{}", half_day(at, language), clock_face(at, language)),
        Language::En => format!("{}\u{A0}{}", clock_face(at, language), half_day(at, language)),
        Language::Zh | Language::Ja | Language::Ru | Language::Vi | Language::Mn | Language::Ar => {
            clock_face(at, language)
        }
    }
}

/// The clock without its half of the day: `2:05`, `14:05`.
#[must_use]
pub fn clock_face(at: NaiveTime, language: Language) -> String {
    match language {
        Language::Ko | Language::En => format!("{}:{:02}", at.hour12().1, at.minute()),
        Language::Zh | Language::Ja | Language::Ru | Language::Vi | Language::Mn | Language::Ar => {
            format!("{:02}:{:02}", at.hour(), at.minute())
        }
    }
}

/// `오전`, `pm`; empty where the day has 24 hours.
#[must_use]
pub fn half_day(at: NaiveTime, language: Language) -> &'static str {
    match (language, at.hour() < 12) {
        (Language::Ko, true) => "오전",
        (Language::Ko, false) => "오후",
        (Language::En, true) => "am",
        (Language::En, false) => "pm",
        (Language::Zh | Language::Ja | Language::Ru | Language::Vi | Language::Mn | Language::Ar, _) => "",
    }
}

/// Minute of the day (0 to 1439) as a clock.
#[must_use]
pub fn minute_of_day(minute: u16, language: Language) -> String {
    let minute = u32::from(minute).min(1439);
    clock(NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap_or_default(), language)
}

/// `11월 20일`, `20 November`, `20.11`.
#[must_use]
pub fn date(day: NaiveDate, language: Language) -> String {
    let (month, date) = (day.month(), day.day());
    match language {
        Language::Ko => format!("{month}월 {date}일"),
        Language::Zh | Language::Ja => format!("{month}月{date}日"),
        Language::En => format!("{date} {}", MONTHS_EN[day.month0() as usize % 12]),
        Language::Ru => format!("{date:02}.{month:02}"),
        Language::Vi | Language::Ar => format!("{date}/{month}"),
        Language::Mn => format!("{month}-р сарын {date}"),
    }
}

/// `금요일`, `Friday`.
#[must_use]
pub fn weekday(day: Weekday, language: Language) -> &'static str {
    let names = match language {
        Language::Ko => ["월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일"],
        Language::En => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        Language::Zh => ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
        Language::Ja => ["月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"],
        Language::Ru => ["понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"],
        Language::Vi => ["Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ Nhật"],
        Language::Mn => ["Даваа", "Мягмар", "Лхагва", "Пүрэв", "Баасан", "Бямба", "Ням"],
        Language::Ar => ["الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد"],
    };
    names[day.num_days_from_monday() as usize % 7]
}

/// `11월 20일 금요일`, `Friday 20 November`.
#[must_use]
pub fn long_date(day: NaiveDate, language: Language) -> String {
    let (name, date) = (weekday(day.weekday(), language), date(day, language));
    match language {
        Language::Ko | Language::Zh | Language::Ja => format!("{date} {name}"),
        Language::En => format!("{name} {date}"),
        Language::Ru | Language::Vi | Language::Mn | Language::Ar => format!("{name}, {date}"),
    }
}

/// As [`long_date`], for one line of a screen: `Mon 23 Nov` in English.
fn short_date(day: NaiveDate, language: Language) -> String {
    let three = |name: &str| name.chars().take(3).collect::<String>();
    match language {
        Language::En => format!(
            "{} {} {}",
            three(weekday(day.weekday(), language)),
            day.day(),
            three(MONTHS_EN[day.month0() as usize % 12])
        ),
        Language::Ko | Language::Zh | Language::Ja | Language::Ru | Language::Vi | Language::Mn | Language::Ar => {
            long_date(day, language)
        }
    }
}

/// Day, year and minute: where a clock may be wrong by any of them.
#[must_use]
pub fn moment(at: DateTime<FixedOffset>, language: Language) -> String {
    let (date, year, clock) = (date(at.date_naive(), language), at.year(), clock(at.time(), language));
    match language {
        Language::Ko => format!("{year}년 {date} {clock}"),
        Language::Zh | Language::Ja => format!("{year}年{date} {clock}"),
        Language::En | Language::Vi | Language::Mn | Language::Ar => format!("{date} {year}, {clock}"),
        Language::Ru => format!("{date}.{year} {clock}"),
    }
}

/// When something can be collected: `오늘 오후 2:35부터 6:00까지`, `Mon 23 Nov from 8:30 am`. The end is told only
/// where it is the same day.
#[must_use]
pub fn time_span(
    from: DateTime<FixedOffset>,
    until: Option<DateTime<FixedOffset>>,
    today: NaiveDate,
    language: Language,
) -> String {
    let day = if from.date_naive() == today {
        today_word(language).to_owned()
    } else {
        short_date(from.date_naive(), language)
    };
    let start = clock(from.time(), language);
    let Some(end) = until.filter(|until| until.date_naive() == from.date_naive() && *until > from) else {
        return match language {
            Language::Ko => format!("{day} {start}부터"),
            Language::En => format!("{day} from {start}"),
            Language::Zh => format!("{day} {start}起"),
            Language::Ja => format!("{day} {start}から"),
            Language::Ru => format!("{day} с {start}"),
            Language::Vi => format!("{day} từ {start}"),
            Language::Mn => format!("{day} {start}-с"),
            Language::Ar => format!("{day} من {start}"),
        };
    };
    let close = clock(end.time(), language);
    match language {
        Language::Ko if half_day(from.time(), language) == half_day(end.time(), language) => {
            format!("{day} {start}부터 {}까지", clock_face(end.time(), language))
        }
        Language::Ko => format!("{day} {start}부터 {close}까지"),
        Language::En => format!("{day} {start} to {close}"),
        Language::Zh => format!("{day} {start}至{close}"),
        Language::Ja => format!("{day} {start}から{close}まで"),
        Language::Ru => format!("{day} с {start} до {close}"),
        Language::Vi => format!("{day} từ {start} đến {close}"),
        Language::Mn => format!("{day} {start}–{close}"),
        Language::Ar => format!("{day} من {start} إلى {close}"),
    }
}

const fn today_word(language: Language) -> &'static str {
    match language {
        Language::Ko => "오늘",
        Language::En => "Today",
        Language::Zh => "今天",
        Language::Ja => "今日",
        Language::Ru => "Сегодня",
        Language::Vi => "Hôm nay",
        Language::Mn => "Өнөөдөр",
        Language::Ar => "اليوم",
    }
}

/// Letters that nobody sees: of no width, or turning the line round (Unicode 16, `Default_Ignorable_Code_Point` and
/// `Bidi_Control`, as far as a name may hold them).
#[must_use]
pub const fn is_invisible(letter: char) -> bool {
    turns_the_line(letter)
        || matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}')
}

/// With one of these a time reads backwards.
#[must_use]
pub const fn turns_the_line(letter: char) -> bool {
    matches!(letter, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Joins the syllables of Korean words with U+2060; other texts come back as they are. `ui/build.rs` has the same rule.
#[must_use]
pub fn keep_words(text: &str, language: Language) -> String {
    if language != Language::Ko {
        return text.to_owned();
    }
    let hangul = |c: char| ('\u{AC00}'..='\u{D7A3}').contains(&c);
    let word = |c: char| hangul(c) || c.is_alphanumeric() || "{}%,.:-()".contains(c);
    let mut out = String::with_capacity(text.len() * 2);
    let mut before = ' ';
    for c in text.chars() {
        if word(before) && word(c) && (hangul(before) || hangul(c)) {
            out.push(WORD_JOINER);
        }
        out.push(c);
        before = c;
    }
    out
}

/// Binds a short last word to the one before it, so that no `2` of `floor 2` stands alone on a line.
#[must_use]
pub fn keep_end(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((head, end)) if !head.is_empty() && end.chars().count() < 4 => format!("{head}\u{A0}{end}"),
        Some(_) | None => text.to_owned(),
    }
}

/// One line without what the text layer put in: word joiners, direction marks, hand-set breaks. For tests and scripts.
#[must_use]
pub fn plain(text: &str) -> String {
    let seen = |c: &char| !matches!(c, '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}');
    text.chars().filter(seen).map(|c| if matches!(c, '\n' | '\u{A0}') { ' ' } else { c }).collect()
}

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn won() -> Currency {
        Currency { code: "KRW".to_owned(), minor_digits: 0 }
    }

    #[test]
    fn money_is_written_as_people_write_it() {
        let euro = Currency { code: "EUR".to_owned(), minor_digits: 2 };
        for (amount, currency, language, expected) in [
            (13_000, &won(), Language::Ko, "13,000원"),
            (13_000, &won(), Language::En, "₩13,000"),
            (0, &won(), Language::En, "₩0"),
            (999, &won(), Language::Ko, "999원"),
            (1_234_567, &won(), Language::Ko, "1,234,567원"),
            (13_000, &won(), Language::Ar, "13,000\u{A0}₩"),
            (1_250, &euro, Language::En, "€12.50"),
            (105, &euro, Language::Ru, "1,05\u{A0}€"),
        ] {
            assert_eq!(money(Amount(amount), currency, language), expected);
        }
    }

    #[test]
    fn clocks_and_spans() {
        let at = |day: &str| DateTime::parse_from_rfc3339(day).unwrap();
        let (from, until) = (at("2026-11-20T14:35:00+09:00"), at("2026-11-20T18:00:00+09:00"));
        let today = from.date_naive();
        assert_eq!(clock(from.time(), Language::Ko), "오후\u{A0}2:35");
        assert_eq!(clock(from.time(), Language::En), "2:35\u{A0}pm");
        assert_eq!(minute_of_day(12, Language::En), "12:12\u{A0}am");
        assert_eq!(plain(&time_span(from, Some(until), today, Language::Ko)), "오늘 오후 2:35부터 6:00까지");
        assert_eq!(plain(&time_span(from, Some(until), today, Language::En)), "Today 2:35 pm to 6:00 pm");
        let monday = at("2026-11-23T08:30:00+09:00");
        assert_eq!(plain(&time_span(monday, None, today, Language::En)), "Mon 23 Nov from 8:30 am");
        assert_eq!(plain(&time_span(monday, None, today, Language::Ko)), "11월 23일 월요일 오전 8:30부터");
    }

    #[test]
    fn korean_words_stay_whole() {
        assert_eq!(keep_words("8자리 QR을", Language::Ko), "8\u{2060}자\u{2060}리 QR\u{2060}을");
        assert_eq!(plain(&keep_words("무엇을 도와드릴까요?", Language::Ko)), "무엇을 도와드릴까요?");
        assert_eq!(keep_words("8 digits", Language::En), "8 digits");
        assert_eq!(keep_end("Internal medicine, floor 2"), "Internal medicine, floor\u{A0}2");
        assert_eq!(keep_end("Eye clinic"), "Eye clinic");
    }
}
