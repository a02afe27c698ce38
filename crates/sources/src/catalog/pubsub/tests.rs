use serde_json::{Value, json};

use crate::values::settings::tests::{needs_of_source, problems_of_source};

fn problems(config: Value) -> Vec<String> {
    problems_of_source("pubsub", &config)
}

fn key() -> Value {
    json!({"secretKeyRef": {"name": "gcp", "key": "key.json"}})
}

fn with(name: &str, value: Value) -> Value {
    let mut config = json!({"projectId": "shop", "subscription": "orders", "credentialsFrom": key()});
    config[name] = value;
    config
}

#[test]
fn good_settings_have_no_problem() {
    for config in [
        json!({"projectId": "shop", "subscription": "orders"}),
        json!({"subscription": "projects/shop/subscriptions/orders"}),
        with("subscription", json!("projects/example.com:other/subscriptions/orders")),
        with("measure", json!("undeliveredMessages")),
        with("measure", json!("oldestUnackedAgeSeconds")),
        with("endpoint", json!("https://monitoring-psc.p.googleapis.com/")),
        with("endpoint", json!("http://monitoring.test:8080/prefix")),
        with("maxAgeSeconds", json!(60)),
        with("timeoutSeconds", json!(60)),
        with("endpoint", Value::Null),
        with("projectId", Value::Null),
        json!({"subscription": "orders", "identityProject": true}),
        with("metric", json!("ack_message_count")),
        with("aggregation", json!("percentile99")),
        json!({"topic": "projects/shop/topics/orders", "metric": "byte_cost", "timeHorizonSeconds": 300, "valueIfNull": 0}),
    ] {
        assert_eq!(problems(config.clone()), [] as [&str; 0], "{config}");
    }
}

#[test]
fn every_problem_has_its_path_and_words() {
    let id = "must be a project's ID: lower-case letters, digits and hyphens, starting with a letter";
    let name = "must be a subscription's name: 3 to 255 letters, digits and characters of -_.~+%, starting \
                with a letter, but not with goog";
    let words = r#"supported values: "undeliveredMessages", "oldestUnackedAgeSeconds""#;
    for (config, expected) in [
        (json!({"projectId": "shop"}), "spec.config.subscription: Required value".to_owned()),
        (json!({"subscription": "orders"}), "spec.config.projectId: Required value".into()),
        (with("projectId", json!("Shop")), format!("spec.config.projectId: Invalid value: \"Shop\": {id}")),
        (
            with("projectId", json!("123456")),
            "spec.config.projectId: Invalid value: \"123456\": must be the project's ID, not its number"
                .into(),
        ),
        (
            with("projectId", json!(7)),
            "spec.config.projectId: Invalid value: a number: must be a string".into(),
        ),
        (
            with("subscription", json!("a\" OR \"b")),
            format!("spec.config.subscription: Invalid value: \"a\\\" OR \\\"b\": {name}"),
        ),
        (
            with("subscription", json!("projects/shop/topics/orders")),
            "spec.config.subscription: Invalid value: \"projects/shop/topics/orders\": \
             must be a subscription's name, or projects/PROJECT/subscriptions/NAME"
                .into(),
        ),
        (
            with("measure", json!("bytes")),
            format!("spec.config.measure: Unsupported value: \"bytes\": {words}"),
        ),
        (
            with("credentialsFrom", json!({"secretKeyRef": {"name": "gcp"}})),
            "spec.config.credentialsFrom.secretKeyRef.key: Required value".into(),
        ),
        (
            with("endpoint", json!("https://monitoring/?key=x")),
            "spec.config.endpoint: Invalid value: \"https://monitoring/\": \
             must be an http or https URL without a query"
                .into(),
        ),
        (
            with("maxAgeSeconds", json!(59)),
            "spec.config.maxAgeSeconds: Invalid value: 59: must be a whole number from 60 to 86400".into(),
        ),
        (
            with("timeoutSeconds", json!("5")),
            "spec.config.timeoutSeconds: Invalid value: \"5\": must be a whole number from 1 to 60".into(),
        ),
        (
            json!({"projectId": "shop", "subscription": "a-b", "topic": "orders", "metric": "byte_cost"}),
            "spec.config.subscription: Forbidden: must not be set together with topic".into(),
        ),
        (json!({"projectId": "shop", "topic": "orders"}), "spec.config.metric: Required value".into()),
        (
            with("metric", json!("Bytes")),
            "spec.config.metric: Invalid value: \"Bytes\": must be the end of a metric's type, such as \
             num_undelivered_messages"
                .into(),
        ),
        (
            with("aggregation", json!("percentile42")),
            "spec.config.aggregation: Unsupported value: \"percentile42\": supported values: \"mean\", \"median\", \
             \"variance\", \"stddev\", \"sum\", \"count\", \"percentile5\", \"percentile50\", \"percentile95\", \"percentile99\""
                .into(),
        ),
        (
            with("timeHorizonSeconds", json!(0)),
            "spec.config.timeHorizonSeconds: Invalid value: 0: must be a whole number from 1 to 86400".into(),
        ),
        (
            with("credentials", json!({"private_key": "s3cret"})),
            "spec.config.credentials: unknown field; this source accepts projectId, topic, topicFrom, subscription, \
             subscriptionFrom, metric, measure, credentialsFrom, endpoint, maxAgeSeconds, timeHorizonSeconds, aggregation, \
             valueIfNull, timeoutSeconds, timeoutMillis, identityProject"
                .into(),
        ),
    ] {
        let found = problems(config.clone());
        assert_eq!(found, [expected], "{config}");
    }
}

#[test]
fn the_operators_token_goes_nowhere_else() {
    let mut config = with("endpoint", json!("https://thief.example"));
    for absent in [None, Some(Value::Null)] {
        match absent {
            Some(null) => config["credentialsFrom"] = null,
            None => drop(config.as_object_mut().unwrap().remove("credentialsFrom")),
        }
        let found = problems(config.clone());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("spec.config.endpoint: Forbidden: "), "{found:?}");
    }
}

#[test]
fn the_secret_is_named_for_the_hub() {
    let needs = needs_of_source("pubsub", &with("measure", Value::Null));
    assert_eq!(needs, ["secret shop/gcp: key.json"]);
    assert_eq!(needs_of_source("pubsub", &with("credentialsFrom", Value::Null)), [""; 0]);
}
