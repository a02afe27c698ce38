use engine::Problem;
use serde_json::{Value, json};

use super::*;
use crate::scaled_object::triggers::fixture::{Case, trigger};
use crate::schema::Schema;
use crate::supporting::{Reference, Resolved};

mod file;

/// A trigger with a parameter that an authentication gives.
fn guarded() -> Case {
    trigger(
        "prometheus",
        &[("serverAddress", "https://p:9090"), ("query", "up"), ("threshold", "5"), ("authModes", "bearer")],
    )
}

fn of_cluster(mut case: Case, spec: Value, own_namespace: Option<&str>) -> Case {
    case = case.authenticated(json!({}));
    if let Some(reference) = &mut case.trigger.authentication_ref {
        reference.kind = Some("ClusterTriggerAuthentication".to_owned());
    }
    let reference =
        Reference { kind: "ClusterTriggerAuthentication", namespace: String::new(), name: "auth".to_owned() };
    let resolved = Resolved::new([(reference, Some(json!({ "spec": spec }).into()))]);
    let resolved = match own_namespace {
        Some(namespace) => resolved.by_operator_in(namespace),
        None => resolved,
    };
    Case { resolved: Some(resolved), ..case }
}

fn bearer(of: Value) -> Value {
    let mut of = of;
    of["parameter"] = json!("bearerToken");
    json!([of])
}

#[test]
fn contract_7_a_value_is_found_where_the_authentication_says() {
    let key = bearer(json!({ "name": "tokens", "key": "prometheus" }));
    for (spec, credential) in [
        (json!({ "secretTargetRef": key }), "prometheus of secret shop/tokens"),
        (json!({ "configMapTargetRef": key }), "prometheus of config map shop/tokens"),
        (json!({ "env": bearer(json!({ "name": "TOKEN" })) }), "TOKEN of environment of Deployment shop/web"),
        (
            json!({ "env": bearer(json!({ "name": "TOKEN", "containerName": "app" })) }),
            "TOKEN of environment of container app of Deployment shop/web",
        ),
        (
            json!({ "boundServiceAccountToken": bearer(json!({ "serviceAccountName": "reader" })) }),
            "token of service account shop/reader",
        ),
    ] {
        let case = guarded().authenticated(spec);
        assert_eq!(case.shown_credentials(), [format!("bearerTokenFrom: {credential}")]);
    }
}

#[test]
fn contract_7_the_environment_of_an_authentication_is_that_of_the_first_container() {
    let mut case = guarded().authenticated(json!({ "env": bearer(json!({ "name": "TOKEN" })) }));
    case.env_container = Some("side");
    assert_eq!(
        case.shown_credentials(),
        ["bearerTokenFrom: TOKEN of environment of Deployment shop/web"],
        "envSourceContainerName is for metadata"
    );
}

#[test]
fn contract_7_of_two_values_the_later_source_counts() {
    let key = |name: &str| bearer(json!({ "name": name, "key": "k" }));
    let mut spec = json!({
        "boundServiceAccountToken": bearer(json!({ "serviceAccountName": "reader" })),
        "secretTargetRef": key("secret"),
        "configMapTargetRef": key("map"),
        "env": bearer(json!({ "name": "TOKEN" })),
    });
    for (block, credential) in [
        ("boundServiceAccountToken", "token of service account shop/reader"),
        ("secretTargetRef", "k of secret shop/secret"),
        ("configMapTargetRef", "k of config map shop/map"),
        ("env", "TOKEN of environment of Deployment shop/web"),
    ] {
        let case = guarded().authenticated(spec.clone());
        assert_eq!(case.shown_credentials(), [format!("bearerTokenFrom: {credential}")]);
        spec.as_object_mut().unwrap().remove(block);
    }
    assert_eq!(
        guarded().authenticated(spec).problems(),
        [
            "spec.triggers[0].metadata.bearerToken: Required value: missing required parameter \"bearerToken\" in \
          [authParams]"
        ]
    );
}

#[test]
fn an_alias_will_do() {
    let spec = json!({ "secretTargetRef": [{ "parameter": "token", "name": "s", "key": "k" }] });
    assert_eq!(guarded().authenticated(spec).shown_credentials(), ["bearerTokenFrom: k of secret shop/s"]);
}

#[test]
fn contract_7_oauth2_gives_its_own_parameters() {
    let spec = json!({ "oauth2": {
        "type": "clientCredentials", "clientId": "me", "tokenUrl": "https://id.example.com/token",
        "clientSecret": { "valueFrom": { "secretKeyRef": { "name": "oauth", "key": "secret" } } },
        "scopes": ["read", "write"], "tokenUrlParams": { "audience": "prometheus" },
    } });
    let case = guarded().authenticated(spec).with(|trigger| {
        trigger.metadata.insert("authModes".to_owned(), "oauth".to_owned());
    });
    assert_eq!(
        case.asked().1["oauth2"],
        json!({ "tokenUrl": "https://id.example.com/token", "clientId": "me", "scopes": ["read", "write"],
                "endpointParams": { "audience": "prometheus" } })
    );
    assert_eq!(
        case.shown_credentials(),
        ["oauth2.clientSecretFrom: secret of secret shop/oauth, or nothing"]
    );
}

#[test]
fn contract_7_what_an_authentication_of_the_cluster_names_stands_with_the_operator() {
    let spec = json!({
        "secretTargetRef": bearer(json!({ "name": "tokens", "key": "prometheus" })),
    });
    assert_eq!(
        of_cluster(guarded(), spec.clone(), Some("polyscaler")).shown_credentials(),
        ["bearerTokenFrom: prometheus of secret polyscaler/tokens"]
    );
    let env = json!({ "env": bearer(json!({ "name": "TOKEN" })) });
    assert_eq!(
        of_cluster(guarded(), env, Some("polyscaler")).shown_credentials(),
        ["bearerTokenFrom: TOKEN of environment of Deployment shop/web"],
        "the target's own environment stays where the target is"
    );
    let problems = of_cluster(guarded(), spec, None).problems();
    assert!(problems[0].contains("the operator's namespace is not known here"), "{problems:?}");
}

#[test]
fn contract_7_one_that_does_not_exist_is_said_so_and_nothing_else() {
    let mut case = guarded().authenticated(json!({}));
    case.resolved = Some(Resolved::default());
    assert_eq!(
        case.problems(),
        [
            "spec.triggers[0].authenticationRef.name: Not found: TriggerAuthentication shop/auth does not exist"
        ]
    );
}

#[test]
fn while_nobody_looks_what_it_may_give_is_not_missed() {
    let mut case = guarded().authenticated(json!({}));
    case.resolved = None;
    assert_eq!(case.problems(), [] as [&str; 0]);
    let case = case.with(|trigger| drop(trigger.metadata.remove("query")));
    assert_eq!(
        case.problems(),
        ["spec.triggers[0].metadata.query: Required value: missing required parameter \"query\" in \
          [triggerMetadata]"],
        "what it may not give is"
    );
}

#[test]
fn contract_7_stores_that_are_not_read_are_named() {
    for block in ["hashiCorpVault", "azureKeyVault", "gcpSecretManager", "awsSecretManager"] {
        let case = guarded().authenticated(json!({ block: {} }));
        assert_eq!(
            case.problems(),
            [format!(
                "spec.triggers[0].authenticationRef.name: Invalid value: spec.{block} of TriggerAuthentication \
                 shop/auth: is not supported yet; put the values into a Secret and name it in secretTargetRef"
            )]
        );
    }
}

#[test]
fn contract_7_a_cloud_identity_is_refused_where_the_trigger_would_show_it() {
    let spec = |provider: &str| {
        json!({ "podIdentity": { "provider": provider },
                "secretTargetRef": bearer(json!({ "name": "s", "key": "k" })) })
    };
    assert_eq!(guarded().authenticated(spec("none")).problems(), [] as [&str; 0]);
    assert_eq!(
        guarded().authenticated(spec("gcp")).problems(),
        [
            "spec.triggers[0].authenticationRef.name: Invalid value: its podIdentity is gcp, which is not supported for \
          trigger prometheus yet; give it credentials"
        ]
    );
    let workload = trigger("kubernetes-workload", &[("podSelector", "app=a"), ("value", "2")]);
    assert_eq!(workload.authenticated(spec("aws")).problems(), [] as [&str; 0], "it shows none to anybody");
}

#[test]
fn a_name_cannot_lead_to_another_path() {
    let spec = json!({ "secretTargetRef": bearer(json!({ "name": "../../nodes", "key": "k" })) });
    let problems = guarded().authenticated(spec).problems();
    assert!(
        problems[0].contains("it names \"../../nodes\", which cannot be the name of an object"),
        "{problems:?}"
    );
}

#[test]
fn contract_7_references_are_the_authentications_that_triggers_name() {
    let object = json!({ "metadata": { "namespace": "shop" }, "spec": { "triggers": [
        { "type": "redis", "authenticationRef": { "name": "a" } },
        { "type": "redis", "authenticationRef": { "name": "a", "kind": "TriggerAuthentication" } },
        { "type": "redis", "authenticationRef": { "name": "a", "kind": "ClusterTriggerAuthentication" } },
        { "type": "redis", "authenticationRef": { "name": "" } },
        { "type": "redis", "authenticationRef": 3 },
        { "type": "redis" },
        7,
    ] } });
    let shown: Vec<String> = references(&object).iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["TriggerAuthentication shop/a", "ClusterTriggerAuthentication a"]);
    assert_eq!(references(&json!({ "spec": { "triggers": 3 } })), []);
    assert_eq!(references(&json!(null)), []);
}

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

#[test]
fn contract_7_oauth2_comes_last() {
    let spec = json!({
        "secretTargetRef": [{ "parameter": "clientID", "name": "s", "key": "k" }],
        "oauth2": { "type": "clientCredentials", "clientId": "me", "tokenUrl": "https://id/token" },
    });
    let case = guarded().authenticated(spec).with(|trigger| {
        trigger.metadata.insert("authModes".to_owned(), "oauth".to_owned());
    });
    assert_eq!(case.asked().1["oauth2"]["clientId"], "me");
    assert_eq!(case.shown_credentials(), [""; 0]);
}
