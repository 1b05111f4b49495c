//! Effects in one line each: short enough to read a whole journey, exact enough to fail.

use super::keeping::Did;
use hospital_kiosk::domain::attempt::AttemptId;
use hospital_kiosk::domain::closing::{ClosingEnd, ClosingEntry};
use hospital_kiosk::domain::language::LocalText;
use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::order::StaffAnswer;
use hospital_kiosk::domain::outbox::{Act, PaymentOfRequest, Request};
use hospital_kiosk::domain::paper::Paper;
use hospital_kiosk::domain::payment::Entry;
use hospital_kiosk::domain::question::Question;
use hospital_kiosk::domain::screen::staff::{ParkedDone, ParkedRow, PinOf, StaffScreen, Trouble};
use hospital_kiosk::domain::screen::{DoneHow, InformationPage, Review, RowState, Screen, View};
use hospital_kiosk::domain::session::Effect;
use hospital_kiosk::domain::staff::{Gate, StaffCommand};
use hospital_kiosk::domain::terminal::{Stands, TerminalCommand};
use hospital_kiosk::domain::tries::Tried;
use hospital_kiosk::domain::undo::UndoEntry;

/// Attempts by the order in which they came up: `#1`, `#2`.
#[derive(Default)]
pub struct Names(Vec<AttemptId>);

impl Names {
    pub fn of(&mut self, attempt: AttemptId) -> String {
        let place = self.0.iter().position(|known| *known == attempt).unwrap_or_else(|| {
            self.0.push(attempt);
            self.0.len() - 1
        });
        format!("#{}", place + 1)
    }

    pub fn last(&self) -> Option<AttemptId> {
        self.0.last().copied()
    }

    pub fn nth(&self, number: usize) -> Option<AttemptId> {
        self.0.get(number.checked_sub(1)?).copied()
    }
}

pub fn did(did: &Did, names: &mut Names) -> String {
    match did {
        Did::Keep(line) => durable(line, names),
        Did::Do(effect) => self::effect(effect, names),
    }
}

fn durable(line: &Line, names: &mut Names) -> String {
    match line {
        Line::Entry(entry) => format!("record {}", entry_line(entry, names)),
        Line::Request(request) => format!("queue {}", request_line(request)),
        Line::Counters(counters) => {
            format!("save-counters t{} c{} a{}", counters.tickets, counters.claims, counters.attempts)
        }
        Line::Tries(tried) => tried_line(tried),
        Line::Audit(entry) => format!("audit {} {} ({})", entry.act.word(), about(&entry.about), entry.result),
        Line::SetAsideRead => "acknowledge-set-aside".to_owned(),
    }
}

fn tried_line(tried: &Tried) -> String {
    let what = match tried.wrong {
        Some((_, wrong)) if wrong > 0 => format!("wrong={wrong}"),
        _found => format!("unfinished={}", tried.machine.unfinished.len()),
    };
    format!("save-tries {what}{}", if tried.machine.slow { " slow" } else { "" })
}

fn effect(effect: &Effect, names: &mut Names) -> String {
    match effect {
        Effect::Show(view) => format!("show {}", view_line(view)),
        Effect::Terminal(command) => match command {
            TerminalCommand::Prepare => "terminal prepare".to_owned(),
            TerminalCommand::Charge { attempt, amount, .. } => {
                format!("terminal CHARGE {} {}", names.of(*attempt), amount.0)
            }
            TerminalCommand::Confirm { attempt } => format!("terminal CONFIRM {}", names.of(*attempt)),
            TerminalCommand::Refuse { attempt } => format!("terminal REFUSE {}", names.of(*attempt)),
            TerminalCommand::Undo { undo, way, is_newest, stands, .. } => {
                let newest = if *is_newest { " newest" } else { "" };
                let unless = match stands {
                    Stands::Surely => "",
                    Stands::UnlessNeverBooked => " unless-never-booked",
                    Stands::UnlessGone => " unless-gone",
                };
                format!("terminal UNDO {} {way:?}{newest}{unless}", names.of(*undo))
            }
            TerminalCommand::EndOfDay => "terminal end-of-day".to_owned(),
            TerminalCommand::CallOff => "terminal call-off".to_owned(),
            TerminalCommand::AskOutcome { attempt } => format!("terminal ask-outcome {}", names.of(*attempt)),
        },
        Effect::Print { paper, .. } => format!("print {}", paper_line(paper)),
        Effect::ClearPrinter => "clear-printer".to_owned(),
        Effect::Facility(_) => "facility".to_owned(),
        Effect::Ask { question, .. } => match question {
            Question::FindPatient { .. } => "ask find-patient".to_owned(),
            Question::Appointments { .. } => "ask appointments".to_owned(),
            Question::Slip { code } => format!("ask slip {code}"),
            Question::Quote { item, .. } => format!("ask quote {}", item.code),
        },
        Effect::FindPayment { known, .. } => format!("find-payment {known:?}"),
        Effect::AcceptClock => "accept-clock".to_owned(),
        Effect::SaveTries(tried) => tried_line(tried),
        Effect::Finish(end) => {
            let claim = end.claim.as_deref().unwrap_or("-");
            format!(
                "finish {:?} {:?} charged={} claim={claim} request={}",
                end.kind,
                end.outcome,
                end.charged.0,
                end.request.is_some()
            )
        }
        Effect::Staff { attempt, order, .. } => format!("staff {} {order:?}", names.of(*attempt)),
        Effect::StaffArea { command, .. } => format!("staff-area {}", staff_command(command)),
        Effect::StaffAnswer { answer: StaffAnswer::DayEnded { end, kept, .. }, .. } => {
            format!("staff-answer day-ended {} kept={kept}", closing_end(end))
        }
        Effect::StaffAnswer { answer, .. } => format!("staff-answer {answer:?}"),
        Effect::Wipe => "wipe".to_owned(),
    }
}

/// Identifiers are random where they are no payment's number.
fn about(about: &str) -> &str {
    if about.len() == 36 { "a-request" } else { about }
}

fn staff_command(command: &StaffCommand) -> String {
    match command {
        StaffCommand::Knock => "knock".to_owned(),
        StaffCommand::Try { number: None, pin } => format!("try {} digits", pin.digits().len()),
        StaffCommand::Try { number: Some(number), pin } => format!("try {} digits of {number}", pin.digits().len()),
        StaffCommand::Confirm { who, pin } => format!("confirm {} digits of {who}", pin.digits().len()),
        StaffCommand::Look => "look".to_owned(),
        StaffCommand::Retry { .. } => "retry a-request".to_owned(),
        StaffCommand::TryNow => "try now".to_owned(),
        StaffCommand::Close { evidence, .. } => format!("close a-request ({})", evidence.words()),
        StaffCommand::Note(entry) => format!("note {} {} ({})", entry.act.word(), about(&entry.about), entry.result),
    }
}

fn parked(row: &ParkedRow) -> String {
    let closed = if row.done == Some(ParkedDone::Closed) { " closed=true" } else { "" };
    format!("{:?} retried={}{closed}", row.why, row.done == Some(ParkedDone::SentAgain))
}

fn closed(trouble: Option<&Trouble>) -> String {
    match trouble {
        None => String::new(),
        Some(Trouble::Journal { reason }) => format!(" closed: journal ({reason})"),
        Some(Trouble::CannotStart { reason }) => format!(" closed: cannot start ({reason})"),
        Some(Trouble::CannotWrite { reason }) => format!(" closed: cannot write ({reason})"),
        Some(Trouble::Clock { ours, witness, theirs }) => {
            format!(" closed: clock {}, {witness:?} {}", ours.to_rfc3339(), theirs.to_rfc3339())
        }
        Some(Trouble::ClockUnset { ours }) => format!(" closed: clock never set {}", ours.to_rfc3339()),
        Some(Trouble::SetAside(told)) => format!(" payments closed: {told}"),
    }
}

fn staff_screen(screen: &StaffScreen) -> String {
    match screen {
        StaffScreen::Pin { what, typed, gate, checking, trouble } => {
            let what = if *what == PinOf::Door { String::new() } else { format!(" of={what:?}") };
            let gate = if let Gate::Open(_) = gate { "Open".to_owned() } else { format!("{gate:?}") };
            format!("StaffPin {typed} {gate} checking={checking}{what}{}", closed(trouble.as_ref()))
        }
        StaffScreen::Trouble(screen) => {
            let why = closed(Some(&screen.trouble));
            let technician = if screen.needs_technician { " needs-technician" } else { "" };
            format!("StaffTrouble{why} can-accept={} not-kept={}{technician}", screen.can_accept, screen.not_kept)
        }
        StaffScreen::Home(home) => format!(
            "StaffHome{} terminal={:?}{} printer={:?} hospital={:?} unfinished={:?} paid={} waiting={} parked={}",
            closed(home.trouble.as_ref()),
            home.terminal_online,
            home.terminal_trouble.as_ref().map_or_else(String::new, |words| format!(" ({words})")),
            home.printer,
            home.hospital_online,
            home.unfinished,
            home.paid,
            home.waiting,
            home.parked
        ),
        StaffScreen::Payments { paid, rows } => {
            let rows: Vec<String> = rows.iter().map(|row| format!("{} {:?}", row.number, row.known)).collect();
            format!("StaffPayments paid={paid} [{}]", rows.join(", "))
        }
        StaffScreen::Payment(payment) => format!(
            "StaffPayment {} {} {:?} {:?} ask={} settle={} give-back={} print={} {:?}",
            payment.payment.number,
            payment.payment.amount.0,
            payment.payment.known,
            payment.result,
            payment.can_ask,
            payment.can_settle,
            payment.can_give_back,
            payment.can_print,
            payment.printing
        ),
        StaffScreen::Request(request) => {
            format!("StaffRequest {:?} {:?} {:?}", request.asked, request.row.why, request.chosen)
        }
        StaffScreen::Choice(choice) => format!("StaffChoice {:?} {} {:?}", choice.what, choice.number, choice.chosen),
        StaffScreen::Queue(queue) => {
            let rows: Vec<String> = queue.rows.iter().map(parked).collect();
            format!(
                "StaffQueue waiting={} oldest={:?}min parked={} [{}] not-kept={}",
                queue.waiting,
                queue.oldest_min,
                queue.parked,
                rows.join(", "),
                queue.not_kept
            )
        }
    }
}

fn entry_line(entry: &Entry, names: &mut Names) -> String {
    match entry {
        Entry::Intent { attempt, number, amount, .. } => format!("Intent {} {number} {}", names.of(*attempt), amount.0),
        Entry::Sent { attempt } => format!("Sent {}", names.of(*attempt)),
        Entry::Answered { attempt, transaction, .. } => {
            format!("Answered {} approved={}", names.of(*attempt), transaction.approved)
        }
        Entry::Committed { attempt, request, .. } => {
            format!("Committed {} with {}", names.of(*attempt), request_line(request))
        }
        Entry::NotPaid { attempt, .. } => format!("NotPaid {}", names.of(*attempt)),
        Entry::InDoubt { attempt, .. } => format!("InDoubt {}", names.of(*attempt)),
        Entry::Undo(entry) => undo_line(entry, names),
        Entry::Closing(ClosingEntry::Asked { .. }) => "Closing-Asked".to_owned(),
        Entry::Closing(ClosingEntry::Ended { end, .. }) => format!("Closing-Ended {}", closing_end(end)),
        Entry::Evidence { attempt, text } => format!("Evidence {} ({text})", names.of(*attempt)),
        Entry::NeedsStaff { attempt, reason, .. } => format!("NeedsStaff {} ({reason})", names.of(*attempt)),
        Entry::ReceiptPrinted { attempt } => format!("ReceiptPrinted {}", names.of(*attempt)),
    }
}

fn closing_end(end: &ClosingEnd) -> String {
    match end {
        ClosingEnd::Told(totals) => format!("told {}", totals.amount.0),
        ClosingEnd::Untold { day, reason } => format!("untold {day:?} ({reason})"),
    }
}

fn undo_line(entry: &UndoEntry, names: &mut Names) -> String {
    if let UndoEntry::Intent { undo, of, way, .. } = entry {
        let of = names.of(*of);
        return format!("Undo-Intent {} of {of} {way:?}", names.of(*undo));
    }
    let undo = names.of(entry.undo());
    match entry {
        UndoEntry::Intent { .. } => String::new(),
        UndoEntry::Sent { .. } => format!("Undo-Sent {undo}"),
        UndoEntry::Answered { answer, .. } => format!("Undo-Answered {undo} {answer:?}"),
        UndoEntry::Reversed { cancellation, .. } => {
            format!(
                "Reversed {undo} with {}",
                cancellation.as_ref().map_or("nothing".to_owned(), |it| request_line(it))
            )
        }
        UndoEntry::NotReversed { reason, .. } => format!("NotReversed {undo} ({reason})"),
        UndoEntry::InDoubt { .. } => format!("Undo-InDoubt {undo}"),
        UndoEntry::NeedsStaff { reason, .. } => format!("Undo-NeedsStaff {undo} ({reason})"),
    }
}

fn request_line(request: &Request) -> String {
    match &request.act {
        Act::Arrival { appointment_ref, ticket, insurance, see_desk, .. } => {
            format!("arrival {appointment_ref} {ticket} {insurance:?} desk={see_desk}")
        }
        Act::Cancellation { claim, amount, attempt_number, .. } => {
            format!("cancellation {claim} {} {attempt_number}", amount.0)
        }
        Act::Documents { claim, total, lines, payment, .. } => {
            let paid = match payment {
                PaymentOfRequest::Free => "free".to_owned(),
                PaymentOfRequest::Unpaid => "unpaid".to_owned(),
                PaymentOfRequest::Card { attempt_number, .. } => format!("card {attempt_number}"),
            };
            let unpriced: Vec<String> = lines
                .iter()
                .filter(|line| line.amount.is_none())
                .map(|line| format!(" {}x{}-at-desk", line.code, line.copies))
                .collect();
            format!("documents {claim} {} lines {} {paid}{}", lines.len(), total.0, unpriced.concat())
        }
    }
}

fn paper_line(paper: &Paper) -> String {
    match paper {
        Paper::Receipt(receipt) => {
            let (card, desk) = (receipt.card.is_some(), receipt.pay_at.is_some());
            format!(
                "receipt {} {} card={card} pay-at-desk={desk}{}{}",
                receipt.claim,
                receipt.total.0,
                if receipt.lines.iter().any(|line| line.amount.is_none()) { " unpriced" } else { "" },
                duplicate(receipt.duplicate)
            )
        }
        Paper::Ticket(ticket) => {
            let later = if ticket.provisional { " provisional" } else { "" };
            format!(
                "ticket {} {} at={} {:?}{later}{}",
                ticket.number,
                clock(ticket.appointment_at),
                clock(ticket.at),
                ticket.bring,
                duplicate(ticket.duplicate)
            )
        }
        Paper::Slip(slip) => format!("slip {} {}", slip.attempt_number, slip.amount.0),
    }
}

fn duplicate(duplicate: bool) -> &'static str {
    if duplicate { " DUPLICATE" } else { "" }
}

fn clock(at: chrono::DateTime<chrono::FixedOffset>) -> String {
    at.format("%H:%M").to_string()
}

fn english(text: &LocalText) -> &str {
    text.get(hospital_kiosk::domain::language::Language::En)
}

/// Seconds are left out: they change with every wait, and a test of their own looks at them.
pub fn view_line(view: &View) -> String {
    let modes = [
        (view.modes.large, "large"),
        (view.modes.contrast, "contrast"),
        (view.modes.low_reach, "low-reach"),
        (view.modes.slow, "slow"),
    ];
    let modes: Vec<String> = modes.iter().filter(|(on, _)| *on).map(|(_, name)| format!(" +{name}")).collect();
    let modes = modes.concat();
    let step = view.step.map(|(at, of)| format!(" {at}/{of}")).unwrap_or_default();
    let locked = if view.start_over { "" } else { " no-start-over" };
    format!("{}{step}{locked}{modes} {}", view.language.code(), screen(&view.screen))
}

#[allow(clippy::too_many_lines, reason = "a table of all screens")]
fn screen(screen: &Screen) -> String {
    match screen {
        Screen::Idle => "Idle".to_owned(),
        Screen::Language { offered, current } => format!("Language {offered:?} current={current:?}"),
        Screen::Services { rows } => {
            let names: Vec<String> = rows
                .iter()
                .map(|row| {
                    row.unavailable.map_or(format!("{:?}", row.service), |why| format!("{:?}({why:?})", row.service))
                })
                .collect();
            format!("Services {}", names.join(" "))
        }
        Screen::Number(entry) => format!("Number {}/{} {:?}", entry.digits.len(), entry.slots, entry.problem),
        Screen::BirthDate(entry) => format!(
            "BirthDate {}+{}+{} {:?} {:?}",
            entry.year.len(),
            entry.month.len(),
            entry.day.len(),
            entry.active,
            entry.problem
        ),
        Screen::Wait { what, .. } => format!("Wait {what:?}"),
        Screen::Insurance => "Insurance".to_owned(),
        Screen::Appointments { masked_name, rows, can_go_on } => {
            let rows: Vec<String> =
                rows.iter().map(|row| format!("{} {}", clock(row.at), row_state(row.state))).collect();
            format!("Appointments name={masked_name:?} [{}] go-on={can_go_on}", rows.join(", "))
        }
        Screen::CheckedIn(done) => {
            let desk = done.see_desk.as_ref().map_or("-", english);
            format!(
                "CheckedIn {} {} desk={desk} {:?} provisional={} {:?}",
                done.ticket,
                clock(done.at),
                done.reasons,
                done.provisional,
                done.printing
            )
        }
        Screen::Sorry { why, desk, retry } => format!("Sorry {why:?} at {} retry={retry}", english(desk)),
        Screen::ForWhom => "ForWhom".to_owned(),
        Screen::Documents { rows, count, total, has_unpriced, page, pages } => {
            let rows: Vec<String> =
                rows.iter().map(|row| format!("{}{}", if row.chosen { "*" } else { "" }, row.code)).collect();
            format!(
                "Documents [{}] {count} for {}{} page {}/{pages}",
                rows.join(" "),
                total.0,
                if *has_unpriced { "+?" } else { "" },
                page + 1
            )
        }
        Screen::Options { code, copies, copies_max, languages, language, .. } => {
            format!("Options {code} {copies}/{copies_max} {language:?} of {languages:?}")
        }
        Screen::Review(review) => review_line(review),
        Screen::Consent { .. } => "Consent".to_owned(),
        Screen::Payment(pay) => format!(
            "Payment {:?} {} '{}'+{} cancel={}",
            pay.prompt,
            pay.amount.0,
            english(&pay.first),
            pay.count,
            pay.can_cancel
        ),
        Screen::InDoubt(doubt) => format!(
            "InDoubt {} {} {} {:?}",
            doubt.attempt_number,
            doubt.amount.0,
            if doubt.seconds_left.is_some() { "checking" } else { "take-slip" },
            doubt.printing
        ),
        Screen::NotPaid { why, desk, retry } => format!("NotPaid {why:?} at {} retry={retry}", english(desk)),
        Screen::Done(done) => {
            let how = match &done.how {
                DoneHow::Paid { amount, last_four, number } => format!("Paid {} card {last_four} {number}", amount.0),
                DoneHow::Free => "Free".to_owned(),
                DoneHow::Unpaid { amount, desk } => {
                    format!("Unpaid {:?} at {}", amount.map(|amount| amount.0), english(desk))
                }
            };
            format!(
                "Done {how} {} ready {} {:?} again={}",
                done.claim,
                clock(done.ready_at),
                done.printing,
                done.can_reprint
            )
        }
        Screen::Reprint(sight) => format!(
            "Reprint {} {} {:?} can-print={} {:?}",
            sight.number, sight.amount.0, sight.became, sight.can_print, sight.printing
        ),
        Screen::Information { page, .. } => match page {
            InformationPage::Fees { rows } => format!("Information fees {}", rows.len()),
            InformationPage::Hours { rows } => format!(
                "Information hours {:?}",
                rows.iter()
                    .map(|row| (english(&row.what), &row.weekday, &row.saturday, &row.sunday))
                    .collect::<Vec<_>>()
            ),
            InformationPage::Desks { rows } => format!("Information desks {}", rows.len()),
            InformationPage::Rights { text } => format!("Information rights {:?}", english(text)),
        },
        Screen::Notice(notice) => {
            format!("Notice {} page {} next={}", notice.version, notice.page, notice.next.is_some())
        }
        Screen::EasyAccess => "EasyAccess".to_owned(),
        Screen::Help { desk, .. } => format!("Help {}", english(desk)),
        Screen::StillHere { .. } => "StillHere".to_owned(),
        Screen::OutOfService { .. } => "OutOfService".to_owned(),
        Screen::Staff(screen) => staff_screen(screen),
    }
}

fn review_line(review: &Review) -> String {
    let lines: Vec<String> = review
        .lines
        .iter()
        .filter_map(|line| Some(format!("{}x{} {}", line.code, line.copies, line.amount?.0)))
        .collect();
    let unpriced: Vec<&str> =
        review.lines.iter().filter(|line| line.amount.is_none()).map(|line| english(&line.name)).collect();
    format!(
        "Review [{}] unpriced={unpriced:?} {} {:?} ready {} later={:?}",
        lines.join(", "),
        review.total.0,
        review.how,
        clock(review.ready_at),
        review.later
    )
}

fn row_state(state: RowState) -> String {
    match state {
        RowState::Already { at_minute: Some(minute) } => format!("Already {:02}:{:02}", minute / 60, minute % 60),
        other => format!("{other:?}"),
    }
}
