//! The sources by name: checks what objects ask of them, and finds the one that answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{ConfigPath, Fault, Problem, SourceCatalog};
use serde_json::Value;

use crate::catalog::SOURCES;
use crate::catalog::prometheus::{DefaultServer, ServerAddress};
use crate::clients::Clients;
use crate::net::address::AddressPolicy;
use crate::source::Source;
use crate::values::settings::quoted;

/// The known sources by name.
#[derive(Clone)]
pub struct Registry {
    sources: BTreeMap<&'static str, Arc<dyn Source>>,
}

impl Registry {
    /// All sources, calling only what `policy` allows. Needs no runtime and opens nothing. What an
    /// operator may have by default is not known, and objects that rely on it are not refused.
    pub fn new(policy: AddressPolicy) -> Self {
        Self::over(&Clients::new(policy))
    }

    /// The same for an operator, which asks `prometheus` where an object names no server.
    pub fn of_operator(policy: AddressPolicy, prometheus: Option<ServerAddress>) -> Self {
        let prometheus = prometheus.map_or(DefaultServer::None, DefaultServer::Known);
        Self::over(&Clients { prometheus, ..Clients::new(policy) })
    }

    fn over(clients: &Clients) -> Self {
        Self::of(SOURCES.iter().map(|(name, make)| (*name, make(clients))))
    }

    /// A registry of other sources, for example scripted ones in a test.
    pub fn of(sources: impl IntoIterator<Item = (&'static str, Arc<dyn Source>)>) -> Self {
        Self { sources: sources.into_iter().collect() }
    }

    /// The source called `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Source>> {
        self.sources.get(name)
    }

    /// The names of all sources, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.sources.keys().copied()
    }

    /// That `name` is unknown, with all that are known.
    pub(crate) fn unknown(&self, name: &str) -> Fault {
        Fault::unsupported(quoted(name), self.names())
    }
}

impl SourceCatalog for Registry {
    fn validate(&self, source: &str, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem> {
        match self.get(source) {
            Some(source) => source.validate(config, path),
            None => vec![Problem::new(path.source, self.unknown(source))],
        }
    }

    fn wants_target(&self, source: &str) -> bool {
        self.get(source).is_some_and(|source| source.wants_target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_source_is_one_problem_that_lists_the_known_ones() {
        let path =
            ConfigPath { source: "spec.metrics[0].type", config: "spec.metrics[0].config", elsewhere: &[] };
        let problems = Registry::new(AddressPolicy::default()).validate("htpp", &Value::Null, &path);
        let mut known: Vec<_> = SOURCES.iter().map(|(name, _)| format!("{name:?}")).collect();
        known.sort();
        let expected = format!(
            "spec.metrics[0].type: Unsupported value: \"htpp\": supported values: {}",
            known.join(", ")
        );
        assert_eq!(problems.iter().map(Problem::to_string).collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn every_source_of_the_table_is_registered_once() {
        assert_eq!(Registry::new(AddressPolicy::default()).names().count(), SOURCES.len());
    }
}
