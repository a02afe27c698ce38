//! What a kind asks of metric sources while an object is compiled, and the query that it gets.
//!
//! The sources crate implements [`SourceCatalog`] over its registry; whoever replays recorded load implements it
//! by looking up columns. The engine and the kinds stay free of any client library.

use serde_json::Value;

use crate::{Problem, Query, Sought, Target, Warning};

/// Prepares queries.
pub trait SourceCatalog: Send + Sync {
    /// The query that `asked` comes to. Opens nothing, as admission and `polyscaler check` call it, too.
    ///
    /// # Errors
    /// All that is wrong with the settings, each problem with the path of its field. An unknown source is one
    /// problem, at the path of its name, that lists the known ones.
    fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>>;

    /// A query of the source called `source` that fails at each reading because of `why`, for an object whose settings are
    /// wrong and that is not refused for that. Queries of equal reasons are equal.
    fn failing(&self, source: &str, why: &str) -> Query {
        Query::new(source, why, ())
    }
}

/// What an object asks of a metric source.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Name of the source, for example `http`.
    pub source: &'a str,
    /// Its settings, as the object has them.
    pub config: &'a Value,
    /// Where they stand in the object.
    pub path: ConfigPath<'a>,
    /// The namespace that the object acts in: secrets that the settings name are read there.
    pub namespace: &'a str,
    /// What is scaled, for a source that reads the target itself.
    pub target: AskedTarget<'a>,
    /// Settings whose values stand elsewhere, such as in an authentication that the object refers to: each with the
    /// name of the setting that it is for, for example `passwordFrom`.
    pub credentials: &'a [(&'a str, Sought)],
}

/// What is scaled by the object that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedTarget<'a> {
    /// This one.
    Of(&'a Target),
    /// The object scales several, and must say of which one it asks, in the field of this path.
    Unnamed(&'a str),
    /// The object names one that it may not act on.
    Refused,
}

/// A query that can be asked.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The query.
    pub query: Query,
    /// What is allowed and most likely not meant, each with the path of its field.
    pub warnings: Vec<Warning>,
}

impl From<Query> for Prepared {
    fn from(query: Query) -> Self {
        Self { query, warnings: Vec::new() }
    }
}

/// Where in the manifest a source is named and where its settings stand.
///
/// A kind may spread a source's settings over fields of its own (a URL field,
/// say), so each setting's place can be given apart.
#[derive(Clone, Copy, Debug)]
pub struct ConfigPath<'a> {
    /// Path of the field that names the source.
    pub source: &'a str,
    /// Path of the settings' parent.
    pub config: &'a str,
    /// For settings that stand elsewhere: name of the setting, path of the field.
    pub elsewhere: &'a [(&'a str, &'a str)],
}

impl ConfigPath<'_> {
    /// Path of the setting `name`.
    pub fn setting(&self, name: &str) -> String {
        match self.elsewhere.iter().find(|(setting, _)| *setting == name) {
            Some((_, path)) => (*path).to_owned(),
            None => format!("{}.{name}", self.config),
        }
    }
}
