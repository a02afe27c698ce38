//! The sources by name: prepares what objects ask of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Absence, AbsenceReason, Asked, Fault, Prepared, Problem, Query, Reading, SourceCatalog};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::catalog::SOURCES;
use crate::clients::Clients;
use crate::credentials::Needs;
use crate::deferred::Deferred;
use crate::net::address::AddressPolicy;
use crate::prometheus_server::{DefaultServer, ServerAddress};
use crate::source::{Ask, Request, Source};
use crate::values::fault::quoted;
use crate::values::settings::given_later::StandIns;
use crate::values::settings::{Read, Settings};

/// The known sources by name.
#[derive(Clone)]
pub struct Registry {
    sources: BTreeMap<&'static str, Arc<dyn Source>>,
}

/// What a query of this catalog holds.
pub(crate) struct Content {
    pub(crate) ask: Box<dyn Ask>,
    pub(crate) needs: Needs,
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

    /// The names of all sources, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.sources.keys().copied()
    }

    /// That `name` is unknown, with all that are known.
    fn unknown(&self, name: &str) -> Fault {
        Fault::unsupported(quoted(name), self.names())
    }
}

impl SourceCatalog for Registry {
    fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>> {
        let Some(source) = self.sources.get(asked.source) else {
            return Err(vec![Problem::new(asked.path.source, self.unknown(asked.source))]);
        };
        let samples = StandIns::samples(source.given_later());
        let mut settings = Settings::new(asked, &samples);
        let ask = source.prepare(&mut settings);
        let Read { problems, warnings, key, needs, server, awaited, is_sought } = settings.finish();
        match ask {
            Some(ask) if problems.is_empty() => {
                // Its address may be one of the samples.
                let server = server.filter(|_| awaited.is_empty());
                let ask: Box<dyn Ask> = match awaited.is_empty() && !is_sought {
                    true => ask,
                    // It was prepared with samples, to see that all else is right.
                    false => Box::new(Deferred::new(Arc::clone(source), asked, awaited, ask.pushes())),
                };
                let query = Query::of_server(server, asked.source, &key, Content { ask, needs });
                Ok(Prepared { query, warnings })
            }
            _ => Err(problems),
        }
    }

    fn failing(&self, source: &str, why: &str) -> Query {
        let ask =
            Box::new(Failing(Absence { reason: AbsenceReason::ConnectionFailed, message: why.to_owned() }));
        Query::new(source, why, Content { ask, needs: Needs::new() })
    }
}

/// A query that cannot be asked.
struct Failing(Absence);

impl Ask for Failing {
    fn ask<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Reading> {
        std::future::ready(Reading::Absent(self.0.clone())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::values::settings::tests::asked;

    fn prepared(asked: &Asked<'_>) -> Result<Prepared, Vec<String>> {
        let prepared = Registry::new(AddressPolicy::default()).prepare(asked);
        prepared.map_err(|problems| problems.iter().map(Problem::to_string).collect())
    }

    #[test]
    fn an_unknown_source_is_one_problem_that_lists_the_known_ones() {
        let problems = prepared(&asked("htpp", &Value::Null)).unwrap_err();
        let mut known: Vec<_> = SOURCES.iter().map(|(name, _)| format!("{name:?}")).collect();
        known.sort();
        let expected =
            format!("spec.type: Unsupported value: \"htpp\": supported values: {}", known.join(", "));
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn every_source_of_the_table_is_registered_once() {
        assert_eq!(Registry::new(AddressPolicy::default()).names().count(), SOURCES.len());
    }

    #[test]
    fn queries_are_equal_where_nothing_that_matters_differs() {
        let key = |asked: &Asked<'_>| prepared(asked).unwrap().query.key().to_owned();
        let open = json!({ "url": "http://load/", "valuePath": "$.a" });
        let secret = json!({ "url": "http://load/", "valuePath": "$.a", "headersFrom": { "secretRef": { "name": "t" } } });
        for (config, is_equal) in [(&open, true), (&secret, false)] {
            let here = asked("http", config);
            let there = Asked { namespace: "other", ..here };
            assert_eq!(key(&here) == key(&there), is_equal, "{config}");
        }
        assert_ne!(
            key(&asked("http", &open)),
            key(&asked("http", &json!({ "url": "http://load/", "valuePath": "$.b" })))
        );
    }
}
