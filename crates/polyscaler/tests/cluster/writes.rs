//! Whose each write was, by the API server's own audit.

use std::collections::BTreeSet;
use std::path::Path;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use serde_json::{Value, json};
use testbed::{ControlPlane, Options, wait};

use crate::harness::{LIMIT, Scene, control_plane};

/// The user of the operator, whom nobody else is.
const USER: &str = "under-audit";

/// Questions about rights and tokens are created and stored nowhere.
const QUESTIONS: [&str; 3] = ["selfsubjectaccessreviews", "subjectaccessreviews", "tokenreviews"];

/// A control plane that notes every write of the operator in `file`.
async fn audited(folder: &Path, file: &Path) -> ControlPlane {
    let policy = json!({ "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [
        { "level": "Metadata", "users": [USER], "verbs": ["create", "update", "patch", "delete", "deletecollection"],
          "omitStages": ["RequestReceived"] },
        { "level": "None" },
    ] });
    let path = folder.join("policy.json");
    std::fs::write(&path, policy.to_string()).unwrap();
    let flags =
        [format!("--audit-policy-file={}", path.display()), format!("--audit-log-path={}", file.display())];
    let options = Options { nodes: 2, api_server_args: flags.to_vec(), ..Options::default() };
    let control_plane = ControlPlane::start(options).await.unwrap();
    control_plane::install_crds(&control_plane.client()).await;
    control_plane
}

/// What was written, as `resource/subresource`, and the writes that do not say who it was.
fn audit(file: &Path) -> (BTreeSet<String>, Vec<Value>) {
    let agent = format!("polyscaler/{}", env!("CARGO_PKG_VERSION"));
    let (mut written, mut nameless) = (BTreeSet::new(), Vec::new());
    for line in std::fs::read_to_string(file).unwrap_or_default().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let resource = [text("/objectRef/resource"), text("/objectRef/subresource")].join("/");
        let is_managed = text("/verb") != "delete" && !QUESTIONS.contains(&text("/objectRef/resource"));
        let names_manager = text("/requestURI").contains("fieldManager=polyscaler");
        if text("/userAgent") != agent || (is_managed && !names_manager) {
            nameless.push(entry.clone());
        }
        written.insert(format!("{} {}", text("/verb"), resource.trim_end_matches('/')));
    }
    (written, nameless)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_names_program_version_and_field_manager() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    let control_plane = audited(folder.path(), &file).await;
    let mut scene = Scene::on(&control_plane, "writes").await;
    scene.kubeconfig = control_plane.kubeconfig_for(USER, &["system:masters"]).unwrap();
    let target = scene.podless_deployment("web", 2).await;
    scene.podless_deployment("api", 1).await;
    scene.users("/users", 3000);
    let _operator = scene.operator(&[]).await;
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    let trigger =
        json!({ "url": scene.metrics.url("/users"), "valueLocation": "active_users", "targetValue": "100" });
    let spec = |most: u32| {
        json!({ "scaleTargetRef": { "name": "api" }, "minReplicaCount": 1, "maxReplicaCount": most,
            "triggers": [{ "type": "metrics-api", "metadata": trigger }] })
    };
    let kind = ("keda.sh/v1alpha1", "ScaledObject", "scaledobjects");
    let scaled = scene.object(kind, "api", spec(5)).await;
    let hpas: Api<HorizontalPodAutoscaler> = scene.namespaced();
    let most = |wanted: Option<i32>| {
        let hpas = hpas.clone();
        async move {
            let look = || async {
                let found = hpas.get_opt("keda-hpa-api").await.map_err(|error| error.to_string())?;
                let found = found.map(|hpa| hpa.spec.max_replicas);
                if found == wanted { Ok(()) } else { Err(format!("{found:?}")) }
            };
            wait::until(&format!("an HPA up to {wanted:?}"), LIMIT, look).await.unwrap();
        }
    };
    most(Some(5)).await;
    scaled.patch_spec(spec(7)).await;
    most(Some(7)).await;
    scaled.annotate("polyscaler.dev/actuation", Some("direct")).await;
    most(None).await;

    let wanted = [
        "create leases",
        "update leases",
        "update deployments/scale",
        "patch businessscalings/status",
        "patch scaledobjects/status",
        "create events",
        "create horizontalpodautoscalers",
        "update horizontalpodautoscalers",
        "delete horizontalpodautoscalers",
    ];
    let look = || async {
        let (written, _) = audit(&file);
        let missing: Vec<&&str> = wanted.iter().filter(|write| !written.contains(**write)).collect();
        if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} is missing in {written:?}")) }
    };
    wait::until("all kinds of writes", LIMIT, look).await.unwrap();
    let (_, nameless) = audit(&file);
    assert!(nameless.is_empty(), "{nameless:#?}");
}
