//! What a learned policy sees, does and is judged by: states, acts and rewards of a group.
//!
//! Pure values. Whoever asks an adviser or records episodes carries them; they print as JSON with the
//! names below in camel case. A field that is not known is absent, never 0.
//!
//! **State space** ([`State`]): one vector for each member, in the order of the manifest, and what the
//! group has in common.
//!
//! | field of a member | unit | range |
//! |---|---|---|
//! | `replicas` | pods asked for | 0 and up; absent if the target was not found or is left alone |
//! | `ready` | ready pods | 0 and up; absent if `replicas` is |
//! | `min`, `max` | pods | `min` ≤ `max` |
//! | `weight` | a share | above 0 |
//! | `capacity` | demand that one pod can handle | above 0; absent if unknown |
//! | `demand` | as `capacity` | 0 and up; absent if it is not completely known |
//! | `load` | 1 is full | 0 and up; absent where demand or capacity is not known, and while no pod serves |
//! | `need` | pods that bear the demand | 0 and up; absent if unknown |
//! | `costPerPodHour` | money | 0 and up |
//!
//! Demand, load and need are those of [`coordination`], with demand carried along the call graph and
//! need at full use of each pod. The group has `at` (RFC 3339), `intervalSeconds` (1 and up) until the next
//! decision, its `metrics` with value and target, and its `budget`.
//!
//! **Action space** ([`Act`]): for each member by its name a count of pods, from `min` to `max`. A member that is not
//! named stays as it is. Counts outside are taken to the nearest bound, and safety and budget hold them back
//! as they do for every policy.
//!
//! **Reward** ([`reward`]): that of a decision is known at the next one, from the state then.
//!
//! ```text
//!  n           = need, limited to min..max
//!  shortage    = max(0, n - ready) / n                 0 to 1; 0 if n is 0
//!  surplus     = max(0, replicas - n) / replicas       0 to 1; 0 if replicas is 0
//!  reward      = - mean over members of (SHORTAGE_WEIGHT × shortage + surplus)
//! ```
//!
//! The mean is over the members that were found and whose need is known; without any there is no reward.
//! 0 is the best, and the worst is `-(SHORTAGE_WEIGHT + 1)`, where pods are asked for and do not serve.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::coordination::{capacity, demands, loads, needs};
use crate::decide::Known;
use crate::{Decision, Observation, Plan, Time, View};

/// How many idle pods are as bad as the same share of missing ones.
pub const SHORTAGE_WEIGHT: f64 = 4.0;

/// A group as a learned policy sees it before it decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// The instant.
    pub at: Time,
    /// Seconds until the next decision; 1 and up.
    pub interval_seconds: f64,
    /// Every member, in the plan's order.
    pub members: Vec<MemberState>,
    /// Every metric, in the plan's order.
    pub metrics: Vec<MetricState>,
    /// What all members together may come to, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetState>,
}

/// One member of a [`State`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MemberState {
    /// Its name in the group.
    pub name: String,
    /// Pods asked for; `None` where its target was not found or must be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Pods that serve; `None` where `replicas` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<u32>,
    /// Minimum number of pods.
    pub min: u32,
    /// Maximum number of pods; not below `min`.
    pub max: u32,
    /// Its share where counts are spread; above 0.
    pub weight: f64,
    /// The demand that one pod can handle; above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// Its demand, in the unit of its capacity; 0 and up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<f64>,
    /// Demand over what the serving pods bear; 0 and up, 1 is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Pods that bear the demand, whatever the bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<u32>,
    /// What one pod costs in an hour; 0 and up.
    pub cost_per_pod_hour: f64,
}

/// One metric of a [`State`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricState {
    /// Its name in the plan.
    pub name: String,
    /// Name of the member at which it is measured; `None` where it is of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Its value, in its own unit; `None` where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The value a pod, where there is a target; above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
}

/// The budget of a [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BudgetState {
    /// The most pods of all members together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pods: Option<u32>,
    /// The most that they cost in an hour; 0 and up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_per_hour: Option<f64>,
}

impl State {
    /// What is to be seen of `plan` at `now`.
    pub fn of(plan: &Plan, observation: &Observation, now: Time) -> Self {
        let plan = &*plan.at(now);
        let values = Known::of(plan, observation, now).values;
        let view = plan.view(&observation.scales, &values, now);
        let budget = plan.group.as_ref().and_then(|group| group.budget);
        Self {
            at: now,
            interval_seconds: plan.interval.as_secs_f64(),
            members: members(&view),
            metrics: metrics(&view),
            budget: budget.map(|budget| BudgetState {
                max_pods: budget.max_pods,
                max_cost_per_hour: budget.max_cost_per_hour,
            }),
        }
    }
}

fn members(view: &View<'_>) -> Vec<MemberState> {
    let (demands, loads, needs) = (demands(view), loads(view), needs(view, 1.0));
    let member = |(place, need): (usize, Option<crate::coordination::Need>)| {
        let member = &view.members[place];
        let scale = view.scale(place).filter(|_| !view.is_left_alone(place));
        MemberState {
            name: member.role.name.clone(),
            replicas: scale.map(|scale| scale.replicas),
            ready: scale.map(|scale| scale.serving()),
            min: member.bounds.min(),
            max: member.bounds.max(),
            weight: member.role.weight,
            capacity: capacity(view, place),
            demand: demands[place],
            load: loads[place].filter(|_| scale.is_some()),
            need: need.filter(|need| need.is_whole).map(|need| need.replicas),
            cost_per_pod_hour: member.role.cost_per_pod_hour,
        }
    };
    needs.into_iter().enumerate().map(member).collect()
}

fn metrics(view: &View<'_>) -> Vec<MetricState> {
    let state = |(index, metric): (usize, &crate::Metric)| MetricState {
        name: metric.name.clone(),
        member: metric.member.map(|member| view.members[member].role.name.clone()),
        value: view.value(index),
        target: metric.target.map(crate::MetricTarget::value),
    };
    view.metrics.iter().enumerate().map(state).collect()
}

/// What a policy does: pods for each member, by its name in the group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Act {
    /// Pods to ask for; a member that is not named stays as it is.
    pub replicas: BTreeMap<String, u32>,
}

impl Act {
    /// What `decision` asks of each member of `plan`, after all that held it back.
    pub fn of(plan: &Plan, decision: &Decision) -> Self {
        let name = |member: usize| plan.members[member].role.name.clone();
        let replicas = decision.members.iter().map(|decided| (name(decided.member), decided.to));
        Self { replicas: replicas.collect() }
    }
}

/// The reward of the decision before `after`, from 0 down to `-(SHORTAGE_WEIGHT + 1)`; `None` where no
/// member was found whose need is known. The formula is at the top of this module.
pub fn reward(after: &State) -> Option<f64> {
    let losses: Vec<f64> = after.members.iter().filter_map(loss).collect();
    (!losses.is_empty()).then(|| -losses.iter().sum::<f64>() / losses.len() as f64)
}

fn loss(member: &MemberState) -> Option<f64> {
    let need = member.need?.max(member.min).min(member.max);
    let (replicas, ready) = (member.replicas?, member.ready?);
    let share = |part: u32, whole: u32| if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) };
    let shortage = share(need.saturating_sub(ready), need);
    let surplus = share(replicas.saturating_sub(need), replicas);
    Some(SHORTAGE_WEIGHT * shortage + surplus)
}

#[cfg(test)]
mod tests;
