//! What the days happen to: `http-app` under a load that never changes, so that nor should its replicas.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};
use testbed::wait;

use crate::harness::{Recorder, Scaling, Target, condition};
use crate::packaging::read;
use crate::real_node::cluster::{Cluster, LEASE, LIMIT, OPERATORS};
use crate::real_node::load::Load;
use crate::real_node::prometheus;

pub(super) const NAMESPACE: &str = "shop";
pub(super) const NAME: &str = "http-app";
/// Requests a second, and those that a replica is for: as many replicas as [`NEEDED`], with room on both sides.
const RATE: u32 = 100;
const FOR_ONE: u32 = 42;
pub(super) const NEEDED: i32 = 3;

pub(super) struct Shop<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) scaler: Scaling,
    pub(super) target: Target,
    load: Load,
    recorder: Recorder,
    http: reqwest::Client,
}

impl<'a> Shop<'a> {
    /// Deploys it, and waits until it has the replicas that it needs.
    pub(super) async fn open(cluster: &'a Cluster) -> Self {
        cluster.namespace(NAMESPACE).await;
        let deployment = read("examples/http-app/deployment.yaml");
        cluster.apply(NAMESPACE, &deployment.replace("http-app:0.1.0", "localhost/http-app:test")).await;
        cluster.apply(NAMESPACE, &read("examples/http-app/service.yaml")).await;
        cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == 2).await;
        let url = format!("http://{}/", cluster.service_address(NAMESPACE, NAME).await);
        let load = Load::start(url, RATE).await;
        cluster.apply(NAMESPACE, &scaler(5).to_string()).await;
        let kind = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");
        let scaler = Scaling::namespaced(&cluster.client, NAMESPACE, kind, NAME);
        cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == NEEDED).await;
        let target = cluster.target(NAMESPACE, NAME);
        let recorder = target.record().await;
        let http = testbed::http_client().timeout(LIMIT).build().unwrap();
        Self { cluster, scaler, target, load, recorder, http }
    }

    /// Lets something happen, and sees that the replicas did not change and that all is well afterwards.
    pub(super) async fn step(&self, what: &str, happens: impl Future<Output = ()>) {
        happens.await;
        self.scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
        self.cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == NEEDED).await;
        assert_eq!(self.recorder.replicas(), Vec::<i64>::new(), "{what}");
        println!("{what}: {NEEDED} replicas all the time");
    }

    /// Until now.
    pub(super) fn all_requests_were_answered(&self) {
        let (answered, failed) = self.load.counts();
        println!("{answered} requests answered, {failed} failed");
        assert_eq!(failed, 0);
    }

    /// Waits until the object is not ready for one of these reasons; gives its message.
    pub(super) async fn not_ready(&self, reasons: &[&str]) -> String {
        let look = || async {
            let status = self.scaler.status().await;
            let ready = condition(&status, "Ready");
            let is_one = reasons.iter().any(|reason| ready["reason"] == **reason);
            match ready["message"].as_str() {
                Some(message) if ready["status"] == "False" && is_one => Ok(message.to_owned()),
                _ => Err(status.to_string()),
            }
        };
        wait::until(&format!("not ready for one of {reasons:?}"), LIMIT, look).await.unwrap()
    }

    /// What the operator that leads wrote since its start.
    pub(super) async fn log(&self) -> String {
        let leader = self.cluster.leader(LEASE).await.unwrap();
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), OPERATORS);
        pods.logs(&leader, &LogParams::default()).await.unwrap()
    }

    /// Waits until its log has a line with all of these.
    pub(super) async fn wait_for_line(&self, parts: &[&str]) {
        let look = || async {
            let log = self.log().await;
            let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
            if found { Ok(()) } else { Err(log) }
        };
        wait::until(&format!("a line with {parts:?}"), LIMIT, look).await.unwrap();
    }

    /// Waits until the replica that leads has polled so many objects more.
    pub(super) async fn polls_go_by(&self, more: f64) {
        let from = std::sync::Mutex::new(None::<(String, f64)>);
        let look = || async {
            let (leader, count) = self.polls().await?;
            let mut from = from.lock().unwrap();
            match from.as_ref() {
                Some((known, before)) if *known == leader => {
                    if count >= before + more {
                        Ok(())
                    } else {
                        Err(format!("{} polls", count - before))
                    }
                }
                _ => {
                    *from = Some((leader, count));
                    Err("none yet".to_owned())
                }
            }
        };
        wait::until("polls go by", LIMIT, look).await.unwrap();
    }

    /// The replica that leads, and how many polls it has made.
    async fn polls(&self) -> Result<(String, f64), String> {
        let leader = self.cluster.leader(LEASE).await?;
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), OPERATORS);
        let pod = pods.get(&leader).await.map_err(|error| error.to_string())?;
        let address = pod.status.and_then(|status| status.pod_ip).ok_or("no address")?;
        let answer = self.http.get(format!("http://{address}:8080/metrics")).send().await;
        let text =
            answer.map_err(|error| error.to_string())?.text().await.map_err(|error| error.to_string())?;
        let polls = text.lines().filter(|line| line.starts_with("polyscaler_decisions_total{"));
        let count = polls.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        Ok((leader, count))
    }

    /// Its pods.
    pub(super) async fn pods(&self) -> Vec<Pod> {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), NAMESPACE);
        pods.list(&ListParams::default()).await.unwrap().items
    }
}

/// Requests as Prometheus counts them, once by a Service with an address of its own and once by one without. The window
/// for scaling in is longer than that of the query, as a Prometheus that begins empty sees too little for that long.
pub(super) fn scaler(most: i32) -> Value {
    let requests = |name: &str, server: &str| {
        json!({
            "name": name,
            "type": "prometheus",
            "config": {
                "serverAddress": server,
                "query": r#"sum(rate(http_requests_total{namespace="shop"}[10s]))"#,
            },
            "targetValue": FOR_ONE,
        })
    };
    json!({
        "apiVersion": "autoscaling.example.com/v1",
        "kind": "GeneralScaler",
        "metadata": { "name": NAME },
        "spec": {
            "targetDeployment": NAME,
            "maxReplicas": most,
            "intervalSeconds": 1,
            "metrics": [requests("service", prometheus::URL), requests("headless", prometheus::HEADLESS_URL)],
            "safety": { "scaleDownStabilizationSeconds": 120 },
        },
    })
}
