//! What the API server, our CRD and the operator refuse.

use kube::api::{Patch, PatchParams, PostParams};

use super::*;
use crate::cluster::any_target::{fleet, fleet_crd};
use crate::harness::control_plane;

#[tokio::test(flavor = "multi_thread")]
async fn contract_1_1_the_api_server_refuses_what_kedas_crd_refuses() {
    let scene = Scene::new("keda-rules").await;
    let api = Scaling::namespaced(&scene.client, &scene.namespace, KIND, "web").api;
    for (fields, wanted) in [
        (
            json!({ "minReplicaCount": 5, "maxReplicaCount": 3 }),
            "minReplicaCount must be less than or equal to maxReplicaCount",
        ),
        (json!({ "minReplicaCount": 101 }), "minReplicaCount must be less than or equal to maxReplicaCount"),
        (json!({ "pollingInterval": 0 }), "spec.pollingInterval"),
        (json!({ "triggers": [] }), "spec.triggers"),
        (json!({ "scaleTargetRef": {} }), "spec.scaleTargetRef.name: Required value"),
        (
            json!({ "fallback": { "failureThreshold": 1, "replicas": 1, "behavior": "none" } }),
            "Unsupported value: \"none\"",
        ),
        (
            json!({ "triggers": [{ "type": "cpu", "metadata": { "value": 5 } }] }),
            "spec.triggers[0].metadata.value in body must be of type string",
        ),
    ] {
        let object = json!({
            "apiVersion": KIND.0, "kind": KIND.1, "metadata": { "name": "web", "namespace": scene.namespace },
            "spec": with(&scene, "web", fields),
        });
        let object: DynamicObject = serde_json::from_value(object).unwrap();
        let refused = api.create(&PostParams::default(), &object).await.unwrap_err().to_string();
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    // Only one default stands in the schema.
    let fallback = json!({ "fallback": { "failureThreshold": 1, "replicas": 1 } });
    let made = scene.object(KIND, "web", with(&scene, "web", fallback)).await.get().await;
    let mut wanted = spec(&scene, "web");
    wanted["fallback"] = json!({ "failureThreshold": 1, "replicas": 1, "behavior": "static" });
    assert_eq!(made.data["spec"], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_2_what_is_wrong_is_said_in_the_status() {
    let scene = Scene::new("keda-wrong").await;
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let unknown = json!({ "triggers": [{ "type": "carrier-pigeon", "metadata": {} }] });
    let unknown = scene.object(KIND, "unknown", with(&scene, "web", unknown)).await;
    let message = unknown.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.starts_with("ScaledObject doesn't have correct triggers specification: "), "{message}");
    assert!(message.contains("no scaler found for type: carrier-pigeon"), "{message}");
    unknown.wait_for_event("Warning", "ScaledObjectCheckFailed", "carrier-pigeon").await;
    // As with KEDA, which labels an object before it judges it, and looks at its target before its triggers.
    let label = unknown.get().await.labels().get("scaledobject.keda.sh/name").cloned();
    assert_eq!(label.as_deref(), Some("unknown"));
    assert_eq!(unknown.columns().await["ScaleTargetKind"], "apps/v1.Deployment");
    let missing = scene.object(KIND, "missing", spec(&scene, "nowhere")).await;
    let message = missing.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.contains("Target resource doesn't exist"), "{message}");
    // It is found as soon as it is there.
    let target = scene.podless_deployment("nowhere", 0).await;
    missing.wait_for("Ready", "True", "ScaledObjectReady").await;
    target.wait_for(1).await;
}

/// What the webhook refuses with KEDA, the operator runs as KEDA's does, and says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn contract_2_rule_5_a_request_that_is_missing_is_named_without_a_webhook() {
    let scene = Scene::new("keda-requests").await;
    let mut bare = testbed::fixtures::deployment("web", &scene.namespace, 1);
    let pods = bare.spec.as_mut().unwrap();
    pods.paused = Some(true);
    pods.template.spec.as_mut().unwrap().containers[0].resources = None;
    scene.create_deployment(bare).await;
    let operator = scene.operator(&[]).await;
    let cpu = json!({ "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50" } });
    let fields = json!({ "minReplicaCount": 1, "triggers": [cpu] });
    let scaling = scene.object(KIND, "web", with(&scene, "web", fields)).await;
    let said =
        "the scaledobject has a cpu trigger but the container app doesn't have the cpu request defined";
    scaling.wait_for_event("Warning", "KEDAScalerInfo", said).await;
    let message = scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    assert!(message.contains(said) && message.contains("set resources.requests.cpu"), "{message}");
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    assert!(operator.activity_text("/objects").await.contains(said));
    let requests = json!([{ "name": "app", "resources": { "requests": { "cpu": "10m" } } }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": requests } } } });
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> = scene.namespaced();
    deployments.patch("web", &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
    // It is looked at again as soon as the object changes, and in a while anyway.
    scaling.patch_spec(json!({ "maxReplicaCount": 7 })).await;
    let look = || async {
        let message = scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
        if message.contains(said) { Err(message) } else { Ok(()) }
    };
    wait::until("nothing is missing", LIMIT, look).await.unwrap();
}

/// All in one scene: what is wrong with one object is said there, and harms no other.
#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_named_and_harms_nobody() {
    let scene = Scene::new("keda-bad").await;
    value(&scene, 5.0);
    for name in ["web", "bare", "long"] {
        scene.podless_deployment(name, 0).await;
    }
    scene.operator(&[]).await;
    let trigger = |parameters: Value| {
        let mut trigger = spec(&scene, "web")["triggers"][0].clone();
        for (name, value) in parameters.as_object().unwrap() {
            trigger["metadata"][name] = value.clone();
        }
        trigger["metadata"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
        trigger
    };
    let of = |trigger: Value| with(&scene, "web", json!({ "triggers": [trigger] }));
    let formula = |formula: &str| {
        let mut trigger = trigger(json!({}));
        trigger["name"] = json!("a");
        let modifiers = json!({ "formula": formula, "target": "10" });
        with(&scene, "web", json!({ "triggers": [trigger], "advanced": { "scalingModifiers": modifiers } }))
    };
    let mut of_nobody = trigger(json!({}));
    of_nobody["authenticationRef"] = json!({ "name": "nobody" });
    let huge = vec!["a"; 3000].join("+");
    let long = "9".repeat(10_000);
    for (name, spec, wanted) in [
        ("missing", of(trigger(json!({ "query": null }))), "missing required parameter \"query\" in"),
        ("number", of(trigger(json!({ "threshold": "+5" }))), "spec.triggers[0].metadata.threshold"),
        (
            "characters",
            of(trigger(json!({ "threshold": format!("{long}x") }))),
            "spec.triggers[0].metadata.threshold",
        ),
        ("authentication", of(of_nobody), "TriggerAuthentication"),
        ("huge", formula(&huge), "spec.advanced.scalingModifiers.formula"),
        ("endless", formula("sum(1..1000000000)"), "spec.advanced.scalingModifiers.formula"),
    ] {
        let scaling = scene.object(KIND, name, spec).await;
        let message = scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
        assert!(message.contains(wanted) && message.len() < 1024, "{name}: {message}");
        assert!(hpas(&scene).get_opt(&format!("keda-hpa-{name}")).await.unwrap().is_none());
    }
    // What comes out at a poll only. No value of a Secret that is missing is made up.
    let gone =
        json!([{ "name": "ADDRESS", "valueFrom": { "secretKeyRef": { "name": "gone", "key": "a" } } }]);
    let containers = json!([{ "name": "app", "env": gone }]);
    let env = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    let deployments: Api<k8s_openapi::api::apps::v1::Deployment> = scene.namespaced();
    deployments.patch("bare", &PatchParams::default(), &Patch::Strategic(env)).await.unwrap();
    let redis = json!({ "type": "redis", "metadata": { "addressFromEnv": "ADDRESS", "listName": "jobs" } });
    let bare = scene.object(KIND, "bare", with(&scene, "bare", json!({ "triggers": [redis] }))).await;
    let message = bare.wait_for("Ready", "False", "TriggerError").await;
    assert!(message.contains("secret") && message.contains("gone"), "{message}");
    // A name that is a label's value fits, although that of its HPA is longer than KEDA's webhook lets it be.
    let (fits, too_long) = ("n".repeat(63), "n".repeat(64));
    let longest = scene.object(KIND, &fits, with(&scene, "long", json!({ "minReplicaCount": 1 }))).await;
    longest.wait_for("Ready", "True", "ScaledObjectReady").await;
    let hpa = wait_for_hpa(&scene, &format!("keda-hpa-{fits}"), |_| true).await;
    assert_eq!(hpa.labels()["app.kubernetes.io/name"], format!("keda-hpa-{}", "n".repeat(54)));
    let refused = scene.object(KIND, &too_long, spec(&scene, "web")).await;
    let message = refused.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    assert!(message.contains("the name has 64 characters"), "{message}");
    // Ten thousand characters are none too many where they make sense.
    let query = format!("load + {}", vec!["0"; 5000].join("+"));
    let good = scene.object(KIND, "good", of(trigger(json!({ "query": query })))).await;
    good.wait_for("Ready", "True", "ScaledObjectReady").await;
    good.wait_for("Active", "True", "ScalerActive").await;
}

/// The Events of an object in the order in which `kubectl get events --sort-by=.metadata.creationTimestamp` lists them.
async fn events_in_order(scene: &Scene, name: &str) -> Vec<String> {
    let api: Api<k8s_openapi::api::core::v1::Event> = scene.namespaced();
    let params = kube::api::ListParams::default().fields(&format!("involvedObject.name={name}"));
    let mut listed = api.list(&params).await.unwrap().items;
    listed.sort_by_key(|event| event.metadata.creation_timestamp.clone());
    let said = |event: k8s_openapi::api::core::v1::Event| {
        format!("{}:{}", event.reason.unwrap_or_default(), event.message.unwrap_or_default())
    };
    listed.into_iter().map(said).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_4_10_events_come_in_kedas_order_and_once() {
    let scene = Scene::new("keda-events").await;
    scene.podless_deployment("web", 0).await;
    value(&scene, 5.0);
    let operator = scene.operator(&[]).await;
    let scaling = scene.object(KIND, "web", spec(&scene, "web")).await;
    scaling.wait_for_event("Normal", "KEDAScaleTargetActivated", "triggered by s0-prometheus").await;
    operator.wait_for_polls("unchanged", 3.0).await;
    let scaled =
        format!("Scaled apps/v1.Deployment {}/web from 0 to 1, triggered by s0-prometheus", scene.namespace);
    let mut wanted = vec![
        "KEDAScalersStarted:Scaler prometheus is built".to_owned(),
        "KEDAScalersStarted:Started scalers watch".to_owned(),
        "ScaledObjectReady:ScaledObject is ready for scaling".to_owned(),
        format!("KEDAScaleTargetActivated:{scaled}"),
    ];
    assert_eq!(events_in_order(&scene, "web").await, wanted);
    scaling.annotate("autoscaling.keda.sh/paused", Some("true")).await;
    scaling.wait_for_event("Normal", "ScaledObjectPaused", "").await;
    scaling.annotate("autoscaling.keda.sh/paused", None).await;
    scaling.wait_for_event("Normal", "ScaledObjectUnpaused", "").await;
    scaling.delete().await;
    scaling.wait_for_event("Warning", "ScaledObjectDeleted", "").await;
    wanted.extend(
        [
            "KEDAScalersStopped:Stopped scalers watch",
            "ScaledObjectPaused:ScaledObject is paused",
            "KEDAScalersStarted:Scaler prometheus is built",
            "KEDAScalersStarted:Started scalers watch",
            "ScaledObjectUnpaused:pause annotation removed for ScaledObject",
            "KEDAScalersStopped:Stopped scalers watch",
            "ScaledObjectDeleted:ScaledObject was deleted",
        ]
        .map(str::to_owned),
    );
    assert_eq!(events_in_order(&scene, "web").await, wanted);
}

/// The kind of the target goes while the object is active, and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_crd_of_the_target_that_is_removed_is_waited_for() {
    let group = "taxis.example.org";
    let scene = Scene::new("keda-crd").await;
    control_plane::install_crd(&scene.client, &fleet_crd(group, true)).await;
    let cars = fleet(&scene, group, "cars", 2).await;
    value(&scene, 5.0);
    let operator = scene.operator(&[]).await;
    let target = json!({ "name": "cars", "kind": "Fleet", "apiVersion": format!("{group}/v1beta1") });
    let scaling = scene.object(KIND, "cars", with(&scene, "cars", json!({ "scaleTargetRef": target }))).await;
    scaling.wait_for("Active", "True", "ScalerActive").await;
    let made = wait_for_hpa(&scene, "keda-hpa-cars", |_| true).await;
    let crds: Api<
        k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    > = Api::all(scene.client.clone());
    crds.delete(&format!("fleets.{group}"), &kube::api::DeleteParams::default()).await.unwrap();
    scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
    scaling.wait_for("Active", "Unknown", "UnknownState").await;
    operator.wait_for_polls("target_unavailable", 2.0).await;
    assert_eq!(hpas(&scene).get("keda-hpa-cars").await.unwrap().uid(), made.uid(), "it may come back");
    let gone = || async { crds.get_opt(&format!("fleets.{group}")).await.unwrap().is_none().then_some(()) };
    wait::until("the CRD is gone", LIMIT, gone).await.unwrap();
    control_plane::install_crd(&scene.client, &fleet_crd(group, true)).await;
    drop(cars);
    fleet(&scene, group, "cars", 0).await.wait_for(1).await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_4_8_and_4_10_a_target_that_is_not_there_or_cannot_be_scaled() {
    let scene = Scene::new("keda-no-target").await;
    value(&scene, 5.0);
    let operator = scene.operator(&[]).await;
    let daemon = json!({ "scaleTargetRef": { "name": "node", "kind": "ConfigMap", "apiVersion": "v1" } });
    let config: k8s_openapi::api::core::v1::ConfigMap =
        serde_json::from_value(json!({ "metadata": { "name": "node" } })).unwrap();
    let configs: Api<k8s_openapi::api::core::v1::ConfigMap> = scene.namespaced();
    configs.create(&PostParams::default(), &config).await.unwrap();
    for (name, spec, sentence) in [
        ("missing", spec(&scene, "nowhere"), "Target resource doesn't exist"),
        ("fixed", with(&scene, "node", daemon), "Target resource doesn't expose /scale subresource"),
    ] {
        let scaling = scene.object(KIND, name, spec).await;
        scaling.wait_for("Ready", "False", "ScaledObjectCheckFailed").await;
        let message = scaling.wait_for("Active", "Unknown", "UnknownState").await;
        assert_eq!(message, "ScaledObject check failed");
        operator.wait_for_polls("target_unavailable", 2.0).await;
        assert!(hpas(&scene).get_opt(&format!("keda-hpa-{name}")).await.unwrap().is_none());
        assert_eq!(scaling.status().await.get("hpaName"), None);
        let wanted = [sentence, "ScaledObject doesn't have correct scaleTargetRef specification"];
        scaling.wait_for_event("Warning", "ScaledObjectCheckFailed", wanted[1]).await;
        assert_eq!(
            events_in_order(&scene, name).await,
            wanted.map(|note| format!("ScaledObjectCheckFailed:{note}"))
        );
    }
}
