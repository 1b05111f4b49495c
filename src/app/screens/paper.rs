//! Hands a `Paper` to its component in `ui/paper`: two languages, numbers and times already as people write them.

use super::ui::{
    PaperCard, PaperFrame, PaperGlue, PaperItem, ReceiptPaper, ReceiptWords, SlipPaper, SlipWords, TicketPaper,
    TicketWords,
};
use crate::app::press::Letters;
use crate::domain::attempt::last_four;
use crate::domain::document::{OrderLine, Tax, Unit};
use crate::domain::facility::Facility;
use crate::domain::format;
use crate::domain::language::{Language, LocalText};
use crate::domain::money::Amount;
use crate::domain::paper::{DeskReason, DoubtSlip, Paper, Receipt, Ticket};
use chrono::{DateTime, FixedOffset};
use slint::{ComponentHandle, Image, ModelRc, Rgb8Pixel, SharedPixelBuffer, SharedString, VecModel};
use std::cell::RefCell;
use std::rc::Rc;

/// A filled paper, ready to be laid out.
pub enum Sheet {
    Receipt(ReceiptPaper),
    Ticket(TicketPaper),
    Slip(SlipPaper),
}

impl Sheet {
    /// # Errors
    /// Slint's own reason.
    pub fn show(&self) -> Result<(), String> {
        match self {
            Self::Receipt(paper) => paper.show(),
            Self::Ticket(paper) => paper.show(),
            Self::Slip(paper) => paper.show(),
        }
        .map_err(|error| error.to_string())
    }

    pub fn hide(&self) {
        let _ = match self {
            Self::Receipt(paper) => paper.hide(),
            Self::Ticket(paper) => paper.hide(),
            Self::Slip(paper) => paper.hide(),
        };
    }

    /// In dots, at the width that the window has now.
    #[must_use]
    pub fn height(&self) -> f32 {
        match self {
            Self::Receipt(paper) => paper.get_paper_height(),
            Self::Ticket(paper) => paper.get_paper_height(),
            Self::Slip(paper) => paper.get_paper_height(),
        }
    }
}

/// Fills the component of `paper` on this thread's Slint context.
///
/// # Errors
/// A language that `ui/lang` does not have, or Slint's own reason.
pub fn fill(
    paper: &Paper,
    facility: &Facility,
    width_dots: u32,
    letters: &Rc<RefCell<Letters>>,
) -> Result<Sheet, String> {
    match paper {
        Paper::Receipt(receipt) => fill_receipt(receipt, facility, width_dots, letters).map(Sheet::Receipt),
        Paper::Ticket(ticket) => fill_ticket(ticket, facility, width_dots, letters).map(Sheet::Ticket),
        Paper::Slip(slip) => fill_slip(slip, facility, width_dots, letters).map(Sheet::Slip),
    }
}

fn fill_receipt(
    receipt: &Receipt,
    facility: &Facility,
    width_dots: u32,
    letters: &Rc<RefCell<Letters>>,
) -> Result<ReceiptPaper, String> {
    let ui = ReceiptPaper::new().map_err(|error| error.to_string())?;
    glue(&ui.global::<PaperGlue>(), letters);
    let tongues = Tongues { own: receipt.language, desk: facility.desk_language };
    let spoken_by = |language: Language| -> Result<ReceiptSpoken, String> {
        select(language)?;
        Ok(ReceiptSpoken::of(&ui, receipt, facility, language))
    };
    // The desk's words first: what is selected last is what `spoken` shows.
    let desk = spoken_by(tongues.desk)?;
    let own = spoken_by(tongues.own)?;

    let frame = frame(receipt.at, &receipt.claim, receipt.duplicate, tongues, facility, width_dots);
    ui.set_frame(PaperFrame { note: tongues.own_text(&facility.receipt_note), ..frame });
    ui.set_items(items(receipt, facility, tongues.own, &own, &desk));
    let unknown = receipt.lines.iter().any(|line| line.amount.is_none());
    ui.set_total(if unknown { "".into() } else { amount(receipt.total, facility, tongues.own) });
    ui.set_tax(own.tax);
    ui.set_desk_tax(desk.tax);
    ui.set_free(receipt.total.is_zero() && receipt.pay_at.is_none() && !unknown);
    ui.set_paid(receipt.card.is_some());
    if let Some(card) = &receipt.card {
        ui.set_card(PaperCard {
            masked: masked(&card.masked_card).into(),
            payment: card.attempt_number.as_str().into(),
            approval: card.approval_number.as_str().into(),
            issuer: card.issuer.as_str().into(),
            paid_at: terminal_time(&card.paid_at).into(),
        });
    }
    if let Some(place) = &receipt.pay_at {
        ui.set_pay_at(tongues.own_text(place));
        ui.set_desk_pay_at(tongues.desk_text(place));
    }
    ui.set_collect_at(tongues.own_text(&receipt.collect_at));
    ui.set_desk_collect_at(tongues.desk_text(&receipt.collect_at));
    ui.set_collect_when(own.collect_when);
    ui.set_desk_collect_when(desk.collect_when);
    ui.set_bring(tongues.own_text(&receipt.bring));
    ui.set_desk_bring(tongues.desk_text(&receipt.bring));
    let (code, quiet) = code(&receipt.claim, width_dots)?;
    ui.set_code(code);
    ui.set_code_quiet(quiet);
    ui.set_desk(desk.words);
    Ok(ui)
}

/// No more of a card than its last four digits, whatever an older journal holds.
fn masked(card: &str) -> String {
    let four = last_four(card);
    if four.is_empty() { String::new() } else { format!("**** {four}") }
}

/// What only the selected catalogue can say about a receipt.
struct ReceiptSpoken {
    words: ReceiptWords,
    /// One a line, tax included where the lines differ.
    quantities: Vec<SharedString>,
    collect_when: SharedString,
    /// One note for all lines; empty where they differ.
    tax: SharedString,
}

impl ReceiptSpoken {
    fn of(ui: &ReceiptPaper, receipt: &Receipt, facility: &Facility, language: Language) -> Self {
        let mixed = receipt.lines.iter().any(|line| receipt.lines.first().is_some_and(|first| first.tax != line.tax));
        let tax_of = |tax: Tax| match tax {
            Tax::Exempt => ui.invoke_exempt(),
            Tax::Percent(percent) => ui.invoke_taxed(percent.into()),
        };
        let quantity = |line: &OrderLine| {
            let mut text = ui.invoke_quantity(unit_index(line.unit), small(line.count), small(line.copies)).to_string();
            if line.language != facility.desk_language {
                text.push_str(" · ");
                text.push_str(own_name(line.language));
            }
            if mixed {
                text.push_str(" · ");
                text.push_str(&tax_of(line.tax));
            }
            SharedString::from(text)
        };
        let (day, begin, end) = span(receipt, language);
        // On the patient's side the day has a line of its own.
        let gap = if language == receipt.language { '\n' } else { ' ' };
        Self {
            words: ui.get_spoken(),
            quantities: receipt.lines.iter().map(quantity).collect(),
            collect_when: format!("{day}{gap}{}", ui.invoke_span(begin.into(), end.into())).into(),
            tax: receipt.lines.first().filter(|_| !mixed).map(|line| tax_of(line.tax)).unwrap_or_default(),
        }
    }
}

/// Day, begin and end of the time to collect. An end on another day carries its date.
fn span(receipt: &Receipt, language: Language) -> (String, String, String) {
    let begin = format::clock(receipt.ready_at.time(), language);
    // `오후 2:35부터 6:00까지`: the half of the day is said once where it stands in front.
    let half =
        begin.split_once('\u{A0}').map_or("", |(half, _)| half).trim_start_matches(|letter: char| letter.is_ascii());
    let end = receipt.collect_until.map_or(String::new(), |until| {
        let time = format::clock(until.time(), language);
        if until.date_naive() == receipt.ready_at.date_naive() {
            time.strip_prefix(half).unwrap_or(&time).trim_start().to_owned()
        } else {
            format!("{} {time}", format::date(until.date_naive(), language))
        }
    });
    (format::date(receipt.ready_at.date_naive(), language), begin, end)
}

fn items(
    receipt: &Receipt,
    facility: &Facility,
    language: Language,
    own: &ReceiptSpoken,
    desk: &ReceiptSpoken,
) -> ModelRc<PaperItem> {
    let rows = receipt.lines.iter().zip(own.quantities.iter().zip(&desk.quantities));
    let rows: Vec<PaperItem> = rows
        .map(|(line, (quantity, desk_quantity))| PaperItem {
            name: line.name.get(language).into(),
            quantity: quantity.clone(),
            desk_name: line.name.get(facility.desk_language).into(),
            desk_quantity: desk_quantity.clone(),
            amount: line.amount.map_or_else(SharedString::new, |known| amount(known, facility, language)),
        })
        .collect();
    ModelRc::new(VecModel::from(rows))
}

fn fill_ticket(
    ticket: &Ticket,
    facility: &Facility,
    width_dots: u32,
    letters: &Rc<RefCell<Letters>>,
) -> Result<TicketPaper, String> {
    let ui = TicketPaper::new().map_err(|error| error.to_string())?;
    glue(&ui.global::<PaperGlue>(), letters);
    let tongues = Tongues { own: ticket.language, desk: facility.desk_language };
    select(tongues.desk)?;
    let desk: TicketWords = ui.get_spoken();
    select(tongues.own)?;
    let when = |language| {
        let date = format::date(ticket.appointment_at.date_naive(), language);
        let time = format::clock(ticket.appointment_at.time(), language);
        SharedString::from(format!("{date} {time}"))
    };
    ui.set_desk(desk);
    ui.set_frame(frame(ticket.at, &ticket.number, ticket.duplicate, tongues, facility, width_dots));
    ui.set_place(tongues.own_text(&ticket.place));
    ui.set_desk_place(tongues.desk_text(&ticket.place));
    if facility.check_in.ticket_clinic {
        ui.set_clinic(tongues.own_text(&ticket.clinic));
        ui.set_desk_clinic(tongues.desk_text(&ticket.clinic));
    }
    ui.set_time(when(tongues.own));
    ui.set_desk_time(when(tongues.desk));
    if let Some(place) = &ticket.see_desk {
        ui.set_desk_first(tongues.own_text(place));
        ui.set_desk_desk_first(tongues.desk_text(place));
    }
    ui.set_show_id(ticket.bring.contains(&DeskReason::IdCheck));
    ui.set_ask_insurance(ticket.bring.contains(&DeskReason::InsuranceQuestion));
    ui.set_ask_more(ticket.bring.contains(&DeskReason::MoreToday));
    ui.set_provisional(ticket.provisional);
    Ok(ui)
}

fn fill_slip(
    slip: &DoubtSlip,
    facility: &Facility,
    width_dots: u32,
    letters: &Rc<RefCell<Letters>>,
) -> Result<SlipPaper, String> {
    let ui = SlipPaper::new().map_err(|error| error.to_string())?;
    glue(&ui.global::<PaperGlue>(), letters);
    let tongues = Tongues { own: slip.language, desk: facility.desk_language };
    select(tongues.desk)?;
    let desk: SlipWords = ui.get_spoken();
    select(tongues.own)?;
    ui.set_desk(desk);
    ui.set_frame(frame(slip.at, &slip.attempt_number, false, tongues, facility, width_dots));
    ui.set_amount(amount(slip.amount, facility, tongues.own));
    ui.set_place(tongues.own_text(&slip.desk));
    ui.set_desk_place(tongues.desk_text(&slip.desk));
    Ok(ui)
}

fn amount(amount: Amount, facility: &Facility, language: Language) -> SharedString {
    format::money(amount, &facility.currency, language).into()
}

/// The patient's language and the desk's.
#[derive(Clone, Copy)]
struct Tongues {
    own: Language,
    desk: Language,
}

impl Tongues {
    fn own_text(self, text: &LocalText) -> SharedString {
        isolated(&format::keep_end(text.get(self.own)), self.own)
    }

    fn desk_text(self, text: &LocalText) -> SharedString {
        isolated(&format::keep_end(text.get(self.desk)), self.desk)
    }
}

/// Inserted data keeps its own direction inside a right-to-left line.
fn isolated(text: &str, language: Language) -> SharedString {
    if language.is_rtl() && !text.is_empty() { format!("\u{2068}{text}\u{2069}").into() } else { text.into() }
}

fn frame(
    at: DateTime<FixedOffset>,
    number: &str,
    duplicate: bool,
    tongues: Tongues,
    facility: &Facility,
    width_dots: u32,
) -> PaperFrame {
    let across = width_dots.saturating_sub(2 * MARGIN_DOTS);
    let (figure, figure_size) = figure(number, across as usize + BEARING_DOTS);
    let kiosk =
        |language| SharedString::from(format!("{} · {}", facility.kiosk_prefix, facility.kiosk_place.get(language)));
    let (face, leading) = face(tongues.own);
    let (desk_face, desk_leading) = self::face(tongues.desk);
    PaperFrame {
        hospital: tongues.own_text(&facility.name),
        desk_hospital: tongues.desk_text(&facility.name),
        kiosk: kiosk(tongues.own),
        desk_kiosk: kiosk(tongues.desk),
        across: whole(across),
        time: format!("{} {}", at.format("%Y-%m-%d"), format::clock(at.time(), tongues.own)).into(),
        note: SharedString::default(),
        figure: figure.into(),
        figure_size,
        bilingual: tongues.own != tongues.desk,
        rtl: tongues.own.is_rtl(),
        duplicate,
        face: face.into(),
        leading,
        desk_face: desk_face.into(),
        desk_leading,
    }
}

/// Font and line height factor of a language. Slint clips a text at its box: with less, CJK fonts lose the tail of a g.
const fn face(language: Language) -> (&'static str, f32) {
    match language {
        Language::Ko => ("Noto Sans CJK KR", 0.95),
        Language::Zh => ("Noto Sans CJK SC", 0.95),
        Language::Ja => ("Noto Sans CJK JP", 0.95),
        Language::En | Language::Ru | Language::Vi | Language::Mn => ("Noto Sans", 0.95),
        Language::Ar => ("Noto Sans Arabic", 0.74),
    }
}

/// Digits 12 mm (96 dots) high in Noto Sans CJK Bold, and what `Figure` takes out between two letters.
const FIGURE_EM: usize = 130;
const TRACKING_DOTS: usize = 2;
/// The margins of `Sheet`, each.
const MARGIN_DOTS: u32 = 12;
/// The side bearing of a last letter may reach so far into them.
const BEARING_DOTS: usize = 2;

/// The number in lines that fit on `line_dots`, each broken after the last hyphen at which it does, and its size in dots:
/// full unless some part between two hyphens is too long for it.
fn figure(number: &str, line_dots: usize) -> (String, f32) {
    let fits = |line: &str| fitting_em(line, line_dots) >= FIGURE_EM;
    let mut lines = Vec::new();
    let mut rest = number;
    while !fits(rest) {
        let mut hyphens = rest.match_indices('-').map(|(at, _)| at + 1);
        let Some(at) = hyphens.rfind(|at| *at < rest.len() && fits(&rest[..*at])) else { break };
        lines.push(&rest[..at]);
        rest = &rest[at..];
    }
    lines.push(rest);
    let em = lines.iter().map(|line| fitting_em(line, line_dots)).min().unwrap_or(FIGURE_EM).min(FIGURE_EM);
    (lines.join("\n"), f32::from(u16::try_from(em).unwrap_or(u16::MAX)))
}

/// The largest size at which `line` fits on `line_dots`.
fn fitting_em(line: &str, line_dots: usize) -> usize {
    let thousandths: usize = line.chars().map(em_width).sum();
    (line_dots + TRACKING_DOTS * line.len()) * 1000 / thousandths.max(1)
}

/// Thousandths of an em in Noto Sans CJK Bold.
const fn em_width(letter: char) -> usize {
    match letter {
        '-' => 370,
        '0'..='9' => 590,
        'A'..='L' | 'N'..='V' | 'X'..='Z' => 690,
        _ => 1000,
    }
}

fn select(language: Language) -> Result<(), String> {
    slint::select_bundled_translation(language.code())
        .map_err(|error| format!("no catalogue for language {}: {error}", language.code()))
}

fn glue(layer: &PaperGlue<'_>, letters: &Rc<RefCell<Letters>>) {
    let letters = Rc::clone(letters);
    layer.on_glue(move |text| letters.borrow_mut().glue(&text).into());
}

/// Dots a module where there is room, and the quiet zone that readers ask for, in modules.
const MODULE_DOTS: usize = 6;
const QUIET_MODULES: usize = 4;

/// The claim number as a QR code, dot for dot, and the dots of its quiet zone.
fn code(claim: &str, width_dots: u32) -> Result<(Image, f32), String> {
    let code = qrcode::QrCode::new(claim.as_bytes()).map_err(|error| format!("no QR code for this number: {error}"))?;
    let modules = code.width();
    let colors = code.to_colors();
    let module_dots = MODULE_DOTS.min(width_dots as usize / (modules + 2 * QUIET_MODULES)).max(1);
    let side = (modules + 2 * QUIET_MODULES) * module_dots;
    let side_dots = u32::try_from(side).map_err(|error| error.to_string())?;
    let mut picture = SharedPixelBuffer::<Rgb8Pixel>::new(side_dots, side_dots);
    for (index, dot) in picture.make_mut_slice().iter_mut().enumerate() {
        let at = |dots: usize| (dots / module_dots).checked_sub(QUIET_MODULES).filter(|module| *module < modules);
        let dark = match (at(index % side), at(index / side)) {
            (Some(x), Some(y)) => colors[y * modules + x] == qrcode::Color::Dark,
            (None, _) | (_, None) => false,
        };
        *dot = if dark { Rgb8Pixel::new(0, 0, 0) } else { Rgb8Pixel::new(255, 255, 255) };
    }
    let quiet = u32::try_from(QUIET_MODULES * module_dots).unwrap_or(u32::MAX);
    Ok((Image::from_rgb8(picture), whole(quiet)))
}

fn whole(dots: u32) -> f32 {
    f32::from(u16::try_from(dots).unwrap_or(u16::MAX))
}

/// The numbers that `quantity` in `receipt.slint` knows.
const fn unit_index(unit: Unit) -> i32 {
    match unit {
        Unit::Copy => 0,
        Unit::Page => 1,
        Unit::Disc => 2,
    }
}

fn small(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// `YYYYMMDDhhmmss` as a date and a time; anything else as the terminal wrote it.
fn terminal_time(stamp: &str) -> String {
    chrono::NaiveDateTime::parse_from_str(stamp, "%Y%m%d%H%M%S")
        .map_or_else(|_| stamp.to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}

/// What a language calls itself: the same on every paper, no flag, no translation.
const fn own_name(language: Language) -> &'static str {
    match language {
        Language::Ko => "한국어",
        Language::En => "English",
        Language::Zh => "中文",
        Language::Ja => "日本語",
        Language::Ru => "Русский",
        Language::Vi => "Tiếng Việt",
        Language::Mn => "Монгол",
        Language::Ar => "العربية",
    }
}

#[cfg(test)]
mod tests {
    use super::{BEARING_DOTS, figure};

    /// What is between the margins of a head of so many dots.
    fn on(head_dots: usize, number: &str) -> (String, f32) {
        figure(number, head_dots - 24 + BEARING_DOTS)
    }

    #[test]
    fn long_numbers_break_at_a_hyphen() {
        assert_eq!(on(576, "K3-027").0, "K3-027");
        assert_eq!(on(576, "K3-1120-047-6").0, "K3-1120-\n047-6");
        assert!(on(576, "K3-1120-047-6").1 > 129.0);
        assert_eq!(on(576, "K3-1125-009").0, "K3-1125-\n009");
        assert_eq!(on(576, "1234567890123").0, "1234567890123");
        assert_eq!(on(576, "").0, "");
    }

    #[test]
    fn a_narrow_head_takes_more_lines_of_the_same_size() {
        assert_eq!(on(384, "K3-1120-047-6").0, "K3-\n1120-\n047-6");
        assert!(on(384, "K3-1120-047-6").1 > 129.0);
        assert_eq!(on(384, "K3-027").0, "K3-\n027");
        assert_eq!(on(832, "K3-1120-047-6").0, "K3-1120-\n047-6");
        assert_eq!(on(832, "K3-1120-04").0, "K3-1120-04");
        assert_eq!(on(384, "1234567890123").0, "1234567890123");
        assert!(on(384, "1234567890123").1 < 60.0);
        assert_eq!(on(384, "1234567890123-").0, "1234567890123-");
    }
}
