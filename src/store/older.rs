//! What older versions wrote, read once: when their database becomes one of this version.
//!
//! They kept sentences only, and told one case from another by how a sentence begins. These are their words as they wrote
//! them, whatever the same cases are called now: never changed, and read nowhere else. What is none of them keeps its words
//! and gets no name.

mod outbox;
mod payments;

pub(super) use outbox::name_outbox_reasons;
pub(super) use payments::name_staff_reasons;
