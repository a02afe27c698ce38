//! Decisions by what pods use, with the numbers of what users reported.

use std::sync::Arc;
use std::time::Duration;

use crate::pod_metric::fixture::{NOW, percent_of_cpu, pod, pods};
use crate::pod_metric::{PodMeasure, PodResource};
use crate::policy::{Linear, Slo};
use crate::{
    AbsenceReason, Actuation, Bounds, Brakes, Limits, Member, MemberDecision, Memory, Metric, MetricTarget,
    Mode, Observation, Plan, PodSample, Policy, Query, Reading, Safeguards, Scale, Target, TargetType,
    decide,
};

fn plan(policy: impl Policy + 'static) -> Plan {
    let [api_version, kind, namespace, name] = ["apps/v1", "Deployment", "shop", "web"].map(str::to_owned);
    let target = Target { api_version, kind, namespace, name };
    let query = Query::new("cpu", "", ());
    let metric = Metric {
        name: "cpu".to_owned(),
        query,
        minimum: Some(0.0),
        target: MetricTarget::new(TargetType::AverageValue, 80.0),
        member: None,
    };
    Plan {
        members: vec![Member::single(target, Bounds::new(1, 60).unwrap())],
        metrics: vec![metric],
        policy: Arc::new(policy),
        limits: Limits::default(),
        actuation: Actuation::Scale,
        brakes: Brakes::default(),
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
        mode: Mode::Act,
        interval: Duration::from_secs(15),
        group: None,
    }
}

fn decided(plan: &Plan, measure: PodMeasure, pods: Vec<PodSample>, replicas: u32) -> MemberDecision {
    let scales = vec![Some(Scale { replicas, status_replicas: pods.len() as u32, ready: Some(replicas) })];
    let readings = vec![Reading::Pods { measure, pods: pods.into(), at: NOW }];
    let observation = Observation { scales, readings, ..Observation::default() };
    decide(plan, &mut Memory::default(), &observation, NOW).members.remove(0)
}

/// Replicas and explanation of a GeneralScaler's `{type: cpu, targetValue: 80}`.
fn by_cpu(pods: Vec<PodSample>, replicas: u32) -> (u32, String) {
    let decided = decided(&plan(Slo::new(None)), percent_of_cpu(), pods, replicas);
    (decided.to, decided.explanation())
}

fn reported(replicas: u32, text: &str) -> (u32, String) {
    (replicas, text.to_owned())
}

#[test]
fn where_all_pods_are_known_their_sum_decides() {
    assert_eq!(by_cpu(pods(4, 120), 4), reported(6, "slo 4→6 (480/80)"));
    assert_eq!(by_cpu(pods(4, 87), 4), reported(4, "slo 4 (348/80 within 0.1)"));
    assert_eq!(by_cpu(pods(10, 20), 10), reported(3, "slo 10→3 (200/80)"));
}

/// A Deployment of 10 with `maxSurge: 100%` and memory at 70 percent of its request, in a rolling update.
#[test]
fn a_rolling_update_keeps_its_replicas() {
    let memory = PodMeasure { resource: PodResource::Memory, ..percent_of_cpu() };
    let by_memory = |pods: Vec<PodSample>, replicas| {
        let decided = decided(&plan(Slo::new(None)), memory.clone(), pods, replicas);
        (decided.to, decided.explanation())
    };
    let surge = "pods cpu (20 counted, 10 beyond spec.replicas), slo 10 (700/80 to 1400/80)";
    assert_eq!(by_memory(pods(20, 70), 10), reported(10, surge));
    let unmeasured: Vec<PodSample> = (0..10).map(|index| pod(&format!("new-{index}"))).collect();
    let (to, steps) = by_memory([pods(10, 70), unmeasured].concat(), 10);
    assert_eq!(to, 10);
    assert!(steps.starts_with("pods cpu (10 counted, 10 not known yet), slo 10 (700/80 to "), "{steps}");
    let (to, _) = by_memory(pods(20, 100), 10);
    assert_eq!(to, 13, "10 pods at 100 percent, however many there are");
}

/// 4 pods at 120 percent have become 6, of which the new two are not measured.
#[test]
fn a_scale_out_is_not_undone_before_its_pods_are_measured() {
    let new = || vec![pod("new-0"), pod("new-1").starting()];
    for percent in [60, 70, 80, 120, 130] {
        let (to, steps) = by_cpu([pods(4, percent), new()].concat(), 6);
        assert_eq!(to, 6, "{percent}: {steps}");
    }
    let (to, steps) = by_cpu([pods(4, 40), new()].concat(), 6);
    assert_eq!((to, steps.as_str()), (5, "pods cpu (4 counted, 2 not known yet), slo 6→5 (360/80)"));
    assert_eq!(by_cpu([pods(4, 180), new()].concat(), 6).0, 9);
}

#[test]
fn a_job_with_the_same_labels_does_not_count() {
    let job = pod("job").using(900).foreign();
    assert_eq!(by_cpu([pods(4, 80), vec![job]].concat(), 4), reported(4, "slo 4 (320/80 within 0.1)"));
}

#[test]
fn without_pods_nothing_is_recommended() {
    let nothing = "absent cpu (it has no pods to measure)";
    assert_eq!(by_cpu(vec![], 4), reported(4, nothing));
    let starting = "absent cpu (none of its 1 pods can be counted: pod a is not ready yet)";
    assert_eq!(by_cpu(vec![pod("a").starting()], 4), reported(4, starting));
}

/// Other policies take the sum, with the same caution.
#[test]
fn every_policy_is_asked_for_both_bounds() {
    let line = plan(Linear::new(100.0, 1000.0, 1, 10).unwrap());
    let to = |pods: Vec<PodSample>, replicas| decided(&line, percent_of_cpu(), pods, replicas).to;
    assert_eq!(to(pods(5, 100), 5), 5);
    assert_eq!(to(pods(10, 100), 5), 5, "a surge does not add");
    assert_eq!(
        to([pods(5, 100), vec![pod("x"), pod("y")]].concat(), 7),
        7,
        "new pods do not undo themselves"
    );
    assert_eq!(to([pods(5, 160), vec![pod("x"), pod("y")]].concat(), 7), 7);
    assert_eq!(to([pods(5, 180), vec![pod("x"), pod("y")]].concat(), 7), 8);
}

/// What `cron` (as many replicas as its value) beside `cpu` at a target of 80 decides, with a minimum of 0.
fn by_cron_and_cpu(cron: Option<f64>, pods: Vec<PodSample>, replicas: u32) -> (u32, String, usize) {
    let mut plan = plan(Slo::new(None));
    plan.members[0].bounds = Bounds::new(0, 60).unwrap();
    let mut metric = plan.metrics[0].clone();
    (metric.name, metric.target) = ("cron".to_owned(), MetricTarget::new(TargetType::AverageValue, 1.0));
    plan.metrics.insert(0, metric);
    let reading = match cron {
        Some(value) => Reading::of(value, NOW),
        None => Reading::absent(AbsenceReason::Timeout, "no response"),
    };
    let scales = vec![Some(Scale { replicas, status_replicas: pods.len() as u32, ready: Some(replicas) })];
    let readings = vec![reading, Reading::Pods { measure: percent_of_cpu(), pods: pods.into(), at: NOW }];
    let observation = Observation { scales, readings, ..Observation::default() };
    let decision = decide(&plan, &mut Memory::default(), &observation, NOW);
    (decision.members[0].to, decision.members[0].explanation(), decision.absences.len())
}

#[test]
fn cron_beside_cpu_sleeps_at_night_and_nothing_is_missing() {
    let asleep = (0, "slo 0 (cron 0/1)".to_owned(), 0);
    assert_eq!(by_cron_and_cpu(Some(0.0), vec![], 0), asleep, "without pods cpu abstains");
    assert_eq!(by_cron_and_cpu(Some(3.0), vec![], 0), (3, "slo 0→3 (cron 3/1)".to_owned(), 0), "cron wakes");
    let falls_asleep = (0, "slo 3→0 (cron 0/1)".to_owned(), 0);
    assert_eq!(by_cron_and_cpu(Some(0.0), pods(3, 5), 3), falls_asleep, "idle pods keep nothing awake");
    assert_eq!(by_cron_and_cpu(Some(0.0), pods(3, 160), 3).0, 0, "neither do busy ones");
    let by_cpu = (6, "slo 3→6 (cpu 480/80)".to_owned(), 0);
    assert_eq!(by_cron_and_cpu(Some(3.0), pods(3, 160), 3), by_cpu, "by day the larger of both counts");
}

#[test]
fn without_pods_where_there_should_be_some_a_metric_is_missing() {
    let (to, _, absences) = by_cron_and_cpu(Some(2.0), vec![], 5);
    assert_eq!((to, absences), (5, 1), "no scale-in without a reading");
    let (to, _, absences) = by_cron_and_cpu(None, pods(3, 5), 3);
    assert_eq!((to, absences), (3, 1), "nobody knows whether it is night");
}
