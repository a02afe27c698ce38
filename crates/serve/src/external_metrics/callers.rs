//! Who calls, and whom that is asked of: what stands behind these traits is joined to the API server by the binary.

use std::collections::BTreeMap;

use futures::future::BoxFuture;

/// Someone who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The name.
    pub name: String,
    /// The uid, where there is one.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else the API server knows of the caller.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What a caller asks to do, as Kubernetes authorizes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attributes {
    /// Read a metric, which is a resource of that name to the API server.
    Metric {
        /// Its namespace.
        namespace: String,
        /// Its name.
        metric: String,
    },
    /// Read what is no resource, at this path.
    Path(String),
}

/// How the API server's front proxy is known, which names the callers in headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontProxy {
    /// The authorities of its certificate, as PEM.
    pub authorities: String,
    /// The common names that its certificate may have; any where there are none.
    pub names: Vec<String>,
    /// The headers with the caller's name, of which the first that is there counts.
    pub name_headers: Vec<String>,
    /// The same for the uid.
    pub uid_headers: Vec<String>,
    /// The headers with the groups.
    pub group_headers: Vec<String>,
    /// The beginnings of headers with what else is known.
    pub extra_prefixes: Vec<String>,
}

/// Whether a caller may do something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may not, for a reason where one is given.
    Denied(String),
}

/// Asks the API server about callers. Errors are sentences.
pub trait Authority: Send + Sync {
    /// How the front proxy is known at present; `None` where the cluster has none.
    fn front_proxy(&self) -> BoxFuture<'_, Result<Option<FrontProxy>, String>>;

    /// Whose `token` it is; `None` where it is nobody's.
    fn whose<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Caller>, String>>;

    /// Whether `caller` may do what it wants.
    fn may<'a>(
        &'a self,
        caller: &'a Caller,
        attributes: &'a Attributes,
    ) -> BoxFuture<'a, Result<Verdict, String>>;
}
