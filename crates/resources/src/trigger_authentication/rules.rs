//! The rules across fields of both kinds, those of KEDA's webhook.

use super::spec::{CLIENT_CREDENTIALS, OAuth2, PodIdentity, TriggerAuthenticationSpec};
use crate::common::rule::Rule;

type Spec = TriggerAuthenticationSpec;

pub(super) const RULES: &[Rule<Spec>] = &[
    Rule {
        path: "spec",
        field: "podIdentity",
        cel: "!has(self.podIdentity) || self.podIdentity.provider != 'azure-workload' || \
              !has(self.podIdentity.identityId) || self.podIdentity.identityId != ''",
        message: "identityId of podIdentity must not be empty where it is given",
        holds: |spec| azure(spec).is_none_or(|identity| identity.identity_id.as_deref() != Some("")),
    },
    Rule {
        path: "spec",
        field: "podIdentity",
        cel: "!has(self.podIdentity) || self.podIdentity.provider != 'azure-workload' || \
              !has(self.podIdentity.identityTenantId) || self.podIdentity.identityTenantId != ''",
        message: "identityTenantId of podIdentity must not be empty where it is given",
        holds: |spec| azure(spec).is_none_or(|identity| identity.identity_tenant_id.as_deref() != Some("")),
    },
    Rule {
        path: "spec",
        field: "podIdentity",
        cel: "!has(self.podIdentity) || self.podIdentity.provider != 'azure-workload' || \
              !has(self.podIdentity.identityAuthorityHost) || self.podIdentity.identityAuthorityHost == '' || \
              has(self.podIdentity.identityTenantId)",
        message: "identityTenantId of podIdentity must be given with identityAuthorityHost",
        holds: |spec| {
            azure(spec).is_none_or(|identity| {
                let host = identity.identity_authority_host.as_deref().unwrap_or_default();
                host.is_empty() || identity.identity_tenant_id.is_some()
            })
        },
    },
    Rule {
        path: "spec",
        field: "podIdentity",
        cel: "!has(self.podIdentity) || self.podIdentity.provider != 'aws' || !has(self.podIdentity.roleArn) || \
              self.podIdentity.roleArn == '' || !has(self.podIdentity.identityOwner) || \
              self.podIdentity.identityOwner != 'workload'",
        message: "roleArn of podIdentity must not be given where identityOwner is workload",
        holds: |spec| {
            aws(spec).is_none_or(|identity| {
                !has(&identity.role_arn) || identity.identity_owner.as_deref() != Some("workload")
            })
        },
    },
    Rule {
        path: "spec",
        field: "podIdentity",
        cel: "!has(self.podIdentity) || self.podIdentity.provider != 'aws' || !has(self.podIdentity.externalID) || \
              self.podIdentity.externalID == '' || has(self.podIdentity.roleArn) && self.podIdentity.roleArn != ''",
        message: "externalID of podIdentity needs roleArn",
        holds: |spec| aws(spec).is_none_or(|identity| !has(&identity.external_id) || has(&identity.role_arn)),
    },
    Rule {
        path: "spec",
        field: "oauth2",
        cel: "!has(self.oauth2) || self.oauth2.type == 'clientCredentials'",
        message: "type of oauth2 must be clientCredentials",
        holds: |spec| oauth2(spec).is_none_or(|oauth2| oauth2.type_ == CLIENT_CREDENTIALS),
    },
    Rule {
        path: "spec",
        field: "oauth2",
        cel: "!has(self.oauth2) || self.oauth2.clientId != ''",
        message: "clientId of oauth2 must not be empty",
        holds: |spec| oauth2(spec).is_none_or(|oauth2| !oauth2.client_id.is_empty()),
    },
    Rule {
        path: "spec",
        field: "oauth2",
        cel: "!has(self.oauth2) || self.oauth2.tokenUrl.matches('^[hH][tT][tT][pP][sS]?://[^/?#]')",
        message: "tokenUrl of oauth2 must be an http or https URL with a host",
        holds: |spec| {
            oauth2(spec).is_none_or(|oauth2| {
                let lower = oauth2.token_url.to_ascii_lowercase();
                let behind = ["http://", "https://"].iter().find_map(|scheme| lower.strip_prefix(scheme));
                behind.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']))
            })
        },
    },
];

fn azure(spec: &Spec) -> Option<&PodIdentity> {
    spec.pod_identity.as_ref().filter(|identity| identity.provider == "azure-workload")
}

fn aws(spec: &Spec) -> Option<&PodIdentity> {
    spec.pod_identity.as_ref().filter(|identity| identity.provider == "aws")
}

fn oauth2(spec: &Spec) -> Option<&OAuth2> {
    spec.oauth2.as_ref()
}

fn has(text: &Option<String>) -> bool {
    text.as_deref().is_some_and(|text| !text.is_empty())
}
