//! Joins crates that do not know each other: sources to the cluster's credentials and pods, the hub and those
//! that give advice to the loop.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::{AboutObject, Clients, CredentialStore, MetricName, PodStore, ServiceStore};
use engine::pod_metric::PodMeasure;
use engine::{Absence, Advice, Holder, PodSample, Query, Target, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runner::{Clock, Event, Metrics, ObjectKey, Question, Sampled, Sampler};
use sources::{
    Advisers, Answer, Asker, CredentialReader, Endpoint, Hub, MetricOfObject, MetricsReader, NamedMetric,
    PastSpan, PodCount, PodReader, ReadStats, ServiceReader, Values, Wake,
};
use tokio::sync::mpsc;

struct ClusterCredentials(CredentialStore);

impl CredentialReader for ClusterCredentials {
    fn read<'a>(
        &'a self,
        holder: &'a Holder,
        keys: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Values, String>> {
        self.0.read(holder, keys).boxed()
    }
}

struct ClusterPods(PodStore);

impl PodReader for ClusterPods {
    fn count<'a>(
        &'a self,
        namespace: &'a str,
        selector: &'a str,
    ) -> BoxFuture<'a, Result<PodCount, Absence>> {
        async move {
            let cluster::PodCount { pods, nodes } = self.0.count(namespace, selector).await?;
            Ok(PodCount { pods, nodes })
        }
        .boxed()
    }

    fn samples<'a>(
        &'a self,
        target: &'a Target,
        measure: &'a PodMeasure,
    ) -> BoxFuture<'a, Result<Vec<PodSample>, Absence>> {
        self.0.samples(target, measure).boxed()
    }
}

fn named(metric: &NamedMetric) -> MetricName<'_> {
    let NamedMetric { namespace, name, selector } = metric;
    MetricName { namespace, name, selector }
}

impl MetricsReader for ClusterPods {
    fn external<'a>(&'a self, metric: &'a NamedMetric) -> BoxFuture<'a, Result<i64, Absence>> {
        self.0.external(named(metric)).boxed()
    }

    fn of_object<'a>(
        &'a self,
        object: &'a MetricOfObject,
        metric: &'a NamedMetric,
    ) -> BoxFuture<'a, Result<i64, Absence>> {
        let MetricOfObject { api_version, kind, name } = object;
        self.0.of_object(AboutObject { api_version, kind, name }, named(metric)).boxed()
    }

    fn of_pods<'a>(
        &'a self,
        target: &'a Target,
        metric: &'a NamedMetric,
    ) -> BoxFuture<'a, Result<Vec<PodSample>, Absence>> {
        self.0.custom(target, named(metric)).boxed()
    }
}

struct ClusterServices(ServiceStore);

impl ServiceReader for ClusterServices {
    fn endpoints<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Endpoint>, Absence>> {
        async move {
            let found = self.0.endpoints(namespace, name).await?;
            Ok(found.into_iter().map(|(address, ports)| Endpoint { address, ports }).collect())
        }
        .boxed()
    }
}

/// The hub, and whom it tells of what sources report by themselves. That one ends without waiting for the hub.
struct HubSampler {
    hub: Hub,
    events: Option<mpsc::WeakSender<Event>>,
}

impl Sampler for HubSampler {
    fn sample<'a>(&'a self, query: &'a Query, not_before: Time) -> BoxFuture<'a, Sampled> {
        async move {
            let Answer { reading, joined } = self.hub.ask(query, not_before).await;
            Sampled { reading: reading.reading.clone(), shared: joined }
        }
        .boxed()
    }

    fn past<'a>(
        &'a self,
        query: &'a Query,
        span: runner::PastSpan,
    ) -> BoxFuture<'a, Option<Vec<(Time, f64)>>> {
        let runner::PastSpan { from, to, step } = span;
        async move {
            match self.hub.past(query, PastSpan { from, to, step }).await? {
                Ok(past) => Some(past),
                Err(absence) => {
                    tracing::info!(source = query.source(), %absence, "the past of a metric cannot be read");
                    None
                }
            }
        }
        .boxed()
    }

    fn listen(&self, object: &ObjectKey, queries: &[&Query]) {
        let Some(events) = self.events.clone() else { return };
        let key = object.clone();
        let wake: Wake = Arc::new(move || {
            let (events, key) = (events.clone(), key.clone());
            async move {
                if let Some(events) = events.upgrade() {
                    // Where nobody takes it the loop has ended.
                    let _ = events.send(Event::Pushed(key)).await;
                }
            }
            .boxed()
        });
        self.hub.listen(&object.to_string(), queries.iter().copied(), &wake);
    }
}

/// The hub, with these credentials and the cluster's pods, counting in `metrics`. What sources report by themselves goes to
/// `events`; nobody is listened to without.
pub(crate) fn sampler(
    credentials: CredentialStore,
    clients: &Clients,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    events: Option<mpsc::WeakSender<Event>>,
) -> Arc<dyn Sampler> {
    let credentials = Arc::new(ClusterCredentials(credentials));
    let observer = move |stats: &ReadStats<'_>| metrics.read(stats.source, stats.outcome, stats.latency);
    let hub = Hub::new(credentials, Arc::new(move || clock.now()), Arc::new(observer));
    let pods = Arc::new(ClusterPods(PodStore::new(clients)));
    let services = Arc::new(ClusterServices(ServiceStore::new(clients)));
    let hub = hub.with_metrics(Arc::<ClusterPods>::clone(&pods)).with_pods(pods).with_services(services);
    Arc::new(HubSampler { hub, events })
}

struct GrpcAdvisers(Arc<Advisers>);

impl runner::Advisers for GrpcAdvisers {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Result<Advice, Absence>> {
        let Question { adviser, object, state } = question;
        let asker = Asker { kind: object.kind, namespace: &object.namespace, name: &object.name };
        async move { self.0.ask(adviser, asker, state).await }.boxed()
    }
}

/// The services that policies name, asked through `advisers`.
pub(crate) fn advisers(advisers: Arc<Advisers>) -> Arc<dyn runner::Advisers> {
    Arc::new(GrpcAdvisers(advisers))
}
