//! What both kinds say: where the values of parameters stand.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::providers;

/// Where the values of parameters stand.
#[derive(CustomResource, Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[kube(
    group = "keda.sh",
    version = "v1alpha1",
    kind = "TriggerAuthentication",
    plural = "triggerauthentications",
    singular = "triggerauthentication",
    shortname = "ta",
    shortname = "triggerauth",
    namespaced,
    status = "TriggerAuthenticationStatus",
    doc = "Parameters of triggers, by where their values stand."
)]
#[serde(rename_all = "camelCase", default)]
pub struct TriggerAuthenticationSpec {
    /// Who the operator is, to a cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_identity: Option<PodIdentity>,
    /// Values in Secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secret_target_ref: Vec<KeyOf>,
    /// Values in ConfigMaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub config_map_target_ref: Vec<KeyOf>,
    /// Values in the environment of the target's containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<EnvOf>,
    /// A file of the operator with all values, a JSON object of strings; in place of all others but `podIdentity`. Of a
    /// ClusterTriggerAuthentication only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file_path: String,
    /// Values in HashiCorp Vault. They are not read yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "providers::vault")]
    pub hashi_corp_vault: Option<Value>,
    /// Values in Azure Key Vault. They are not read yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "providers::azure")]
    pub azure_key_vault: Option<Value>,
    /// Values in Secret Manager of Google Cloud. They are not read yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "providers::gcp")]
    pub gcp_secret_manager: Option<Value>,
    /// Values in AWS Secrets Manager. They are not read yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "providers::aws")]
    pub aws_secret_manager: Option<Value>,
    /// Tokens of service accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bound_service_account_token: Vec<TokenOf>,
    /// How a token is got by OAuth 2.
    #[serde(rename = "oauth2", skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
}

/// Who the operator is, to a cloud.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodIdentity {
    /// What tells it.
    #[schemars(schema_with = "pod_identities")]
    pub provider: String,
    /// Client of the identity, for `azure-workload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<String>,
    /// Tenant of the identity, for `azure-workload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_tenant_id: Option<String>,
    /// Who vouches for it, for `azure-workload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_authority_host: Option<String>,
    /// Role that is taken on, for `aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// What the role asks for besides, for `aws`.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whose identity it is: the operator's (`keda`) or the target's (`workload`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "identity_owners")]
    pub identity_owner: Option<String>,
}

/// A parameter whose value is a key of an object.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct KeyOf {
    /// Name of the parameter.
    pub parameter: String,
    /// Name of the object.
    pub name: String,
    /// The key within it.
    pub key: String,
}

/// A parameter whose value is a variable of a container.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvOf {
    /// Name of the parameter.
    pub parameter: String,
    /// Name of the variable.
    pub name: String,
    /// Name of the container; the first one where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
}

/// A parameter whose value is a token of a service account.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenOf {
    /// Name of the parameter.
    pub parameter: String,
    /// Name of the service account.
    pub service_account_name: String,
}

/// How a token is got by OAuth 2.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OAuth2 {
    /// What is shown for it.
    #[serde(rename = "type", default = "client_credentials")]
    #[schemars(schema_with = "grants")]
    pub type_: String,
    /// The client's name.
    pub client_id: String,
    /// The client's secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<ClientSecret>,
    /// Who gives the token.
    pub token_url: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// What is sent along.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub token_url_params: BTreeMap<String, String>,
}

/// The secret of a client.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientSecret {
    /// Where it stands.
    pub value_from: SecretValue,
}

/// Where a value stands.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretValue {
    /// The Secret that has it.
    pub secret_key_ref: SecretKey,
}

/// A key of a Secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct SecretKey {
    /// Name of the Secret.
    pub name: String,
    /// The key within it.
    pub key: String,
}

/// Who uses it, as KEDA writes it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct TriggerAuthenticationStatus {
    /// Names of ScaledObjects, with commas between.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scaledobjects: String,
    /// Names of ScaledJobs, with commas between.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scaledjobs: String,
}

/// The one way to get a token.
pub(super) const CLIENT_CREDENTIALS: &str = "clientCredentials";

fn client_credentials() -> String {
    CLIENT_CREDENTIALS.to_owned()
}

fn grants(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": [CLIENT_CREDENTIALS], "default": CLIENT_CREDENTIALS })
}

fn pod_identities(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["azure-workload", "gcp", "aws", "aws-eks", "none"] })
}

fn identity_owners(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["keda", "workload"] })
}
