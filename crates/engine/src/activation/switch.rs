//! The way to and from zero, or to and from an idle count: when a target is switched on and off.

use std::time::Duration;

use super::judge::Judgement;
use super::memory::ActivationMemory;
use super::{Activation, Cause};
use crate::{Scale, Time, View};

/// The count that a target is switched to, or left at.
pub(super) struct Switch {
    /// Replicas.
    pub(super) to: u32,
    /// Why.
    pub(super) cause: Cause,
}

impl Activation {
    /// Replicas at least while active.
    pub(super) fn least(&self) -> u32 {
        self.min.max(1).min(self.max.max(1))
    }

    /// What a target with `scale` is switched to. `None` where it must be left alone, as not all is known.
    pub(super) fn switch(
        &self,
        scale: Scale,
        judgement: &Judgement,
        memory: &ActivationMemory,
        view: &View<'_>,
    ) -> Option<Switch> {
        let current = scale.replicas;
        let is_idle = self.idle.is_some() && current < self.min;
        // Below the minimum an HPA needs no metric; without one it is done here.
        let is_below = self.direct.is_some() && current < self.least();
        if let Some(cause) = judgement.active.clone() {
            let to = if is_idle || is_below || current == 0 { self.least() } else { current };
            return Some(Switch { to, cause });
        }
        if is_below && current > 0 && self.idle.is_none() {
            return Some(Switch { to: self.least(), cause: Cause::Minimum(self.min) });
        }
        if judgement.has_error && !self.falls_back_to_nothing() {
            return None;
        }
        let may_go = self.idle.map_or(current > 0 && self.min == 0, |idle| current > idle);
        if may_go {
            return Some(self.switch_off(current, memory, view));
        }
        if self.idle.is_none() && current < self.min {
            return Some(Switch { to: self.min, cause: Cause::Minimum(self.min) });
        }
        Some(Switch { to: current, cause: Cause::Inactive })
    }

    /// Whether nothing holds a scale-in back while metrics fail, as the fallback itself is 0 replicas.
    pub(super) fn falls_back_to_nothing(&self) -> bool {
        self.fallback().is_some_and(|fallback| fallback.replicas == 0)
    }

    fn switch_off(&self, current: u32, memory: &ActivationMemory, view: &View<'_>) -> Switch {
        if view.is_between && self.direct.is_none() {
            // Only values for the HPA are read in between: the way to zero is as long as the interval.
            return Switch { to: current, cause: Cause::UntilPoll };
        }
        let now = view.now;
        let last_active = memory.last_active(now);
        if let Some(left) = self.cooldown_left(last_active, now) {
            return Switch { to: current, cause: Cause::Waits { was_active: last_active.is_some(), left } };
        }
        let cause = last_active.map_or(Cause::Never, |last| Cause::Since(now.since(last)));
        Switch { to: self.idle.unwrap_or(0), cause }
    }

    /// Time until a target that was last active at `last_active` may be switched off.
    fn cooldown_left(&self, last_active: Option<Time>, now: Time) -> Option<Duration> {
        let (cooldown, since) = match last_active {
            Some(last) => (self.cooldown, last),
            None => (self.initial_cooldown, self.created),
        };
        cooldown.checked_sub(now.since(since)).filter(|left| !left.is_zero())
    }
}

impl Switch {
    /// Time until the target may be switched off, where it waits for that.
    pub(super) fn cooldown_left(&self) -> Option<Duration> {
        match self.cause {
            Cause::Waits { left, .. } => Some(left),
            _ => None,
        }
    }
}
