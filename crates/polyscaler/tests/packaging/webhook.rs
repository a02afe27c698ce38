//! The admission webhook as it was installed, with the rights that came along.

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::wait;

use crate::harness::{LIMIT, Scene};
use crate::packaging::helm::template;
use crate::packaging::manifests::{kind, only, typed};
use crate::packaging::pod::Pod;

async fn lead(api: &Api<ValidatingWebhookConfiguration>, name: &str, client_config: Value) {
    let patch = json!({ "webhooks": [{ "name": "validate.polyscaler.dev", "clientConfig": client_config }] });
    api.patch(name, &PatchParams::default(), &Patch::Strategic(patch)).await.unwrap();
}

/// The operator puts its authority into the installed configuration and refuses what makes no
/// sense. The Service leads to pods, and none runs here: meanwhile a URL stands in for it.
pub(crate) async fn refuses(scene: &Scene, pod: &Pod, configuration: &str) {
    let api: Api<ValidatingWebhookConfiguration> = Api::all(scene.client.clone());
    let installed = api.get(configuration).await.unwrap().webhooks.unwrap().remove(0);
    assert_eq!(installed.failure_policy.as_deref(), Some("Ignore"));
    let service = installed.client_config.service.unwrap();
    let services: Api<k8s_openapi::api::core::v1::Service> =
        Api::namespaced(scene.client.clone(), &service.namespace);
    let ports = services.get(&service.name).await.unwrap().spec.unwrap().ports.unwrap();
    assert_eq!(Some(ports[0].port), service.port);

    let bundle = || async {
        let found = api.get(configuration).await.unwrap().webhooks.unwrap().remove(0);
        found.client_config.ca_bundle.filter(|bundle| !bundle.0.is_empty())
    };
    wait::until("the authority is in place", LIMIT, bundle).await.unwrap();
    let url = format!("https://127.0.0.1:{}/validate", pod.webhook.port());
    lead(&api, configuration, json!({ "url": url, "service": null })).await;
    let mut spec = scene.spec("web", "/users");
    spec["valuePath"] = json!("$.[");
    let object = json!({ "apiVersion": "example.com/v1", "kind": "BusinessScaling",
        "metadata": { "name": scene.full_name("refused") }, "spec": spec });
    let object: DynamicObject = serde_json::from_value(object).unwrap();
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let look = || async {
        match scene.existing("any").api.create(&params, &object).await {
            Err(kube::Error::Api(status)) if status.code == 422 => Ok(status),
            other => Err(format!("{other:?}")),
        }
    };
    let status = wait::until("it is refused", LIMIT, look).await.unwrap();
    assert_eq!(status.details.unwrap().causes[0].field, "spec.valuePath");
    lead(&api, configuration, json!({ "url": null, "service": service })).await;
}

#[test]
fn whoever_has_a_certificate_mounts_it() {
    for (set, secret) in [
        ("webhook.existingSecret=mine", "mine"),
        ("webhook.certManager.enabled=true", "any-polyscaler-webhook-tls"),
    ] {
        let objects = template("any", &["--set", set]).unwrap();
        let deployment: k8s_openapi::api::apps::v1::Deployment = typed(only(&objects, "Deployment"));
        let pod = deployment.spec.unwrap().template.spec.unwrap();
        let volume = pod.volumes.unwrap().remove(0);
        assert_eq!(volume.secret.unwrap().secret_name.as_deref(), Some(secret));
        let container = &pod.containers[0];
        let mount = &container.volume_mounts.as_ref().unwrap()[0];
        let flag = format!("--cert-dir={}", mount.mount_path);
        assert!(container.args.as_ref().unwrap().contains(&flag), "{:?}", container.args);
        // The operator writes no Secret, so it needs no right to.
        assert!(
            !objects
                .iter()
                .filter(|object| kind(object) == "Role")
                .any(|role| { role.data["rules"].to_string().contains("secrets") })
        );
    }
}

#[test]
fn in_the_namespaced_mode_there_is_none() {
    let args = ["--set", "rbac.namespaced=true,operator.namespaces={a}"];
    let objects = template("any", &args).unwrap();
    assert!(!objects.iter().any(|object| kind(object) == "ValidatingWebhookConfiguration"));
    let deployment = only(&objects, "Deployment").data.to_string();
    assert!(!deployment.contains("webhook"), "{deployment}");
}

#[test]
fn contract_2_the_webhook_fails_open_and_hears_of_what_is_created_and_updated() {
    let objects = crate::packaging::manifests::parse(&crate::packaging::read("deploy/operator.yaml"));
    let configuration: ValidatingWebhookConfiguration =
        typed(only(&objects, "ValidatingWebhookConfiguration"));
    let webhook = &configuration.webhooks.unwrap()[0];
    assert_eq!(webhook.failure_policy.as_deref(), Some("Ignore"));
    assert_eq!(webhook.side_effects, "None");
    assert_eq!(webhook.match_policy.as_deref(), Some("Equivalent"));
    let of_scaled_objects = |rule: &&k8s_openapi::api::admissionregistration::v1::RuleWithOperations| {
        rule.resources.iter().flatten().any(|resource| resource == "scaledobjects")
    };
    let rule = webhook.rules.iter().flatten().find(of_scaled_objects).unwrap();
    assert_eq!(rule.api_groups, Some(vec!["keda.sh".to_owned()]));
    assert_eq!(
        rule.operations,
        Some(vec!["CREATE".to_owned(), "UPDATE".to_owned()]),
        "deletions are never judged"
    );
}
