//! What several kinds share: fields, printed columns, rules, conditions and the common part of the status.

pub(crate) mod annotations;
pub(crate) mod column;
pub(crate) mod condition;
pub(crate) mod conditions;
pub(crate) mod cost;
pub(crate) mod fields;
pub(crate) mod forecast;
pub(crate) mod interval;
pub(crate) mod metric;
pub(crate) mod metric_status;
pub(crate) mod policy;
pub(crate) mod rule;
pub(crate) mod safety;
pub(crate) mod single_target;
pub(crate) mod status;
