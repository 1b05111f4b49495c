//! A keypad works the whole kiosk: Up and Down move the focus, Enter acts, digits type, Escape goes back, F1 helps.

use super::Shared;
use super::ui::{App, Keys};
use crate::domain::screen::staff::{StaffScreen, StaffTap};
use crate::domain::screen::{Screen, Tap, View};
use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle, SharedString};
use std::rc::Rc;
use std::sync::Arc;

pub(super) fn forward(app: &App, shared: &Arc<Shared>, on_tap: Rc<impl Fn(Tap) + 'static>) {
    let (shared, weak) = (shared.clone(), app.as_weak());
    app.global::<Keys>().on_pressed(move |text| {
        if let Some(key) = focus_key(&text) {
            if let Some(app) = weak.upgrade() {
                move_focus(&app, key);
            }
            return true;
        }
        let tap = shared.state().view.as_ref().and_then(|view| tap(view, &text));
        if let Some(tap) = tap {
            on_tap(tap);
        }
        tap.is_some()
    });
}

fn is(text: &SharedString, key: Key) -> bool {
    *text == SharedString::from(key)
}

/// Slint moves the focus itself on Tab; the arrows of a keypad become that.
fn focus_key(text: &SharedString) -> Option<Key> {
    if is(text, Key::DownArrow) || is(text, Key::RightArrow) {
        Some(Key::Tab)
    } else if is(text, Key::UpArrow) || is(text, Key::LeftArrow) {
        Some(Key::Backtab)
    } else {
        None
    }
}

fn move_focus(app: &App, key: Key) {
    app.window().dispatch_event(WindowEvent::KeyPressed { text: key.into() });
    app.window().dispatch_event(WindowEvent::KeyReleased { text: key.into() });
}

fn tap(view: &View, text: &SharedString) -> Option<Tap> {
    let typing = match &view.screen {
        Screen::Staff(screen) => matches!(**screen, StaffScreen::Pin { .. }),
        screen => matches!(screen, Screen::Number(_) | Screen::BirthDate(_)),
    };
    if let Some(digit) = text.chars().next().and_then(|c| c.to_digit(10)) {
        return typing.then(|| Tap::Digit(u8::try_from(digit).unwrap_or(0)));
    }
    if is(text, Key::Backspace) {
        return typing.then_some(Tap::Erase);
    }
    if is(text, Key::Delete) {
        return typing.then_some(Tap::ClearAll);
    }
    if is(text, Key::F1) {
        return Some(Tap::Help);
    }
    // For staff who cannot reach the header: a keyboard plugged in. The PIN still stands before the door.
    if is(text, Key::F10) {
        return Some(Tap::Staff(StaffTap::Enter));
    }
    if is(text, Key::Return) {
        return enter(&view.screen);
    }
    is(text, Key::Escape).then(|| cancel(&view.screen)).flatten()
}

/// Enter where no control has the focus.
fn enter(screen: &Screen) -> Option<Tap> {
    match screen {
        Screen::Idle => Some(Tap::Start),
        Screen::Number(_) | Screen::BirthDate(_) => Some(Tap::Next),
        Screen::StillHere { .. } => Some(Tap::StillHere),
        Screen::Staff(screen) => matches!(**screen, StaffScreen::Pin { .. }).then_some(Tap::Next),
        Screen::Language { .. }
        | Screen::Services { .. }
        | Screen::Wait { .. }
        | Screen::Insurance
        | Screen::Appointments { .. }
        | Screen::CheckedIn(_)
        | Screen::Sorry { .. }
        | Screen::ForWhom
        | Screen::Documents { .. }
        | Screen::Options { .. }
        | Screen::Review(_)
        | Screen::Consent { .. }
        | Screen::Payment(_)
        | Screen::InDoubt(_)
        | Screen::NotPaid { .. }
        | Screen::Done(_)
        | Screen::Reprint { .. }
        | Screen::Information { .. }
        | Screen::EasyAccess
        | Screen::Notice(_)
        | Screen::Help { .. }
        | Screen::OutOfService { .. } => None,
    }
}

/// The cancel key: what the screen's own way back is.
fn cancel(screen: &Screen) -> Option<Tap> {
    match screen {
        Screen::Language { current: Some(_), .. }
        | Screen::Number(_)
        | Screen::BirthDate(_)
        | Screen::Wait { .. }
        | Screen::Insurance
        | Screen::Appointments { .. }
        | Screen::ForWhom
        | Screen::Documents { .. }
        | Screen::Options { .. }
        | Screen::Review(_)
        | Screen::Reprint { .. }
        | Screen::Information { .. }
        | Screen::EasyAccess
        | Screen::Notice(_)
        | Screen::Staff(_)
        | Screen::Help { .. } => Some(Tap::Back),
        Screen::Consent { .. } => Some(Tap::Disagree),
        Screen::Payment(payment) if payment.can_cancel => Some(Tap::CancelPayment),
        Screen::Services { .. } => Some(Tap::StartOver),
        Screen::CheckedIn(_) | Screen::Sorry { .. } | Screen::NotPaid { .. } | Screen::Done(_) => Some(Tap::Finish),
        Screen::InDoubt(doubt) if doubt.seconds_left.is_none() => Some(Tap::Finish),
        Screen::StillHere { .. } => Some(Tap::StillHere),
        Screen::Idle
        | Screen::Language { current: None, .. }
        | Screen::Payment(_)
        | Screen::InDoubt(_)
        | Screen::OutOfService { .. } => None,
    }
}
