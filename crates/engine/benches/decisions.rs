//! How many decisions one core makes in a second: plans as a GeneralScaler makes them, readings
//! that move, memories that fill. Prints one line of figures a plan.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::policy::{CostPolicy, Slo};
use engine::{
    Bounds, Budget, Member, Memory, Metric, MetricTarget, Mode, Observation, Plan, Policy, Query, Reading,
    Safety, Scale, Target, TargetType, Time, decide,
};

const DECISIONS: u32 = 400_000;

fn plan(metrics: usize, policy: Arc<dyn Policy>, safety: Safety) -> Plan {
    let metric = |index: usize| Metric {
        name: format!("metric-{index}"),
        query: Query {
            source: "prometheus".to_owned(),
            namespace: "shop".to_owned(),
            config: serde_json::json!({ "query": "sum(rate(http_requests_total[5m]))" }),
            target: None,
        },
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
        safety,
        mode: Mode::Act,
        interval: Duration::from_secs(15),
        group: None,
    }
}

/// Decisions a second over a load that goes up and down, each carried out.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn rate(plan: &Plan) -> f64 {
    let (mut memory, mut replicas) = (Memory::default(), 2);
    let begun = Instant::now();
    for step in 0..DECISIONS {
        let now = Time::from_seconds(1_700_000_000 + 15 * i64::from(step));
        let load = 2500.0 * (1.0 + (f64::from(step) / 40.0).sin());
        let observation = Observation {
            scales: vec![Some(Scale { replicas, status_replicas: replicas, ready: Some(replicas) })],
            readings: (0..plan.metrics.len())
                .map(|index| Reading::of(load / (index + 1) as f64, now))
                .collect(),
            advice: None,
        };
        let decision = black_box(decide(plan, &mut memory, &observation, now));
        if decision.scales() {
            memory.applied(&decision, now);
            replicas = decision.members[0].to;
        }
    }
    f64::from(DECISIONS) / begun.elapsed().as_secs_f64()
}

fn main() {
    let safety = Safety {
        cooldown: Duration::from_secs(60),
        max_scale_up: Some(3),
        max_scale_down: Some(1),
        scale_down_stabilization: Duration::from_secs(300),
        ..Safety::default()
    };
    let slo = || Arc::new(Slo::default()) as Arc<dyn Policy>;
    let cost = Arc::new(CostPolicy::new(Slo::default(), Budget::new(0.1, 3.0).unwrap()));
    let cases = [
        ("slo, one metric", plan(1, slo(), Safety::default())),
        ("slo, one metric, all safety", plan(1, slo(), safety.clone())),
        ("cost, three metrics, all safety", plan(3, cost, safety)),
    ];
    for (name, plan) in cases {
        println!("decisions per second and core: {:>9.0}  ({name})", rate(&plan));
    }
}
