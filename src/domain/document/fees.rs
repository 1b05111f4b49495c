//! What papers cost: fixed prices with a lower price for further copies, and prices by pages in tiers.

use super::Price;
use crate::domain::money::Amount;

/// More pages than this is a wrong number, not a record.
pub const PAGES_MAX: u32 = 10_000;

/// Why there is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeRefusal {
    /// A doctor writes it; it has no price here.
    DoctorWrites,
    /// Priced by pages, and the pages are missing, 0 or more than [`PAGES_MAX`].
    BadPages,
    /// No copies, or so many that the amount cannot be told.
    BadCopies,
}

/// The price of `copies` of one paper. `pages` is ignored where the price does not go by pages.
///
/// # Errors
/// Why there is none.
pub fn fee(price: &Price, pages: Option<u32>, copies: u32) -> Result<Amount, FeeRefusal> {
    match price {
        Price::DoctorWrites => Err(FeeRefusal::DoctorWrites),
        Price::Fixed { first, further } => {
            let others = copies.checked_sub(1).ok_or(FeeRefusal::BadCopies)?;
            further.checked_times(others).and_then(|sum| first.checked_add(sum)).ok_or(FeeRefusal::BadCopies)
        }
        Price::ByPage { tiers } => {
            let pages = pages.filter(|pages| (1..=PAGES_MAX).contains(pages)).ok_or(FeeRefusal::BadPages)?;
            let one = pages_fee(tiers, pages).ok_or(FeeRefusal::BadPages)?;
            if copies == 0 {
                Err(FeeRefusal::BadCopies)
            } else {
                one.checked_times(copies).ok_or(FeeRefusal::BadCopies)
            }
        }
    }
}

/// The price of one copy of `pages` pages. Each tier is `(from this page, price a page)` and holds until the next
/// begins: `[(1, 1000), (6, 100)]` is 1,000 for each of the first five pages and 100 for each after them, while
/// `[(1, 1000), (2, 0), (6, 100)]` is 1,000 for the first five together. `None` on overflow.
#[must_use]
pub fn pages_fee(tiers: &[(u32, Amount)], pages: u32) -> Option<Amount> {
    tiers.iter().enumerate().try_fold(Amount::ZERO, |sum, (index, (from, price))| {
        let end = tiers.get(index + 1).map_or(u32::MAX, |(next, _)| next.saturating_sub(1));
        let count = pages.min(end).saturating_sub(from.saturating_sub(1));
        price.checked_times(count).and_then(|part| sum.checked_add(part))
    })
}
