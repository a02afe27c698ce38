//! The rights of an installation, given to the operators of a scene, of which some can be taken away and given back.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use testbed::ControlPlane;

use crate::harness::Scene;
use crate::packaging::rights::{Rights, installed};

const RBAC: &str = "rbac.authorization.k8s.io";

/// See the module.
pub(crate) struct Granted {
    roles: Api<ClusterRole>,
    name: String,
    rules: Vec<PolicyRule>,
}

impl Granted {
    /// Has the operators of `scene` run as a user of their own, which may do nothing so far.
    pub(crate) async fn begin(scene: &mut Scene, control_plane: &ControlPlane) -> Self {
        let name = scene.namespace.clone();
        let binding = json!({
            "metadata": { "name": name },
            "roleRef": { "apiGroup": RBAC, "kind": "ClusterRole", "name": name },
            "subjects": [{ "apiGroup": RBAC, "kind": "User", "name": name }],
        });
        let bindings: Api<ClusterRoleBinding> = Api::all(scene.client.clone());
        bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
        scene.kubeconfig = control_plane.kubeconfig_for(&name, &[]).unwrap();
        let Rights { everywhere, own } = installed();
        Self { roles: Api::all(scene.client.clone()), name, rules: [everywhere, own].concat() }
    }

    /// Gives all rights but these, each a resource and a verb, and takes those away.
    pub(crate) async fn all_but(&self, missing: &[(&str, &str)]) {
        let mut rules = self.rules.clone();
        for (resource, verb) in missing {
            let of = |rule: &&mut PolicyRule| rule.resources.iter().flatten().any(|name| name == resource);
            let mut had = false;
            for rule in rules.iter_mut().filter(of) {
                had |= rule.verbs.iter().any(|has| has == verb);
                rule.verbs.retain(|has| has != verb);
            }
            assert!(had, "the installation has no right to {verb} {resource}");
        }
        rules.retain(|rule| !rule.verbs.is_empty());
        let role = json!({ "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
            "metadata": { "name": self.name }, "rules": rules });
        let params = PatchParams::apply("tests").force();
        self.roles.patch(&self.name, &params, &Patch::Apply(role)).await.unwrap();
    }
}
