//! How the objects of the webhook are read and written: within a time, and with the cause of a refusal.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runner::Metrics;

use crate::Clients;
use crate::refusal::{Asked, Refusal, Refusals};

/// Sends requests, each for `timeout` at most.
pub(super) struct Requests {
    timeout: Duration,
    refusals: Refusals,
    metrics: Arc<Metrics>,
}

impl Requests {
    pub(super) fn new(clients: &Clients, metrics: Arc<Metrics>) -> Self {
        Self { timeout: clients.timeout, refusals: Refusals::new(clients), metrics }
    }

    /// Waits for what `request` reads, which takes the right `asked`.
    pub(super) async fn read<T>(
        &self,
        asked: &Asked,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Refusal> {
        match tokio::time::timeout(self.timeout, request).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(error)) => Err(self.refusals.explain(asked, &error).await),
            Err(_) => Err(Refusal::unanswered(self.timeout)),
        }
    }

    /// The same for a write, which takes all rights that are `asked`, and is counted as one of `resource`.
    pub(super) async fn write<T>(
        &self,
        resource: &'static str,
        asked: &[Asked],
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Refusal> {
        let (counted, result) = match tokio::time::timeout(self.timeout, request).await {
            Ok(Ok(written)) => ("done", Ok(written)),
            Ok(Err(error)) => {
                let refusal = self.refusals.explain_all(asked, &error).await;
                (refusal.counted(), Err(refusal))
            }
            Err(_) => ("timed_out", Err(Refusal::unanswered(self.timeout))),
        };
        self.metrics.write_result(resource, counted);
        result
    }
}
