//! Each scenario's real servers, asked by the real sources for what its manifests name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engine::{Holder, Query, Reading};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use resources::Context;
use runner::{Clock as _, SystemClock};
use serde_json::{Value, json};
use sources::{AddressPolicy, CredentialReader, Hub, Registry, Values};
use testbed::wait;

use super::Servers;
use crate::demo::load;
use crate::demo::scenario::Scenario;

const LIMIT: Duration = Duration::from_secs(120);
const NO_TIME: Duration = Duration::ZERO;

struct NoCredentials;

impl CredentialReader for NoCredentials {
    fn read<'a>(
        &'a self,
        holder: &'a Holder,
        _: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Values, String>> {
        std::future::ready(Err(format!("no scenario has a {holder}"))).boxed()
    }
}

/// A scenario's servers, and what its objects ask them.
struct Site {
    scenario: &'static Scenario,
    servers: Servers,
    hub: Hub,
    clock: Arc<SystemClock>,
    /// By the name of the object.
    queries: BTreeMap<String, Query>,
}

impl Site {
    async fn of(scenario: &str) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        let servers = Servers::start(scenario).await.unwrap();
        let registry = Registry::new(AddressPolicy::default());
        let alone = scenario.applications.iter().filter_map(|application| {
            let manifest = application.manifest?;
            Some((application.name.to_owned(), manifest(&servers.url(application))))
        });
        let group = scenario
            .group
            .iter()
            .map(|group| (group.name.to_owned(), (group.manifest)(&servers.group_url(group))));
        let queries = alone.chain(group).map(|(name, manifest)| (name, asked(&registry, manifest))).collect();
        let clock = Arc::new(SystemClock::start());
        let now = Arc::clone(&clock);
        let hub = Hub::new(Arc::new(NoCredentials), Arc::new(move || now.now()), Arc::new(|_| {}));
        Self { scenario, servers, hub, clock, queries }
    }

    /// Lets `elapsed` go by at `hour`, with so many pods of every application at work.
    async fn advance(&mut self, hour: f64, elapsed: Duration, pods: u32) {
        let names = self.scenario.applications.iter().map(|application| application.name.to_owned());
        let ready = names.map(|name| (name, pods)).collect();
        self.servers.advance(self.scenario, hour, elapsed, &ready).await.unwrap();
    }

    async fn read(&self, object: &str) -> Reading {
        self.hub.read(&self.queries[object], self.clock.now()).await.reading.clone()
    }

    /// Reads until the value is within `least` and `most`: servers count a moment later.
    async fn until(&self, object: &str, least: f64, most: f64) {
        let look = || async {
            match self.read(object).await {
                Reading::Value { value, .. } if (least..=most).contains(&value.get()) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        wait::until(&format!("{least} to {most} for {object}"), LIMIT, look).await.unwrap();
    }
}

/// The only query of an object.
fn asked(registry: &Registry, manifest: Value) -> Query {
    let word = |field: &str| manifest[field].as_str().unwrap();
    let kind = resources::find(word("apiVersion"), word("kind")).unwrap();
    let context = Context {
        catalog: registry,
        policies: &engine::POLICIES,
        allow_cross_namespace: false,
        admitting: true,
        resolved: None,
    };
    let mut plan = kind.compile(&manifest, &context).unwrap().plan;
    assert_eq!(plan.metrics.len(), 1, "{manifest}");
    plan.metrics.remove(0).query
}

#[tokio::test]
async fn figures_are_those_of_the_hour() {
    let mut site = Site::of("business").await;
    for hour in [4.0, 20.0] {
        site.advance(hour, NO_TIME, 0).await;
        let (users, orders) = (f64::from(load::users(hour)), f64::from(load::orders(hour)));
        site.until("payment-service", users, users).await;
        site.until("kitchen", orders, orders).await;
    }
}

#[tokio::test]
async fn a_group_is_asked_for_the_calls_at_its_entry() {
    let mut site = Site::of("groups").await;
    for hour in [4.0, 19.0] {
        site.advance(hour, NO_TIME, 10).await;
        let calls = load::page_views_a_second(hour);
        site.until("teastore", calls, calls).await;
    }
    let expected = json!({ "arriving": 720.0, "ready": 10 });
    let calls = site.servers.calls().unwrap().report();
    assert_eq!(
        (&calls["webui"]["arriving"], &calls["webui"]["ready"]),
        (&expected["arriving"], &expected["ready"])
    );
}

/// What arrives waits, and what pods have worked off does not.
async fn waits_and_is_worked_off(scenario: &str) {
    const HOUR: f64 = 12.5;
    const SPAN: Duration = Duration::from_secs(10);
    let mut site = Site::of(scenario).await;
    let queues: Vec<_> = site.scenario.queues().collect();
    assert_eq!(queues.len(), 2);
    site.advance(HOUR, SPAN, 0).await;
    for (application, queue) in &queues {
        let arrived = ((queue.arriving)(HOUR) * SPAN.as_secs_f64()).floor();
        site.until(application, arrived, arrived).await;
    }
    site.advance(HOUR, SPAN, 1).await;
    for (application, queue) in &queues {
        // To an entry, as what is left of one is carried over.
        let seconds = SPAN.as_secs_f64();
        let left = (2.0 * (queue.arriving)(HOUR) * seconds - queue.per_pod * seconds).max(0.0);
        site.until(application, left.floor() - 1.0, left.floor() + 1.0).await;
        assert!(site.servers.flow(application).is_some_and(|flow| flow.arrived > 0.0 && flow.done > 0.0));
    }
}

#[tokio::test]
async fn messages_wait_in_streams() {
    waits_and_is_worked_off("queue").await;
}

#[tokio::test]
async fn jobs_wait_in_lists() {
    waits_and_is_worked_off("worker").await;
}

#[tokio::test]
async fn requests_are_counted_by_prometheus() {
    let mut site = Site::of("http").await;
    for hour in [4.0, 20.0] {
        site.advance(hour, NO_TIME, 0).await;
        for (application, pace) in
            [("shop", load::visits_a_second(hour)), ("search", load::searches_a_second(hour))]
        {
            site.until(application, 0.8 * pace, 1.2 * pace).await;
        }
    }
}
