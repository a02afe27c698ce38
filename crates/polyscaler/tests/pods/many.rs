//! Thousands of pods behind one metric.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use super::spec;
use crate::harness::Scene;

const PODS: usize = 5000;

/// A pod as clusters have them: most of it is of no concern to anybody here. No scheduler looks at it.
fn pod(index: usize) -> Pod {
    let filler = "x".repeat(200);
    let env: Vec<_> =
        (0..20).map(|name| json!({ "name": format!("VARIABLE_{name}"), "value": filler })).collect();
    let pod = json!({
        "metadata": { "name": format!("many-{index}"), "labels": { "app": "many" },
            "annotations": { "example.org/note": filler.repeat(5) } },
        "spec": {
            "schedulerName": "nobody",
            "containers": [{ "name": "app", "image": "registry.k8s.io/pause:3.10", "env": env,
                "resources": { "requests": { "cpu": "1m", "memory": "1Mi" } } }],
        },
    });
    serde_json::from_value(pod).unwrap()
}

/// The memory that a process had at most, in bytes.
fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// The chart's limit, in bytes.
fn limit() -> u64 {
    let values = include_str!("../../../../charts/polyscaler/values.yaml");
    let limits = values.split("\n  limits:\n").nth(1).unwrap();
    let memory = limits.lines().find_map(|line| line.trim().strip_prefix("memory: ")).unwrap();
    memory.trim_end_matches("Mi").parse::<u64>().unwrap() * 1024 * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_pods_fit_in_the_charts_memory() {
    let scene = Scene::new("many").await;
    let pods: Api<Pod> = scene.namespaced();
    let create = |index: usize| {
        let pods = pods.clone();
        async move { pods.create(&PostParams::default(), &pod(index)).await.map(|_| ()) }
    };
    stream::iter(0..PODS).map(create).buffer_unordered(32).try_collect::<()>().await.unwrap();
    scene.podless_deployment("web", 1).await;
    let operator = scene.operator(&[]).await;
    let metric = json!({ "type": "kubernetes-workload", "config": { "podSelector": "app=many" } });
    let scaling = scene.business_scaling("web", spec(&scene, "web", metric, 1000.0)).await;
    scaling.wait_for_field("metricValue", PODS).await;
    let (most, limit) = (most_memory(operator.process.id()), limit());
    println!("{PODS} pods: at most {} MiB of {}", most >> 20, limit >> 20);
    assert!(most < limit * 9 / 10, "{most} of {limit} bytes");
}
