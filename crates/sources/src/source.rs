//! What a kind of metric source can do, and what it is handed to do it with.
//!
//! The traits are narrow so that a new source is one file: it reads its settings once, when an object is
//! compiled, and then answers. Sharing, credentials and counting belong to the hub; connections belong to the
//! clients that sources are built with. `docs/extending.md` walks through a whole one.

use engine::{Absence, Reading, Target, Time};
use futures::future::BoxFuture;

use crate::credentials::Credentials;
use crate::values::settings::Settings;

/// One kind of metric source, for example `http`. One value of it prepares all queries.
pub trait Source: Send + Sync {
    /// A query with these settings, ready to be asked; `None` where `settings` has noted a problem. It opens
    /// nothing, as `polyscaler check` and admission call it, too.
    ///
    /// What it looks at in `settings`, the namespace and the target included, decides which queries are equal.
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>>;
}

/// A query that can be asked, again and again.
pub trait Ask: Send + Sync {
    /// Asks the source. Every failure is an absence; the caller bounds the time no further.
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading>;
}

/// What comes with each reading.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The credentials that the settings named, as they are at this moment.
    pub credentials: &'a Credentials,
    /// The cluster's pods.
    pub pods: &'a dyn PodReader,
    /// When the reading began: the time of a value whose source does not say one.
    pub begun: Time,
}

/// Reads the cluster's pods and what they use. Selectors are label selectors as `kubectl -l` takes them.
///
/// The answers are the API server's own JSON: what of it matters is for a source to know.
pub trait PodReader: Send + Sync {
    /// How many pods in `namespace` match `selector` and are neither Succeeded nor Failed.
    fn count<'a>(&'a self, namespace: &'a str, selector: &'a str) -> BoxFuture<'a, Result<u64, Absence>>;

    /// Those pods, as a `PodList`.
    fn list<'a>(&'a self, namespace: &'a str, selector: &'a str) -> BoxFuture<'a, Result<String, Absence>>;

    /// What pods in `namespace` that match `selector` use, as a `PodMetricsList` of `metrics.k8s.io/v1beta1`.
    fn metrics<'a>(&'a self, namespace: &'a str, selector: &'a str)
    -> BoxFuture<'a, Result<String, Absence>>;

    /// The selector of the pods of `target`, as its scale tells; never empty.
    fn selector_of<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<String, Absence>>;
}
