//! The metric sources about the cluster itself, and the one about time: the real operator on a
//! real control plane, whose metrics.k8s.io is served by the testbed.

mod away;
mod cron;
mod general;
mod like_hpa;
mod many;
mod observed;
mod selectors;
mod usage;
mod workload;

use std::sync::OnceLock;

use serde_json::{Value, json};
use testbed::MetricsApi;
use tokio::runtime::Runtime;

use crate::harness::{Scene, control_plane};

/// metrics.k8s.io of the control plane that the tests share.
pub(crate) fn metrics_api() -> &'static MetricsApi {
    static SHARED: OnceLock<(Runtime, MetricsApi)> = OnceLock::new();
    let begin = || {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(async {
            let control_plane = control_plane::shared();
            let client = control_plane::client(control_plane).await;
            MetricsApi::start(control_plane, client).await.unwrap()
        });
        (runtime, server)
    };
    // A thread that runs a test may not block on another runtime.
    let (_, server) = SHARED.get_or_init(|| std::thread::spawn(begin).join().unwrap());
    server
}

/// A spec by which `target` has one replica for each `unit` of the metric, up to ten.
pub(crate) fn spec(scene: &Scene, target: &str, metric: Value, unit: f64) -> Value {
    json!({
        "targetDeployment": target,
        "namespace": scene.namespace,
        "metric": metric,
        "intervalSeconds": 1,
        "scaleThresholds": {
            "minUsers": unit, "maxUsers": 10.0 * unit, "minReplicas": 1, "maxReplicas": 10,
        },
        // Pods that have just begun do not count at once.
        "safety": { "scaleDownStabilizationSeconds": 5 },
    })
}
