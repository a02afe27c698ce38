//! A ScalingGroup becomes a plan with several members.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{
    Bounds, CallGraph, ConfigPath, Edge, Group, GroupBudget, Member, Metric, MetricTarget, Plan, Problem,
    Role, TargetType,
};
use serde_json::Value;

use super::{ScalingGroupSpec, rules};
use crate::common::fields::{SafetySpec, mode, other_namespace};
use crate::common::{metric, rule};
use crate::kind::{Context, NotCompiled, spec};

pub(super) fn compile(object: &Value, context: &Context<'_>) -> Result<Plan, NotCompiled> {
    let spec: ScalingGroupSpec = spec(object)?;
    let broken_rules = rule::problems(rules::RULES, &spec);
    let mut problems = Vec::new();
    let members = compile_members(object, &spec, context, &mut problems);
    let metrics = compile_metrics(object, &spec, &members, context, &mut problems);
    let graph = compile_graph(&spec, &mut problems);
    let policy = spec.policy.compile("spec.policy").map_err(|more| problems.extend(more));
    let mode = mode(object).unwrap_or_else(|problem| {
        problems.push(problem);
        engine::Mode::Observe
    });
    let (Ok(policy), Some(graph), true) = (policy, graph, problems.is_empty() && broken_rules.is_empty())
    else {
        return Err(NotCompiled::Problems { broken_rules, others: problems });
    };
    let budget = spec
        .budget
        .as_ref()
        .map(|budget| GroupBudget { max_pods: budget.max_pods, max_cost_per_hour: budget.max_cost_per_hour });
    Ok(Plan {
        members,
        metrics,
        policy,
        safety: spec.safety.as_ref().map(SafetySpec::compile).unwrap_or_default(),
        mode,
        interval: Duration::from_secs(u64::from(spec.interval_seconds)),
        group: Some(Group { graph, budget }),
    })
}

fn own_namespace(object: &Value) -> &str {
    object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default")
}

fn compile_members(
    object: &Value,
    spec: &ScalingGroupSpec,
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Member> {
    let mut names = BTreeSet::new();
    let mut targets = BTreeSet::new();
    let free = spec.budget.as_ref().and_then(|budget| budget.cost_per_pod_hour).unwrap_or_default();
    let mut members = Vec::new();
    for (index, member) in spec.members.iter().enumerate() {
        let place = format!("spec.members[{index}]");
        if !names.insert(member.name()) {
            problems
                .push(Problem::new(format!("{place}.name"), format!("Duplicate value: {:?}", member.name())));
        }
        let namespace = member.namespace.as_deref().unwrap_or(own_namespace(object));
        let target = member.target_ref.in_namespace(namespace);
        if !targets.insert(target.clone()) {
            problems.push(Problem::new(
                format!("{place}.targetRef"),
                format!("Duplicate value: {:?}: a target can be a member once", target.short_name()),
            ));
        }
        let foreign = other_namespace(object, &format!("{place}.namespace"), namespace, context);
        if context.admitting {
            problems.extend(foreign.clone());
        }
        let role = Role {
            name: member.name().to_owned(),
            weight: member.weight.unwrap_or(1.0),
            capacity: member.capacity,
            cost_per_pod_hour: member.cost_per_pod_hour.unwrap_or(free),
            refusal: foreign.map(|problem| problem.to_string()),
        };
        // Where the bounds are none, a rule has said why.
        let bounds = Bounds::new(member.min_replicas, member.max_replicas);
        members.extend(bounds.map(|bounds| Member { target, bounds, role }));
    }
    members
}

fn compile_metrics(
    object: &Value,
    spec: &ScalingGroupSpec,
    members: &[Member],
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Metric> {
    let mut names = BTreeSet::new();
    let mut metrics = Vec::new();
    for (index, metric) in spec.metrics.iter().enumerate() {
        let place = format!("spec.metrics[{index}]");
        let (source, settings) = (format!("{place}.type"), format!("{place}.config"));
        let path = ConfigPath { source: &source, config: &settings, elsewhere: &[] };
        let config = Value::Object(metric.config.clone());
        problems.extend(context.catalog.validate(&metric.source, &config, &path));
        let member = metric.member.as_ref().and_then(|name| {
            let found = spec.members.iter().position(|member| member.name() == name);
            if found.is_none() {
                problems.push(unknown_member(&format!("{place}.member"), name));
            }
            found
        });
        let wants_target = context.catalog.wants_target(&metric.source);
        if wants_target && metric.member.is_none() {
            problems.push(Problem::new(
                format!("{place}.member"),
                format!(
                    "Required value: {} is measured at a target, so the metric needs a member",
                    metric.source
                ),
            ));
        }
        let mut name = metric.name.as_ref().unwrap_or(&metric.source).clone();
        // Names are keys in the status: two equal ones would have it refused.
        while !names.insert(name.clone()) {
            name = format!("{name}[{index}]");
        }
        let Some(at) = members.get(member.unwrap_or_default()) else { continue };
        metrics.push(Metric {
            name,
            query: metric::query(context, &metric.source, own_namespace(object), config, &at.target),
            minimum: Some(0.0),
            target: metric.target_value.and_then(|value| MetricTarget::new(TargetType::AverageValue, value)),
            member,
        });
    }
    metrics
}

fn unknown_member(path: &str, name: &str) -> Problem {
    Problem::new(path, format!("Not found: {name:?}: must be the name of a member"))
}

fn compile_graph(spec: &ScalingGroupSpec, problems: &mut Vec<Problem>) -> Option<CallGraph> {
    let place = |name: &str| spec.members.iter().position(|member| member.name() == name);
    let before = problems.len();
    let mut edges = Vec::new();
    for (index, call) in spec.call_graph.iter().enumerate() {
        let (from, to) = (place(&call.from), place(&call.to));
        for (field, name, found) in [("from", &call.from, from), ("to", &call.to, to)] {
            if found.is_none() {
                problems.push(unknown_member(&format!("spec.callGraph[{index}].{field}"), name));
            }
        }
        if let (Some(from), Some(to)) = (from, to) {
            edges.push(Edge { from, to, calls_per_call: call.calls_per_call.unwrap_or(1.0) });
        }
    }
    if problems.len() > before {
        return None;
    }
    let graph = CallGraph::new(spec.members.len(), edges);
    let name = |member: &usize| spec.members[*member].name().to_owned();
    graph
        .map_err(|cycle| {
            let mut names: Vec<String> = cycle.iter().map(name).collect();
            names.extend(names.first().cloned());
            problems.push(Problem::new(
                "spec.callGraph",
                format!("Invalid value: {} is a cycle", names.join(" → ")),
            ));
        })
        .ok()
}
