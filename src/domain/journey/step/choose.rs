//! Which documents, how many copies of each, in which language.
//!
//! ```text
//! List ─Next─▶ Options of each that has some ─Next─▶ chosen
//! ```

use crate::domain::document::OrderItem;
use crate::domain::pricing::cart::{self, Cart};
use crate::domain::screen::{Screen, Tap};
use crate::domain::session::kiosk::Kiosk;

#[derive(Default)]
pub struct Choose {
    pub cart: Cart,
    at: At,
}

#[derive(Clone, Copy)]
enum At {
    List {
        page: u8,
    },
    /// Copies and language of this item of the cart.
    Options {
        item: usize,
    },
}

impl Default for At {
    fn default() -> Self {
        Self::List { page: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    NotYet,
    /// Back from the list.
    Back,
    Done,
}

impl Choose {
    /// The list from its first page, with what was picked.
    pub fn reopen(&mut self) {
        self.at = At::default();
    }

    pub fn tap(&mut self, tap: Tap, kiosk: &Kiosk) -> Chosen {
        match self.at {
            At::List { page } => self.tap_list(tap, page, kiosk),
            At::Options { item } => self.tap_options(tap, item, kiosk),
        }
    }

    fn tap_list(&mut self, tap: Tap, page: u8, kiosk: &Kiosk) -> Chosen {
        if let Tap::Row(row) = tap {
            let code = cart::page(&kiosk.facility, page).nth(usize::from(row)).map(|document| document.code.clone());
            if let Some(code) = code {
                self.cart.toggle(&code, &kiosk.facility, kiosk.language);
            }
        } else if tap == Tap::PageUp {
            self.at = At::List { page: page.saturating_sub(1) };
        } else if tap == Tap::PageDown {
            let last = cart::page_count(&kiosk.facility) - 1;
            self.at = At::List { page: page.saturating_add(1).min(last) };
        } else if tap == Tap::Back {
            return Chosen::Back;
        } else if tap == Tap::Next && !self.cart.items.is_empty() {
            return self.options_from(0, kiosk);
        }
        Chosen::NotYet
    }

    /// The next item that has something to choose, else all is chosen.
    fn options_from(&mut self, from: usize, kiosk: &Kiosk) -> Chosen {
        match (from..self.cart.items.len()).find(|item| self.has_options(*item, kiosk)) {
            Some(item) => {
                self.at = At::Options { item };
                Chosen::NotYet
            }
            None => Chosen::Done,
        }
    }

    fn has_options(&self, item: usize, kiosk: &Kiosk) -> bool {
        let document = self.cart.items.get(item).and_then(|item| kiosk.facility.document(&item.code));
        document.is_some_and(cart::has_options)
    }

    fn tap_options(&mut self, tap: Tap, at: usize, kiosk: &Kiosk) -> Chosen {
        if tap == Tap::Next {
            return self.options_from(at + 1, kiosk);
        } else if tap == Tap::Back {
            let before = (0..at).rev().find(|item| self.has_options(*item, kiosk));
            self.at = before.map_or(At::default(), |item| At::Options { item });
        } else if let Some(item) = self.cart.items.get_mut(at) {
            change(item, tap, kiosk);
        }
        Chosen::NotYet
    }

    pub fn screen(&self, kiosk: &Kiosk) -> Screen {
        match self.at {
            At::List { page } => self.list_screen(page, kiosk),
            At::Options { item } => self.options_screen(item, kiosk),
        }
    }

    fn list_screen(&self, page: u8, kiosk: &Kiosk) -> Screen {
        let sum = self.cart.sum(&kiosk.facility);
        let rows = cart::page(&kiosk.facility, page).map(|document| cart::row(document, self.cart.has(&document.code)));
        Screen::Documents {
            rows: rows.collect(),
            count: sum.count,
            total: sum.total,
            has_unpriced: sum.has_unpriced,
            page,
            pages: cart::page_count(&kiosk.facility),
        }
    }

    fn options_screen(&self, item: usize, kiosk: &Kiosk) -> Screen {
        let item = self.cart.items.get(item);
        let Some((item, document)) =
            item.and_then(|item| kiosk.facility.document(&item.code).map(|found| (item, found)))
        else {
            return self.list_screen(0, kiosk);
        };
        Screen::Options {
            document: document.name.clone(),
            code: document.code.clone(),
            copies: item.copies,
            copies_max: document.copies_max.max(1),
            languages: document.languages.clone(),
            language: item.language,
        }
    }
}

fn change(item: &mut OrderItem, tap: Tap, kiosk: &Kiosk) {
    let Some(document) = kiosk.facility.document(&item.code) else { return };
    if tap == Tap::More {
        item.copies = item.copies.saturating_add(1).min(document.copies_max.max(1));
    } else if tap == Tap::Fewer {
        item.copies = item.copies.saturating_sub(1).max(1);
    } else if let Tap::DocumentLanguage(language) = tap
        && document.languages.contains(&language)
    {
        item.language = language;
    }
}
