//! What people may do with our kinds, by the roles that every cluster has.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{DynamicObject, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Config, ResourceExt as _};
use resources::{Kind, Scope};
use serde_json::json;
use testbed::{fixtures, wait};

use crate::harness::{LIMIT, Scene, control_plane};
use crate::packaging::helm::template;
use crate::packaging::manifests::{apply, kind, parse};
use crate::packaging::read;

/// Verbs on objects of a kind, as far as they are asked about here.
const LOOKS: [&str; 3] = ["get", "list", "watch"];
const CHANGES: [&str; 5] = ["create", "update", "patch", "delete", "deletecollection"];

/// A client that acts as that user.
async fn client_of(user: &str) -> Client {
    let kubeconfig = Kubeconfig::read_from(control_plane::shared().kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.proxy_url = None;
    config.auth_info.impersonate = Some(user.to_owned());
    Client::try_from(config).unwrap()
}

/// Binds a ClusterRole to the user `user`: in a namespace, or everywhere where that is empty.
async fn bind(client: &Client, role: &str, user: &str, namespace: &str) {
    let group = "rbac.authorization.k8s.io";
    let binding_kind = if namespace.is_empty() { "ClusterRoleBinding" } else { "RoleBinding" };
    let mut metadata = json!({ "name": format!("{role}-{user}") });
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": binding_kind, "metadata": metadata,
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": role },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    });
    apply(client, &[serde_json::from_value(binding).unwrap()]).await;
}

/// Waits until the controller has added the rules of our roles to a built-in one.
async fn wait_until_aggregated(client: &Client, role: &str, verb: &str) {
    let roles: Api<ClusterRole> = Api::all(client.clone());
    let look = || async {
        let rules = roles.get(role).await.map_err(|error| error.to_string())?.rules.unwrap_or_default();
        let has = rules.iter().any(|rule| {
            rule.resources.iter().flatten().any(|resource| resource == "generalscalers")
                && rule.verbs.iter().any(|given| given == verb)
        });
        if has { Ok(()) } else { Err(format!("{} rules", rules.len())) }
    };
    wait::until(&format!("{verb} in the role {role}"), LIMIT, look).await.unwrap();
}

fn objects_of(client: &Client, kind: &Kind, namespace: &str) -> Api<DynamicObject> {
    let gvk = GroupVersionKind::gvk(kind.group, kind.version, kind.kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, kind.plural);
    match kind.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    }
}

/// The manifest of a sample of that kind, of a name of its own, about `namespace`.
fn sample(kind: &Kind, name: &str, namespace: &str) -> DynamicObject {
    let files = std::fs::read_dir(crate::packaging::repository("config/samples")).unwrap();
    let texts = files.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    let mut objects = texts.flat_map(|text| parse(&text));
    let mut object = objects.find(|object| crate::packaging::manifests::kind(object) == kind.kind).unwrap();
    object.metadata.name = Some(name.to_owned());
    object.metadata.namespace = None;
    if object.data["spec"].get("namespace").is_some() {
        object.data["spec"]["namespace"] = json!(namespace);
    }
    object
}

fn find(kind: &str) -> &'static Kind {
    resources::KINDS.iter().copied().find(|known| known.kind == kind).unwrap()
}

fn is_forbidden<T>(result: &Result<T, kube::Error>) -> bool {
    matches!(result, Err(kube::Error::Api(status)) if status.code == 403)
}

/// As a platform team gives a namespace to another team.
#[tokio::test(flavor = "multi_thread")]
async fn a_team_with_the_role_edit_scales_in_its_namespace_and_nowhere_else() {
    let scene = Scene::new("team").await;
    apply(&scene.client, &parse(&read("config/rbac/user_roles.yaml"))).await;
    let elsewhere = fixtures::create_namespace(&scene.client, "other").await.unwrap();
    let (editor, viewer) = (format!("edits-{}", scene.namespace), format!("views-{}", scene.namespace));
    bind(&scene.client, "edit", &editor, &scene.namespace).await;
    bind(&scene.client, "view", &viewer, &scene.namespace).await;
    wait_until_aggregated(&scene.client, "edit", "create").await;
    wait_until_aggregated(&scene.client, "view", "list").await;

    let (edits, views) = (client_of(&editor).await, client_of(&viewer).await);
    let create = PostParams::default();
    for kind in resources::KINDS.iter().copied().filter(|kind| kind.scope == Scope::Namespaced) {
        let object = sample(kind, "mine", &scene.namespace);
        let own = objects_of(&edits, kind, &scene.namespace);
        let look = || async { own.create(&create, &object).await };
        wait::until(&format!("a {} is created", kind.kind), LIMIT, look).await.unwrap();
        assert!(own.get("mine").await.is_ok() && own.get_status("mine").await.is_ok(), "{}", kind.kind);
        let in_other = objects_of(&edits, kind, &elsewhere);
        assert!(is_forbidden(&in_other.create(&create, &object).await), "{}", kind.kind);
        assert!(is_forbidden(&in_other.list(&ListParams::default()).await), "{}", kind.kind);
        // The status is the operator's word.
        let patch = kube::api::Patch::Merge(json!({ "status": { "observedGeneration": 7 } }));
        assert!(is_forbidden(&own.patch_status("mine", &Default::default(), &patch).await), "{}", kind.kind);

        let seen = objects_of(&views, kind, &scene.namespace);
        assert!(seen.get("mine").await.is_ok(), "{}", kind.kind);
        assert!(is_forbidden(&seen.delete("mine", &Default::default()).await), "{}", kind.kind);
        own.delete("mine", &Default::default()).await.unwrap();
    }
    let cluster_scoped = find("BusinessScaling");
    let everywhere = objects_of(&edits, cluster_scoped, "");
    let object = sample(cluster_scoped, &scene.full_name("team"), &scene.namespace);
    assert!(is_forbidden(&everywhere.create(&create, &object).await));
    assert!(is_forbidden(&everywhere.list(&ListParams::default()).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_without_a_namespace_are_given_apart() {
    let scene = Scene::new("platform").await;
    apply(&scene.client, &parse(&read("config/rbac/user_roles.yaml"))).await;
    let user = format!("platform-{}", scene.namespace);
    bind(&scene.client, "scaling-operator-cluster-scoped-edit", &user, "").await;
    let client = client_of(&user).await;
    let cluster_scoped = find("BusinessScaling");
    let api = objects_of(&client, cluster_scoped, "");
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let object = sample(cluster_scoped, &scene.full_name("platform"), &scene.namespace);
    let look = || async { api.create(&dry_run, &object).await };
    wait::until("a BusinessScaling is created", LIMIT, look).await.unwrap();
    let namespaced = find("GeneralScaler");
    let (elsewhere, object) =
        (objects_of(&client, namespaced, &scene.namespace), sample(namespaced, "no", &scene.namespace));
    assert!(is_forbidden(&elsewhere.create(&dry_run, &object).await));
}

/// Kind by kind, what a role of the chart or the kustomization gives: its verbs by resource.
fn given(role: &DynamicObject) -> Vec<(String, String)> {
    let rules: Vec<k8s_openapi::api::rbac::v1::PolicyRule> =
        serde_json::from_value(role.data["rules"].clone()).unwrap();
    let mut given: Vec<(String, String)> = rules
        .iter()
        .flat_map(|rule| {
            let resources = rule.resources.iter().flatten();
            resources.flat_map(|resource| rule.verbs.iter().map(move |verb| (resource.clone(), verb.clone())))
        })
        .collect();
    given.sort();
    given
}

fn user_roles(objects: &[DynamicObject]) -> Vec<&DynamicObject> {
    let ends = ["-view", "-edit"];
    let is_one = |object: &&DynamicObject| {
        kind(object) == "ClusterRole" && ends.iter().any(|end| object.name_any().ends_with(end))
    };
    objects.iter().filter(is_one).collect()
}

#[test]
fn chart_and_kustomization_give_the_same() {
    let (chart, single) = (template("any", &[]).unwrap(), parse(&read("deploy/operator.yaml")));
    let (of_chart, of_single) = (user_roles(&chart), user_roles(&single));
    assert_eq!((of_chart.len(), of_single.len()), (4, 4));
    for (one, other) in of_chart.into_iter().zip(of_single) {
        assert_eq!(given(one), given(other));
        let aggregation = |role: &DynamicObject| {
            let labels = role.labels().clone().into_iter();
            labels.filter(|(label, _)| label.contains("/aggregate-to-")).collect::<Vec<_>>()
        };
        assert_eq!(aggregation(one), aggregation(other));
        let is_apart = one.name_any().contains("cluster-scoped");
        assert_eq!(aggregation(one).is_empty(), is_apart, "{}", one.name_any());
        for known in resources::KINDS {
            let is_named = given(one).iter().any(|(resource, _)| resource == known.plural);
            assert_eq!(is_named, (known.scope == Scope::Cluster) == is_apart, "{}", known.kind);
        }
        let verbs =
            |wanted: &[&str]| wanted.iter().all(|verb| given(one).iter().any(|(_, given)| given == verb));
        assert!(verbs(&LOOKS) && verbs(&CHANGES) == one.name_any().ends_with("-edit"), "{:?}", given(one));
    }
}

#[test]
fn the_roles_of_people_can_be_left_out() {
    for set in [
        "rbac.aggregateClusterRoles=false",
        "rbac.create=false",
        "rbac.namespaced=true,operator.namespaces={a}",
    ] {
        let objects = template("any", &["--set", set]).unwrap();
        assert!(user_roles(&objects).is_empty(), "{set}");
    }
}
