//! Who may read, judged by the API server.

use std::path::Path;

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use testbed::certificates::Authority;
use testbed::wait;

use super::{MetricsApi, ROOT};
use crate::harness::LIMIT;
use crate::packaging::manifests::apply;

/// A token of a new service account in the scene.
pub(super) async fn token(api: &MetricsApi, name: &str) -> String {
    let accounts: Api<ServiceAccount> = api.scene.namespaced();
    let account = serde_json::from_value(json!({ "metadata": { "name": name } })).unwrap();
    accounts.create(&PostParams::default(), &account).await.unwrap();
    let request = TokenRequest { spec: Some(TokenRequestSpec::default()), ..TokenRequest::default() };
    let issued = accounts.create_token_request(name, &PostParams::default(), &request).await.unwrap();
    issued.status.unwrap().token.unwrap()
}

/// Lets the service account read external metrics in the scene's namespace.
async fn let_read(api: &MetricsApi, account: &str) {
    let namespace = &api.scene.namespace;
    let rbac = "rbac.authorization.k8s.io";
    let rules = json!([{ "apiGroups": ["external.metrics.k8s.io"], "resources": ["s0-prometheus"], "verbs": ["list"] }]);
    let role = json!({ "apiVersion": format!("{rbac}/v1"), "kind": "Role",
        "metadata": { "name": account, "namespace": namespace }, "rules": rules });
    let binding = json!({ "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
        "metadata": { "name": account, "namespace": namespace },
        "roleRef": { "apiGroup": rbac, "kind": "Role", "name": account },
        "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": namespace }] });
    let objects = [role, binding].map(|object| serde_json::from_value(object).unwrap());
    apply(&api.scene.client, &objects).await;
}

/// Status and body of a call that does not go through the API server.
pub(super) async fn direct(api: &MetricsApi, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
    let client = testbed::http_client().tls_danger_accept_invalid_certs(true).build().unwrap();
    let mut request = client.get(format!("https://localhost:{}{path}", api.port.port()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn contract_5_only_who_may_read_a_metric_is_answered() {
    let api = MetricsApi::begin("metrics").await;
    let _operator = api.operator(&api.port, &[]).await;
    let (reader, stranger) = (token(&api, "reader").await, token(&api, "stranger").await);
    let_read(&api, "reader").await;
    let path = api.path("web", "s0-prometheus");
    let by = |token: &str| format!("Bearer {token}");

    let look = || async {
        let (status, answer) = direct(&api, &path, &[("authorization", &by(&reader))]).await;
        if status == 500 { Ok(answer) } else { Err(format!("{status}: {answer}")) }
    };
    let answer = wait::until("who may read is answered", LIMIT, look).await.unwrap();
    assert!(answer["message"].as_str().unwrap().contains("has not been polled yet"), "{answer}");
    let (status, answer) = direct(&api, &path, &[("authorization", &by(&stranger))]).await;
    assert_eq!((status, &answer["reason"]), (403, &json!("Forbidden")), "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("cannot list resource \"s0-prometheus\""), "{message}");
    let (status, _) = direct(&api, &api.path("web", "s1-other"), &[("authorization", &by(&reader))]).await;
    assert_eq!(status, 403, "another metric");

    let forged = [("x-remote-user", "root"), ("x-remote-group", "system:masters")];
    for headers in [&[][..], &[("authorization", "Bearer nonsense")], &forged] {
        let (status, answer) = direct(&api, &path, headers).await;
        assert_eq!((status, &answer["reason"]), (401, &json!("Unauthorized")), "{headers:?}");
    }
    for (open, status) in [("/healthz", 200), ("/readyz", 200), ("/openapi/v2", 200), (ROOT, 401)] {
        assert_eq!(direct(&api, open, &[]).await.0, status, "{open}");
    }
}

/// Puts a certificate of a new authority for the API's host into a folder.
fn put(name: &str, host: &str, folder: &Path) {
    let made = tempfile::tempdir().unwrap();
    let authority = Authority::new(made.path(), name).unwrap();
    let server = authority.server("metrics", &[host]).unwrap();
    let copy = |from: &Path, to: &str| std::fs::copy(from, folder.join(to)).unwrap();
    copy(&server.key, "tls.key");
    copy(&server.certificate, "tls.crt");
    copy(&authority.files().certificate, "ca.crt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_while_it_is_called() {
    let api = MetricsApi::begin("metrics").await;
    let folder = tempfile::tempdir().unwrap();
    let host = format!("{}.{}.svc", super::SERVICE, api.scene.namespace);
    put("first", &host, folder.path());
    let flag = format!("--cert-dir={}", folder.path().display());
    let operator = api.operator(&api.port, &[&flag]).await;
    api.leads_to(&api.port).await;

    let path = api.path("web", "s0-prometheus");
    let begins = std::cell::Cell::new(0);
    let calls = async {
        loop {
            let (code, message) = api.why_not(&path).await;
            assert!(code == 500 && message.contains("has not been polled yet"), "{code}: {message}");
            begins.set(begins.get() + 1);
        }
    };
    let renewal = async {
        for name in ["second", "third"] {
            put(name, &host, folder.path());
            let wanted = usize::from(name == "third") + 1;
            operator.wait_for_lines("certificate changed", wanted).await;
        }
        // And some more with the last one.
        let after = begins.get() + 20;
        let look = || async { if begins.get() >= after { Ok(()) } else { Err(begins.get().to_string()) } };
        wait::until("calls go on", LIMIT, look).await.unwrap();
    };
    tokio::select! {
        () = calls => unreachable!("calls never end"),
        () = renewal => {}
    }
    let bundle = api.found().await.unwrap().spec.unwrap().ca_bundle.unwrap();
    assert_eq!(String::from_utf8(bundle.0).unwrap().matches("BEGIN").count(), 3);
}
