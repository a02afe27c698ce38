//! The document's ScaledObject, unchanged but for its server, with a real Prometheus.

use testbed::{Answer, PrometheusOptions, PrometheusServer, Scrape};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_scaled_object_works_as_it_is() {
    let scene = Scene::new("keda-document").await;
    let requests = |count: u32| {
        let text = format!("python_request_operations_total {count}\n");
        scene.metrics.set("/metrics", Answer::new(http::StatusCode::OK, testbed::Body::Text(text)));
    };
    requests(11);
    let options = PrometheusOptions {
        scrapes: vec![Scrape::of("python", scene.metrics.address().to_string())],
        interval: Duration::from_millis(500),
        ..PrometheusOptions::default()
    };
    let prometheus = PrometheusServer::start(options).await.unwrap();
    let target = scene.podless_deployment("test", 0).await;
    let operator = scene.operator(&[]).await;
    let spec = json!({
        "scaleTargetRef": { "name": "test" },
        "minReplicaCount": 1,
        "pollingInterval": 2,
        "triggers": [{ "type": "prometheus", "metadata": {
            "serverAddress": prometheus.url(), "metricName": "python_request_operations_total",
            "query": "sum(python_request_operations_total)", "threshold": "25" } }],
    });
    let scaling = scene.object(KIND, "scaledobject-py", spec).await;
    // Someone above 0 is active: the way from 0 is ours, everything above is the HPA's.
    target.wait_for(1).await;
    scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    scaling.wait_for("Active", "True", "ScalerActive").await;
    let hpa = wait_for_hpa(&scene, "keda-hpa-scaledobject-py", |_| true).await;
    let spec = serde_json::to_value(&hpa.spec).unwrap();
    assert_eq!((&spec["minReplicas"], &spec["maxReplicas"]), (&json!(1), &json!(100)));
    assert_eq!(
        spec["metrics"],
        json!([{ "type": "External", "external": {
            "metric": { "name": "s0-prometheus",
                        "selector": { "matchLabels": { "scaledobject.keda.sh/name": "scaledobject-py" } } },
            "target": { "type": "AverageValue", "averageValue": "25" } } }])
    );
    let columns = scaling.columns().await;
    for (column, wanted) in [
        ("ScaleTargetKind", json!("apps/v1.Deployment")),
        ("ScaleTargetName", json!("test")),
        ("Min", json!(1)),
        ("Ready", json!("True")),
        ("Active", json!("True")),
        ("Fallback", json!("False")),
        ("Paused", json!("False")),
        ("Triggers", json!("prometheus")),
        ("Authentications", json!("")),
    ] {
        assert_eq!(columns[column], wanted, "{column}");
    }
    scaling.wait_for_event("Normal", "ScaledObjectReady", "ScaledObject is ready for scaling").await;
    scaling.wait_for_event("Normal", "KEDAScalersStarted", "Scaler prometheus is built").await;
    // While it is active nothing is written from poll to poll, as soon as the HPA has said what it has to say.
    let look = || async {
        let before = (operator.writes("status", "done").await, identity(&scaling.get().await.metadata));
        operator.wait_for_polls("unchanged", 3.0).await;
        let after = (operator.writes("status", "done").await, identity(&scaling.get().await.metadata));
        if before == after { Ok(()) } else { Err(format!("{before:?} {after:?}")) }
    };
    wait::until("polls without a write", LIMIT, look).await.unwrap();
    requests(0);
    scaling.wait_for("Active", "False", "ScalerNotActive").await;
    assert_eq!(target.asked().await, 1, "it has a minimum");
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_4_4_a_target_goes_to_zero_and_to_idle_and_back() {
    let scene = Scene::new("keda-zero").await;
    let (web, idle) = (scene.podless_deployment("web", 3).await, scene.podless_deployment("idle", 4).await);
    value(&scene, 5.0);
    scene.operator(&[]).await;
    let to_zero = scene.object(KIND, "web", spec(&scene, "web")).await;
    let fields = json!({ "minReplicaCount": 3, "idleReplicaCount": 1 });
    let to_idle = scene.object(KIND, "idle", with(&scene, "idle", fields)).await;
    to_zero.wait_for("Active", "True", "ScalerActive").await;
    to_idle.wait_for("Active", "True", "ScalerActive").await;
    assert_eq!((web.asked().await, idle.asked().await), (3, 4), "what is between is the HPA's");
    value(&scene, 0.0);
    web.wait_for(0).await;
    idle.wait_for(1).await;
    to_zero.wait_for("Active", "False", "ScalerNotActive").await;
    to_zero.wait_for_event("Normal", "KEDAScaleTargetDeactivated", "from 3 to 0").await;
    let status = to_zero.status().await;
    assert_eq!(status["originalReplicaCount"], 3);
    assert!(status["lastActiveTime"].is_string());
    value(&scene, 5.0);
    web.wait_for(1).await;
    idle.wait_for(3).await;
    to_zero
        .wait_for_event("Normal", "KEDAScaleTargetActivated", "from 0 to 1, triggered by s0-prometheus")
        .await;
    value(&scene, 0.0);
    web.wait_for(0).await;
    to_zero.annotate("autoscaling.keda.sh/force-activation", Some("true")).await;
    web.wait_for(1).await;
    let message = to_zero.wait_for("Active", "True", "ScalerActive").await;
    assert!(message.contains("activation is being forced by annotation"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_4_5_a_trigger_that_fails_says_why_and_falls_back() {
    let scene = Scene::new("keda-fallback").await;
    let web = scene.podless_deployment("web", 0).await;
    scene.operator(&[]).await;
    let failing = scene.object(KIND, "web", spec(&scene, "web")).await;
    let message = failing.wait_for("Ready", "False", "TriggerError").await;
    assert!(
        message.starts_with("Triggers defined in ScaledObject are not working correctly; s0-prometheus: "),
        "{message}"
    );
    assert!(message.contains("404"), "{message}");
    failing.wait_for_event("Warning", "KEDAScalerFailed", "404").await;
    assert_eq!(web.asked().await, 0, "nothing is scaled by what is not known");
    failing.patch_spec(json!({ "fallback": { "failureThreshold": 2, "replicas": 6 } })).await;
    failing.wait_for("Fallback", "True", "FallbackExists").await;
    web.wait_for(1).await;
    let status = failing.status().await;
    assert_eq!(status["health"]["s0-prometheus"]["status"], "Failing");
    value(&scene, 5.0);
    failing.wait_for("Fallback", "False", "NoFallbackFound").await;
    failing.wait_for("Ready", "True", "ScaledObjectReady").await;
    failing.wait_for_event("Normal", "ScaledObjectFallbackDeactivated", "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_mode_scales_without_an_hpa() {
    let scene = Scene::new("keda-direct").await;
    let web = scene.podless_deployment("web", 1).await;
    value(&scene, 45.0);
    scene.operator(&[]).await;
    let behavior = json!({ "scaleDown": { "stabilizationWindowSeconds": 0 } });
    let fields = json!({ "maxReplicaCount": 6, "advanced": { "horizontalPodAutoscalerConfig": { "behavior": behavior } } });
    let annotations = json!({ "polyscaler.dev/actuation": "direct" });
    let scaling = annotated(&scene, "web", with(&scene, "web", fields), annotations).await;
    web.wait_for(5).await;
    assert!(hpas(&scene).get_opt("keda-hpa-web").await.unwrap().is_none());
    value(&scene, 400.0);
    web.wait_for(6).await;
    value(&scene, 0.0);
    web.wait_for(0).await;
    // With the annotation gone it is the HPA's again.
    scaling.annotate("polyscaler.dev/actuation", None).await;
    wait_for_hpa(&scene, "keda-hpa-web", |_| true).await;
    scaling.annotate("polyscaler.dev/actuation", Some("direct")).await;
    wait_until_gone(&scene, "keda-hpa-web").await;
}
