use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;

use super::scene::{Issues, Replica, answer, known, metric};

const USER: &str = "X-Remote-User";
const GROUP: &str = "X-Remote-Group";

/// Waits until the front proxy is let in.
async fn until_known(replica: &Replica, issues: &Issues) {
    let client = replica.client(Some(issues.identity("front-proxy-client")));
    for _ in 0..100 {
        if answer(client.get(replica.url(&known())).header(USER, "reader")).await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the front proxy is not known");
}

#[tokio::test]
async fn contract_5_the_front_proxy_says_who_calls_and_the_api_server_whether_that_one_may() {
    let issues = Issues::new();
    let replica = Replica::leading(&issues).await;
    until_known(&replica, &issues).await;
    let client = replica.client(Some(issues.identity("front-proxy-client")));
    let ask = async |path: &str, user: &str| answer(client.get(replica.url(path)).header(USER, user)).await;
    assert_eq!(ask(&known(), "reader").await.0, 200);
    let (status, refused) = ask(&known(), "stranger").await;
    let message = "s0-prometheus.external.metrics.k8s.io is forbidden: User \"stranger\" cannot list resource \
                   \"s0-prometheus\" in API group \"external.metrics.k8s.io\" in the namespace \"shop\": no rule says so";
    assert_eq!(
        (status, &refused["message"], &refused["reason"]),
        (403, &json!(message), &json!("Forbidden"))
    );
    assert_eq!(ask(&metric("elsewhere", "web", "s0-prometheus"), "reader").await.0, 403);
    assert_eq!(ask("/metrics", "reader").await.0, 403);
    assert_eq!(ask("/apis", "reader").await.0, 200);
    // Nobody is asked about these.
    let asked = replica.script.rights_asked.load(Ordering::Relaxed);
    let master = client.get(replica.url(&known())).header(USER, "root").header(GROUP, "system:masters");
    assert_eq!(answer(master).await.0, 200);
    assert_eq!(replica.script.rights_asked.load(Ordering::Relaxed), asked);
}

#[tokio::test]
async fn headers_of_anyone_else_count_for_nothing() {
    let (issues, other) = (Issues::new(), Issues::new());
    let replica = Replica::leading(&issues).await;
    until_known(&replica, &issues).await;
    for identity in [None, Some(issues.identity("somebody-else")), Some(other.identity("front-proxy-client"))]
    {
        let client = replica.client(identity);
        let asked = client.get(replica.url(&known())).header(USER, "root").header(GROUP, "system:masters");
        let (status, refused) = answer(asked).await;
        assert_eq!((status, &refused["reason"]), (401, &json!("Unauthorized")));
    }
}

#[tokio::test]
async fn a_token_is_asked_for_once_in_a_while() {
    let replica = Replica::leading(&Issues::new()).await;
    for _ in 0..3 {
        assert_eq!(replica.get(&known()).await.0, 200);
        let bad = replica.client(None).get(replica.url(&known())).bearer_auth("bad");
        assert_eq!(answer(bad).await.0, 401);
    }
    assert_eq!(replica.script.tokens_asked.load(Ordering::Relaxed), 2, "one for each token");
    assert_eq!(replica.script.rights_asked.load(Ordering::Relaxed), 1);
    let none = replica.client(None).get(replica.url(&known()));
    assert_eq!(answer(none).await.0, 401);
}

#[tokio::test]
async fn while_nobody_can_judge_nobody_is_let_in() {
    let replica = Replica::leading(&Issues::new()).await;
    *replica.script.is_away.lock().unwrap() = true;
    let (status, refused) = replica.get(&known()).await;
    assert_eq!(status, 500);
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("could not be asked about the caller: no answer within 5 s"), "{message}");
}

#[tokio::test]
async fn contract_5_health_is_open_and_nothing_can_be_written() {
    let replica = Replica::leading(&Issues::new()).await;
    let client = replica.client(None);
    for path in ["/healthz", "/livez", "/readyz", "/openapi/v2", "/openapi/v3"] {
        assert_eq!(answer(client.get(replica.url(path))).await.0, 200, "{path}");
    }
    assert_eq!(answer(client.get(replica.url("/apis"))).await.0, 401);
    assert_eq!(answer(client.delete(replica.url(&known())).bearer_auth("good")).await.0, 405);
}

#[tokio::test]
async fn a_new_authority_of_the_front_proxy_is_learned() {
    let (old, new) = (Issues::new(), Issues::new());
    let replica = Replica::leading(&old).await;
    until_known(&replica, &old).await;
    let client = replica.client(Some(old.identity("front-proxy-client")));
    let ask = async || answer(client.get(replica.url(&known())).header(USER, "reader")).await.0;
    assert_eq!(ask().await, 200);
    *replica.script.proxy.lock().unwrap() = Some(new.proxy());
    until_known(&replica, &new).await;
    assert_eq!(
        ask().await,
        401,
        "one that is no longer listed, though it was let in on this connection a moment ago"
    );
}
