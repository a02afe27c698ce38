//! Series of single objects, by the real kube-state-metrics with the configuration of `config/monitoring`.

use kube::api::{Patch, PatchParams};
use serde_json::json;
use testbed::ports::PortClaim;
use testbed::{Supervisor, wait};

use crate::harness::{LIMIT, Scene};
use crate::monitoring::files::repository;
use crate::packaging::tools::built_by;

#[tokio::test(flavor = "multi_thread")]
async fn every_object_has_its_series() {
    let scene = Scene::new("series").await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    let web = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let observe =
        Patch::Merge(json!({ "metadata": { "annotations": { "polyscaler.dev/mode": "observe" } } }));
    target.wait_for(6).await;
    web.wait_for("Ready", "True", "Ready").await;
    web.api.patch(&web.name, &PatchParams::default(), &observe).await.unwrap();
    let lost = json!({ "targetDeployment": "lost", "minReplicas": 1, "maxReplicas": 7,
        "metrics": [{ "type": "cron", "targetValue": 1, "config": { "start": "0 8 * * *", "end": "0 18 * * *",
            "timezone": "Etc/UTC", "desiredReplicas": 5 } }] });
    scene.general_scaler("lost", lost).await.wait_for("Ready", "False", "TargetNotFound").await;

    let program = built_by("hack/kube-state-metrics/kube-state-metrics.sh");
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
    let wanted: [(&str, &[&str], &str); 8] = [
        ("polyscaler_object_current_replicas", &[name, "BusinessScaling"], "6"),
        ("polyscaler_object_desired_replicas", &[name], "6"),
        ("polyscaler_object_min_replicas", &[name], "2"),
        ("polyscaler_object_max_replicas", &[name], "10"),
        ("polyscaler_object_condition", &[name, r#"condition="Ready""#], "1"),
        ("polyscaler_object_info", &[name, r#"mode="observe""#, r#"target="Deployment/web""#], "1"),
        (
            "polyscaler_object_condition",
            &[namespace, r#"name="lost""#, r#"condition="Ready""#, r#"reason="TargetNotFound""#],
            "0",
        ),
        ("polyscaler_object_max_replicas", &[namespace, r#"name="lost""#, "GeneralScaler"], "7"),
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
        Ok(())
    };
    wait::until("series of both objects", LIMIT, look).await.unwrap();
    drop(operator);
}
