//! A manifest that is replayed, and how it is compiled.

use std::time::Duration;

use engine::{Actuation, Fault, FaultKind, Mode, Plan, PolicyTable, Problem, Query, SourceCatalog, Warning};
use resources::Compiled;
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

/// A query that nobody asks: in a replay every value comes from the world.
pub(crate) fn unasked(source: &str) -> Query {
    Query::unprepared(source)
}

impl Manifest {
    /// Whether an object of this kind can be replayed.
    pub fn is_known(api_version: &str, kind: &str) -> bool {
        scaled_object::KIND == (api_version, kind) || resources::find(api_version, kind).is_some()
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
        // It is replayed as what KEDA does, also with triggers that we do not have; without an HPA as what we do.
        if (api_version, kind) == scaled_object::KIND {
            let (plan, keda) = scaled_object::compile(&object, SYNC)?;
            let name = text("/metadata/name").to_owned();
            return Ok(Self { name, object, plan, warnings: Vec::new(), keda });
        }
        let Some(found) = resources::find(api_version, kind) else {
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
        let compiled = found.compile(&object, &context)?;
        let Compiled { plan, warnings } =
            if found.is_read_only() { replayed_hpa(compiled)? } else { compiled };
        Ok(Self { name: text("/metadata/name").to_owned(), object, plan, warnings, keda: None })
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

/// The plan of an HPA, which acts as the controller does. Its metrics are read from the world.
fn replayed_hpa(mut compiled: Compiled) -> Result<Compiled, Vec<Problem>> {
    let mut problems = Vec::new();
    for (index, metric) in compiled.plan.metrics.iter_mut().enumerate() {
        match metric.query.source() {
            "cpu" | "memory" => {}
            "pods-metric" => {
                let message = "metrics of type Pods cannot be replayed; use a metric of type External";
                let fault = Fault::new(FaultKind::Unsupported, message);
                problems.push(Problem::new(format!("spec.metrics[{index}].type"), fault));
            }
            _ => metric.query = unasked("external"),
        }
    }
    (compiled.plan.mode, compiled.plan.actuation) = (Mode::Act, Actuation::Scale);
    if problems.is_empty() { Ok(compiled) } else { Err(problems) }
}
