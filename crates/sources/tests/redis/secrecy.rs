//! No secret is in a log line or in a message, whatever goes wrong.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use testbed::{RedisOptions, RedisServer, RedisTls};
use tracing::Level;

use crate::redis::bad_answers::Canned;
use crate::redis::bench::{Bench, list, secret, with};

const PASSWORD: &str = "correct-horse-battery";
const WRONG: &str = "wrong-horse-battery";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn secrets_are_in_no_log_line_and_no_message() {
    let log = Log::default();
    let written = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(move || written.clone()).finish();
    // For the tests beside this one as well: what they log must not hold these secrets either.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let bench = Bench::new();
    let options = RedisOptions {
        password: Some(PASSWORD.into()),
        tls: Some(RedisTls::Server),
        ..RedisOptions::default()
    };
    let server = RedisServer::start(options).await.unwrap();
    bench.vault.set("shop/redis", "password", PASSWORD);
    bench.vault.set("shop/redis", "wrong", WRONG);
    bench.vault.set("shop/redis", "ca", &server.authority_pem().unwrap());
    bench.vault.set("shop/redis", "key", &server.client_pem().unwrap().1);
    let tls = |ca: &str| json!({"tls": {"caFrom": secret(ca)}});
    let good = with(&with(&list(&server, "jobs"), &tls("ca")), &json!({"passwordFrom": secret("password")}));
    let echo = Canned::start(format!("-ERR you sent {PASSWORD} and {WRONG}\r\n")).await;
    let login = json!({"passwordFrom": secret("password"), "username": "ann"});

    let mut messages = Vec::new();
    let mut read = async |settings: Value| {
        let outcome = bench.number(&settings).await;
        messages.push(format!("{outcome:?}"));
        outcome.is_ok()
    };
    // A test beside this one may have met a line just before there was anyone to hear it.
    tracing::callsite::rebuild_interest_cache();
    assert!(read(good.clone()).await);
    for bad in [
        with(&good, &json!({"passwordFrom": secret("wrong")})),
        with(&good, &json!({"username": "nobody"})),
        with(&good, &tls("key")),
        with(&good, &json!({"address": "rediss://127.0.0.1:1"})),
        with(&json!({"address": echo.address(), "listName": "jobs"}), &login),
        with(&json!({"cluster": {"addresses": [echo.address()]}, "listName": "jobs"}), &login),
        with(
            &json!({"sentinel": {"addresses": [echo.address()], "masterName": "m"}, "listName": "j"}),
            &login,
        ),
    ] {
        assert!(!read(bad).await);
    }
    server.kill().await.unwrap();
    assert!(!read(good).await);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("connected to redis"), "{log}");
    let pem = server.client_pem().unwrap().1;
    let key_line = pem.lines().nth(1).unwrap();
    for hidden in [PASSWORD, WRONG, key_line] {
        assert!(!log.contains(hidden), "{log}");
        assert!(!messages.concat().contains(hidden), "{messages:?}");
    }
}
