use serde_json::{Value, json};

use super::*;
use crate::scaled_object::triggers::fixture::{Case, trigger};
use crate::supporting::{Reference, Resolved};

mod file;
mod schema;

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
                "spec.triggers[0].authenticationRef.name: Unsupported value: spec.{block} of TriggerAuthentication \
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
            "spec.triggers[0].authenticationRef.name: Unsupported value: its podIdentity is gcp, which is not supported for \
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
