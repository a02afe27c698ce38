use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use engine::Holder;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::*;
use crate::credentials::{Needs, Values};
use crate::source::Ask;

/// What all queries of a test have in common.
struct Scripted {
    reads: AtomicUsize,
    go: Semaphore,
}

/// A query that follows its settings: `panics`, `needs` (a secret), `waits` (for the test).
struct Question {
    source: Arc<Scripted>,
    config: Value,
}

impl Ask for Question {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            let count = self.source.reads.fetch_add(1, Ordering::SeqCst) + 1;
            if self.config["waits"] == true {
                self.source.go.acquire().await.unwrap().forget();
            }
            assert!(self.config["panics"] != true, "as the settings ask for");
            let secret = self.config["needs"].as_str().map(secret);
            let held = secret.map(|secret| request.credentials.all(&secret).unwrap()["value"][0]);
            Reading::of(held.map_or(count as f64, f64::from), request.begun)
        }
        .boxed()
    }
}

fn secret(name: &str) -> Holder {
    Holder::Secret { namespace: "shop".to_owned(), name: name.to_owned() }
}

/// One secret, `shop/token`, whose value counts how often it was read; `shop/slow` never answers.
#[derive(Default)]
struct CountingSecrets(AtomicUsize);

impl CredentialReader for CountingSecrets {
    fn read<'a>(
        &'a self,
        holder: &'a Holder,
        _: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Values, String>> {
        async move {
            if *holder == secret("slow") {
                std::future::pending::<()>().await;
            }
            if *holder != secret("token") {
                return Err("not found".into());
            }
            let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(Values::from([("value".into(), vec![u8::try_from(count).unwrap()])]))
        }
        .boxed()
    }
}

struct Bench {
    hub: Arc<Hub>,
    source: Arc<Scripted>,
    secrets: Arc<CountingSecrets>,
    clock: Arc<AtomicI64>,
    seen: Arc<Mutex<Vec<Option<AbsenceReason>>>>,
}

impl Bench {
    fn new() -> Self {
        let source = Arc::new(Scripted { reads: AtomicUsize::new(0), go: Semaphore::new(0) });
        let secrets = Arc::new(CountingSecrets::default());
        let clock = Arc::new(AtomicI64::new(1_000_000));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (time, outcomes) = (Arc::clone(&clock), Arc::clone(&seen));
        let hub = Hub::new(
            Arc::clone(&secrets) as Arc<dyn CredentialReader>,
            Arc::new(move || Time::from_millis(time.load(Ordering::SeqCst))),
            Arc::new(move |stats| outcomes.lock().unwrap().push(stats.outcome)),
        );
        Self { hub: Arc::new(hub), source, secrets, clock, seen }
    }

    fn now(&self) -> Time {
        Time::from_millis(self.clock.load(Ordering::SeqCst))
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    fn query(&self, config: Value) -> Query {
        let needs = config["needs"].as_str().map(|name| (secret(name), BTreeSet::new()));
        let (key, source) = (config.to_string(), Arc::clone(&self.source));
        let ask = Box::new(Question { source, config });
        Query::new("scripted", &key, Content { ask, needs: Needs::from_iter(needs) })
    }

    fn reads(&self) -> usize {
        self.source.reads.load(Ordering::SeqCst)
    }

    /// Waits until the source was asked `count` times.
    async fn asked(&self, count: usize) {
        while self.reads() < count {
            tokio::task::yield_now().await;
        }
    }
}

fn value(shared: &SharedReading) -> f64 {
    shared.reading.value().unwrap_or_else(|| panic!("no number: {:?}", shared.reading))
}

fn absence(shared: &SharedReading) -> (AbsenceReason, &str) {
    let absence = shared.reading.absence().unwrap_or_else(|| panic!("an answer: {:?}", shared.reading));
    (absence.reason, &absence.message)
}

#[tokio::test]
async fn equal_queries_at_once_are_one_reading() {
    let bench = Bench::new();
    let now = bench.now();
    let queries = vec![bench.query(json!({"waits": true})); 100];
    let (readings, ()) =
        tokio::join!(join_all(queries.iter().map(|query| bench.hub.read(query, now))), async {
            bench.asked(1).await;
            bench.source.go.add_permits(1);
        });
    assert_eq!(bench.reads(), 1);
    assert!(readings.iter().all(|reading| Arc::ptr_eq(reading, &readings[0])));
}

#[tokio::test]
async fn a_reading_is_shared_as_long_as_it_is_new_enough() {
    let bench = Bench::new();
    let query = bench.query(json!({}));
    let first = bench.hub.read(&query, bench.now()).await;
    let began = bench.now();
    bench.pass(10);
    assert_eq!(bench.hub.read(&query, began).await, first, "it began exactly then");
    let second = bench.hub.read(&query, began.plus(Duration::from_millis(1))).await;
    assert_eq!((value(&first), value(&second)), (1.0, 2.0));
    assert_eq!(second.begun, bench.now());
    assert_eq!(bench.hub.read(&query, began).await, second, "the newest is kept");
}

#[tokio::test]
async fn queries_that_differ_are_not_shared() {
    let bench = Bench::new();
    let now = bench.now();
    bench.hub.read(&bench.query(json!({})), now).await;
    bench.hub.read(&bench.query(json!({"other": 1})), now).await;
    assert_eq!(bench.reads(), 2);
}

#[tokio::test]
async fn a_flight_that_began_too_early_is_waited_for_and_not_used() {
    let bench = Bench::new();
    let query = bench.query(json!({"waits": true}));
    let (hub, asked, early) = (Arc::clone(&bench.hub), query.clone(), bench.now());
    let first = tokio::spawn(async move { hub.read(&asked, early).await });
    bench.asked(1).await;
    bench.pass(1);
    let later = bench.now();
    let (second, ()) = tokio::join!(bench.hub.read(&query, later), async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bench.reads(), 1, "a query is never asked twice at once");
        bench.source.go.add_permits(2);
    });
    assert_eq!(value(&first.await.unwrap()), 1.0);
    assert_eq!((value(&second), second.begun), (2.0, later));
}

#[tokio::test]
async fn a_time_in_the_future_counts_as_now() {
    let bench = Bench::new();
    let shared = bench.hub.read(&bench.query(json!({})), bench.now().plus(Duration::from_secs(60))).await;
    assert_eq!(value(&shared), 1.0);
}

#[tokio::test]
async fn a_reading_survives_the_caller_that_began_it() {
    let bench = Bench::new();
    let query = bench.query(json!({"waits": true}));
    let now = bench.now();
    let (hub, asked) = (Arc::clone(&bench.hub), query.clone());
    let starter = tokio::spawn(async move { hub.read(&asked, now).await });
    bench.asked(1).await;
    starter.abort();
    assert!(starter.await.unwrap_err().is_cancelled());
    bench.source.go.add_permits(1);
    let shared = bench.hub.read(&query, now).await;
    assert_eq!((value(&shared), bench.reads()), (1.0, 1));
}

#[tokio::test]
async fn a_reading_that_nobody_waited_for_does_not_block_the_next() {
    let bench = Bench::new();
    let query = bench.query(json!({"waits": true}));
    let (hub, asked, early) = (Arc::clone(&bench.hub), query.clone(), bench.now());
    let starter = tokio::spawn(async move { hub.read(&asked, early).await });
    bench.asked(1).await;
    starter.abort();
    bench.source.go.add_permits(2);
    bench.pass(1);
    let shared = bench.hub.read(&query, bench.now()).await;
    assert_eq!(value(&shared), 2.0);
}

#[tokio::test]
async fn a_panic_is_an_absence_of_its_own_reading() {
    let bench = Bench::new();
    let now = bench.now();
    let (bad, good) = (bench.query(json!({"panics": true})), bench.query(json!({})));
    let (bad, good) = tokio::join!(bench.hub.read(&bad, now), bench.hub.read(&good, now));
    assert_eq!(absence(&bad).0, AbsenceReason::Malformed);
    assert!(value(&good) > 0.0);
    assert_eq!(bench.seen.lock().unwrap().len(), 2, "the panic is counted too");
}

#[tokio::test]
async fn secrets_are_read_once_for_each_reading() {
    let bench = Bench::new();
    let query = bench.query(json!({"needs": "token"}));
    let now = bench.now();
    let first = join_all((0..10).map(|_| bench.hub.read(&query, now))).await;
    bench.pass(1);
    let second = bench.hub.read(&query, bench.now()).await;
    assert!(first.iter().all(|reading| value(reading) == 1.0));
    assert_eq!(value(&second), 2.0, "a changed secret counts from the next reading on");
    assert_eq!(bench.secrets.0.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn without_its_secrets_the_source_is_not_asked() {
    let bench = Bench::new();
    let missing = bench.hub.read(&bench.query(json!({"needs": "other"})), bench.now()).await;
    let expected = (AbsenceReason::SecretUnavailable, "secret shop/other: not found");
    assert_eq!(absence(&missing), expected);
    let slow = bench.hub.read(&bench.query(json!({"needs": "slow"})), bench.now()).await;
    let expected = (AbsenceReason::SecretUnavailable, "secret shop/slow: no response within 10 s");
    assert_eq!(absence(&slow), expected);
    assert_eq!(bench.reads(), 0);
    assert_eq!(*bench.seen.lock().unwrap(), [Some(AbsenceReason::SecretUnavailable); 2]);
}

#[tokio::test]
async fn a_query_of_another_catalog_is_an_absence() {
    let bench = Bench::new();
    let other = Query::unprepared("tarot");
    let shared = bench.hub.read(&other, bench.now()).await;
    assert!(absence(&shared).1.contains("tarot"));
}

#[tokio::test]
async fn the_observer_hears_of_upstream_readings_only() {
    let bench = Bench::new();
    let query = bench.query(json!({}));
    for _ in 0..3 {
        bench.hub.read(&query, bench.now()).await;
    }
    assert_eq!(*bench.seen.lock().unwrap(), [None]);
}

#[tokio::test]
async fn readings_that_nobody_asks_for_are_forgotten() {
    let bench = Bench::new();
    let kept = bench.query(json!({"kept": true}));
    for round in 0..40 {
        for part in 0..50 {
            bench.hub.read(&bench.query(json!({"round": round, "part": part})), bench.now()).await;
        }
        bench.hub.read(&kept, bench.now().minus(Duration::from_secs(100_000))).await;
        bench.pass(60);
    }
    let entries = bench.hub.entries.lock().unwrap();
    assert!(entries.by_query.len() <= 12 * 50, "{} of 2000 are kept", entries.by_query.len());
    assert!(entries.by_query.contains_key(kept.key()), "what is asked for is kept");
}

/// An object that is compiled anew has a new query with the key of the former one.
#[tokio::test]
async fn a_query_that_nobody_has_any_more_is_not_kept() {
    let bench = Bench::new();
    let held = || Arc::strong_count(&bench.source);
    let none = held();
    let former = bench.query(json!({}));
    bench.hub.read(&former, bench.now()).await;
    drop(former);
    bench.pass(30);
    let present = bench.query(json!({}));
    bench.hub.read(&present, bench.now()).await;
    assert_eq!(held(), none + 1, "the present one alone");
}
