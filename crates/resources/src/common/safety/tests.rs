use engine::limits::{Amount, Rate, RatePolicies, RatePolicy, SelectPolicy};
use engine::policy::Slo;
use serde_json::json;

use super::*;

fn compiled(safety: Value) -> (Limits, Vec<String>) {
    let spec = SafetySpec::deserialize(&safety).unwrap();
    let (mut problems, mut origins) = (Vec::new(), Vec::new());
    let limits = limits(Some(&spec), Some(&Slo::default()), &mut problems, &mut origins);
    assert_eq!(origins, []);
    (limits, problems.iter().map(Problem::to_string).collect())
}

fn seconds(limits: &Limits) -> [u64; 4] {
    let (up, down) = (&limits.up, &limits.down);
    [up.window, down.window, up.cooldown, down.cooldown].map(|span| span.as_secs())
}

#[test]
fn each_direction_has_a_cooldown_of_its_own_or_the_common_one() {
    for (safety, up, down) in [
        (json!({}), 0, 0),
        (json!({ "cooldownSeconds": 300 }), 300, 300),
        (json!({ "cooldownSeconds": 300, "scaleUpCooldownSeconds": 15 }), 15, 300),
        (json!({ "cooldownSeconds": 300, "scaleDownCooldownSeconds": 0 }), 300, 0),
        (json!({ "scaleUpCooldownSeconds": 1, "scaleDownCooldownSeconds": 2 }), 1, 2),
    ] {
        assert_eq!(seconds(&compiled(safety.clone()).0), [0, 0, up, down], "{safety}");
    }
}

#[test]
fn behavior_is_that_of_an_hpa_with_its_defaults() {
    let (limits, problems) = compiled(json!({ "behavior": {}, "scaleDownCooldownSeconds": 60 }));
    assert_eq!((seconds(&limits), problems.len()), ([0, 300, 0, 60], 0));
    let policy = |amount| RatePolicy { amount, period: Duration::from_secs(15) };
    let policies = vec![policy(Amount::Pods(4)), policy(Amount::Percent(100))];
    assert_eq!(limits.up.rate, Rate::Behavior(RatePolicies { select: SelectPolicy::Max, policies }.into()));
    assert_eq!([limits.up.tolerance, limits.down.tolerance], [Some(0.1), Some(0.1)]);

    let written = json!({ "behavior": {
        "scaleUp": { "stabilizationWindowSeconds": 30, "selectPolicy": "Min", "tolerance": "50m",
                     "policies": [{ "type": "Percent", "value": 50, "periodSeconds": 60 }] },
        "scaleDown": { "selectPolicy": "Disabled", "tolerance": 0.2 },
    } });
    let (limits, problems) = compiled(written);
    assert_eq!((seconds(&limits), problems.len()), ([30, 300, 0, 0], 0));
    assert_eq!([limits.up.tolerance, limits.down.tolerance], [Some(0.05), Some(0.2)]);
    assert_eq!(limits.down.rate.down_limit(9, &Default::default(), engine::Time::default()), 9);
}

#[test]
fn what_an_hpa_would_refuse_is_refused_at_its_place() {
    let rules = |rules: Value| compiled(json!({ "behavior": { "scaleUp": rules } })).1;
    for (wrong, problem) in [
        (json!({ "tolerance": -0.1 }), "spec.safety.behavior.scaleUp.tolerance: Invalid value"),
        (json!({ "tolerance": "x" }), "spec.safety.behavior: Invalid value"),
        (
            json!({ "stabilizationWindowSeconds": 3601 }),
            "spec.safety.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
        ),
        (json!({ "selectPolicy": "Most" }), "spec.safety.behavior.scaleUp.selectPolicy: Unsupported value"),
        (json!({ "policies": [] }), "spec.safety.behavior.scaleUp.policies: Required value"),
        (
            json!({ "policies": [{ "type": "Pods", "value": 0, "periodSeconds": 15 }] }),
            "spec.safety.behavior.scaleUp.policies[0].value: Invalid value: 0",
        ),
    ] {
        let problems = rules(wrong.clone());
        assert!(problems.len() == 1 && problems[0].starts_with(problem), "{wrong}: {problems:?}");
    }
}

#[test]
fn behavior_excludes_the_other_rates_and_windows() {
    let broken = |safety: Value| {
        let spec = SafetySpec::deserialize(&safety).unwrap();
        crate::common::rule::problems(RULES, &spec).len()
    };
    assert_eq!(broken(json!({ "behavior": {}, "cooldownSeconds": 5, "scaleUpCooldownSeconds": 5 })), 0);
    for field in
        ["maxScaleUpRate", "maxScaleDownRate", "scaleUpStabilizationSeconds", "scaleDownStabilizationSeconds"]
    {
        assert_eq!(broken(json!({ "behavior": {}, field: 5 })), 1, "{field}");
    }
}

#[test]
fn without_safety_the_limits_are_those_of_an_hpa_where_noise_could_flap() {
    let (mut problems, mut origins) = (Vec::new(), Vec::new());
    let found = limits(None, Some(&Slo::default()), &mut problems, &mut origins);
    assert_eq!(seconds(&found), [0, 300, 0, 0]);
    assert_eq!([found.up.tolerance, found.down.tolerance], [Some(0.1), Some(0.1)]);
    let origin = Origin::new("spec.safety", "tolerance 0.1, scale-in window 300 s", "default, as in the HPA");
    assert_eq!(origins, [origin]);
    let random = engine::POLICIES.compile("random", &json!({}), "").unwrap();
    assert_eq!(limits(None, Some(&*random), &mut problems, &mut origins), Limits::default());
}
