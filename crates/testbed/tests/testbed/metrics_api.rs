//! metrics.k8s.io is asked through the API server, and by nobody else.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::Value;
use testbed::certificates::KeyFiles;
use testbed::{ControlPlane, Load, MetricsApi, Options, fixtures, wait};

const LIMIT: Duration = Duration::from_secs(120);
const API: &str = "/apis/metrics.k8s.io/v1beta1";

async fn get(client: &Client, path: &str) -> kube::Result<Value> {
    let request = axum::http::Request::get(format!("{API}{path}")).body(Vec::new());
    client.request(request.unwrap()).await
}

async fn items(client: &Client, path: &str) -> Vec<Value> {
    get(client, path).await.unwrap()["items"].as_array().unwrap().clone()
}

/// What answers an HTTPS request that shows this certificate, if anything.
async fn ask_directly(url: &str, identity: Option<Vec<u8>>, on_behalf_of: &[&str]) -> reqwest::Result<u16> {
    // Who is asked is known; who asks is what matters.
    let mut client = testbed::http_client().timeout(LIMIT).tls_danger_accept_invalid_certs(true);
    if let Some(pem) = identity {
        client = client.identity(reqwest::Identity::from_pem(&pem)?);
    }
    let mut request = client.build()?.get(url);
    for user in on_behalf_of {
        request = request.header("x-remote-user", *user);
    }
    Ok(request.send().await?.status().as_u16())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_measures_the_pods_that_exist() {
    let control_plane = ControlPlane::start(Options { nodes: 2, ..Options::default() }).await.unwrap();
    let client = control_plane.client();
    let namespace = fixtures::create_namespace(&client, "measured").await.unwrap();
    let deployments = Api::<Deployment>::namespaced(client.clone(), &namespace);
    for (name, replicas) in [("web", 4), ("api", 1), ("idle", 2)] {
        let deployment = fixtures::deployment(name, &namespace, replicas);
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
    }
    assert!(get(&client, "").await.is_err());

    let mut server = MetricsApi::start(&control_plane, client.clone()).await.unwrap();
    server.set(&namespace, "web", Load { cpu: 2.0, memory: 4096.0 * 1024.0 });
    server.set(&namespace, "api", Load { cpu: 0.25, memory: 1024.0 });
    let of = |selector: &str| format!("/namespaces/{namespace}/pods?labelSelector={selector}");
    let look = || async {
        let found = items(&client, &of("app%3Dweb")).await;
        if found.len() == 4 { Ok(found) } else { Err(format!("{found:?}")) }
    };
    for pod in wait::until("four pods are measured", LIMIT, look).await.unwrap() {
        assert_eq!(
            pod["containers"][0]["usage"],
            serde_json::json!({ "cpu": "500000000n", "memory": "1024Ki" })
        );
        assert!(pod["timestamp"].is_string() && pod["window"] == "1s", "{pod}");
    }
    let look = || async {
        let found = items(&client, &format!("/namespaces/{namespace}/pods")).await.len();
        if found == 5 { Ok(()) } else { Err(found.to_string()) }
    };
    wait::until("five pods are measured, and the idle are not", LIMIT, look).await.unwrap();
    assert_eq!(items(&client, "/pods").await.len(), 5);
    assert_eq!(items(&client, "/nodes").await.len(), 2);
    assert!(get(&client, &of("app%20in")).await.is_err());

    // Past the API server there is no way to it: without a certificate, or with one of a user.
    let url = format!("https://127.0.0.1:{}{API}/pods", server.port());
    let pem =
        |files: &KeyFiles| [&files.key, &files.certificate].map(|path| std::fs::read(path).unwrap()).concat();
    let front_proxy = KeyFiles {
        certificate: control_plane.directory().join("front-proxy-client.crt"),
        key: control_plane.directory().join("front-proxy-client.key"),
    };
    assert_eq!(ask_directly(&url, Some(pem(&front_proxy)), &["alice"]).await.unwrap(), 200);
    assert_eq!(ask_directly(&url, Some(pem(&front_proxy)), &[]).await.unwrap(), 401);
    let user = control_plane.authority().client("user", "front-proxy-client", &[]).unwrap();
    assert!(ask_directly(&url, Some(pem(&user)), &["alice"]).await.is_err());
    assert!(ask_directly(&url, None, &["alice"]).await.is_err());

    server.stop().await.unwrap();
    assert!(ask_directly(&url, Some(pem(&front_proxy)), &["alice"]).await.is_err());
    server.resume().await.unwrap();
    server.forget(&namespace, "web");
    assert_eq!(items(&client, "/pods").await.len(), 1);
    control_plane.shutdown().await.unwrap();
}
