//! Sources `cpu` and `memory`: what the pods of the scaled target use, by metrics.k8s.io.
//!
//! | setting | meaning |
//! |---|---|
//! | `measure` | optional: `utilization` (default), usage in percent of what the pods request; or `usage`, in cores or bytes |
//! | `container` | optional: of this container of each pod only; otherwise of all |
//!
//! The number is a sum over the target's pods, so that a value per replica asks for what an HPA
//! asks for: `utilization` with `targetType: AverageValue` and `targetValue: 80` is the HPA's
//! `averageUtilization: 80`, `usage` with `targetValue: 0.5` its `averageValue: 500m`.
//!
//! In detail, utilization is the usage of all counted pods in percent of all that they request, times
//! their number, as the HPA weighs it. Where all pods request the same, that is the sum of what
//! each uses of its request.
//!
//! Which pods count follows the HPA as far as one number can (`rules.rs`):
//!
//! - Pods that are being deleted, have failed or succeeded do not count.
//! - Pods that are Pending do not count; of `cpu`, neither do pods in their first five minutes that
//!   are not ready, or were not while they were measured, nor later pods that never were ready.
//! - A pod that is ready for two minutes and has no measurement from the last five is not guessed:
//!   there is no number, so nothing is scaled in. The HPA would take it as idle when it scales out,
//!   and as busy when it scales in. Other pods without a measurement do not count.
//! - A counted pod whose container requests nothing has no utilization: there is no number, and its
//!   name and the container's are told.
//! - Where no pod counts there is no number. A target at 0 replicas is not woken by what it uses.
//!
//! What new pods have taken over is not seen before they count, so that the number dips after a
//! scale-out. Hold scale-in back for as long (`scaleDownStabilizationSeconds`; the HPA's is 300).
//!
//! The reading is as old as the oldest measurement in it.
//!
//! Each reading asks for the target's scale, which names its pods, for the pods and for their
//! measurements. Objects that ask the same of one target share it.

mod rules;

use std::sync::Arc;

use engine::{Absence, AbsenceReason, ConfigPath, Fault, Problem, Reading, Time};
use futures::FutureExt;
use futures::future::{BoxFuture, try_join};
use serde_json::Value;

use crate::clients::Clients;
use crate::pods::{Pod, PodMetrics, items};
use crate::source::{Request, SecretRef, Source};
use crate::values::names;
use crate::values::settings::{Settings, invalid, of_query, quoted};
use rules::{Measure, Question, sum};

/// The registry's constructor of `cpu`.
pub(crate) fn cpu(_: &Clients) -> Arc<dyn Source> {
    Arc::new(Usage { resource: Resource::Cpu })
}

/// The registry's constructor of `memory`.
pub(crate) fn memory(_: &Clients) -> Arc<dyn Source> {
    Arc::new(Usage { resource: Resource::Memory })
}

/// What pods use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resource {
    Cpu,
    Memory,
}

impl Resource {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }
}

struct Usage {
    resource: Resource,
}

/// The settings, found good.
struct Config {
    measure: Measure,
    container: Option<String>,
}

impl Config {
    fn parse(config: &Value, path: &ConfigPath<'_>) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::new(config, path);
        let measure = match settings.optional_text("measure") {
            None | Some("utilization") => Measure::Utilization,
            Some("usage") => Measure::Usage,
            Some(other) => {
                settings.refuse("measure", Fault::unsupported(quoted(other), ["usage", "utilization"]));
                Measure::Usage
            }
        };
        let container = settings.optional_text("container");
        if let Some(name) = container.filter(|name| !names::is_label(name)) {
            settings.refuse("container", invalid(quoted(name), "must be the name of a container"));
        }
        let problems = settings.finish();
        if problems.is_empty() {
            Ok(Self { measure, container: container.map(str::to_owned) })
        } else {
            Err(problems)
        }
    }
}

impl Usage {
    async fn number(&self, request: Request<'_>) -> Result<(f64, Time), Absence> {
        let Config { measure, container } = of_query(request.config, Config::parse)?;
        let missing = |message| Absence { reason: AbsenceReason::ValueMissing, message };
        let Some(target) = request.target else {
            let name = self.resource.name();
            return Err(missing(format!(
                "{name}: this object does not say, or may not choose, whose pods are measured"
            )));
        };
        let selector = request.pods.selector_of(target).await?;
        let listed = request.pods.list(&target.namespace, &selector);
        let measured = request.pods.metrics(&target.namespace, &selector);
        let (listed, measured) = try_join(listed, measured).await?;
        let pods: Vec<Pod> = items(&format!("pods of {target}"), &listed)?;
        let metrics: Vec<PodMetrics> = items(&format!("metrics of the pods of {target}"), &measured)?;
        let container = container.as_deref();
        let question = Question { resource: self.resource, measure, container, now: request.begun };
        sum(&question, &pods, &metrics).map_err(|why| missing(format!("{target}: {why}")))
    }
}

impl Source for Usage {
    fn validate(&self, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem> {
        Config::parse(config, path).err().unwrap_or_default()
    }

    fn secrets(&self, _: &Value) -> Vec<SecretRef> {
        Vec::new()
    }

    fn wants_target(&self) -> bool {
        true
    }

    fn read<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            match self.number(request).await {
                Ok((value, at)) => Reading::of(value, at),
                Err(absence) => Reading::Absent(absence),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
