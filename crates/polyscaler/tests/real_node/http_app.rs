//! `http-app` in pods, a Prometheus in a pod that scrapes them, and the operator in a pod that follows: replicas
//! grow with real requests and go again, and no request is lost on the way. How long each step of it takes, and what the
//! operator uses meanwhile, is printed.

use testbed::OtlpReceiver;
use testbed::cloud_monitoring::now;

use crate::packaging::helm::CHART;
use crate::packaging::read;
use crate::real_node::cluster::{Cluster, OPERATORS};
use crate::real_node::load::Load;
use crate::real_node::prometheus;
use crate::real_node::steps::{self, NewPods};

const NAMESPACE: &str = "shop";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
async fn real_pods_follow_real_requests_and_none_is_lost() {
    let Some(cluster) = Cluster::start().await else { return };
    cluster.namespace(OPERATORS).await;
    let receiver = OtlpReceiver::start_on(cluster.node().machine_address().into()).await.unwrap();
    let traces =
        format!("extraEnv[0].name=OTEL_EXPORTER_OTLP_ENDPOINT,extraEnv[0].value={}", receiver.http_url());
    let traces = ["--set", traces.as_str()];
    tokio::join!(
        cluster.helm("install", CHART, &traces),
        cluster.add_samples(&["http-app"]),
        prometheus::start(&cluster),
    );

    cluster.namespace(NAMESPACE).await;
    let deployment = read("examples/http-app/deployment.yaml");
    cluster.apply(NAMESPACE, &deployment.replace("http-app:0.1.0", "localhost/http-app:test")).await;
    cluster.apply(NAMESPACE, &read("examples/http-app/service.yaml")).await;
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready == 2).await;

    // As its manifest has it, in a hurry.
    let change = |scaler: &mut serde_json::Value| {
        let spec = &mut scaler["spec"];
        spec["intervalSeconds"] = 1.into();
        spec["safety"]["cooldownSeconds"] = 2.into();
        let config = &mut spec["metrics"][0]["config"];
        config["query"] = config["query"].as_str().unwrap().replace("[5m]", "[10s]").into();
        config["serverAddress"] = prometheus::URL.into();
    };
    cluster.apply_changed(NAMESPACE, &read("examples/http-app/generalscaler.yaml"), change).await;

    let url = format!("http://{}/", cluster.service_address(NAMESPACE, "http-app").await);
    let pods = NewPods::watch(&cluster.client, NAMESPACE).await;
    let load = Load::start(url.clone(), 300).await;
    let begun = now();
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready > 2).await;
    steps::print(begun, &receiver, &pods).await;
    load.wait_for(2000).await;
    let (answered, failed) = load.counts();
    drop(load);

    let light = Load::start(url, 20).await;
    cluster.wait_for_replicas(NAMESPACE, "http-app", |ready| ready == 2).await;
    let (more_answered, more_failed) = light.counts();
    println!("{} answered, {} failed", answered + more_answered, failed + more_failed);
    assert_eq!(failed + more_failed, 0);
    assert!(more_answered > 0);
    drop(light);
    cluster.print_usage("one object, a poll every second, its traces sent").await;
    cluster.control_plane.shutdown().await.unwrap();
}
