//! The policies that manifests can name, the same for every command.

use engine::PolicyTable;

/// Those of the engine. A policy of another crate is added here: `engine::POLICIES.clone().with(ENTRY)`.
pub(crate) fn policies() -> &'static PolicyTable {
    &engine::POLICIES
}
