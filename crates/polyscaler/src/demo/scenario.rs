//! The scenarios: which applications there are, what scales them, and by what load.

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::load;

/// One story that the demo can tell.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) applications: &'static [Application],
}

/// One application and what scales it.
pub(super) struct Application {
    /// Name of the Deployment.
    pub(super) name: &'static str,
    /// Replicas at the start.
    pub(super) replicas: i32,
    /// Seconds until a new pod is ready.
    pub(super) ready_after: u64,
    /// What the load is called, for people.
    pub(super) unit: &'static str,
    /// The load at an hour of the day.
    pub(super) load: fn(f64) -> u32,
    /// The object that scales it, given the URL of its metric.
    pub(super) manifest: fn(&str) -> Value,
}

/// Every scenario.
const SCENARIOS: &[Scenario] = &[Scenario {
    name: "business",
    title: "two shops follow their business figures (BusinessScaling)",
    applications: &[
        Application {
            name: "payment-service",
            replicas: 1,
            ready_after: 2,
            unit: "active users",
            load: load::users,
            manifest: |url| {
                json!({
                    "apiVersion": "example.com/v1",
                    "kind": "BusinessScaling",
                    "metadata": { "name": "payment-service" },
                    "spec": {
                        "targetDeployment": "payment-service",
                        "metricSource": url,
                        "intervalSeconds": 1,
                        "scaleThresholds":
                            { "minUsers": 1000, "maxUsers": 5000, "minReplicas": 2, "maxReplicas": 10 },
                    },
                })
            },
        },
        Application {
            name: "kitchen",
            replicas: 1,
            ready_after: 3,
            unit: "open orders",
            load: load::orders,
            manifest: |url| {
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
            },
        },
    ],
}];

impl Scenario {
    /// The names, for the command line.
    pub(super) fn names() -> PossibleValuesParser {
        PossibleValuesParser::new(SCENARIOS.iter().map(|scenario| scenario.name))
    }

    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }
}

impl Application {
    /// Where its load is read.
    pub(super) fn path(&self) -> String {
        format!("/{}", self.name)
    }
}
