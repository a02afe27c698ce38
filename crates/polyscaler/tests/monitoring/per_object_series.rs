//! Series of single objects, by the real kube-state-metrics with the configuration of `config/monitoring`.

use serde_json::json;
use testbed::ports::PortClaim;
use testbed::{Supervisor, wait};

use crate::harness::{LIMIT, Scene};
use crate::monitoring::files::repository;
use crate::packaging::tools::tool;

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_its_series() {
    let scene = Scene::new("series").await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    let web = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    web.wait_for("Ready", "True", "Ready").await;
    web.set_mode(Some("observe")).await;
    web.wait_for_field("mode", "Observing").await;
    let lost = json!({ "targetDeployment": "lost", "minReplicas": 1, "maxReplicas": 7,
        "metrics": [{ "type": "cron", "targetValue": 1, "config": { "start": "0 8 * * *", "end": "0 18 * * *",
            "timezone": "Etc/UTC", "desiredReplicas": 5 } }] });
    scene.general_scaler("lost", lost).await.wait_for("Ready", "False", "TargetNotFound").await;
    of_the_other_kinds(&scene).await;

    let program = tool("kube-state-metrics");
    let supervisor = Supervisor::new("polyscaler-series").unwrap();
    let (port, own) = (PortClaim::new().unwrap(), PortClaim::new().unwrap());
    let args = [
        format!("--kubeconfig={}", scene.kubeconfig.display()),
        "--host=127.0.0.1".to_owned(),
        "--telemetry-host=127.0.0.1".to_owned(),
        format!("--port={}", port.port()),
        format!("--telemetry-port={}", own.port()),
        "--custom-resource-state-only=true".to_owned(),
        format!(
            "--custom-resource-state-config-file={}",
            repository("config/monitoring/kube_state_metrics.yaml").display()
        ),
    ];
    let process = supervisor.spawn("kube-state-metrics", program, args, &[]).unwrap();
    let http = testbed::http_client().timeout(LIMIT).build().unwrap();
    let url = format!("http://127.0.0.1:{}/metrics", port.port());
    let name = web.name.as_str();
    let namespace = scene.namespace.as_str();
    let acts_in = format!("namespace=\"{namespace}\"");
    let wanted: [(&str, &[&str], &str); 12] = [
        ("polyscaler_object_current_replicas", &[name, "BusinessScaling", &acts_in], "6"),
        ("polyscaler_object_desired_replicas", &[name], "6"),
        ("polyscaler_object_min_replicas", &[name], "2"),
        ("polyscaler_object_max_replicas", &[name], "10"),
        ("polyscaler_object_condition", &[name, r#"condition="Ready""#], "1"),
        ("polyscaler_object_info", &[name, r#"mode="Observing""#, r#"target="Deployment/web""#], "1"),
        (
            "polyscaler_object_condition",
            &[namespace, r#"name="lost""#, r#"condition="Ready""#, r#"reason="TargetNotFound""#],
            "0",
        ),
        ("polyscaler_object_max_replicas", &[namespace, r#"name="lost""#, "GeneralScaler"], "7"),
        ("polyscaler_object_info", &[namespace, r#"name="orders""#, "ScalingRule", r#"mode="Paused""#], "1"),
        ("polyscaler_object_max_replicas", &[namespace, r#"name="orders""#, "ScalingRule"], "5"),
        ("polyscaler_object_info", &[namespace, r#"name="shop""#, "ScalingGroup", r#"mode="Active""#], "1"),
        (
            "polyscaler_object_member_current_replicas",
            &[namespace, r#"name="shop""#, r#"member="front""#, r#"target="Deployment/front""#],
            "3",
        ),
    ];
    let look = || async {
        let answer =
            http.get(&url).send().await.map_err(|error| format!("{error}: {}", process.last_lines(10)))?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        for (series, parts, value) in &wanted {
            let is_it = |line: &&str| {
                line.starts_with(&format!("{series}{{"))
                    && parts.iter().all(|part| line.contains(part))
                    && line.rsplit(' ').next() == Some(value)
            };
            if !text.lines().any(|line| is_it(&line)) {
                return Err(format!("no {series} of {parts:?} with {value} in\n{text}"));
            }
        }
        for kind in resources::KINDS {
            let of_kind = format!("customresource_kind=\"{}\"", kind.kind);
            // Other tests have objects of their own.
            let is_ours = |line: &str| line.contains(&acts_in) && line.contains(&of_kind);
            if !text.lines().any(|line| line.starts_with("polyscaler_object_info{") && is_ours(line)) {
                return Err(format!("no object of kind {} in\n{text}", kind.kind));
            }
        }
        Ok(())
    };
    wait::until("series of every object", LIMIT, look).await.unwrap();
    drop(operator);
}

/// An object of each kind that the test has none of.
async fn of_the_other_kinds(scene: &Scene) {
    scene.podless_deployment("orders", 2).await;
    let rule = json!({
        "deploymentName": "orders", "namespace": scene.namespace, "minReplicas": 1, "maxReplicas": 5,
        "natsMonitoringURL": scene.metrics.url("/nats"), "subject": "orders",
        "scaleUpThreshold": 50, "scaleDownThreshold": 10, "pollIntervalSeconds": 1,
    });
    let kind = ("scaling.example.com/v1", "ScalingRule", "scalingrules");
    let rule = scene.object(kind, "orders", rule).await;
    rule.annotate("polyscaler.dev/paused", Some("true")).await;
    rule.wait_for_field("mode", "Paused").await;
    scene.podless_deployment("front", 3).await;
    scene.podless_deployment("back", 3).await;
    let member = |name: &str| json!({ "targetRef": { "name": name }, "minReplicas": 3, "maxReplicas": 10 });
    let group = json!({
        "members": [member("front"), member("back")], "intervalSeconds": 1, "safety": {},
        "metrics": [{ "name": "users", "type": "http", "targetValue": 1000,
            "config": { "url": scene.metrics.url("/users"), "valuePath": "$.active_users" } }],
        "policy": { "type": "proportional" },
    });
    let kind = ("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups");
    scene.object(kind, "shop", group).await.wait_for("Ready", "True", "Ready").await;
    scene.podless_deployment("till", 2).await;
    let trigger =
        json!({ "url": scene.metrics.url("/users"), "valueLocation": "active_users", "targetValue": "1000" });
    let scaled = json!({ "scaleTargetRef": { "name": "till" }, "triggers": [{ "type": "metrics-api", "metadata": trigger }] });
    let kind = ("keda.sh/v1alpha1", "ScaledObject", "scaledobjects");
    let scaled = scene.object(kind, "till", scaled).await;
    scaled.annotate("polyscaler.dev/actuation", Some("direct")).await;
    scaled.wait_for("Ready", "True", "ScaledObjectReady").await;
}
