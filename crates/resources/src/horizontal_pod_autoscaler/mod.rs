//! `HorizontalPodAutoscaler` of `autoscaling/v2`: Kubernetes' own kind, which is read and never written.
//!
//! It is compiled into the plan by which the HPA controller acts, so that it can be judged, replayed, and decided beside
//! the controller. The plan only observes: it claims no target. Its CRD does not exist; what the API server would refuse
//! is said in its words, and its schema is here for fields that nobody knows and values of a wrong type.

mod compile;
mod queries;
mod schema;
mod status;
mod warnings;

use crate::kept_status::MemoryPlace;
use crate::kind::Kind;
use crate::scope::Scope;
use crate::status_language::StatusLanguage;
use crate::supporting::Needs;

pub(crate) use warnings::beside_its_target;

/// The row of the table of kinds that are only read.
pub const KIND: Kind = Kind {
    group: "autoscaling",
    version: "v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    scope: Scope::Namespaced,
    definition: schema::definition,
    compile: compile::compile,
    status: StatusLanguage::of::<status::NotKept>(MemoryPlace::Status),
    needs: Needs::NOTHING,
};

#[cfg(test)]
mod tests;
