use serde_json::{Value, json};

use super::*;
use crate::values::settings::tests;

fn parsed(config: &Value) -> Config {
    tests::parsed(config, Config::parse).unwrap_or_else(|problems| panic!("{config}: {problems:?}"))
}

fn problems(config: &Value) -> Vec<String> {
    tests::problems_of(config, Config::parse)
}

/// Settings for a list, with some changed.
fn with(changes: Value) -> Value {
    let mut config = json!({ "address": "redis://cache:6379", "listName": "jobs" });
    config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    config
}

/// The same without the list.
fn counting(changes: Value) -> Value {
    with(json!({ "listName": null }))
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .chain(changes.as_object().unwrap().clone())
        .collect()
}

fn secret(name: &str, key: &str) -> Value {
    json!({ "secretKeyRef": { "name": name, "key": key } })
}

#[test]
fn little_is_needed() {
    for address in ["redis://cache:6379", "redis://cache", "cache:6379", "cache"] {
        let config = parsed(&json!({ "address": address, "listName": "jobs" }));
        assert_eq!(config.servers, Servers::One(Node::new("cache", 6379).unwrap()));
        assert_eq!((config.db, config.timeout, config.tls.is_none()), (0, Duration::from_secs(5), true));
        assert_eq!((config.login, config.measure), (Login::default(), Measure::List { key: "jobs".into() }));
    }
}

#[test]
fn every_measure_has_its_fields() {
    let key = || "k".to_owned();
    let group = |what| Measure::Group { key: key(), group: "g".into(), what, must_exist: false };
    for (fields, expected) in [
        (json!({ "listName": "k" }), Measure::List { key: key() }),
        (json!({ "keyName": "k" }), Measure::Number { key: key() }),
        (json!({ "collectionName": "k" }), Measure::Collection { key: key(), seen: Seen::default() }),
        (
            json!({ "streamName": "k", "consumerGroup": "g", "missingGroup": "absent" }),
            Measure::Group { key: key(), group: "g".into(), what: GroupMeasure::Pending, must_exist: true },
        ),
        (json!({ "sortedSetName": "k" }), Measure::SortedSet { key: key(), min: None, max: None }),
        (
            json!({ "sortedSetName": "k", "minScore": -1, "maxScore": 1.5 }),
            Measure::SortedSet { key: key(), min: Some(-1.0), max: Some(1.5) },
        ),
        (json!({ "streamName": "k" }), Measure::Stream { key: key() }),
        (json!({ "streamName": "k", "streamMeasure": "length" }), Measure::Stream { key: key() }),
        (json!({ "streamName": "k", "consumerGroup": "g" }), group(GroupMeasure::Pending)),
        (
            json!({ "streamName": "k", "consumerGroup": "g", "streamMeasure": "pending" }),
            group(GroupMeasure::Pending),
        ),
        (
            json!({ "streamName": "k", "consumerGroup": "g", "streamMeasure": "lag" }),
            group(GroupMeasure::Lag),
        ),
        (
            json!({ "streamName": "k", "consumerGroup": "g", "streamMeasure": "backlog" }),
            group(GroupMeasure::Backlog),
        ),
    ] {
        assert_eq!(parsed(&counting(fields)).measure, expected);
    }
}

#[test]
fn clusters_and_sentinels_have_addresses_of_their_own() {
    let node = |host, port| Node::new(host, port).unwrap();
    let cluster = json!({ "address": null, "cluster": { "addresses": ["a", "redis://b:7000", "a:6379"] } });
    assert_eq!(parsed(&with(cluster)).servers, Servers::Cluster(vec![node("a", 6379), node("b", 7000)]));
    let settings = with(json!({
        "address": null,
        "db": 3,
        "passwordFrom": secret("redis", "password"),
        "sentinel": {
            "addresses": ["rediss://s1", "rediss://s2:5000"],
            "masterName": "main",
            "username": "watcher",
            "passwordFrom": secret("sentinel", "password"),
        },
        "tls": { "caFrom": secret("redis", "ca.crt") },
    }));
    let config = parsed(&settings);
    let Servers::Sentinel { sentinels, master, login } = &config.servers else { panic!("{config:?}") };
    assert_eq!((sentinels, master.as_str()), (&vec![node("s1", 26379), node("s2", 5000)], "main"));
    assert_eq!(login.username.as_deref(), Some("watcher"));
    let needs = tests::needs_of_source("redis", &settings);
    assert_eq!(needs, ["secret shop/redis: ca.crt password", "secret shop/sentinel: password"]);
}

#[test]
fn hosts_and_ports_may_be_written_apart() {
    let node = |host, port| Node::new(host, port).unwrap();
    let servers = |place: Value| parsed(&with(json!({ "address": null, "cluster": place }))).servers;
    let nodes = vec![node("c", 6379), node("a", 7000), node("b", 7001)];
    let place = json!({ "addresses": ["c"], "hosts": ["a", "b"], "ports": ["7000", "7001"] });
    assert_eq!(servers(place), Servers::Cluster(nodes));
    for (port, expected) in [(json!("7000"), 7000), (Value::Null, 6379)] {
        let config = with(json!({ "address": null, "host": "a", "port": port }));
        assert_eq!(parsed(&config).servers, Servers::One(node("a", expected)));
    }
    for (config, expected) in [
        (json!({ "host": "a b" }), "host: Invalid value: must be a host name or an IP address"),
        (json!({ "host": "a", "port": "0" }), "port: Invalid value: must be the number of a port"),
        (
            json!({ "cluster": { "hosts": ["a", "b"], "ports": ["1"] } }),
            "cluster.ports: Invalid value: must have as many items as hosts",
        ),
        (
            json!({ "cluster": { "hosts": ["a"] } }),
            "cluster.ports: Invalid value: must have as many items as hosts",
        ),
    ] {
        let mut config = with(config);
        config["address"] = Value::Null;
        assert_eq!(problems(&config), [format!("spec.config.{expected}")], "{config}");
    }
}

#[test]
fn a_mode_switches_tls_whatever_its_settings() {
    let tls = |config| parsed(&with(config)).tls;
    let settings = json!({ "insecureSkipVerify": true });
    let address = "cache:6379";
    assert_eq!(tls(json!({ "address": address, "tlsMode": "enable" })), Some(Tls::default()));
    assert_eq!(tls(json!({ "address": address, "tlsMode": "disable", "tls": settings })), None);
    assert!(tls(json!({ "address": address, "tlsMode": "enable", "tls": settings })).unwrap().skip_verify);
    let found = problems(&with(json!({ "address": "rediss://cache", "tlsMode": "disable" })));
    assert_eq!(found, ["spec.config.tlsMode: Forbidden: rediss:// is with TLS; use redis://"]);
}

#[test]
fn tls_comes_with_the_scheme_or_with_its_settings() {
    let tls = |config| parsed(&with(config)).tls;
    assert_eq!(tls(json!({ "address": "rediss://cache" })), Some(Tls::default()));
    assert_eq!(tls(json!({ "address": "cache:6379", "tls": {} })), Some(Tls::default()));
    let skip = tls(json!({ "address": "rediss://cache", "tls": { "insecureSkipVerify": true } }));
    assert!(skip.unwrap().skip_verify);
    let both = json!({ "tls": { "caFrom": secret("a", "b"), "insecureSkipVerify": true }, "address": "c" });
    let warnings = tests::warnings_of_source("redis", &with(both));
    assert_eq!(warnings, ["spec.config.tls.insecureSkipVerify: with it, caFrom has no effect"]);
    assert_eq!(tls(json!({ "address": "cache:6379" })), None);
}

#[test]
fn the_database_stands_in_the_address_or_by_itself() {
    let db = |config| parsed(&with(config)).db;
    assert_eq!(db(json!({ "address": "redis://cache/4" })), 4);
    assert_eq!(db(json!({ "db": 5 })), 5);
    assert_eq!(db(json!({ "address": "redis://cache/4", "db": 4 })), 4);
}

#[test]
fn every_problem_has_its_path_and_words() {
    let address = "Invalid value: must be redis://HOST:PORT, rediss://HOST:PORT or HOST:PORT";
    for (config, expected) in [
        (
            json!({ "listName": "k" }),
            "spec.config: Required value: must have one of address, host, cluster, sentinel",
        ),
        (with(json!({ "address": "http://cache" })), &format!("spec.config.address: {address}")),
        (
            with(json!({ "cluster": { "addresses": ["a"] } })),
            "spec.config.cluster: Forbidden: must not be set together with address",
        ),
        (with(json!({ "address": null, "cluster": {} })), "spec.config.cluster.addresses: Required value"),
        (
            with(json!({ "address": null, "cluster": { "addresses": ["a/1"] } })),
            "spec.config.cluster.addresses[0]: Invalid value: must not name a database",
        ),
        (
            with(json!({ "address": null, "cluster": { "addresses": ["a"] }, "db": 1 })),
            "spec.config.db: Invalid value: 1: must be 0: a cluster has no other database",
        ),
        (
            with(json!({ "address": null, "cluster": { "addresses": ["rediss://a", "b"] } })),
            "spec.config.cluster.addresses: Invalid value: must all begin with rediss://, or none of them",
        ),
        (
            with(json!({ "address": null, "sentinel": { "addresses": ["a"] } })),
            "spec.config.sentinel.masterName: Required value",
        ),
        (
            with(json!({ "address": null, "sentinel": { "addresses": "a", "masterName": "m" } })),
            "spec.config.sentinel.addresses: Invalid value: a string: must be a list of strings",
        ),
        (
            with(json!({ "listName": null })),
            "spec.config: Required value: must have one of listName, collectionName, streamName, sortedSetName, \
             keyName",
        ),
        (with(json!({ "listName": "" })), "spec.config.listName: Required value"),
        (
            with(json!({ "keyName": "k" })),
            "spec.config.keyName: Forbidden: must not be set together with listName",
        ),
        (
            with(json!({ "consumerGroup": "g" })),
            "spec.config.consumerGroup: Forbidden: it is only valid with streamName",
        ),
        (
            with(json!({ "minScore": 1 })),
            "spec.config.minScore: Forbidden: it is only valid with \
             sortedSetName",
        ),
        (
            counting(json!({ "sortedSetName": "k", "minScore": 2, "maxScore": 1 })),
            "spec.config.maxScore: Invalid value: 1: must not be below minScore, 2",
        ),
        (
            counting(json!({ "streamName": "k", "streamMeasure": "lag" })),
            "spec.config.consumerGroup: Required value: streamMeasure needs the name of a group",
        ),
        (
            counting(json!({ "streamName": "k", "streamMeasure": "length", "consumerGroup": "g" })),
            "spec.config.consumerGroup: Forbidden: the length of a stream is the same for all groups",
        ),
        (
            counting(json!({ "streamName": "k", "streamMeasure": "depth" })),
            "spec.config.streamMeasure: Unsupported value: \"depth\": \
             supported values: \"length\", \"pending\", \"lag\", \"backlog\"",
        ),
        (
            with(json!({ "db": -1 })),
            "spec.config.db: Invalid value: -1: must be a whole number from 0 to 65535",
        ),
        (
            with(json!({ "address": "redis://cache/4", "db": 5 })),
            "spec.config.db: Invalid value: 5: address names database 4",
        ),
        (
            with(json!({ "address": "redis://cache/70000" })),
            "spec.config.address: Invalid value: its database must be at most 65535",
        ),
        (with(json!({ "tls": {} })), "spec.config.tls: Forbidden: redis:// is without TLS; use rediss://"),
        (
            with(json!({ "address": "rediss://cache", "tls": { "certFrom": secret("a", "b") } })),
            "spec.config.tls.keyFrom: Required value: it is only valid with certFrom",
        ),
        (
            with(json!({ "address": "rediss://cache", "tls": { "serverName": "a b" } })),
            "spec.config.tls.serverName: Invalid value: \"a b\": must be a host name or an IP address",
        ),
        (
            with(json!({ "passwordFrom": {} })),
            "spec.config.passwordFrom: Required value: must have one of secretKeyRef, configMapKeyRef, targetEnv, \
             serviceAccountToken",
        ),
        (
            with(json!({ "timeoutSeconds": 61 })),
            "spec.config.timeoutSeconds: Invalid value: 61: must be a whole number from 1 to 60",
        ),
    ] {
        assert_eq!(problems(&config), [expected], "{config}");
    }
    let unknown = problems(&with(json!({ "hosts": ["cache"] }))).concat();
    assert!(
        unknown.starts_with("spec.config.hosts: unknown field; this source accepts address, "),
        "{unknown}"
    );
}

#[test]
fn a_password_in_the_open_is_refused_and_not_repeated() {
    for config in [
        with(json!({ "password": "hunter2" })),
        with(json!({ "address": "redis://ann:hunter2@cache:6379" })),
        with(json!({ "address": "redis://:hunter2@cache" })),
        with(json!({ "passwordFrom": "hunter2" })),
        with(
            json!({ "address": null, "sentinel": { "addresses": ["a"], "masterName": "m", "password": "hunter2" } }),
        ),
        with(json!({ "address": null, "cluster": { "addresses": ["ann:hunter2@a:1"] } })),
    ] {
        let found = problems(&config).concat();
        assert!(!found.is_empty() && !found.contains("hunter2"), "{found}");
    }
    let found = problems(&with(json!({ "password": "hunter2" })));
    assert_eq!(
        found,
        ["spec.config.password: Forbidden: put the password into a secret and name it in passwordFrom"]
    );
}
