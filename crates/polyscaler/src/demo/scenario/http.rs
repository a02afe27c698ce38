//! Two applications that follow the requests that a real Prometheus counts: one by its service
//! level, one within a budget.

use serde_json::json;

use super::{Application, Load, Scenario};
use crate::demo::load;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "http",
    title: "two web applications follow their requests in Prometheus (GeneralScaler)",
    objects: "generalscalers",
    namespace: "default",
    by_hpa: false,
    group: None,
    applications: &[
        Application {
            name: "shop",
            replicas: 2,
            ready_after: 2,
            load: Load::Requests { counter: "http_requests_total", a_second: load::visits_a_second },
            manifest: Some(|url| {
                json!({
                    "apiVersion": "autoscaling.example.com/v1",
                    "kind": "GeneralScaler",
                    "metadata": { "name": "shop", "namespace": "default" },
                    "spec": {
                        "targetDeployment": "shop",
                        "minReplicas": 2,
                        "maxReplicas": 10,
                        "intervalSeconds": 1,
                        "metrics": [{
                            "type": "prometheus",
                            "config": {
                                "serverAddress": url,
                                "query": "sum(rate(http_requests_total{app=\"shop\"}[4s]))",
                            },
                            "targetValue": 100,
                        }],
                        "policy": { "type": "slo" },
                        "safety": {
                            "cooldownSeconds": 2,
                            "maxScaleUpRate": 3,
                            "maxScaleDownRate": 2,
                            "scaleDownStabilizationSeconds": 4,
                        },
                    },
                })
            }),
        },
        Application {
            name: "search",
            replicas: 1,
            ready_after: 1,
            load: Load::Requests { counter: "http_requests_total", a_second: load::searches_a_second },
            manifest: Some(|url| {
                json!({
                    "apiVersion": "autoscaling.example.com/v1",
                    "kind": "GeneralScaler",
                    "metadata": { "name": "search", "namespace": "default" },
                    "spec": {
                        "targetDeployment": "search",
                        "minReplicas": 1,
                        "maxReplicas": 12,
                        "intervalSeconds": 1,
                        "metrics": [{
                            "type": "prometheus",
                            "config": {
                                "serverAddress": url,
                                "query": "sum(rate(http_requests_total{app=\"search\"}[4s]))",
                            },
                            "targetValue": 50,
                        }],
                        "policy": {
                            "type": "cost",
                            "config": { "maxCostPerHour": 0.5, "costPerPodHour": 0.1 },
                        },
                        "safety": { "cooldownSeconds": 2, "scaleDownStabilizationSeconds": 4 },
                    },
                })
            }),
        },
    ],
};
