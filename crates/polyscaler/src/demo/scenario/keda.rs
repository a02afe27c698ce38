//! A Python application that a ScaledObject of KEDA's scales: to and from zero by itself, between by a real HPA that
//! asks polyscaler's external metrics API. `examples/keda-python` has the application.

use serde_json::json;

use super::{Application, Load, Scenario};
use crate::demo::load;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "keda",
    title: "a ScaledObject of KEDA's: polyscaler wakes the application, the HPA controller scales it",
    objects: "scaledobjects,horizontalpodautoscalers",
    namespace: "test",
    by_hpa: true,
    group: None,
    applications: &[Application {
        name: "test",
        replicas: 0,
        ready_after: 1,
        load: Load::Requests {
            counter: "python_request_operations_total",
            a_second: load::greetings_a_second,
        },
        manifest: Some(|url| {
            json!({
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": { "name": "scaledobject-py", "namespace": "test" },
                "spec": {
                    "scaleTargetRef": { "name": "test" },
                    "pollingInterval": 1,
                    "cooldownPeriod": 4,
                    "maxReplicaCount": 12,
                    "triggers": [{
                        "type": "prometheus",
                        "metadata": {
                            "serverAddress": url,
                            "query": "sum(rate(python_request_operations_total{app=\"test\"}[4s]))",
                            "threshold": "25",
                            "activationThreshold": "2",
                        },
                    }],
                    "advanced": {
                        "horizontalPodAutoscalerConfig": {
                            "behavior": { "scaleDown": { "stabilizationWindowSeconds": 4 } },
                        },
                    },
                },
            })
        }),
    }],
};
