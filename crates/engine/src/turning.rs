//! What would change a decision: the nearest values of a metric at which another count of replicas is asked for.

use crate::limits::{Limit, Limits};
use crate::{Memory, Observation, Pause, Plan, Reading, Time, decide};

/// A value of a metric and what is asked for from there on, by all members of a group together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurningPoint {
    /// The value, with four digits where that changes nothing.
    pub value: f64,
    /// Replicas asked for at it.
    pub replicas: u32,
}

/// What a metric would have to come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TurningPoints {
    /// Replicas asked for at the present value, before rate, window and cooldown.
    pub now: u32,
    /// The nearest value above the present one that asks for more.
    pub above: Option<TurningPoint>,
    /// The nearest value below the present one that asks for fewer.
    pub below: Option<TurningPoint>,
}

/// So many times the distance from the present value is doubled in search of another count.
const DOUBLINGS: i32 = 60;
/// So many times the distance is halved once it is found.
const HALVINGS: u32 = 60;

/// What the metric at `metric` would have to come to for `plan` to ask for more or fewer replicas than now, while all
/// else stays as in `observation`. What only delays a change is left out: windows, rates, cooldowns, pauses, and the
/// confirmation of a suspicious drop. Bounds are those at `now`, of an override while there is one.
///
/// `None` where the metric has no single number, or nothing can be recommended for a member.
pub fn turning_points(
    plan: &Plan,
    memory: &Memory,
    observation: &Observation,
    metric: usize,
    now: Time,
) -> Option<TurningPoints> {
    let value = observation.readings.get(metric).and_then(Reading::value)?;
    let question = Question { plan: undelayed(plan, now), memory, observation, metric, now };
    let present = question.replicas(value)?;
    let least = plan.metrics.get(metric).and_then(|metric| metric.minimum);
    let above = question.search(value, f64::MAX, |replicas| replicas > present);
    let below = question.search(value, least.unwrap_or(f64::MIN), |replicas| replicas < present);
    Some(TurningPoints { now: present, above, below })
}

/// The plan at `now` without what only delays a change.
fn undelayed(plan: &Plan, now: Time) -> Plan {
    let mut plan = plan.at(now).into_owned();
    let at_once = |limit: &Limit| Limit { tolerance: limit.tolerance, ..Limit::default() };
    plan.limits = Limits { up: at_once(&plan.limits.up), down: at_once(&plan.limits.down) };
    plan.brakes.pause = Pause::default();
    plan.safeguards.drop = None;
    plan
}

/// How many replicas there would be at another value.
struct Question<'a> {
    plan: Plan,
    memory: &'a Memory,
    observation: &'a Observation,
    metric: usize,
    now: Time,
}

impl Question<'_> {
    fn replicas(&self, value: f64) -> Option<u32> {
        let mut observation = self.observation.clone();
        observation.readings[self.metric] = Reading::of(value, self.now);
        let decision = decide(&self.plan, &mut self.memory.clone(), &observation, self.now);
        let asked = decision.members.iter().map(|decided| decided.recommended.map(|_| decided.to));
        asked.reduce(|sum, asked| Some(sum?.saturating_add(asked?))).flatten()
    }

    /// The value nearest to `from` in the direction of `end` at which `is_it` holds.
    fn search(&self, from: f64, end: f64, is_it: impl Fn(u32) -> bool) -> Option<TurningPoint> {
        let holds = |value: f64| self.replicas(value).filter(|replicas| is_it(*replicas));
        let step = from.abs().max(1.0) / 1024.0;
        let ahead = |doublings: i32| {
            let distance = step * 2_f64.powi(doublings);
            if end > from { (from + distance).min(end) } else { (from - distance).max(end) }
        };
        let mut near = from;
        let mut far = (0..=DOUBLINGS).map(ahead).find(|value| {
            let found = holds(*value).is_some();
            if !found {
                near = *value;
            }
            found
        })?;
        for _ in 0..HALVINGS {
            let middle = near + (far - near) / 2.0;
            *(if holds(middle).is_some() { &mut far } else { &mut near }) = middle;
        }
        let replicas = holds(far)?;
        let readable =
            rounded(far, end > from).into_iter().find(|value| self.replicas(*value) == Some(replicas));
        Some(TurningPoint { value: readable.unwrap_or(far), replicas })
    }
}

/// Values of four digits near to `value`, the nearest first.
fn rounded(value: f64, up: bool) -> [f64; 3] {
    if value == 0.0 {
        return [0.0; 3];
    }
    let scale = 10_f64.powi(3 - value.abs().log10().floor() as i32);
    let digits = value * scale;
    let beyond = if up { digits.ceil() } else { digits.floor() };
    let further = if up { beyond + 1.0 } else { beyond - 1.0 };
    [digits.round(), beyond, further].map(|digits| digits / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Shop;
    use crate::limits::Limits;
    use crate::policy::{Linear, Slo, Threshold};
    use crate::{Policy, Scale};

    fn points(plan: &Plan, replicas: u32, value: f64) -> TurningPoints {
        let scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
        let now = Time::from_seconds(1_700_000_000);
        let readings = vec![Reading::of(value, now)];
        let observation = Observation { scales: vec![Some(scale)], readings, ..Observation::default() };
        turning_points(plan, &Memory::default(), &observation, 0, now).unwrap()
    }

    fn point(value: f64, replicas: u32) -> Option<TurningPoint> {
        Some(TurningPoint { value, replicas })
    }

    fn plan(policy: impl Policy + 'static, target: Option<f64>, limits: Limits) -> Plan {
        let shop = Shop::default().member("web", None).bounds(2, 10).metric("users", None, target, None);
        Plan { group: None, ..shop.plan(policy, limits) }
    }

    #[test]
    fn the_nearest_values_that_change_a_decision_are_found() {
        // Between 2 and 10 replicas for 1000 to 5000: one for every 500.
        let linear = plan(Linear::new(1000.0, 5000.0, 2, 10).unwrap(), None, Limits::default());
        let found = points(&linear, 6, 3200.0);
        assert_eq!((found.now, found.above, found.below), (6, point(3500.0, 7), point(2999.0, 5)));
        let least = points(&linear, 2, 10.0);
        assert_eq!((least.now, least.above, least.below), (2, point(1500.0, 3), None));
        assert_eq!(points(&linear, 10, 9000.0).above, None);
        let threshold = plan(Threshold::new(50.0, 10.0, 1, 2).unwrap(), None, Limits::default());
        let found = points(&threshold, 4, 30.0);
        assert_eq!((found.now, found.above, found.below), (4, point(50.01, 5), point(9.999, 2)));
    }

    #[test]
    fn what_delays_a_change_is_left_out_and_the_tolerance_counts() {
        let mut limits = Limits::default().with_cooldown(std::time::Duration::from_secs(600));
        (limits.up.tolerance, limits.down.tolerance) = (Some(0.1), Some(0.1));
        let slo = plan(Slo::new(None), Some(100.0), limits);
        let found = points(&slo, 4, 400.0);
        assert_eq!((found.now, found.above.unwrap().replicas), (4, 5));
        assert!(found.above.unwrap().value >= 440.0, "{found:?}");
    }
    #[test]
    fn a_pause_and_a_drop_delay_and_an_override_counts() {
        let linear = Linear::new(1000.0, 5000.0, 2, 10).unwrap();
        let mut plan = plan(linear, None, Limits::default());
        plan.brakes.pause = crate::Pause::Everything;
        plan.safeguards.drop =
            Some(crate::SuspiciousDrop { share: 0.01, confirm: std::time::Duration::from_secs(300) });
        let found = points(&plan, 6, 3200.0);
        assert_eq!((found.now, found.above, found.below), (6, point(3500.0, 7), point(2999.0, 5)));
        let now = Time::from_seconds(1_700_000_000);
        let until = now.plus(std::time::Duration::from_secs(60));
        plan.brakes.bounds = crate::BoundsOverride::new(None, Some(6), until, String::new());
        assert_eq!(points(&plan, 6, 3200.0).above, None);
    }
}
