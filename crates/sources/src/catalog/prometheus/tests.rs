use engine::{Problem, SourceCatalog};
use serde_json::{Value, json};

use super::*;
use crate::values::settings::tests::{asked, needs_of_source, parsed};
use crate::{AddressPolicy, Registry};

/// The problems without the path of the settings' parent.
fn problems_by(registry: &Registry, config: &Value) -> Vec<String> {
    let problems = registry.prepare(&asked("prometheus", config)).err().unwrap_or_default();
    let problems = problems.iter().map(Problem::to_string);
    problems.map(|problem| problem.strip_prefix("spec.config").unwrap().to_owned()).collect()
}

fn problems(config: &Value) -> Vec<String> {
    problems_by(&Registry::new(AddressPolicy::default()), config)
}

fn with(settings: Value) -> Value {
    let mut config = json!({"query": "up", "serverAddress": "https://p"});
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    config
}

fn key(name: &str, key: &str) -> Value {
    json!({"secretKeyRef": {"name": name, "key": key}})
}

#[test]
fn good_settings_have_no_problem() {
    let (a, b) = (key("tls", "a"), key("tls", "b"));
    for config in [
        json!({"query": "rate(http_requests_total[5m])"}),
        with(json!({"aggregate": "only", "method": "POST", "timeoutSeconds": 60, "tenant": "team-a"})),
        with(json!({"bearerTokenFrom": a, "caFrom": b, "headers": {"X-Scope": "1"}})),
        with(json!({"username": "ann", "passwordFrom": a, "certFrom": a, "keyFrom": b})),
        with(json!({"serverAddress": "http://p:9090/prometheus/", "aggregate": null, "headersFrom": null})),
        with(json!({"headersFrom": {"secretRef": {"name": "token"}}})),
    ] {
        assert_eq!(problems(&config), [""; 0], "{config}");
    }
}

#[test]
fn every_problem_has_its_path_and_words() {
    let a = key("tls", "a");
    for (config, expected) in [
        (json!({}), ".query: Required value"),
        (json!({"query": ""}), ".query: Required value"),
        (json!({"query": " \n"}), ".query: Required value"),
        (json!({"query": 1}), ".query: Invalid value: a number: must be a string"),
        (json!("up"), ": Invalid value: a string: must be an object"),
        (
            with(json!({"serverAddress": "p:9090"})),
            ".serverAddress: Invalid value: \"p://9090\": must be an http or https URL",
        ),
        (
            with(json!({"serverAddress": "http://p?query=1"})),
            ".serverAddress: Invalid value: \"http://p/\": must not have a parameter query; set the field \
             query instead",
        ),
        (
            with(json!({"aggregate": "min"})),
            ".aggregate: Unsupported value: \"min\": supported values: \"sum\", \"max\", \"avg\", \"only\"",
        ),
        (with(json!({"aggregate": 1})), ".aggregate: Invalid value: a number: must be a string"),
        (
            with(json!({"method": "get"})),
            ".method: Unsupported value: \"get\": supported values: \"GET\", \"POST\"",
        ),
        (
            with(json!({"timeoutSeconds": 0})),
            ".timeoutSeconds: Invalid value: 0: must be a whole number from 1 to 60",
        ),
        (with(json!({"tenant": ""})), ".tenant: Invalid value: \"\": must not be empty"),
        (with(json!({"tenant": "a\nb"})), ".tenant: Invalid value: \"a\\nb\": must be the value of a header"),
        (
            with(json!({"bearerTokenFrom": "hunter2"})),
            ".bearerTokenFrom: Invalid value: a string: must be an object",
        ),
        (
            with(json!({"bearerTokenFrom": {"secretKeyRef": {"name": "a"}}})),
            ".bearerTokenFrom.secretKeyRef.key: Required value",
        ),
        (with(json!({"passwordFrom": a})), ".username: Required value: passwordFrom is set"),
        (
            with(json!({"username": "a:b", "passwordFrom": a})),
            ".username: Invalid value: must not have a colon",
        ),
        (
            with(json!({"bearerTokenFrom": a, "username": "ann", "passwordFrom": a})),
            ".bearerTokenFrom: Forbidden: must not be set together with username and passwordFrom",
        ),
        (with(json!({"certFrom": a})), ".keyFrom: Required value: certFrom is set"),
        (with(json!({"keyFrom": a})), ".certFrom: Required value: keyFrom is set"),
        (
            with(json!({"serverAddress": "http://p", "caFrom": a})),
            ".caFrom: Forbidden: serverAddress is an http address, which does not use TLS",
        ),
        (
            with(json!({"serverAddress": "http://p", "certFrom": a, "keyFrom": a})),
            ".certFrom: Forbidden: serverAddress is an http address, which does not use TLS",
        ),
        (with(json!({"headers": []})), ".headers: Invalid value: a list: must be an object of strings"),
        (
            with(json!({"headers": {"a b": "1"}})),
            ".headers.a b: Invalid value: \"a b\": must be the name of a header",
        ),
        (with(json!({"headers": {"X-A": 1}})), ".headers.X-A: Invalid value: a number: must be a string"),
        (
            with(json!({"headers": {"X-A": "a\nb"}})),
            ".headers.X-A: Invalid value: \"a\\nb\": must be the value of a header",
        ),
        (
            with(json!({"headers": {"TE": "1"}})),
            ".headers.TE: Forbidden: this header frames the request and must not be set",
        ),
        (
            with(json!({"headers": {"Authorization": "Bearer hunter2"}})),
            ".headers.Authorization: Forbidden: its value is confidential: put it into a secret and name \
             that in headersFrom",
        ),
        (with(json!({"headersFrom": {}})), ".headersFrom.secretRef: Required value"),
        (
            with(json!({"threshold": 1})),
            ".threshold: unknown field; this source accepts query, serverAddress, aggregate, method, emptyAsZero, \
             queryParameters, namespace, headers, headersFrom, bearerTokenFrom, username, usernameFrom, passwordFrom, \
             authHeader, apiKey, oauth2, caFrom, certFrom, keyFrom, insecureSkipVerify, tenant, timeoutSeconds, \
             timeoutMillis",
        ),
    ] {
        assert_eq!(problems(&config)[0], expected, "{config}");
    }
    let two = problems(&json!({"aggregate": "min", "colour": "red"}));
    assert_eq!(two.len(), 3, "{two:?}");
}

#[test]
fn the_operator_has_a_server_or_the_object_names_one() {
    let config = json!({"query": "up"});
    let policy = AddressPolicy::default;
    let without = Registry::of_operator(policy(), None);
    let refused = ".serverAddress: Required value: the operator runs without --prometheus-url";
    assert_eq!(problems_by(&without, &config), [refused]);
    assert_eq!(problems_by(&without, &with(json!({}))), [""; 0]);
    let known = Registry::of_operator(policy(), Some("http://p:9090".parse().unwrap()));
    assert_eq!(problems_by(&known, &config), [""; 0]);
}

#[test]
fn what_is_asked_is_encoded() {
    let request = |settings: Value| {
        let config = parsed(&with(settings), Config::parse).unwrap();
        let (url, form) = request_for(config.server.as_ref().unwrap(), &config);
        (url.to_string(), form)
    };
    let query = "sum(rate(a{b=\"c & d\"}[5m]))";
    let encoded = "query=sum%28rate%28a%7Bb%3D%22c+%26+d%22%7D%5B5m%5D%29%29";
    assert_eq!(request(json!({"query": query})), (format!("https://p/api/v1/query?{encoded}"), None));
    let posted = json!({"query": query, "method": "POST", "serverAddress": "https://p?dedup=true"});
    assert_eq!(request(posted), ("https://p/api/v1/query?dedup=true".to_owned(), Some(encoded.to_owned())));
}

#[test]
fn every_secret_is_named_once() {
    let settings = with(json!({
        "passwordFrom": key("login", "password"), "username": "ann", "caFrom": key("tls", "ca.crt"),
        "certFrom": key("tls", "tls.crt"), "keyFrom": key("tls", "tls.key"), "headersFrom": {"secretRef": {"name": "more"}},
    }));
    assert_eq!(
        needs_of_source("prometheus", &settings),
        ["secret shop/login: password", "secret shop/more", "secret shop/tls: ca.crt tls.crt tls.key"]
    );
    assert_eq!(needs_of_source("prometheus", &with(json!({}))), [""; 0]);
}
