//! Values that look like something else to YAML, and whole installations under a restricted policy: rendered by
//! the real helm, judged by a real API server.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::ObjectMeta;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::harness::{Scene, control_plane};
use crate::packaging::chart::{ALL_OPTIONS, PROMETHEUS_OPERATOR, prometheus_operator_crd};
use crate::packaging::helm::{template, values_file};
use crate::packaging::manifests::{dry_run, kind, only, typed};

/// Text that YAML takes for a number, a truth value, nothing, a map, a list, a comment or a template.
const HOSTILE: [&str; 13] = [
    "1234",
    "0x1F",
    "1e3",
    "1_000",
    "true",
    "no",
    "null",
    "~",
    "a: b",
    "- a",
    "x # y",
    "{{ .Values }}",
    "\"'\\\n\t%",
];

/// Everything that can be switched off, and every default that can be taken away.
const ALL_OFF: &str = "
replicaCount: 0
crds: { install: false }
operator:
  metrics: { enabled: false }
  activityServer: { enabled: false }
  leaderElection: { enabled: false }
rbac: { create: false }
serviceAccount: { create: false }
webhook: { enabled: false }
externalMetrics: { enabled: false }
metricsService: { enabled: false }
activityService: { enabled: false }
podSecurityContext: { runAsNonRoot: null, seccompProfile: null }
securityContext: { allowPrivilegeEscalation: null, readOnlyRootFilesystem: null, capabilities: null }
livenessProbe: { periodSeconds: null, timeoutSeconds: null }
readinessProbe: { periodSeconds: null, timeoutSeconds: null }
resources: { requests: null, limits: null }
";

fn rendered(release: &str, namespace: &str, values: &str) -> Vec<DynamicObject> {
    let file = values_file(values);
    let path = file.path().display().to_string();
    template(release, &["--namespace", namespace, "--values", &path]).unwrap()
}

/// A namespace in which the API server refuses pods that are not restricted.
async fn restricted_namespace(scene: &Scene, name: &str) {
    let namespaces: Api<Namespace> = Api::all(scene.client.clone());
    let namespace = json!({ "metadata": { "name": name,
        "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
    let params = PatchParams::apply("tests").force();
    let namespace: Value = merged(namespace, json!({ "apiVersion": "v1", "kind": "Namespace" }));
    namespaces.patch(name, &params, &Patch::Apply(namespace)).await.unwrap();
}

fn merged(mut one: Value, other: Value) -> Value {
    for (field, value) in other.as_object().unwrap() {
        one[field] = value.clone();
    }
    one
}

/// Has the API server admit a pod of the Deployment, as its controller would create it.
async fn admit_pod(scene: &Scene, objects: &[DynamicObject]) -> Pod {
    let deployment: Deployment = typed(only(objects, "Deployment"));
    let namespace = deployment.namespace().unwrap();
    let template = deployment.spec.unwrap().template;
    let account = template.spec.as_ref().unwrap().service_account_name.clone().unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.client.clone(), &namespace);
    let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": account } });
    let name = account["metadata"]["name"].as_str().unwrap().to_owned();
    accounts.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&account)).await.unwrap();
    let metadata = ObjectMeta { name: Some("judged".to_owned()), ..template.metadata.unwrap() };
    let pod = Pod { metadata, spec: template.spec, status: None };
    let pods: Api<Pod> = Api::namespaced(scene.client.clone(), &namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    pods.create(&params, &pod).await.unwrap_or_else(|error| panic!("{namespace}: {error}"))
}

async fn with_prometheus_operator(scene: &Scene) {
    for (kind, plural) in PROMETHEUS_OPERATOR {
        control_plane::install_crd(&scene.client, &prometheus_operator_crd(kind, plural)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_digits_are_names() {
    let scene = Scene::new("digits").await;
    with_prometheus_operator(&scene).await;
    restricted_namespace(&scene, "1234").await;
    let classes: Api<PriorityClass> = Api::all(scene.client.clone());
    let class = json!({ "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": { "name": "1000000" }, "value": 10, "globalDefault": false });
    let params = PatchParams::apply("tests").force();
    classes.patch("1000000", &params, &Patch::Apply(class)).await.unwrap();
    let digits = "
nameOverride: '10'
image: { repository: '4711', tag: '20' }
imagePullSecrets: [{ name: '30' }]
serviceAccount: { name: '40', annotations: { a: '1' } }
priorityClassName: '1000000'
commonLabels: { '5': '50' }
podLabels: { '6': '60' }
podAnnotations: { '7': '70' }
operator: { namespaces: ['1234', '5678'] }
rbac: { secrets: { names: ['80'] } }
webhook: { existingSecret: '90' }
serviceMonitor: { enabled: true, labels: { '8': '80' } }
prometheusRule: { enabled: true }
dashboard: { enabled: true, annotations: { '9': '90' } }
networkPolicy: { enabled: true }
podDisruptionBudget: { enabled: true }
";
    for values in ["", digits] {
        let objects = rendered("2024", "1234", values);
        dry_run(&scene.client, &objects).await;
        let pod = admit_pod(&scene, &objects).await;
        assert_eq!(pod.labels()["app.kubernetes.io/instance"], "2024");
        let account = pod.spec.unwrap().service_account_name.unwrap();
        // A Service must begin with a letter, so a release that does not is put behind the chart's name.
        assert_eq!(account, if values.is_empty() { "polyscaler-2024" } else { "40" });
    }
    for (release, namespace, values) in [("1e3", "0x1f", ""), ("true", "null", "fullnameOverride: '77'")] {
        restricted_namespace(&scene, namespace).await;
        dry_run(&scene.client, &rendered(release, namespace, values)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_on_or_off_a_restricted_namespace_admits_the_pod() {
    let scene = Scene::new("restricted").await;
    with_prometheus_operator(&scene).await;
    let namespace = format!("{}-strict", scene.namespace);
    restricted_namespace(&scene, &namespace).await;
    for (release, values) in [("defaults", ""), ("all", ALL_OPTIONS)] {
        let objects = rendered(release, &namespace, values);
        dry_run(&scene.client, &objects).await;
        admit_pod(&scene, &objects).await;
    }
    let kustomized = crate::packaging::kustomize::kustomize("config/overlays/production");
    restricted_namespace(&scene, "scaling-operator-system").await;
    admit_pod(&scene, &kustomized).await;
    // What these take away is what makes it restricted, so another namespace judges them.
    for (release, values) in [("off", ALL_OFF), ("host", "hostNetwork: true")] {
        let objects = rendered(release, &scene.namespace, values);
        dry_run(&scene.client, &objects).await;
        admit_pod(&scene, &objects).await;
    }
}

#[test]
fn what_is_taken_away_is_not_there() {
    let objects = rendered("off", "any", ALL_OFF);
    let deployment: Deployment = typed(only(&objects, "Deployment"));
    assert_eq!(objects.len(), 1);
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    assert!(pod.security_context.is_none() && pod.host_network.is_none() && pod.dns_policy.is_none());
    let container = &pod.containers[0];
    assert!(container.security_context.is_none());
    let probe = container.liveness_probe.as_ref().unwrap();
    assert!(probe.http_get.is_some() && probe.period_seconds.is_none());

    let objects = rendered("host", "any", "hostNetwork: true");
    let pod = typed::<Deployment>(only(&objects, "Deployment")).spec.unwrap().template.spec.unwrap();
    assert_eq!((pod.host_network, pod.dns_policy.as_deref()), (Some(true), Some("ClusterFirstWithHostNet")));
}

#[test]
fn text_arrives_as_it_was_given() {
    for text in HOSTILE {
        let quoted = json!(text).to_string();
        let values = format!(
            "{{podAnnotations: {{x: {quoted}}}, extraEnv: [{{name: X, value: {quoted}}}], extraArgs: [{quoted}], \
             serviceAccount: {{annotations: {{x: {quoted}}}}}, dashboard: {{enabled: true, annotations: {{x: {quoted}}}}}, \
             metricsService: {{annotations: {{x: {quoted}}}}}, podDisruptionBudget: {{enabled: true}}}}"
        );
        let objects = rendered("text", "any", &values);
        let template = typed::<Deployment>(only(&objects, "Deployment")).spec.unwrap().template;
        assert_eq!(template.metadata.unwrap().annotations.unwrap()["x"], text);
        let container = template.spec.unwrap().containers.remove(0);
        assert_eq!(container.args.unwrap().last().unwrap(), text);
        let variable = container.env.unwrap().into_iter().find(|variable| variable.name == "X");
        assert_eq!(variable.unwrap().value.as_deref(), Some(text));
        for wanted in ["ServiceAccount", "ConfigMap"] {
            assert_eq!(only(&objects, wanted).annotations()["x"], text, "{wanted}");
        }
        let is_annotated =
            |object: &&DynamicObject| kind(object) == "Service" && !object.annotations().is_empty();
        assert_eq!(objects.iter().find(is_annotated).unwrap().annotations()["x"], text);
    }
}

#[test]
fn an_image_is_named_by_its_digest() {
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (tag, image) in [("", format!("registry/x@{digest}")), ("v1", format!("registry/x:v1@{digest}"))] {
        let values = format!("image: {{ repository: registry/x, tag: '{tag}', digest: '{digest}' }}");
        let deployment: Deployment = typed(only(&rendered("any", "any", &values), "Deployment"));
        let container = deployment.spec.unwrap().template.spec.unwrap().containers.remove(0);
        assert_eq!(container.image, Some(image));
    }
}

#[test]
fn labels_of_everything_are_on_everything_and_take_nothing_over() {
    let values = format!("{ALL_OPTIONS}\n");
    let objects = rendered("labels", "any", &values);
    for object in objects.iter().filter(|object| kind(object) != "CustomResourceDefinition") {
        let labels = object.labels();
        assert_eq!(labels["cost-center"], "4711", "{} {}", kind(object), object.name_any());
        assert_eq!(labels["app.kubernetes.io/instance"], "labels", "{}", kind(object));
    }
    let template = typed::<Deployment>(only(&objects, "Deployment")).spec.unwrap().template;
    // The nearer one counts.
    assert_eq!(template.metadata.unwrap().labels.unwrap()["team"], "scaling");
    let taken = "commonLabels: { app.kubernetes.io/instance: mine }";
    let deployment: Deployment = typed(only(&rendered("labels", "any", taken), "Deployment"));
    assert_eq!(deployment.labels()["app.kubernetes.io/instance"], "labels");
}
