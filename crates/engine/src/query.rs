//! A question to a metric source, prepared once, when its object is compiled.

use std::any::Any;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// What is asked of a source, with all that can be known before it is asked: parsed, checked and named by a key.
/// Cheap to clone.
///
/// Only the catalog that made it knows what is inside. Two queries with the same key are asked once and share
/// the reading.
#[derive(Clone)]
pub struct Query(Arc<Inner>);

struct Inner {
    source: Box<str>,
    key: Box<str>,
    server: Option<Box<str>>,
    digest: u64,
    content: Box<dyn Any + Send + Sync>,
}

impl Query {
    /// A query of the source called `source`. Of two queries of one source with equal keys, either may be asked for
    /// both; `content` is what [`content`](Self::content) gives back.
    pub fn new(source: &str, key: &str, content: impl Any + Send + Sync) -> Self {
        Self::of_server(None, source, key, content)
    }

    /// The same, where it is known which `server` is asked.
    pub fn of_server(
        server: Option<String>,
        source: &str,
        key: &str,
        content: impl Any + Send + Sync,
    ) -> Self {
        let key = format!("{source}\u{1f}{key}");
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let (source, digest) = (source.into(), hasher.finish());
        let (key, server) = (key.into_boxed_str(), server.map(String::into_boxed_str));
        Self(Arc::new(Inner { source, key, server, digest, content: Box::new(content) }))
    }

    /// Stands where the settings are wrong, so that what else is wrong can be found, too. It cannot be asked.
    pub fn unprepared(source: &str) -> Self {
        Self::new(source, "", ())
    }

    /// Name of the source, for example `http`.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The server that is asked, for people, such as `http://prometheus.monitoring:9090`: what many queries have in
    /// common. `None` for a source that asks no server of its own, such as `cpu`.
    pub fn server(&self) -> Option<&str> {
        self.0.server.as_deref()
    }

    /// Equal exactly for queries that may share a reading. It may hold what an object's author wrote, so it is not
    /// for messages.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// A number that is the same for equal keys, also after a restart, and evenly spread over distinct ones.
    pub fn digest(&self) -> u64 {
        self.0.digest
    }

    /// What the query was made with, where that is a `T`.
    pub fn content<T: Any>(&self) -> Option<&T> {
        self.0.content.downcast_ref()
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Query").field(&self.0.key).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_known_by_source_and_key_and_gives_back_its_content() {
        let query = |source, key| Query::new(source, key, 7_u8);
        assert_eq!(query("cpu", "a"), query("cpu", "a"));
        assert_ne!(query("cpu", "a"), query("memory", "a"));
        assert_ne!(query("cpu", "a"), query("cpu", "b"));
        assert_eq!(query("cpu", "a").digest(), query("cpu", "a").digest());
        assert_ne!(query("cpu", "a").digest(), query("cpu", "b").digest());
        assert_eq!(query("cpu", "a").content::<u8>(), Some(&7));
        assert_eq!(query("cpu", "a").content::<u16>(), None);
    }
}
