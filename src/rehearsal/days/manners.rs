//! Personalities by name: which terminal can have which, what one of them is like this time, and under which name it is
//! counted when it took effect.

use super::chance::Chance;
use super::faults::Fault;
use crate::rehearsal::terminal::model::manners as smartro;
use crate::rehearsal::terminal::zvt::manners as zvt;
use crate::rehearsal::terminal::zvt::manners::{
    AtOnce, CompletesAbort, Naming, NoApproval, NoStatus, Padding, Part, Prints, Refusal, StatusResult, Turnover,
    Untold, Waits,
};

pub const ZVT: [(Fault, zvt::Manner); 17] = [
    (Fault::ReversesLast, zvt::Manner::ReversesLast),
    (Fault::StatusResult, zvt::Manner::StatusResult),
    (Fault::NoStatusByte, zvt::Manner::NoStatusByte),
    (Fault::WaitsAWhile, zvt::Manner::Waits),
    (Fault::EmptyRepeat, zvt::Manner::EmptyRepeat),
    (Fault::PinTwice, zvt::Manner::PinTwice),
    (Fault::CompletionAfterAbort, zvt::Manner::CompletionAfterAbort),
    (Fault::NoApprovalNumber, zvt::Manner::NoApprovalNumber),
    (Fault::ClockOff, zvt::Manner::ClockOff),
    (Fault::ErrorsInCompletion, zvt::Manner::ErrorsInCompletion),
    (Fault::BooksEarly, zvt::Manner::BooksEarly),
    (Fault::RefusesField, zvt::Manner::RefusesField),
    (Fault::PrintsLines, zvt::Manner::PrintsLines),
    (Fault::PaddedTlv, zvt::Manner::PaddedTlv),
    (Fault::RefusesAtOnce, zvt::Manner::RefusesAtOnce),
    (Fault::CountsReversals, zvt::Manner::CountsReversals),
    (Fault::LastUntold, zvt::Manner::LastUntold),
];

pub const SMARTRO: [(Fault, smartro::Manner); 17] = [
    (Fault::ChangedDates, smartro::Manner::ChangedDates),
    (Fault::NoApprovalNumber, smartro::Manner::NoApprovalNumber),
    (Fault::OddApproval, smartro::Manner::OddApproval),
    (Fault::ClockOff, smartro::Manner::ClockOff),
    (Fault::OddDeclines, smartro::Manner::OddDeclines),
    (Fault::NothingForCancelled, smartro::Manner::NothingForCancelled),
    (Fault::ForgetsAtDecline, smartro::Manner::ForgetsAtDecline),
    (Fault::CancelIsLast, smartro::Manner::CancelIsLast),
    (Fault::BlankPaddedId, smartro::Manner::BlankPaddedId),
    (Fault::EventsBetween, smartro::Manner::EventsBetween),
    (Fault::RefusesAtOnce, smartro::Manner::RefusesAtOnce),
    (Fault::EmptyRepeat, smartro::Manner::EmptyLast),
    (Fault::ReversesLast, smartro::Manner::CancelsLast),
    (Fault::WaitsAWhile, smartro::Manner::Waits),
    (Fault::LateAck, smartro::Manner::LateAck),
    (Fault::DeclineElsewhere, smartro::Manner::DeclineElsewhere),
    (Fault::NewKind, smartro::Manner::NewKind),
];

/// The faults that these ways are counted as.
pub fn named<M: PartialEq>(table: &[(Fault, M)], ways: Vec<M>) -> impl Iterator<Item = Fault> {
    ways.into_iter().filter_map(|way| table.iter().find(|(_, known)| *known == way).map(|(fault, _)| *fault))
}

/// An hour this way or that, with what a clock loses beside it.
fn clock_off(chance: &mut Chance) -> i64 {
    chance.pick(&[60, -60, 61, -63, 120]).unwrap_or(60)
}

fn every(chance: &mut Chance) -> u32 {
    u32::try_from(chance.between(2, 5)).unwrap_or(2)
}

pub fn zvt(manners: &mut zvt::Manners, personality: Fault, chance: &mut Chance) {
    match personality {
        Fault::ReversesLast => {
            manners.reverses_last = chance.pick(&[Naming::Trace, Naming::Receipt, Naming::Bare]);
        }
        Fault::StatusResult => {
            let where_told = chance.pick(&[(true, false), (false, true), (true, true)]);
            let (at_status, at_registration) = where_told.unwrap_or((true, true));
            let refusal_undoes = chance.percent(50);
            manners.status_result = Some(StatusResult { at_status, at_registration, refusal_undoes });
        }
        Fault::NoStatusByte => {
            manners.no_status_byte = chance.pick(&[NoStatus::Empty, NoStatus::Result, NoStatus::Unknown]);
        }
        Fault::WaitsAWhile => {
            manners.waits = Some(Waits {
                ms: chance.between(1_000, 45_000),
                refuses: chance.percent(50),
                tells_late: chance.percent(50),
            });
        }
        Fault::EmptyRepeat => manners.empty_repeat = chance.pick(&[0xff, 0x77, 0x64]),
        Fault::PinTwice => manners.pin_twice_every = Some(every(chance)),
        Fault::CompletionAfterAbort => {
            let after_ms = chance.between(20, 3_000);
            manners.completes_abort = Some(CompletesAbort { after_ms, ends_charge: chance.percent(50) });
        }
        Fault::NoApprovalNumber => {
            manners.no_approval_number = chance.pick(&[NoApproval::LeftOut, NoApproval::Zeros, NoApproval::Blanks]);
        }
        Fault::ClockOff => manners.clock_off_min = clock_off(chance),
        Fault::ErrorsInCompletion => manners.errors_in_completion = true,
        Fault::BooksEarly => manners.books_early = true,
        Fault::RefusesField => {
            let parts = [Part::Bmp(0x49), Part::Bmp(0x01), Part::Bmp(0x02), Part::BehindCurrency];
            manners.refuses_field = chance.pick(&parts);
        }
        Fault::PrintsLines => {
            manners.prints_lines = Some(Prints { blocks: chance.percent(50), before_booking: chance.percent(50) });
        }
        Fault::PaddedTlv => {
            let (fillers, length_bytes) = (chance.index(4), 2 + chance.index(2));
            manners.padded_tlv = Some(Padding { fillers, length_bytes, long_text: chance.percent(30) });
        }
        Fault::RefusesAtOnce => {
            let code = chance.pick(&[0x83, 0x9a, 0xf0, 0x64, 0xb8]).unwrap_or(0x9a);
            let how = [Refusal::Command(code), Refusal::CommandWithCode(0x7d), Refusal::Result(code)];
            manners.refuses_at_once = chance.pick(&how).map(|how| AtOnce { every: every(chance), how });
        }
        Fault::LastUntold => {
            let ways = [Untold::Aborted, Untold::AbortedEvery(every(chance)), Untold::Refused];
            manners.last_untold = chance.pick(&ways);
        }
        Fault::CountsReversals => manners.counts_reversals = chance.pick(&[Turnover::Gross, Turnover::Added]),
        _others => {}
    }
}

pub fn smartro(manners: &mut smartro::Manners, personality: Fault, chance: &mut Chance) {
    use smartro::{Approval, Dates, Naming as CancelNaming, Waits as Pause};
    match personality {
        Fault::ChangedDates => {
            manners.dates = chance.pick(&[Dates::Blank, Dates::Zeros, Dates::DayLater, Dates::Shifted]);
        }
        Fault::NoApprovalNumber => manners.approval = Some(Approval::Blank),
        // One field cannot be odd in two ways.
        Fault::OddApproval if manners.approval.is_none() => {
            manners.approval = chance.pick(&[Approval::RightAligned, Approval::TextAtDecline]);
        }
        Fault::ClockOff => manners.clock_off_min = clock_off(chance),
        Fault::OddDeclines => {
            manners.decline_code = chance.pick(&[*b"  ", *b"**", *b"00", *b"a1", [0xb0, 0xa1]]);
        }
        Fault::NothingForCancelled => manners.nothing_for_cancelled = chance.pick(b"0O"),
        Fault::ForgetsAtDecline => manners.forgets_at_decline = true,
        Fault::CancelIsLast => manners.cancel_is_last = true,
        Fault::BlankPaddedId => manners.blanks_in_id = true,
        Fault::EventsBetween => manners.event_between = chance.pick(b"MRQF"),
        Fault::RefusesAtOnce => manners.refuses_every = Some(every(chance)),
        Fault::EmptyRepeat => manners.starts_empty = true,
        Fault::ReversesLast => {
            manners.cancels_last = chance.pick(&[CancelNaming::Hit, CancelNaming::Own, CancelNaming::OwnAsAsked]);
        }
        Fault::WaitsAWhile => {
            manners.waits = Some(Pause { ms: chance.between(1_000, 20_000), naks: chance.percent(50) });
        }
        Fault::LateAck => manners.ack_late_ms = chance.pick(&[500, 2_500, 2_990, 3_500]),
        Fault::DeclineElsewhere => manners.decline_elsewhere = true,
        Fault::NewKind => manners.new_kind_every = Some(every(chance)),
        _others => {}
    }
}
