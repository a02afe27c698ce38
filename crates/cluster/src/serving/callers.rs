//! What the API server knows of those who call, and of its front proxy that calls for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use runner::Metrics;

use super::requests::Requests;
use crate::Clients;
use crate::refusal::Asked;

/// Where the API server says how its front proxy is known.
const NAMESPACE: &str = "kube-system";
const CONFIG_MAP: &str = "extension-apiserver-authentication";

/// Asks the API server about callers.
pub struct CallerReviews {
    front_proxy: Api<ConfigMap>,
    tokens: Api<TokenReview>,
    rights: Api<SubjectAccessReview>,
    requests: Requests,
}

/// How the front proxy is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrontProxyData {
    /// The authorities of its certificate, as PEM.
    pub authorities: String,
    /// The common names that its certificate may have; any where there are none.
    pub names: Vec<String>,
    /// The headers with the caller's name.
    pub name_headers: Vec<String>,
    /// The headers with the caller's uid.
    pub uid_headers: Vec<String>,
    /// The headers with the caller's groups.
    pub group_headers: Vec<String>,
    /// The beginnings of headers with what else is known of the caller.
    pub extra_prefixes: Vec<String>,
}

/// Someone whom the API server knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewedCaller {
    /// The name.
    pub name: String,
    /// The uid; empty where there is none.
    pub uid: String,
    /// The groups.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What somebody may do or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// List an external metric.
    ExternalMetric {
        /// Its namespace.
        namespace: String,
        /// Its name.
        metric: String,
    },
    /// Get what is no resource, at this path.
    Path(String),
}

impl CallerReviews {
    /// Asks by these clients.
    pub fn new(clients: &Clients, metrics: Arc<Metrics>) -> Self {
        Self {
            front_proxy: Api::namespaced(clients.write.clone(), NAMESPACE),
            tokens: Api::all(clients.write.clone()),
            rights: Api::all(clients.write.clone()),
            requests: Requests::new(clients, metrics),
        }
    }

    /// How the front proxy is known; `None` where the API server has none.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn front_proxy(&self) -> Result<Option<FrontProxyData>, String> {
        let (namespace, name) = (NAMESPACE.to_owned(), CONFIG_MAP.to_owned());
        let asked =
            Asked { verb: "get", resource: "configmaps".to_owned(), namespace, name, ..Asked::default() };
        let found = self.requests.read(&asked, self.front_proxy.get_opt(CONFIG_MAP)).await;
        let found =
            found.map_err(|refusal| format!("ConfigMap {NAMESPACE}/{CONFIG_MAP}: {}", refusal.message))?;
        Ok(found.and_then(|found| front_proxy(&found.data.unwrap_or_default())))
    }

    /// Whose `token` it is; `None` where it is nobody's.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn whose(&self, token: &str) -> Result<Option<ReviewedCaller>, String> {
        let spec = TokenReviewSpec { token: token.to_owned(), ..TokenReviewSpec::default() };
        let review = TokenReview { spec, ..TokenReview::default() };
        let asked = created("authentication.k8s.io", "tokenreviews");
        let params = PostParams::default();
        let reviewed = self.requests.read(&asked, self.tokens.create(&params, &review)).await;
        let status = reviewed.map_err(|refusal| refusal.message)?.status.unwrap_or_default();
        let user = status.user.filter(|_| status.authenticated == Some(true));
        Ok(user.map(|user| ReviewedCaller {
            name: user.username.unwrap_or_default(),
            uid: user.uid.unwrap_or_default(),
            groups: user.groups.unwrap_or_default(),
            extra: user.extra.unwrap_or_default(),
        }))
    }

    /// Whether `caller` may do so: `Err` within with why not, as far as that is said.
    ///
    /// # Errors
    /// A sentence that says what is forbidden or failed.
    pub async fn may(&self, caller: &ReviewedCaller, what: &Review) -> Result<Result<(), String>, String> {
        let review = access_review(caller.clone(), what.clone());
        let asked = created("authorization.k8s.io", "subjectaccessreviews");
        let params = PostParams::default();
        let reviewed = self.requests.read(&asked, self.rights.create(&params, &review)).await;
        let status = reviewed.map_err(|refusal| refusal.message)?.status.unwrap_or_default();
        let may = status.allowed && status.denied != Some(true);
        Ok(if may { Ok(()) } else { Err(status.reason.unwrap_or_default()) })
    }
}

fn created(group: &str, resource: &str) -> Asked {
    Asked { verb: "create", group: group.to_owned(), resource: resource.to_owned(), ..Asked::default() }
}

/// How the front proxy is known by the data of the ConfigMap; `None` where that names no authority.
fn front_proxy(data: &BTreeMap<String, String>) -> Option<FrontProxyData> {
    let list = |key: &str| -> Vec<String> {
        let text = data.get(key).map(String::as_str).unwrap_or_default();
        serde_json::from_str(text).unwrap_or_default()
    };
    Some(FrontProxyData {
        authorities: data.get("requestheader-client-ca-file").filter(|pem| !pem.is_empty())?.clone(),
        names: list("requestheader-allowed-names"),
        name_headers: list("requestheader-username-headers"),
        uid_headers: list("requestheader-uid-headers"),
        group_headers: list("requestheader-group-headers"),
        extra_prefixes: list("requestheader-extra-headers-prefix"),
    })
}

fn access_review(caller: ReviewedCaller, what: Review) -> SubjectAccessReview {
    let mut spec = SubjectAccessReviewSpec {
        user: Some(caller.name),
        uid: Some(caller.uid).filter(|uid| !uid.is_empty()),
        groups: Some(caller.groups),
        extra: Some(caller.extra),
        ..SubjectAccessReviewSpec::default()
    };
    match what {
        Review::ExternalMetric { namespace, metric } => {
            spec.resource_attributes = Some(ResourceAttributes {
                // The path names a resource and no object of it.
                verb: Some("list".to_owned()),
                group: Some("external.metrics.k8s.io".to_owned()),
                version: Some("v1beta1".to_owned()),
                resource: Some(metric),
                namespace: Some(namespace),
                ..ResourceAttributes::default()
            });
        }
        Review::Path(path) => {
            spec.non_resource_attributes =
                Some(NonResourceAttributes { path: Some(path), verb: Some("get".to_owned()) });
        }
    }
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_proxy_is_known_by_lists_in_text() {
        let data = [
            ("client-ca-file", "another"),
            ("requestheader-client-ca-file", "pem"),
            ("requestheader-allowed-names", r#"["front-proxy-client"]"#),
            ("requestheader-username-headers", r#"["X-Remote-User"]"#),
            ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
            ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#),
        ];
        let mut data: BTreeMap<String, String> =
            data.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let of = |name: &str| vec![name.to_owned()];
        let expected = FrontProxyData {
            authorities: "pem".to_owned(),
            names: of("front-proxy-client"),
            name_headers: of("X-Remote-User"),
            uid_headers: Vec::new(),
            group_headers: of("X-Remote-Group"),
            extra_prefixes: of("X-Remote-Extra-"),
        };
        assert_eq!(front_proxy(&data), Some(expected));
        data.remove("requestheader-client-ca-file");
        assert_eq!(front_proxy(&data), None);
    }
}
