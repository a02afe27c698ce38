//! The webhook's certificate: shared by replicas, kept over restarts, changed without one.

use std::path::Path;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::json;
use testbed::certificates::Authority;
use testbed::ports::PortClaim;
use testbed::wait;

use crate::cluster::webhook::{Hook, url, wait_until_refused};
use crate::harness::{LIMIT, Scene};

const SECRET: &str = "polyscaler-certificate";

/// Whether the webhook at `port` shows a certificate of one of `authorities`.
async fn shows(port: &PortClaim, authorities: &str) -> Result<(), String> {
    let authorities = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).unwrap();
    let client = testbed::http_client().tls_certs_only(authorities).build().unwrap();
    let answer = client.post(url(port)).body("{}").send().await.map_err(|error| format!("{error:?}"))?;
    // Nonsense is refused, which only someone who was trusted could do.
    assert_eq!(answer.status(), 400);
    Ok(())
}

async fn secret(scene: &Scene) -> Secret {
    let api: Api<Secret> = scene.namespaced();
    api.get(SECRET).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_a_certificate_that_outlives_them() {
    let scene = Scene::new("webhook").await;
    let hook = Hook::install(&scene).await;
    let other_port = PortClaim::new().unwrap();
    let flags = hook.flags(&other_port);
    // Both at once, so that both want to make it.
    let (one, other) =
        tokio::join!(hook.operator(&scene), async { scene.operator(&[&flags[0], &flags[1]]).await });
    wait_until_refused(&scene).await;
    let bundle = hook.bundle().await;
    let authority = String::from_utf8(secret(&scene).await.data.unwrap()["ca.crt"].0.clone()).unwrap();
    for port in [&hook.port, &other_port] {
        shows(port, &bundle).await.unwrap();
        // The one that lost the race takes the other's at its next look.
        wait::until("the shared one is shown", LIMIT, || shows(port, &authority)).await.unwrap();
    }

    // The API server goes over to the other replica.
    let reviews = "polyscaler_admission_reviews_total";
    assert_eq!(other.metric(reviews, &[]).await, 0.0);
    hook.patch(json!({ "url": url(&other_port) })).await;
    one.kill().await;
    wait_until_refused(&scene).await;
    other.wait_for_metric(reviews, &[("allowed", "false")], 1.0).await;

    // And back to the first after a restart, with the same certificate.
    other.kill().await;
    let version = secret(&scene).await.metadata.resource_version;
    hook.patch(json!({ "url": url(&hook.port) })).await;
    let again = hook.operator(&scene).await;
    wait_until_refused(&scene).await;
    shows(&hook.port, &authority).await.unwrap();
    assert_eq!(secret(&scene).await.metadata.resource_version, version);
    assert!(!again.log().contains("certificate created"), "{}", again.log());
}

/// Puts a certificate of a new authority into a folder, as who mounts a Secret does; gives the authority.
fn put(authority: &str, folder: &Path) -> String {
    let made = tempfile::tempdir().unwrap();
    let authority = Authority::new(made.path(), authority).unwrap();
    let server = authority.server("webhook", &[]).unwrap();
    let copy = |from: &Path, to: &str| std::fs::copy(from, folder.join(to)).unwrap();
    copy(&server.key, "tls.key");
    copy(&server.certificate, "tls.crt");
    copy(&authority.files().certificate, "ca.crt");
    std::fs::read_to_string(&authority.files().certificate).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_changes_in_its_folder_is_used_without_a_restart() {
    let scene = Scene::new("webhook").await;
    let hook = Hook::install(&scene).await;
    let folder = tempfile::tempdir().unwrap();
    let first = put("first", folder.path());
    let flags = hook.flags(&hook.port);
    let operator =
        scene.operator(&[&flags[0], &flags[1], &format!("--cert-dir={}", folder.path().display())]).await;
    shows(&hook.port, &first).await.unwrap();
    wait_until_refused(&scene).await;

    let second = put("second", folder.path());
    wait::until("the new one is shown", LIMIT, || shows(&hook.port, &second)).await.unwrap();
    assert!(shows(&hook.port, &first).await.is_err());
    wait_until_refused(&scene).await;
    assert!(hook.bundle().await.matches("BEGIN").count() == 2, "a replica may be a moment behind");

    // What is broken is reported, and what was there stays.
    std::fs::write(folder.path().join("tls.crt"), "garbage").unwrap();
    let look = || async {
        let log = operator.log();
        if log.contains("tls.crt does not contain a certificate in PEM format") { Ok(()) } else { Err(log) }
    };
    wait::until("it is reported", LIMIT, look).await.unwrap();
    shows(&hook.port, &second).await.unwrap();
    assert!(operator.process.is_running());
    let third = put("third", folder.path());
    wait::until("it is fixed", LIMIT, || shows(&hook.port, &third)).await.unwrap();
    let secrets: Api<Secret> = scene.namespaced();
    assert!(secrets.get_opt(SECRET).await.unwrap().is_none(), "no Secret where there is a folder");
}
