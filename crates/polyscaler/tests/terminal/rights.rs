//! What someone may not read is named, with the right that is missing, and the rest is shown.

use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::PostParams;
use serde_json::{Value, json};

use super::say;
use crate::harness::{Scene, control_plane};

/// Lets the user called as the namespace read GeneralScalers and Deployments, and nothing else.
async fn grant(scene: &Scene) {
    let rule = |group: &str, resources: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": ["get", "list"] });
    let role = json!({ "metadata": { "name": "reader" }, "rules": [
        rule("autoscaling.example.com", &["generalscalers"]),
        rule("apps", &["deployments", "deployments/scale"]),
    ] });
    let role: Role = serde_json::from_value(role).unwrap();
    scene.namespaced().create(&PostParams::default(), &role).await.unwrap();
    let group = "rbac.authorization.k8s.io";
    let binding = json!({
        "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "reader" },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": scene.namespace }],
    });
    let binding: RoleBinding = serde_json::from_value(binding).unwrap();
    scene.namespaced().create(&PostParams::default(), &binding).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_read_is_named_with_the_right_that_is_missing() {
    let mut scene = Scene::new("reader").await;
    scene.podless_deployment("web", 2).await;
    scene.users("/users", 590);
    let metric = json!({ "type": "http", "targetValue": 100,
        "config": { "url": scene.metrics.url("/users"), "valuePath": "$.active_users" } });
    let spec = json!({ "targetDeployment": "web", "minReplicas": 1, "maxReplicas": 10, "metrics": [metric] });
    scene.general_scaler("web", spec.clone()).await;
    scene.kubeconfig = control_plane::shared().kubeconfig_for(&scene.namespace, &[]).unwrap();

    let denied = |args: &[&str], right: &str| {
        let said = say(&scene, args);
        let words = format!("permission denied: grant {right} to your user (");
        assert!(said.status == 2 && said.stderr.contains(&words), "{words}: {said:?}");
    };
    denied(&["status"], "list on businessscalings.example.com");
    denied(&["why", "generalscaler/web"], "get on generalscalers.autoscaling.example.com");

    grant(&scene).await;
    let status = say(&scene, &["status"]);
    // No operator has looked at it.
    status.expect(1, &["GeneralScaler", "1 object, 1 not ready", "the operator has not looked at it yet"]);
    for left_out in ["list on businessscalings.example.com", "list on scalinggroups.polyscaler.dev"] {
        assert!(status.stderr.contains(&format!("left out: {left_out}")), "{left_out}: {status:?}");
    }
    let why = say(&scene, &["why", "gs/web"]);
    let events = "Events are not shown: list on events.events.k8s.io: permission denied";
    why.expect(1, &["the operator has not looked at it yet", "see whether the operator runs", events]);

    // What it would decide can be said without knowing all who might own its target.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yaml");
    let web = json!({ "apiVersion": "autoscaling.example.com/v1", "kind": "GeneralScaler",
        "metadata": { "name": "web" }, "spec": spec });
    std::fs::write(&file, web.to_string()).unwrap();
    let diff = say(&scene, &["diff", "-f", file.to_str().unwrap()]);
    diff.expect(1, &["2 → 6", "slo 2→6 (590/100)"]);
    let unseen =
        "whether any of these owns a target is not known: list on horizontalpodautoscalers.autoscaling";
    assert!(diff.stderr.contains(unseen), "{diff:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_does_not_answer_is_named() {
    let mut scene = Scene::new("away").await;
    let kubeconfig = std::fs::read_to_string(&scene.kubeconfig).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let away = folder.path().join("kubeconfig");
    let port = testbed::ports::PortClaim::new().unwrap();
    let address = format!("127.0.0.1:{}", port.port());
    let mut kubeconfig: Value = serde_saphyr::from_str(&kubeconfig).unwrap();
    kubeconfig["clusters"][0]["cluster"]["server"] = json!(format!("https://{address}"));
    std::fs::write(&away, kubeconfig.to_string()).unwrap();
    let present = std::mem::replace(&mut scene.kubeconfig, away);
    let said = say(&scene, &["status"]);
    scene.kubeconfig = present;
    assert_eq!(said.status, 2, "{said:?}");
    let words = format!("the API server at https://{address}/ does not answer: see whether it runs");
    assert!(said.stderr.contains(&words), "{said:?}");
}
