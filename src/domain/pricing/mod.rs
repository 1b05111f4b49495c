//! What papers cost at this hospital, when they are ready, and what may be chosen of them.

pub mod cart;
pub mod order;
pub mod quote;
