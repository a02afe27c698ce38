//! What the API server refuses is reported by its cause, with what to do about it.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use testbed::wait;

use crate::cluster::webhook::Hook;
use crate::harness::{LIMIT, Scene};

/// A policy, bound to the scene's namespace or, for what has none, to the whole cluster.
async fn policy(scene: &Scene, name: &str, rule: Value, expression: &str, message: &str) {
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(scene.client.clone());
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(scene.client.clone());
    let policy = json!({ "metadata": { "name": name }, "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": { "resourceRules": [rule] },
        "validations": [{ "expression": expression, "message": message }],
    } });
    policies.create(&PostParams::default(), &serde_json::from_value(policy).unwrap()).await.unwrap();
    let binding = json!({ "metadata": { "name": name },
        "spec": { "policyName": name, "validationActions": ["Deny"] } });
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
}

async fn lift(scene: &Scene, name: &str) {
    let bindings: Api<ValidatingAdmissionPolicyBinding> = Api::all(scene.client.clone());
    bindings.delete(name, &DeleteParams::default()).await.unwrap();
    let policies: Api<ValidatingAdmissionPolicy> = Api::all(scene.client.clone());
    policies.delete(name, &DeleteParams::default()).await.unwrap();
}

/// The rule for one part of one kind in the scene.
fn rule(group: &str, resource: &str) -> Value {
    json!({ "apiGroups": [group], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": [resource] })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admission_policy_is_named_and_what_to_do() {
    let scene = Scene::new("policy").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let name = format!("{}-at-most-5", scene.namespace);
    let ours = format!("object.metadata.namespace != '{}' || object.spec.replicas <= 5", scene.namespace);
    policy(&scene, &name, rule("apps", "deployments/scale"), &ours, "five are enough").await;
    // A policy takes effect some moments after it was made.
    let denied = || async {
        let (params, scale) =
            (PatchParams { dry_run: true, ..Default::default() }, json!({ "spec": { "replicas": 9 } }));
        let answer = target.api.patch_scale("web", &params, &Patch::Merge(scale)).await;
        answer.err().map(|_| ()).ok_or("9 replicas are still allowed")
    };
    wait::until("the policy takes effect", LIMIT, denied).await.unwrap();
    scene.users("/users", 9000);
    let look = || async {
        let message = scaling.wait_for("AbleToScale", "False", "AdmissionDenied").await;
        if message.contains("five are enough") { Ok(message) } else { Err(message) }
    };
    let message = wait::until("the denial", LIMIT, look).await.unwrap();
    assert!(message.contains("change the ValidatingAdmissionPolicy") && message.contains(&name), "{message}");
    scaling.wait_for_event("Warning", "AdmissionDenied", "five are enough").await;
    operator.wait_for_writes("scale", "refused", 1.0).await;
    lift(&scene, &name).await;
    target.wait_for(10).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_a_policy_denies_is_reported_once_and_holds_up_nothing() {
    let scene = Scene::new("denied").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 1000);
    let name = format!("{}-no-status", scene.namespace);
    let ours = format!("!object.metadata.name.startsWith('{}')", scene.namespace);
    policy(&scene, &name, rule("example.com", "businessscalings/status"), &ours, "not here").await;
    let operator = scene.operator(&[]).await;
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    // Until the policy takes effect, some statuses pass.
    let look = || async {
        for (users, replicas) in [(3000, 6), (5000, 10), (1000, 2)] {
            scene.users("/users", users);
            target.wait_for(replicas).await;
        }
        let log = operator.log();
        log.contains("denied by an admission policy").then_some(()).ok_or(log)
    };
    wait::until("the denial is reported", LIMIT, look).await.unwrap();
    for (users, replicas) in [(3000, 6), (5000, 10)] {
        scene.users("/users", users);
        target.wait_for(replicas).await;
    }
    assert_eq!(operator.wait_for_lines("denied by an admission policy", 1).await, 1, "{}", operator.log());
    lift(&scene, &name).await;
    operator.wait_for_lines("permission granted", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_be_reached_is_named() {
    let scene = Scene::new("hook").await;
    let target = scene.podless_deployment("web", 2).await;
    let name = format!("{}.example.org", scene.namespace);
    let hooks: Api<ValidatingWebhookConfiguration> = Api::all(scene.client.clone());
    let hook = json!({ "metadata": { "name": name }, "webhooks": [{
        "name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        "clientConfig": { "url": "https://127.0.0.1:1/none" },
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": scene.namespace } },
        "rules": [{ "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
            "resources": ["deployments/scale"], "scope": "Namespaced" }],
    }] });
    hooks.create(&PostParams::default(), &serde_json::from_value(hook).unwrap()).await.unwrap();
    let refuses = || async {
        let scale = Patch::Merge(json!({ "spec": { "replicas": 3 } }));
        let answer = target.api.patch_scale("web", &Default::default(), &scale).await;
        answer.err().map(|_| ())
    };
    wait::until("the webhook takes effect", LIMIT, refuses).await.unwrap();

    scene.users("/users", 9000);
    scene.operator(&[]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let message = scaling.wait_for("AbleToScale", "False", "FailedUpdateScale").await;
    for words in ["webhook that cannot be reached", "failurePolicy", &name] {
        assert!(message.contains(words), "{message}");
    }
    hooks.delete(&name, &DeleteParams::default()).await.unwrap();
    target.wait_for(10).await;
    scaling.wait_for("Ready", "True", "Ready").await;
}

/// The operator's own objects: its Lease, and the Secret of its certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_denies_the_operators_own_objects_is_named() {
    let scene = Scene::new("own").await;
    let hook = Hook::install(&scene).await;
    let names = ["leases", "secrets"].map(|resource| format!("{}-no-{resource}", scene.namespace));
    let ours = format!("object.metadata.namespace != '{}'", scene.namespace);
    for (name, (group, resource)) in names.iter().zip([("coordination.k8s.io", "leases"), ("", "secrets")]) {
        let created = json!({ "apiGroups": [group], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"],
            "resources": [resource] });
        policy(&scene, name, created, &ours, "not in here").await;
    }
    let attempt = PostParams { dry_run: true, ..PostParams::default() };
    let (leases, secrets): (Api<Lease>, Api<Secret>) = (scene.namespaced(), scene.namespaced());
    let lease = serde_json::from_value(json!({ "metadata": { "name": "attempt" } })).unwrap();
    let secret = serde_json::from_value(json!({ "metadata": { "name": "attempt" } })).unwrap();
    let denied = || async {
        let passed =
            leases.create(&attempt, &lease).await.is_ok() || secrets.create(&attempt, &secret).await.is_ok();
        if passed { Err("not yet") } else { Ok(()) }
    };
    wait::until("the policies take effect", LIMIT, denied).await.unwrap();

    let flags = hook.flags(&hook.port);
    let operator = scene.begin_operator(&[&flags[0], &flags[1]], &[]);
    let advice = "change the ValidatingAdmissionPolicy";
    let look = || async {
        match operator.readyz().await {
            Ok((503, text)) if names.iter().all(|name| text.contains(name)) && text.contains(advice) => {
                Ok(())
            }
            Ok((status, text)) => Err(format!("{status} {text}")),
            Err(error) => Err(error),
        }
    };
    wait::until("readiness names both policies", LIMIT, look).await.unwrap();
    operator.wait_for_writes("secret", "refused", 1.0).await;
    for name in &names {
        lift(&scene, name).await;
    }
    operator.wait_until_ready().await;
}
