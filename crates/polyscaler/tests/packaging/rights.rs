//! Every verb of the installed roles is needed: without it, the operator says plainly which verb
//! on which resource is missing.

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role};
use kube::api::{DynamicObject, PostParams};
use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde_json::json;
use testbed::ports::PortClaim;
use testbed::{ChildHandle, Supervisor, wait};

use crate::harness::{LIMIT, POLYSCALER, Scaling, Scene, control_plane};
use crate::packaging::account;
use crate::packaging::manifests::{apply, kind, only, parse, typed};
use crate::packaging::read;

/// What an installation may do: everywhere, and in its own namespace.
pub(crate) struct Rights {
    pub(crate) everywhere: Vec<PolicyRule>,
    pub(crate) own: Vec<PolicyRule>,
}

const WEBHOOK_CONFIGURATIONS: &str = "validatingwebhookconfigurations";

/// One verb of one rule.
#[derive(Debug)]
struct Missing {
    is_own: bool,
    rule: usize,
    verb: String,
    /// The first resource of the rule, which the scene has in use.
    resource: String,
}

/// What the manifests bind to the operator.
pub(crate) fn installed() -> Rights {
    let objects = parse(&read("deploy/operator.yaml"));
    let of_kind = |wanted: &'static str| objects.iter().filter(move |object| kind(object) == wanted);
    // The others are for people.
    let bound: Vec<String> = of_kind("ClusterRoleBinding")
        .map(typed::<ClusterRoleBinding>)
        .filter(|binding| {
            binding
                .subjects
                .iter()
                .flatten()
                .all(|subject| subject.namespace.as_deref() != Some("kube-system"))
        })
        .map(|binding| binding.role_ref.name)
        .collect();
    let everywhere = of_kind("ClusterRole")
        .filter(|role| bound.contains(&role.name_any()))
        .flat_map(|role| typed::<ClusterRole>(role).rules.unwrap());
    let own = of_kind("Role").flat_map(|role| typed::<Role>(role).rules.unwrap());
    Rights { everywhere: everywhere.collect(), own: own.collect() }
}

impl Rights {
    /// Every single verb, but for those that a scene without bad luck does not come to use.
    fn each(&self) -> Vec<Missing> {
        let mut each = Vec::new();
        for (is_own, rules) in [(false, &self.everywhere), (true, &self.own)] {
            for (index, rule) in rules.iter().enumerate() {
                let resource = rule.resources.as_ref().unwrap()[0].clone();
                let group = &rule.api_groups.as_ref().unwrap()[0];
                // Of our kinds, the scene has a BusinessScaling only.
                let is_ours = resources::KINDS.iter().any(|kind| kind.group == group);
                // A cluster has one APIService for external metrics, which would lead nowhere for all tests that share it: a
                // test of that API has these.
                let is_of_metrics_api =
                    ["apiservices", "tokenreviews", "subjectaccessreviews", "configmaps", "clusterroles"]
                        .contains(&resource.as_str());
                let is_in_use = !is_of_metrics_api
                    && (!is_ours || group == "example.com" || !resource.ends_with("/status"));
                // An object is looked at again only where someone else wrote it in the same instant.
                // Any secret may be read for metrics, the operator's own among them.
                let is_given_twice = |verb: &str| is_own && resource == "secrets" && verb == "get";
                // Nor does it have a ScaledObject; a test of these has what they need.
                let is_of_scaled_objects = |verb: &str| {
                    let reads = ["list", "watch"].contains(&verb) && resource != "endpointslices";
                    !reads && ["keda.sh", "autoscaling", "discovery.k8s.io"].contains(&group.as_str())
                };
                let verbs = rule.verbs.iter().filter(|verb| {
                    let is_rare = is_given_twice(verb) || is_of_scaled_objects(verb);
                    is_in_use && !(is_ours && *verb == "get") && !is_rare
                });
                each.extend(verbs.map(|verb| Missing {
                    is_own,
                    rule: index,
                    verb: verb.clone(),
                    resource: resource.clone(),
                }));
            }
        }
        each
    }

    /// All rights but that one.
    fn without(&self, missing: &Missing) -> Self {
        let Self { mut everywhere, mut own } =
            Self { everywhere: self.everywhere.clone(), own: self.own.clone() };
        let rules = if missing.is_own { &mut own } else { &mut everywhere };
        rules[missing.rule].verbs.retain(|verb| *verb != missing.verb);
        if rules[missing.rule].verbs.is_empty() {
            rules.remove(missing.rule);
        }
        Self { everywhere, own }
    }

    /// The same for a webhook configuration of another name, as each scene has its own.
    fn for_configuration(mut self, name: &str) -> Self {
        for rule in &mut self.everywhere {
            if rule.resources.iter().flatten().any(|resource| resource == WEBHOOK_CONFIGURATIONS) {
                rule.resource_names = Some(vec![name.to_owned()]);
            }
        }
        self
    }

    /// Gives them to a new service account of the scene.
    async fn grant(&self, scene: &Scene) {
        let subject = json!({ "kind": "ServiceAccount", "name": "operator", "namespace": scene.namespace });
        let objects = [("ClusterRole", &self.everywhere), ("Role", &self.own)].map(|(kind, rules)| {
            let api_version = "rbac.authorization.k8s.io/v1";
            let mut metadata = json!({ "name": scene.namespace });
            if kind == "Role" {
                metadata["namespace"] = json!(scene.namespace);
            }
            let role =
                json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata, "rules": rules });
            let reference =
                json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": scene.namespace });
            let binding = json!({ "apiVersion": api_version, "kind": format!("{kind}Binding"),
                "metadata": metadata, "roleRef": reference, "subjects": [subject] });
            [role, binding].map(|object| serde_json::from_value(object).unwrap())
        });
        create::<ServiceAccount>(scene, json!({ "metadata": { "name": "operator" } })).await;
        apply(&scene.client, &objects.concat()).await;
    }
}

async fn create<K>(scene: &Scene, object: serde_json::Value)
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + serde::Serialize,
    K::DynamicType: Default,
{
    let object: K = serde_json::from_value(object).unwrap();
    scene.namespaced::<K>().create(&PostParams::default(), &object).await.unwrap();
}

/// A webhook configuration of the scene's own, about nothing.
fn configuration(scene: &Scene) -> DynamicObject {
    let mut configuration =
        only(&parse(&read("deploy/operator.yaml")), "ValidatingWebhookConfiguration").clone();
    configuration.metadata.name = Some(scene.namespace.clone());
    configuration.data["webhooks"][0]["rules"] = json!([]);
    configuration
}

/// Everything that the operator says, wherever it says it.
async fn said(process: &ChildHandle, health: &PortClaim, webhook: &PortClaim, scaling: &Scaling) -> String {
    let url = format!("http://127.0.0.1:{}/readyz", health.port());
    let http = testbed::http_client().timeout(LIMIT).build().unwrap();
    let ready = match http.get(url).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    let conditions = scaling.status().await["conditions"].clone();
    let messages = conditions.as_array().into_iter().flatten().map(|found| found["message"].to_string());
    let messages: Vec<String> = messages.collect();
    let reviewed = reviewed(webhook, scaling).await;
    let said = format!("{ready}\n{}\n{reviewed}\n{}", messages.join("\n"), process.last_lines(1000));
    // Fields of the log are quoted.
    said.replace('\\', "")
}

/// What the webhook says to an object whose workload `bare` has no requests.
async fn reviewed(webhook: &PortClaim, bare: &Scaling) -> String {
    let namespace = bare.get().await.data["spec"]["namespace"].clone();
    let cpu = json!({ "type": "cpu", "metricType": "Utilization", "metadata": { "value": "50" } });
    let object = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": { "name": "bare", "namespace": namespace },
        "spec": { "scaleTargetRef": { "name": "bare" }, "minReplicaCount": 1, "triggers": [cpu] },
    });
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": { "uid": "1", "operation": "CREATE", "namespace": namespace, "object": object, "oldObject": null,
            "kind": { "group": "keda.sh", "version": "v1alpha1", "kind": "ScaledObject" } },
    });
    let url = format!("https://127.0.0.1:{}/validate", webhook.port());
    // Its certificate may be what cannot be made.
    let http = testbed::http_client().danger_accept_invalid_certs(true).timeout(LIMIT).build().unwrap();
    match http.post(url).body(review.to_string()).send().await {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(error) => error.to_string(),
    }
}

/// Runs the operator without one right, until one line of what it says names it.
async fn without(rights: &Rights, missing: Missing) {
    let scene = Scene::new("rights").await;
    rights.without(&missing).for_configuration(&scene.namespace).grant(&scene).await;
    apply(&scene.client, &[configuration(&scene)]).await;
    scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let secret = json!({ "metadata": { "name": "token" }, "stringData": { "X-Key": "1" } });
    create::<Secret>(&scene, secret).await;
    let mut spec = scene.spec("web", "/users");
    spec["headersFrom"] = json!({ "secretRef": { "name": "token" } });
    let scaling = scene.business_scaling("web", spec).await;
    let mut bare = testbed::fixtures::deployment("bare", &scene.namespace, 0);
    bare.spec.as_mut().unwrap().template.spec.as_mut().unwrap().containers[0].resources = None;
    scene.create_deployment(bare).await;
    // Metrics about the cluster's own pods and Services.
    let url = format!("http://web.{}/load", scene.namespace);
    let of_endpoints = json!({ "url": url, "valueLocation": "load", "aggregateEndpoints": "sum" });
    for (name, metric) in [
        ("asks", json!({ "type": "http", "config": of_endpoints })),
        ("counts", json!({ "type": "kubernetes-workload", "config": { "podSelector": "app=web" } })),
        ("measures", json!({ "type": "cpu" })),
    ] {
        // Whose pods they are is only asked of pods that there are.
        scene.deployment(name, 1).await;
        let spec = json!({ "targetDeployment": name, "namespace": scene.namespace, "metric": metric });
        scene.business_scaling(name, spec).await;
    }

    let supervisor = Supervisor::new("polyscaler-rights").unwrap();
    let account = (scene.namespace.as_str(), "operator");
    let control_plane = control_plane::shared();
    let kubeconfig = account::kubeconfig(control_plane, &scene.client, account, supervisor.directory()).await;
    let (health, webhook) = (PortClaim::new().unwrap(), PortClaim::new().unwrap());
    let args = [
        "operator".to_owned(),
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--namespaces={}", scene.namespace),
        format!("--health-address=127.0.0.1:{}", health.port()),
        "--metrics-address=off".to_owned(),
        "--activity-address=off".to_owned(),
        format!("--webhook-address=127.0.0.1:{}", webhook.port()),
        format!("--webhook-configuration={}", scene.namespace),
    ];
    let process = supervisor.spawn("operator", POLYSCALER, args, &[]).unwrap();

    let Missing { verb, resource, .. } = &missing;
    let api_server_says = format!("cannot {verb} resource \"{resource}\"");
    let operator_says = format!("grant {verb} on {resource}");
    let look = || async {
        let said = said(&process, &health, &webhook, &scaling).await;
        let names_it = |line: &str| line.contains(&api_server_says) || line.contains(&operator_says);
        if said.lines().any(names_it) { Ok(()) } else { Err(said) }
    };
    wait::until(&format!("words about {verb} on {resource}"), LIMIT, look).await.unwrap();
    assert!(process.is_running(), "a right may yet be granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_that_is_missing_is_named() {
    let rights = installed();
    let each = rights.each();
    assert!(each.len() >= 20, "{each:?}");
    // A few at a time: this machine may be small.
    let all = futures::stream::iter(each);
    all.for_each_concurrent(6, |missing| without(&rights, missing)).await;
}
