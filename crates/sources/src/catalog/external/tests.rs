use engine::{Asked, Holder, Problem, SourceCatalog};
use serde_json::{Value, json};

use crate::registry::Content;
use crate::values::settings::tests::{asked, problems_of_source};
use crate::{AddressPolicy, Registry};

fn with(name: &str, value: Value) -> Value {
    let mut config = json!({"scalerAddress": "scaler.shop:6000", "object": "web"});
    config[name] = value;
    config
}

#[test]
fn good_settings_have_no_problem() {
    for config in [
        with("push", json!(true)),
        with("scalerAddress", json!("[::1]:443")),
        with("metadata", json!({"queue": "mail", "scalerAddress": "scaler.shop:6000"})),
        with("tls", json!({})),
        with(
            "tls",
            json!({"caFrom": {"secretKeyRef": {"name": "a", "key": "b"}}, "insecureSkipVerify": false}),
        ),
        with("timeoutMillis", json!(500)),
    ] {
        assert_eq!(problems_of_source("external", &config), [""; 0], "{config}");
    }
}

#[test]
fn every_problem_has_its_path_and_words() {
    let address = "scalerAddress: Invalid value: must be the address of a gRPC service, as HOST:PORT";
    for (config, expected) in [
        (json!({"object": "web"}), "scalerAddress: Required value"),
        (json!({"scalerAddress": "a:1"}), "object: Required value"),
        (with("scalerAddress", json!("http://a:1")), address),
        (with("scalerAddress", json!("a")), address),
        (with("scalerAddress", json!("a:1/b")), address),
        (with("metadata", json!({"a": 1})), "metadata.a: Invalid value: a number: must be a string"),
        (
            with("tls", json!({"certFrom": {"secretKeyRef": {"name": "a", "key": "b"}}})),
            "tls.keyFrom: Required value: certFrom is set",
        ),
        (with("push", json!("yes")), "push: Invalid value: a string: must be true or false"),
    ] {
        assert_eq!(problems_of_source("external", &config), [format!("spec.config.{expected}")], "{config}");
    }
    let secret = problems_of_source("external", &with("scalerAddress", json!("ann:hunter2@a:1"))).concat();
    assert!(!secret.is_empty() && !secret.contains("hunter2"), "{secret}");
}

#[test]
fn what_is_told_may_come_as_credentials_and_each_object_is_another_query() {
    let holder = || Holder::Secret { namespace: "shop".to_owned(), name: "s".to_owned() };
    let given = [("metadata.queueFromEnv", holder().value("queue").into())];
    let prepare = |config: &Value, namespace: &str| {
        let asked = Asked { credentials: &given, namespace, ..asked("external", config) };
        let prepared = Registry::new(AddressPolicy::default()).prepare(&asked);
        prepared.unwrap_or_else(|problems: Vec<Problem>| panic!("{problems:?}")).query
    };
    let query = prepare(&with("push", json!(true)), "shop");
    let content: &Content = query.content().unwrap();
    assert_eq!(content.needs, [(holder(), ["queue".to_owned()].into())].into());
    assert!(content.ask.pushes());
    assert_eq!(query.server(), Some("http://scaler.shop:6000"));
    assert_ne!(query, prepare(&with("push", json!(true)), "other"));
    assert_ne!(query, prepare(&with("object", json!("db")), "shop"));
}
