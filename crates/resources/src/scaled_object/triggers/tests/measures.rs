//! What is asked by the triggers of HTTP servers, NATS and Pub/Sub.

use serde_json::json;

use super::*;

#[test]
fn a_number_in_an_answer() {
    let case = with(
        "metrics-api",
        &[
            ("targetValue", "2.5"),
            ("activationTargetValue", "1.5"),
            ("format", "prometheus"),
            ("valueLocation", "a{b=\"c\"}(1)%2"),
            ("aggregateFromKubeServiceEndpoints", "true"),
            ("aggregationType", "max"),
        ],
    );
    assert_eq!(
        case.asked(),
        (
            "http".to_owned(),
            json!({ "url": "http://api:8080/stats", "valueLocation": "a{b=\"c\"}(1)%2", "format": "prometheus",
                    "onlyStatus": 200, "aggregateEndpoints": "max", "timeoutMillis": 3000 })
        )
    );
    let published = case.published();
    assert_eq!(&*published.metric, "s0-metric-api-a{b=\"c\"}-1--2");
    assert_eq!(Some(published.target), MetricTarget::new(TargetType::AverageValue, 2.5));
    assert_eq!(published.activation.to_bits(), 1.5_f64.to_bits());
    let plain = least("metrics-api");
    assert_eq!(plain.asked().1["format"], "json");
    assert_eq!(&*plain.published().metric, "s0-metric-api-jobs-waiting");
    assert_eq!(
        with("metrics-api", &[("format", "csv")]).problems(),
        [
            "spec.triggers[0].metadata.format: Invalid value: parameter \"format\" value \"csv\" must be one of [json xml \
          yaml prometheus]"
        ]
    );
    let without = trigger("metrics-api", &[("url", "http://a"), ("valueLocation", "v")]);
    assert_eq!(without.problems().len(), 1);
    assert_eq!(without.in_formula().problems(), [] as [&str; 0], "the formula has the target");
}

#[test]
fn what_a_consumer_has_before_it() {
    let case = with(
        "nats-jetstream",
        &[("lagThreshold", "20"), ("activationLagThreshold", "5"), ("useHttps", "true")],
    );
    assert_eq!(
        case.asked(),
        (
            "nats".to_owned(),
            json!({ "monitoringEndpoint": "nats.nats:8222", "useHttps": true, "account": "$G", "stream": "orders",
                    "consumer": "worker" })
        )
    );
    let published = case.published();
    assert_eq!(&*published.metric, "s0-nats-jetstream-orders");
    assert_eq!(Some(published.target), MetricTarget::new(TargetType::AverageValue, 20.0));
    assert_eq!(published.activation.to_bits(), 5_f64.to_bits());
    assert_eq!(
        Some(least("nats-jetstream").published().target),
        MetricTarget::new(TargetType::AverageValue, 10.0)
    );
    assert_eq!(with("nats-jetstream", &[("accountID", "A1")]).asked().1["account"], "A1");
    let nameless = least("nats-jetstream").with(|trigger| drop(trigger.metadata.remove("account")));
    assert_eq!(
        nameless.problems(),
        ["spec.triggers[0].metadata.account: Required value: no account name or id given"]
    );
    // Of both places the authentication is the first.
    let spec = json!({ "secretTargetRef": [
        { "parameter": "natsServerMonitoringEndpoint", "name": "nats", "key": "endpoint" },
        { "parameter": "account", "name": "nats", "key": "account" },
    ] });
    assert_eq!(
        least("nats-jetstream").authenticated(spec).shown_credentials(),
        [
            "monitoringEndpointFrom: endpoint of secret shop/nats, or \"nats.nats:8222\"",
            "accountFrom: account of secret shop/nats, or \"$G\"",
        ]
    );
}

#[test]
fn a_figure_of_a_subscription_or_a_topic() {
    let case = least("gcp-pubsub");
    assert_eq!(
        case.asked(),
        ("pubsub".to_owned(), json!({ "subscription": "orders", "metric": "num_undelivered_messages" }))
    );
    assert_eq!(
        case.shown_credentials(),
        ["credentialsFrom: GOOGLE_APPLICATION_CREDENTIALS_CONTENT of environment of Deployment shop/web"]
    );
    assert_eq!(&*case.published().metric, "s0-gcp-ps-orders");
    assert_eq!(Some(case.published().target), MetricTarget::new(TargetType::AverageValue, 10.0));
    let topic = trigger(
        "gcp-pubsub",
        &[
            ("topicName", "projects/my.shop/topics/orders"),
            ("mode", "SendRequestCount"),
            ("aggregation", "percentile99"),
            ("value", "0.25"),
            ("valueIfNull", "0"),
        ],
    )
    .authenticated(json!({ "podIdentity": { "provider": "gcp" } }));
    assert_eq!(
        topic.asked().1,
        json!({ "topic": "projects/my.shop/topics/orders", "metric": "send_request_count", "timeHorizonSeconds": 300,
                "aggregation": "percentile99", "valueIfNull": 0.0, "identityProject": true })
    );
    assert_eq!(topic.credentials(), []);
    assert_eq!(&*topic.published().metric, "s0-gcp-ps-projects-my-shop-topics-orders");
    assert_eq!(with("gcp-pubsub", &[("timeHorizon", "1m30s")]).asked().1["timeHorizonSeconds"], 90);
    let named_elsewhere =
        trigger("gcp-pubsub", &[("subscriptionNameFromEnv", "SUBSCRIPTION"), ("credentialsFromEnv", "KEY")]);
    assert_eq!(&*named_elsewhere.published().metric, "s0-gcp-ps-SUBSCRIPTION", "its value is not known");
}

#[test]
fn what_pubsub_lacks_or_has_too_much() {
    let of = |metadata: &[(&str, &str)]| trigger("gcp-pubsub", metadata).problems();
    assert_eq!(
        of(&[("credentialsFromEnv", "KEY")]),
        [
            "spec.triggers[0].metadata.subscriptionName: Required value: one of subscriptionName and topicName must be \
          given"
        ]
    );
    assert_eq!(
        of(&[("credentialsFromEnv", "KEY"), ("subscriptionName", "a"), ("topicName", "b")]),
        ["spec.triggers[0].metadata.topicName: Forbidden: must not be given together with subscriptionName"]
    );
    assert_eq!(
        of(&[("subscriptionName", "a")]),
        ["spec.triggers[0].metadata.credentials: Required value: no credentials given: name a variable in \
          credentialsFromEnv, or an authentication with GoogleApplicationCredentials or podIdentity gcp"]
    );
    assert_eq!(
        of(&[("credentialsFromEnv", "KEY"), ("subscriptionName", "a"), ("subscriptionSize", "5")]),
        ["spec.triggers[0].metadata.subscriptionSize: Forbidden: scaler gcp-pubsub info: parameter \
          \"subscriptionSize\" is deprecated: use mode and value instead"]
    );
}
