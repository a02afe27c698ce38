//! The messages of `proto/polyscaler/policy/v1/policy.proto`, by hand, so that a build needs no `protoc`. A
//! test reads the file and holds every field against it.

use engine::Advice;
use engine::episode::{BudgetState, MemberState, MetricState, State};
use prost::Message;

use super::Asker;
use crate::values::fault::quoted;

#[derive(Clone, PartialEq, Message)]
pub(super) struct DecideRequest {
    #[prost(message, optional, tag = "1")]
    object: Option<Object>,
    #[prost(int64, tag = "2")]
    at_millis: i64,
    #[prost(double, tag = "3")]
    interval_seconds: f64,
    #[prost(message, repeated, tag = "4")]
    members: Vec<Member>,
    #[prost(message, repeated, tag = "5")]
    metrics: Vec<Metric>,
    #[prost(message, optional, tag = "6")]
    budget: Option<Budget>,
}

#[derive(Clone, PartialEq, Message)]
struct Object {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    namespace: String,
    #[prost(string, tag = "3")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Member {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, optional, tag = "2")]
    replicas: Option<u32>,
    #[prost(uint32, optional, tag = "3")]
    ready: Option<u32>,
    #[prost(uint32, tag = "4")]
    min: u32,
    #[prost(uint32, tag = "5")]
    max: u32,
    #[prost(double, tag = "6")]
    weight: f64,
    #[prost(double, optional, tag = "7")]
    capacity: Option<f64>,
    #[prost(double, optional, tag = "8")]
    demand: Option<f64>,
    #[prost(double, optional, tag = "9")]
    load: Option<f64>,
    #[prost(uint32, optional, tag = "10")]
    need: Option<u32>,
    #[prost(double, tag = "11")]
    cost_per_pod_hour: f64,
}

#[derive(Clone, PartialEq, Message)]
struct Metric {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    member: String,
    #[prost(double, optional, tag = "3")]
    value: Option<f64>,
    #[prost(double, optional, tag = "4")]
    target: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct Budget {
    #[prost(uint32, optional, tag = "1")]
    max_pods: Option<u32>,
    #[prost(double, optional, tag = "2")]
    max_cost_per_hour: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct DecideResponse {
    #[prost(message, repeated, tag = "1")]
    recommendations: Vec<Recommendation>,
    #[prost(string, tag = "2")]
    reason: String,
}

#[derive(Clone, PartialEq, Message)]
struct Recommendation {
    #[prost(string, tag = "1")]
    member: String,
    #[prost(int32, tag = "2")]
    replicas: i32,
}

impl DecideRequest {
    /// The question of `asker` in `state`.
    pub(super) fn of(asker: Asker<'_>, state: &State) -> Self {
        // Without `..`, so that whatever is added to the state is not forgotten here.
        let State { at, interval_seconds, members, metrics, budget } = state;
        let Asker { kind, namespace, name } = asker;
        Self {
            object: Some(Object { kind: kind.into(), namespace: namespace.into(), name: name.into() }),
            at_millis: at.as_millis(),
            interval_seconds: *interval_seconds,
            members: members.iter().map(Member::of).collect(),
            metrics: metrics.iter().map(Metric::of).collect(),
            budget: budget
                .as_ref()
                .map(|&BudgetState { max_pods, max_cost_per_hour }| Budget { max_pods, max_cost_per_hour }),
        }
    }
}

impl Member {
    fn of(state: &MemberState) -> Self {
        let &MemberState {
            ref name,
            replicas,
            ready,
            min,
            max,
            weight,
            capacity,
            demand,
            load,
            need,
            cost_per_pod_hour,
        } = state;
        let name = name.clone();
        Self { name, replicas, ready, min, max, weight, capacity, demand, load, need, cost_per_pod_hour }
    }
}

impl Metric {
    fn of(state: &MetricState) -> Self {
        let &MetricState { ref name, ref member, value, target } = state;
        Self { name: name.clone(), member: member.clone().unwrap_or_default(), value, target }
    }
}

impl DecideResponse {
    /// The advice for the members of `state`, or what is wrong with the answer.
    pub(super) fn advice(self, state: &State) -> Result<Advice, String> {
        let mut replicas = vec![None; state.members.len()];
        for recommendation in self.recommendations {
            let name = quoted(&recommendation.member);
            let place = state.members.iter().position(|member| member.name == recommendation.member);
            let place = place
                .ok_or_else(|| format!("its response names {name}, which is not a member of the group"))?;
            let count = u32::try_from(recommendation.replicas);
            let count = count.map_err(|_| {
                format!("its response recommends {} replicas for {name}", recommendation.replicas)
            })?;
            if replicas[place].replace(count).is_some() {
                return Err(format!("its response names the member {name} twice"));
            }
        }
        if replicas.iter().all(Option::is_none) {
            return Err(
                "its response names no member; also name members that are to keep their replicas".to_owned()
            );
        }
        Ok(Advice { replicas, reason: self.reason })
    }
}

#[cfg(test)]
mod tests;
