use super::ui::{App, CardPrompt, PaymentData};
use super::words::{Words, int};
use crate::domain::screen::{PaymentPrompt, PaymentScreen};
use slint::ComponentHandle;

pub(super) fn show(app: &App, words: &Words, payment: &PaymentScreen) {
    let global = app.global::<PaymentData>();
    global.set_amount(words.money(payment.amount));
    global.set_first(words.text(&payment.first));
    global.set_count(int(payment.count));
    global.set_prompt(match payment.prompt {
        PaymentPrompt::Preparing => CardPrompt::Preparing,
        PaymentPrompt::RemoveOldCard => CardPrompt::RemoveOldCard,
        PaymentPrompt::Present => CardPrompt::Present,
        PaymentPrompt::Working => CardPrompt::Working,
        PaymentPrompt::Cancelling => CardPrompt::Cancelling,
        PaymentPrompt::RemoveCard => CardPrompt::RemoveCard,
    });
    global.set_can_cancel(payment.can_cancel);
    global.set_left(int(payment.seconds_left));
    global.set_total(int(payment.seconds_total));
}
