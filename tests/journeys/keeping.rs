//! One input and all that follows from it, with a store that keeps or does not keep what must be durable.

use hospital_kiosk::domain::line::Line;
use hospital_kiosk::domain::moment::Moment;
use hospital_kiosk::domain::session::{Effect, Input, Output, Session};

/// What came of an input, in the order in which it was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Did {
    Keep(Line),
    Do(Effect),
}

/// Why a batch was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    Disk,
    Refused,
}

/// `keep` says of each batch what becomes of it; one that is lost is among what was done as well.
pub fn play(
    session: &mut Session,
    input: Input,
    at: Moment,
    mut keep: impl FnMut(&[Line]) -> Result<(), Lost>,
) -> Vec<Did> {
    let mut did = Vec::new();
    let mut output = session.handle(input, at);
    loop {
        match output {
            Output::Commit(batch) => {
                did.extend(batch.lines.iter().cloned().map(Did::Keep));
                output = match keep(&batch.lines) {
                    Ok(()) => session.kept(*batch),
                    Err(lost) => session.not_kept(*batch, lost == Lost::Refused),
                };
            }
            Output::Then(effects) => {
                did.extend(effects.into_iter().map(Did::Do));
                return did;
            }
        }
    }
}

/// The effects, where everything is kept.
pub fn effects(session: &mut Session, input: Input, at: Moment) -> Vec<Effect> {
    let did = play(session, input, at, |_| Ok(()));
    did.into_iter().filter_map(|did| if let Did::Do(effect) = did { Some(effect) } else { None }).collect()
}
