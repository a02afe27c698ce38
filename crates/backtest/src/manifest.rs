//! A manifest that is replayed, and how it is compiled.

use std::time::Duration;

use engine::hpa::spec::MetricSpec;
use engine::hpa::{Hpa, HpaSpec, MetricAim, PodAim};
use engine::pod_metric::Startup;
use engine::{Actuation, Fault, FaultKind, Mode, Plan, PolicyTable, Problem, Query, SourceCatalog, Warning};
use resources::Compiled;
use serde::Deserialize as _;
use serde_json::Value;

use crate::scaled_object::{self, KedaLoop};

/// One object of any kind of ours, or an HPA, compiled.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What the report calls it.
    pub name: String,
    /// The object.
    pub object: Value,
    /// What it was compiled into.
    pub plan: Plan,
    /// What it may have and hardly means.
    pub warnings: Vec<Warning>,
    /// KEDA's loop, where it is a ScaledObject with an HPA; the plan is then that of the HPA.
    pub keda: Option<KedaLoop>,
}

/// The sources that measure pods; all others answer numbers.
pub(crate) const PODS: [&str; 2] = ["cpu", "memory"];

/// A query that nobody asks: in a replay every value comes from the world.
pub(crate) fn unasked(source: &str) -> Query {
    Query::unprepared(source)
}

impl Manifest {
    /// Whether an object of this kind is one to replay: also where it cannot be, as its version is another one.
    pub fn is_known(api_version: &str, kind: &str) -> bool {
        scaled_object::KIND == (api_version, kind)
            || resources::find(api_version, kind).is_some()
            || resources::unknown_version(api_version, kind).is_some()
    }

    /// The kinds that can be replayed, for messages.
    pub fn kinds() -> String {
        let kinds = resources::KINDS.iter().chain(resources::READ_ONLY).map(|kind| kind.kind);
        kinds.collect::<Vec<_>>().join(", ")
    }

    /// Compiles `object`, which may name `policies`, with the rules of admission.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its path.
    pub fn compile(
        object: Value,
        catalog: &dyn SourceCatalog,
        policies: &PolicyTable,
    ) -> Result<Self, Vec<Problem>> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("/apiVersion"), text("/kind"));
        let name =
            ["/metadata/name", "/metadata/generateName"].map(text).into_iter().find(|name| !name.is_empty());
        let name = name.unwrap_or_default().to_owned();
        // It is replayed as what KEDA does, also with triggers that we do not have; without an HPA as what we do.
        if (api_version, kind) == scaled_object::KIND {
            let (plan, keda) = scaled_object::compile(&object, SYNC)?;
            return Ok(Self { name, object, plan, warnings: Vec::new(), keda });
        }
        let Some(found) = resources::find(api_version, kind) else {
            if let Some(problem) = resources::unknown_version(api_version, kind) {
                return Err(vec![problem]);
            }
            let message =
                format!("{kind:?} of {api_version:?} cannot be replayed; what can: {}", Self::kinds());
            return Err(vec![Problem::new("kind", Fault::new(FaultKind::Unreadable, message))]);
        };
        let context = resources::Context {
            catalog,
            policies,
            allow_cross_namespace: true,
            admitting: true,
            resolved: None,
        };
        let unknown = found.unknown_field_problems(&object, policies);
        let compiled = match found.compile(&object, &context) {
            Ok(compiled) if unknown.is_empty() => compiled,
            Ok(_) => return Err(unknown),
            Err(problems) => return Err(unknown.into_iter().chain(problems).collect()),
        };
        let Compiled { plan, warnings } =
            if found.is_read_only() { replayed_hpa(&object, compiled)? } else { compiled };
        Ok(Self { name, object, plan, warnings, keda: None })
    }

    /// What a replica of a BusinessScaling bears: that `maxReplicas` are right for `maxUsers`.
    pub(crate) fn capacity_by_thresholds(&self) -> Option<f64> {
        if self.object.get("kind")?.as_str()? != "BusinessScaling" {
            return None;
        }
        let number = |name: &str, default: f64| {
            let given = self.object.pointer(&format!("/spec/scaleThresholds/{name}"));
            given.and_then(Value::as_f64).unwrap_or(default)
        };
        Some(number("maxUsers", 5000.0) / number("maxReplicas", 10.0)).filter(|capacity| *capacity > 0.0)
    }
}

/// The sync period of the HPA controller, where nobody has set another.
const SYNC: Duration = Duration::from_secs(15);

/// The plan of an HPA, which acts as the controller does. Its metrics are read from the world, in which a replica is one
/// container: what the HPA asks of a container is measured there, whatever its name is.
fn replayed_hpa(object: &Value, compiled: Compiled) -> Result<Compiled, Vec<Problem>> {
    let Compiled { mut plan, mut warnings } = compiled;
    // What has been compiled can be read.
    let spec = HpaSpec::deserialize(resources::without_nulls(&object["spec"])).unwrap_or_default();
    let mut hpa = Hpa::compile(&spec, "spec")?;
    let queries: Vec<Query> = plan.metrics.iter().map(|metric| replayed_query(&metric.query)).collect();
    let (mut problems, given) = (Vec::new(), spec.metrics.iter().map(Some).chain(std::iter::repeat(None)));
    for (index, (metric, given)) in hpa.metrics.iter_mut().zip(given).enumerate() {
        let MetricAim::Pods(measure, aim) = &mut metric.aim else { continue };
        let Some(given) = given else { continue };
        let path = format!("spec.metrics[{index}]");
        problems.extend(unlike_the_world(given, *aim, &path));
        if let Some(container) = measure.container.take() {
            let message = format!(
                "a replica of a replay is one container, so the metric is judged as that one's and not as that of \
                 {container:?}"
            );
            warnings.push(Warning::new(format!("{path}.containerResource.container"), message));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let target = plan.members.swap_remove(0).target;
    let mut plan = hpa.plan(target, queries, Startup::default(), plan.interval);
    (plan.mode, plan.actuation) = (Mode::Act, Actuation::Scale);
    Ok(Compiled { plan, warnings })
}

fn replayed_query(query: &Query) -> Query {
    if PODS.contains(&query.source()) { query.clone() } else { unasked("external") }
}

/// Why what pods are measured at cannot be replayed, where that is so.
fn unlike_the_world(metric: &MetricSpec, aim: PodAim, path: &str) -> Option<Problem> {
    let unsupported = |path: String, why: String| Problem::new(path, Fault::new(FaultKind::Unsupported, why));
    let (field, resource) = match (&metric.resource, &metric.container_resource) {
        (Some(resource), _) => ("resource", resource),
        (_, Some(resource)) => ("containerResource", resource),
        _ => {
            let why = "metrics of type Pods cannot be replayed; use a metric of type External";
            return Some(unsupported(format!("{path}.type"), why.to_owned()));
        }
    };
    if !PODS.contains(&resource.name.as_str()) {
        let why = format!("{:?}: of pods, only cpu and memory can be replayed", resource.name);
        return Some(unsupported(format!("{path}.{field}.name"), why));
    }
    matches!(aim, PodAim::Milli(_)).then(|| {
        let why = "of pods, only Utilization can be replayed: give averageUtilization, in per cent of what a replica bears";
        unsupported(format!("{path}.{field}.target.averageValue"), why.to_owned())
    })
}

#[cfg(test)]
mod tests;
