//! NATS servers come up ready, alone and as a cluster, and keep ports and messages over a restart.

use std::time::Duration;

use serde_json::Value;
use testbed::{NatsOptions, NatsServer, wait};

const LIMIT: Duration = Duration::from_secs(120);

async fn get(server: &NatsServer, page: &str) -> anyhow::Result<Value> {
    let client = testbed::http_client().timeout(LIMIT).build()?;
    let answer = client.get(format!("{}{page}", server.monitoring_url())).send().await?;
    Ok(serde_json::from_str(&answer.error_for_status()?.text().await?)?)
}

#[tokio::test]
async fn one_by_itself_ends_and_comes_back_at_its_ports() {
    let options = NatsOptions {
        accounts: vec!["SHOP".into(), "BANK".into()],
        monitoring_path: "/monitor".into(),
        ..NatsOptions::default()
    };
    let server = NatsServer::start(options).await.unwrap();
    assert!(server.monitoring_url().ends_with("/monitor"));
    let before = get(&server, "/jsz").await.unwrap();
    assert_eq!(before["accounts"], 2);

    server.stop().await.unwrap();
    assert!(get(&server, "/jsz").await.is_err());
    server.start_again().unwrap();
    server.wait_until_ready().await.unwrap();
    let after = get(&server, "/jsz").await.unwrap();
    assert_ne!(before["server_id"], after["server_id"]);

    let (url, directory) = (server.url(), server.directory().to_owned());
    assert!(url.starts_with("nats://127.0.0.1:") && directory.join("n1.log").exists());
    drop(server);
    assert!(!directory.exists());
}

#[tokio::test]
async fn without_jetstream_there_is_none() {
    let options = NatsOptions { jetstream: false, ..NatsOptions::default() };
    let server = NatsServer::start(options).await.unwrap();
    assert_eq!(get(&server, "/jsz").await.unwrap()["disabled"], true);
}

#[tokio::test]
async fn a_cluster_is_one_from_the_start_and_elects_another_leader() {
    let servers = NatsServer::start_cluster(NatsOptions::default()).await.unwrap();
    let leader = |page: &Value| page["meta_cluster"]["leader"].as_str().unwrap_or_default().to_owned();
    let first = leader(&get(&servers[0], "/jsz").await.unwrap());
    for server in &servers {
        let page = get(server, "/jsz").await.unwrap();
        assert_eq!((leader(&page), &page["meta_cluster"]["cluster_size"]), (first.clone(), &3.into()));
    }

    let (leading, following): (Vec<_>, Vec<_>) = servers.iter().partition(|server| server.name() == first);
    leading[0].kill().await.unwrap();
    wait::until("another leader", LIMIT, || async {
        let found = leader(&get(following[0], "/jsz").await.unwrap());
        if !found.is_empty() && found != first { Ok(()) } else { Err(found) }
    })
    .await
    .unwrap();
    leading[0].start_again().unwrap();
    leading[0].wait_until_ready().await.unwrap();
}

#[tokio::test]
async fn a_paused_one_answers_nothing_until_it_goes_on() {
    let server = NatsServer::start(NatsOptions::default()).await.unwrap();
    server.pause().unwrap();
    // A signal takes a moment to stop every thread.
    let silent = || async {
        tokio::time::timeout(Duration::from_secs(1), get(&server, "/varz")).await.is_err().then_some(())
    };
    wait::until("silence", LIMIT, silent).await.unwrap();
    server.resume().unwrap();
    assert_eq!(get(&server, "/varz").await.unwrap()["server_name"], server.name());
}
