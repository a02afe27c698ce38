//! Trying failed writes of a group again, while the decision for them stands.
//!
//! A new decision would not do: it may draw again, and the cooldown of those members that were
//! written would hold the others back. So the decided count is written, whatever stands there now.

use std::sync::Arc;

use engine::{MemberDecision, Memory, Scale, Time, Warning, cycle};
use futures::future::join_all;
use resources::{Outcome, Poll, TargetFailure, Verdict};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::act::{act_on, remember};
use crate::attempt::Tried;
use crate::poll::{Finished, Round, observe};
use crate::{ObjectKey, Services, spans};

/// All that one round of retries needs to know.
pub(crate) struct Retry {
    pub(crate) uid: String,
    pub(crate) generation: i64,
    pub(crate) warnings: Arc<[Warning]>,
    /// The poll whose decision stands, as it was last reported.
    pub(crate) poll: Poll,
    pub(crate) memory: Memory,
    /// Places of the members to try, in ascending order.
    pub(crate) members: Vec<usize>,
    /// When the next poll decides again; no write may last longer.
    pub(crate) until: Time,
    /// Turns true when the object is deleted, changed or no longer ours to scale.
    pub(crate) revoked: watch::Receiver<bool>,
}

/// What came of one member.
struct Attempt {
    seen: Result<Scale, TargetFailure>,
    /// `None` where nothing was written.
    tried: Option<Tried>,
}

/// One round of retries for the object `key`, as one trace.
pub(crate) async fn traced_retry(services: Services, key: ObjectKey, retry: Retry) -> Finished {
    let span = spans::retry(&key, &retry.poll.plan, &retry.members);
    self::retry(services, retry).instrument(span).await
}

/// Tries each member once, all at the same time.
async fn retry(services: Services, retry: Retry) -> Finished {
    let Retry { uid, generation, warnings, mut poll, mut memory, members, until, revoked } = retry;
    let attempts = members.iter().map(|&member| attempt(&services, &poll, member, until, &revoked));
    let attempts = join_all(attempts).await;
    let at = services.clock.now();
    let mut tried: Vec<Option<Tried>> = vec![None; poll.members.len()];
    let mut news = false;
    for (&member, attempt) in members.iter().zip(attempts) {
        let Some(attempt) = attempt else { continue };
        let polled = &mut poll.members[member];
        polled.seen = attempt.seen;
        if let Some(attempt) = attempt.tried {
            services.metrics.retried(&attempt.result);
            let reason = |write: Option<&Result<_, resources::WriteFailure>>| {
                write.and_then(|write| write.as_ref().err()).map(|failure| failure.reason)
            };
            news |= reason(polled.write.as_ref()) != reason(Some(&attempt.result));
            polled.write = Some(attempt.result.clone());
            tried[member] = Some(attempt);
        }
    }
    remember(&mut memory, &poll.plan, &poll.decision, &tried);
    poll.memory = memory.clone();
    let unsure = tried.iter().flatten().any(|tried| tried.result.is_err());
    let tried = (0..tried.len()).filter(|&member| tried[member].is_some()).collect();
    let outcome = Outcome { uid, generation, at, verdict: Verdict::Polled(Box::new(poll)), warnings };
    Finished {
        memory,
        ask_last_scaled: unsure,
        outcome: Some(outcome),
        tried,
        changed: Vec::new(),
        round: Round::Again { news },
        violations: Vec::new(),
        latencies: Vec::new(),
    }
}

/// Writes the decided count of one member, from whatever stands there now; `None` where it may not.
async fn attempt(
    services: &Services,
    poll: &Poll,
    member: usize,
    until: Time,
    revoked: &watch::Receiver<bool>,
) -> Option<Attempt> {
    let decided = poll.decided(member)?;
    let target = &poll.plan.members[member].target;
    if *revoked.borrow() || services.guard.time_left().is_none() {
        return None;
    }
    let seen = observe(services, target).await;
    let Ok(scale) = &seen else { return Some(Attempt { seen, tried: None }) };
    // A write that was not answered may have been carried out, or someone did it by hand.
    if scale.replicas == decided.to {
        let tried = Tried { at: services.clock.now(), sent: false, result: Ok(()) };
        return Some(Attempt { seen, tried: Some(tried) });
    }
    if !cycle::may_write_from(&poll.plan, &poll.decision, member, scale.replicas) {
        return Some(Attempt { seen, tried: None });
    }
    let again = MemberDecision { from: scale.replicas, ..decided.clone() };
    let tried = act_on(services, target, &again, poll.decision.mode, revoked, Some(until)).await;
    Some(Attempt { seen, tried })
}
