//! ScaledObjects, scaled by the real HPA controller from what the operator answers.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use serde_json::json;
use testbed::wait;

use super::MetricsApi;
use crate::harness::LIMIT;
use crate::packaging::manifests::{apply, parse};
use crate::packaging::read;

const METRIC: &str = "s0-metric-api-active_users";

/// Lets the HPA controller read, as the installation does.
async fn let_hpas_read(api: &MetricsApi) {
    apply(&api.scene.client, &parse(&read("config/external-metrics/reader_role.yaml"))).await;
}

/// The condition ScalingActive of the HPA that is kept for `web`, as `status reason: message`.
async fn scaling_active(api: &MetricsApi) -> String {
    let hpas: Api<HorizontalPodAutoscaler> = api.scene.namespaced();
    let Some(hpa) = hpas.get_opt("keda-hpa-web").await.unwrap() else { return String::new() };
    let conditions = hpa.status.and_then(|status| status.conditions).unwrap_or_default();
    let active = conditions.into_iter().find(|condition| condition.type_ == "ScalingActive");
    active.map_or_else(String::new, |found| {
        format!(
            "{} {}: {}",
            found.status,
            found.reason.unwrap_or_default(),
            found.message.unwrap_or_default()
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_5_an_hpa_scales_by_what_is_published_and_holds_where_there_is_nothing() {
    let api = MetricsApi::begin("scaled").await;
    let_hpas_read(&api).await;
    let target = api.scene.deployment("web", 1).await;
    api.scene.users("/users", 450);
    let _operator = api.operator(&api.port, &[]).await;
    api.leads_to(&api.port).await;
    let at_once = json!({ "scaleDown": { "stabilizationWindowSeconds": 0 } });
    let spec = json!({ "advanced": { "horizontalPodAutoscalerConfig": { "behavior": at_once } } });
    let scaling = api.scaled_object("web", json!({}), spec).await;
    target.wait_for(5).await;
    let list = api.get(&api.path("web", METRIC)).await.unwrap();
    assert_eq!(
        (&list["items"][0]["metricName"], &list["items"][0]["value"]),
        (&json!(METRIC), &json!("450"))
    );
    let active = scaling_active(&api).await;
    assert!(active.starts_with("True ValidMetricFound"), "{active}");
    assert_eq!(scaling.status().await["externalMetricNames"], json!([METRIC]));

    api.scene.users("/users", 199.5);
    target.wait_for(2).await;
    let (code, why) = api.why_not(&api.path("web", "s1-cron")).await;
    assert_eq!(code, 500);
    assert!(why.contains("no matching metrics found for s1-cron") && why.contains(METRIC), "{why}");

    // A source that fails is an error for the HPA, which then leaves the target as it is.
    api.scene.metrics.set_json("/users", &json!({ "active_users": "many" }));
    let fails = || async {
        let active = scaling_active(&api).await;
        let is_so = active.starts_with("False FailedGetExternalMetric") && active.contains(METRIC);
        if is_so { Ok(()) } else { Err(active) }
    };
    wait::until("the HPA says so", LIMIT, fails).await.unwrap();
    assert_eq!(target.asked().await, 2);
    let (code, why) = api.why_not(&api.path("web", METRIC)).await;
    assert!(code == 500 && why.contains(&format!("metric:{METRIC} encountered error")), "{code} {why}");

    api.scene.users("/users", 950);
    target.wait_for(10).await;
    scaling.delete().await;
    let forgotten = || async {
        match api.get(&api.path("web", METRIC)).await {
            Err(status) if status.message.contains("does not exist") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("it is forgotten", LIMIT, forgotten).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leads_the_value_is_the_same() {
    let api = MetricsApi::begin("scaled").await;
    let args = ["--lease-duration=10s", "--peer-address=127.0.0.1:0"];
    api.scene.podless_deployment("web", 1).await;
    api.scene.users("/users", 450);
    let other = testbed::ports::PortClaim::new().unwrap();
    let leader = api.operator(&other, &args).await;
    api.scaled_object("web", json!({}), json!({})).await;
    leader.wait_for_polls("unchanged", 1.0).await;
    let follower = api.operator(&api.port, &args).await;
    api.leads_to(&api.port).await;
    let path = api.path("web", METRIC);
    let answers = || async {
        match api.get(&path).await {
            Ok(list) => {
                assert_eq!(list["items"][0]["value"], "450");
                Ok(())
            }
            // An error is no number that somebody made up.
            Err(status) => Err(status.message),
        }
    };
    wait::until("the leader's value", LIMIT, answers).await.unwrap();
    assert!(!follower.leads().await);
    leader.kill().await;
    let takes_over = || async {
        answers().await?;
        if follower.leads().await { Ok(()) } else { Err("another leads".to_owned()) }
    };
    wait::until("its own value", LIMIT, takes_over).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_question_of_an_hpa_is_answered_with_a_value() {
    let api = MetricsApi::begin("first").await;
    api.scene.podless_deployment("before", 1).await;
    api.scene.users("/users", 450);
    let operator = api.operator(&api.port, &[]).await;
    api.leads_to(&api.port).await;
    api.scaled_object("before", json!({}), json!({ "pollingInterval": 600 })).await;
    operator.wait_for_polls("unchanged", 1.0).await;
    // Each is asked for as soon as its HPA is there, which is what wakes the HPA controller.
    let hpas: kube::Api<HorizontalPodAutoscaler> = api.scene.namespaced();
    for index in 0..5 {
        let name = format!("web-{index}");
        api.scene.podless_deployment(&name, 1).await;
        api.scaled_object(&name, json!({}), json!({ "pollingInterval": 600 })).await;
        let made = || async { hpas.get_opt(&format!("keda-hpa-{name}")).await.unwrap() };
        wait::until("its HPA is made", LIMIT, made).await.unwrap();
        let list = api.get(&api.path(&name, METRIC)).await.unwrap();
        assert_eq!(list["items"][0]["value"], "450");
    }
}

/// What an object cannot do is said where people look for it.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_hpa_cannot_read_says_so() {
    let api = MetricsApi::begin("scaled").await;
    api.scene.podless_deployment("web", 1).await;
    api.scene.users("/users", 450);
    let operator = api.scene.operator(&[]).await;
    let scaling = api.scaled_object("web", json!({}), json!({})).await;
    let look = || async {
        let text = operator.activity_text("/objects").await;
        let objects: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap_or_default();
        let warnings = objects.first().map(|object| object["warnings"].to_string()).unwrap_or_default();
        if warnings.contains("--external-metrics-address") { Ok(warnings) } else { Err(text) }
    };
    let warnings = wait::until("it says so", LIMIT, look).await.unwrap();
    assert!(warnings.contains("polyscaler.dev/actuation"), "{warnings}");
    let message = scaling.wait_for("Ready", "True", "ScaledObjectReady").await;
    assert!(message.contains("set the annotation polyscaler.dev/actuation: direct"), "{message}");
}
