//! A real cluster of three: keys on each, keys that move, servers that go.

use engine::AbsenceReason::*;
use serde_json::{Value, json};
use testbed::{RedisOptions, RedisServer, RedisTls};

use crate::redis::bench::{Bench, push, secret, with};

/// Keys and the server, from 0, that has them.
const KEYS: [(&str, usize); 3] = [("b", 0), ("c", 1), ("a", 2)];

/// The slot of `c`.
const SLOT_OF_C: &str = "7365";

/// The slot of `d`, which the third server has.
const SLOT_OF_D: &str = "11298";

fn settings(seeds: &[&RedisServer], list: &str) -> Value {
    let addresses: Vec<_> = seeds.iter().map(|server| server.url()).collect();
    json!({"cluster": {"addresses": addresses}, "listName": list})
}

async fn filled(options: RedisOptions) -> Vec<RedisServer> {
    let servers = RedisServer::start_cluster(options).await.unwrap();
    for (key, server) in KEYS {
        push(&servers[server], key, server + 1).await;
    }
    servers
}

async fn run(server: &RedisServer, command: &str) -> redis::Value {
    server.run(&command.split(' ').collect::<Vec<_>>()).await.unwrap()
}

async fn id(server: &RedisServer) -> String {
    redis::from_redis_value(run(server, "CLUSTER MYID").await).unwrap()
}

#[tokio::test]
async fn contract_6_2_whichever_server_is_named_the_one_with_the_key_reports() {
    let (bench, servers) = (Bench::new(), filled(RedisOptions::default()).await);
    for seed in &servers {
        for (key, server) in KEYS {
            assert_eq!(bench.number(&settings(&[seed], key)).await, Ok(server as f64 + 1.0), "{key}");
        }
        assert_eq!(bench.number(&settings(&[seed], "none")).await, Ok(0.0));
    }
    for server in &servers {
        server.wait_for_clients(1).await.unwrap();
    }
    // An address by itself is that of one server, and nobody is followed.
    let alone = json!({"address": servers[0].url(), "listName": "a"});
    let message = bench.absence(&alone, BadStatus).await;
    assert!(message.ends_with("it answered MOVED, as it is part of a cluster: name it in cluster.addresses"));
}

#[tokio::test]
async fn a_key_is_counted_while_it_moves_and_after() {
    let (bench, servers) = (Bench::new(), filled(RedisOptions::default()).await);
    let (from, to) = (&servers[1], &servers[0]);
    let moving = settings(&[&servers[2]], "c");
    assert_eq!(bench.number(&moving).await, Ok(2.0));
    run(to, &format!("CLUSTER SETSLOT {SLOT_OF_C} IMPORTING {}", id(from).await)).await;
    run(from, &format!("CLUSTER SETSLOT {SLOT_OF_C} MIGRATING {}", id(to).await)).await;
    assert_eq!(bench.number(&moving).await, Ok(2.0), "not moved yet");
    run(from, &format!("MIGRATE 127.0.0.1 {} c 0 5000", to.port())).await;
    assert_eq!(bench.number(&moving).await, Ok(2.0), "moved, and its slot not yet");
    let new = id(to).await;
    for server in [to, from, &servers[2]] {
        run(server, &format!("CLUSTER SETSLOT {SLOT_OF_C} NODE {new}")).await;
    }
    push(to, "c", 1).await;
    bench.until(3.0, &moving).await;
}

#[tokio::test]
async fn what_a_lost_server_had_is_an_absence_and_comes_back() {
    let options =
        RedisOptions { lines: vec!["cluster-require-full-coverage no".into()], ..RedisOptions::default() };
    let (bench, servers) = (Bench::new(), filled(options).await);
    let all: Vec<_> = servers.iter().collect();
    for (key, server) in KEYS {
        assert_eq!(bench.number(&settings(&all, key)).await, Ok(server as f64 + 1.0));
    }
    servers[0].stop().await.unwrap();
    let lost = settings(&all, "b");
    bench.absence(&lost, ConnectionFailed).await;
    // The others are as before, also for one that names the lost server first.
    for (key, server) in &KEYS[1..] {
        assert_eq!(bench.number(&settings(&all, key)).await, Ok(*server as f64 + 1.0));
    }
    assert_eq!(bench.number(&settings(&all, "d")).await, Ok(0.0));
    servers[0].start_again().unwrap();
    bench.until(1.0, &lost).await;

    // A slot that nobody serves.
    run(&servers[2], &format!("CLUSTER DELSLOTS {SLOT_OF_D}")).await;
    let message = bench.absence(&settings(&[&servers[2]], "d"), BadStatus).await;
    assert!(message.ends_with("it answered CLUSTERDOWN: its cluster is down"), "{message}");
}

#[tokio::test]
async fn a_silent_seed_does_not_stand_for_all() {
    let (bench, servers) = (Bench::new(), filled(RedisOptions::default()).await);
    servers[0].pause().unwrap();
    let seeds = [&servers[0], &servers[1], &servers[2]];
    let others = with(&settings(&seeds, "a"), &json!({"timeoutSeconds": 6}));
    assert_eq!(bench.number(&others).await, Ok(3.0));
    servers[0].resume().unwrap();
}

#[tokio::test]
async fn a_cluster_with_password_and_tls_is_followed_with_both() {
    let options = RedisOptions {
        password: Some("main-password".into()),
        tls: Some(RedisTls::Server),
        ..RedisOptions::default()
    };
    let (bench, servers) = (Bench::new(), filled(options).await);
    bench.vault.set("shop/redis", "password", "main-password");
    let authority = servers[0].authority_pem().unwrap();
    bench.vault.set("shop/authority", "ca.crt", &authority);
    let secured = json!({
        "passwordFrom": secret("password"),
        "tls": {"caFrom": {"secretKeyRef": {"name": "authority", "key": "ca.crt"}}},
    });
    for (key, server) in KEYS {
        let settings = with(&settings(&[&servers[0]], key), &secured);
        assert_eq!(bench.number(&settings).await, Ok(server as f64 + 1.0), "{key}");
    }
}
