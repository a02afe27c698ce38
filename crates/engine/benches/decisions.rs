//! How many decisions one core makes in a second: plans as a GeneralScaler makes them, readings
//! that move, memories that fill. Prints one line of figures a plan.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::activation::{Activation, Trigger};
use engine::hpa::{Hpa, HpaSpec};
use engine::policy::{Bottleneck, CostPolicy, Slo};
use engine::{
    Actuation, Bounds, Brakes, Budget, CallGraph, Edge, Group, GroupBudget, Limits, Member, Memory, Metric,
    MetricTarget, Mode, Observation, Plan, Policy, Query, Reading, Safeguards, Scale, Target, TargetType,
    Time, cycle,
};

const DECISIONS: u32 = 400_000;

fn plan(metrics: usize, policy: Arc<dyn Policy>, limits: Limits) -> Plan {
    let metric = |index: usize| Metric {
        name: format!("metric-{index}"),
        query: Query::new("prometheus", "sum(rate(http_requests_total[5m]))", ()),
        minimum: Some(0.0),
        target: MetricTarget::new(TargetType::AverageValue, 100.0),
        member: None,
    };
    Plan {
        members: vec![Member::single(
            Target {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: "shop".to_owned(),
                name: "web".to_owned(),
            },
            Bounds::new(2, 50).unwrap(),
        )],
        metrics: (0..metrics).map(metric).collect(),
        policy,
        limits,
        mode: Mode::Act,
        interval: Duration::from_secs(15),
        group: None,
        actuation: Actuation::Scale,
        brakes: Brakes::default(),
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
    }
}

/// The seven services of a shop behind one metric, within a budget that the load goes beyond at times.
fn shop(limits: Limits) -> Plan {
    let names = ["webui", "auth", "image", "recommender", "persistence", "db", "registry"];
    let single = plan(1, Arc::new(Bottleneck::default()), limits);
    let member = |name: &&str| {
        let target = Target { name: (*name).to_owned(), ..single.members[0].target.clone() };
        let mut member = Member::single(target, single.members[0].bounds);
        member.role.capacity = Some(150.0);
        member.role.cost_per_pod_hour = 0.1;
        member
    };
    let calls = [
        (0, 1, 1.0),
        (0, 2, 0.5),
        (0, 3, 0.2),
        (0, 4, 1.0),
        (1, 4, 1.0),
        (2, 4, 0.5),
        (3, 4, 2.0),
        (4, 5, 1.0),
    ];
    let register = (0..6).map(|from| (from, 6, 0.01));
    let edges =
        calls.into_iter().chain(register).map(|(from, to, calls_per_call)| Edge { from, to, calls_per_call });
    let graph = CallGraph::new(names.len(), edges.collect()).unwrap();
    let budget = Some(GroupBudget { max_pods: Some(200), max_cost_per_hour: Some(15.0) });
    Plan { members: names.iter().map(member).collect(), group: Some(Group { graph, budget }), ..single }
}

/// A ScaledObject with one trigger: beside an HPA, or in direct mode.
fn scaled_object(direct: bool) -> Plan {
    let trigger = Trigger {
        name: None,
        scaler: "".into(),
        metric: "s0-prometheus".into(),
        activation: 50.0,
        target: MetricTarget::new(TargetType::AverageValue, 100.0).unwrap(),
        is_open: false,
    };
    let hpa = Hpa::compile(&HpaSpec { max_replicas: 50, ..HpaSpec::default() }, "spec").unwrap();
    let limits = if direct { hpa.limits.clone() } else { Limits::default() };
    let activation = Activation {
        triggers: vec![trigger],
        only_pods: false,
        min: 0,
        max: 50,
        idle: None,
        cooldown: Duration::from_secs(300),
        initial_cooldown: Duration::ZERO,
        created: Time::default(),
        forced: false,
        fallback: None,
        composite: None,
        freshness: None,
        direct: direct.then(|| Box::new(Hpa { metrics: vec![], ..hpa })),
    };
    let mut plan = plan(1, Arc::new(activation), limits);
    plan.members[0].bounds = Bounds::new(0, if direct { 50 } else { i32::MAX as u32 }).unwrap();
    plan
}

/// Decisions a second over a load that goes up and down, each carried out.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn rate(plan: &Plan) -> f64 {
    let (mut memory, mut replicas) = (Memory::default(), vec![2; plan.members.len()]);
    let scale =
        |replicas: &u32| Scale { replicas: *replicas, status_replicas: *replicas, ready: Some(*replicas) };
    let begun = Instant::now();
    for step in 0..DECISIONS {
        let now = Time::from_seconds(1_700_000_000 + 15 * i64::from(step));
        let load = 2500.0 * (1.0 + (f64::from(step) / 40.0).sin());
        let observation = Observation {
            scales: replicas.iter().map(|replicas| Some(scale(replicas))).collect(),
            readings: (0..plan.metrics.len())
                .map(|index| Reading::of(load / (index + 1) as f64, now))
                .collect(),
            ..Observation::default()
        };
        let next = cycle::next_decision(plan, &mut memory, &observation, &[], now);
        let decision = black_box(next.decision);
        if decision.scales() {
            memory.applied(plan, &decision, now);
            replicas = decision.members.iter().map(|member| member.to).collect();
        }
    }
    f64::from(DECISIONS) / begun.elapsed().as_secs_f64()
}

fn main() {
    let limits = Limits::default()
        .with_windows(Duration::ZERO, Duration::from_secs(300))
        .with_pods_per_operation(Some(3), Some(1))
        .with_cooldown(Duration::from_secs(60));
    let slo = || Arc::new(Slo::default()) as Arc<dyn Policy>;
    let cost = Arc::new(CostPolicy::new(Slo::default(), Budget::new(0.1, 3.0).unwrap()));
    let cases = [
        ("slo, one metric", plan(1, slo(), Limits::default())),
        ("slo, one metric, all safety", plan(1, slo(), limits.clone())),
        ("cost, three metrics, all safety", plan(3, cost, limits.clone())),
        ("bottleneck, group of seven, budget", shop(Limits::default())),
        ("bottleneck, group of seven, budget, all safety", shop(limits)),
        ("activation, one trigger, beside an HPA", scaled_object(false)),
        ("activation, one trigger, direct", scaled_object(true)),
    ];
    // Arguments that are not cargo's own choose the cases whose names contain one of them.
    let chosen: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_chosen = |name: &str| chosen.is_empty() || chosen.iter().any(|part| name.contains(part.as_str()));
    for (name, plan) in cases.into_iter().filter(|(name, _)| is_chosen(name)) {
        println!("decisions per second and core: {:>9.0}  ({name})", rate(&plan));
    }
}
