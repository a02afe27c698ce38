//! `examples/http-app` in real containers: replicas follow the requests that a Prometheus counts at its pods.

use serde_json::json;

use super::{Application, Load, Scenario};
use crate::demo::load;

pub(in crate::demo) const SCENARIO: Scenario = Scenario {
    name: "real",
    title: "http-app in real containers follows real requests (GeneralScaler)",
    objects: "generalscalers,pods",
    namespace: "shop",
    by_hpa: false,
    group: None,
    applications: &[Application {
        name: "http-app",
        replicas: 1,
        // As long as its container takes.
        ready_after: 0,
        load: Load::Requests { counter: "http_requests_total", a_second: load::calls_a_second },
        manifest: Some(|url| {
            json!({
                "apiVersion": "autoscaling.example.com/v1",
                "kind": "GeneralScaler",
                "metadata": { "name": "http-app", "namespace": "shop" },
                "spec": {
                    "targetDeployment": "http-app",
                    "maxReplicas": 6,
                    "intervalSeconds": 1,
                    "metrics": [{
                        "type": "prometheus",
                        "config": { "serverAddress": url, "query": "sum(rate(http_requests_total[5s]))" },
                        "targetValue": 30,
                    }],
                    "safety": { "scaleDownStabilizationSeconds": 8 },
                },
            })
        }),
    }],
};
