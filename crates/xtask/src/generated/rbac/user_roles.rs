//! What people may do with our kinds.

use resources::Scope;

use super::rules::{Rule, by_group, supporting};

/// What a role of people may do with our kinds.
#[derive(Clone, Copy)]
pub(super) struct UserRole {
    /// The end of its name.
    pub(super) name: &'static str,
    pub(super) scope: Scope,
    verbs: &'static [&'static str],
    /// The built-in roles of namespaces that get these rules.
    pub(super) extends: &'static [&'static str],
}

const LOOKS: &[&str] = &["get", "list", "watch"];
const CHANGES: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Kinds without a namespace are apart and extend nothing: who may write one scales in every namespace.
pub(super) const USER_ROLES: [UserRole; 4] = [
    UserRole { name: "view", scope: Scope::Namespaced, verbs: LOOKS, extends: &["view", "edit", "admin"] },
    UserRole { name: "edit", scope: Scope::Namespaced, verbs: CHANGES, extends: &["edit", "admin"] },
    UserRole { name: "cluster-scoped-view", scope: Scope::Cluster, verbs: LOOKS, extends: &[] },
    UserRole { name: "cluster-scoped-edit", scope: Scope::Cluster, verbs: CHANGES, extends: &[] },
];

/// The label by which the built-in role of that name takes in the rules of another.
pub(super) fn aggregation_label(role: &str) -> String {
    format!("rbac.authorization.k8s.io/aggregate-to-{role}: \"true\"")
}

impl UserRole {
    /// What it may do.
    pub(super) fn rules(self) -> Vec<Rule> {
        let of_status: &[&str] = &["get"];
        let supporting = supporting(self.scope).into_iter().map(|rule| Rule { verbs: self.verbs, ..rule });
        by_group(self.scope)
            .into_iter()
            .flat_map(|(group, plurals)| {
                let statuses = plurals.iter().map(|plural| format!("{plural}/status")).collect();
                [("The objects.", plurals, self.verbs), ("Their status, by itself.", statuses, of_status)]
                    .map(|(why, resources, verbs)| Rule {
                        why,
                        group: group.to_owned(),
                        resources,
                        names: &[],
                        verbs,
                    })
            })
            .chain(supporting)
            .collect()
    }
}
