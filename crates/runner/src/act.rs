//! Writing what was decided: the only way from a decision to a target.
//!
//! `poll` writes all members at once, `retry` those whose write failed. Each write is preceded
//! by a look at the right to write.

use std::time::Duration;

use engine::{Decision, MemberDecision, Memory, Mode, Plan, Target, Time, cycle};
use futures::future::join_all;
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::attempt::{Act, Tried};
use crate::{Services, spans};

/// Writes what was decided, all members at once; `None` for a member without a write.
pub(crate) async fn act(
    services: &Services,
    plan: &Plan,
    decision: &Decision,
    revoked: &watch::Receiver<bool>,
) -> Vec<Option<Tried>> {
    let writes = plan.members.iter().enumerate().map(|(index, member)| async move {
        let decided = decision.members.iter().find(|decided| decided.member == index)?;
        act_on(services, &member.target, decided, decision.mode, revoked, None).await
    });
    join_all(writes).await
}

/// Writes what was decided for one target, by `until` where that is given.
pub(crate) async fn act_on(
    services: &Services,
    target: &Target,
    decided: &MemberDecision,
    mode: Mode,
    revoked: &watch::Receiver<bool>,
    until: Option<Time>,
) -> Option<Tried> {
    let span = spans::act(target, decided);
    let act = write(services, target, decided, mode, revoked, until).instrument(span.clone()).await;
    spans::acted(&span, &act);
    if let Act::Wrote(result) = act {
        Some(Tried { at: services.clock.now(), sent: true, result })
    } else {
        None
    }
}

async fn write(
    services: &Services,
    target: &Target,
    decided: &MemberDecision,
    mode: Mode,
    revoked: &watch::Receiver<bool>,
    until: Option<Time>,
) -> Act {
    if !decided.scales() {
        return Act::Unchanged;
    }
    if mode == Mode::Observe {
        return Act::Observed;
    }
    if *revoked.borrow() {
        return Act::Revoked;
    }
    let Some(mut time_left) = services.guard.time_left() else { return Act::NotLeading };
    if let Some(until) = until {
        time_left = time_left.min(until.since(services.clock.now()));
    }
    if time_left == Duration::ZERO {
        return Act::TooLate;
    }
    let result = services.actuator.scale(target, decided.from, decided.to, time_left).await;
    services.metrics.wrote("scale", &result);
    Act::Wrote(result)
}

/// Records in `memory` what the writes came to: one entry for each of the plan's members.
pub(crate) fn remember(memory: &mut Memory, plan: &Plan, decision: &Decision, tried: &[Option<Tried>]) {
    let writes: Vec<_> = tried.iter().map(|tried| tried.as_ref().map(Tried::written)).collect();
    cycle::record_writes(plan, memory, decision, &writes);
}
