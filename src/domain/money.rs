//! Money is an integer of minor units and never a float.

use serde::{Deserialize, Serialize};

/// ISO 4217 code and how many digits its minor unit has (KRW 0, EUR 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    pub code: String,
    pub minor_digits: u8,
}

/// The digits of a currency's minor unit (ISO 4217), for those a hospital may charge in; `None` for others. Card terminals
/// count in it: another number would charge ten or a hundred times as much.
#[must_use]
pub fn iso_minor_digits(code: &str) -> Option<u8> {
    const NONE: &[&str] = &["CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"];
    const TWO: &[&str] = &[
        "AED", "AUD", "BAM", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "INR",
        "KZT", "MNT", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY",
        "TWD", "UAH", "USD", "UZS", "ZAR",
    ];
    const THREE: &[&str] = &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
    let digits = [(NONE, 0), (TWO, 2), (THREE, 3)];
    digits.into_iter().find(|(codes, _)| codes.contains(&code)).map(|(_, digits)| digits)
}

/// An amount in minor units of the kiosk's one currency. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

impl Amount {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Sum that refuses to wrap: `None` on overflow.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    #[must_use]
    pub fn checked_times(self, count: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(count)).map(Self)
    }
}
