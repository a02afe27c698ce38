//! A group for unit tests: members, metrics and calls by their names.

use std::sync::Arc;
use std::time::Duration;

use crate::{
    AbsenceReason, Actuation, Bounds, Brakes, CallGraph, Edge, Group, GroupBudget, Limits, Member, Metric,
    MetricTarget, Mode, Observation, Plan, Policy, Query, Reading, Safeguards, Scale, Target, TargetType,
    Time, View,
};

/// A group and what is seen of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shop {
    pub(crate) members: Vec<Member>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) group: Group,
    pub(crate) scales: Vec<Option<Scale>>,
    pub(crate) values: Vec<Option<f64>>,
}

pub(crate) fn scale(replicas: u32) -> Scale {
    Scale { replicas, status_replicas: replicas, ready: Some(replicas) }
}

impl Shop {
    /// A member with one replica, all of it ready, and 1 to 100 allowed.
    pub(crate) fn member(mut self, name: &str, capacity: Option<f64>) -> Self {
        let target = Target {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        };
        let mut member = Member::single(target, Bounds::new(1, 100).expect("ordered"));
        member.role.capacity = capacity;
        self.members.push(member);
        self.scales.push(Some(scale(1)));
        self
    }

    /// The last member so.
    pub(crate) fn bounds(mut self, min: u32, max: u32) -> Self {
        self.members.last_mut().expect("a member").bounds = Bounds::new(min, max).expect("ordered");
        self
    }

    /// The last member so.
    pub(crate) fn weight(mut self, weight: f64) -> Self {
        self.members.last_mut().expect("a member").role.weight = weight;
        self
    }

    /// The last member so.
    pub(crate) fn cost(mut self, cost: f64) -> Self {
        self.members.last_mut().expect("a member").role.cost_per_pod_hour = cost;
        self
    }

    /// The last member so, all of it ready.
    pub(crate) fn replicas(mut self, replicas: u32) -> Self {
        *self.scales.last_mut().expect("a member") = Some(scale(replicas));
        self
    }

    /// The last member was not found.
    pub(crate) fn missing(mut self) -> Self {
        *self.scales.last_mut().expect("a member") = None;
        self
    }

    /// The last member must be left alone.
    pub(crate) fn refused(mut self) -> Self {
        self.members.last_mut().expect("a member").role.refusal = Some("elsewhere".to_owned());
        self
    }

    pub(crate) fn call(mut self, from: &str, to: &str, calls_per_call: f64) -> Self {
        let edge = Edge { from: self.place(from), to: self.place(to), calls_per_call };
        let mut edges = self.group.graph.edges().to_vec();
        edges.push(edge);
        self.group.graph = CallGraph::new(self.members.len(), edges).expect("no cycle");
        self
    }

    pub(crate) fn metric(
        mut self,
        name: &str,
        member: Option<&str>,
        target: Option<f64>,
        value: Option<f64>,
    ) -> Self {
        let query = Query::new("http", "", ());
        let target = target.and_then(|target| MetricTarget::new(TargetType::AverageValue, target));
        let member = member.map(|member| self.place(member));
        self.metrics.push(Metric { name: name.to_owned(), query, minimum: Some(0.0), target, member });
        self.values.push(value);
        self
    }

    pub(crate) fn budget(mut self, max_pods: Option<u32>, max_cost_per_hour: Option<f64>) -> Self {
        self.group.budget = Some(GroupBudget { max_pods, max_cost_per_hour });
        self
    }

    pub(crate) fn place(&self, name: &str) -> usize {
        self.members.iter().position(|member| member.role.name == name).expect("a member of that name")
    }

    pub(crate) fn view(&self) -> View<'_> {
        View {
            members: &self.members,
            metrics: &self.metrics,
            scales: &self.scales,
            values: &self.values,
            group: Some(&self.group),
            ..View::default()
        }
    }

    pub(crate) fn plan(&self, policy: impl Policy + 'static, limits: Limits) -> Plan {
        Plan {
            members: self.members.clone(),
            metrics: self.metrics.clone(),
            policy: Arc::new(policy),
            limits,
            mode: Mode::Act,
            interval: Duration::from_secs(15),
            group: Some(self.group.clone()),
            actuation: Actuation::Scale,
            brakes: Brakes::default(),
            safeguards: Safeguards::default(),
            origins: Vec::new(),
            foresight: None,
        }
    }

    pub(crate) fn observation(&self) -> Observation {
        let reading = |value: &Option<f64>| match value {
            Some(value) => Reading::of(*value, Time::default()),
            None => Reading::absent(AbsenceReason::Timeout, "no response"),
        };
        Observation {
            scales: self.scales.clone(),
            readings: self.values.iter().map(reading).collect(),
            ..Observation::default()
        }
    }
}
