//! What a scaler reports, and every way in which it does not.

use engine::{AbsenceReason, Holder, Otherwise, Reading, Sought};
use serde_json::{Value, json};
use testbed::ExternalScaler;
use testbed::certificates::Authority;

use crate::support::{Bench, Question};

pub(crate) fn question(scaler: &ExternalScaler, more: Value) -> Question {
    let mut config = json!({"scalerAddress": scaler.address(), "object": "web", "timeoutSeconds": 20});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Question { source: "external", config }
}

/// Name, target and value of a metric.
type Reported<'a> = (&'a str, f64, f64);

/// Whether there is work, and each metric with its target and value.
pub(crate) fn reported(reading: &Reading) -> Result<(bool, Vec<Reported<'_>>), (AbsenceReason, &str)> {
    match reading {
        Reading::Scaler { active, metrics, .. } => {
            let metrics = metrics.iter().map(|metric| (&*metric.name, metric.target, metric.value.get()));
            Ok((*active, metrics.collect()))
        }
        Reading::Absent(absence) => Err((absence.reason, &absence.message)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn contract_6_10_a_scaler_says_what_it_measures_and_whether_there_is_work() {
    let (bench, scaler) = (Bench::new(), ExternalScaler::start().await.unwrap());
    {
        let mut state = scaler.state();
        state.active = true;
        state.specs = vec![("queue/length", 5, 0.0), ("lag", 9, 0.5), ("queue/length", 7, 0.0)];
        state.values = [("queue/length", vec![(12, 0.0), (3, 0.0)]), ("lag", vec![(9, 1.25)])].into();
    }
    bench.vault.set("shop/s", "queue", "mail\n");
    bench.vault.set("shop/s", "empty", "");
    let holder = || Holder::Secret { namespace: "shop".to_owned(), name: "s".to_owned() };
    let sought = |key: &str| Sought { places: vec![holder().value(key)], otherwise: Otherwise::LeftOut };
    let credentials =
        [("metadata.queueFromEnv", sought("queue")), ("metadata.emptyFromEnv", sought("empty"))];
    let asked = question(&scaler, json!({"metadata": {"scalerAddress": "a:1", "mode": "fast"}}));
    let query = bench.prepare_sought(&asked, &credentials);
    let reading = bench.hub.read(&query, bench.tick()).await;
    let expected = (true, vec![("queue/length", 5.0, 15.0), ("lag", 0.5, 1.25)]);
    assert_eq!(reported(&reading.reading), Ok(expected));
    let seen = std::mem::take(&mut scaler.state().seen);
    let mut methods: Vec<_> = seen.iter().map(|(method, _)| method.as_str()).collect();
    methods.sort_unstable();
    assert_eq!(methods, ["GetMetricSpec", "GetMetrics", "GetMetrics", "IsActive"]);
    for (method, about) in seen {
        assert_eq!((about.name.as_str(), about.namespace.as_str()), ("web", "shop"), "{method}");
        let told = [("mode", "fast"), ("queueFromEnv", "mail"), ("scalerAddress", "a:1")];
        let told = told.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(about.metadata, told.into(), "{method}");
    }
}

#[tokio::test]
async fn contract_6_10_whatever_a_scaler_does_not_say_is_an_absence() {
    use AbsenceReason::{BadStatus, NotFinite, ValueMissing};
    let (bench, scaler) = (Bench::new(), ExternalScaler::start().await.unwrap());
    let url = format!("http://{}/", scaler.address());
    let read = async || {
        let reading = bench.read(&question(&scaler, json!({}))).await;
        reported(&reading)
            .map(|(active, metrics)| (active, metrics.len()))
            .map_err(|(reason, message)| (reason, message.to_owned()))
    };
    assert_eq!(read().await, Err((ValueMissing, format!("{url}: the scaler names no metric"))));
    scaler.state().specs = vec![("lag", 5, 0.0)];
    let words = format!("{url}: the scaler reports no value for its metric \"lag\"");
    assert_eq!(read().await, Err((ValueMissing, words)));
    scaler.state().values = [("lag", vec![(0, f64::INFINITY)])].into();
    assert_eq!(read().await.unwrap_err().0, NotFinite);
    scaler.state().values = [("lag", vec![(0, 0.0)])].into();
    assert_eq!(read().await, Ok((false, 1)), "0 is a number");
    for method in ["GetMetricSpec", "GetMetrics", "IsActive"] {
        scaler.state().refuses = Some((method, "12"));
        let (reason, message) = read().await.unwrap_err();
        assert_eq!(reason, BadStatus, "{message}");
        let begin = format!("{url}externalscaler.ExternalScaler/{method}: ");
        assert!(message.starts_with(&begin) && message.contains("UNIMPLEMENTED"), "{message}");
    }
}

/// Its calls end in their time, and who asks another one does not wait for it.
#[tokio::test]
async fn a_scaler_that_hangs_costs_its_own_reading_only() {
    let (bench, hanging, other) =
        (Bench::new(), ExternalScaler::start().await.unwrap(), ExternalScaler::start().await.unwrap());
    for scaler in [&hanging, &other] {
        scaler.state().specs = vec![("lag", 5, 0.0)];
        scaler.state().values = [("lag", vec![(3, 0.0)])].into();
    }
    hanging.state().hangs = Some("GetMetrics");
    let slow = question(&hanging, json!({"timeoutSeconds": null, "timeoutMillis": 1500}));
    let fast = question(&other, json!({}));
    let (slow, fast) = tokio::join!(bench.read(&slow), bench.read(&fast));
    assert_eq!(reported(&fast), Ok((false, vec![("lag", 5.0, 3.0)])));
    let (reason, message) = reported(&slow).unwrap_err();
    assert_eq!(reason, AbsenceReason::Timeout);
    assert!(message.ends_with("/GetMetrics: no complete response within 1.5 s"), "{message}");
    hanging.state().hangs = None;
    let again = bench.read(&question(&hanging, json!({}))).await;
    assert_eq!(reported(&again), Ok((false, vec![("lag", 5.0, 3.0)])));
}

#[tokio::test]
async fn tls_is_by_the_credentials_of_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "ours").unwrap();
    let files = authority.server("scaler", &["localhost"]).unwrap();
    let (bench, scaler) = (Bench::new(), ExternalScaler::start_with_tls(&files).await.unwrap());
    scaler.state().specs = vec![("lag", 5, 0.0)];
    scaler.state().values = [("lag", vec![(3, 0.0)])].into();
    let pem = std::fs::read_to_string(&authority.files().certificate).unwrap();
    bench.vault.set("shop/s", "ca.crt", &pem);
    let trusting = json!({"tls": {"caFrom": {"secretKeyRef": {"name": "s", "key": "ca.crt"}}}});
    for good in [trusting, json!({"tls": {"insecureSkipVerify": true}})] {
        let reading = bench.read(&question(&scaler, good.clone())).await;
        assert!(reported(&reading).is_ok(), "{good}: {reading:?}");
    }
    let reading = bench.read(&question(&scaler, json!({"tls": {}}))).await;
    let (reason, message) = reported(&reading).unwrap_err();
    assert_eq!(reason, AbsenceReason::ConnectionFailed);
    assert!(message.contains("certificate not trusted"), "{message}");
    let reading = bench.read(&question(&scaler, json!({}))).await;
    assert_eq!(reported(&reading).unwrap_err().0, AbsenceReason::ConnectionFailed);
}
