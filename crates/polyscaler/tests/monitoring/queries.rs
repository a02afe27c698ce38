//! Every query of dashboard and alerts, asked of a Prometheus that scraped an operator at work.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use testbed::{PrometheusOptions, PrometheusServer, Scrape, wait};

use crate::harness::{LIMIT, Operator, Scene};
use crate::monitoring::files::{ALERTS, Query, alerts, metric_names, queries, repository};

/// An operator of whose every metric there is something to see: it scales, observes, is limited by a
/// cooldown, and has readings that fail.
async fn at_work(scene: &Scene) -> Operator {
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let target = scene.podless_deployment("web", 2).await;
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({ "cooldownSeconds": 3600 });
    let web = scene.business_scaling("web", spec).await;
    for name in ["lost-a", "lost-b"] {
        scene.podless_deployment(name, 2).await;
        scene.business_scaling(name, scene.spec(name, &format!("/{name}"))).await;
    }
    scene.podless_deployment("watched", 2).await;
    let observe = json!({ "polyscaler.dev/mode": "observe" });
    scene.annotated_business_scaling("watched", scene.spec("watched", "/users"), observe).await;
    scene.podless_deployment("paused", 2).await;
    let paused = json!({ "polyscaler.dev/paused": "true" });
    let paused = scene.annotated_business_scaling("paused", scene.spec("paused", "/users"), paused).await;
    paused.wait_for("Paused", "True", "Paused").await;
    target.wait_for(6).await;
    scene.users("/users", 4000);
    web.wait_for("ScalingLimited", "True", "CoolingDown").await;
    operator
}

async fn prometheus(operator: &Operator) -> PrometheusServer {
    let options = PrometheusOptions {
        scrapes: vec![Scrape::of("polyscaler", operator.metrics_target())],
        rule_files: vec![repository(ALERTS)],
        interval: Duration::from_millis(500),
        ..PrometheusOptions::default()
    };
    PrometheusServer::start(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_has_an_answer_and_every_rule_works() {
    let scene = Scene::new("monitoring").await;
    let operator = at_work(&scene).await;
    let server = prometheus(&operator).await;
    // What the dashboard fills its choice of jobs with.
    let jobs = || async { server.label_values("job", "polyscaler_leader").await.ok()?.get(0).cloned() };
    assert_eq!(wait::until("the first scrape", LIMIT, jobs).await.unwrap(), "polyscaler");

    let queries = queries("polyscaler", "30s");
    assert!(queries.len() >= 18, "{queries:?}");
    for query in &queries {
        let look = || async { shows(&server, query).await };
        wait::until(&query.panel, LIMIT, look).await.unwrap();
    }

    let look = || async { as_it_should_be(&server).await };
    wait::until("alerts that are about to fire, and no others", LIMIT, look).await.unwrap();
    names_exist(&operator).await;
}

/// Whether a query has numbers that its legend can distinguish.
async fn shows(server: &PrometheusServer, query: &Query) -> Result<(), String> {
    let answer = server.query(&query.expression).await.map_err(|error| format!("{error:#}"))?;
    let series = answer["result"].as_array().filter(|series| !series.is_empty());
    let series = series.ok_or_else(|| format!("nothing for {}", query.expression))?;
    for one in series {
        let number: f64 = one["value"][1].as_str().unwrap().parse().unwrap();
        if !number.is_finite() {
            return Err(format!("{one} for {}", query.expression));
        }
        for label in &query.shown {
            assert!(one["metric"][label].is_string(), "{}: no label {label} in {one}", query.panel);
        }
    }
    Ok(())
}

/// Whether every rule was evaluated, and those alerts wait to fire that the failing readings cause.
async fn as_it_should_be(server: &PrometheusServer) -> Result<(), String> {
    let rules = server.rules().await.map_err(|error| format!("{error:#}"))?;
    let groups = rules["groups"].as_array().unwrap();
    let rules: Vec<&Value> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    assert_eq!(rules.len(), alerts().len());
    for rule in rules {
        let state = match rule["name"].as_str().unwrap() {
            "PolyscalerObjectsNotReady"
            | "PolyscalerObjectsObserved"
            | "PolyscalerObjectsPaused"
            | "PolyscalerMetricSourceFailing" => "pending",
            // On a busy machine polls may be late.
            "PolyscalerPollsLate" => continue,
            _ => "inactive",
        };
        if rule["health"] != "ok" || rule["state"] != state {
            return Err(rule.to_string());
        }
    }
    Ok(())
}

/// Every metric that a query or an alert names is one that the operator has.
async fn names_exist(operator: &Operator) {
    let text = operator.metrics_text().await;
    let names = text.lines().filter(|line| !line.starts_with('#'));
    let mut names: BTreeSet<String> =
        names.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect();
    // Counters of what hardly ever happens have no series before it does.
    let counters = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"));
    names.extend(counters.map(|name| format!("{name}_total")));
    let alerts: Vec<String> = alerts().into_iter().map(|alert| alert.expression).collect();
    let asked = queries("x", "1m").into_iter().map(|query| query.expression).chain(alerts);
    let mut used = BTreeSet::new();
    for expression in asked {
        let found = metric_names(&expression);
        assert!(!found.is_empty(), "{expression}");
        for name in found {
            assert!(names.contains(name), "the operator has no metric {name}, which {expression} asks for");
            used.insert(name.to_owned());
        }
    }
    assert!(used.len() >= 10, "{used:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_goes_is_missed() {
    let scene = Scene::new("monitoring").await;
    let operator = scene.operator(&[]).await;
    let server = prometheus(&operator).await;
    let state = |wanted: &'static str| {
        let server = &server;
        move || async move {
            let rules = server.rules().await.map_err(|error| format!("{error:#}"))?;
            let rule = &rules["groups"][0]["rules"][0];
            assert_eq!(rule["name"], "PolyscalerAbsent");
            let scraped = server.query("up == 1").await.map_err(|error| format!("{error:#}"))?;
            let is_there = scraped["result"] != Value::Array(Vec::new());
            if rule["state"] == wanted && is_there == (wanted == "inactive") {
                Ok(())
            } else {
                Err(rule.to_string())
            }
        }
    };
    wait::until("it is seen", LIMIT, state("inactive")).await.unwrap();
    operator.kill().await;
    wait::until("it is missed", LIMIT, state("pending")).await.unwrap();
}
