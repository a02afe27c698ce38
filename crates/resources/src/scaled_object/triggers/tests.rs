use engine::{MetricTarget, TargetType};
use serde_json::json;

use super::fixture::trigger;
use super::*;

/// The least that each trigger must be given.
const LEAST: &[(&str, &[(&str, &str)])] = &[
    ("cpu", &[("value", "50")]),
    ("memory", &[("value", "50")]),
    (
        "cron",
        &[("timezone", "Etc/UTC"), ("start", "0 8 * * *"), ("end", "0 18 * * *"), ("desiredReplicas", "10")],
    ),
    ("external", &[("scalerAddress", "scaler.shop:9090")]),
    ("external-push", &[("scalerAddress", "scaler.shop:9090")]),
    (
        "gcp-pubsub",
        &[("subscriptionName", "orders"), ("credentialsFromEnv", "GOOGLE_APPLICATION_CREDENTIALS_CONTENT")],
    ),
    ("kubernetes-workload", &[("podSelector", "app=a"), ("value", "2")]),
    (
        "metrics-api",
        &[("url", "http://api:8080/stats"), ("valueLocation", "jobs.waiting"), ("targetValue", "5")],
    ),
    (
        "nats-jetstream",
        &[
            ("natsServerMonitoringEndpoint", "nats.nats:8222"),
            ("account", "$G"),
            ("stream", "orders"),
            ("consumer", "worker"),
        ],
    ),
    ("prometheus", &[("serverAddress", "http://p:9090"), ("query", "up"), ("threshold", "5")]),
    ("redis", &[("address", "redis:6379"), ("listName", "jobs")]),
    ("redis-cluster", &[("addresses", "a:6379,b:6379"), ("listName", "jobs")]),
    ("redis-cluster-streams", &[("addresses", "a:6379,b:6379"), ("stream", "jobs")]),
    ("redis-sentinel", &[("addresses", "a:26379,b:26379"), ("listName", "jobs")]),
    ("redis-sentinel-streams", &[("addresses", "a:26379,b:26379"), ("stream", "jobs")]),
    ("redis-streams", &[("address", "redis:6379"), ("stream", "jobs")]),
];

fn least(type_: &str) -> fixture::Case {
    let metadata = LEAST.iter().find(|(known, _)| *known == type_).map(|(_, metadata)| *metadata);
    let case = trigger(type_, metadata.unwrap_or_else(|| panic!("{type_} has no example")));
    match type_ {
        "cpu" | "memory" => case.with(|trigger| trigger.metric_type = Some("Utilization".to_owned())),
        _ => case,
    }
}

fn with(type_: &str, more: &[(&str, &str)]) -> fixture::Case {
    least(type_).with(|trigger| {
        trigger.metadata.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    })
}

mod contract;
mod external;
mod http_access;
mod measures;
mod names;
mod redis;

#[test]
fn each_trigger_lacks_nothing_with_the_least_and_something_without() {
    for type_ in TRIGGERS {
        let case = least(type_.name);
        assert_eq!(case.problems(), [] as [&str; 0], "{}", type_.name);
        assert_eq!(case.warnings(), [] as [&str; 0], "{}", type_.name);
        for key in case.trigger.metadata.keys() {
            let case = least(type_.name).with(|trigger| drop(trigger.metadata.remove(key)));
            let problems = case.problems();
            assert!(problems.len() == 1, "{} without {key}: {problems:?}", type_.name);
            // An empty value is none.
            let empty = least(type_.name).with(|trigger| {
                trigger.metadata.insert(key.clone(), "  ".to_owned());
            });
            assert_eq!(empty.problems(), problems);
        }
    }
}

#[test]
fn contract_6_0_all_that_is_wrong_is_said_at_once() {
    assert_eq!(
        trigger("prometheus", &[("activationThreshold", "x"), ("ignoreNullValues", "yes")]).at(3).problems(),
        [
            "spec.triggers[3].metadata.serverAddress: Required value: missing required parameter \"serverAddress\" in \
             [triggerMetadata]",
            "spec.triggers[3].metadata.query: Required value: missing required parameter \"query\" in [triggerMetadata]",
            "spec.triggers[3].metadata.ignoreNullValues: Invalid value: unable to set param \"ignoreNullValues\" value \
             \"yes\": must be true or false",
            "spec.triggers[3].metadata.threshold: Required value: missing required parameter \"threshold\" in \
             [triggerMetadata]",
            "spec.triggers[3].metadata.activationThreshold: Invalid value: unable to set param \"activationThreshold\" \
             value \"x\": must be a number, such as 5 or 0.5",
        ]
    );
}

#[test]
fn contract_6_0_a_parameter_that_nobody_reads_is_a_warning() {
    assert_eq!(
        with("prometheus", &[("metricName", "x"), ("thresholdFromEnv", "T")]).warnings(),
        [
            "spec.triggers[0].metadata.metricName: trigger prometheus has no parameter metricName: it has no effect",
            "spec.triggers[0].metadata.thresholdFromEnv: trigger prometheus has no parameter thresholdFromEnv: it has \
             no effect",
        ]
    );
}

#[test]
fn contract_6_0_values_are_trimmed_and_may_be_long() {
    let query = "x".repeat(10_000);
    let case = with("prometheus", &[("query", &format!(" {query}\n")), ("threshold", " 7 ")]);
    assert_eq!(case.asked().1["query"], json!(query));
    assert_eq!(case.published().target.value().to_bits(), 7_f64.to_bits());
    let long = with("prometheus", &[("threshold", &query)]).problems();
    assert!(long.iter().all(|problem| problem.len() < 400), "{long:?}");
}

#[test]
fn contract_6_0_metric_types_are_two() {
    let of = |metric_type: &str| {
        least("prometheus").with(|trigger| trigger.metric_type = Some(metric_type.to_owned()))
    };
    for (metric_type, expected) in [
        ("", TargetType::AverageValue),
        ("AverageValue", TargetType::AverageValue),
        ("Value", TargetType::Value),
    ] {
        assert_eq!(Some(of(metric_type).published().target), MetricTarget::new(expected, 5.0));
    }
    assert_eq!(
        of("Utilization").problems(),
        [
            "spec.triggers[0].metricType: Invalid value: 'Utilization' metric type is unsupported for external metrics, \
          allowed values are 'Value' or 'AverageValue'"
        ]
    );
    assert_eq!(
        of("value").problems(),
        [
            "spec.triggers[0].metricType: Unsupported value: \"value\": supported values: \"AverageValue\", \"Value\""
        ]
    );
}

#[test]
fn contract_6_0_some_may_not_be_cached() {
    for type_ in TRIGGERS {
        let case = least(type_.name).with(|trigger| trigger.use_cached_metrics = true);
        let expected = match type_.name {
            "cpu" | "memory" | "cron" => vec![format!(
                "spec.triggers[0].useCachedMetrics: Forbidden: property \"useCachedMetrics\" is not supported for \
                 {:?} scaler",
                type_.name
            )],
            _ => Vec::new(),
        };
        let problems: Vec<String> = case.compile().1.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems, expected);
    }
}

#[test]
fn what_is_asked_and_published() {
    for (case, source, config, metric, target, activation) in [
        (
            with("prometheus", &[("threshold", "2.5004"), ("activationThreshold", "0.5")]).at(2),
            "prometheus",
            json!({ "serverAddress": "http://p:9090", "query": "up", "aggregate": "only", "emptyAsZero": true,
                    "timeoutMillis": 3000 }),
            "s2-prometheus",
            2.5,
            0.5,
        ),
        (
            with(
                "prometheus",
                &[
                    ("namespace", "a b"),
                    ("queryParameters", "x=1, y = 2"),
                    ("customHeaders", "X-Scope-OrgID=shop"),
                    ("ignoreNullValues", "false"),
                    ("unsafeSsl", "1"),
                    ("timeout", "1500"),
                ],
            ),
            "prometheus",
            json!({ "serverAddress": "http://p:9090", "query": "up", "aggregate": "only", "emptyAsZero": false,
                    "namespace": "a b", "queryParameters": { "x": "1", "y": "2" },
                    "headers": { "X-Scope-OrgID": "shop" }, "insecureSkipVerify": true, "timeoutMillis": 1500 }),
            "s0-prometheus",
            5.0,
            0.0,
        ),
        (
            with("kubernetes-workload", &[("groupByNode", "true"), ("activationValue", "1")]),
            "kubernetes-workload",
            json!({ "podSelector": "app=a", "groupByNode": true }),
            "s0-workload-shop",
            2.0,
            1.0,
        ),
        (
            least("cron"),
            "cron",
            json!({ "timezone": "Etc/UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": 10 }),
            "s0-cron-Etc-UTC-08xxx-018xxx",
            1.0,
            0.0,
        ),
    ] {
        assert_eq!(case.asked(), (source.to_owned(), config));
        let published = case.published();
        assert_eq!(*published.metric, *metric);
        assert_eq!(Some(published.target), MetricTarget::new(TargetType::AverageValue, target));
        assert_eq!(published.activation.to_bits(), f64::to_bits(activation), "{metric}");
        assert_eq!(case.warnings(), [] as [&str; 0]);
    }
}

#[test]
fn a_window_is_in_the_name_of_its_metric() {
    for (index, start, end, name) in [
        (0, "0 0 * * Thu", "59 23 * * Thu", "s0-cron-Etc-UTC-00xxThu-5923xxThu"),
        (1, "0 */2 * * *", "0 1-23/2 * * *", "s1-cron-Etc-UTC-0xSl2xxx-01-23Sl2xxx"),
        (2, "0,30 8 ? * 1.5", "0 9 ? * *", "s2-cron-Etc-UTC-0Cm308Qmx1-5-09Qmxx"),
    ] {
        let case = with("cron", &[("start", start), ("end", end)]).at(index);
        assert_eq!(*case.published().metric, *name);
    }
    for replicas in ["0", "-2"] {
        assert_eq!(
            with("cron", &[("desiredReplicas", replicas)]).problems(),
            [format!(
                "spec.triggers[0].metadata.desiredReplicas: Invalid value: {replicas}: must be greater than 0"
            )]
        );
    }
}

#[test]
fn contract_6_0_a_target_that_no_hpa_takes_is_refused_unless_a_formula_takes_the_value() {
    for threshold in ["0", "-1", "0.0004"] {
        let problems = with("prometheus", &[("threshold", threshold)]).problems();
        assert!(
            problems[0].contains("must be greater than 0, as an HPA takes no other target"),
            "{problems:?}"
        );
        assert_eq!(with("prometheus", &[("threshold", threshold)]).in_formula().problems(), [] as [&str; 0]);
    }
    let workload = trigger("kubernetes-workload", &[("podSelector", "app=a")]);
    assert_eq!(
        workload.problems(),
        [
            "spec.triggers[0].metadata.value: Required value: missing required parameter \"value\" in [triggerMetadata]"
        ]
    );
    assert_eq!(workload.in_formula().problems(), [] as [&str; 0]);
    let prometheus = least("prometheus").with(|trigger| drop(trigger.metadata.remove("threshold")));
    assert!(!prometheus.in_formula().problems().is_empty(), "prometheus must have one in any case");
}

#[test]
fn what_an_hpa_measures_becomes_an_item_of_it() {
    let of = |type_: &str, metric_type: Option<&str>, metadata: &[(&str, &str)]| {
        trigger(type_, metadata).with(|trigger| trigger.metric_type = metric_type.map(str::to_owned))
    };
    let hpa_metric = |case: &fixture::Case| match case.compile() {
        (Some(CompiledTrigger::Pods { hpa_metric, metric }), _) => (hpa_metric, metric.target),
        (other, findings) => panic!("{other:?} {findings:?}"),
    };
    let share = |amount: f64| MetricTarget::new(TargetType::AverageValue, amount);
    let cpu = of("cpu", Some("Utilization"), &[("value", "60")]);
    assert_eq!(
        hpa_metric(&cpu),
        (
            json!({ "type": "Resource", "resource": {
                "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 60 } } }),
            share(60.0)
        )
    );
    assert_eq!(cpu.asked(), ("cpu".to_owned(), json!({ "measure": "utilization" })));
    let memory = of("memory", Some("AverageValue"), &[("value", "64Mi"), ("containerName", "app")]);
    assert_eq!(
        hpa_metric(&memory),
        (
            json!({ "type": "ContainerResource", "containerResource": {
                "name": "memory", "container": "app", "target": { "type": "AverageValue", "averageValue": "64Mi" } } }),
            share(67_108_864.0)
        )
    );
    assert_eq!(memory.asked(), ("memory".to_owned(), json!({ "measure": "usage", "container": "app" })));
    for (case, problem) in [
        (
            of("cpu", None, &[("value", "60")]),
            "metricType: Invalid value: unknown metric type: , allowed values are 'Utilization' or 'AverageValue'",
        ),
        (
            of("cpu", Some("Value"), &[("value", "60")]),
            "metricType: Invalid value: unknown metric type: Value, allowed values are 'Utilization' or 'AverageValue'",
        ),
        (
            of("cpu", Some("AverageValue"), &[("value", "a lot")]),
            "metadata.value: Invalid value: \"a lot\": must be a quantity above 0, such as 250m or 64Mi",
        ),
        (
            of("cpu", Some("Utilization"), &[("value", "0")]),
            "metadata.value: Invalid value: \"0\": must be a whole number of percent above 0",
        ),
        (
            of("memory", Some("Utilization"), &[("value", "60"), ("type", "Utilization")]),
            "metadata.type: Forbidden: scaler memory info: parameter \"type\" is deprecated: the 'type' setting is in \
             trigger.metricType instead of trigger.metadata.type",
        ),
    ] {
        assert_eq!(case.problems(), [format!("spec.triggers[0].{problem}")]);
    }
}

/// What each trigger takes stands in the document, so that nobody has to try.
#[test]
fn the_document_names_every_parameter() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/keda.md");
    let document = std::fs::read_to_string(path).unwrap();
    for type_ in TRIGGERS {
        let heading = document.lines().find(|line| {
            line.starts_with("### ") && line.split('`').skip(1).step_by(2).any(|name| name == type_.name)
        });
        let heading = heading.unwrap_or_else(|| panic!("no section of {}", type_.name));
        let (_, behind) = document.split_once(heading).unwrap();
        let section = behind.split("\n### ").next().unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        let shared = document.split_once("\n### Access to HTTP servers\n").unwrap().1;
        let shared = shared.split("\n### ").next().unwrap_or_default();
        for parameter in type_.parameters.iter().copied().flatten() {
            let written = format!("`{}`", parameter.name());
            let text = [section, shared].concat();
            assert!(text.contains(&written), "{} does not name {written}", type_.name);
        }
    }
}
