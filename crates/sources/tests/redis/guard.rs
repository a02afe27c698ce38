//! Addresses that must not be called, whoever names them.

use engine::AbsenceReason::*;
use serde_json::json;
use sources::AddressPolicy;
use testbed::{RedisOptions, RedisServer, SentinelSite};

use crate::redis::bad_answers::Canned;
use crate::redis::bench::{Bench, list, push};

fn policy(deny: &[&str], allow: &[&str]) -> AddressPolicy {
    let nets = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    AddressPolicy { deny: nets(deny), allow: nets(allow) }
}

#[tokio::test]
async fn link_local_addresses_are_refused_in_every_spelling() {
    let bench = Bench::new();
    for address in [
        "redis://169.254.169.254:80",
        "169.254.169.254",
        "rediss://169.254.169.254:6379",
        "redis://2852039166:80",
        "redis://0xa9fea9fe",
        "redis://[::ffff:169.254.169.254]:6379",
        "redis://[fe80::1]:6379",
        "redis://0.0.0.0:6379",
    ] {
        for settings in [
            json!({"address": address, "listName": "jobs"}),
            json!({"cluster": {"addresses": [address]}, "listName": "jobs"}),
            json!({"sentinel": {"addresses": [address], "masterName": "main"}, "listName": "jobs"}),
        ] {
            let message = bench.absence(&settings, AddressRefused).await;
            assert!(message.ends_with("and is not called"), "{message}");
        }
    }
}

#[tokio::test]
async fn what_the_operator_denies_and_allows_counts() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    push(&server, "jobs", 1).await;
    for (policy, allowed) in [
        (policy(&["127.0.0.0/8"], &[]), false),
        (policy(&["127.0.0.0/8"], &["127.0.0.1/32"]), true),
        (policy(&["10.0.0.0/8"], &[]), true),
    ] {
        let bench = Bench::with(policy);
        if allowed {
            assert_eq!(bench.number(&list(&server, "jobs")).await, Ok(1.0));
        } else {
            let message = bench.absence(&list(&server, "jobs"), AddressRefused).await;
            assert!(message.contains("denied by the operator's settings"), "{message}");
        }
    }
}

#[tokio::test]
async fn addresses_that_servers_name_are_refused_as_well() {
    let bench = Bench::new();
    for (word, place) in [("MOVED", "169.254.169.254:6379"), ("ASK", "fe80::1:6379"), ("MOVED", "0.0.0.0:1")]
    {
        let server = Canned::start(format!("-{word} 9631 {place}\r\n")).await;
        let cluster = json!({"cluster": {"addresses": [server.address()]}, "listName": "jobs"});
        let message = bench.absence(&cluster, AddressRefused).await;
        assert!(message.ends_with("and is not called"), "{message}");
    }
    let sentinel = Canned::start("*2\r\n$15\r\n169.254.169.254\r\n$4\r\n6379\r\n").await;
    let named =
        json!({"sentinel": {"addresses": [sentinel.address()], "masterName": "main"}, "listName": "jobs"});
    let message = bench.absence(&named, AddressRefused).await;
    assert!(message.starts_with("169.254.169.254:6379: "), "{message}");
}

#[tokio::test]
async fn real_servers_do_not_lead_past_the_guard() {
    let bench = Bench::with(policy(&["127.0.0.1/32"], &[]));
    let elsewhere = |server: &RedisServer| format!("127.0.0.2:{}", server.port());
    let site = SentinelSite::start(RedisOptions::default()).await.unwrap();
    let settings = json!({
        "sentinel": {"addresses": [elsewhere(site.sentinel())], "masterName": site.master_name()},
        "listName": "jobs",
    });
    assert_eq!(Bench::new().number(&settings).await, Ok(0.0));
    let message = bench.absence(&settings, AddressRefused).await;
    assert!(message.starts_with(&site.master().await.unwrap().address()), "{message}");

    let servers = RedisServer::start_cluster(RedisOptions::default()).await.unwrap();
    let settings = |key: &str| json!({"cluster": {"addresses": [elsewhere(&servers[0])]}, "listName": key});
    assert_eq!(bench.number(&settings("b")).await, Ok(0.0), "it has this one itself");
    let message = bench.absence(&settings("a"), AddressRefused).await;
    assert!(message.starts_with(&servers[2].address()), "{message}");
}
