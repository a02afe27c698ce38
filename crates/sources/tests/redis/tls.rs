//! TLS: whom we believe, and as whom we show ourselves.

use std::io::Write as _;
use std::process::{Command, Stdio};

use engine::AbsenceReason::*;
use serde_json::{Value, json};
use testbed::certificates::Authority;
use testbed::{RedisOptions, RedisServer, RedisTls};

use crate::redis::bench::{Bench, list, push, secret, with};

async fn server(tls: RedisTls, bench: &Bench) -> RedisServer {
    let options = RedisOptions { tls: Some(tls), ..RedisOptions::default() };
    let server = RedisServer::start(options).await.unwrap();
    push(&server, "jobs", 5).await;
    let (certificate, key) = server.client_pem().unwrap();
    bench.vault.set("shop/redis", "ca", &server.authority_pem().unwrap());
    bench.vault.set("shop/cert", "crt", &certificate);
    bench.vault.set("shop/key", "key", &key);
    server
}

fn tls(server: &RedisServer, tls: Value) -> Value {
    with(&list(server, "jobs"), &json!({"tls": tls}))
}

fn named(name: &str, key: &str) -> Value {
    json!({"secretKeyRef": {"name": name, "key": key}})
}

#[tokio::test]
async fn only_the_given_authority_is_believed() {
    let bench = Bench::new();
    let server = server(RedisTls::Server, &bench).await;
    let trusting = tls(&server, json!({"caFrom": secret("ca")}));
    assert_eq!(bench.number(&trusting).await, Ok(5.0));

    let message = bench.absence(&list(&server, "jobs"), ConnectionFailed).await;
    assert!(message.ends_with("TLS: certificate not trusted; set its authority's certificate in tls.caFrom"));
    let folder = tempfile::tempdir().unwrap();
    let theirs = Authority::new(folder.path(), "theirs").unwrap();
    let theirs = std::fs::read_to_string(&theirs.files().certificate).unwrap();
    bench.vault.set("shop/redis", "ca", &theirs);
    let message = bench.absence(&trusting, ConnectionFailed).await;
    assert!(message.ends_with("TLS: certificate not signed by the authority of tls.caFrom"), "{message}");

    bench.vault.set("shop/redis", "ca", "hidden");
    let message = bench.absence(&trusting, SecretUnavailable).await;
    assert!(
        message.contains("tls.caFrom does not contain a certificate in PEM format")
            && !message.contains("hidden")
    );
    assert_eq!(bench.number(&tls(&server, json!({"insecureSkipVerify": true}))).await, Ok(5.0));
}

#[tokio::test]
async fn the_certificate_must_be_for_the_name() {
    let bench = Bench::new();
    let server = server(RedisTls::Server, &bench).await;
    let other = tls(&server, json!({"caFrom": secret("ca"), "serverName": "redis.example.com"}));
    let message = bench.absence(&other, ConnectionFailed).await;
    assert!(message.contains("certificate is for another name; set that in tls.serverName"), "{message}");
    let same = tls(&server, json!({"caFrom": secret("ca"), "serverName": "localhost"}));
    assert_eq!(bench.number(&same).await, Ok(5.0));
}

#[tokio::test]
async fn contract_6_2_a_server_that_wants_a_certificate_gets_ours() {
    let bench = Bench::new();
    let server = server(RedisTls::Mutual, &bench).await;
    let shown =
        json!({"caFrom": secret("ca"), "certFrom": named("cert", "crt"), "keyFrom": named("key", "key")});
    assert_eq!(bench.number(&tls(&server, shown.clone())).await, Ok(5.0));
    let message = bench.absence(&tls(&server, json!({"caFrom": secret("ca")})), ConnectionFailed).await;
    assert!(message.contains("does it require a client certificate?"), "{message}");

    let mut swapped = shown.clone();
    swapped["keyFrom"] = named("cert", "crt");
    let message = bench.absence(&tls(&server, swapped), SecretUnavailable).await;
    assert!(message.contains("tls.keyFrom does not contain a private key"), "{message}");

    let key = server.client_pem().unwrap().1;
    bench.vault.set("shop/key", "key", &locked(&key, "open sesame"));
    let message = bench.absence(&tls(&server, shown.clone()), SecretUnavailable).await;
    assert!(message.contains("tls.keyFrom contains a key with a password, and there is no"), "{message}");
    let mut opened = shown;
    opened["keyPasswordFrom"] = named("key", "password");
    bench.vault.set("shop/key", "password", "sesame");
    let message = bench.absence(&tls(&server, opened.clone()), SecretUnavailable).await;
    assert!(message.contains("tls.keyPasswordFrom is not the password of the key"), "{message}");
    bench.vault.set("shop/key", "password", "open sesame");
    assert_eq!(bench.number(&tls(&server, opened)).await, Ok(5.0));
}

/// A private key, locked by a password.
fn locked(key: &str, password: &str) -> String {
    let program = testbed::programs::ensure(&testbed::programs::OPENSSL, &mut |_| {}).unwrap();
    let mut command = Command::new(program);
    command.args(["pkcs8", "-topk8", "-passout", &format!("pass:{password}")]);
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(key.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_wrong_kind_of_port_is_reported() {
    let bench = Bench::new();
    let server = server(RedisTls::Server, &bench).await;
    let plain = json!({"address": server.url().replace("rediss", "redis"), "listName": "jobs"});
    let message = bench.absence(&plain, ConnectionFailed).await;
    assert!(message.contains("does its port require TLS (rediss://)?"), "{message}");
    let secure = json!({"address": format!("rediss://{}", server.address()), "listName": "jobs"});
    let message = bench.absence(&secure, Timeout).await;
    assert!(message.contains("is it a port without TLS?"), "{message}");
}
