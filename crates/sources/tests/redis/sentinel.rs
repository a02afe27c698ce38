//! A master that the sentinel names, and what happens when it is another.

use engine::AbsenceReason::*;
use serde_json::{Value, json};
use testbed::{RedisOptions, SentinelSite};

use crate::redis::bench::{Bench, push, secret, with};

fn settings(site: &SentinelSite) -> Value {
    let addresses = [site.sentinel().address()];
    json!({"sentinel": {"addresses": addresses, "masterName": site.master_name()}, "listName": "jobs"})
}

#[tokio::test]
async fn the_master_is_followed_over_failovers() {
    let (bench, site) = (Bench::new(), SentinelSite::start(RedisOptions::default()).await.unwrap());
    let settings = settings(&site);
    push(site.master().await.unwrap(), "jobs", 3).await;
    assert_eq!(bench.number(&settings).await, Ok(3.0));

    // At the sentinel's command, with both alive.
    site.fail_over().await.unwrap();
    let second = site.master().await.unwrap();
    push(second, "jobs", 2).await;
    assert_eq!(bench.number(&settings).await, Ok(5.0));

    // By a death: absent until there is another master, and never another number.
    site.wait_until_replicated().await.unwrap();
    second.kill().await.unwrap();
    match bench.number(&settings).await {
        Err((reason, message)) => {
            assert!(matches!(reason, ConnectionFailed | BadStatus), "{reason}: {message}");
        }
        // On a busy machine there is another one by now.
        Ok(jobs) => assert_eq!(jobs, 5.0),
    }
    site.wait_for_another_master(second.name()).await.unwrap();
    push(site.master().await.unwrap(), "jobs", 1).await;
    assert_eq!(bench.number(&settings).await, Ok(6.0));
    second.start_again().unwrap();
    site.wait_until_replicated().await.unwrap();
    assert_eq!(bench.number(&settings).await, Ok(6.0));
}

#[tokio::test]
async fn contract_6_2_sentinel_and_master_have_logins_of_their_own() {
    let options = RedisOptions { password: Some("main-password".into()), ..RedisOptions::default() };
    let (bench, site) = (Bench::new(), SentinelSite::start(options).await.unwrap());
    push(site.master().await.unwrap(), "jobs", 3).await;
    bench.vault.set("shop/redis", "password", "main-password");
    bench.vault.set("shop/redis", "wrong", "hunter2");
    let logins = |sentinel: Value, master: Value| {
        let mut settings = with(&settings(&site), &master);
        settings["sentinel"].as_object_mut().unwrap().extend(sentinel.as_object().unwrap().clone());
        settings
    };
    let with_key = |key: &str| json!({"passwordFrom": secret(key)});
    assert_eq!(bench.number(&logins(with_key("password"), with_key("password"))).await, Ok(3.0));
    let message = bench.absence(&logins(json!({}), with_key("password")), Unauthorized).await;
    assert!(message.starts_with(&site.sentinel().address()), "{message}");
    let message = bench.absence(&logins(with_key("password"), with_key("wrong")), Unauthorized).await;
    assert!(message.starts_with(&site.master().await.unwrap().address()), "{message}");
}

#[tokio::test]
async fn sentinels_that_do_not_help_are_named() {
    let (bench, site) = (Bench::new(), SentinelSite::start(RedisOptions::default()).await.unwrap());
    let master = site.master().await.unwrap();
    push(master, "jobs", 2).await;
    let mut unknown = settings(&site);
    unknown["sentinel"]["masterName"] = "other".into();
    let message = bench.absence(&unknown, ValueMissing).await;
    assert!(message.ends_with("the sentinel does not know a master \"other\""), "{message}");

    // The next one is asked when one does not know or is no sentinel.
    let mut several = settings(&site);
    several["sentinel"]["addresses"] = json!([master.address(), "127.0.0.1:1", site.sentinel().address()]);
    assert_eq!(bench.number(&several).await, Ok(2.0));

    let sentinel_as_server = json!({"address": site.sentinel().address(), "listName": "jobs"});
    let message = bench.absence(&sentinel_as_server, BadStatus).await;
    assert!(message.contains("it is a sentinel: name it in sentinel.addresses"), "{message}");
}
