//! Documents a hospital hands out: what they are called, what they cost, when they are ready.

pub mod claim;
pub mod fees;

use super::language::{Language, LocalText};
use super::money::Amount;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One entry of the hospital's document list; everything about it is data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub code: String,
    pub name: LocalText,
    /// A short line under the name (`X-ray, CT, MRI`); may be empty.
    pub hint: LocalText,
    /// The price in force; after a change announced in `price_changes`, see `price_on`.
    pub price: Price,
    /// Later prices by the day they begin, ascending; usually empty.
    pub price_changes: Vec<(NaiveDate, Price)>,
    /// What one piece is called on a line of an order.
    pub unit: Unit,
    pub tax: Tax,
    /// Shortest and longest time until it is ready, in minutes.
    pub ready_min: u32,
    pub ready_max: u32,
    /// Which table of opening hours it is issued in, a key of `Facility::hours`.
    pub hours: String,
    /// Where it is collected, a key of `Facility::desks`.
    pub desk: String,
    /// Papers to bring, one short line each.
    pub bring: LocalText,
    /// Languages it can be issued in; one entry = no question.
    pub languages: Vec<Language>,
    pub copies_max: u32,
}

impl Document {
    /// The price on `day`: the last change that has begun, else `price`.
    #[must_use]
    pub fn price_on(&self, day: NaiveDate) -> &Price {
        self.price_changes.iter().rev().find(|(from, _)| *from <= day).map_or(&self.price, |(_, price)| price)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Price {
    /// Per copy; `further` is the price of each further copy of the same paper.
    Fixed { first: Amount, further: Amount },
    /// By pages, which only the hospital knows: it quotes. Tiers are `(pages from, price a page)`, ascending.
    ByPage { tiers: Vec<(u32, Amount)> },
    /// A doctor writes it: ask in the consultation. Never orderable here.
    DoctorWrites,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tax {
    Exempt,
    /// Included in the price, in percent.
    Percent(u8),
}

/// What a patient chose of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItem {
    pub code: String,
    pub copies: u32,
    pub language: Language,
    /// Pages quoted by the hospital, where the price goes by pages.
    pub pages: Option<u32>,
}

/// One ordered paper as shown, printed and sent to the hospital: the same one everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    pub code: String,
    pub name: LocalText,
    pub language: Language,
    pub unit: Unit,
    pub count: u32,
    pub copies: u32,
    /// `None`: ordered all the same, its price is told at the desk.
    pub amount: Option<Amount>,
    pub tax: Tax,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    Copy,
    Page,
    Disc,
}

impl Unit {
    pub const ALL: [Self; 3] = [Self::Copy, Self::Page, Self::Disc];

    /// The word in configuration files and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Page => "page",
            Self::Disc => "disc",
        }
    }
}
