//! What the screens call out, as the domain's [`Tap`].

use super::Shared;
use super::ui::{Act, App, Taps};
use crate::domain::language::Language;
use crate::domain::patient::InsuranceAnswer;
use crate::domain::screen::staff::StaffTap;
use crate::domain::screen::{InformationTab, Mode, Screen, Tap};
use slint::ComponentHandle;
use std::rc::Rc;
use std::sync::Arc;

pub(super) fn forward(app: &App, shared: &Arc<Shared>, on_tap: Rc<impl Fn(Tap) + 'static>) {
    let shared = shared.clone();
    app.global::<Taps>().on_tap(move |act, index| {
        let tap = {
            let state = shared.state();
            if state.changed_at.elapsed() < state.guard {
                return;
            }
            tap(act, index, state.view.as_ref().map(|view| &view.screen))
        };
        if let Some(tap) = tap {
            on_tap(tap);
        }
    });
}

/// `None` only for an index that the shown screen does not have.
fn tap(act: Act, index: i32, screen: Option<&Screen>) -> Option<Tap> {
    let place = usize::try_from(index).ok()?;
    let small = u8::try_from(index).ok()?;
    Some(match act {
        Act::Start => Tap::Start,
        Act::StartOver => Tap::StartOver,
        Act::ChooseLanguage => Tap::ChooseLanguage,
        Act::EasyAccess => Tap::EasyAccess,
        Act::Help => Tap::Help,
        Act::Notice => Tap::Notice,
        Act::Language => Tap::Language(*Language::ALL.get(place)?),
        Act::Mode => Tap::Mode(*[Mode::Large, Mode::Contrast, Mode::LowReach, Mode::Slow].get(place)?),
        Act::Service => match screen {
            Some(Screen::Services { rows }) => Tap::Service(rows.get(place)?.service),
            _other => return None,
        },
        Act::Digit => Tap::Digit(small),
        Act::Erase => Tap::Erase,
        Act::ClearAll => Tap::ClearAll,
        Act::Row => Tap::Row(small),
        Act::PageUp => Tap::PageUp,
        Act::PageDown => Tap::PageDown,
        Act::More => Tap::More,
        Act::Fewer => Tap::Fewer,
        Act::DocumentLanguage => Tap::DocumentLanguage(*Language::ALL.get(place)?),
        Act::Insurance => {
            Tap::Insurance(*[InsuranceAnswer::Yes, InsuranceAnswer::No, InsuranceAnswer::NotSure].get(place)?)
        }
        Act::ForMe => Tap::ForMe,
        Act::ForSomebodyElse => Tap::ForSomebodyElse,
        Act::Information => Tap::Information(
            *[InformationTab::Fees, InformationTab::Hours, InformationTab::Desks, InformationTab::Rights].get(place)?,
        ),
        Act::Back => Tap::Back,
        Act::Next => Tap::Next,
        Act::Agree => Tap::Agree,
        Act::Disagree => Tap::Disagree,
        Act::CancelPayment => Tap::CancelPayment,
        Act::TryAgain => Tap::TryAgain,
        Act::PrintAgain => Tap::PrintAgain,
        Act::Finish => Tap::Finish,
        Act::StillHere => Tap::StillHere,
        Act::Staff => Tap::Staff(*StaffTap::ALL.get(place)?),
    })
}
