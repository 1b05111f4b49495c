//! ISO 4217: the number that ZVT uses for a currency (BMP 49).

const NUMBERS: &[(&str, u16)] = &[
    ("AUD", 36),
    ("BAM", 977),
    ("BGN", 975),
    ("CAD", 124),
    ("CHF", 756),
    ("CNY", 156),
    ("CZK", 203),
    ("DKK", 208),
    ("EUR", 978),
    ("GBP", 826),
    ("HKD", 344),
    ("HUF", 348),
    ("ISK", 352),
    ("JPY", 392),
    ("KRW", 410),
    ("NOK", 578),
    ("PLN", 985),
    ("RON", 946),
    ("RSD", 941),
    ("SEK", 752),
    ("SGD", 702),
    ("TRY", 949),
    ("USD", 840),
];

/// Four digits, BCD; `None` for a currency that is not in the table.
pub fn number(code: &str) -> Option<[u8; 2]> {
    let (_, number) = NUMBERS.iter().find(|(known, _)| *known == code)?;
    super::request::bcd(&format!("{number:04}"))?.try_into().ok()
}

#[cfg(test)]
pub fn codes() -> impl Iterator<Item = &'static str> {
    NUMBERS.iter().map(|(code, _)| *code)
}
