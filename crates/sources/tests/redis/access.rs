//! Users and passwords: right, wrong, missing, and changed under way.

use engine::AbsenceReason::*;
use serde_json::{Value, json};
use testbed::{RedisOptions, RedisServer, wait};

use crate::redis::bench::{Bench, LIMIT, list, push, secret, with};

async fn guarded() -> RedisServer {
    let options = RedisOptions {
        password: Some("main-password".into()),
        users: vec!["ann on >ann-password ~jobs +llen".into(), "open on nopass ~* +llen".into()],
        ..RedisOptions::default()
    };
    let server = RedisServer::start(options).await.unwrap();
    push(&server, "jobs", 3).await;
    server
}

fn entered(server: &RedisServer, login: Value) -> Value {
    with(&list(server, "jobs"), &login)
}

#[tokio::test]
async fn the_default_user_and_others_are_let_in() {
    let (bench, server) = (Bench::new(), guarded().await);
    bench.vault.set("shop/redis", "password", "main-password\n");
    let default = entered(&server, json!({"passwordFrom": secret("password"), "db": 2}));
    assert_eq!(bench.number(&default).await, Ok(0.0));
    assert_eq!(bench.number(&with(&default, &json!({"db": 0}))).await, Ok(3.0));
    assert_eq!(bench.number(&with(&default, &json!({"username": "default", "db": 0}))).await, Ok(3.0));

    bench.vault.set("shop/redis", "password", "ann-password");
    let ann = entered(&server, json!({"username": "ann", "passwordFrom": secret("password")}));
    // She may not ask for the role, which is no reason not to count, and asked for only once.
    for _ in 0..3 {
        assert_eq!(bench.number(&ann).await, Ok(3.0));
    }
    let log: Vec<redis::Value> = redis::from_redis_value(server.run(&["ACL", "LOG"]).await.unwrap()).unwrap();
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(format!("{log:?}").contains("int(1)"), "{log:?}");
    assert_eq!(bench.number(&entered(&server, json!({"username": "open"}))).await, Ok(3.0));
}

#[tokio::test]
async fn contract_6_2_a_rejected_user_is_reported_with_the_reason() {
    let (bench, server) = (Bench::new(), guarded().await);
    let message = bench.absence(&entered(&server, json!({})), Unauthorized).await;
    assert!(message.contains("requires a password: name a secret in passwordFrom"), "{message}");
    let message = bench.absence(&entered(&server, json!({"db": 1})), Unauthorized).await;
    assert!(message.contains("requires a password"), "{message}");

    bench.vault.set("shop/redis", "password", "hunter2");
    for login in [json!({}), json!({"username": "ann"}), json!({"username": "nobody"})] {
        let login = with(&login, &json!({"passwordFrom": secret("password")}));
        let message = bench.absence(&entered(&server, login), Unauthorized).await;
        assert!(message.ends_with("it rejects the user or the password"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    bench.vault.set("shop/redis", "password", "ann-password");
    let ann = json!({"username": "ann", "passwordFrom": secret("password")});
    let other_key = with(&entered(&server, ann.clone()), &json!({"listName": "private"}));
    let message = bench.absence(&other_key, Unauthorized).await;
    assert!(message.ends_with("the user may not run LLEN, or not on key \"private\""), "{message}");
    let other_command = with(&entered(&server, ann.clone()), &json!({"listName": null, "keyName": "jobs"}));
    let message = bench.absence(&other_command, Unauthorized).await;
    assert!(message.contains("may not run GETRANGE"), "{message}");
    let other_db = with(&entered(&server, ann), &json!({"db": 1}));
    let message = bench.absence(&other_db, Unauthorized).await;
    assert!(message.contains("may not run"), "{message}");

    let plain = RedisServer::start(RedisOptions::default()).await.unwrap();
    let needless = entered(&plain, json!({"passwordFrom": secret("password")}));
    let message = bench.absence(&needless, Unauthorized).await;
    assert!(message.ends_with("it rejects the user or the password, or has none set"), "{message}");
}

#[tokio::test]
async fn a_missing_secret_is_an_absence_and_nothing_is_asked() {
    let (bench, server) = (Bench::new(), guarded().await);
    let settings = entered(&server, json!({"passwordFrom": secret("password")}));
    let message = bench.absence(&settings, SecretUnavailable).await;
    assert_eq!(message, "secret shop/redis: not found");
    bench.vault.set("shop/redis", "other", "x");
    let message = bench.absence(&settings, SecretUnavailable).await;
    assert_eq!(message, "secret shop/redis: it has no key \"password\"");
    server.wait_for_clients(0).await.unwrap();
}

#[tokio::test]
async fn a_password_that_changes_under_way_takes_effect_at_once() {
    let (bench, server) = (Bench::new(), guarded().await);
    bench.vault.set("shop/redis", "password", "main-password");
    server.run(&["ACL", "SETUSER", "bob", "on", ">old", "~*", "+@all"]).await.unwrap();
    bench.vault.set("shop/redis", "password", "old");
    let bob = entered(&server, json!({"username": "bob", "passwordFrom": secret("password")}));
    assert_eq!(bench.number(&bob).await, Ok(3.0));
    server.wait_for_clients(1).await.unwrap();

    // The server's comes first: what is connected stays so, until the server ends it.
    server.run(&["ACL", "SETUSER", "bob", "resetpass", ">new"]).await.unwrap();
    server.run(&["CLIENT", "KILL", "USER", "bob"]).await.unwrap();
    bench.absence(&bob, Unauthorized).await;
    bench.vault.set("shop/redis", "password", "new");
    assert_eq!(bench.number(&bob).await, Ok(3.0));

    // Then the secret's: the connection that was made with the old one is closed.
    server.run(&["ACL", "SETUSER", "bob", ">newest"]).await.unwrap();
    bench.vault.set("shop/redis", "password", "newest");
    assert_eq!(bench.number(&bob).await, Ok(3.0));
    let one = || async {
        match server.clients().await {
            Ok(1) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("one connection", LIMIT, one).await.unwrap();
}
