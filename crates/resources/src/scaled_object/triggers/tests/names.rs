//! The types of KEDA's triggers: those that there are here, and what is said of the others.

use super::*;

/// Those of KEDA 2.20.
const OF_KEDA: &[&str] = &[
    "activemq",
    "apache-kafka",
    "arangodb",
    "artemis-queue",
    "aws-cloudwatch",
    "aws-dynamodb",
    "aws-dynamodb-streams",
    "aws-kinesis-stream",
    "aws-sqs-queue",
    "azure-app-insights",
    "azure-blob",
    "azure-data-explorer",
    "azure-eventhub",
    "azure-log-analytics",
    "azure-monitor",
    "azure-pipelines",
    "azure-queue",
    "azure-servicebus",
    "beanstalkd",
    "cassandra",
    "couchdb",
    "cpu",
    "cron",
    "datadog",
    "dynatrace",
    "elasticsearch",
    "etcd",
    "external",
    "external-push",
    "forgejo-runner",
    "gcp-cloudtasks",
    "gcp-pubsub",
    "gcp-stackdriver",
    "gcp-storage",
    "github-runner",
    "graphite",
    "huawei-cloudeye",
    "ibmmq",
    "influxdb",
    "kafka",
    "kubernetes-resource",
    "kubernetes-workload",
    "liiklus",
    "loki",
    "memory",
    "metrics-api",
    "mongodb",
    "mssql",
    "mysql",
    "nats-jetstream",
    "new-relic",
    "nsq",
    "openstack-metric",
    "openstack-swift",
    "postgresql",
    "predictkube",
    "prometheus",
    "pulsar",
    "rabbitmq",
    "redis",
    "redis-cluster",
    "redis-cluster-streams",
    "redis-sentinel",
    "redis-sentinel-streams",
    "redis-streams",
    "selenium-grid",
    "solace-direct-messaging",
    "solace-event-queue",
    "solarwinds",
    "solr",
    "splunk",
    "splunk-observability",
    "stan",
    "sumologic",
    "temporal",
];

#[test]
fn contract_6_a_trigger_that_is_lacking_is_named_with_those_that_there_are_and_the_nearest_way() {
    let known: Vec<&str> = TRIGGERS.iter().map(|type_| type_.name).collect();
    assert!(known.iter().all(|name| OF_KEDA.contains(name)), "one of our own would bar the way back");
    let lacking: Vec<&str> = OF_KEDA.iter().copied().filter(|name| !known.contains(name)).collect();
    assert_eq!((known.len(), lacking.len()), (16, 59));
    assert_eq!(lacking, NOT_YET);
    for name in lacking {
        let problems = trigger(name, &[]).problems();
        let said = format!(
            "spec.triggers[0].type: Unsupported value: no scaler found for type: {name}; an HTTP server that knows the \
             value can be asked by metrics-api, and any other by external: supported values: "
        );
        let [problem] = &*problems else { panic!("{name}: {problems:?}") };
        let listed = problem.strip_prefix(&said).unwrap_or_else(|| panic!("{problem}"));
        for known in &known {
            assert!(listed.contains(&format!("{known:?}")), "{known}: {listed}");
        }
    }
    for name in known {
        assert!(least(name).problems().is_empty(), "{name}");
    }
}
