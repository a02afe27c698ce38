use super::*;
use crate::testing::{Scene, manifest, scaler};

/// 200 a second, and 600 from the 20th of 60 values on until the 40th; a value every 15 s.
fn step() -> Vec<f64> {
    (0..60).map(|index| if (20..40).contains(&index) { 600.0 } else { 200.0 }).collect()
}

fn rows(result: &Result) -> Vec<Row> {
    result.timeline.as_ref().unwrap().rows().map(|(_, row)| *row).collect()
}

#[test]
fn a_rise_is_met_after_the_next_poll_and_the_start_up_time() {
    let scene = Scene::new(scaler("requests", 100.0), "startup: 30s", step(), 15);
    let replayed = scene.replayed(6);
    assert_eq!(replayed.tick, Duration::from_secs(15));
    let [web, oracle, fixed] = &replayed.results[..] else { panic!() };
    let ready: Vec<u64> = rows(web).iter().map(|row| row.ready).collect();
    assert_eq!(ready[18..24], [2, 2, 2, 2, 6, 6], "polled at 20, ready two steps later");
    assert_eq!(ready[38..42], [6, 6, 2, 2], "what is not needed is removed at once");
    assert_eq!(web.scores().slo_violation_minutes, 0.5);
    assert_eq!((web.scores().actions, web.scores().reversals), (2, 1));
    assert_eq!(web.decisions[0].steps, ["slo 2→6 (600/100)"]);
    assert_eq!(
        (web.decisions[0].at, web.decisions[0].from, web.decisions[0].to),
        (Time::from_seconds(300), 2, 6)
    );
    let violated: Vec<usize> =
        rows(web).iter().enumerate().filter(|(_, row)| row.violated).map(|(row, _)| row).collect();
    assert_eq!(violated, [20, 21]);
    assert_eq!(oracle.scores().slo_violation_minutes, 0.0);
    assert!(rows(oracle).iter().all(|row| row.ready >= row.needed));
    assert_eq!(oracle.scores().oracle_gap, 0.0);
    // Two replicas for 15 min, four more for 5 min and for the half minute in which they start.
    assert!(
        (oracle.scores().pod_hours - (2.0 * 15.0 + 4.0 * 5.5) / 60.0).abs() < 1e-9,
        "{:?}",
        oracle.scores()
    );
    assert_eq!(oracle.scores().pod_hours + 4.0 * -0.5 / 60.0, web.scores().pod_hours - 0.0);
    assert_eq!((fixed.scores().slo_violation_minutes, fixed.scores().actions), (0.0, 0));
    assert_eq!(fixed.scores().pod_hours, 1.5);
}

#[test]
fn the_same_arguments_give_the_same_bits_on_any_number_of_threads() {
    let yaml = "startup: {logNormal: {median: 20s, p95: 60s}}\nslo: {latency: 60ms}\nseed: 7";
    let values: Vec<f64> = (0..5000).map(|index| 300.0 + 250.0 * f64::from(index).sin()).collect();
    let scene = Scene::new(scaler("requests", 70.0), yaml, values, 5);
    let one = scene.replayed(6);
    let two = scene.replayed_by(6, &ReplayOptions { threads: 3, ..Scene::options() });
    assert_eq!(one, two);
    assert!(one.results[0].scores().actions > 10);
}

#[test]
fn parts_of_the_history_are_scored_by_themselves() {
    let scene = Scene::new(scaler("requests", 100.0), "startup: 30s", step(), 15);
    let split = ReplayOptions { splits: vec![Time::from_seconds(450)], ..Scene::options() };
    let replayed = scene.replayed_by(6, &split);
    let [first, second] = replayed.results[0].parts[..] else { panic!() };
    assert_eq!((first.slo_violation_minutes, second.slo_violation_minutes), (0.5, 0.0));
    assert_eq!((first.actions, second.actions), (1, 1));
    let half = ReplayOptions { until: Some(Time::from_seconds(450)), ..Scene::options() };
    assert_eq!(scene.replayed_by(6, &half).results[0].parts, [first]);
}

#[test]
fn a_queue_feeds_back_into_its_own_metric() {
    let rule = manifest(serde_json::json!({ "apiVersion": "scaling.example.com/v1", "kind": "ScalingRule",
        "metadata": { "name": "orders", "namespace": "shop" },
        "spec": { "deploymentName": "worker", "namespace": "shop", "minReplicas": 1, "maxReplicas": 9,
            "natsMonitoringURL": "http://nats:8222", "subject": "orders", "scaleUpThreshold": 50,
            "scaleDownThreshold": 10, "pollIntervalSeconds": 10 } }));
    // 20 a second for 5 min, then nothing; one replica bears 5.
    let values: Vec<f64> = (0..120).map(|index| if index < 30 { 20.0 } else { 0.0 }).collect();
    let scene =
        Scene::new(rule, "capacity: 5\nstartup: 10s\nslo: {backlogAge: 30s}\ninitialReplicas: 1", values, 10);
    let replayed = scene.replayed(4);
    let web = &replayed.results[0];
    let ready: Vec<u64> = rows(web).iter().map(|row| row.ready).collect();
    assert!(
        ready.iter().any(|count| *count > 4),
        "the queue that waits asks for more than what comes: {ready:?}"
    );
    assert_eq!(ready.last(), Some(&1), "once it is empty they go, step by step: {ready:?}");
    assert!(web.scores().slo_violation_minutes > 0.0);
    assert!(web.decisions[0].steps[0].starts_with("threshold 1→2 ("), "{:?}", web.decisions[0]);
}

#[test]
fn a_group_hands_on_what_it_serves() {
    let scene = Scene::new(manifest(crate::testing::group()), "startup: 30s\noverload: drop", step(), 15);
    let replayed = scene.replayed(6);
    let group = &replayed.results[0];
    let last = rows(group)[39];
    assert_eq!((last.needed, last.ready), (6 + 24, 6 + 24));
    let members: Vec<usize> = group.decisions.iter().take(2).map(|decided| decided.member).collect();
    assert_eq!(members, [0, 1], "both move by one decision");
    // Six of db are too few for twice 200 a second.
    let fixed = replayed.results[2].scores();
    assert_eq!(fixed.slo_violation_minutes, 15.0);
}

#[test]
fn gaps_scale_nothing_in() {
    let mut values = step();
    values[25..40].fill(f64::NAN);
    let scene = Scene::new(scaler("requests", 100.0), "startup: 30s", values, 15);
    let replayed = scene.replayed(6);
    assert_eq!(replayed.quality.gaps, 1);
    let ready: Vec<u64> = rows(&replayed.results[0]).iter().map(|row| row.ready).collect();
    assert!(ready[25..40].iter().all(|count| *count == 6), "{ready:?}");
}

#[test]
fn a_load_that_is_coarser_than_the_poll_is_sampled_as_often_as_the_poll() {
    let scene = Scene::new(scaler("requests", 100.0), "startup: 30s", vec![200.0, 600.0, 600.0, 200.0], 1800);
    let replayed = scene.replayed(6);
    assert_eq!(replayed.tick, Duration::from_secs(15));
    let [web, oracle, _] = &replayed.results[..] else { panic!() };
    assert_eq!(web.scores().slo_violation_minutes, 0.5);
    assert_eq!(oracle.scores().slo_violation_minutes, 0.0);
    let asked = oracle.decisions[0].at;
    assert_eq!(asked, Time::from_seconds(1800 - 30), "perfect knowledge asks just in time");
}

#[test]
fn processor_time_is_measured_at_the_pods() {
    let hpa = manifest(
        serde_json::json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
            "minReplicas": 1, "maxReplicas": 20, "metrics": [{ "type": "Resource", "resource": { "name": "cpu",
                "target": { "type": "Utilization", "averageUtilization": 50 } } }] } }),
    );
    let scene = Scene::new(hpa, "capacity: 100\nstartup: 30s\ninitialReplicas: 4", step(), 15);
    let replayed = scene.replayed(6);
    let ready: Vec<u64> = rows(&replayed.results[0]).iter().map(|row| row.ready).collect();
    assert_eq!(ready[19], 4, "200 over four is 50 %: {ready:?}");
    assert_eq!(ready[39], 12, "600 at 50 % of 100 each: {ready:?}");
    assert!(
        replayed.results[0].decisions[0].steps[0].starts_with("hpa 4→"),
        "{:?}",
        replayed.results[0].decisions[0]
    );
}

/// A minute's requests on some day: a quiet night, and within ten minutes from eight on a rush until the evening.
fn rush(minute: i32) -> f64 {
    let hour = f64::from(minute % 1440) / 60.0;
    let noise = 1.0 + 0.02 * (f64::from(minute) * 12.9898).sin();
    let share = ((hour - 8.0) * 6.0).clamp(0.0, 1.0) * f64::from(u8::from(hour < 20.0));
    noise * (200.0 + 1300.0 * share)
}

#[test]
fn a_forecast_has_replicas_ready_before_a_rush_that_comes_every_day() {
    let mut object = scaler("requests", 85.0).object;
    object["spec"]["forecast"] = serde_json::json!({ "horizonSeconds": 120 });
    let foreseeing = manifest(object);
    let scene = Scene::new(foreseeing, "startup: 120s\ncapacity: 100", (0..6 * 1440).map(rush).collect(), 60);
    let contender = |plan: engine::Plan| -> Box<dyn Contender> {
        Box::new(crate::contender::Planned::new(plan, scene.bound.signals.clone(), Time::default()))
    };
    let plan = &scene.manifest.plan;
    let entry =
        |name: &str, plan| Entry { name: name.to_owned(), contender: contender(plan), replicas: None };
    let entries =
        vec![entry("with", plan.clone()), entry("without", engine::Plan { foresight: None, ..plan.clone() })];
    let options = ReplayOptions { splits: vec![Time::from_seconds(4 * 86_400)], ..Scene::options() };
    let replayed = replay(&mut scene.grid(), &scene.bound.workload, entries, &options, &mut |_| {}).unwrap();
    let [with, without] = &replayed.results[..] else { panic!() };
    let (with_minutes, minutes) =
        (with.scores().slo_violation_minutes, without.scores().slo_violation_minutes);
    assert!(minutes > 10.0 && with_minutes < 0.5 * minutes, "{with_minutes} min, without {minutes} min");
    let hours = with.scores().pod_hours / without.scores().pod_hours;
    assert!(hours < 1.05, "{hours} of the pod-hours");
    let is_ahead = |decided: &&Decided| decided.steps.iter().any(|step| step.starts_with("forecast "));
    assert!(with.decisions.iter().filter(is_ahead).count() > 3);
    let falls_back =
        |decided: &Decided| decided.steps.iter().any(|step| step.starts_with("no forecast requests ("));
    assert!(with.decisions.iter().any(falls_back), "at the begin nothing is known");
}
