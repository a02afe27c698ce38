//! What the compilation of an object needs, and what it comes to.

use engine::{Fault, Plan, PolicyTable, Problem, SourceCatalog, Warning};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::supporting::{Lookup, Reference, Resolved};

/// What compilation needs beyond the object.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Checks the settings of metric sources.
    pub catalog: &'a dyn SourceCatalog,
    /// The policies that manifests can name.
    pub policies: &'a PolicyTable,
    /// Whether a namespaced object may act in another namespace.
    pub allow_cross_namespace: bool,
    /// Whether the object is judged before it is stored. Then a member that would be left alone is a problem.
    pub admitting: bool,
    /// The supporting objects that the object refers to; `None` where nobody looks for them.
    pub resolved: Option<&'a Resolved>,
}

impl Context<'_> {
    /// What is known of a supporting object, which the kind's [`Needs::references`] must have named.
    pub fn lookup(&self, reference: &Reference) -> Lookup<'_> {
        self.resolved.map_or(Lookup::Unknown, |resolved| resolved.lookup(reference))
    }

    /// The operator's own namespace, where that is known.
    pub(crate) fn own_namespace(&self) -> Option<&str> {
        self.resolved?.own_namespace()
    }
}

/// What an object is compiled into.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What to read, how to decide, what to scale.
    pub plan: Plan,
    /// What the object may have and hardly means.
    pub warnings: Vec<Warning>,
}

/// What is found while a spec that fits its type is compiled.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What is wrong.
    pub(crate) problems: Vec<Problem>,
    /// What is doubtful.
    pub(crate) warnings: Vec<Warning>,
}

/// Why there is no plan.
pub enum NotCompiled {
    /// The spec does not fit its type.
    Unreadable(Problem),
    /// All that is wrong with a spec that does.
    Problems {
        /// By the rules across fields.
        broken_rules: Vec<Problem>,
        /// By everything else.
        others: Vec<Problem>,
    },
}

/// The typed spec of `object`.
pub(crate) fn spec<S: DeserializeOwned>(object: &Value) -> Result<S, NotCompiled> {
    S::deserialize(object.get("spec").unwrap_or(&Value::Null))
        .map_err(|error| NotCompiled::Unreadable(Problem::new("spec", Fault::invalid(error.to_string()))))
}
