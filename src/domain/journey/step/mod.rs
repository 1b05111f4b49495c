//! What several journeys have in common. A journey says which steps, in which order and with what; a step is a plain value
//! inside it, takes the same inputs, and tells it when it is over.
//!
//! | step | asks | ends with |
//! |---|---|---|
//! | [`identify`] | patient number and date of birth, or a card | the patient |
//! | [`choose`] | which documents, how many copies, in which language | what is in the cart |
//! | [`consent`] | may the order be placed | yes, no, back |
//! | [`checkout`] | consent, then the card where there is something to pay | paid, ordered, not paid, or in doubt |
//! | [`hand_off`] | nothing: says why, and which desk goes on | leave, home, or again |

pub mod checkout;
pub mod choose;
pub mod consent;
pub mod entry;
pub mod hand_off;
pub mod identify;
