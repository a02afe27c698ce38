//! Two shops that follow a business figure each, with and without safety.

use serde_json::json;

use super::{Application, Load, Scenario};
use crate::demo::load;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "business",
    title: "two shops follow their business metrics (BusinessScaling)",
    objects: "businessscalings",
    namespace: "default",
    by_hpa: false,
    group: None,
    applications: &[
        Application {
            name: "payment-service",
            replicas: 1,
            ready_after: 2,
            load: Load::Figure { unit: "active users", at: load::users },
            manifest: Some(|url| {
                json!({
                    "apiVersion": "example.com/v1",
                    "kind": "BusinessScaling",
                    "metadata": { "name": "payment-service" },
                    "spec": {
                        "targetDeployment": "payment-service",
                        "metricSource": url,
                        "intervalSeconds": 1,
                        "safety": {},
                        "scaleThresholds":
                            { "minUsers": 1000, "maxUsers": 5000, "minReplicas": 2, "maxReplicas": 10 },
                    },
                })
            }),
        },
        Application {
            name: "kitchen",
            replicas: 1,
            ready_after: 3,
            load: Load::Figure { unit: "open orders", at: load::orders },
            manifest: Some(|url| {
                json!({
                    "apiVersion": "example.com/v1",
                    "kind": "BusinessScaling",
                    "metadata": { "name": "kitchen" },
                    "spec": {
                        "targetDeployment": "kitchen",
                        "metricSource": url,
                        "intervalSeconds": 1,
                        "scaleThresholds":
                            { "minUsers": 20, "maxUsers": 400, "minReplicas": 1, "maxReplicas": 20 },
                        "safety": { "cooldownSeconds": 3, "maxScaleUpRate": 4, "maxScaleDownRate": 2 },
                    },
                })
            }),
        },
    ],
};
