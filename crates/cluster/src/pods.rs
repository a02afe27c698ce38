//! Pods and what they use, for metrics about the cluster itself: listed at the moment of asking.
//!
//! Pods are not watched. Most objects do not need them, and a watch would keep every pod of the
//! cluster in memory and hear of each of its changes. A list is answered from the API server's memory,
//! and equal queries share one.

use std::time::Duration;

use engine::{Absence, AbsenceReason, Target};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind, Request};
use kube::{Api, Client, Resource as _};
use serde::Deserialize;

use crate::Clients;
use crate::connect::no_answer;
use crate::refusal::chain;
use crate::targets::Scalables;

/// Pods that still work or will.
const NOT_OVER: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// Lists pods and their measurements.
pub struct PodStore {
    client: Client,
    timeout: Duration,
    scalables: Scalables,
}

/// What is asked for, in the words of its absence.
struct Question<'a> {
    /// For example `pods in shop`.
    what: String,
    /// The right that it takes, for example `list on pods`.
    right: &'a str,
}

impl PodStore {
    /// Pods behind the API server of `clients`.
    pub fn new(clients: &Clients) -> Self {
        // Not the one that tries again: an API server without metrics says so at once, and is asked
        // again at the next poll anyway.
        let (client, timeout) = (clients.write.clone(), clients.timeout);
        Self { scalables: Scalables::new(client.clone(), timeout), client, timeout }
    }

    /// How many pods in `namespace` match `selector` and are neither Succeeded nor Failed.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn count(&self, namespace: &str, selector: &str) -> Result<u64, Absence> {
        // Names are enough to count; a whole pod is ten times as much to send.
        let request = Request::new(Pod::url_path(&(), Some(namespace))).list_metadata(&of_pods(selector));
        let listed = self.ask(&pods_in(namespace), request).await?;
        let listed: Counted = serde_json::from_str(&listed).map_err(|error| Absence {
            reason: AbsenceReason::Malformed,
            message: format!("pods in {namespace}: the API server's answer cannot be read: {error}"),
        })?;
        Ok(listed.items.map_or(0, |items| items.len() as u64))
    }

    /// Those pods, as a `PodList` in JSON.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn list(&self, namespace: &str, selector: &str) -> Result<String, Absence> {
        let request = Request::new(Pod::url_path(&(), Some(namespace))).list(&of_pods(selector));
        self.ask(&pods_in(namespace), request).await
    }

    /// What pods in `namespace` that match `selector` use, as a `PodMetricsList` in JSON.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn metrics(&self, namespace: &str, selector: &str) -> Result<String, Absence> {
        let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
        let path =
            DynamicObject::url_path(&ApiResource::from_gvk_with_plural(&kind, "pods"), Some(namespace));
        let what = format!("pods.metrics.k8s.io in {namespace}");
        let question = Question { what, right: "list on pods.metrics.k8s.io" };
        self.ask(&question, Request::new(path).list(&ListParams::default().labels(selector))).await
    }

    /// The selector of the pods of `target`, as its scale tells; never empty.
    ///
    /// # Errors
    /// An absence that says what is wrong and what to do.
    pub async fn selector_of(&self, target: &Target) -> Result<String, Absence> {
        let missing = |message| Absence { reason: AbsenceReason::ValueMissing, message };
        let resource = self.scalables.resource(target).await.map_err(|failure| missing(failure.message))?;
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &target.namespace, &resource);
        let right = format!("get on {}/scale", resource.plural);
        let question = Question { what: format!("scale of {target}"), right: &right };
        let scale = match tokio::time::timeout(self.timeout, api.get_scale(&target.name)).await {
            Ok(Ok(scale)) => scale,
            Ok(Err(error)) => return Err(question.refused(&error)),
            Err(_) => return Err(question.unanswered(self.timeout)),
        };
        let selector = scale.status.and_then(|status| status.selector).filter(|text| !text.is_empty());
        selector.ok_or_else(|| {
            missing(format!("{target}: its scale does not say which pods are its own (status.selector)"))
        })
    }

    async fn ask(
        &self,
        question: &Question<'_>,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<String, Absence> {
        let request = request.map_err(|error| Absence {
            reason: AbsenceReason::Malformed,
            message: format!("{}: {error}", question.what),
        })?;
        match tokio::time::timeout(self.timeout, self.client.request_text(request)).await {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(error)) => Err(question.refused(&error)),
            Err(_) => Err(question.unanswered(self.timeout)),
        }
    }
}

/// Which pods are listed, and that the API server's memory is fresh enough.
fn of_pods(selector: &str) -> ListParams {
    ListParams::default().labels(selector).fields(NOT_OVER).match_any()
}

fn pods_in(namespace: &str) -> Question<'static> {
    Question { what: format!("pods in {namespace}"), right: "list on pods" }
}

/// A list of which only the length matters.
#[derive(Deserialize)]
struct Counted {
    items: Option<Vec<serde::de::IgnoredAny>>,
}

impl Question<'_> {
    fn refused(&self, error: &kube::Error) -> Absence {
        let Self { what, right } = self;
        let kube::Error::Api(status) = error else {
            return self.absence(AbsenceReason::ConnectionFailed, chain(error));
        };
        let why = match status.code {
            403 => format!("the API server forbids it: grant {right} ({})", status.message),
            404 if what.contains("metrics.k8s.io") => {
                "the API server does not know metrics.k8s.io: install metrics-server, which measures pods"
                    .to_owned()
            }
            503 if what.contains("metrics.k8s.io") => {
                format!(
                    "what serves metrics.k8s.io, mostly metrics-server, is away ({})",
                    status.message.trim()
                )
            }
            _ => chain(error),
        };
        self.absence(AbsenceReason::BadStatus, why)
    }

    fn unanswered(&self, limit: Duration) -> Absence {
        self.absence(AbsenceReason::Timeout, no_answer(limit))
    }

    fn absence(&self, reason: AbsenceReason, why: String) -> Absence {
        Absence { reason, message: format!("{}: {why}", self.what) }
    }
}
