//! Services and worlds for tests.

use engine::Bounds;

use super::{Service, Slo, Span, Startup, StartupSpec, Workload};

/// A replica bears 100 a second, is ready after 30 s, and serves a request in 10 ms.
pub(crate) fn service() -> Service {
    Service {
        name: "web".to_owned(),
        capacity: 100.0,
        concurrency: 1.0,
        service_time: 0.01,
        startup: Startup::new(StartupSpec::Fixed(Span::seconds(30)), 0),
        graceful_stop: std::time::Duration::ZERO,
        drops: true,
        queue_limit: f64::INFINITY,
        cost_per_pod_hour: 1.0,
        bounds: Bounds::new(1, 20).unwrap(),
        inflow: vec![super::Inflow { column: 0, scale: 1.0, kind: super::InflowKind::Rate }],
        calls: Vec::new(),
    }
}

/// A world of one such service.
pub(crate) fn workload() -> Workload {
    Workload {
        unit: "requests".to_owned(),
        per: 1.0,
        slo: Slo::Utilization(1.0),
        variability: 1.0,
        members: vec![service()],
        order: vec![0],
        seed: 0,
        initial_replicas: None,
        contenders: super::ContenderSpec::default(),
    }
}

#[test]
fn needed_is_the_smallest_count_that_keeps_the_slo() {
    let world = workload();
    let cases = [(0.0, 0), (1.0, 1), (100.0, 1), (100.1, 2), (550.0, 6)];
    for (load, count) in cases {
        assert_eq!(world.needed(0, load), count, "{load}");
    }
    let latency = Workload { slo: Slo::Latency { seconds: 0.03, percentile: 0.95 }, ..workload() };
    for load in [1.0, 50.0, 99.0, 100.0, 350.0, 1999.0, 20_000.0] {
        let count = latency.needed(0, load);
        let keeps = |count: u32| super::latency(latency.members[0].station(count, 1.0), load, 0.95) <= 0.03;
        assert!(keeps(count) && (count == 1 || !keeps(count - 1)), "{count} for {load}");
    }
    let share = Workload { slo: Slo::Utilization(0.7), ..workload() };
    assert_eq!(share.needed(0, 210.0), 3);
}

#[test]
fn utilisation_and_latency_become_demand_by_the_replicas_of_their_day() {
    let mut world = workload();
    world.members[0].inflow =
        vec![super::Inflow { column: 0, scale: 0.01, kind: super::InflowKind::Utilization(1) }];
    assert_eq!(world.demand(0, &[60.0, 5.0]), 300.0);
    world.members[0].inflow =
        vec![super::Inflow { column: 0, scale: 1.0, kind: super::InflowKind::Latency(1) }];
    world.slo = Slo::Latency { seconds: 0.1, percentile: 0.95 };
    let seconds = super::latency(world.members[0].station(5, 1.0), 420.0, 0.95);
    assert!((world.demand(0, &[seconds, 5.0]) - 420.0).abs() < 0.01);
}
