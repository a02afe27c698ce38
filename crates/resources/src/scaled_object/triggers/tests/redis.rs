//! The triggers of Redis: where the servers are, how they are reached, and what is counted.

use serde_json::json;

use super::*;

/// What is asked of a trigger with these parameters, without what it counts.
fn access(type_: &str, metadata: &[(&str, &str)], authentication: Option<Value>) -> (Value, Vec<String>) {
    let mut case = trigger(type_, metadata).with(|trigger| {
        trigger.metadata.insert("listName".to_owned(), "jobs".to_owned());
    });
    if let Some(spec) = authentication {
        case = case.authenticated(spec);
    }
    let (source, mut config) = case.asked();
    assert_eq!(source, "redis");
    assert_eq!(config.as_object_mut().unwrap().remove("collectionName"), Some(json!("jobs")));
    (config, case.shown_credentials())
}

fn keys(parameters: &[&str]) -> Value {
    let key = |parameter: &&str| json!({ "parameter": parameter, "name": "redis", "key": parameter });
    json!({ "secretTargetRef": parameters.iter().map(key).collect::<Vec<_>>() })
}

#[test]
fn one_server_is_the_first_that_is_named() {
    for (metadata, expected) in [
        (&[("address", "redis:6379")][..], json!({ "address": "redis:6379", "db": 0 })),
        (&[("addresses", "a:1, b:2"), ("databaseIndex", "3")], json!({ "address": "a:1", "db": 3 })),
        (&[("host", "redis"), ("port", "6379")], json!({ "host": "redis", "port": "6379", "db": 0 })),
        (&[("hosts", "a,b"), ("ports", "1,2")], json!({ "host": "a", "port": "1", "db": 0 })),
        // Hosts are appended to addresses.
        (&[("address", "x:9"), ("host", "a"), ("port", "1")], json!({ "address": "x:9", "db": 0 })),
    ] {
        assert_eq!(access("redis", metadata, None), (expected, Vec::new()), "{metadata:?}");
    }
}

#[test]
fn the_order_of_places_is_that_of_each_parameter() {
    let environment = "environment of Deployment shop/web";
    let from_env =
        [("addressFromEnv", "ADDRESS"), ("usernameFromEnv", "NAME"), ("passwordFromEnv", "PASSWORD")];
    assert_eq!(
        access("redis", &from_env, None).1,
        [
            format!("addressFrom: ADDRESS of {environment}"),
            format!("usernameFrom: NAME of {environment}, or nothing"),
            format!("passwordFrom: PASSWORD of {environment}, or nothing"),
        ]
    );
    assert_eq!(
        access("redis", &from_env, Some(keys(&["address", "username", "password"]))).1,
        [
            format!("addressFrom: address of secret shop/redis, or ADDRESS of {environment}"),
            format!("usernameFrom: NAME of {environment}, or username of secret shop/redis, or nothing"),
            format!("passwordFrom: PASSWORD of {environment}, or password of secret shop/redis, or nothing"),
        ],
        "of addresses the authentication comes first, of the user the environment"
    );
    let written = [("address", "a:1"), ("addressFromEnv", "ADDRESS"), ("username", "me")];
    let (config, credentials) = access("redis", &written, Some(keys(&["address", "username", "password"])));
    assert_eq!(config, json!({ "address": "a:1", "username": "me", "db": 0 }));
    assert_eq!(credentials, ["passwordFrom: password of secret shop/redis, or nothing"]);
    // An empty value is none.
    let empty = [("address", " "), ("addressFromEnv", "ADDRESS")];
    assert_eq!(access("redis", &empty, None).1, [format!("addressFrom: ADDRESS of {environment}")]);
}

#[test]
fn a_cluster_and_sentinels_have_lists() {
    assert_eq!(
        access("redis-cluster", &[("addresses", "a:1,b:2"), ("hosts", "c"), ("ports", "3")], None).0,
        json!({ "cluster": { "addresses": ["a:1", "b:2"], "hosts": ["c"], "ports": ["3"] } })
    );
    let (config, credentials) =
        access("redis-cluster", &[("hostsFromEnv", "HOSTS"), ("portsFromEnv", "PORTS")], None);
    assert_eq!(config, json!({ "cluster": {} }));
    assert_eq!(
        credentials,
        [
            "cluster.hostsFrom: HOSTS of environment of Deployment shop/web",
            "cluster.portsFrom: PORTS of environment of Deployment shop/web",
        ]
    );
    let (config, credentials) = access(
        "redis-sentinel",
        &[("addresses", "a:1,b:2"), ("sentinelMaster", "mymaster"), ("databaseIndex", "1")],
        Some(keys(&["password", "sentinelPassword", "sentinelUsername", "sentinelMaster"])),
    );
    assert_eq!(
        config,
        json!({ "sentinel": { "addresses": ["a:1", "b:2"], "masterName": "mymaster" }, "db": 1 })
    );
    assert_eq!(
        credentials,
        [
            "passwordFrom: password of secret shop/redis, or nothing",
            "sentinel.usernameFrom: sentinelUsername of secret shop/redis, or nothing",
            "sentinel.passwordFrom: sentinelPassword of secret shop/redis, or nothing",
        ]
    );
    let cluster = with("redis-cluster", &[("databaseIndex", "1")]).warnings();
    assert!(cluster[0].contains("trigger redis-cluster has no parameter databaseIndex"), "{cluster:?}");
}

#[test]
fn tls_is_switched_on_here_or_there() {
    let server = [("address", "a:1")];
    let with = |more: &[(&'static str, &'static str)]| [&server[..], more].concat();
    assert_eq!(access("redis", &with(&[("enableTLS", "true")]), None).0["tls"], json!({}));
    assert_eq!(
        access("redis", &with(&[("enableTLS", "true"), ("unsafeSsl", "true")]), None).0["tls"],
        json!({ "insecureSkipVerify": true })
    );
    for off in [&with(&[("enableTLS", "false"), ("unsafeSsl", "true")]), &server.to_vec()] {
        let (config, credentials) = access("redis", off, Some(keys(&["ca"])));
        assert_eq!((config.get("tls"), credentials), (None, Vec::new()));
    }
    let (config, credentials) = access("redis", &server, Some(keys(&["tls", "ca", "Cert", "key"])));
    assert_eq!(config["tls"], json!({}));
    assert_eq!(
        credentials,
        [
            "tlsModeFrom: tls of secret shop/redis, or \"disable\"",
            "tls.certFrom: Cert of secret shop/redis, or nothing",
            "tls.keyFrom: key of secret shop/redis, or nothing",
            "tls.caFrom: ca of secret shop/redis, or nothing",
        ]
    );
    let (config, credentials) = access("redis", &with(&[("unsafeSsl", "true")]), Some(keys(&["tls", "ca"])));
    assert_eq!(config["tls"], json!({ "insecureSkipVerify": true }));
    assert_eq!(
        credentials,
        ["tlsModeFrom: tls of secret shop/redis, or \"disable\""],
        "no authority has a say"
    );
    let case = |more: &[(&str, &str)], parameters: &[&str]| {
        super::with("redis", more).authenticated(keys(parameters)).problems()
    };
    assert_eq!(
        case(&[("enableTLS", "true")], &["tls"]),
        ["spec.triggers[0].metadata.enableTLS: Forbidden: unable to set `tls` in both ScaledObject and \
          TriggerAuthentication together"]
    );
    let (_, credentials) = access("redis", &server, Some(keys(&["tls", "cert", "key", "keyPassword"])));
    assert_eq!(credentials[3..], ["tls.keyPasswordFrom: keyPassword of secret shop/redis, or nothing"]);
}

#[test]
fn servers_must_be_named() {
    let nowhere = trigger("redis", &[("listName", "jobs")]);
    assert_eq!(
        nowhere.problems(),
        [
            "spec.triggers[0].metadata.address: Required value: no addresses or hosts given. address should be a comma \
          separated list of host:port or set the host/port values"
        ]
    );
    let mut unknown = trigger("redis", &[("listName", "jobs")]).authenticated(json!({}));
    unknown.resolved = None;
    assert_eq!(unknown.problems(), [] as [&str; 0], "an authentication that nobody sees may name them");
    assert_eq!(
        trigger("redis-cluster", &[("listName", "jobs"), ("hosts", "a,b"), ("ports", "1")]).problems(),
        [
            "spec.triggers[0].metadata.ports: Invalid value: not enough hosts or ports given. number of hosts should be \
          equal to the number of ports"
        ]
    );
    assert_eq!(
        trigger("redis", &[("listName", "jobs"), ("host", "a")]).problems(),
        [
            "spec.triggers[0].metadata.port: Required value: missing required parameter \"port\" in [triggerMetadata \
          resolvedEnv authParams]"
        ]
    );
}

#[test]
fn contract_6_2_a_password_may_stand_in_metadata_and_that_is_a_warning() {
    let case = with(
        "redis-sentinel",
        &[("sentinelMaster", "m"), ("password", "secret"), ("sentinelPassword", "hidden")],
    );
    assert_eq!(case.problems(), [] as [&str; 0]);
    assert_eq!(
        case.shown_credentials(),
        ["passwordFrom: \"secret\"", "sentinel.passwordFrom: \"hidden\""],
        "metadata come first"
    );
    assert_eq!(
        case.warnings(),
        [
            "spec.triggers[0].metadata.password: whoever may read the object can read it; name a variable in \
             passwordFromEnv, or an authentication that gives password",
            "spec.triggers[0].metadata.sentinelPassword: whoever may read the object can read it; name a variable in \
             sentinelPasswordFromEnv, or an authentication that gives sentinelPassword",
        ]
    );
}

#[test]
fn a_list_has_a_length() {
    for type_ in ["redis", "redis-cluster", "redis-sentinel"] {
        let published = with(type_, &[("listName", "a:b.c")]).at(1).published();
        assert_eq!(&*published.metric, "s1-redis-a-b-c");
        assert_eq!(Some(published.target), MetricTarget::new(TargetType::AverageValue, 5.0));
        assert_eq!(published.activation.to_bits(), 0_f64.to_bits());
    }
    let published = with("redis", &[("listLength", "30"), ("activationListLength", "3")]).published();
    assert_eq!(Some(published.target), MetricTarget::new(TargetType::AverageValue, 30.0));
    assert_eq!(published.activation.to_bits(), 3_f64.to_bits());
    assert_eq!(
        with("redis", &[("listLength", "5.0")]).problems(),
        [
            "spec.triggers[0].metadata.listLength: Invalid value: unable to set param \"listLength\" value \"5.0\": must \
          be a whole number"
        ]
    );
}

#[test]
fn a_stream_has_a_length_what_is_pending_and_what_lags() {
    let numbers = [("pendingEntriesCount", "6"), ("streamLength", "7"), ("activationLagCount", "2")];
    for (more, measure, missing, target) in [
        (&[][..], "length", None, 7.0),
        // Without a group there is no lag.
        (&[("lagCount", "8")], "length", None, 7.0),
        (&[("consumerGroup", "g")], "pending", Some("absent"), 6.0),
        (&[("consumerGroup", "g"), ("lagCount", "0")], "pending", Some("absent"), 6.0),
        (&[("consumerGroup", "g"), ("lagCount", "8")], "lag", Some("length"), 8.0),
    ] {
        let case = with("redis-streams", &[&numbers[..], more].concat());
        let (_, config) = case.asked();
        assert_eq!(
            (config["streamName"].as_str(), config["streamMeasure"].as_str()),
            (Some("jobs"), Some(measure))
        );
        assert_eq!(config.get("missingGroup").and_then(Value::as_str), missing);
        assert_eq!(config.get("consumerGroup").is_some(), measure != "length");
        let published = case.published();
        assert_eq!(&*published.metric, "s0-redis-streams-jobs");
        assert_eq!(Some(published.target), MetricTarget::new(TargetType::AverageValue, target));
        assert_eq!(published.activation.to_bits(), 2_f64.to_bits(), "it counts in all of them");
    }
    let problems = with("redis-sentinel-streams", &[("lagCount", "x"), ("streamLength", "y")]).problems();
    assert!(problems.len() == 2, "{problems:?}");
}
