//! Sources `cpu` and `memory`: the resource usage of the target's pods, from metrics.k8s.io.
//!
//! | setting | meaning |
//! |---|---|
//! | `measure` | optional: `utilization` (default), usage in percent of the pods' requests; or `usage`, in cores or bytes |
//! | `container` | optional: the only container of each pod to measure; default: all containers |
//!
//! The reading is the pods themselves, each with what it requests and uses; [`engine::pod_metric`] has the arithmetic.
//! A value per replica asks for what an HPA asks for: `utilization` with `targetType: AverageValue` and
//! `targetValue: 80` is the HPA's `averageUtilization: 80`, `usage` with `targetValue: 0.5` its `averageValue: 500m`.
//!
//! Which pods count follows the HPA, and is better where the HPA is known to be wrong:
//!
//! - Pods that the target does not own do not count, though they have its labels, such as those of a Job. Pods that are
//!   being deleted, have failed or succeeded do not count.
//! - Pods that are Pending or not measured, and of `cpu` those that are starting, count as idle before a scale-out and
//!   as busy before a scale-in. So do pods that are asked for and do not exist yet.
//! - Pods beyond `spec.replicas`, as in a rolling update, do not add to the count.
//! - A container that requests nothing has no utilization: there is no value, and its name and the pod's are reported.
//! - While no pod counts there is no value. A target at 0 replicas is not scaled out by its usage.
//!
//! The reading is as old as the oldest measurement in it.
//!
//! The pods come from the operator's index, which watches those that someone asks for. Each reading asks for the
//! target's scale, which names its pods, and for their measurements. Objects that ask the same of one target share it.

use std::sync::Arc;

use engine::pod_metric::{PodAmount, PodMeasure, PodResource};
use engine::{Absence, AbsenceReason, Fault, Reading, Target};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::clients::Clients;
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::names;
use crate::values::settings::Settings;

/// The registry's constructor of `cpu`.
pub(crate) fn cpu(_: &Clients) -> Arc<dyn Source> {
    Arc::new(Usage { resource: PodResource::Cpu })
}

/// The registry's constructor of `memory`.
pub(crate) fn memory(_: &Clients) -> Arc<dyn Source> {
    Arc::new(Usage { resource: PodResource::Memory })
}

struct Usage {
    resource: PodResource,
}

/// A query, ready to be asked.
struct Config {
    /// `None` where the object may not act on it.
    target: Option<Target>,
    measure: PodMeasure,
}

impl Config {
    fn parse(resource: PodResource, settings: &mut Settings<'_>) -> Option<Self> {
        let amount = match settings.optional_text("measure") {
            None | Some("utilization") => PodAmount::Utilization,
            Some("usage") => PodAmount::Usage,
            Some(other) => {
                settings.refuse("measure", Fault::unsupported(quoted(other), ["usage", "utilization"]));
                PodAmount::Usage
            }
        };
        let container = settings.optional_text("container");
        if let Some(name) = container.filter(|name| !names::is_label(name)) {
            settings.refuse("container", invalid(quoted(name), "must be the name of a container"));
        }
        let target = settings.target().ok()?.cloned();
        Some(Self {
            target,
            measure: PodMeasure { resource, amount, container: container.map(str::to_owned) },
        })
    }

    async fn pods(&self, request: Request<'_>) -> Result<Reading, Absence> {
        let measure = self.measure.clone();
        let absence = |reason, message| Absence { reason, message };
        let Some(target) = &self.target else {
            let name = measure.resource.name();
            let message =
                format!("{name}: this object does not say, or may not choose, whose pods are measured");
            return Err(absence(AbsenceReason::ValueMissing, message));
        };
        let pods = request.pods.samples(target, &measure).await?;
        let oldest = pods.iter().filter_map(|pod| Some(pod.usage.as_ref()?.at)).min();
        Ok(Reading::Pods { measure, pods: pods.into(), at: oldest.unwrap_or(request.begun) })
    }
}

impl Source for Usage {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        Some(Box::new(Config::parse(self.resource, settings)?))
    }
}

impl Ask for Config {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { self.pods(request).await.unwrap_or_else(Reading::Absent) }.boxed()
    }
}

#[cfg(test)]
mod tests;
