//! Minor units to FHIR `Money` and back to tax parts, in integers; a float only ever exists as JSON text.

use super::Money;
use crate::domain::document::Tax;
use crate::domain::money::{Amount, Currency};

/// `5100` won stays `5100`; `1250` cent becomes `12.50` and is written `12.5`.
pub fn money(amount: Amount, currency: &Currency) -> Money {
    let digits = u32::from(currency.minor_digits.min(4));
    let unit = 10_i64.pow(digits);
    let text = if digits == 0 {
        amount.0.to_string()
    } else {
        let sign = if amount.0 < 0 { "-" } else { "" };
        format!("{sign}{}.{:0width$}", (amount.0 / unit).abs(), (amount.0 % unit).abs(), width = digits as usize)
    };
    let value = serde_json::from_str(&text).unwrap_or_else(|_| amount.0.into());
    Money { value, currency: currency.code.clone() }
}

/// A price that includes its tax, parted into (before tax, tax); rounded half up to a whole minor unit.
pub fn part_tax(gross: Amount, tax: Tax) -> (Amount, Amount) {
    match tax {
        Tax::Exempt => (gross, Amount::ZERO),
        Tax::Percent(percent) => {
            let whole = 100 + i128::from(percent);
            let net = (i128::from(gross.0) * 100 + whole / 2) / whole;
            let net = i64::try_from(net).unwrap_or(gross.0);
            (Amount(net), Amount(gross.0 - net))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_exactly() {
        for (amount, minor_digits, text) in [
            (5100, 0, "5100"),
            (0, 0, "0"),
            (1250, 2, "12.5"),
            (5, 2, "0.05"),
            (100, 2, "1.0"),
            (1_234_567_891, 2, "12345678.91"),
        ] {
            let currency = Currency { code: "XXX".to_owned(), minor_digits };
            assert_eq!(money(Amount(amount), &currency).value.to_string(), text, "{amount}/{minor_digits}");
        }
    }

    #[test]
    fn included_tax_is_parted() {
        for (gross, tax, net, part) in [
            (11_000, Tax::Percent(10), 10_000, 1_000),
            (1_000, Tax::Percent(10), 909, 91),
            (1_000, Tax::Exempt, 1_000, 0),
            (0, Tax::Percent(10), 0, 0),
            (119, Tax::Percent(19), 100, 19),
        ] {
            assert_eq!(part_tax(Amount(gross), tax), (Amount(net), Amount(part)), "{gross} {tax:?}");
        }
    }
}
