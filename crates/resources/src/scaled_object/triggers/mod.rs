//! The triggers of a ScaledObject: what each is given, the source that it asks, and what the HPA aims for in it.
//!
//! ```text
//!  type, metadata, authentication ─▶ Metadata (parameters) ─▶ Question (settings, credentials) ─▶ Metric and Trigger
//! ```
//!
//! A new trigger is one file and one line in [`TRIGGERS`].

mod aim;
mod cron;
mod external;
#[cfg(test)]
pub(crate) mod fixture;
mod gcp_pubsub;
mod grammar;
mod http_access;
mod kubernetes_workload;
mod metadata;
mod metrics_api;
mod nats_jetstream;
mod not_yet;
mod parameter;
mod prometheus;
mod question;
mod redis;
mod redis_access;
mod redis_streams;
mod resource;

use std::collections::BTreeMap;

use engine::activation::Trigger;
use engine::{Fault, Metric, Problem, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compile::{Context, Findings};
use crate::trigger_authentication::{Authentication, resolve};
use metadata::Metadata;
use not_yet::NOT_YET;
use parameter::{Parameter, Without};

/// Every trigger.
const TRIGGERS: &[TriggerType] = &[
    resource::CPU,
    cron::TRIGGER,
    external::POLLED,
    external::PUSHED,
    gcp_pubsub::TRIGGER,
    kubernetes_workload::TRIGGER,
    resource::MEMORY,
    metrics_api::TRIGGER,
    nats_jetstream::TRIGGER,
    prometheus::TRIGGER,
    redis::ONE,
    redis::CLUSTER,
    redis_streams::CLUSTER,
    redis::SENTINEL,
    redis_streams::SENTINEL,
    redis_streams::ONE,
];

/// One trigger of the table.
struct TriggerType {
    /// Its type, as objects write it.
    name: &'static str,
    /// Its parameters, those that it has in common with others apart.
    parameters: &'static [&'static [Parameter]],
    /// Whether it has any others.
    takes_any: bool,
    /// Whether its value may be cached between polls.
    may_cache: bool,
    /// The identities that KEDA lets it show to a cloud, and we do not.
    identities_not_yet: &'static [&'static str],
    /// Makes of its parameters what it comes to; `None` where something is wrong, which has been noted.
    compile: fn(&mut Metadata<'_>) -> Option<CompiledTrigger>,
}

/// What scales the target.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TriggerSpec {
    /// Type of the trigger, for example `prometheus`.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub type_: String,
    /// Its parameters.
    pub metadata: BTreeMap<String, String>,
    /// Its name, by which a formula knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the HPA is given the value of the last poll.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_cached_metrics: bool,
    /// The authentication that gives it further parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_ref: Option<AuthenticationRef>,
    /// How the HPA compares the value with its target: `AverageValue`, which is the default, or `Value`; of `cpu` and
    /// `memory`, which must have it, `Utilization` or `AverageValue`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_type: Option<String>,
}

/// A reference to a TriggerAuthentication or a ClusterTriggerAuthentication.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema, PartialEq, Eq)]
pub struct AuthenticationRef {
    /// Its name.
    pub name: String,
    /// Its kind; a TriggerAuthentication where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "authentication_kinds")]
    pub kind: Option<String>,
}

fn authentication_kinds(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string",
        "enum": ["TriggerAuthentication", "ClusterTriggerAuthentication"],
    })
}

/// Where a trigger stands.
pub(crate) struct TriggerContext<'a> {
    pub(crate) context: &'a Context<'a>,
    /// Its path in the object, such as `spec.triggers[0]`.
    pub(crate) path: String,
    /// Its place among all triggers of the object.
    pub(crate) index: usize,
    /// The object's name.
    pub(crate) object: &'a str,
    /// The object's namespace.
    pub(crate) namespace: &'a str,
    /// What the object scales.
    pub(crate) target: &'a Target,
    /// The container whose environment parameters may name; the first one where it is `None`.
    pub(crate) env_container: Option<&'a str>,
    /// Whether a formula takes the values of all triggers, so that the trigger's own target does not count.
    pub(crate) is_metric_source: bool,
}

/// What a trigger comes to.
#[derive(Debug)]
pub(crate) enum CompiledTrigger {
    /// A metric that is published for the HPA.
    Metric {
        /// What is read.
        metric: Metric,
        /// Under which name it is published, and what is aimed for.
        trigger: Trigger,
    },
    /// A metric that the HPA measures at the pods by itself.
    Pods {
        /// An item of the HPA's `spec.metrics`.
        hpa_metric: Value,
        /// The same for where there is no HPA.
        metric: Metric,
    },
}

/// What `trigger` comes to; `None` where something is wrong with it, which is added to `findings`.
pub(crate) fn compile(
    trigger: &TriggerSpec,
    about: &TriggerContext<'_>,
    findings: &mut Findings,
) -> Option<CompiledTrigger> {
    let Some(type_) = TRIGGERS.iter().find(|type_| type_.name == trigger.type_) else {
        findings.problems.push(Problem::new(format!("{}.type", about.path), unknown(&trigger.type_)));
        return None;
    };
    let before = findings.problems.len();
    if trigger.use_cached_metrics && !type_.may_cache {
        let why = format!("property \"useCachedMetrics\" is not supported for {:?} scaler", type_.name);
        findings
            .problems
            .push(Problem::new(format!("{}.useCachedMetrics", about.path), Fault::forbidden(why)));
    }
    let authentication = match &trigger.authentication_ref {
        Some(AuthenticationRef { name, kind }) => resolve(kind.as_deref(), name, about, findings),
        None => Authentication::default(),
    };
    refuse_identity(&authentication, type_, about, findings);
    let mut metadata = Metadata::new(trigger, about, &authentication, findings, before);
    for parameter in type_.parameters.iter().copied().flatten() {
        if matches!(parameter.without, Without::Deprecated(_)) {
            metadata.given(parameter);
        }
    }
    if !type_.takes_any {
        metadata.warn_of_unknown(type_.parameters);
    }
    let compiled = (type_.compile)(&mut metadata);
    compiled.filter(|_| metadata.is_sound())
}

/// Refuses an identity that the trigger would show, and cannot.
fn refuse_identity(
    authentication: &Authentication,
    type_: &TriggerType,
    about: &TriggerContext<'_>,
    findings: &mut Findings,
) {
    let refused = |provider: &&String| type_.identities_not_yet.contains(&provider.as_str());
    if let Some(provider) = authentication.identity.as_ref().filter(refused) {
        let why = format!(
            "its podIdentity is {provider}, which is not supported for trigger {} yet; give it credentials",
            type_.name
        );
        findings
            .problems
            .push(Problem::new(format!("{}.authenticationRef.name", about.path), Fault::not_yet(why)));
    }
}

fn unknown(type_: &str) -> Fault {
    let known: Vec<&str> = TRIGGERS.iter().map(|type_| type_.name).collect();
    let fault = Fault::unsupported(
        format_args!(
            "no scaler found for type: {}; an HTTP server that knows the value can be asked by metrics-api, and any \
             other by external",
            engine::one_line(type_, 63)
        ),
        known,
    );
    if NOT_YET.contains(&type_) { Fault::not_yet(fault.detail) } else { fault }
}

#[cfg(test)]
mod tests;
