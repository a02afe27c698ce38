use engine::{Asked, ConfigPath, Problem, SourceCatalog};
use serde_json::{Value, json};

use crate::values::settings::tests::{asked, needs_of_source};
use crate::{AddressPolicy, Registry};

fn problems(config: Value) -> Vec<String> {
    let path = ConfigPath {
        source: "spec.type",
        config: "spec.config",
        elsewhere: &[("url", "spec.metricSource"), ("valuePath", "spec.valuePath")],
    };
    let prepared = Registry::new(AddressPolicy::default()).prepare(&Asked { path, ..asked("http", &config) });
    prepared.err().unwrap_or_default().iter().map(Problem::to_string).collect()
}

#[test]
fn good_settings_have_no_problem() {
    for config in [
        json!({"url": "http://metrics.shop:8080/users?unit=1", "valuePath": "$.active_users"}),
        json!({"url": "HTTPS://[::1]/", "valuePath": "$", "timeoutSeconds": 60}),
        json!({"url": "https://a/", "valuePath": "$", "headersFrom": {"secretRef": {"name": "token"}}}),
        json!({"url": "https://a/", "valuePath": "$", "headersFrom": null, "timeoutSeconds": null}),
        json!({"url": "http://web.shop/", "valueLocation": "a.0", "format": "yaml", "aggregateEndpoints": "max"}),
        json!({"url": "http://a/", "valueLocation": "a", "onlyStatus": 200, "timeoutMillis": 3000, "username": "ann"}),
    ] {
        assert_eq!(problems(config.clone()), [] as [&str; 0], "{config}");
    }
}

#[test]
fn every_problem_has_its_path_and_words() {
    let with = |name: &str, value: Value| {
        let mut config = json!({"url": "http://a/", "valuePath": "$.a"});
        config[name] = value;
        config
    };
    let whole = "must be a whole number from 1 to 60";
    let not_url = "must be an http or https URL";
    for (config, expected) in [
        (
            with("url", json!("ftp://files/x")),
            format!(
                "spec.metricSource: Invalid value: \"ftp://files/x\": \
             {not_url}"
            ),
        ),
        (with("url", json!("")), "spec.metricSource: Required value".into()),
        (with("url", json!(7)), "spec.metricSource: Invalid value: a number: must be a string".into()),
        (
            with("url", json!("not a url")),
            format!(
                "spec.metricSource: Invalid value: {not_url}: relative \
             URL without a base"
            ),
        ),
        (with("url", json!("http://")), format!("spec.metricSource: Invalid value: {not_url}: empty host")),
        (
            with("valuePath", json!("users")),
            "spec.valuePath: Invalid value: \"users\": must be a JSONPath (RFC 9535) that begins with $"
                .into(),
        ),
        (
            with("valuePath", json!("$.a-b")),
            "spec.valuePath: Invalid value: \"$.a-b\": must be a JSONPath (RFC 9535): \
             it cannot be parsed from character 4: \"-b\"; names with other characters are written \
                  ['like-this']"
                .into(),
        ),
        (with("timeoutSeconds", json!(0)), format!("spec.config.timeoutSeconds: Invalid value: 0: {whole}")),
        (
            with("timeoutSeconds", json!(61)),
            format!(
                "spec.config.timeoutSeconds: Invalid value: 61: \
             {whole}"
            ),
        ),
        (
            with("timeoutSeconds", json!(-1)),
            format!(
                "spec.config.timeoutSeconds: Invalid value: -1: \
             {whole}"
            ),
        ),
        (
            with("timeoutSeconds", json!("5")),
            format!(
                "spec.config.timeoutSeconds: Invalid value: \"5\": \
             {whole}"
            ),
        ),
        (
            with("headersFrom", json!("token")),
            "spec.config.headersFrom: Invalid value: a string: must be an \
             object"
                .into(),
        ),
        (with("headersFrom", json!({})), "spec.config.headersFrom.secretRef: Required value".into()),
        (
            with("headersFrom", json!({"secretRef": {"name": ""}})),
            "spec.config.headersFrom.secretRef.name: Required value".into(),
        ),
        (
            with("headersFrom", json!({"secretRef": {"name": "a", "key": "b"}})),
            "spec.config.headersFrom.secretRef.key: unknown field; known fields are name".into(),
        ),
        (
            with("heders", json!({})),
            "spec.config.heders: unknown field; this source accepts url, valueLocation, valuePath, onlyStatus, \
             aggregateEndpoints, headers, headersFrom, bearerTokenFrom, username, usernameFrom, passwordFrom, authHeader, \
             apiKey, oauth2, caFrom, certFrom, keyFrom, insecureSkipVerify, timeoutSeconds, timeoutMillis"
                .into(),
        ),
        (with("onlyStatus", json!(404)), "spec.config.onlyStatus: Invalid value: 404: must be a whole number from 200 to 299".into()),
        (with("format", json!("xml")), "spec.config.format: Forbidden: it is only valid with valueLocation".into()),
        (
            with("valueLocation", json!("a")),
            "spec.valuePath: Forbidden: must not be set together with valueLocation".into(),
        ),
        (
            json!({"url": "http://a/", "valueLocation": "a.{b}"}),
            "spec.config.valueLocation: Invalid value: \"a.{b}\": must not have {, or have it as \\{".into(),
        ),
        (
            json!({"url": "http://a/", "valueLocation": "a", "format": "toml"}),
            "spec.config.format: Unsupported value: \"toml\": supported values: \"json\", \"yaml\", \"xml\", \"prometheus\""
                .into(),
        ),
        (
            with("aggregateEndpoints", json!("sum")),
            "spec.metricSource: Invalid value: with aggregateEndpoints, its host must be SERVICE.NAMESPACE, with or \
             without what follows"
                .into(),
        ),
        (
            with("aggregateEndpoints", json!("total")),
            "spec.config.aggregateEndpoints: Unsupported value: \"total\": supported values: \"average\", \"sum\", \
             \"max\", \"min\""
                .into(),
        ),
        (
            with("timeoutMillis", json!(60_001)),
            "spec.config.timeoutMillis: Invalid value: 60001: must be a whole number from 1 to 60000".into(),
        ),
        (json!([]), "spec.config: Invalid value: a list: must be an object".into()),
    ] {
        let found = problems(config.clone());
        assert_eq!(found.first(), Some(&expected), "{config}");
    }
}

#[test]
fn all_problems_are_found_at_once() {
    let found = problems(json!({"url": "ftp://a", "timeoutSeconds": 99, "colour": "red"}));
    let paths: Vec<_> = found.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    assert_eq!(
        paths,
        ["spec.metricSource", "spec.valuePath", "spec.config.timeoutSeconds", "spec.config.colour"]
    );
}

#[test]
fn credentials_in_the_url_are_refused_and_not_repeated() {
    for url in [
        "http://ann:hunter2@host/",
        "http://ann@host/",
        "http://:hunter2@host/",
        "http://ann:hunter2@host:99999/",
    ] {
        let found = problems(json!({"url": url, "valuePath": "$"})).join("\n");
        assert!(!found.is_empty(), "{url}");
        assert!(!found.contains("hunter2") && !found.contains("ann"), "{found}");
    }
    let found = problems(json!({"url": "http://ann:hunter2@host/", "valuePath": "$"}));
    assert!(found[0].contains("name it in headersFrom"), "{found:?}");
}

#[test]
fn the_secret_is_named_for_the_hub() {
    let config =
        json!({"url": "http://a/", "valuePath": "$", "headersFrom": {"secretRef": {"name": "token"}}});
    assert_eq!(needs_of_source("http", &config), ["secret shop/token"]);
    assert_eq!(needs_of_source("http", &json!({"url": "http://a/", "valuePath": "$"})), [""; 0]);
}
