//! Where no cluster is joined, as in a test of one source.

use engine::pod_metric::PodMeasure;
use engine::{Absence, AbsenceReason, PodSample, Target};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::source::{
    Endpoint, MetricOfObject, MetricsReader, NamedMetric, PodCount, PodReader, ServiceReader,
};

/// Has no pods and no Services: whoever asks hears so.
pub(crate) struct NoCluster;

fn no_cluster<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, Absence>> {
    let message = "this metric needs a cluster, and no cluster is available here".to_owned();
    std::future::ready(Err(Absence { reason: AbsenceReason::ConnectionFailed, message })).boxed()
}

impl PodReader for NoCluster {
    fn count<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<PodCount, Absence>> {
        no_cluster()
    }

    fn samples<'a>(
        &'a self,
        _: &'a Target,
        _: &'a PodMeasure,
    ) -> BoxFuture<'a, Result<Vec<PodSample>, Absence>> {
        no_cluster()
    }
}

impl MetricsReader for NoCluster {
    fn external<'a>(&'a self, _: &'a NamedMetric) -> BoxFuture<'a, Result<i64, Absence>> {
        no_cluster()
    }

    fn of_object<'a>(
        &'a self,
        _: &'a MetricOfObject,
        _: &'a NamedMetric,
    ) -> BoxFuture<'a, Result<i64, Absence>> {
        no_cluster()
    }

    fn of_pods<'a>(
        &'a self,
        _: &'a Target,
        _: &'a NamedMetric,
    ) -> BoxFuture<'a, Result<Vec<PodSample>, Absence>> {
        no_cluster()
    }
}

impl ServiceReader for NoCluster {
    fn endpoints<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Vec<Endpoint>, Absence>> {
        no_cluster()
    }
}
