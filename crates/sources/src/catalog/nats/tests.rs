use engine::{Asked, ConfigPath, Problem, SourceCatalog};
use serde_json::{Value, json};

use super::*;
use crate::values::settings::tests::{asked, needs_of_source};
use crate::{AddressPolicy, Registry};

fn problems(config: Value) -> Vec<String> {
    let path = ConfigPath {
        source: "spec.type",
        config: "spec.config",
        elsewhere: &[("monitoringUrl", "spec.natsMonitoringURL"), ("subject", "spec.subject")],
    };
    let prepared = Registry::new(AddressPolicy::default()).prepare(&Asked { path, ..asked("nats", &config) });
    prepared.err().unwrap_or_default().iter().map(Problem::to_string).collect()
}

fn with(name: &str, value: Value) -> Value {
    let mut config = json!({"monitoringUrl": "http://nats:8222", "subject": "orders.processing"});
    config[name] = value;
    config
}

#[test]
fn good_settings_have_no_problem() {
    for config in [
        with("subject", json!("orders.*.>")),
        with("monitoringUrl", json!("https://[::1]/nats/")),
        with("monitoringUrls", json!([])),
        with("monitoringUrls", json!(vec!["http://n/"; 31])),
        with("account", json!("A B")),
        with("stream", json!("ORDERS-1_x")),
        with("consumer", Value::Null),
        with("headersFrom", json!({"secretRef": {"name": "token"}})),
        with("timeoutSeconds", json!(60)),
        json!({"monitoringEndpoint": "nats:8222", "useHttps": true, "stream": "S", "consumer": "c", "account": "A"}),
    ] {
        assert_eq!(problems(config.clone()), [] as [&str; 0], "{config}");
    }
}

#[test]
fn every_problem_has_its_path_and_words() {
    let a_name = "must be a name, without spaces and without . * > / \\";
    for (config, expected) in [
        (
            json!({"subject": "a"}),
            "spec.natsMonitoringURL: Required value".to_owned(),
        ),
        (
            with("monitoringUrl", json!("nats://nats:4222")),
            "spec.natsMonitoringURL: Invalid value: \"nats://nats:4222\": must be an http or https URL".into(),
        ),
        (
            with("monitoringUrl", json!("http://nats:8222/jsz?acc=SHOP")),
            "spec.natsMonitoringURL: Invalid value: \"http://nats:8222/jsz\": \
             must be the address of the monitoring port, without a query"
                .into(),
        ),
        (with("subject", json!("")), "spec.subject: Required value".into()),
        (
            with("subject", json!("orders..new")),
            "spec.subject: Invalid value: \"orders..new\": must have something before, between and after \
             its dots".into(),
        ),
        (with("account", json!("")), "spec.config.account: Invalid value: \"\": must not be empty".into()),
        (with("account", json!(3)), "spec.config.account: Invalid value: a number: must be a string".into()),
        (with("stream", json!("a.b")), format!("spec.config.stream: Invalid value: \"a.b\": {a_name}")),
        (with("consumer", json!("a b")), format!("spec.config.consumer: Invalid value: \"a b\": {a_name}")),
        (
            with("monitoringUrls", json!("http://n/")),
            "spec.config.monitoringUrls: Invalid value: a string: must be a list of strings".into(),
        ),
        (
            with("monitoringUrls", json!(vec!["http://n/"; 32])),
            "spec.config.monitoringUrls: Too many: 32: must have at most 31 items".into(),
        ),
        (
            with("monitoringUrls", json!(["http://n/", "ftp://n/"])),
            "spec.config.monitoringUrls[1]: Invalid value: \"ftp://n/\": must be an http or https URL".into(),
        ),
        (
            with("monitoringUrls", json!([7])),
            "spec.config.monitoringUrls[0]: Invalid value: a number: must be a string".into(),
        ),
        (
            json!({"monitoringUrl": "http://n", "stream": "S"}),
            "spec.subject: Required value".into(),
        ),
        (
            with("monitoringEndpoint", json!("nats:8222")),
            "spec.natsMonitoringURL: Forbidden: must not be set together with monitoringEndpoint".into(),
        ),
        (
            json!({"monitoringEndpoint": "http://nats:8222", "subject": "a"}),
            "spec.config.monitoringEndpoint: Invalid value: must be HOST:PORT; use monitoringUrl for a URL".into(),
        ),
        (
            with("useHttps", json!(true)),
            "spec.config.useHttps: Forbidden: it is only valid with monitoringEndpoint".into(),
        ),
        (
            with("subjects", json!([])),
            "spec.config.subjects: unknown field; this source accepts monitoringUrl, monitoringEndpoint, \
             monitoringEndpointFrom, subject, account, accountFrom, stream, consumer, monitoringUrls, headersFrom, \
             timeoutSeconds, timeoutMillis"
                .into(),
        ),
    ] {
        assert_eq!(problems(config.clone()).first(), Some(&expected), "{config}");
    }
    let secret = problems(with("monitoringUrl", json!("http://ann:hunter2@nats:8222"))).join("\n");
    assert!(secret.contains("headersFrom") && !secret.contains("hunter2"), "{secret}");
}

#[test]
fn all_problems_are_found_at_once() {
    let found =
        problems(json!({"subject": "a b", "stream": "*", "monitoringUrls": ["x"], "timeoutSeconds": 0}));
    let paths: Vec<_> = found.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "spec.natsMonitoringURL",
            "spec.subject",
            "spec.config.stream",
            "spec.config.monitoringUrls[0]",
            "spec.config.timeoutSeconds"
        ]
    );
}

#[test]
fn every_spelling_of_the_monitoring_port_is_the_same_address() {
    for (written, expected) in [
        ("http://nats:8222", "http://nats:8222/"),
        ("http://nats:8222/", "http://nats:8222/"),
        ("http://nats:8222/jsz", "http://nats:8222/"),
        ("http://nats:8222//jsz/", "http://nats:8222/"),
        ("https://host/nats/", "https://host/nats"),
        ("https://host/nats/jsz", "https://host/nats"),
        ("https://host/myjsz", "https://host/myjsz"),
    ] {
        let base = monitoring_base(written.parse().unwrap()).unwrap();
        assert_eq!(base.as_str(), expected, "{written}");
    }
}

#[test]
fn the_secret_is_named_for_the_hub() {
    let config = with("headersFrom", json!({"secretRef": {"name": "token"}}));
    assert_eq!(needs_of_source("nats", &config), ["secret shop/token"]);
    assert_eq!(needs_of_source("nats", &with("stream", json!("S"))), [""; 0]);
}
