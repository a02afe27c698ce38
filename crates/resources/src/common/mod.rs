//! What several kinds share: fields, rules, conditions and the common part of the status.

pub(crate) mod condition;
mod conditions;
pub(crate) mod cost;
pub(crate) mod fields;
pub(crate) mod metric;
pub(crate) mod metric_status;
pub(crate) mod policy;
pub(crate) mod rule;
pub(crate) mod status;
