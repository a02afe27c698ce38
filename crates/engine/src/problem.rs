//! What is wrong with an object, and where: the words that users read.

use std::fmt;

use serde_json::Value;

/// One thing wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path of the field, as Kubernetes writes it: `spec.metrics[0].config.url`. Empty for the whole object.
    pub path: String,
    /// What is wrong and, where it is not plain, what to do.
    pub message: String,
}

impl Problem {
    /// A problem of the field at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Checks the settings of metric sources while an object is compiled.
///
/// The sources crate implements it over its registry; the engine and the kinds
/// stay free of any client library.
pub trait SourceCatalog: Send + Sync {
    /// All problems of `config` for the source named `source`, each with a path that begins with `path`.
    /// An unknown source is one problem, at `path` of the name, that lists the known ones.
    fn validate(&self, source: &str, config: &Value, path: &ConfigPath<'_>) -> Vec<Problem>;

    /// Whether the source named `source` reads the target itself, so that its query must name it.
    fn wants_target(&self, source: &str) -> bool {
        let _ = source;
        false
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
