//! Redis servers come up ready: alone, with users and TLS, as a cluster and with a sentinel.

use std::time::Duration;

use redis::Value;
use testbed::{RedisOptions, RedisServer, RedisTls, SentinelSite, wait};

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn one_by_itself_comes_back_with_what_it_stored() {
    let options = RedisOptions { password: Some("main".into()), ..RedisOptions::default() };
    let server = RedisServer::start(options).await.unwrap();
    server.run(&["RPUSH", "jobs", "a", "b"]).await.unwrap();
    assert!(server.run(&["LLEN"]).await.is_err());
    server.stop().await.unwrap();
    assert!(server.run(&["PING"]).await.is_err());
    server.start_again().unwrap();
    server.wait_until_ready().await.unwrap();
    assert_eq!(server.run(&["LLEN", "jobs"]).await.unwrap(), Value::Int(2));

    let (url, directory) = (server.url(), server.directory().to_owned());
    assert!(url.starts_with("redis://127.0.0.1:") && directory.join("redis.log").exists());
    drop(server);
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_paused_one_answers_nothing_until_it_goes_on() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    server.pause().unwrap();
    // A signal takes a moment to stop every thread.
    let silent = || async {
        tokio::time::timeout(Duration::from_secs(1), server.run(&["PING"])).await.is_err().then_some(())
    };
    wait::until("silence", LIMIT, silent).await.unwrap();
    server.resume().unwrap();
    server.run(&["PING"]).await.unwrap();
}

#[tokio::test]
async fn users_and_tls_are_as_asked_for() {
    let options = RedisOptions {
        users: vec!["ann on >secret ~jobs +llen".into()],
        tls: Some(RedisTls::Mutual),
        ..RedisOptions::default()
    };
    let server = RedisServer::start(options).await.unwrap();
    let users = server.run(&["ACL", "USERS"]).await.unwrap();
    assert_eq!(users, Value::Array(["ann", "default"].map(|name| Value::BulkString(name.into())).into()));
    assert!(server.url().starts_with("rediss://127.0.0.1:"));
    assert!(server.authority_pem().unwrap().contains("BEGIN CERTIFICATE"));
    assert!(server.client_pem().unwrap().1.contains("PRIVATE KEY"));
    assert!(server.directory().join("redis.conf").exists());
}

#[tokio::test]
async fn a_cluster_serves_every_slot_from_the_start() {
    for tls in [None, Some(RedisTls::Server)] {
        let servers =
            RedisServer::start_cluster(RedisOptions { tls, ..RedisOptions::default() }).await.unwrap();
        for (server, key) in [(&servers[0], "b"), (&servers[1], "c"), (&servers[2], "a")] {
            let mut takers = Vec::new();
            for asked in &servers {
                if asked.run(&["SET", key, "1"]).await.is_ok() {
                    takers.push(asked.name());
                }
            }
            assert_eq!(takers, [server.name()], "{key}");
        }
    }
}

#[tokio::test]
async fn a_sentinel_makes_the_replica_master() {
    let options = RedisOptions { password: Some("main".into()), ..RedisOptions::default() };
    let site = SentinelSite::start(options).await.unwrap();
    let before = site.master().await.unwrap();
    before.run(&["SET", "a", "1"]).await.unwrap();
    site.fail_over().await.unwrap();
    let after = site.master().await.unwrap();
    assert_ne!(before.name(), after.name());
    let got = after.run(&["GET", "a"]).await.unwrap();
    assert_eq!(got, Value::BulkString(b"1".to_vec()));

    after.kill().await.unwrap();
    site.wait_for_another_master(after.name()).await.unwrap();
    assert_eq!(site.master().await.unwrap().name(), before.name());
    after.start_again().unwrap();
    let replica =
        || async { after.info("role").await.map(|role| (role.as_deref() == Some("slave")).then_some(())) };
    wait::until("the former master a replica", LIMIT, || async { replica().await.ok().flatten() })
        .await
        .unwrap();
}
