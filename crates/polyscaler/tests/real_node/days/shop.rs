//! What the days happen to: `http-app` under a load that never changes, so that nor should its replicas.

use std::sync::Mutex;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};
use testbed::cloud_monitoring::now;
use testbed::wait;

use crate::harness::{Recorder, Scaling, Target, condition};
use crate::packaging::read;
use crate::real_node::cluster::{Cluster, LEASE, LIMIT, OPERATORS};
use crate::real_node::days::documented::Row;
use crate::real_node::days::reasons::Reasons;
use crate::real_node::load::Load;
use crate::real_node::prometheus;

pub(super) const NAMESPACE: &str = "shop";
pub(super) const NAME: &str = "http-app";
/// Requests a second, and those that a replica is for: as many replicas as [`NEEDED`], with room on both sides.
const RATE: u32 = 100;
const FOR_ONE: u32 = 42;
pub(super) const NEEDED: i32 = 3;
/// Within this many seconds, more than any step takes on a slow machine, an outage leaves no trace: readings that are low
/// because nobody could send requests, or because Prometheus begins empty, scale nothing in.
pub(super) const WINDOW: u32 = 1200;

pub(super) struct Shop<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) scaler: Scaling,
    pub(super) target: Target,
    load: Load,
    recorder: Recorder,
    reasons: Reasons,
    /// That of the object when the last step was over.
    version: Mutex<u64>,
    /// When the present step began.
    begun: Mutex<Timestamp>,
    http: reqwest::Client,
}

impl<'a> Shop<'a> {
    /// Deploys it with `most` replicas at most, and waits until it has those that it needs.
    pub(super) async fn open(cluster: &'a Cluster, most: i32) -> Self {
        cluster.namespace(NAMESPACE).await;
        let deployment = read("examples/http-app/deployment.yaml");
        cluster.apply(NAMESPACE, &deployment.replace("http-app:0.1.0", "localhost/http-app:test")).await;
        cluster.apply(NAMESPACE, &read("examples/http-app/service.yaml")).await;
        cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == 2).await;
        let url = format!("http://{}/", cluster.service_address(NAMESPACE, NAME).await);
        let load = Load::start(url, RATE).await;
        cluster.apply(NAMESPACE, &scaler(most).to_string()).await;
        let kind = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");
        let scaler = Scaling::namespaced(&cluster.client, NAMESPACE, kind, NAME);
        cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == NEEDED).await;
        let target = cluster.target(NAMESPACE, NAME);
        scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
        let (recorder, reasons) = (target.record().await, Reasons::record(&scaler).await);
        let (_, version) = reasons.since(0, &scaler).await;
        let (version, begun) = (Mutex::new(version), Mutex::new(now()));
        let http = testbed::http_client().timeout(LIMIT).build().unwrap();
        Self { cluster, scaler, target, load, recorder, reasons, version, begun, http }
    }

    /// Lets something happen of which docs/incidents.md has a row, and sees that replicas, condition Ready and log are
    /// what it says, and that all is well afterwards.
    pub(super) async fn step(&self, what: &str, happens: impl Future<Output = ()>) {
        let row = Row::of(what);
        let version = *self.version.lock().unwrap();
        *self.begun.lock().unwrap() = now();
        happens.await;
        self.scaler.wait_within(("Ready", "True", "Ready"), LIMIT).await;
        self.cluster.wait_for_replicas(NAMESPACE, NAME, |ready| ready == NEEDED).await;
        assert_eq!(self.recorder.replicas(), Vec::<i64>::new(), "{what}");
        let (seen, version) = self.reasons.since(version, &self.scaler).await;
        *self.version.lock().unwrap() = version;
        row.compare(&seen);
        for words in row.lines() {
            self.wait_for_line(words).await;
        }
        println!("{what}: {NEEDED} replicas all the time, {}", seen.join(", "));
    }

    /// The same of something that takes all away for a while: requests fail until it is over.
    pub(super) async fn outage(&self, what: &str, happens: impl Future<Output = ()>) {
        self.load.outage_begins();
        self.step(what, happens).await;
        println!("{what}: {} requests failed meanwhile", self.load.outage_ends().await);
    }

    /// Until now, but in outages.
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

    /// What the operator's pods wrote since the step began.
    async fn log(&self) -> Result<String, kube::Error> {
        let pods: Api<Pod> = Api::namespaced(self.cluster.client.clone(), OPERATORS);
        let since = LogParams { since_time: Some(*self.begun.lock().unwrap()), ..LogParams::default() };
        let mut log = String::new();
        for pod in self.cluster.operators().await {
            // One that waits for a node has none.
            if pod.status.is_some_and(|status| status.container_statuses.is_some()) {
                log += &pods.logs(&pod.metadata.name.unwrap(), &since).await?;
            }
        }
        Ok(log)
    }

    /// Waits until that log has a line with these words.
    pub(super) async fn wait_for_line(&self, words: &str) {
        let look = || async {
            let log = self.log().await.map_err(|error| error.to_string())?;
            if log.lines().any(|line| line.contains(words)) { Ok(()) } else { Err(log) }
        };
        wait::until(&format!("a line with {words:?}"), LIMIT, look).await.unwrap();
    }

    /// Waits until the replica that leads has polled so many objects more.
    pub(super) async fn polls_go_by(&self, more: f64) {
        let from = Mutex::new(None::<(String, f64)>);
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

/// Requests as Prometheus counts them, once by a Service with an address of its own and once by one without.
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
            "safety": { "scaleDownStabilizationSeconds": WINDOW },
        },
    })
}
