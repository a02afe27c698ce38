//! Two streams of a real NATS server: orders that come and go with the day, and newsletters
//! that all come at once.

use serde_json::json;

use super::{Application, Load, Queue, QueueServer, Scenario};
use crate::demo::load;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "queue",
    title: "two groups of workers follow the backlog of NATS streams (ScalingRule)",
    objects: "scalingrules",
    namespace: "default",
    by_hpa: false,
    group: None,
    applications: &[
        Application {
            name: "order-workers",
            replicas: 1,
            ready_after: 1,
            load: Load::Queue(Queue {
                server: QueueServer::Nats,
                name: "orders.processing",
                arriving: load::orders_a_second,
                per_pod: 12.0,
            }),
            manifest: Some(|url| {
                json!({
                    "apiVersion": "scaling.example.com/v1",
                    "kind": "ScalingRule",
                    "metadata": { "name": "order-workers", "namespace": "default" },
                    "spec": {
                        "deploymentName": "order-workers",
                        "namespace": "default",
                        "minReplicas": 1,
                        "maxReplicas": 12,
                        "natsMonitoringURL": url,
                        "subject": "orders.processing",
                        "scaleUpThreshold": 50,
                        "scaleDownThreshold": 10,
                        "pollIntervalSeconds": 1,
                        "safety": { "cooldownSeconds": 2 },
                    },
                })
            }),
        },
        Application {
            name: "mailer",
            replicas: 1,
            ready_after: 1,
            load: Load::Queue(Queue {
                server: QueueServer::Nats,
                name: "mails.outgoing",
                arriving: load::mails_a_second,
                per_pod: 15.0,
            }),
            manifest: Some(|url| {
                json!({
                    "apiVersion": "scaling.example.com/v1",
                    "kind": "ScalingRule",
                    "metadata": { "name": "mailer", "namespace": "default" },
                    "spec": {
                        "deploymentName": "mailer",
                        "namespace": "default",
                        "minReplicas": 1,
                        "maxReplicas": 20,
                        "natsMonitoringURL": url,
                        "subject": "mails.outgoing",
                        "scaleUpThreshold": 100,
                        "scaleDownThreshold": 20,
                        "pollIntervalSeconds": 1,
                        "scaleUpStep": 5,
                        "scaleDownStep": 3,
                        "safety": { "scaleDownStabilizationSeconds": 4 },
                    },
                })
            }),
        },
    ],
};
