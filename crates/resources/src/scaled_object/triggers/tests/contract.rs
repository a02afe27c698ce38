//! The contract with KEDA's users, section 6: for each trigger its parameters, where each may stand, in which order, and what
//! holds without it.

use super::parameter::{Place, Without};
use super::*;

/// Names with `|` between; places as M (metadata), E (environment) and A (authentication) in their order; and what holds
/// without: `*` for a problem, `!` where a value is one, nothing, or this value.
type Line = (&'static str, &'static str, &'static str);

/// 6.0: the block of all triggers that ask an HTTP server.
const AUTHENTICATION: &[Line] = &[
    ("authModes|authMode", "MA", ""),
    ("bearerToken|token", "A", "*"),
    ("username", "A", "*"),
    ("password", "A", ""),
    ("cert", "A", "*"),
    ("key", "A", "*"),
    ("ca", "A", ""),
    ("customAuthHeader", "A", "*"),
    ("customAuthValue", "A", "*"),
    ("apiKey", "MA", "*"),
    ("method", "MA", "header"),
    ("keyParamName", "MA", ""),
    ("oauthTokenURI", "A", "*"),
    ("clientID", "A", "*"),
    ("clientSecret", "A", ""),
    ("scopes|scope", "A", ""),
    ("endpointParams", "A", ""),
    ("unsafeSsl", "M", "false"),
    ("timeout", "M", ""),
];

/// 6.2: how Redis is reached, for all six triggers.
const CONNECTION: &[Line] = &[
    ("address|addresses", "MAE", "*"),
    ("host|hosts", "MEA", "*"),
    ("port|ports", "MEA", "*"),
    ("username", "MEA", ""),
    ("password", "MEA", ""),
    ("enableTLS", "M", "false"),
    ("unsafeSsl", "M", "false"),
    ("tls", "A", "disable"),
    ("ca", "A", ""),
    ("cert|Cert", "A", ""),
    ("key", "A", ""),
    ("keyPassword", "A", ""),
];
const DATABASE: &[Line] = &[("databaseIndex", "M", "0")];
const SENTINEL: &[Line] =
    &[("sentinelUsername", "MAE", ""), ("sentinelPassword", "MAE", ""), ("sentinelMaster", "MAE", "")];
const LIST: &[Line] = &[("listName", "M", "*"), ("listLength", "M", "5"), ("activationListLength", "M", "0")];
const STREAM: &[Line] = &[
    ("stream", "M", "*"),
    ("consumerGroup", "M", ""),
    ("pendingEntriesCount", "M", "5"),
    ("streamLength", "M", "5"),
    ("lagCount", "M", ""),
    ("activationLagCount", "M", "0"),
];

fn assert_lines(types: &[&str], lines: &[&[Line]]) {
    for name in types {
        let type_ = TRIGGERS.iter().find(|type_| type_.name == *name).unwrap();
        let place = |place: &Place| match place {
            Place::Metadata => 'M',
            Place::Env => 'E',
            Place::Authentication => 'A',
        };
        let line = |parameter: &Parameter| {
            let without = match parameter.without {
                Without::Required => "*",
                Without::Nothing => "",
                Without::Default(value) => value,
                Without::Deprecated(_) => "!",
            };
            let places: String = parameter.places.iter().map(place).collect();
            (parameter.names.join("|"), places, without.to_owned())
        };
        let mut found: Vec<_> = type_.parameters.iter().copied().flatten().map(line).collect();
        let expected = lines.iter().copied().flatten();
        let mut expected: Vec<_> = expected
            .map(|(names, places, without)| {
                ((*names).to_owned(), (*places).to_owned(), (*without).to_owned())
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn contract_6_1_prometheus() {
    let own: &[Line] = &[
        ("serverAddress", "M", "*"),
        ("query", "M", "*"),
        ("threshold", "M", "*"),
        ("activationThreshold", "M", "0"),
        ("namespace", "M", ""),
        ("queryParameters", "M", ""),
        ("customHeaders", "M", ""),
        ("ignoreNullValues", "M", "true"),
    ];
    assert_lines(&["prometheus"], &[own, AUTHENTICATION]);
}

#[test]
fn contract_6_2_redis_lists() {
    assert_lines(&["redis"], &[LIST, CONNECTION, DATABASE]);
    assert_lines(&["redis-cluster"], &[LIST, CONNECTION]);
    assert_lines(&["redis-sentinel"], &[LIST, CONNECTION, DATABASE, SENTINEL]);
}

#[test]
fn contract_6_3_redis_streams() {
    assert_lines(&["redis-streams"], &[STREAM, CONNECTION, DATABASE]);
    assert_lines(&["redis-cluster-streams"], &[STREAM, CONNECTION]);
    assert_lines(&["redis-sentinel-streams"], &[STREAM, CONNECTION, DATABASE, SENTINEL]);
}

#[test]
fn contract_6_4_nats_jetstream() {
    let own: &[Line] = &[
        ("natsServerMonitoringEndpoint", "AM", "*"),
        ("account", "AM", "*"),
        ("accountID", "AM", "*"),
        ("stream", "M", "*"),
        ("consumer", "M", "*"),
        ("lagThreshold", "M", "10"),
        ("activationLagThreshold", "M", "0"),
        ("useHttps", "M", "false"),
    ];
    assert_lines(&["nats-jetstream"], &[own]);
}

#[test]
fn contract_6_5_gcp_pubsub() {
    let own: &[Line] = &[
        ("subscriptionName", "ME", ""),
        ("topicName", "ME", ""),
        ("mode", "M", "SubscriptionSize"),
        ("value", "M", "10"),
        ("activationValue", "M", "0"),
        ("aggregation", "M", ""),
        ("timeHorizon", "M", ""),
        ("valueIfNull", "M", ""),
        ("subscriptionSize", "M", "!"),
        ("GoogleApplicationCredentials", "A", "*"),
        ("credentials", "E", "*"),
    ];
    assert_lines(&["gcp-pubsub"], &[own]);
}

#[test]
fn contract_6_6_metrics_api() {
    let own: &[Line] = &[
        ("url", "M", "*"),
        ("valueLocation", "M", "*"),
        ("targetValue", "M", ""),
        ("activationTargetValue", "M", "0"),
        ("format", "M", "json"),
        ("aggregateFromKubeServiceEndpoints", "M", "false"),
        ("aggregationType", "M", "average"),
    ];
    assert_lines(&["metrics-api"], &[own, AUTHENTICATION]);
}

#[test]
fn contract_6_7_cron() {
    let own: &[Line] =
        &[("timezone", "M", "*"), ("start", "M", "*"), ("end", "M", "*"), ("desiredReplicas", "M", "*")];
    assert_lines(&["cron"], &[own]);
    // A time zone before an expression is a part of the metric's name.
    let named = with("cron", &[("start", "TZ=Asia/Tokyo 0 8 * * *")]).published().metric;
    assert_eq!(&*named, "s0-cron-Etc-UTC-TZ=AsiaSlTokyo08xxx-018xxx");
}

#[test]
fn contract_6_8_cpu_and_memory() {
    let own: &[Line] = &[("value", "M", "*"), ("containerName", "M", ""), ("type", "M", "!")];
    assert_lines(&["cpu", "memory"], &[own]);
}

#[test]
fn contract_6_9_kubernetes_workload() {
    let own: &[Line] = &[
        ("podSelector", "M", "*"),
        ("value", "M", ""),
        ("activationValue", "M", "0"),
        ("groupByNode", "M", "false"),
    ];
    assert_lines(&["kubernetes-workload"], &[own]);
}

#[test]
fn contract_6_10_and_6_11_external_and_external_push() {
    let own: &[Line] = &[
        ("scalerAddress", "M", "*"),
        ("enableTLS", "M", "false"),
        ("unsafeSsl", "M", "false"),
        ("caCert", "A", ""),
        ("tlsClientCert", "A", ""),
        ("tlsClientKey", "A", ""),
    ];
    assert_lines(&["external", "external-push"], &[own]);
}

/// Each parameter at once, so that no message of any of them repeats the text.
#[test]
fn ten_thousand_characters_are_taken_or_refused_in_short_words() {
    let long = "1".repeat(10_000);
    for type_ in TRIGGERS {
        let in_metadata = type_.parameters.iter().copied().flatten().filter(|parameter| {
            parameter.may_stand(Place::Metadata) && !matches!(parameter.without, Without::Deprecated(_))
        });
        for parameter in in_metadata {
            let (_, findings) = with(type_.name, &[(parameter.name(), &long)]).compile();
            for said in findings.problems.iter().map(ToString::to_string) {
                assert!(said.len() < 500, "{} {}: {said}", type_.name, parameter.name());
            }
        }
    }
}
