use super::ui::{App, DocumentItem, DocumentsData, PriceKind};
use super::words::{Words, int, rows};
use crate::domain::money::Amount;
use crate::domain::screen::{DocumentRow, ReadyIn, RowPrice};
use slint::ComponentHandle;

/// What stands under and beside the list.
pub(super) struct Foot {
    pub count: u32,
    pub total: Amount,
    pub has_unpriced: bool,
    pub page: u8,
    pub pages: u8,
}

pub(super) fn show(app: &App, words: &Words, list: &[DocumentRow], foot: &Foot) {
    let global = app.global::<DocumentsData>();
    let items = list.iter().map(|row| item(words, row)).collect();
    global.set_rows(rows(global.get_rows(), items));
    global.set_count(int(foot.count));
    global.set_total(words.money(foot.total));
    global.set_has_unpriced(foot.has_unpriced);
    // Shown from 1; the domain counts from 0.
    global.set_page(i32::from(foot.page) + 1);
    global.set_pages(i32::from(foot.pages));
}

pub(super) fn item(words: &Words, row: &DocumentRow) -> DocumentItem {
    let (kind, price) = match row.price {
        RowPrice::Free => (PriceKind::Free, "".into()),
        RowPrice::Fixed(amount) => (PriceKind::Fixed, words.money(amount)),
        RowPrice::ByPage => (PriceKind::ByPage, "".into()),
        RowPrice::AskDoctor => (PriceKind::AskDoctor, "".into()),
    };
    DocumentItem {
        id: Words::id(&row.name),
        name: words.text(&row.name),
        hint: words.text(&row.hint),
        minutes: match row.ready {
            ReadyIn::AtOnce => 0,
            ReadyIn::Minutes(minutes) => int(minutes),
            ReadyIn::Never => -1,
        },
        kind,
        price,
        chosen: row.chosen,
    }
}
