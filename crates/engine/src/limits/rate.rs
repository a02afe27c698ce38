//! Rates: how many pods a target may gain or lose, by operation or by period of time.
//!
//! The arithmetic of [`Rate::Behavior`] and [`Rate::HpaDefault`] is the HPA controller's, in its own float64:
//! `calculateScaleUpLimitWithScalingRules`, `calculateScaleDownLimitWithBehaviors` and `calculateScaleUpLimit`.
//! There is one copy of it, which the policies' limits and the exact HPA share.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::ScaleEvents;
use crate::Time;

/// How fast replicas may change in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rate {
    /// As fast as is asked for.
    #[default]
    Unlimited,
    /// So many pods in one scale operation; at least 1.
    PodsPerOperation(u32),
    /// As the `behavior` of an HPA says for the direction.
    Behavior(Arc<RatePolicies>),
    /// As an HPA without `behavior`: to twice the replicas or to 4, whichever is more. Scale-in is unlimited.
    HpaDefault,
}

/// The policies of one direction of an HPA's `behavior`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatePolicies {
    /// Which of them counts.
    pub select: SelectPolicy,
    /// The policies; never empty unless scaling in this direction is disabled.
    pub policies: Vec<RatePolicy>,
}

/// Which of several rate policies counts (`selectPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    #[default]
    Max,
    /// The one that allows the smallest change.
    Min,
    /// None: replicas do not change in this direction.
    Disabled,
}

/// One rate policy: an amount within a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePolicy {
    /// What may change within the period.
    pub amount: Amount,
    /// The period; above 0 and at most 30 min.
    pub period: Duration,
}

/// What may change within a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many pods.
    Pods(u32),
    /// So many percent of the replicas at the beginning of the period.
    Percent(u32),
}

/// An HPA without behavior may always go to so many replicas at once (`scaleUpLimitMinimum`).
const HPA_DEFAULT_LEAST: u32 = 4;

impl Rate {
    /// That of scale-out where an HPA has a `behavior` that does not say: 4 pods or 100 % within 15 s, whichever is more.
    pub(crate) fn of_hpa_behavior() -> Self {
        // Most objects have it.
        static SHARED: LazyLock<Arc<RatePolicies>> = LazyLock::new(|| {
            let policy = |amount| RatePolicy { amount, period: Duration::from_secs(15) };
            let policies = vec![policy(Amount::Pods(4)), policy(Amount::Percent(100))];
            Arc::new(RatePolicies { select: SelectPolicy::Max, policies })
        });
        Self::Behavior(Arc::clone(&SHARED))
    }

    /// The highest count that scaling out from `current` may reach at `now`; never below `current`.
    pub fn up_limit(&self, current: u32, events: &ScaleEvents, now: Time) -> u32 {
        let limit = match self {
            Self::Unlimited => u32::MAX,
            Self::PodsPerOperation(pods) => current.saturating_add(*pods),
            Self::HpaDefault => current.saturating_mul(2).max(HPA_DEFAULT_LEAST),
            Self::Behavior(rules) => match rules.select {
                SelectPolicy::Disabled => current,
                SelectPolicy::Max => rules.proposals_up(current, events, now).max().unwrap_or(current),
                SelectPolicy::Min => rules.proposals_up(current, events, now).min().unwrap_or(current),
            },
        };
        limit.max(current)
    }

    /// The lowest count that scaling in from `current` may reach at `now`; never above `current`.
    pub fn down_limit(&self, current: u32, events: &ScaleEvents, now: Time) -> u32 {
        let limit = match self {
            Self::Unlimited | Self::HpaDefault => 0,
            Self::PodsPerOperation(pods) => current.saturating_sub(*pods),
            Self::Behavior(rules) => match rules.select {
                SelectPolicy::Disabled => current,
                SelectPolicy::Max => rules.proposals_down(current, events, now).min().unwrap_or(current),
                SelectPolicy::Min => rules.proposals_down(current, events, now).max().unwrap_or(current),
            },
        };
        limit.min(current)
    }

    /// How far back it looks: the longest period of its policies; zero where it looks at no period.
    pub fn longest_period(&self) -> Duration {
        match self {
            Self::Behavior(rules) => {
                rules.policies.iter().map(|policy| policy.period).max().unwrap_or_default()
            }
            Self::Unlimited | Self::PodsPerOperation(_) | Self::HpaDefault => Duration::ZERO,
        }
    }

    /// Whether it looks at past scale events, so that they must be kept.
    pub fn looks_back(&self) -> bool {
        matches!(self, Self::Behavior(_))
    }
}

impl RatePolicies {
    fn proposals_up(&self, current: u32, events: &ScaleEvents, now: Time) -> impl Iterator<Item = u32> {
        self.policies.iter().map(move |policy| {
            let start = at_start(current, events, policy.period, now);
            let proposed = match policy.amount {
                Amount::Pods(pods) => start.saturating_add(i64::from(pods)),
                Amount::Percent(percent) => (start as f64 * (1.0 + f64::from(percent) / 100.0)).ceil() as i64,
            };
            count(proposed)
        })
    }

    fn proposals_down(&self, current: u32, events: &ScaleEvents, now: Time) -> impl Iterator<Item = u32> {
        self.policies.iter().map(move |policy| {
            let start = at_start(current, events, policy.period, now);
            let proposed = match policy.amount {
                Amount::Pods(pods) => start.saturating_sub(i64::from(pods)),
                Amount::Percent(percent) => (start as f64 * (1.0 - f64::from(percent) / 100.0)) as i64,
            };
            count(proposed)
        })
    }
}

/// Replicas when the period began, as far as the events report; may be negative where someone else scaled.
fn at_start(current: u32, events: &ScaleEvents, period: Duration, now: Time) -> i64 {
    let (added, removed) = (events.added(period, now), events.removed(period, now));
    i64::from(current) - i64::try_from(added).unwrap_or(i64::MAX) + i64::try_from(removed).unwrap_or(i64::MAX)
}

fn count(proposed: i64) -> u32 {
    u32::try_from(proposed.max(0)).unwrap_or(u32::MAX)
}
