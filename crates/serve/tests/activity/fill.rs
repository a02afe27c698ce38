//! Boards as they look in a cluster at work.

use std::time::Duration;

use engine::{Level, Time};
use runner::{History, MetricReading, ObjectKey, ObjectState, Point, ScaleOperation, TargetState};

use crate::stage::Stage;

/// A healthy object whose metric went up and down for `minutes`.
pub(crate) fn object(
    kind: &'static str,
    namespace: &str,
    name: &str,
    now: Time,
    minutes: u64,
) -> ObjectState {
    let history = past(now, minutes, name.len());
    let last = history.iter().next_back();
    let replicas = last.map_or(2, |point| point.replicas.unwrap_or_default());
    let value = last.and_then(|point| point.value);
    let acts_in = if namespace.is_empty() { "default" } else { namespace };
    ObjectState {
        key: ObjectKey::new(kind, namespace, name),
        at: now,
        since: now.minus(Duration::from_secs(minutes * 60)),
        ready: true,
        reason: "Ready".into(),
        message: "the target follows its metrics".into(),
        place: None,
        observe: false,
        paused: None,
        warnings: Vec::new(),
        metrics: vec![MetricReading {
            name: "active_users".into(),
            value,
            forecast: None,
            levels: vec![Level::whole("low", 1000.0), Level::whole("high", 5000.0)],
        }],
        targets: vec![TargetState {
            member: None,
            target: format!("Deployment {acts_in}/{name}"),
            namespace: acts_in.into(),
            ready: Some(replicas),
            current: replicas,
            recommended: Some(replicas),
            desired: replicas,
            min: 2,
            max: 10,
            cost: None,
            decision: format!("linear {replicas}→{replicas} ({} in 1000..5000)", value.unwrap_or_default())
                .into(),
        }],
        failing: Vec::new(),
        history,
    }
}

/// The same object, failing for `minutes`.
pub(crate) fn failing(mut state: ObjectState, reason: &str, message: &str, minutes: u64) -> ObjectState {
    state.since = state.at.minus(Duration::from_secs(minutes * 60));
    let since = state.since;
    let missed = |point: Point| Point { value: point.value.filter(|_| point.at < since), ..point };
    state.history = state.history.iter().map(missed).collect();
    (state.ready, state.reason, state.message) = (false, reason.into(), message.into());
    state.metrics[0].value = None;
    state.targets[0].decision = format!("hold {} (no reading)", state.targets[0].current).into();
    state
}

/// Waves, coarse at first and fine in the last minutes, as the operator keeps them.
fn past(now: Time, minutes: u64, seed: usize) -> History {
    let coarse = (4..minutes).rev().map(|minute| minute * 60);
    let fine = (0..48.min(minutes * 12)).rev().map(|step| step * 5);
    let point = |age: u64| {
        let at = now.minus(Duration::from_secs(age));
        let users = 3000.0 + 2200.0 * ((age as f64 / 420.0) + seed as f64).sin();
        let replicas = 2 + ((users - 800.0).max(0.0) / 550.0) as u32;
        let (wanted, ready) = (Some(replicas), Some(replicas - u32::from(age % 600 < 60)));
        Point { at, value: Some(users.round()), expected: None, replicas: wanted, wanted, ready }
    };
    coarse.chain(fine).map(point).collect()
}

/// A scale operation that was carried out `minutes` ago.
pub(crate) fn action(name: &str, now: Time, minutes: u64, from: u32, to: u32) -> ScaleOperation {
    ScaleOperation {
        timestamp: now.minus(Duration::from_secs(minutes * 60)),
        kind: "BusinessScaling",
        namespace: "default".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
        target: format!("Deployment/{name}"),
        from,
        to,
        applied: true,
        error: None,
        steps: vec![format!("linear {from}→{to} (3000 in 1000..5000)")],
        reverted_by: None,
    }
}

/// A cluster at work: some follow, one fails, one is only observed.
pub(crate) fn busy(stage: &Stage) {
    let now = stage.now();
    let board = &stage.shown.board;
    board.show(object("BusinessScaling", "", "payment-service", now, 59));
    board.show(object("BusinessScaling", "", "kitchen", now, 12));
    board.show(object("ScalingRule", "shop", "orders", now, 59));
    board.show(ObjectState { observe: true, ..object("ScalingRule", "shop", "mails-to-customers", now, 59) });
    let stock =
        object("ScalingRule", "warehouse", "stock-of-a-warehouse-with-a-rather-long-name-in-it", now, 59);
    board.show(failing(
        stock,
        "MetricConnectionFailed",
        "metric source http://nats.warehouse.svc.cluster.local:8222/jsz?consumers=true&config=true: \
         connection refused",
        7,
    ));
    let note = |action| stage.shown.activity.note(action);
    note(action("kitchen", now, 50, 2, 3));
    note(ScaleOperation {
        applied: false,
        error: Some(
            "forbidden: the operator may not write deployments/scale in namespace warehouse".to_owned(),
        ),
        namespace: "warehouse".to_owned(),
        ..action("stock", now, 21, 3, 5)
    });
    note(ScaleOperation { applied: false, ..action("mails-to-customers", now, 9, 4, 6) });
    note(action("payment-service", now, 3, 8, 6));
    let steps = ["linear 4→10 (5200 above 1000..5000)", "rate 10→6 (+2 at most)", "cooldown 6→6 (0 s left)"];
    note(ScaleOperation {
        steps: steps.map(str::to_owned).into(),
        ..action("payment-service", now, 0, 4, 6)
    });
}

/// A bad day: most objects fail, each for another reason.
pub(crate) fn bad_day(stage: &Stage) {
    let now = stage.now();
    let reasons = [
        ("MetricTimeout", "metric source https://api.example.com/active-users: no response within 5 s"),
        ("TargetNotFound", "Deployment default/shop does not exist"),
        (
            "TargetConflict",
            "Deployment default/shop is scaled by HorizontalPodAutoscaler default/shop already",
        ),
        ("InvalidSpec", "spec.scaleThresholds: minUsers must be below maxUsers"),
        (
            "MetricMalformed",
            "metric source https://api.example.com/active-users: the response is HTML or XML, not JSON",
        ),
    ];
    for (index, (reason, message)) in reasons.iter().cycle().take(12).enumerate() {
        let state = object("BusinessScaling", "", &format!("shop-{index}"), now, 59);
        let mut state = failing(state, reason, message, index as u64 * 5);
        let is_of_metric = reason.starts_with("Metric");
        let place = if is_of_metric { "http at https://api.example.com" } else { "namespace default" };
        state.place = Some(place.to_owned());
        if *reason == "InvalidSpec" {
            (state.metrics, state.targets) = (Vec::new(), Vec::new());
            state.history = History::default();
        }
        stage.shown.board.show(state);
    }
    stage.shown.board.show(object("BusinessScaling", "", "well", now, 59));
}
