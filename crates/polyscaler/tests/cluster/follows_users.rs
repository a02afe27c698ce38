//! The manifest of the README, from applying it to Ready pods, and what it shows on the way.

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use testbed::fixtures;

use crate::harness::{Scene, seconds};

/// As users have it, to the letter.
const SEED: &str = r#"apiVersion: example.com/v1
kind: BusinessScaling
metadata:
  name: scale-app-based-on-users
spec:
  targetDeployment: "payment-service"
  metricSource: "https://api.example.com/active-users"
  scaleThresholds:
    minUsers: 1000
    maxUsers: 5000
    minReplicas: 2
    maxReplicas: 10
"#;

fn parse(manifest: &str) -> Value {
    serde_saphyr::from_str(manifest).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeds_manifest_works_as_it_is() {
    let scene = Scene::new("seed").await;
    let in_default: Api<Deployment> = Api::default_namespaced(scene.client.clone());
    in_default
        .create(&PostParams::default(), &fixtures::deployment("payment-service", "default", 3))
        .await
        .unwrap();
    let namespaces = format!("--namespaces=default,{}", scene.namespace);
    let operator = scene.operator(&[&namespaces]).await;
    let scaling = scene.existing("scale-app-based-on-users");
    let apply = |manifest: Value| async {
        let params = PatchParams::apply("kubectl");
        scaling.api.patch(&scaling.name, &params, &Patch::Apply(manifest)).await.unwrap();
    };

    // Nobody answers at the address of the example, and nothing is scaled for that.
    apply(parse(SEED)).await;
    let message = scaling.wait_for("Ready", "False", "MetricConnectionFailed").await;
    assert!(message.contains("https://api.example.com/active-users"), "{message}");
    for touch in 0..3 {
        scaling.patch_spec(json!({ "scaleThresholds": { "minUsers": 100 + touch } })).await;
        operator.wait_for_polls("metric_absent", 1.0).await;
    }
    let payment = in_default.get("payment-service").await.unwrap();
    assert_eq!(payment.spec.unwrap().replicas, Some(3));
    scaling.wait_for_event("Warning", "MetricConnectionFailed", "api.example.com").await;

    // A default is in the status, with where it comes from, and not in the spec, which the manifest's owner owns.
    assert_eq!(scaling.get().await.data["spec"].get("intervalSeconds"), None);
    let default =
        |field: &str, value: &str, from: &str| json!({ "field": field, "value": value, "from": from });
    let defaults = json!([
        default("spec.intervalSeconds", "60", "default"),
        default("spec.safety", "tolerance 0.1, scale-in window 300 s", "default, as in the HPA"),
    ]);
    scaling.wait_for_field("defaults", defaults).await;

    // With an address of ours in place of the example's, the next poll is at once, not in an hour.
    let target = scene.deployment("payment-service", 3).await;
    scene.users("/active-users", 3000);
    let mut manifest = parse(&SEED.replace("https://api.example.com", &scene.metrics.url("")));
    manifest["spec"]["namespace"] = json!(scene.namespace);
    manifest["spec"]["intervalSeconds"] = json!(3600);
    let params = PatchParams::apply("kubectl").force();
    scaling.api.patch(&scaling.name, &params, &Patch::Apply(manifest)).await.unwrap();
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    target.wait_until_ready(6).await;
    scaling.delete().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_follow_users_and_everything_reports_why() {
    let scene = Scene::new("follow").await;
    let target = scene.deployment("web", 3).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let recorder = target.record().await;

    target.wait_for(6).await;
    target.wait_until_ready(6).await;
    for (users, replicas) in [(json!(0), 2), (json!(9000), 10), (json!(1499), 2), (json!(1500.5), 3)] {
        scene.users("/users", users);
        target.wait_for(replicas).await;
    }
    target.wait_until_ready(3).await;
    recorder.expect(&[6, 2, 10, 2, 3]).await;

    scaling.wait_for_field("currentReplicas", 3).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let object = scaling.get().await;
    let status = &object.data["status"];
    assert_eq!(status["target"], "Deployment/web");
    assert_eq!(status["metricValue"], 1500.5);
    assert_eq!(status["desiredReplicas"], 3);
    assert_eq!(status["lastDecision"], "linear 3 (1500.5 in 1000..5000)", "the one that saw 3 replicas");
    assert_eq!(status["lastScaleReason"], "linear 2→3 (1500.5 in 1000..5000)");
    assert_eq!(status["observedGeneration"], object.metadata.generation.unwrap());
    let said: Vec<[&str; 3]> = status["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| ["type", "status", "reason"].map(|field| found[field].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ["Ready", "True", "Ready"],
            ["AbleToScale", "True", "ReadyForNewScale"],
            ["ScalingActive", "True", "ValidMetricFound"],
            ["ScalingLimited", "False", "DesiredWithinRange"],
            ["Paused", "False", "NotPaused"],
        ]
    );
    for condition in status["conditions"].as_array().unwrap() {
        assert_eq!(condition["observedGeneration"], object.metadata.generation.unwrap());
        assert!(condition["lastTransitionTime"].as_str().unwrap().ends_with('Z'));
        assert!(!condition["message"].as_str().unwrap().is_empty());
    }

    let place = format!("Deployment {}/web", scene.namespace);
    for (from, to, basis) in [
        (2, 3, "1500.5 in 1000..5000"),
        (10, 2, "1499 in 1000..5000"),
        (2, 10, "9000 above 1000..5000"),
        (6, 2, "0 below 1000..5000"),
        (3, 6, "3000 in 1000..5000"),
    ] {
        let note = format!("scaled {place} from {from} to {to}: linear {from}→{to} ({basis})");
        scaling.wait_for_event("Normal", "SuccessfulRescale", &note).await;
    }
    let events = scaling.events().await;
    assert_eq!(events.len(), 5, "one for each scale and none besides: {events:#?}");
    for event in &events {
        assert_eq!(event.reporting_controller.as_deref(), Some("polyscaler"));
        let regarding = event.regarding.as_ref().unwrap();
        assert_eq!(regarding.uid, object.metadata.uid);
        assert_eq!(regarding.kind.as_deref(), Some("BusinessScaling"));
    }

    let actions = operator.actions_of(&scaling.name).await;
    let moves: Vec<_> =
        actions.iter().map(|action| (action["from"].as_i64(), action["to"].as_i64())).collect();
    assert_eq!(moves, [(3, 6), (6, 2), (2, 10), (10, 2), (2, 3)].map(|(from, to)| (Some(from), Some(to))));
    assert!(actions.iter().all(|action| action["applied"] == true), "{actions:?}");
    assert_eq!(actions[0]["target"], "Deployment/web");
    assert_eq!(actions[0]["kind"], "BusinessScaling");
    assert_eq!(actions[0]["namespace"], scene.namespace);
    assert_eq!(actions[0]["steps"], json!(["linear 3→6 (3000 in 1000..5000)"]));

    let web = target.get().await;
    let ours: Vec<_> = web
        .managed_fields()
        .iter()
        .filter(|entry| entry.manager.as_deref() == Some("polyscaler"))
        .map(|entry| (entry.operation.clone().unwrap(), entry.subresource.clone().unwrap_or_default()))
        .collect();
    assert_eq!(ours, [("Update".to_owned(), "scale".to_owned())], "the scale subresource and nothing else");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_take_time_are_waited_for_by_nobody() {
    let scene = Scene::new("delay").await;
    let delay = seconds(20.0);
    let slow = fixtures::with_ready_delay(fixtures::deployment("slow", &scene.namespace, 2), delay);
    let target = scene.create_deployment(slow).await;
    target.wait_until_ready(2).await;
    scene.users("/users", 5000);
    scene.operator(&[]).await;
    scene.business_scaling("slow", scene.spec("slow", "/users")).await;
    target.wait_for(10).await;
    assert!(target.ready().await < 10);
    target.wait_until_ready(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_go_to_zero_and_come_back() {
    let scene = Scene::new("zero").await;
    let target = scene.deployment("web", 1).await;
    scene.users("/users", 0);
    let operator = scene.operator(&[]).await;
    let mut spec = scene.spec("web", "/users");
    spec["scaleThresholds"] = json!({ "minUsers": 0, "maxUsers": 100, "minReplicas": 0, "maxReplicas": 5 });
    let scaling = scene.business_scaling("web", spec).await;
    target.wait_for(0).await;
    target.wait_until_ready(0).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    scaling.wait_for_field("currentReplicas", 0).await;
    scene.users("/users", 60);
    target.wait_for(3).await;
    target.wait_until_ready(3).await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "from 0 to 3").await;
    assert_eq!(operator.writes("scale", "refused").await, 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_shows_what_matters() {
    let scene = Scene::new("columns").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for_field("currentReplicas", 6).await;

    let table = table(&scene, &scaling.name).await;
    let columns: Vec<&str> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        columns,
        [
            "Name", "Target", "Metric", "Min", "Max", "Current", "Desired", "Ready", "Reason", "Mode",
            "Stale", "Decision", "Age"
        ]
    );
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    let wanted = json!([scaling.name, "Deployment/web", 3000, 2, 10, 6, 6, "True", "Ready", "Active", null]);
    assert_eq!(json!(cells[..11]), wanted);

    let listed = scene.client.list_api_group_resources("example.com/v1").await.unwrap();
    let resource = listed.resources.iter().find(|resource| resource.name == "businessscalings").unwrap();
    assert_eq!(resource.short_names, Some(vec!["bs".to_owned()]));
    assert_eq!(resource.categories, Some(vec!["polyscaler".to_owned()]));
    assert!(!resource.namespaced);
}

/// What `kubectl get` prints of a BusinessScaling.
async fn table(scene: &Scene, name: &str) -> Value {
    let request = http::Request::get(format!("/apis/example.com/v1/businessscalings/{name}"))
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Vec::new())
        .unwrap();
    scene.client.request(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_invalid_edit_the_old_figures_are_marked() {
    let scene = Scene::new("stale").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for_field("currentReplicas", 6).await;

    scaling.set_mode(Some("obsrve")).await;
    scaling.wait_for("Ready", "False", "InvalidSpec").await;
    scaling.wait_for_event("Warning", "InvalidSpec", "metadata.annotations[polyscaler.dev/mode]").await;
    let shown = table(&scene, &scaling.name).await;
    let cells = shown["rows"][0]["cells"].as_array().unwrap();
    let wanted = json!([3000, 2, 10, 6, 6, "False", "InvalidSpec", "Active"]);
    assert_eq!(json!(cells[2..10]), wanted);
    assert!(cells[10].as_str().unwrap().ends_with('s'), "since some seconds: {cells:?}");

    scaling.set_mode(Some("observe")).await;
    scaling.wait_for("Ready", "True", "Observing").await;
    scaling.wait_for_event("Normal", "Observing", "recorded but not applied from now on").await;
    let shown = table(&scene, &scaling.name).await;
    assert_eq!(json!(shown["rows"][0]["cells"].as_array().unwrap()[9..11]), json!(["Observing", null]));
    scaling.set_mode(None).await;
    scaling.wait_for_event("Normal", "Active", "applied from now on").await;
}
