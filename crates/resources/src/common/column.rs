//! What `kubectl get` prints of an object, a line a column: those that several kinds have, and how a kind
//! adds its own.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition,
};

/// A column.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    name: &'static str,
    type_: &'static str,
    json_path: &'static str,
    is_wide: bool,
}

pub(crate) const TARGET: Column = Column::string("Target", ".status.target");
pub(crate) const MIN: Column = Column::integer("Min", ".spec.minReplicas");
pub(crate) const MAX: Column = Column::integer("Max", ".spec.maxReplicas");
pub(crate) const CURRENT: Column = Column::integer("Current", ".status.currentReplicas");
pub(crate) const DESIRED: Column = Column::integer("Desired", ".status.desiredReplicas");
pub(crate) const MODE: Column = Column::string("Mode", ".status.mode");
pub(crate) const STALE: Column = Column::of("Stale", "date", ".status.staleSince");
pub(crate) const READY: Column = Column::string("Ready", ".status.conditions[?(@.type==\"Ready\")].status");
pub(crate) const REASON: Column = Column::string("Reason", ".status.conditions[?(@.type==\"Ready\")].reason");
pub(crate) const COST: Column = Column::number("Cost", ".status.cost.now").wide();
pub(crate) const DECISION: Column = Column::string("Decision", ".status.lastDecision").wide();
pub(crate) const AGE: Column = Column::of("Age", "date", ".metadata.creationTimestamp");

impl Column {
    const fn of(name: &'static str, type_: &'static str, json_path: &'static str) -> Self {
        Self { name, type_, json_path, is_wide: false }
    }

    pub(crate) const fn string(name: &'static str, json_path: &'static str) -> Self {
        Self::of(name, "string", json_path)
    }

    pub(crate) const fn integer(name: &'static str, json_path: &'static str) -> Self {
        Self::of(name, "integer", json_path)
    }

    pub(crate) const fn number(name: &'static str, json_path: &'static str) -> Self {
        Self::of(name, "number", json_path)
    }

    /// Printed with `--output wide` only.
    pub(crate) const fn wide(self) -> Self {
        Self { is_wide: true, ..self }
    }

    fn definition(self) -> CustomResourceColumnDefinition {
        CustomResourceColumnDefinition {
            name: self.name.to_owned(),
            type_: self.type_.to_owned(),
            json_path: self.json_path.to_owned(),
            priority: self.is_wide.then_some(1),
            ..CustomResourceColumnDefinition::default()
        }
    }
}

/// Has every version of `crd` printed as `columns`.
pub(crate) fn print(mut crd: CustomResourceDefinition, columns: &[Column]) -> CustomResourceDefinition {
    for version in &mut crd.spec.versions {
        version.additional_printer_columns = Some(columns.iter().map(|column| column.definition()).collect());
    }
    crd
}
