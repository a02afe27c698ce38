//! What the operator may do to serve the API, each taken away in turn: it says which right it lacks, and goes on as soon as it
//! has it.

use kube::api::{Patch, PatchParams};
use serde_json::json;
use testbed::wait;

use super::callers::{direct, token};
use super::{MetricsApi, NAME};
use crate::harness::{LIMIT, control_plane};
use crate::packaging::granted::Granted;

const APIS: &str = "apiservices";

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_right_is_named() {
    let mut api = MetricsApi::begin("metrics-rights").await;
    let rights = Granted::begin(&mut api.scene, control_plane::shared_for_apis()).await;
    let of_callers = [("tokenreviews", "create"), ("subjectaccessreviews", "create"), ("configmaps", "get")];
    let of_api = [(APIS, "get"), (APIS, "create"), (APIS, "patch"), ("clusterroles", "get")];
    rights.all_but(&[&of_callers[..], &of_api[..]].concat()).await;
    let address = format!("--external-metrics-address=127.0.0.1:{}", api.port.port());
    let owner = "--external-metrics-owner=scaling-operator-external-metrics-role";
    let operator = api.scene.begin_operator(&[&address, owner], &[]);
    let said = |right: &'static str| operator.wait_for_lines(right, 1);

    said("grant get on configmaps").await;
    said("grant get on apiservices.apiregistration.k8s.io").await;
    rights.all_but(&[&of_callers[..], &of_api[1..]].concat()).await;
    said("grant create on apiservices.apiregistration.k8s.io").await;
    said("grant get on clusterroles.rbac.authorization.k8s.io").await;
    rights.all_but(&[&of_callers[..], &of_api[2..]].concat()).await;
    api.registered().await;
    let forget = json!({ "spec": { "caBundle": null } });
    api.api.patch(NAME, &PatchParams::default(), &Patch::Merge(forget)).await.unwrap();
    said("grant patch on apiservices.apiregistration.k8s.io").await;

    // Who calls is told what nobody could find out.
    let token = format!("Bearer {}", token(&api, "reader").await);
    let path = api.path("web", "s0-prometheus");
    let mut missing = of_callers.to_vec();
    for words in [
        "grant create on tokenreviews.authentication.k8s.io",
        "grant create on subjectaccessreviews.authorization.k8s.io",
        "cannot list resource",
    ] {
        rights.all_but(&missing).await;
        let look = || async {
            let (status, answer) = direct(&api, &path, &[("authorization", &token)]).await;
            let message = answer["message"].as_str().unwrap_or_default().to_owned();
            if message.contains(words) { Ok(()) } else { Err(format!("{status}: {message}")) }
        };
        wait::until(words, LIMIT, look).await.unwrap();
        missing.remove(0);
    }
    rights.all_but(&[]).await;
    api.leads_to(&api.port).await;
    operator.wait_until_ready().await;
    let look = || async {
        let (code, message) = api.why_not(&path).await;
        if message.contains("has not been polled yet") { Ok(()) } else { Err(format!("{code}: {message}")) }
    };
    wait::until("the API server is recognized", LIMIT, look).await.unwrap();
}
