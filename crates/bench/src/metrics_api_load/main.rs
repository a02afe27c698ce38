//! Measures the external metrics API under load, with many objects: asked directly, as the API server's front proxy does,
//! and through the API server.
//!
//! `bench/metrics-api-load.sh` builds the release binary and calls this.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bench::{Actuation, ExternalMetrics, Operator, Stage, answer, name, scaled_object, steady_load};
use testbed::MetricServer;

/// Who asks, as the front proxy says it.
const CALLER: [(&str, &str); 2] = [("x-remote-user", "bench"), ("x-remote-group", "system:masters")];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [program, objects, rate, seconds] = words.as_slice() else {
        bail!("usage: metrics-api-load PROGRAM OBJECTS RATE SECONDS");
    };
    let (objects, rate): (usize, u32) = (objects.parse().context("OBJECTS")?, rate.parse().context("RATE")?);
    let span = Duration::from_secs(seconds.parse().context("SECONDS")?);
    let server = MetricServer::start().await?;
    server.set_json("/api/v1/query", &answer(30.0));
    let stage = Stage::start(&[]).await?;
    stage.deployments(objects, 0).await?;
    let made = (0..objects).map(|index| scaled_object(&name(index), &server.url(""), 30, Actuation::Hpa));
    stage.create(made.collect::<anyhow::Result<_>>()?).await?;
    // So that nobody else asks.
    stage.without_controllers().await?;
    let served = ExternalMetrics::new(&stage).await?;
    let operator = Operator::start(&stage, "operator", program, &served.flags())?;
    served.lead_there(&stage).await?;
    // The first question about an object waits for its first poll.
    operator.wait_for_scaled_objects(objects).await?;
    operator.wait_until_quiet().await?;

    let path = Arc::new(move |index: usize| {
        // Neighbours in time are none by name.
        let object = name(index.wrapping_mul(7919) % objects);
        format!(
            "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/s0-prometheus?labelSelector=\
             scaledobject.keda.sh%2Fname%3D{object}"
        )
    });
    let client = front_proxy(&stage)?;
    let port = served.port.port();
    let direct = |index: usize| {
        let request = client.get(format!("https://localhost:{port}{}", path(index)));
        let request = CALLER.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        async move {
            let answer = request.send().await?;
            let status = answer.status();
            let text = answer.text().await?;
            ensure!(status.is_success() && text.contains("\"value\""), "{status}: {text}");
            Ok(())
        }
    };
    let through = |index: usize| {
        let (client, path) = (stage.client.clone(), Arc::clone(&path));
        async move {
            let request = http::Request::get(path(index)).body(Vec::new())?;
            let text = client.request_text(request).await?;
            ensure!(text.contains("\"value\""), "{text}");
            Ok(())
        }
    };
    // Connections and what is known of the caller are there before.
    steady_load(rate / 4, Duration::from_secs(3), direct).await;
    bench::before_measuring().await?;
    let before = operator.metrics().await?;
    let answered = steady_load(rate, span, direct).await;
    let after = operator.metrics().await?;
    let cpu = "process_cpu_seconds_total";
    let cores = (after.sum(cpu, "") - before.sum(cpu, "")) / span.as_secs_f64();
    report("directly", objects, rate, &answered);
    println!("external metrics: cpu={cores:.3} cores with the polls of {objects} objects");
    let slower = (rate / 5).max(1);
    report("through the API server", objects, slower, &steady_load(slower, span, through).await);
    stage.end().await
}

/// A client that is known as the API server's front proxy.
fn front_proxy(stage: &Stage) -> anyhow::Result<reqwest::Client> {
    let file = |name: &str| {
        let path = stage.control_plane.directory().join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let pair = [file("front-proxy-client.crt")?, file("front-proxy-client.key")?].concat();
    let client = testbed::http_client().identity(reqwest::Identity::from_pem(&pair)?);
    // Whose its certificate is is not what is measured.
    Ok(client.tls_danger_accept_invalid_certs(true).build()?)
}

fn report(how: &str, objects: usize, rate: u32, answered: &bench::Answered) {
    let problem = answered.problem.as_deref().map(|problem| format!(" ({problem})")).unwrap_or_default();
    println!(
        "external metrics: objects={objects} asked {how} rate={rate}/s requests={} {} failed={}{problem}",
        answered.times.count(),
        answered.times,
        answered.failed
    );
}
