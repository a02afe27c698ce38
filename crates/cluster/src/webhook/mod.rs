//! What the API server must know to call the webhook: the Secret that all replicas take their
//! certificate from, and the authority in the ValidatingWebhookConfiguration.
//!
//! Apart from what scaling needs, as it goes on without a leader and without a look at the
//! lease: every replica is called, and what they write is the same. Both objects are asked for by
//! name, now and then, so that no right to list or to watch is needed.

mod bundle;
mod kept_secret;
mod registration;

use std::future::Future;
use std::time::Duration;

use runner::Metrics;

pub use kept_secret::{KeptSecret, SecretState};
pub use registration::WebhookRegistration;

use crate::connect::no_answer;
use crate::refusal::chain;

/// Waits for an answer, `limit` at most, and says what a person can do where it is a refusal.
async fn answered<T>(
    what: &str,
    (verb, resource): (&str, &str),
    limit: Duration,
    asked: impl Future<Output = kube::Result<T>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, asked).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(kube::Error::Api(status))) if status.is_forbidden() => {
            Err(format!("{what}: grant {verb} on {resource} ({})", status.message))
        }
        Ok(Err(kube::Error::Api(status))) if status.is_conflict() => {
            Err(format!("{what}: another client changed it at the same time"))
        }
        Ok(Err(error)) => Err(format!("{what}: {}", chain(&error))),
        Err(_) => Err(format!("{what}: {}", no_answer(limit))),
    }
}

/// The same for a write, which is counted.
async fn written<T>(
    metrics: &Metrics,
    resource: &'static str,
    asked: impl Future<Output = kube::Result<T>>,
) -> kube::Result<T> {
    let result = asked.await;
    metrics.write_result(
        resource,
        match &result {
            Ok(_) => "done",
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_forbidden() => "refused",
            Err(_) => "failed",
        },
    );
    result
}
