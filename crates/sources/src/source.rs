//! What a kind of metric source can do, and what it is handed to do it with.
//!
//! The traits are narrow so that a new source is one file: it reads its settings once, when an object is
//! compiled, and then answers. Sharing, credentials and counting belong to the hub; connections belong to the
//! clients that sources are built with. `docs/extending.md` walks through a whole one.

use std::net::IpAddr;
use std::time::Duration;

use engine::pod_metric::PodMeasure;
use engine::{Absence, PodSample, Reading, Target, Time};
use futures::future::BoxFuture;

use crate::credentials::Credentials;
use crate::values::settings::Settings;
use crate::values::settings::given_later::GivenLater;

/// One kind of metric source, for example `http`. One value of it prepares all queries.
pub trait Source: Send + Sync {
    /// A query with these settings, ready to be asked; `None` where `settings` has noted a problem. It opens
    /// nothing, as `polyscaler check` and admission call it, too.
    ///
    /// What it looks at in `settings`, the namespace and the target included, decides which queries are equal.
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>>;

    /// Its settings that may also come as a credential, under their name with `From` at its end. `prepare` is called
    /// with a sample for them, and with the text itself at a reading.
    fn given_later(&self) -> &'static [GivenLater] {
        &[]
    }
}

/// A query that can be asked, again and again.
pub trait Ask: Send + Sync {
    /// Asks the source. Every failure is an absence; the caller bounds the time no further.
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading>;

    /// What the source knows of the values in the past, oldest first; `None` where it keeps none.
    fn past<'a>(
        &'a self,
        request: Request<'a>,
        span: PastSpan,
    ) -> BoxFuture<'a, Option<Result<Past, Absence>>> {
        let _ = (request, span);
        Box::pin(std::future::ready(None))
    }

    /// Whether the source can report by itself that there is work. Then it is listened to.
    fn pushes(&self) -> bool {
        false
    }

    /// Listens to what the source reports by itself, and calls `signal` whenever there is work. `Ok` where the source
    /// has ended that well; whoever calls it listens again after a while.
    ///
    /// # Errors
    /// Why it cannot be listened to any longer.
    fn listen<'a>(
        &'a self,
        request: Request<'a>,
        signal: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<(), Absence>> {
        let _ = (request, signal);
        Box::pin(std::future::ready(Ok(())))
    }
}

/// Values of the past, each with its time, oldest first. Those that are no finite number are left out.
pub type Past = Vec<(Time, f64)>;

/// A stretch of the past, and how finely it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastSpan {
    /// Its begin.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// From one value to the next; at least a second.
    pub step: Duration,
}

/// What comes with each reading.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The credentials that the settings named, as they are at this moment.
    pub credentials: &'a Credentials,
    /// The cluster's pods.
    pub pods: &'a dyn PodReader,
    /// The cluster's metrics APIs.
    pub metrics: &'a dyn MetricsReader,
    /// The cluster's Services.
    pub services: &'a dyn ServiceReader,
    /// When the reading began: the time of a value whose source does not say one.
    pub begun: Time,
}

/// Knows the cluster's pods and what they use. Selectors are label selectors as `kubectl -l` takes them.
pub trait PodReader: Send + Sync {
    /// How many pods in `namespace` match `selector` and are neither Succeeded nor Failed, and on how many nodes.
    fn count<'a>(&'a self, namespace: &'a str, selector: &'a str)
    -> BoxFuture<'a, Result<PodCount, Absence>>;

    /// The pods with the labels of `target`, in the order of their names, each with what `measure` asks of it. Those
    /// that the target does not own are marked.
    fn samples<'a>(
        &'a self,
        target: &'a Target,
        measure: &'a PodMeasure,
    ) -> BoxFuture<'a, Result<Vec<PodSample>, Absence>>;
}

/// Reads custom.metrics.k8s.io and external.metrics.k8s.io, as the HPA controller does. Values are in thousandths.
pub trait MetricsReader: Send + Sync {
    /// The sum of all values of an external metric.
    fn external<'a>(&'a self, metric: &'a NamedMetric) -> BoxFuture<'a, Result<i64, Absence>>;

    /// The value of a metric of one object.
    fn of_object<'a>(
        &'a self,
        object: &'a MetricOfObject,
        metric: &'a NamedMetric,
    ) -> BoxFuture<'a, Result<i64, Absence>>;

    /// The pods with the labels of `target`, in the order of their names, each with its value of the metric.
    fn of_pods<'a>(
        &'a self,
        target: &'a Target,
        metric: &'a NamedMetric,
    ) -> BoxFuture<'a, Result<Vec<PodSample>, Absence>>;
}

/// Which metric of an API of metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedMetric {
    /// The namespace in which it is asked for.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Label selector for its values; empty for all.
    pub selector: String,
}

/// The object that a metric is about, in the metric's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricOfObject {
    /// API version of its kind.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Knows what stands behind the cluster's Services.
pub trait ServiceReader: Send + Sync {
    /// The endpoints of the Service `name` in `namespace` that are ready; empty where it has none, or does not exist.
    fn endpoints<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Endpoint>, Absence>>;
}

/// One address behind a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub address: IpAddr,
    /// The ports that it answers at.
    pub ports: Vec<u16>,
}

/// How many pods there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodCount {
    /// Pods.
    pub pods: u64,
    /// Nodes that they are bound to.
    pub nodes: u64,
}
