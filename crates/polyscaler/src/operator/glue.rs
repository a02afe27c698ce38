//! Joins crates that do not know each other: sources to the cluster's secrets, the hub to the loop.

use std::sync::Arc;

use cluster::{Clients, SecretStore};
use engine::{Query, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runner::{Clock, Metrics, Sampled, Sampler};
use sources::{Answer, Hub, ReadStats, Registry, SecretData, SecretReader};

struct ClusterSecrets(SecretStore);

impl SecretReader for ClusterSecrets {
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<SecretData, String>> {
        self.0.read(namespace, name).boxed()
    }
}

struct HubSampler(Hub);

impl Sampler for HubSampler {
    fn sample<'a>(&'a self, query: &'a Query, not_before: Time) -> BoxFuture<'a, Sampled> {
        async move {
            let Answer { reading, joined } = self.0.ask(query, not_before).await;
            Sampled { reading: reading.reading.clone(), shared: joined }
        }
        .boxed()
    }
}

/// The hub over `registry`, with the cluster's secrets, counting in `metrics`.
pub(super) fn sampler(
    registry: Arc<Registry>,
    clients: &Clients,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
) -> Arc<dyn Sampler> {
    let secrets = Arc::new(ClusterSecrets(SecretStore::new(clients.read.clone())));
    let observer = move |stats: &ReadStats<'_>| metrics.read(stats.source, stats.outcome, stats.latency);
    Arc::new(HubSampler(Hub::new(registry, secrets, Arc::new(move || clock.now()), Arc::new(observer))))
}
