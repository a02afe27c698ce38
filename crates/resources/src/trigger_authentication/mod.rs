//! Kinds `TriggerAuthentication` and `ClusterTriggerAuthentication` of KEDA: values of triggers' parameters, by where
//! they stand.
//!
//! Both say the same. What the former names stands in its own namespace, what the latter names in the operator's.

mod events;
mod parameters;
mod providers;
mod resolve;
mod rules;
mod spec;

use engine::{Fault, Problem};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde::Deserialize as _;
use serde_json::Value;

use crate::common::column::{self, Column};
use crate::common::rule;
use crate::finalizer::Finalizer;
use crate::scope::Scope;
use crate::supporting::Supporting;

pub(crate) use parameters::{Authentication, Given};
pub(crate) use resolve::{references, resolve};
pub use spec::{
    ClientSecret, EnvOf, KeyOf, OAuth2, PodIdentity, SecretKey, SecretValue, TokenOf, TriggerAuthentication,
    TriggerAuthenticationSpec, TriggerAuthenticationStatus,
};

/// The row of the table for the one that lives in a namespace.
pub const TRIGGER_AUTHENTICATION: Supporting = Supporting {
    group: "keda.sh",
    version: "v1alpha1",
    kind: "TriggerAuthentication",
    plural: "triggerauthentications",
    scope: Scope::Namespaced,
    definition: || finish(TriggerAuthentication::crd(), COLUMNS),
    broken_rules,
    // KEDA puts it on these for its own record.
    finalizer: Some(Finalizer::of_others("finalizer.keda.sh")),
    users: Some("scaledobjects"),
    announce: Some(events::of_namespaced),
};

/// The row of the table for the one of the cluster.
pub const CLUSTER_TRIGGER_AUTHENTICATION: Supporting = Supporting {
    group: "keda.sh",
    version: "v1alpha1",
    kind: "ClusterTriggerAuthentication",
    plural: "clustertriggerauthentications",
    scope: Scope::Cluster,
    definition: cluster_definition,
    broken_rules,
    // KEDA puts it on these for its own record.
    finalizer: Some(Finalizer::of_others("finalizer.keda.sh")),
    users: Some("scaledobjects"),
    announce: Some(events::of_cluster),
};

const POD_IDENTITY: Column = Column::string("PodIdentity", ".spec.podIdentity.provider");
const SECRET: Column = Column::string("Secret", ".spec.secretTargetRef[*].name");
const ENV: Column = Column::string("Env", ".spec.env[*].name");
const FILE_PATH: Column = Column::string("FilePath", ".spec.filePath");
const VAULT: Column = Column::string("VaultAddress", ".spec.hashiCorpVault.address");
const SCALED_OBJECTS: Column = Column::string("ScaledObjects", ".status.scaledobjects").wide();
const SCALED_JOBS: Column = Column::string("ScaledJobs", ".status.scaledjobs").wide();

const COLUMNS: &[Column] = &[POD_IDENTITY, SECRET, ENV, VAULT, SCALED_OBJECTS, SCALED_JOBS];
const CLUSTER_COLUMNS: &[Column] =
    &[POD_IDENTITY, SECRET, ENV, FILE_PATH, VAULT, SCALED_OBJECTS, SCALED_JOBS];

fn finish(crd: CustomResourceDefinition, columns: &[Column]) -> CustomResourceDefinition {
    rule::without_nullable(rule::finish(column::print(crd, columns), rules::RULES))
}

fn broken_rules(object: &Value) -> Vec<Problem> {
    let spec = TriggerAuthenticationSpec::deserialize(object.get("spec").unwrap_or(&Value::Null));
    match spec {
        Ok(spec) => rule::problems(rules::RULES, &spec),
        Err(error) => vec![Problem::new("spec", Fault::invalid(error.to_string()))],
    }
}

/// The same under other names, and without a namespace.
fn cluster_definition() -> CustomResourceDefinition {
    let mut crd = finish(TriggerAuthentication::crd(), CLUSTER_COLUMNS);
    crd.metadata.name = Some(CLUSTER_TRIGGER_AUTHENTICATION.crd_name());
    crd.spec.scope = "Cluster".to_owned();
    let names = &mut crd.spec.names;
    names.kind = CLUSTER_TRIGGER_AUTHENTICATION.kind.to_owned();
    names.list_kind = names.list_kind.as_ref().map(|_| format!("{}List", names.kind));
    names.plural = CLUSTER_TRIGGER_AUTHENTICATION.plural.to_owned();
    names.singular = Some("clustertriggerauthentication".to_owned());
    names.short_names = Some(vec!["cta".to_owned(), "clustertriggerauth".to_owned()]);
    crd
}

#[cfg(test)]
mod tests;
