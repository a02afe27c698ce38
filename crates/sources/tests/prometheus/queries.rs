//! What queries give, and what is no number.

use std::time::Duration;

use axum::http::StatusCode;
use engine::{AbsenceReason, Reading, Time};
use serde_json::{Value, json};
use sources::PastSpan;
use testbed::{Answer, PrometheusOptions, wait};

use crate::prometheus::bench::{Bench, LIMIT, SAMPLES, query, scraping, steady};

#[tokio::test]
async fn contract_6_1_whatever_a_query_gives_is_one_number_or_a_named_absence() {
    use AbsenceReason::{BadStatus, NotANumber, NotFinite, ValueAmbiguous, ValueMissing};
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, steady()).await);
    let settings = |query: &str, more: Value| {
        let mut settings = json!({"query": query, "serverAddress": server.url()});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        settings
    };
    for (query, more, expected) in [
        ("single", json!({}), 7.0),
        ("orders", json!({}), 7.5),
        ("orders", json!({"aggregate": "sum"}), 7.5),
        ("orders", json!({"aggregate": "max"}), 4.5),
        ("orders", json!({"aggregate": "avg"}), 2.5),
        ("single", json!({"aggregate": "only"}), 7.0),
        ("orders{pod=\"b\"}", json!({"aggregate": "only", "method": "POST"}), 4.5),
        ("sum(orders)", json!({"method": "POST"}), 7.5),
        ("scalar(single)", json!({}), 7.0),
        ("42", json!({"aggregate": "only"}), 42.0),
        ("missing or vector(0)", json!({}), 0.0),
        ("mixed == mixed", json!({}), 1.0),
    ] {
        bench.until_answered(expected, settings(query, more)).await;
    }
    for (query, more, reason, words) in [
        ("missing", json!({}), ValueMissing, "returns no series"),
        ("orders", json!({"aggregate": "only"}), ValueAmbiguous, "returns 3 series"),
        ("nothing", json!({}), NotFinite, "returns NaN"),
        ("endless", json!({"aggregate": "max"}), NotFinite, "returns inf"),
        ("mixed", json!({"aggregate": "max"}), NotFinite, "one of 2 series of the query is NaN"),
        ("single / 0", json!({}), NotFinite, "inf"),
        ("scalar(orders)", json!({}), NotFinite, "NaN"),
        ("orders[1m]", json!({}), NotANumber, "values over time"),
        ("\"orders\"", json!({}), NotANumber, "a string"),
        (
            "orders{",
            json!({}),
            BadStatus,
            "status 400: bad_data: invalid parameter \"query\": 1:8: parse error",
        ),
        ("rate(orders)", json!({"method": "POST"}), BadStatus, "expected type range vector"),
        ("orders * on() orders", json!({}), BadStatus, "status 422: execution: "),
    ] {
        let settings = settings(query, more);
        let address = format!("{}/api/v1/query: ", server.url());
        let look = || async {
            match bench.ask(settings.clone()).await {
                Err((found, message))
                    if found == reason && message.contains(words) && message.starts_with(&address) =>
                {
                    Ok(())
                }
                other => Err(format!("{other:?}")),
            }
        };
        wait::until(&format!("{reason} and {words:?} for {settings}"), LIMIT, look).await.unwrap();
    }
}

/// The query of the examples, unchanged, counts what all pods get.
#[tokio::test]
async fn a_rate_over_several_pods_is_their_sum() {
    let samples = |count: u32| {
        format!("http_requests_total{{pod=\"a\"}} {count}\nhttp_requests_total{{pod=\"b\"}} {count}\n")
    };
    let (bench, (server, metrics)) = (Bench::new(), scraping(&samples(10), steady()).await);
    let settings = json!({"query": "rate(http_requests_total[5m])", "serverAddress": server.url()});
    bench.until_answered(0.0, settings.clone()).await;
    metrics.set("/metrics", Answer::text(StatusCode::OK, samples(1010)));
    let look = || async {
        let found = bench.ask(settings.clone()).await;
        if matches!(found, Ok(rate) if rate > 4.0) { Ok(()) } else { Err(format!("{found:?}")) }
    };
    wait::until("both rates", LIMIT, look).await.unwrap();
}

/// What a forecast knows after a restart.
#[tokio::test]
async fn the_past_is_one_series_whatever_the_query_gives() {
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, steady()).await);
    // 0 and 1000 in turn, each for an hour; no series has been scraped for that long.
    let now = Time::from_seconds(1_790_000_000 - 1_790_000_000 % 3600);
    let span =
        PastSpan { from: now.minus(Duration::from_secs(86_400)), to: now, step: Duration::from_secs(300) };
    let wave = "vector(1000 * ((time() / 3600) % 2 >= bool 1))";
    let two = "label_replace(vector(1), \"a\", \"b\", \"\", \"\") or vector(3)";
    for (query_text, more, expected) in [
        (wave, json!({}), [0.0, 1000.0]),
        (wave, json!({"method": "POST", "aggregate": "only"}), [0.0, 1000.0]),
        ("vector(time() - time() + 2) # a comment", json!({"aggregate": "max"}), [2.0, 2.0]),
        (two, json!({"aggregate": "sum"}), [4.0, 4.0]),
        (two, json!({"aggregate": "avg"}), [2.0, 2.0]),
    ] {
        let mut settings = json!({"query": query_text, "serverAddress": server.url()});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let past = bench.past(&query(settings), span).await.unwrap().unwrap();
        assert_eq!((past.len(), past[0].0), (289, span.from), "{query_text} {more}");
        let at = |hour: i64| {
            past.iter()
                .find(|(at, _)| *at == span.from.plus(Duration::from_secs(3600 * hour as u64)))
                .unwrap()
                .1
        };
        let mut found = [at(1), at(2)];
        found.sort_by(f64::total_cmp);
        assert_eq!(found, expected, "{query_text} {more}");
    }
    for (query_text, reason) in [(two, AbsenceReason::ValueAmbiguous), ("sum(", AbsenceReason::BadStatus)] {
        let settings = json!({"query": query_text, "serverAddress": server.url(), "aggregate": "only"});
        let absence = bench.past(&query(settings), span).await.unwrap().unwrap_err();
        assert_eq!(absence.reason, reason, "{absence}");
    }
}

#[tokio::test]
async fn the_reading_has_the_time_of_the_sample() {
    let (bench, (server, _metrics)) = (Bench::new(), scraping(SAMPLES, steady()).await);
    let asked = |query_text: &str| query(json!({"query": query_text, "serverAddress": server.url()}));
    let Reading::Value { value, at, .. } = bench.read(&asked("time()")).await else { panic!("no number") };
    let difference = value.get() * 1000.0 - at.as_millis() as f64;
    assert!(difference.abs() < 2.0, "{value:?} at {at:?}");
}

#[tokio::test]
async fn a_hundred_thousand_series_are_too_many_unless_the_server_sums_them() {
    let options = PrometheusOptions { interval: Duration::from_secs(15), ..PrometheusOptions::default() };
    let many: String = (0..100_000).map(|number| format!("m{{n=\"{number}\"}} 1\n")).collect();
    let (bench, (server, _metrics)) = (Bench::new(), scraping(&many, options).await);
    for method in ["GET", "POST"] {
        let settings =
            json!({"query": "m", "serverAddress": server.url(), "method": method, "timeoutSeconds": 60});
        let too_large = || async {
            match bench.ask(settings.clone()).await {
                Err((AbsenceReason::TooLarge, message)) => Ok(message),
                other => Err(format!("{other:?}")),
            }
        };
        let message = wait::until("too many series", LIMIT, too_large).await.unwrap();
        assert!(
            message.ends_with(
                "larger than 1024 KiB; let the query return fewer series, for example with sum(…)"
            ),
            "{message}"
        );
    }
    bench.until_answered(100_000.0, json!({"query": "sum(m)", "serverAddress": server.url()})).await;
}
