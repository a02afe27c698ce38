use std::time::Duration;

use super::*;
use crate::activation::{Cause, StandIn};
use crate::{
    Absence, AbsenceReason, Basis, ForecastModel, GroupBudget, NoForecast, Pause, Proportion, Time, Total,
};

#[test]
fn each_step_is_one_phrase() {
    let absent = AbsentMetric {
        metric: "users".to_owned(),
        absence: Absence { reason: AbsenceReason::Timeout, message: "no response in 5 s".to_owned() },
    };
    let cases = [
        (
            Step::Policy {
                policy: "slo",
                from: 4,
                to: 7,
                basis: Basis::Ratio { metric: None, value: 700.0, target: 100.0, by: Proportion::Shared },
            },
            "slo 4→7 (700/100)",
        ),
        (
            Step::Policy {
                policy: "linear",
                from: 4,
                to: 4,
                basis: Basis::Range { value: 2000.0, low: 1000.0, high: 5000.0 },
            },
            "linear 4 (2000 in 1000..5000)",
        ),
        (
            Step::Switch {
                policy: "activation",
                from: 0,
                to: 1,
                basis: Basis::Activity(Cause::Above {
                    metric: "s0-prometheus".into(),
                    value: 30.0,
                    activation: 0.0,
                    more: 2,
                }),
            },
            "activation 0→1 (s0-prometheus 30 > 0 and 2 more)",
        ),
        (
            Step::StandIn(StandIn { metric: "s0-prometheus".to_owned(), replicas: Some(5) }),
            "fallback s0-prometheus (5 replicas in its place)",
        ),
        (Step::Rate { from: 7, to: 6, limit: RateLimit::Pods(2) }, "rate 7→6 (+2 at most)"),
        (Step::Rate { from: 2, to: 5, limit: RateLimit::Pods(1) }, "rate 2→5 (-1 at most)"),
        (Step::Rate { from: 9, to: 6, limit: RateLimit::Behavior }, "rate 9→6 (behavior allows 6)"),
        (Step::Rate { from: 9, to: 6, limit: RateLimit::Disabled }, "rate 9→6 (disabled by behavior)"),
        (
            Step::Rate { from: 9, to: 6, limit: RateLimit::HpaDefault },
            "rate 9→6 (twice the replicas, or 4, at most)",
        ),
        (Step::Disabled { min: 2 }, "disabled 0 (replicas set to 0 while minReplicas is 2)"),
        (
            Step::Held { from: 9, to: 6, invariant: "within_bounds" },
            "held 9→6 (it would violate within_bounds)",
        ),
        (
            Step::Cooldown { from: 6, to: 4, left: Duration::from_millis(119_001) },
            "cooldown 6→4 (120 s left)",
        ),
        (
            Step::Cost { from: 6, to: 5, cost_per_hour: 0.5, max_cost_per_hour: 0.5 },
            "cost 6→5 (0.50/h of 0.50/h)",
        ),
        (
            Step::Budget {
                from: 9,
                to: 6,
                total: Total { pods: 24, cost_per_hour: 2.4 },
                budget: GroupBudget { max_pods: Some(24), max_cost_per_hour: Some(3.0) },
            },
            "budget 9→6 (24 of 24 pods, 2.40/h of 3.00/h)",
        ),
        (Step::Bounds { from: 12, to: 10 }, "bounds 12→10 (10 at most)"),
        (Step::Bounds { from: 0, to: 2 }, "bounds 0→2 (2 at least)"),
        (Step::Paused { from: 7, to: 4, pause: Pause::Everything }, "paused 7→4 (scaling is paused)"),
        (Step::Paused { from: 3, to: 3, pause: Pause::At(3) }, "paused 3 (scaling is paused at 3 replicas)"),
        (Step::Paused { from: 2, to: 4, pause: Pause::ScaleIn }, "paused 2→4 (scale-in is paused)"),
        (Step::NoScaleIn { from: 2, to: 5 }, "no scale-in 2→5 (metric unavailable)"),
        (
            Step::Forecast {
                from: 4,
                to: 7,
                metric: "requests".to_owned(),
                expected: Expected {
                    now: 390.0,
                    load: 700.0,
                    at: Time::from_seconds(75),
                    model: ForecastModel::Seasonal,
                    error: 0.041,
                },
                ahead: Duration::from_secs(75),
            },
            "forecast 4→7 (requests 700 in 75 s by season and trend, recent error 4.1 %)",
        ),
        (
            Step::NoForecast { metric: "requests".to_owned(), why: NoForecast::TooWrong { error: 0.4 } },
            "no forecast requests (its recent error is too large: 40 % of the load)",
        ),
        (Step::Absent(absent), "absent users (no response in 5 s)"),
        (
            Step::Stabilization { from: 2, to: 5, window: Duration::from_secs(300) },
            "stabilization 2→5 (300 s window)",
        ),
    ];
    for (step, text) in cases {
        assert_eq!(step.to_string(), text);
    }
}
