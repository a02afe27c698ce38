//! Where a credential stands. Only its name is kept: the value is read whenever a reading needs it.

use std::fmt;

use crate::Target;

/// One value: the holder that has it, and its key there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Credential {
    /// What holds it.
    pub holder: Holder,
    /// Its name within the holder: a secret's key, a variable, a member of a file. [`Credential::TOKEN`] for the
    /// token of a service account, [`Credential::WHOLE`] for all of a file.
    pub key: String,
}

impl Credential {
    /// The key of a service account's token.
    pub const TOKEN: &str = "token";
    /// The key of a file's whole content.
    pub const WHOLE: &str = "";
}

/// Something that holds values by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// A Secret.
    Secret {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// A ConfigMap.
    ConfigMap {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The environment of a container in the pod template of what is scaled.
    TargetEnv {
        /// What is scaled.
        target: Target,
        /// The container; the first one where it is `None`.
        container: Option<String>,
    },
    /// A service account, for which a token is requested.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// For whom the token is; the API server where it is `None`.
        audience: Option<String>,
    },
    /// A file on the operator's own disk, by its path below the root that the operator allows. With a key other
    /// than [`Credential::WHOLE`] it must hold a JSON object of strings.
    File {
        /// The path, relative to that root.
        path: String,
    },
}

impl Holder {
    /// Its value called `key`.
    pub fn value(self, key: impl Into<String>) -> Credential {
        Credential { holder: self, key: key.into() }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret { namespace, name } => write!(f, "secret {namespace}/{name}"),
            Self::ConfigMap { namespace, name } => write!(f, "config map {namespace}/{name}"),
            Self::TargetEnv { target, container: None } => write!(f, "environment of {target}"),
            Self::TargetEnv { target, container: Some(container) } => {
                write!(f, "environment of container {container} of {target}")
            }
            Self::ServiceAccount { namespace, name, .. } => write!(f, "service account {namespace}/{name}"),
            Self::File { path } => write!(f, "file {path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_for_people() {
        let (namespace, name) = ("shop".to_owned(), "db".to_owned());
        let secret = Holder::Secret { namespace: namespace.clone(), name: name.clone() };
        assert_eq!(secret.to_string(), "secret shop/db");
        let (api_version, kind) = ("apps/v1".to_owned(), "Deployment".to_owned());
        let target = Target { api_version, kind, namespace, name: "web".to_owned() };
        let env = Holder::TargetEnv { target: target.clone(), container: Some("app".to_owned()) };
        assert_eq!(env.to_string(), "environment of container app of Deployment shop/web");
        let first = Holder::TargetEnv { target, container: None };
        assert_eq!(first.to_string(), "environment of Deployment shop/web");
        assert_eq!(Holder::File { path: "a/b".to_owned() }.to_string(), "file a/b");
    }
}
