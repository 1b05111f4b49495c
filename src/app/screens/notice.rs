use super::ui::{App, NoticeData};
use super::words::{Words, rows};
use crate::domain::format;
use crate::domain::screen::Notice;
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, notice: &Notice) {
    let global = app.global::<NoticeData>();
    let day = |day| words.line(&format::date(day, words.language));
    let lines = [&notice.text, &notice.more].into_iter().flat_map(|text| words.lines_of(text)).collect();
    global.set_lines(rows(global.get_lines(), lines));
    global.set_page(i32::from(notice.page));
    global.set_version(notice.version.as_str().into());
    global.set_since(notice.since.map(day).unwrap_or_default());
    let next = notice.next.as_ref();
    global.set_next(next.map(|(version, _)| version.as_str().into()).unwrap_or_default());
    global.set_next_from(next.map(|(_, from)| day(*from)).unwrap_or_default());
}
