//! A GeneralScaler whose cooldown has to outlive the operator that began it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::routing::get;
use axum::{Json, Router};
use kube::Api;
use kube::api::PostParams;
use serde_json::json;
use testbed::{fixtures, wait};
use tokio::net::TcpListener;

use crate::harness::{Recorder, Scaling, Target};
use crate::real_node::cluster::{Cluster, LIMIT};

const NAME: &str = "cooling";

/// A Deployment that was scaled out a moment ago, so that it must not be again.
pub(crate) struct Cooling {
    scaler: Scaling,
    /// How many replicas its metric asks for.
    asked: Arc<AtomicU32>,
    recorder: Recorder,
}

impl Cooling {
    pub(crate) async fn begin(cluster: &Cluster, namespace: &str) -> Self {
        let asked = Arc::new(AtomicU32::new(2));
        let listener = TcpListener::bind((cluster.node().machine_address(), 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let answer = Arc::clone(&asked);
        let users = move || async move { Json(json!({ "users": answer.load(Ordering::Relaxed) * 10 })) };
        let router = Router::new().route("/", get(users));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

        let mut deployment = fixtures::deployment(NAME, namespace, 1);
        deployment.spec.as_mut().unwrap().paused = Some(true);
        let deployments = Api::namespaced(cluster.client.clone(), namespace);
        deployments.create(&PostParams::default(), &deployment).await.unwrap();
        let scaler = json!({
            "apiVersion": "autoscaling.example.com/v1",
            "kind": "GeneralScaler",
            "metadata": { "name": NAME },
            "spec": {
                "targetDeployment": NAME,
                "maxReplicas": 9,
                "intervalSeconds": 1,
                "metrics": [{
                    "type": "http",
                    "config": { "url": url, "valuePath": "$.users" },
                    "targetValue": 10,
                }],
                "safety": { "cooldownSeconds": 7200 },
            },
        });
        cluster.apply(namespace, &scaler.to_string()).await;
        let kind = ("autoscaling.example.com/v1", "GeneralScaler", "generalscalers");
        let scaler = Scaling::namespaced(&cluster.client, namespace, kind, NAME);
        let target: Target = cluster.target(namespace, NAME);
        target.wait_within(2, LIMIT).await;
        let cooling = Self { scaler, asked, recorder: target.record().await };
        cooling.goes_on(3).await;
        cooling
    }

    /// Has its metric ask for other replicas than before, and sees that whoever leads now has it wait.
    pub(crate) async fn goes_on(&self, replicas: u32) {
        self.asked.store(replicas, Ordering::Relaxed);
        let wanted = format!("cooldown {replicas}→2");
        let look = || async {
            let status = self.scaler.status().await;
            let decision = status["lastDecision"].to_string();
            if decision.contains(&wanted) { Ok(()) } else { Err(decision) }
        };
        wait::until(&wanted, LIMIT, look).await.unwrap();
        assert_eq!(self.recorder.replicas(), Vec::<i64>::new());
    }
}
