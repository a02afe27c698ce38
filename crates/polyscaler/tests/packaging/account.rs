//! A service account's own kubeconfig, as a pod of it would connect.

use std::path::{Path, PathBuf};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;
use testbed::ControlPlane;

/// Writes a kubeconfig with a token of that account into `folder`.
pub(crate) async fn kubeconfig(
    control_plane: &ControlPlane,
    client: &Client,
    (namespace, name): (&str, &str),
    folder: &Path,
) -> PathBuf {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() }),
        ..TokenRequest::default()
    };
    let issued = accounts.create_token_request(name, &PostParams::default(), &request).await.unwrap();
    let authority = &control_plane.authority().files().certificate;
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "pod",
        "clusters": [{ "name": "pod", "cluster": {
            "server": control_plane.server_url(), "certificate-authority": authority } }],
        "users": [{ "name": "pod", "user": { "token": issued.status.unwrap().token } }],
        // In a pod, too, the account's namespace is the default one.
        "contexts": [{ "name": "pod", "context": { "cluster": "pod", "user": "pod", "namespace": namespace } }],
    });
    let path = folder.join(format!("{namespace}-{name}.kubeconfig"));
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

/// Whether the account may do it: (verb, group, resource or resource/subresource) in a namespace, or
/// everywhere where that is empty.
pub(crate) async fn may(
    client: &Client,
    (account_namespace, account): (&str, &str),
    (verb, group, resource): (&str, &str, &str),
    namespace: &str,
) -> bool {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{account_namespace}:{account}")),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.to_owned()),
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource: Some(subresource.to_owned()).filter(|name| !name.is_empty()),
                namespace: Some(namespace.to_owned()).filter(|name| !name.is_empty()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews: Api<SubjectAccessReview> = Api::all(client.clone());
    reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}
