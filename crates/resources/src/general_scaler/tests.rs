use std::sync::Arc;
use std::time::Duration;

use engine::{AbsenceReason, Limits, Memory, Observation, Problem, Reading, Scale, Time, decide};
use serde_json::json;

use super::*;
use crate::fixture::status_after;
use crate::lenient::{Lenient, question};
use crate::{MemberPoll, Outcome, Poll, Verdict};

const CONTEXT: Context<'_> = Context {
    catalog: &Lenient,
    policies: &engine::POLICIES,
    allow_cross_namespace: false,
    admitting: true,
    resolved: None,
};

/// The example of the seed, as a user writes it.
fn seed() -> Value {
    json!({
        "targetDeployment": "http-app", "minReplicas": 2, "maxReplicas": 10,
        "metrics": [
            { "type": "prometheus", "config": { "query": "rate(http_requests_total[5m])" }, "targetValue": 100 },
        ],
        "policy": { "type": "slo" },
        "safety": { "cooldownSeconds": 300, "maxScaleUpRate": 3, "maxScaleDownRate": 1 },
    })
}

fn object(spec: Value) -> Value {
    json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
            "metadata": { "name": "a", "namespace": "shop" }, "spec": spec })
}

/// What is wrong with the seed's example once `pointer` holds `value`.
fn problems(pointer: &str, value: Value) -> Vec<String> {
    let mut spec = seed();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    spec.pointer_mut(parent).unwrap()[field] = value;
    let problems = KIND.compile(&object(spec), &CONTEXT).err().unwrap_or_default();
    problems.iter().map(Problem::to_string).collect()
}

#[test]
fn the_example_makes_a_plan() {
    let plan = KIND.compile(&object(seed()), &CONTEXT).unwrap().plan;
    assert_eq!(plan.members[0].target.to_string(), "Deployment shop/http-app");
    assert_eq!(plan.members[0].bounds, Bounds::new(2, 10).unwrap());
    assert_eq!(plan.policy.name(), "slo");
    assert_eq!(plan.interval, Duration::from_secs(15));
    let limits = Limits::default().with_pods_per_operation(Some(3), Some(1));
    assert_eq!(plan.limits, limits.with_cooldown(Duration::from_secs(300)));
    let metric = &plan.metrics[0];
    assert_eq!((metric.name.as_str(), question(&metric.query).namespace.as_str()), ("prometheus", "shop"));
    assert_eq!(metric.target, MetricTarget::new(TargetType::AverageValue, 100.0));
}

/// As where YAML has the name of a field and nothing behind it.
#[test]
fn a_null_is_left_out() {
    for pointer in [
        "/minReplicas",
        "/intervalSeconds",
        "/policy",
        "/policy/type",
        "/policy/config",
        "/safety",
        "/safety/cooldownSeconds",
        "/metrics/0/name",
        "/metrics/0/config",
        "/metrics/0/targetType",
        "/targetRef",
    ] {
        assert_eq!(problems(pointer, Value::Null), [""; 0], "{pointer}");
    }
    assert_eq!(problems("/maxReplicas", Value::Null), ["spec.maxReplicas: Required value"]);
    assert_eq!(
        problems("/metrics/0/targetValue", Value::Null),
        ["spec.metrics[0].targetValue: Required value"]
    );
    let item =
        "spec.metrics[0]: Invalid value: \"null\": spec.metrics[0] in body must be of type object: \"null\"";
    assert_eq!(problems("/metrics", json!([null])), [item]);
    let budget = json!({ "type": "cost", "config": { "maxCostPerHour": null, "costPerPodHour": 1, "tolerance": null } });
    assert_eq!(
        problems("/policy", budget),
        ["spec.policy.config: Invalid value: policy cost needs maxCostPerHour and costPerPodHour"]
    );
    let object = json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler", "spec": null });
    let problems = KIND.compile(&object, &CONTEXT).unwrap_err();
    assert_eq!(problems[0].to_string(), "spec: Required value");
}

#[test]
fn metrics_without_a_name_get_different_ones() {
    let mut spec = seed();
    let metric = spec["metrics"][0].clone();
    spec["metrics"] = json!([metric, metric, metric]);
    spec["metrics"][2]["name"] = json!("errors");
    let plan = KIND.compile(&object(spec), &CONTEXT).unwrap().plan;
    let names: Vec<&str> = plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["prometheus", "prometheus[1]", "errors"]);

    spec = seed();
    let metric = spec["metrics"][0].clone();
    spec["metrics"] = json!([metric, metric, metric]);
    spec["metrics"][0]["name"] = json!("prometheus[2]");
    let plan = KIND.compile(&object(spec), &CONTEXT).unwrap().plan;
    let names: BTreeSet<&str> = plan.metrics.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn what_is_wrong_is_reported_with_its_path() {
    let cases = [
        (
            "/minReplicas",
            json!(11),
            "spec.minReplicas: Invalid value: minReplicas must not be above maxReplicas",
        ),
        (
            "/metrics",
            json!([]),
            "spec.metrics: Invalid value: 0: spec.metrics in body should have at least 1 items",
        ),
        (
            "/metrics/0/targetValue",
            json!(0),
            "spec.metrics[0].targetValue: Invalid value: 0: spec.metrics[0].targetValue in body should be \
             greater than 0",
        ),
        (
            "/metrics/0/targetType",
            json!("Utilization"),
            "spec.metrics[0].targetType: Unsupported value: \"Utilization\": supported values: \
             \"AverageValue\", \"Value\"",
        ),
        ("/metrics/0/type", json!("broken"), "spec.metrics[0].config.url: Required value"),
        (
            "/metrics/0/fallback",
            json!({ "afterSeconds": 60 }),
            "spec.metrics[0].fallback: Invalid value: a fallback needs replicas, unless its behavior is currentReplicas",
        ),
        (
            "/policy/type",
            json!("sla"),
            "spec.policy.type: Unsupported value: \"sla\": supported values: \"slo\", \"cost\", \"linear\", \
             \"threshold\"",
        ),
        (
            "/policy",
            json!({"type": "cost", "config": {"costPerPodHour": 0.1}}),
            "spec.policy.config: Invalid value: policy cost needs maxCostPerHour and costPerPodHour",
        ),
        (
            "/policy",
            json!({"type": "cost", "config": {"costPerPodHour": 0.1, "maxCostPerHour": 0.19}}),
            "spec.policy.config.maxCostPerHour: Invalid value: the budget must cover minReplicas: \
             minReplicas × costPerPodHour must not be above maxCostPerHour",
        ),
        (
            "/policy",
            json!({"type": "slo", "config": {"costPerPodHour": 0.1}}),
            "spec.policy.config.costPerPodHour: unknown field; this policy accepts tolerance",
        ),
    ];
    for (pointer, value, message) in cases {
        assert_eq!(problems(pointer, value).first().map(String::as_str), Some(message), "{pointer}");
    }
    assert_eq!(
        problems(
            "/policy",
            json!({"type": "cost", "config": {"costPerPodHour": 0.1, "maxCostPerHour": 0.2}})
        ),
        [""; 0]
    );
}

/// The status after one poll of the seed's example with a second metric, under policy cost.
fn polled(readings: Vec<Reading>, replicas: u32, at: Time) -> Value {
    let mut spec = seed();
    spec["metrics"] = json!([
        { "name": "requests", "type": "prometheus", "config": {}, "targetValue": 100 },
        { "name": "latency", "type": "http", "config": {}, "targetValue": 0.2, "targetType": "Value" },
    ]);
    spec["policy"] = json!({ "type": "cost", "config": { "maxCostPerHour": 0.5, "costPerPodHour": 0.1 } });
    let plan = Arc::new(KIND.compile(&object(spec), &CONTEXT).unwrap().plan);
    let scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
    let observation = Observation { scales: vec![Some(scale)], readings, ..Observation::default() };
    let mut memory = Memory::default();
    let decision = decide(&plan, &mut memory, &observation, at);
    let members = vec![MemberPoll { seen: Ok(scale), write: None }];
    let poll = Poll {
        plan,
        readings: observation.readings,
        members,
        decision,
        memory,
        hpa: Ok(Vec::new()),
        hpa_scaling: None,
        lacking: Vec::new(),
        reversals: Vec::new(),
    };
    status_after(
        &KIND,
        &Outcome {
            uid: "1".to_owned(),
            generation: 1,
            at,
            verdict: Verdict::Polled(Box::new(poll)),
            warnings: Arc::default(),
        },
        &Value::Null,
    )
}

#[test]
fn the_status_shows_every_metric_and_the_money() {
    let at = Time::from_seconds(1_000_000);
    let old = Time::from_seconds(999_760);
    let status = polled(vec![Reading::of(730.0, old), Reading::of(0.2, at)], 4, at);
    assert_eq!(status["metricSummary"], "182.5/100 avg, 0.2/0.2");
    // One instant: 730 over these 4 replicas is that average, and 5 were decided on it.
    assert_eq!((&status["currentReplicas"], &status["desiredReplicas"]), (&json!(4), &json!(5)));
    assert_eq!(
        status["metrics"][0],
        json!({ "name": "requests", "type": "prometheus", "value": 730, "averageValue": 182.5, "targetValue": 100,
                "targetType": "AverageValue", "time": "1970-01-12T13:42:40Z" })
    );
    assert_eq!(status["metrics"][1]["time"], Value::Null, "what is fresh needs no time");
    assert_eq!(status["cost"], json!({ "now": 0.4, "recommended": 0.8, "decided": 0.5, "budget": 0.5 }));
    assert_eq!(status["lastDecision"], "slo 4→8 (requests 730/100), cost 8→5 (0.50/h of 0.50/h)");
}

#[test]
fn values_have_no_binary_noise() {
    let at = Time::from_seconds(1_000_000);
    let status = polled(vec![Reading::of(94.999_999_999_999_99, at), Reading::of(0.1 + 0.2, at)], 1, at);
    assert_eq!(status["metricSummary"], "95/100 avg, 0.3/0.2");
    assert_eq!((&status["metrics"][0]["value"], &status["metrics"][1]["value"]), (&json!(95), &json!(0.3)));
}

#[test]
fn an_absent_metric_says_why() {
    let at = Time::from_seconds(1_000_000);
    let gone = Reading::absent(AbsenceReason::Timeout, "no response within 5 s");
    let status = polled(vec![gone, Reading::of(0.1, at)], 4, at);
    assert_eq!(status["metricSummary"], "<unknown>/100 avg, 0.1/0.2");
    assert_eq!(status["metrics"][0]["reason"], "MetricTimeout");
    assert_eq!(status["metrics"][0]["message"], "no response within 5 s");
    assert_eq!(status["desiredReplicas"], 4, "no scale-in without every reading");
}

/// Seconds until the replicas that `manifest` needs are asked for, where the load goes from 250 to 1000 right after a scale
/// to 3 replicas.
fn seconds_to_follow_a_spike(manifest: &str) -> i64 {
    let object: Value = serde_saphyr::from_str(manifest).unwrap();
    let plan = KIND.compile(&object, &CONTEXT).unwrap().plan;
    let (mut memory, mut replicas, start) =
        (engine::Memory::default(), 3, engine::Time::from_seconds(1_000_000));
    memory.scaled(&plan, 0, 2, 3, start);
    let mut now = start;
    while replicas < 10 {
        now = now.plus(plan.interval);
        let scale = engine::Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
        let observation = engine::Observation {
            scales: vec![Some(scale)],
            readings: vec![engine::Reading::of(1000.0, now)],
            ..engine::Observation::default()
        };
        let next = engine::cycle::next_decision(&plan, &mut memory, &observation, &[], now);
        assert_eq!(next.violations, []);
        memory.applied(&plan, &next.decision, now);
        replicas = next.decision.members[0].to;
    }
    now.since(start).as_secs() as i64
}

#[test]
fn the_figures_of_a_spike_are_those_of_the_documents_manifests() {
    let page = include_str!("../../../../docs/general-scaler.md");
    let manifests: Vec<&str> = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(text, _)| text)
        .collect();
    for (manifest, seconds) in manifests.iter().zip([900, 30]) {
        assert_eq!(seconds_to_follow_a_spike(manifest), seconds, "{manifest}");
        assert!(page.contains(&format!("after **{seconds} s**")), "{seconds}");
    }
}

/// How often a metric that alternates around 10 times its target scales, in 40 polls from 10 replicas.
fn scales_by_noise(safety: Value) -> usize {
    let spec = json!({ "targetDeployment": "web", "maxReplicas": 20, "safety": safety,
                       "metrics": [{ "type": "prometheus", "targetValue": 100 }] });
    let plan = KIND.compile(&json!({ "metadata": { "name": "web" }, "spec": spec }), &CONTEXT).unwrap().plan;
    let (mut memory, mut replicas, mut now) = (Memory::default(), 10, Time::from_seconds(1_000_000));
    let mut scales = 0;
    for poll in 0..40 {
        now = now.plus(plan.interval);
        let scale = Scale { replicas, status_replicas: replicas, ready: Some(replicas) };
        let value = if poll % 2 == 0 { 1005.0 } else { 995.0 };
        let readings = vec![Reading::of(value, now)];
        let observation = Observation { scales: vec![Some(scale)], readings, ..Observation::default() };
        let decision = decide(&plan, &mut memory, &observation, now);
        memory.applied(&plan, &decision, now);
        scales += usize::from(decision.scales());
        replicas = decision.members[0].to;
    }
    scales
}

#[test]
fn noise_around_the_target_scales_nothing_by_default() {
    assert_eq!(scales_by_noise(Value::Null), 0);
    assert_eq!(scales_by_noise(json!({ "behavior": {} })), 0);
    assert_eq!(scales_by_noise(json!({ "fallback": { "replicas": 5 } })), 0, "it says nothing of limits");
    assert_eq!(scales_by_noise(json!({})), 40, "without any limit each poll scales");
}
