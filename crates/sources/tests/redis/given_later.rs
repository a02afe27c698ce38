//! Addresses and names that stand in a secret, for one server, a cluster and sentinels.

use engine::AbsenceReason::*;
use serde_json::json;
use testbed::{RedisOptions, RedisServer, SentinelSite};

use crate::redis::bench::{Bench, push, secret, with};

#[tokio::test]
async fn an_address_that_changes_in_its_secret_counts_at_the_next_reading() {
    let (bench, options) = (Bench::new(), RedisOptions::default);
    let (first, second) =
        (RedisServer::start(options()).await.unwrap(), RedisServer::start(options()).await.unwrap());
    push(&first, "jobs", 3).await;
    push(&second, "jobs", 5).await;
    let by_address = json!({"addressFrom": secret("address"), "collectionNameFrom": secret("key")});
    let by_parts = json!({"hostFrom": secret("host"), "portFrom": secret("port"), "listName": "jobs"});
    for (server, count) in [(&first, 3.0), (&second, 5.0)] {
        let port = server.port().to_string();
        // Of several addresses a single server is the first.
        let list = format!("{}, 127.0.0.1:1\n", server.address());
        for (key, value) in
            [("address", list.as_str()), ("key", "jobs"), ("host", "127.0.0.1"), ("port", &port)]
        {
            bench.vault.set("shop/redis", key, value);
        }
        assert_eq!(bench.number(&by_address).await, Ok(count));
        assert_eq!(bench.number(&by_parts).await, Ok(count));
    }
    for (key, value, settings, words) in [
        ("address", "http://hidden", &by_address, "must be an address as HOST:PORT"),
        ("address", " ", &by_address, "is blank"),
        ("port", "hidden", &by_parts, "must be the number of a port"),
    ] {
        bench.vault.set("shop/redis", key, value);
        let message = bench.absence(settings, SecretUnavailable).await;
        assert_eq!(message, format!("secret shop/redis: the value of its key \"{key}\" {words}"));
    }
}

#[tokio::test]
async fn a_cluster_is_found_by_hosts_and_ports_of_a_secret() {
    let options = RedisOptions { password: Some("main-password".into()), ..RedisOptions::default() };
    let (bench, servers) = (Bench::new(), RedisServer::start_cluster(options).await.unwrap());
    // `b` is on the first server.
    push(&servers[0], "b", 4).await;
    let settings = json!({
        "cluster": {"hostsFrom": secret("hosts"), "portsFrom": secret("ports")}, "collectionName": "b",
        "usernameFrom": secret("user"), "passwordFrom": secret("password"),
    });
    let ports = format!("{},{}", servers[1].port(), servers[2].port());
    for (key, value) in [
        ("hosts", "127.0.0.1,127.0.0.1"),
        ("ports", &ports),
        ("user", "default"),
        ("password", "main-password"),
    ] {
        bench.vault.set("shop/redis", key, value);
    }
    assert_eq!(bench.number(&settings).await, Ok(4.0));
    bench.vault.set("shop/redis", "ports", "7000");
    let message = bench.absence(&settings, SecretUnavailable).await;
    assert!(message.ends_with("must be ports with commas between, as many as there are hosts"), "{message}");
}

#[tokio::test]
async fn a_master_is_found_by_what_a_secret_says_of_its_sentinels() {
    let (bench, site) = (Bench::new(), SentinelSite::start(RedisOptions::default()).await.unwrap());
    push(site.master().await.unwrap(), "jobs", 2).await;
    let settings = json!({
        "sentinel": {"addressesFrom": secret("sentinels"), "masterNameFrom": secret("master")},
        "tlsModeFrom": secret("tls"), "tls": {"insecureSkipVerify": true}, "listName": "jobs",
    });
    bench.vault.set("shop/redis", "sentinels", &site.sentinel().address());
    bench.vault.set("shop/redis", "master", site.master_name());
    bench.vault.set("shop/redis", "tls", "disable");
    assert_eq!(bench.number(&settings).await, Ok(2.0));
    bench.vault.set("shop/redis", "tls", "perhaps");
    let message = bench.absence(&settings, SecretUnavailable).await;
    assert!(message.ends_with("must be enable or disable"), "{message}");
    let unknown = with(&settings, &json!({"tlsModeFrom": null, "tls": null}));
    bench.vault.set("shop/redis", "master", "other");
    let message = bench.absence(&unknown, ValueMissing).await;
    assert!(message.contains("the sentinel does not know a master \"other\""), "{message}");
}
