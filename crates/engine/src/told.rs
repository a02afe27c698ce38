//! What people have been told of an object, where its status has no field for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What people have been told and what still holds, so that nobody tells it again: no other poll, and no new leader.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Told {
    /// Paths of the fields that need something which the workload lacks.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub lacking: BTreeSet<String>,
    /// Why the target could not be scaled, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_scaled: Option<String>,
}
