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

/// Where a setting finds its value at each reading: places that are looked at in their order. An empty value, or one of
/// blanks only, is none, and blanks around one do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The places; of those that have a value the first one counts.
    pub places: Vec<Credential>,
    /// What holds where none of them has one.
    pub otherwise: Otherwise,
}

/// What holds where no place has a value.
#[derive(Clone, PartialEq, Eq)]
pub enum Otherwise {
    /// The reading fails.
    Fails,
    /// The setting counts as left out.
    LeftOut,
    /// This text. It may be a secret that an object's author wrote down, so printing this does not show it.
    Text(String),
}

impl From<Credential> for Sought {
    fn from(place: Credential) -> Self {
        Self { places: vec![place], otherwise: Otherwise::Fails }
    }
}

impl fmt::Debug for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fails => "Fails",
            Self::LeftOut => "LeftOut",
            Self::Text(_) => "Text",
        })
    }
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
    /// The object that asks: a value that is written there itself. Nobody has to read it.
    Object,
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
            Self::Object => f.write_str("the object"),
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
        assert_eq!(Holder::Object.to_string(), "the object");
    }

    #[test]
    fn printing_what_is_sought_shows_no_text_of_an_object() {
        let sought = Sought { places: Vec::new(), otherwise: Otherwise::Text("hunter2".to_owned()) };
        let shown = format!("{sought:?}");
        assert!(shown.contains("Text") && !shown.contains("hunter2"), "{shown}");
    }
}
