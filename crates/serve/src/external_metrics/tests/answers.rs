use runner::{Clock as _, Leader, SystemClock};
use serde_json::json;

use super::scene::{Issues, Replica, known, metric};
use crate::certificates::tests::made;

#[tokio::test]
async fn contract_5_a_metric_is_a_list_of_one_value() {
    let replica = Replica::leading(&Issues::new()).await;
    let expected = json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": "external.metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": [{
            "metricName": "s0-prometheus", "metricLabels": null,
            "timestamp": "2023-11-14T22:13:20Z", "value": "7250m",
        }],
    });
    assert_eq!(replica.get(&known()).await, (200, expected));
    let (status, list) = replica.get(&metric("shop", "web", "S0-PROMETHEUS")).await;
    assert_eq!((status, &list["items"][0]["metricName"]), (200, &json!("s0-prometheus")));
}

#[tokio::test]
async fn contract_5_what_cannot_be_answered_is_an_error_that_says_why() {
    let replica = Replica::leading(&Issues::new()).await;
    let path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/s0-prometheus";
    for (path, message) in [
        (path.to_owned(), "scaledObject name is not specified"),
        (format!("{path}?labelSelector=a%3Db"), "scaledObject name is not specified"),
        (
            metric("shop", "other", "s0-prometheus"),
            "ScaledObject shop/other does not exist, or has not been polled yet",
        ),
        (
            metric("shop", "web", "s1-cron"),
            "no matching metrics found for s1-cron: of ScaledObject shop/web, it publishes s0-prometheus",
        ),
    ] {
        let expected = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "code": 500,
        });
        assert_eq!(replica.get(&path).await, (500, expected), "{path}");
    }
    replica.publish(Err("no answer from http://prometheus within 3 s"));
    let (status, answer) = replica.get(&known()).await;
    let message = "error when getting metric values metric:s0-prometheus encountered error: no answer from \
                   http://prometheus within 3 s";
    assert_eq!((status, &answer["message"]), (500, &json!(message)));
}

#[tokio::test]
async fn a_follower_has_the_leader_answer_or_says_why_not() {
    let (issues, files) = (Issues::new(), made(&["localhost"], SystemClock::start().now()));
    let (leader, follower) = (Replica::start(&issues, &files).await, Replica::start(&issues, &files).await);
    leader.lead();
    leader.publish(Ok(7.25));
    // Of the time when it led itself.
    follower.publish(Ok(1.0));
    let of_leader =
        |address: &str| Leader::Other { identity: "leader-1".to_owned(), address: Some(address.to_owned()) };
    follower.leadership.note(of_leader(&leader.peer));
    let (status, list) = follower.get(&known()).await;
    assert_eq!((status, &list["items"][0]["value"]), (200, &json!("7250m")));
    let (status, answer) = follower.get(&metric("shop", "web", "s1-cron")).await;
    assert_eq!(status, 500);
    assert!(answer["message"].as_str().unwrap().contains("no matching metrics found"), "{answer}");

    leader.leadership.note(Leader::Unknown);
    let (status, answer) = follower.get(&known()).await;
    let message = "this replica is not the leader: leader-1 is no longer the leader";
    assert_eq!((status, &answer["message"]), (500, &json!(message)));
    follower.leadership.note(Leader::Unknown);
    let (_, answer) = follower.get(&known()).await;
    assert_eq!(answer["message"], "this replica is not the leader: no leader is known");
    // What is no metric each knows by itself.
    assert_eq!(follower.get("/apis/external.metrics.k8s.io/v1beta1").await.0, 200);
}

#[tokio::test]
async fn contract_5_discovery_names_the_group_and_one_resource_for_all() {
    let replica = Replica::leading(&Issues::new()).await;
    let version = json!({ "groupVersion": "external.metrics.k8s.io/v1beta1", "version": "v1beta1" });
    let (_, groups) = replica.get("/apis").await;
    assert_eq!((&groups["kind"], &groups["groups"][0]["versions"][0]), (&json!("APIGroupList"), &version));
    let (_, group) = replica.get("/apis/external.metrics.k8s.io").await;
    assert_eq!((&group["kind"], &group["preferredVersion"]), (&json!("APIGroup"), &version));
    let (_, resources) = replica.get("/apis/external.metrics.k8s.io/v1beta1").await;
    let expected = json!([{
        "name": "externalmetrics", "singularName": "", "namespaced": true,
        "kind": "ExternalMetricValueList", "verbs": ["get"],
    }]);
    assert_eq!((&resources["kind"], &resources["resources"]), (&json!("APIResourceList"), &expected));
    let (status, missing) = replica.get("/apis/external.metrics.k8s.io/v2").await;
    assert_eq!((status, &missing["reason"]), (404, &json!("NotFound")));
}

#[tokio::test]
async fn discovery_is_aggregated_where_that_is_asked_for() {
    let replica = Replica::leading(&Issues::new()).await;
    let form = |version: &str| {
        format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList")
    };
    // As the API server asks, an older one, and whoever knows nothing of it.
    let both = format!("{},{}", form("v2"), form("v2beta1"));
    let cases = [
        (both.as_str(), Some("v2")),
        (&form("v2beta1"), Some("v2beta1")),
        (&form("v3"), None),
        ("application/json", None),
        ("application/json;as=APIGroupDiscoveryList", None),
    ];
    for (accept, version) in cases {
        let (content_type, answer) = replica.accepting("/apis", accept).await;
        let Some(version) = version else {
            assert_eq!(
                (content_type.as_str(), &answer["kind"]),
                ("application/json", &json!("APIGroupList")),
                "{accept}"
            );
            continue;
        };
        assert_eq!(content_type, form(version), "{accept}");
        assert_eq!(answer["apiVersion"], format!("apidiscovery.k8s.io/{version}"));
        let group = &answer["items"][0];
        assert_eq!(group["metadata"]["name"], "external.metrics.k8s.io");
        assert_eq!(
            (&group["versions"][0]["version"], &group["versions"][0]["freshness"]),
            (&json!("v1beta1"), &json!("Current"))
        );
        let resource = &group["versions"][0]["resources"][0];
        assert_eq!(
            (&resource["resource"], &resource["scope"]),
            (&json!("externalmetrics"), &json!("Namespaced"))
        );
    }
}
