//! Episodes: what was seen of a group, what was done, and how well that went, for a policy to learn from.
//!
//! How well a decision went is known only at the next poll, so each waits here for the one after it. Only
//! `reporting` hands outcomes in, so nothing is reported of a poll that lost its right. A decision whose successor
//! is never seen, or is one of another plan or another leadership, makes no episode.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use engine::episode::{Act, State, reward};
use engine::{Mode, Observation, Plan, Time};
use resources::{Outcome, Poll};
use serde::Serialize;

use crate::ObjectKey;

/// Takes episodes.
pub trait EpisodeLog: Send + Sync {
    /// Takes one; must not block.
    fn note(&self, episode: &Episode);
}

/// One decision for a group and what came of it by the next poll.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Episode {
    /// The group, as `Kind namespace/name`.
    pub object: String,
    /// When it was decided.
    pub time: Time,
    /// What was seen then.
    pub observation: State,
    /// What was decided.
    pub action: Act,
    /// That of the state at the next poll: 0 at best, else less; `None` where it is not known.
    pub reward: Option<f64>,
    /// Whether it was carried out in full, which includes that nothing was to be done.
    pub applied: bool,
}

/// The decisions whose rewards are not known yet, and where episodes go.
pub struct Episodes {
    log: Arc<dyn EpisodeLog>,
    begun: Mutex<HashMap<ObjectKey, Begun>>,
}

/// A decision whose reward is not known yet.
struct Begun {
    plan: Arc<Plan>,
    at: Time,
    state: State,
    act: Act,
    applied: bool,
}

impl Episodes {
    /// Hands episodes to `log`.
    pub fn new(log: Arc<dyn EpisodeLog>) -> Self {
        Self { log, begun: Mutex::default() }
    }

    /// What became of the object `key`, in order. The same decision may come again, when more of it
    /// has been carried out.
    pub(crate) fn note(&self, key: &ObjectKey, outcome: &Outcome) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(poll) = outcome.poll().filter(|poll| poll.plan.group.is_some()) else {
            begun.remove(key);
            return;
        };
        if let Some(same) = begun.get_mut(key).filter(|before| before.at == poll.decision.at) {
            same.applied = is_applied(poll);
            return;
        }
        let next = Begun::of(poll);
        let Some(before) = begun.insert(key.clone(), next) else { return };
        if Arc::ptr_eq(&before.plan, &poll.plan) {
            self.log.note(&before.ended(key, &state(poll)));
        }
    }

    /// The object is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Someone else leads, or did.
    pub(crate) fn forget_all(&self) {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Begun {
    fn of(poll: &Poll) -> Self {
        Self {
            plan: Arc::clone(&poll.plan),
            at: poll.decision.at,
            state: state(poll),
            act: Act::of(&poll.plan, &poll.decision),
            applied: is_applied(poll),
        }
    }

    fn ended(self, key: &ObjectKey, after: &State) -> Episode {
        Episode {
            object: key.to_string(),
            time: self.at,
            reward: reward(after),
            observation: self.state,
            action: self.act,
            applied: self.applied,
        }
    }
}

/// What was known when it was decided.
fn state(poll: &Poll) -> State {
    let scales = poll.members.iter().map(|member| member.seen.as_ref().ok().copied()).collect();
    let observation = Observation { scales, readings: poll.readings.clone(), ..Observation::default() };
    State::of(&poll.plan, &observation, poll.decision.at)
}

fn is_applied(poll: &Poll) -> bool {
    let is_written = |member: usize| matches!(poll.members[member].write, Some(Ok(())));
    let mut decided = poll.decision.members.iter();
    poll.decision.mode == Mode::Act && decided.all(|decided| !decided.scales() || is_written(decided.member))
}

#[cfg(test)]
mod tests;
