//! The schemas of stores of secrets outside of the cluster. Manifests that name them can be applied; nothing is read
//! from them.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// `hashiCorpVault`.
pub(super) fn vault(_: &mut SchemaGenerator) -> Schema {
    let pki = json!({ "type": "object", "properties": {
        "commonName": text(), "altNames": text(), "ipSans": text(), "uriSans": text(), "otherSans": text(),
        "ttl": text(), "format": text(),
    } });
    let secret = json!({
        "type": "object", "required": ["parameter", "path", "key"],
        "properties": {
            "parameter": text(), "path": text(), "key": text(), "pkiData": pki,
            "type": { "type": "string", "enum": ["", "secretV2", "secret", "pki"] },
        },
    });
    let credential = json!({ "type": "object", "properties": {
        "token": text(), "serviceAccount": text(), "serviceAccountName": text(),
    } });
    json_schema!({
        "type": "object", "required": ["address", "authentication", "secrets"],
        "properties": {
            "address": text(), "namespace": text(), "role": text(), "mount": text(), "credential": credential,
            "authentication": { "type": "string", "enum": ["token", "kubernetes"] },
            "secrets": { "type": "array", "minItems": 1, "items": secret },
        },
    })
}

/// `azureKeyVault`.
pub(super) fn azure(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "required": ["vaultUri", "secrets"],
        "properties": {
            "vaultUri": text(), "podIdentity": pod_identity(),
            "credentials": {
                "type": "object", "required": ["clientId", "tenantId", "clientSecret"],
                "properties": { "clientId": text(), "tenantId": text(), "clientSecret": value_from() },
            },
            "cloud": {
                "type": "object", "required": ["type"],
                "properties": { "type": text(), "keyVaultResourceURL": text(), "activeDirectoryEndpoint": text() },
            },
            "secrets": secrets(&["parameter", "name"], &["version"]),
        },
    })
}

/// `gcpSecretManager`.
pub(super) fn gcp(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "required": ["secrets"],
        "properties": {
            "podIdentity": pod_identity(),
            "credentials": {
                "type": "object", "required": ["clientSecret"], "properties": { "clientSecret": value_from() },
            },
            "secrets": secrets(&["parameter", "id"], &["version"]),
        },
    })
}

/// `awsSecretManager`.
pub(super) fn aws(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object", "required": ["secrets"],
        "properties": {
            "podIdentity": pod_identity(), "region": text(),
            "credentials": {
                "type": "object", "required": ["accessKey", "accessSecretKey"],
                "properties": {
                    "accessKey": value_from(), "accessSecretKey": value_from(), "accessToken": value_from(),
                },
            },
            "secrets": secrets(&["parameter", "name"], &["versionId", "versionStage", "secretKey"]),
        },
    })
}

fn text() -> Value {
    json!({ "type": "string" })
}

/// A list of secrets, each with these fields of text.
fn secrets(required: &[&str], optional: &[&str]) -> Value {
    let fields: serde_json::Map<String, Value> =
        required.iter().chain(optional).map(|field| ((*field).to_owned(), text())).collect();
    let item = json!({ "type": "object", "required": required, "properties": fields });
    json!({ "type": "array", "minItems": 1, "items": item })
}

fn value_from() -> Value {
    let key = json!({ "type": "object", "required": ["name", "key"], "properties": { "name": text(), "key": text() } });
    let from =
        json!({ "type": "object", "required": ["secretKeyRef"], "properties": { "secretKeyRef": key } });
    json!({ "type": "object", "required": ["valueFrom"], "properties": { "valueFrom": from } })
}

fn pod_identity() -> Value {
    json!({
        "type": "object", "required": ["provider"],
        "properties": {
            "provider": { "type": "string", "enum": ["azure-workload", "gcp", "aws", "aws-eks", "none"] },
            "identityId": text(), "identityTenantId": text(), "identityAuthorityHost": text(), "roleArn": text(),
            "externalID": text(), "identityOwner": { "type": "string", "enum": ["keda", "workload"] },
        },
    })
}
