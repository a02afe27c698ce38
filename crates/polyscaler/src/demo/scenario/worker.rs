//! Two lists of a real Redis server: jobs that come and go with the day, and reports that are all
//! asked for at once.

use serde_json::json;

use super::{Application, Load, Queue, QueueServer, Scenario};
use crate::demo::load;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "worker",
    title: "two groups of workers follow the backlog of Redis lists (GeneralScaler)",
    objects: "generalscalers",
    namespace: "default",
    by_hpa: false,
    group: None,
    applications: &[
        Application {
            name: "worker",
            replicas: 1,
            ready_after: 1,
            load: Load::Queue(Queue {
                server: QueueServer::Redis,
                name: "jobs",
                arriving: load::orders_a_second,
                per_pod: 15.0,
            }),
            manifest: Some(|url| {
                json!({
                    "apiVersion": "autoscaling.example.com/v1",
                    "kind": "GeneralScaler",
                    "metadata": { "name": "worker", "namespace": "default" },
                    "spec": {
                        "targetDeployment": "worker",
                        "minReplicas": 1,
                        "maxReplicas": 12,
                        "intervalSeconds": 1,
                        "metrics": [{
                            "type": "redis",
                            "config": { "address": url, "listName": "jobs" },
                            "targetValue": 20,
                        }],
                        "safety": {
                            "cooldownSeconds": 1,
                            "maxScaleUpRate": 4,
                            "scaleDownStabilizationSeconds": 3,
                        },
                    },
                })
            }),
        },
        Application {
            name: "reports",
            replicas: 1,
            ready_after: 1,
            load: Load::Queue(Queue {
                server: QueueServer::Redis,
                name: "reports",
                arriving: load::mails_a_second,
                per_pod: 20.0,
            }),
            manifest: Some(|url| {
                json!({
                    "apiVersion": "autoscaling.example.com/v1",
                    "kind": "GeneralScaler",
                    "metadata": { "name": "reports", "namespace": "default" },
                    "spec": {
                        "targetDeployment": "reports",
                        "minReplicas": 1,
                        "maxReplicas": 20,
                        "intervalSeconds": 1,
                        "metrics": [{
                            "type": "redis",
                            "config": { "address": url, "listName": "reports" },
                            "targetValue": 40,
                        }],
                        "policy": {
                            "type": "cost",
                            "config": { "maxCostPerHour": 0.6, "costPerPodHour": 0.05 },
                        },
                        "safety": { "scaleDownStabilizationSeconds": 4 },
                    },
                })
            }),
        },
    ],
};
