//! One try of one frozen bundle, of a part of it, or of several together.

use super::super::wire::{self, Frozen};
use super::Client;
use super::answer::{self, Verdict};
use super::http::HttpAnswer;
use super::outcome::{self, Less};
use super::search;
use crate::domain::outbox::{Delivery, QueuedRequest, Taken};
use crate::domain::reason::{BeforeServer, Delay, InPart, KeptOut, LineTrouble, ParkReason, Parts, Together, Told};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a look for our own Task found.
enum Look {
    None,
    Ours {
        more_than_one: bool,
    },
    /// It is there, but points to what is not: the server took the bundle apart and kept a part of it.
    InPart,
    /// The server could not be asked.
    Failed(Delivery),
}

/// What became of one part.
enum Sent {
    /// Where its entries are.
    Taken(Vec<Taken>),
    /// Nothing of it was taken, and less at once may be.
    TooMuch {
        less: Less,
        maybe_taken: bool,
        otherwise: Delivery,
    },
    /// More than one match (412).
    Look,
    /// The server said that it is done, and not of what.
    Unsaid,
    /// Refused, in words that need not be the FHIR server's own.
    Doubtful(Delivery),
    Not(Delivery),
}

impl Client {
    pub(super) async fn deliver_bundle(&self, queued: &QueuedRequest) -> Delivery {
        let Some(whole) = Frozen::read(&queued.bundle) else {
            return Delivery::Park { reason: ParkReason::Unreadable };
        };
        let once = whole.is_conditional();
        // What is there stays as it is and what is missing is added; a look would prove nothing.
        let apart = once && self.came_apart(queued);
        if !apart && (queued.maybe_delivered || !once) {
            match self.look_for_task(queued).await {
                Look::Ours { more_than_one } => return found(more_than_one),
                Look::Failed(delivery) => return delivery,
                Look::None | Look::InPart => {}
            }
        }
        // Only what may be repeated may be cut: a part of it may be sent again.
        let most = if once { self.entries_max().unwrap_or(usize::MAX) } else { usize::MAX };
        self.deliver_part(queued, &whole, most, apart).await
    }

    /// The next entries, as many as the server takes: fewer and fewer while it says that they are too many. One part a try,
    /// so that each is written down before the next leaves.
    async fn deliver_part(&self, queued: &QueuedRequest, whole: &Frozen, most: usize, apart: bool) -> Delivery {
        let (all, mut most, mut refused) = (whole.entries().len(), most, false);
        loop {
            let part = whole.part(&queued.taken, most);
            let is_last = queued.taken.len() + part.len() >= all;
            // What goes as one goes as it was frozen.
            let body = if part.len() == all { queued.bundle.clone() } else { wire::transaction(&part) };
            match self.transaction(body, &part).await {
                Sent::Taken(addresses) => {
                    if refused {
                        self.learn_entries_max(part.len());
                    }
                    return if is_last { Delivery::Done { note: None } } else { in_part(queued, addresses, all) };
                }
                Sent::TooMuch { less, maybe_taken, otherwise } if whole.is_conditional() => {
                    if maybe_taken && let Some(end) = self.ended(queued).await {
                        return end;
                    }
                    if less == Less::Perhaps {
                        tracing::info!(id = %queued.request.id, "the server refuses it without a reason: trying less at once");
                    }
                    let Some(smaller) = smaller(less, part.len()) else { return otherwise };
                    (most, refused) = (smaller, true);
                }
                Sent::TooMuch { otherwise, .. } => return otherwise,
                Sent::Look if apart => return matches_several(),
                Sent::Look => return self.after_412(queued).await,
                Sent::Unsaid => return self.after_silence(queued, is_last).await,
                Sent::Doubtful(delivery) => return self.ended(queued).await.unwrap_or(delivery),
                Sent::Not(delivery) => {
                    if part.len() == 1 && matches!(delivery, Delivery::Park { .. }) {
                        // Then it was not their number, and perhaps it never was.
                        self.known().entries_max = None;
                    }
                    return delivery;
                }
            }
        }
    }

    /// Some servers give every entry its address before any of them is kept, so that a Task may look whole beside what was
    /// refused (Medplum, as a batch).
    fn came_apart(&self, queued: &QueuedRequest) -> bool {
        match queued.in_part {
            Some(InPart::TakenApart) => true,
            Some(InPart::FirstEntries) | None => queued.maybe_delivered && self.known().takes_apart,
        }
    }

    /// How many entries the server takes at once, as it was configured or learnt.
    fn entries_max(&self) -> Option<usize> {
        let configured = Some(self.settings.transaction_entries_max).filter(|most| *most > 0);
        [configured, self.known().entries_max].into_iter().flatten().min()
    }

    fn learn_entries_max(&self, most: usize) {
        let mut known = self.known();
        known.entries_max = Some(known.entries_max.map_or(most, |before| before.min(most)));
        tracing::warn!(
            most,
            "the hospital's server refuses more entries in one transaction: what is larger goes there in parts; write \
             hospital.transaction_entries_max, and it need not be tried out after a restart"
        );
    }

    /// How many of them, from the first, the server takes in one transaction.
    pub(super) fn fitting(&self, queued: &[QueuedRequest]) -> usize {
        let Some(most) = self.entries_max() else { return queued.len() };
        let entries = |queued: &QueuedRequest| Frozen::read(&queued.bundle).map_or(0, |whole| whole.entries().len());
        let together = queued.iter().map(entries).scan(0_usize, |sum, entries| {
            *sum = sum.saturating_add(entries);
            Some(*sum)
        });
        together.take_while(|sum| *sum <= most).count()
    }

    async fn transaction(&self, bundle: Vec<u8>, entries: &[Value]) -> Sent {
        let answer = match self.answer_to(bundle).await {
            Ok(answer) => answer,
            Err(trouble) => return Sent::Not(answer::trouble(trouble)),
        };
        if answer.is_success() && answer.json.is_none() {
            return Sent::Unsaid;
        }
        let verdict = answer::of_transaction(&answer, entries.len());
        if let Verdict::Settled(delivery) = &verdict
            && answer::came_apart(delivery)
        {
            self.known().takes_apart = true;
        }
        match (verdict, outcome::asks_for_less(&answer, entries.len())) {
            (Verdict::Settled(Delivery::Done { .. }), _) => {
                Sent::Taken(wire::addresses(answer.json.as_ref().unwrap_or(&Value::Null), entries))
            }
            (Verdict::Settled(otherwise), Some(less)) => {
                Sent::TooMuch { less, maybe_taken: answer.status >= 500, otherwise }
            }
            (Verdict::Settled(delivery @ Delivery::Park { .. }), None) if !answer.is_fhir() => Sent::Doubtful(delivery),
            (Verdict::Settled(delivery), None) => Sent::Not(delivery),
            (Verdict::Look, _) => Sent::Look,
        }
    }

    /// A server that takes `return=minimal` for "say nothing" is asked to say something: each entry is created only once.
    async fn answer_to(&self, bundle: Vec<u8>) -> Result<HttpAnswer, LineTrouble> {
        let minimal = !self.known().says_nothing;
        let answer = self.http.transaction(bundle.clone(), minimal, self.send_timeout()).await?;
        let silent = answer.is_success() && answer.json.is_none();
        if !(silent && minimal && Frozen::read(&bundle).is_some_and(|whole| whole.is_conditional())) {
            return Ok(answer);
        }
        // Whatever becomes of the second: the first may have been taken.
        match self.http.transaction(bundle, false, self.send_timeout()).await {
            Ok(again) if again.is_success() && again.json.is_some() => {
                self.known().says_nothing = true;
                Ok(again)
            }
            Ok(_) | Err(_) => Ok(answer),
        }
    }

    /// Several frozen bundles as one.
    pub(super) async fn deliver_bundles(&self, queued: &[QueuedRequest]) -> Result<Vec<Delivery>, Delay> {
        let whole = queued.iter().map(|queued| Frozen::read(&queued.bundle)).collect::<Option<Vec<_>>>();
        let whole = whole.filter(|all| all.iter().all(Frozen::is_conditional));
        let whole = whole.ok_or(Delay::Together(Together::LookFirst))?;
        let entries = whole.iter().flat_map(Frozen::entries).cloned().collect::<Vec<_>>();
        let verdict = match self.transaction(wire::transaction(&entries), &entries).await {
            Sent::Taken(_) => Verdict::Settled(Delivery::Done { note: None }),
            Sent::TooMuch { less: less @ (Less::Of(_) | Less::Surely), maybe_taken: false, .. } => {
                self.learn_entries_max(smaller(less, entries.len()).unwrap_or(1));
                let fewer = Delivery::Part { taken: Vec::new(), parts: Parts::FewerTogether };
                return Ok(vec![fewer; queued.len()]);
            }
            Sent::TooMuch { otherwise, .. } => Verdict::Settled(otherwise),
            Sent::Look => Verdict::Look,
            Sent::Unsaid => Verdict::Settled(later(Delay::NoBundle, None)),
            Sent::Doubtful(delivery) | Sent::Not(delivery) => Verdict::Settled(delivery),
        };
        answer::of_several(verdict, queued.len())
    }

    /// What a look for the Task ends; `None` if it is not there.
    async fn ended(&self, queued: &QueuedRequest) -> Option<Delivery> {
        match self.look_for_task(queued).await {
            Look::Ours { more_than_one } => Some(found(more_than_one)),
            Look::Failed(delivery) => Some(delivery),
            Look::None | Look::InPart => None,
        }
    }

    /// An empty body proves nothing; the Task, if it was in there, does.
    async fn after_silence(&self, queued: &QueuedRequest, is_last: bool) -> Delivery {
        let found = if is_last { self.ended(queued).await } else { None };
        found.unwrap_or_else(|| later(Delay::NoBundle, None))
    }

    /// More than one match somewhere: never sent again blindly.
    async fn after_412(&self, queued: &QueuedRequest) -> Delivery {
        match self.look_for_task(queued).await {
            Look::Ours { .. } => found(true),
            Look::Failed(delivery) => delivery,
            Look::None | Look::InPart => matches_several(),
        }
    }

    /// The Task comes last and names all of it: what goes before it in parts was taken before it left. At a server that keeps
    /// all or nothing it is proof of all, and at most others what is missing is left unresolved in it. Only Tasks are asked for, because a kiosk may read nothing
    /// else of what it wrote (`[identity] scope`).
    async fn look_for_task(&self, queued: &QueuedRequest) -> Look {
        let id = wire::entry_id(queued.request.id, "task").to_string();
        let token = format!("{}|{id}", self.settings.request_system);
        match self.http.get("Task", &[("identifier", &token)], self.send_timeout()).await {
            Err(trouble) => Look::Failed(uncertain(trouble)),
            Ok(answer) => match answer.resource("Bundle") {
                Some(bundle) => self.ours(bundle, &id).await,
                None if answer.is_page() && answer.is_success() => {
                    Look::Failed(later(Delay::Before(BeforeServer(answer.status)), answer.retry_after_s))
                }
                None if answer.is_success() => Look::Failed(later(Delay::LookAnsweredOtherwise, answer.retry_after_s)),
                None => Look::Failed(match answer::of_refusal(&answer) {
                    // Neither what was sent nor the question has met a FHIR server.
                    Delivery::Park { .. } if !answer.is_fhir() => {
                        Delivery::Hold { reason: KeptOut::Before(BeforeServer(answer.status)) }
                    }
                    // Not the request was refused but the question: it stays uncertain, never parked.
                    Delivery::Park { .. } => later(Delay::LookRefused, answer.retry_after_s),
                    Delivery::Later { reason, after_s, away, .. } => {
                        Delivery::Later { reason, after_s, maybe_delivered: true, away }
                    }
                    other @ (Delivery::Done { .. }
                    | Delivery::Part { .. }
                    | Delivery::Hold { .. }
                    | Delivery::Busy { .. }) => other,
                }),
            },
        }
    }

    /// On whatever page it is. That there is none is known at the end of the list only, and of a list that can be read.
    async fn ours(&self, first: &Value, id: &str) -> Look {
        let (mut found, mut ids) = (Vec::new(), BTreeSet::new());
        let mut trail = self.http.trail("Task");
        let cannot_be_read = || Look::Failed(later(Delay::LookUnreadable, None));
        let mut page = first.clone();
        for _ in 0..PAGES_MAX {
            let read = wire::Found::read(&page, "Task");
            let own = |task: &&&Value| wire::matches_identifier(task, &self.settings.request_system, id);
            for task in read.matches.iter().filter(own) {
                let known = task["id"].as_str().is_some_and(|id| !ids.insert(id.to_owned()));
                found.extend((!known).then(|| wire::points_into_its_bundle(task)));
            }
            let hides = |task: &&Value| wire::hides_identifier(task, &self.settings.request_system);
            match found.as_slice() {
                [] if read.unreadable > 0 || read.hides_all() => return cannot_be_read(),
                [] if read.matches.iter().any(hides) => return cannot_be_read(),
                [] => {}
                [true] => return Look::InPart,
                several => return Look::Ours { more_than_one: several.len() > 1 },
            }
            let Some(next) = read.next else { return Look::None };
            let Some(answer) = self.http.get_page(&mut trail, &next, self.send_timeout()).await else {
                return Look::None;
            };
            let Ok(further) = search::resource(answer, "Bundle") else { return cannot_be_read() };
            page = further;
        }
        // It answers with everybody's. What is created conditionally may be sent again all the same.
        if self.capabilities().conditional_create { Look::None } else { cannot_be_read() }
    }
}

/// Of a search for our own Task.
const PAGES_MAX: usize = 5;

fn matches_several() -> Delivery {
    Delivery::Park { reason: ParkReason::FoundTwice }
}

fn found(more_than_one: bool) -> Delivery {
    Delivery::Done { note: more_than_one.then_some(Told::Twice) }
}

/// The look itself failed; the request before it may still have arrived.
fn uncertain(trouble: LineTrouble) -> Delivery {
    Delivery::Later { reason: Delay::Line(trouble), after_s: None, maybe_delivered: true, away: trouble.is_away() }
}

const fn later(reason: Delay, after_s: Option<u64>) -> Delivery {
    Delivery::Later { reason, after_s, maybe_delivered: true, away: false }
}

/// How many entries next; `None` if there is nothing less than one.
fn smaller(less: Less, entries: usize) -> Option<usize> {
    let most = match less {
        Less::Of(most) => most.min(entries.saturating_sub(1)),
        Less::Surely | Less::Perhaps => entries / 2,
    };
    (most > 0).then_some(most)
}

fn in_part(queued: &QueuedRequest, addresses: Vec<Taken>, all: usize) -> Delivery {
    let taken = [queued.taken.clone(), addresses].concat();
    let parts = Parts::There { there: taken.len(), all };
    Delivery::Part { taken, parts }
}
