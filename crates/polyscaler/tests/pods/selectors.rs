//! What is taken for a label selector is what the API server takes for one.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

use crate::harness::Scene;
use crate::pods::spec;

const GOOD: &str = include_str!("../../../sources/src/values/label_selector/good.txt");
const BAD: &str = include_str!("../../../sources/src/values/label_selector/bad.txt");

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_judges_selectors_the_same() {
    let scene = Scene::new("selectors").await;
    let pods: Api<Pod> = scene.namespaced();
    let mut wrong = Vec::new();
    for (texts, expected) in [(GOOD, true), (BAD, false)] {
        for text in texts.lines() {
            let is_good = match pods.list(&ListParams::default().labels(text)).await {
                Ok(_) => true,
                Err(kube::Error::Api(status)) if status.code == 400 => false,
                Err(error) => panic!("{text}: {error}"),
            };
            if is_good != expected {
                wrong.push(text);
            }
        }
    }
    assert_eq!(wrong, [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_selector_is_refused_with_its_path() {
    let scene = Scene::new("refused").await;
    let target = scene.podless_deployment("web", 2).await;
    let _operator = scene.operator(&[]).await;
    let metric = json!({ "type": "kubernetes-workload", "config": { "podSelector": "app in web" } });
    let spec = spec(&scene, "web", metric, 1.0);
    let scaling = scene.business_scaling("web", spec.clone()).await;
    let reported = scaling.wait_for("Ready", "False", "InvalidSpec").await;
    let expected = "spec.metric.config.podSelector: Invalid value: \"app in web\": must be a label selector: \
                    \"web\" is found where values in parentheses are expected";
    assert!(reported.contains(expected), "{reported}");
    assert_eq!(target.asked().await, 2);

    let manifest = json!({
        "apiVersion": "example.com/v1", "kind": "BusinessScaling", "metadata": { "name": "web" }, "spec": spec,
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), manifest.to_string()).unwrap();
    let checked = std::process::Command::new(crate::harness::POLYSCALER)
        .arg("check")
        .arg(file.path())
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(said.contains(expected), "{said}");
}
