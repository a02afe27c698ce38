//! What KEDA's webhook refuses by what there is beside the object.

use engine::{FaultKind, Target};

use super::*;
use crate::TargetOwner;
use crate::manifest::{check, judge_together};

fn counted_as(problem: &Problem) -> &'static str {
    (KIND.counting().unwrap().refusal)(problem)
}

fn target() -> Target {
    let text = str::to_owned;
    Target {
        api_version: text("apps/v1"),
        kind: text("Deployment"),
        namespace: text("shop"),
        name: text("web"),
    }
}

fn object_owner() -> TargetOwner {
    TargetOwner::Object { kind: "ScaledObject", namespace: "shop".to_owned(), name: "a".to_owned() }
}

fn hpa_owner() -> TargetOwner {
    TargetOwner::Hpa { namespace: "shop".to_owned(), name: "own".to_owned() }
}

#[test]
fn contract_2_rules_1_to_4_are_refused_in_kedas_words_with_what_to_do() {
    let transferring = annotated("scaledobject.keda.sh/transfer-hpa-ownership", "true");
    let workload = "the workload 'web' of type 'apps/v1.Deployment' is already managed by the ";
    let of = |object: &Value, owner: &TargetOwner| KIND.taken(object, &target(), owner);
    for (problem, wanted, reason) in [
        (of(&least(), &object_owner()), format!("{workload}ScaledObject 'a': delete"), "other-scaled-object"),
        (of(&least(), &hpa_owner()), format!("{workload}hpa 'own': delete it"), "other-hpa"),
        (
            of(&transferring, &hpa_owner()),
            format!("{workload}hpa 'own': to transfer its ownership, name the HPA here"),
            "transfer-ownership-missing-hpa-name",
        ),
        (
            (KIND.needs.hpa.unwrap().taken)("shared", &object_owner()),
            "the HPA 'shared' is already managed by the ScaledObject 'a'".to_owned(),
            "other-scaled-object-hpa",
        ),
    ] {
        assert!(problem.to_string().contains(&wanted), "{problem}");
        assert_eq!(counted_as(&problem), reason, "{problem}");
    }
}

/// The reasons of what the webhook refuses of an object.
fn reasons(object: &Value) -> Vec<&'static str> {
    let problems = KIND.compile(object, &CONTEXT).err().unwrap_or_default();
    let mut reasons: Vec<_> = problems.iter().map(counted_as).collect();
    reasons.dedup();
    reasons
}

#[test]
fn contract_2_each_refusal_has_kedas_reason() {
    let with_both = |pointer: &str, value: Value, fallback: Value| {
        let mut object = with(pointer, value);
        set(&mut object, "/spec/fallback", fallback);
        object
    };
    let fallback = |behavior: &str| json!({ "failureThreshold": 1, "replicas": 1, "behavior": behavior });
    let mut only_pods = with_triggers(json!([cpu()]));
    let mut idle = with("/spec/minReplicaCount", json!(2));
    set(&mut idle, "/spec/idleReplicaCount", json!(2));
    for (object, reason) in [
        (idle, "incorrect-replicas"),
        (with("/spec/minReplicaCount", json!(101)), "incorrect-replicas"),
        (only_pods.clone(), "scale-to-zero-requirements-not-met"),
        (with("/metadata/name", json!("a".repeat(60))), "hpa-name-too-long"),
        (with("/spec/fallback", fallback("scalingModifiers")), "scaling-modifiers-fallback"),
        (with("/spec/advanced", json!({ "scalingModifiers": { "target": "1" } })), "scaling-modifiers"),
        (with_triggers(json!([{ "type": "pigeon", "metadata": {} }])), "incorrect-triggers"),
    ] {
        assert_eq!(reasons(&object), [reason], "{object}");
    }
    set(&mut only_pods, "/spec/minReplicaCount", json!(1));
    let spec = only_pods["spec"].clone();
    assert_eq!(reasons(&with_both("/spec", spec, fallback("static"))), ["incorrect-fallback"]);
    assert!(reasons(&with("/metadata/name", json!("a".repeat(64)))).contains(&"name-too-long"));
    let needs = (KIND.needs.workload)(&only_pods).unwrap();
    let bare = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "app" }] } } } });
    for problem in needs.problems(&bare, &[]).iter().chain([&needs.missing()]) {
        assert_eq!(counted_as(problem), "missing-requests", "{problem}");
    }
}

#[test]
fn contract_2_rule_2_the_name_of_the_hpa_is_known_of_whatever_people_write() {
    let name = KIND.needs.hpa.unwrap().name;
    assert_eq!(name(&least()).as_deref(), Some("keda-hpa-worker"));
    let given =
        |value: &str| with("/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "name": value } }));
    assert_eq!(name(&given("mine")).as_deref(), Some("mine"));
    assert_eq!(name(&given("")).as_deref(), Some("keda-hpa-worker"));
    assert_eq!(name(&annotated("autoscaling.keda.sh/paused", "true")).as_deref(), Some("keda-hpa-worker"));
    assert_eq!(name(&annotated("polyscaler.dev/actuation", "direct")), None);
    assert_eq!(name(&annotated("polyscaler.dev/mode", "observe")), None);
    assert_eq!(name(&json!({ "spec": 7 })), None);
}

#[test]
fn contract_2_rule_4_at_admission_an_hpa_that_is_named_is_taken_over_by_the_annotation_only() {
    let named = |mut object: Value| {
        set(&mut object, "/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "name": "theirs" } }));
        object
    };
    let adopts = |object: &Value, context: &Context<'_>| {
        let plan = KIND.compile(object, context).unwrap().plan;
        plan.actuation.hpa().unwrap().adopts_orphan()
    };
    assert!(adopts(&least(), &CONTEXT), "one that KEDA has named was restored");
    assert!(!adopts(&named(least()), &CONTEXT));
    assert!(adopts(&named(annotated("scaledobject.keda.sh/transfer-hpa-ownership", "true")), &CONTEXT));
    assert!(adopts(&named(least()), &STORED), "what is stored is kept as by KEDA");
}

#[test]
fn contract_2_rules_1_to_5_are_judged_of_files() {
    let of_cpu = |target: &str| {
        let mut object = with_triggers(json!([cpu()]));
        set(&mut object, "/spec/minReplicaCount", json!(1));
        set(&mut object, "/spec/scaleTargetRef/name", json!(target));
        object
    };
    let workload = |resources: Value| {
        let containers = json!([{ "name": "app", "resources": resources }]);
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "shop" },
            "spec": { "template": { "spec": { "containers": containers } } } })
    };
    let range = json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": { "name": "x", "namespace": "shop" },
        "spec": { "limits": [{ "type": "Container", "default": { "cpu": "1" } }] } });
    let said = |documents: &[Value]| {
        let text = json!({ "apiVersion": "v1", "kind": "List", "items": documents }).to_string();
        let mut findings = check(&text, &CONTEXT, engine::Time::default()).unwrap();
        judge_together(findings.iter_mut().map(|finding| ("file", finding)));
        findings.into_iter().flat_map(|finding| finding.problems).collect::<Vec<_>>()
    };
    let enough = json!({ "requests": { "cpu": "1" } });
    assert_eq!(said(&[of_cpu("web"), workload(enough)]), []);
    assert_eq!(said(&[of_cpu("web")]), [], "it may be in the cluster");
    assert_eq!(said(&[of_cpu("elsewhere"), workload(json!({}))]), []);
    let found = said(&[of_cpu("web"), workload(json!({}))]);
    assert!(found.len() == 1 && found[0].fault.detail.contains("container app doesn't have the cpu request"));
    assert_eq!(said(&[workload(json!({})), of_cpu("web"), range]), []);
    // Two HPAs of one name.
    let mut other = least();
    set(&mut other, "/metadata/name", json!("other"));
    set(&mut other, "/spec/scaleTargetRef/name", json!("other"));
    assert_eq!(said(&[least(), other.clone()]), []);
    set(
        &mut other,
        "/spec/advanced",
        json!({ "horizontalPodAutoscalerConfig": { "name": "keda-hpa-worker" } }),
    );
    let found = said(&[least(), other]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fault.kind, FaultKind::Duplicate);
    assert!(
        found[0]
            .fault
            .detail
            .contains("the HPA 'keda-hpa-worker' is already managed by the ScaledObject 'worker'")
    );
    // An HPA in the same files, which may be taken over or says that it owns nothing.
    let hpa = |annotations: Value| {
        json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "theirs", "namespace": "shop", "annotations": annotations },
            "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "worker" },
                      "maxReplicas": 5 } })
    };
    assert_eq!(said(&[hpa(json!({})), least()]).len(), 1);
    assert_eq!(said(&[hpa(json!({ "validations.keda.sh/hpa-ownership": "false" })), least()]), []);
    let mut taking = annotated("scaledobject.keda.sh/transfer-hpa-ownership", "true");
    set(&mut taking, "/spec/advanced", json!({ "horizontalPodAutoscalerConfig": { "name": "theirs" } }));
    assert_eq!(said(&[hpa(json!({})), taking]), []);
}
