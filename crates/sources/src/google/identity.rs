//! Whose credentials a reading uses: a key from a secret of the object's own namespace, or the
//! operator's own identity.
//!
//! Whoever may create an object could read any metric that the operator's identity may read,
//! whatever namespace it is in. So the operator lends its identity only where its own
//! environment names one: `GOOGLE_APPLICATION_CREDENTIALS`, a file with a service account's
//! key, or `GCE_METADATA_HOST`, usually `metadata.google.internal`. Both mean what they mean
//! for Google's libraries, only the silent default is missing: on many clusters the metadata
//! server hands out the node's identity, which nobody chose to lend.

use std::env;
use std::path::PathBuf;

use reqwest::Url;

/// Where the metadata server has tokens.
const TOKEN_PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// Where it has the ID of the project. Nothing else is asked of it.
pub(super) const PROJECT_PATH: &str = "/computeMetadata/v1/project/project-id";

/// What the operator lends to objects that bring no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OperatorIdentity {
    /// Nothing.
    Nothing,
    /// The service account whose key is in this file, read again each time.
    File(PathBuf),
    /// Workload identity: the account that the metadata server speaks for.
    Metadata(Url),
    /// The environment names something that cannot be used, and why.
    Unusable(String),
}

/// Whose token is wanted.
pub(crate) enum Credentials<'a> {
    /// That of the service account whose key this is.
    Key(&'a [u8]),
    /// The operator's own.
    Operator(&'a OperatorIdentity),
}

impl OperatorIdentity {
    /// What this process's environment names.
    pub(crate) fn from_environment() -> Self {
        Self::of(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = given("GOOGLE_APPLICATION_CREDENTIALS") {
            return Self::File(path.into());
        }
        match given("GCE_METADATA_HOST") {
            None => Self::Nothing,
            Some(host) => metadata_url(&host).map_or_else(
                || Self::Unusable("GCE_METADATA_HOST must be a host, or host:port".into()),
                Self::Metadata,
            ),
        }
    }
}

fn metadata_url(host: &str) -> Option<Url> {
    let base = Url::parse(&format!("http://{host}/")).ok()?;
    let port = base.port().map(|port| format!(":{port}")).unwrap_or_default();
    let only_host =
        base.host_str().is_some_and(|parsed| format!("{parsed}{port}") == host.to_ascii_lowercase());
    if only_host { base.join(TOKEN_PATH).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> OperatorIdentity {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        OperatorIdentity::of(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_is_lent_unless_the_environment_names_it() {
        assert_eq!(of(&[]), OperatorIdentity::Nothing);
        assert_eq!(of(&[("GCE_METADATA_HOST", "")]), OperatorIdentity::Nothing);
        let file = of(&[("GCE_METADATA_HOST", "m"), ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json")]);
        assert_eq!(file, OperatorIdentity::File("/etc/key.json".into()), "as in Google's libraries");
    }

    #[test]
    fn the_metadata_server_is_asked_for_one_path() {
        for host in ["metadata.google.internal", "169.254.169.254", "127.0.0.1:8123", "[fd20:ce::254]"] {
            let expected = format!("http://{host}{TOKEN_PATH}").parse().unwrap();
            assert_eq!(of(&[("GCE_METADATA_HOST", host)]), OperatorIdentity::Metadata(expected));
        }
        for host in ["http://m/", "m/other", "m?x=1", "user@m", "m#", "a b"] {
            assert!(matches!(of(&[("GCE_METADATA_HOST", host)]), OperatorIdentity::Unusable(_)), "{host}");
        }
    }
}
