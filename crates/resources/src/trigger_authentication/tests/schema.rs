//! The CRDs: KEDA's, schema for schema, and with the rules of KEDA's webhook.

use engine::Problem;

use super::*;
use crate::schema::Schema;

#[test]
fn contract_2_rules_of_authentications_are_those_of_the_webhook() {
    let problems = |spec: Value| -> Vec<String> {
        TRIGGER_AUTHENTICATION.problems(&json!({ "spec": spec })).iter().map(Problem::to_string).collect()
    };
    let identity = |identity: Value| problems(json!({ "podIdentity": identity }));
    let oauth2 = |url: &str, client: &str| {
        problems(json!({ "oauth2": { "type": "clientCredentials", "clientId": client, "tokenUrl": url } }))
    };
    let none: [&str; 0] = [];
    for (found, said) in [
        (
            identity(json!({ "provider": "azure-workload", "identityId": "" })),
            "identityId of podIdentity must not",
        ),
        (
            identity(json!({ "provider": "azure-workload", "identityTenantId": "" })),
            "identityTenantId of podIdentity",
        ),
        (
            identity(json!({ "provider": "azure-workload", "identityAuthorityHost": "h" })),
            "identityTenantId of podIdentity must be given with identityAuthorityHost",
        ),
        (
            identity(json!({ "provider": "aws", "roleArn": "r", "identityOwner": "workload" })),
            "roleArn of podIdentity must not be given where identityOwner is workload",
        ),
        (
            identity(json!({ "provider": "aws", "externalID": "x" })),
            "externalID of podIdentity needs roleArn",
        ),
        (oauth2("https://id/token", ""), "clientId of oauth2 must not be empty"),
        (oauth2("ftp://id/token", "me"), "tokenUrl of oauth2 must be an http or https URL with a host"),
        (oauth2("https:///token", "me"), "tokenUrl of oauth2 must be an http or https URL with a host"),
    ] {
        assert!(found.len() == 1 && found[0].contains(said), "{said}: {found:?}");
    }
    for found in [
        identity(json!({ "provider": "azure-workload", "identityId": "i", "identityTenantId": "t" })),
        identity(json!({ "provider": "gcp", "externalID": "x" })),
        identity(json!({ "provider": "aws", "externalID": "x", "roleArn": "r", "identityOwner": "keda" })),
        oauth2("HTTPS://id.example.com/token", "me"),
        problems(json!({})),
        problems(json!({ "podIdentity": null, "oauth2": null, "env": null, "filePath": null })),
    ] {
        assert_eq!(found, none);
    }
    // A trigger is told, too, as the object may be older than the rules.
    let spec = json!({ "podIdentity": { "provider": "aws", "externalID": "x" } });
    let problems = trigger("kubernetes-workload", &[("podSelector", "app=a"), ("value", "2")])
        .authenticated(spec)
        .problems();
    assert_eq!(
        problems,
        [
            "spec.triggers[0].authenticationRef.name: Invalid value: spec.podIdentity of TriggerAuthentication \
          shop/auth: externalID of podIdentity needs roleArn"
        ]
    );
}

#[test]
fn contract_1_3_the_schema_judges_stores_that_are_not_read() {
    let schema =
        Schema::of(TRIGGER_AUTHENTICATION.crd_name(), &engine::POLICIES, TRIGGER_AUTHENTICATION.definition);
    let problems = |spec: Value| -> Vec<String> {
        schema.problems(&json!({ "spec": spec })).iter().map(Problem::to_string).collect()
    };
    assert_eq!(
        problems(
            json!({ "hashiCorpVault": { "address": "http://vault", "authentication": "ldap", "secrets": [] } })
        ),
        [
            "spec.hashiCorpVault.authentication: Unsupported value: \"ldap\": supported values: \"token\", \
             \"kubernetes\"",
            "spec.hashiCorpVault.secrets: Invalid value: 0: spec.hashiCorpVault.secrets in body should have at least 1 \
             items",
        ]
    );
    assert_eq!(
        problems(json!({ "secretTargetRef": [{ "parameter": "p" }], "podIdentity": { "provider": "ibm" } })),
        [
            "spec.podIdentity.provider: Unsupported value: \"ibm\": supported values: \"azure-workload\", \"gcp\", \
             \"aws\", \"aws-eks\", \"none\"",
            "spec.secretTargetRef[0].key: Required value",
            "spec.secretTargetRef[0].name: Required value",
        ]
    );
}

#[test]
fn contract_1_3_both_kinds_are_known_by_kedas_names_and_columns() {
    let names = |kind: &Supporting| {
        let crd = (kind.definition)();
        assert_eq!(crd.metadata.name, Some(kind.crd_name()));
        let names = crd.spec.names;
        assert_eq!((names.kind.as_str(), names.plural.as_str()), (kind.kind, kind.plural));
        let columns = crd.spec.versions[0].additional_printer_columns.iter().flatten();
        let columns = columns
            .map(|column| {
                let wide = if column.priority == Some(1) { " (wide)" } else { "" };
                format!("{} {}{wide}", column.name, column.json_path)
            })
            .collect::<Vec<_>>();
        (crd.spec.scope, names.list_kind, names.singular, names.short_names, columns)
    };
    let first = [
        "PodIdentity .spec.podIdentity.provider",
        "Secret .spec.secretTargetRef[*].name",
        "Env .spec.env[*].name",
    ];
    let last = [
        "VaultAddress .spec.hashiCorpVault.address",
        "ScaledObjects .status.scaledobjects (wide)",
        "ScaledJobs .status.scaledjobs (wide)",
    ];
    let text = |text: &str| Some(text.to_owned());
    let list = |names: [&str; 2]| Some(names.map(str::to_owned).to_vec());
    assert_eq!(
        names(&TRIGGER_AUTHENTICATION),
        (
            "Namespaced".to_owned(),
            None,
            text("triggerauthentication"),
            list(["ta", "triggerauth"]),
            [&first[..], &last[..]].concat().iter().map(|column| (*column).to_owned()).collect(),
        )
    );
    assert_eq!(
        names(&CLUSTER_TRIGGER_AUTHENTICATION),
        (
            "Cluster".to_owned(),
            None,
            text("clustertriggerauthentication"),
            list(["cta", "clustertriggerauth"]),
            [&first[..], &["FilePath .spec.filePath"], &last[..]]
                .concat()
                .iter()
                .map(|column| (*column).to_owned())
                .collect(),
        )
    );
}

#[test]
fn contract_1_3_each_block_has_kedas_fields() {
    for kind in [&TRIGGER_AUTHENTICATION, &CLUSTER_TRIGGER_AUTHENTICATION] {
        let crd = serde_json::to_value((kind.definition)()).unwrap();
        let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties").unwrap();
        let spec = &schema["spec"]["properties"];
        assert_eq!(schema["spec"].get("required"), None, "{}", kind.kind);
        // The fields of each, those that it must have with a star: a type of oauth2 has a default.
        for (pointer, wanted) in [
            (
                "/podIdentity",
                "externalID identityAuthorityHost identityId identityOwner identityTenantId provider* roleArn",
            ),
            ("/secretTargetRef/items", "key* name* parameter*"),
            ("/configMapTargetRef/items", "key* name* parameter*"),
            ("/env/items", "containerName name* parameter*"),
            ("/boundServiceAccountToken/items", "parameter* serviceAccountName*"),
            ("/oauth2", "clientId* clientSecret scopes tokenUrl* tokenUrlParams type"),
            ("/hashiCorpVault", "address* authentication* credential mount namespace role secrets*"),
            ("/hashiCorpVault/properties/secrets/items", "key* parameter* path* pkiData type"),
            ("/azureKeyVault", "cloud credentials podIdentity secrets* vaultUri*"),
            ("/azureKeyVault/properties/secrets/items", "name* parameter* version"),
            ("/gcpSecretManager", "credentials podIdentity secrets*"),
            ("/gcpSecretManager/properties/secrets/items", "id* parameter* version"),
            ("/awsSecretManager", "credentials podIdentity region secrets*"),
            (
                "/awsSecretManager/properties/secrets/items",
                "name* parameter* secretKey versionId versionStage",
            ),
        ] {
            let block = spec.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
            let required: Vec<&str> =
                block["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let star = |name: &String| if required.contains(&name.as_str()) { "*" } else { "" };
            let mut fields: Vec<String> = block["properties"]
                .as_object()
                .unwrap()
                .keys()
                .map(|name| format!("{name}{}", star(name)))
                .collect();
            fields.sort();
            assert_eq!(fields.join(" "), wanted, "{pointer}");
        }
        assert_eq!(spec["filePath"]["type"], "string");
        assert_eq!(spec["podIdentity"]["properties"]["identityOwner"]["enum"], json!(["keda", "workload"]));
        let grant = &spec["oauth2"]["properties"]["type"];
        assert_eq!(
            (&grant["enum"], &grant["default"]),
            (&json!(["clientCredentials"]), &json!("clientCredentials"))
        );
        let status: Vec<&String> = schema["status"]["properties"].as_object().unwrap().keys().collect();
        assert_eq!(status, ["scaledjobs", "scaledobjects"]);
        assert_eq!(crd["spec"]["versions"][0]["subresources"], json!({ "status": {} }));
    }
}
