//! A ScalingGroup becomes a plan with several members.

use std::collections::BTreeSet;

use engine::{
    Actuation, Asked, AskedTarget, Bounds, CallGraph, ConfigPath, Edge, Fault, Group, GroupBudget,
    GroupProblem, Member, Metric, MetricTarget, Plan, Policy, Problem, Role, Target, TargetType,
};
use serde_json::Value;

use super::{GroupMember, ScalingGroupSpec, rules};
use crate::common::annotations::Annotations;
use crate::common::fields::{other_namespace, own_namespace};
use crate::common::interval::Interval;
use crate::common::{metric, rule, safety};
use crate::compile::{Compiled, Context, Findings, NotCompiled, spec};

pub(super) fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let spec: ScalingGroupSpec = spec(object)?;
    let broken_rules = broken_rules(&spec);
    let mut findings = Findings::default();
    let targets = targets(object, &spec, &mut findings.problems);
    let members = compile_members(object, &spec, &targets, context, &mut findings.problems);
    let metrics = compile_metrics(object, &spec, &targets, context, &mut findings);
    let Findings { mut problems, mut warnings } = findings;
    let graph = compile_graph(&spec, &mut problems);
    let policy = spec.policy.compile("spec.policy", context.policies).map_err(|more| problems.extend(more));
    let annotations = Annotations::read(object, &mut problems);
    warnings.extend(annotations.warnings);
    let mut origins = Vec::new();
    let interval = Interval::Optional(spec.interval_seconds, super::DEFAULT_INTERVAL).compile(&mut origins);
    let policy_of_limits = policy.as_deref().ok();
    let limits = safety::limits(spec.safety.as_ref(), policy_of_limits, &mut problems, &mut origins);
    let group = graph.map(|graph| Group { graph, budget: budget(&spec) });
    if let (Ok(policy), Some(group), true) = (&policy, &group, broken_rules.is_empty()) {
        let unserved = not_served(policy.as_ref(), &members, &metrics, group).into_iter();
        let said: BTreeSet<String> = problems.iter().map(|problem| problem.path.clone()).collect();
        problems.extend(unserved.filter(|problem| !said.contains(&problem.path)));
    }
    let (Ok(policy), Some(group), true) = (policy, group, problems.is_empty() && broken_rules.is_empty())
    else {
        return Err(NotCompiled::Problems { broken_rules, others: problems });
    };
    let fallbacks: Vec<_> = spec.metrics.iter().map(|metric| metric.fallback.as_ref()).collect();
    let safeguards = safety::safeguards(spec.safety.as_ref(), metrics.len(), &fallbacks);
    let plan = Plan {
        members,
        metrics,
        policy,
        limits,
        mode: annotations.mode,
        interval,
        group: Some(group),
        actuation: Actuation::Scale,
        brakes: annotations.brakes,
        origins,
        safeguards,
        foresight: spec.forecast.as_ref().map(|forecast| forecast.compile(interval)),
    };
    Ok(Compiled { plan, warnings })
}

fn broken_rules(spec: &ScalingGroupSpec) -> Vec<Problem> {
    let mut problems = rule::problems_of_items(rules::OF_MEMBERS, &spec.members);
    problems.extend(rule::problems_of_items(rules::OF_CALLS, &spec.call_graph));
    problems.extend(rule::problems_of_items(rules::OF_METRICS, &spec.metrics));
    problems.extend(rule::problems(rules::RULES, spec));
    problems.extend(spec.safety.iter().flat_map(|safety| rule::problems(safety::RULES, safety)));
    problems
}

/// The target of each member. A rule reports one that is named twice in the same way; here it is reported
/// where one of the two leaves out the namespace, which rules do not know.
fn targets(object: &Value, spec: &ScalingGroupSpec, problems: &mut Vec<Problem>) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for (index, member) in spec.members.iter().enumerate() {
        let namespace = member.namespace.as_deref().unwrap_or(own_namespace(object));
        let target = member.target_ref.in_namespace(namespace);
        let earlier = targets.iter().position(|earlier| *earlier == target);
        let earlier = earlier.map(|earlier| &spec.members[earlier]);
        if let Some(earlier) = earlier.filter(|earlier| earlier.namespace != member.namespace) {
            problems.push(Problem::new(
                format!("spec.members[{index}].targetRef"),
                Fault::invalid(format!("{target} is already a member: {}", earlier.name())),
            ));
        }
        targets.push(target);
    }
    targets
}

fn compile_members(
    object: &Value,
    spec: &ScalingGroupSpec,
    targets: &[Target],
    context: &Context<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Member> {
    let mut members = Vec::new();
    for (index, (member, target)) in spec.members.iter().zip(targets).enumerate() {
        let path = format!("spec.members[{index}].namespace");
        let refusal = other_namespace(object, &path, &target.namespace, context);
        if context.admitting {
            problems.extend(refusal.clone());
        }
        let role = role(spec, member, refusal.map(|problem| problem.to_string()));
        // Where the bounds are none, a rule has said why.
        let bounds = Bounds::new(member.min_replicas, member.max_replicas);
        members.extend(bounds.map(|bounds| Member { target: target.clone(), bounds, role }));
    }
    members
}

/// Whether the object may act on `target`.
fn is_own(object: &Value, target: &Target, context: &Context<'_>) -> bool {
    other_namespace(object, "", &target.namespace, context).is_none()
}

fn role(spec: &ScalingGroupSpec, member: &GroupMember, refusal: Option<String>) -> Role {
    let price = spec.budget.as_ref().and_then(|budget| budget.cost_per_pod_hour);
    Role {
        name: member.name().to_owned(),
        weight: member.weight.unwrap_or(1.0),
        capacity: member.capacity,
        cost_per_pod_hour: member.cost_per_pod_hour.or(price).unwrap_or_default(),
        refusal,
    }
}

fn budget(spec: &ScalingGroupSpec) -> Option<GroupBudget> {
    let budget = spec.budget.as_ref()?;
    Some(GroupBudget { max_pods: budget.max_pods, max_cost_per_hour: budget.max_cost_per_hour })
}

fn compile_metrics(
    object: &Value,
    spec: &ScalingGroupSpec,
    targets: &[Target],
    context: &Context<'_>,
    findings: &mut Findings,
) -> Vec<Metric> {
    let mut names = BTreeSet::new();
    let mut metrics = Vec::new();
    for (index, metric) in spec.metrics.iter().enumerate() {
        let config = Value::Object(metric.config.clone());
        let place_of_metric = format!("spec.metrics[{index}]");
        let (source, settings) = (format!("{place_of_metric}.type"), format!("{place_of_metric}.config"));
        let member_path = format!("{place_of_metric}.member");
        // Where there is no member of this name, a rule has said so.
        let member = metric.member.as_ref().and_then(|name| place(spec, name));
        let target = match member.and_then(|member| targets.get(member)) {
            Some(target) if is_own(object, target, context) => AskedTarget::Of(target),
            // Else the usage of pods could be read in a namespace that is none of the object's.
            Some(_) => AskedTarget::Refused,
            None if metric.member.is_some() => AskedTarget::Refused,
            None => AskedTarget::Unnamed(&member_path),
        };
        let asked = Asked {
            source: &metric.source,
            config: &config,
            path: ConfigPath { source: &source, config: &settings, elsewhere: &[] },
            namespace: own_namespace(object),
            target,
            credentials: &[],
        };
        let query = metric::query(context, &asked, findings);
        metrics.push(Metric {
            name: metric::distinct_name(&mut names, metric.name.as_ref().unwrap_or(&metric.source), index),
            query,
            minimum: Some(0.0),
            target: metric.target_value.and_then(|value| MetricTarget::new(TargetType::AverageValue, value)),
            member,
        });
    }
    metrics
}

/// The place of the member called `name`.
fn place(spec: &ScalingGroupSpec, name: &str) -> Option<usize> {
    spec.members.iter().position(|member| member.name() == name)
}

/// The graph of the valid calls; rules report the others.
fn compile_graph(spec: &ScalingGroupSpec, problems: &mut Vec<Problem>) -> Option<CallGraph> {
    let edges = spec.call_graph.iter().filter(|call| call.from != call.to).filter_map(|call| {
        let calls_per_call = call.calls_per_call.unwrap_or(1.0);
        Some(Edge { from: place(spec, &call.from)?, to: place(spec, &call.to)?, calls_per_call })
    });
    let mut cycle = match CallGraph::new(spec.members.len(), edges.collect()) {
        Ok(graph) => return Some(graph),
        Err(cycle) => cycle,
    };
    // The same words however the calls are ordered.
    let first = cycle.iter().enumerate().min_by_key(|(_, member)| **member).map_or(0, |(place, _)| place);
    cycle.rotate_left(first);
    let mut names: Vec<&str> = cycle.iter().map(|member| spec.members[*member].name()).collect();
    names.extend(names.first().copied());
    problems.push(Problem::new(
        "spec.callGraph",
        Fault::invalid(format!("calls must not form a cycle: {}", names.join(" → "))),
    ));
    None
}

/// What keeps the policy from serving the group, each at its place in the manifest.
fn not_served(policy: &dyn Policy, members: &[Member], metrics: &[Metric], group: &Group) -> Vec<Problem> {
    let path = |problem: &GroupProblem| match problem {
        GroupProblem::NoMetric => "spec.metrics".to_owned(),
        GroupProblem::NoCapacity { member } => format!("spec.members[{member}].capacity"),
        GroupProblem::NoMember { metric, .. } => format!("spec.metrics[{metric}].member"),
        GroupProblem::NoTarget { metric } => format!("spec.metrics[{metric}].targetValue"),
    };
    let problems = policy.problems(members, metrics, group);
    problems.iter().map(|problem| Problem::new(path(problem), problem.fault())).collect()
}
