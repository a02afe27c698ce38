//! Measures how long the admission webhook takes, with many objects.
//!
//! `bench/admission-load.sh` builds the release binary and calls this.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bench::{Actuation, Operator, PATIENCE, Stage, answer, name, scaled_object, steady_load};
use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::{MetricServer, wait};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [program, objects, rate, seconds] = words.as_slice() else {
        bail!("usage: admission-load PROGRAM OBJECTS RATE SECONDS");
    };
    let (objects, rate): (usize, u32) = (objects.parse().context("OBJECTS")?, rate.parse().context("RATE")?);
    let span = Duration::from_secs(seconds.parse().context("SECONDS")?);
    let server = MetricServer::start().await?;
    server.set_json("/api/v1/query", &answer(0.0));
    let stage = Stage::start(&[]).await?;
    stage.without_controllers().await?;
    stage.deployments(objects, 0).await?;
    let object = |index: usize| scaled_object(&name(index), &server.url(""), 30, Actuation::Direct);
    stage.create((0..objects).map(object).collect::<anyhow::Result<_>>()?).await?;
    let port = PortClaim::new()?;
    let flags = [format!("--webhook-address=127.0.0.1:{}", port.port())];
    let operator = Operator::start(&stage, "operator", program, &flags)?;
    operator.wait_for_scaled_objects(objects).await?;
    operator.wait_until_quiet().await?;

    let client = testbed::http_client().tls_danger_accept_invalid_certs(true).build()?;
    let url = format!("https://localhost:{}/validate", port.port());
    let review = |index: usize| -> anyhow::Result<_> {
        let object = serde_json::to_value(object(index % objects)?)?;
        let request = client.post(&url).header("content-type", "application/json");
        let request = request.body(serde_json::to_vec(&sent(&object))?);
        Ok(async move {
            let answer = request.send().await?;
            let (status, text) = (answer.status(), answer.text().await?);
            ensure!(status.is_success() && text.contains("\"allowed\":true"), "{status}: {text}");
            Ok(())
        })
    };
    wait::until("the webhook to answer", PATIENCE, || async { review(0)?.await }).await?;
    let judged = |index: usize| {
        let review = review(index);
        async move { review?.await }
    };
    bench::before_measuring().await?;
    let answered = steady_load(rate, span, judged).await;
    let problem = answered.problem.map(|problem| format!(" ({problem})")).unwrap_or_default();
    println!(
        "admission: objects={objects} rate={rate}/s reviews={} {} failed={}{problem}",
        answered.times.count(),
        answered.times,
        answered.failed
    );
    stage.end().await
}

/// The review of a new state of `object`, as the API server sends it.
fn sent(object: &Value) -> Value {
    let mut before = object.clone();
    before["spec"]["pollingInterval"] = json!(60);
    json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "705ab4f5", "kind": { "group": "keda.sh", "version": "v1alpha1", "kind": "ScaledObject" },
        "resource": { "group": "keda.sh", "version": "v1alpha1", "resource": "scaledobjects" },
        "name": object["metadata"]["name"], "namespace": "default", "operation": "UPDATE", "object": object,
        "oldObject": before, "userInfo": { "username": "someone" }, "dryRun": false } })
}
