//! A cluster that KEDA has left is taken over as it is.

use kube::api::{Patch, PatchParams};

use super::*;

/// An object, its HPA and its status as KEDA leaves them: it was last active long ago.
async fn left_by_keda(scene: &Scene, name: &str) -> (Scaling, HorizontalPodAutoscaler) {
    let scaling = Scaling::namespaced(&scene.client, &scene.namespace, KIND, name);
    let mut spec = with(scene, name, json!({ "cooldownPeriod": 300 }));
    spec["triggers"][0]["metadata"]["threshold"] = json!("2.5");
    spec["triggers"][0]["useCachedMetrics"] = json!(false);
    let labels = json!({ "scaledobject.keda.sh/name": name });
    let object = json!({
        "apiVersion": KIND.0, "kind": KIND.1,
        "metadata": { "name": name, "namespace": scene.namespace, "labels": labels, "finalizers": ["finalizer.keda.sh"] },
        "spec": spec,
    });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    let object = scaling.api.create(&PostParams::default(), &object).await.unwrap();
    let hpa_name = format!("keda-hpa-{name}");
    let metric = json!({ "name": "s0-prometheus", "selector": { "matchLabels": labels } });
    let target = json!({ "type": "AverageValue", "averageValue": "2500m" });
    let hpa = json!({
        "metadata": {
            "name": hpa_name,
            "labels": {
                "app.kubernetes.io/managed-by": "keda-operator", "app.kubernetes.io/name": hpa_name,
                "app.kubernetes.io/part-of": name, "app.kubernetes.io/version": "2.20.2",
                "scaledobject.keda.sh/name": name,
            },
            "ownerReferences": [{
                "apiVersion": KIND.0, "kind": KIND.1, "name": name, "uid": object.uid().unwrap(),
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
            "minReplicas": 1, "maxReplicas": 100,
            "metrics": [{ "type": "External", "external": { "metric": metric, "target": target } }],
        },
    });
    let hpa =
        hpas(scene).create(&PostParams::default(), &serde_json::from_value(hpa).unwrap()).await.unwrap();
    let condition = |type_: &str, status: &str, reason: &str| json!({ "type": type_, "status": status, "reason": reason });
    let status = json!({ "status": {
        "scaleTargetKind": "apps/v1.Deployment",
        "scaleTargetGVKR": { "group": "apps", "version": "v1", "kind": "Deployment", "resource": "deployments" },
        "originalReplicaCount": 7, "lastActiveTime": "2026-01-01T00:00:00Z",
        "externalMetricNames": ["s0-prometheus"], "hpaName": hpa_name, "triggersTypes": "prometheus",
        "authenticationsTypes": "", "triggersActivity": { "s0-prometheus": { "isActive": true } },
        "conditions": [
            condition("Ready", "True", "ScaledObjectReady"), condition("Active", "True", "ScalerActive"),
            condition("Fallback", "False", "NoFallbackFound"), json!({ "type": "Paused", "status": "False" }),
        ],
    } });
    scaling.api.patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    (scaling, hpa)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keda_made_is_taken_over_in_place() {
    let scene = Scene::new("keda-adopted").await;
    let target = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    let (scaling, hpa) = left_by_keda(&scene, "web").await;
    let uid = scaling.get().await.uid();
    let recorder = target.record().await;
    let operator = scene.operator(&[]).await;
    scaling.wait_for("Active", "True", "ScalerActive").await;
    operator.wait_for_polls("unchanged", 3.0).await;
    // The version of the program is another one; nothing else changes.
    let after = wait_for_hpa(&scene, "keda-hpa-web", |hpa| {
        hpa.labels().get("app.kubernetes.io/version").is_some_and(|version| version != "2.20.2")
    })
    .await;
    assert_eq!(after.uid(), hpa.uid());
    assert_eq!(after.spec, hpa.spec);
    assert_eq!(after.owner_references(), hpa.owner_references());
    assert_eq!((target.asked().await, recorder.changes().len()), (2, 0), "no replica changes");
    let object = scaling.get().await;
    assert_eq!(object.uid(), uid);
    let status = &object.data["status"];
    assert_eq!(status["originalReplicaCount"], 7, "that is the one before KEDA");
    assert_eq!(status["hpaName"], "keda-hpa-web");
}

/// What KEDA needs to go on stands there when polyscaler has been stopped.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_over_can_be_handed_back() {
    let scene = Scene::new("keda-back").await;
    let target = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    let (scaling, hpa) = left_by_keda(&scene, "web").await;
    let before = scaling.get().await;
    let recorder = target.record().await;
    let operator = scene.operator(&[]).await;
    wait_for_hpa(&scene, "keda-hpa-web", |hpa| {
        hpa.labels().get("app.kubernetes.io/version").is_some_and(|version| version != "2.20.2")
    })
    .await;
    operator.wait_for_polls("unchanged", 3.0).await;
    operator.terminate(LIMIT).await;
    let (after, kept) = (scaling.get().await, hpas(&scene).get("keda-hpa-web").await.unwrap());
    assert_eq!((after.uid(), after.data["spec"].clone()), (before.uid(), before.data["spec"].clone()));
    assert_eq!(after.labels(), before.labels());
    // KEDA puts its finalizer on again; nobody else's is left that it could not take off.
    assert_eq!(after.finalizers(), [""; 0]);
    let owners = |hpa: &HorizontalPodAutoscaler| hpa.owner_references().to_vec();
    assert_eq!((kept.uid(), kept.spec.clone(), owners(&kept)), (hpa.uid(), hpa.spec.clone(), owners(&hpa)));
    let names = |hpa: &HorizontalPodAutoscaler| hpa.labels().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&hpa));
    assert_eq!((target.asked().await, recorder.changes().len()), (2, 0), "no replica changes");
    let [was, is] = [&before, &after].map(|object| object.data["status"].clone());
    for field in [
        "scaleTargetKind",
        "scaleTargetGVKR",
        "originalReplicaCount",
        "externalMetricNames",
        "hpaName",
        "triggersTypes",
        "authenticationsTypes",
        "triggersActivity",
    ] {
        assert_eq!(is[field], was[field], "{field}");
    }
    assert!(is["lastActiveTime"].is_string(), "{is}");
    for (was, is) in was["conditions"].as_array().unwrap().iter().zip(is["conditions"].as_array().unwrap()) {
        assert_eq!(
            [&was["type"], &was["status"], &was["reason"]],
            [&is["type"], &is["status"], &is["reason"]]
        );
    }
    // Nothing stands there that KEDA's own CRD does not have.
    let known = was.as_object().unwrap();
    let unknown: Vec<&String> =
        is.as_object().unwrap().keys().filter(|field| !known.contains_key(*field)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_goes_on_where_keda_left_it() {
    let scene = Scene::new("keda-cooldown").await;
    let (past, present) =
        (scene.podless_deployment("past", 2).await, scene.podless_deployment("present", 2).await);
    value(&scene, 0.0);
    left_by_keda(&scene, "past").await;
    let (scaling, _) = left_by_keda(&scene, "present").await;
    let now = runner::Clock::now(&runner::SystemClock::start());
    let active =
        json!({ "status": { "lastActiveTime": engine::Time::from_seconds(now.as_millis() / 1000) } });
    scaling.api.patch_status("present", &PatchParams::default(), &Patch::Merge(&active)).await.unwrap();
    scene.operator(&[]).await;
    past.wait_for(0).await;
    scaling.wait_for("Active", "False", "ScalerCooldown").await;
    assert_eq!(present.asked().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_1_1_an_object_that_keda_holds_goes_when_it_is_deleted() {
    let scene = Scene::new("keda-release").await;
    let target = scene.podless_deployment("web", 2).await;
    value(&scene, 5.0);
    let (scaling, _) = left_by_keda(&scene, "web").await;
    scene.operator(&[]).await;
    scaling.wait_for("Active", "True", "ScalerActive").await;
    scaling.delete().await;
    super::goes::wait_until_deleted(&scaling).await;
    assert_eq!(target.asked().await, 2, "its replicas stay");
}
