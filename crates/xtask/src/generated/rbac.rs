//! What the operator may do, once, for kustomize and for the chart.
//!
//! The rules of our kinds come from [`resources::KINDS`]; the rest says what `cluster` asks
//! the API server for. A test of the binary runs it with exactly these rights, and with each
//! of them taken away.

mod rules;
mod user_roles;

use std::fmt::Write as _;

use resources::{KINDS, Scope};

use rules::{
    LEASE, METRICS_API_ROLE, Rule, adapters, any_target, api_service, api_service_owner, autoscalers,
    callers, certificate_secret, events, items, lease, leases, namespaces, of_scope, pods, secrets, targets,
    webhook_configuration, workloads,
};
use user_roles::{USER_ROLES, aggregation_label};

fn role(kind: &str, name: &str, namespace: Option<&str>, rules: &[Rule]) -> String {
    format!("{}{}", super::BANNER, labelled_role(kind, name, namespace, &[], rules))
}

/// A role without the banner of a file, with further lines among its labels.
fn labelled_role(
    kind: &str,
    name: &str,
    namespace: Option<&str>,
    labels: &[String],
    rules: &[Rule],
) -> String {
    let namespace = namespace.map(|namespace| format!("  namespace: {namespace}\n")).unwrap_or_default();
    let labels: String = labels.iter().map(|label| format!("    {label}\n")).collect();
    let indented: String = items(rules).lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{namespace}  \
         labels:\n    app.kubernetes.io/name: polyscaler\n{labels}rules:\n{indented}",
    )
}

/// What the operator may do in the whole cluster.
pub(super) fn manager_role() -> String {
    let kinds = [Scope::Cluster, Scope::Namespaced].into_iter().flat_map(of_scope).collect();
    let parts = [kinds, targets(), workloads(), autoscalers(KINDS), events(), leases(), secrets(), pods()];
    let rules: Vec<Rule> = parts.into_iter().flatten().collect();
    role("ClusterRole", "scaling-operator-manager-role", None, &rules)
}

/// What it may do in its own namespace.
pub(super) fn leader_election_role() -> String {
    let name = "scaling-operator-leader-election-role";
    role("Role", name, Some("scaling-operator-system"), &lease(&[LEASE]))
}

/// What it may do for its admission webhook: in the whole cluster, and in its own namespace.
pub(super) fn webhook_roles() -> String {
    let name = "scaling-operator-webhook-role";
    let own = role("Role", name, Some("scaling-operator-system"), &certificate_secret());
    let own = own.trim_start_matches(super::BANNER);
    format!("{}---\n{own}", role("ClusterRole", name, None, &webhook_configuration()))
}

/// What it may do to serve the external metrics API.
pub(super) fn external_metrics_role() -> String {
    let rules = [api_service(), api_service_owner(&[METRICS_API_ROLE]), callers()].concat();
    role("ClusterRole", METRICS_API_ROLE, None, &rules)
}

/// What an overlay may add.
pub(super) fn any_target_role() -> String {
    role("ClusterRole", "scaling-operator-any-target-role", None, &any_target())
}

/// What people may do with our kinds: rules that the built-in roles `view`, `edit` and `admin` take in, so that
/// whoever has one of these in a namespace has it for our kinds, too; and roles to bind for kinds without one.
pub(super) fn user_roles() -> String {
    let documents: Vec<String> = USER_ROLES
        .iter()
        .map(|user_role| {
            let labels: Vec<String> = user_role.extends.iter().map(|role| aggregation_label(role)).collect();
            let name = format!("scaling-operator-{}", user_role.name);
            labelled_role("ClusterRole", &name, None, &labels, &user_role.rules())
        })
        .collect();
    format!("{}{}", super::BANNER, documents.join("---\n"))
}

/// The same roles for the chart, as one named template.
fn chart_user_roles() -> String {
    let mut text = String::new();
    for user_role in USER_ROLES {
        let labels: String =
            user_role.extends.iter().map(|role| format!("\n    {}", aggregation_label(role))).collect();
        let rules: String = items(&user_role.rules()).lines().map(|line| format!("  {line}\n")).collect();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  \
             name: {{{{ printf \"%s-{}\" (include \"polyscaler.clusterName\" .) | quote }}}}\n  \
             labels:\n    {{{{- include \"polyscaler.labels\" . | nindent 4 }}}}{labels}\nrules:\n{rules}",
            user_role.name
        );
    }
    format!("\n{{{{- define \"polyscaler.userRoles\" }}}}\n{text}{{{{- end }}}}\n")
}

/// What it may do in addition to observe HPAs, many of which follow metrics of adapters.
pub(super) fn observe_hpas_role() -> String {
    role("ClusterRole", "scaling-operator-observe-hpas-role", None, &adapters())
}

/// What the operator may do in addition where labels select its namespaces.
pub(super) fn namespace_selector_role() -> String {
    role("ClusterRole", "scaling-operator-namespace-selector-role", None, &namespaces())
}

/// The same rules for the chart, a named template for each group of them.
pub(super) fn chart_rules() -> String {
    let mut text = "{{- /* Written by `make generate`; changes here are lost. */ -}}\n".to_owned();
    for (template, name, rules) in [
        ("clusterScopedKinds", "", of_scope(Scope::Cluster)),
        ("namespacedKinds", "", of_scope(Scope::Namespaced)),
        ("targets", "", targets()),
        ("autoscalers", "", autoscalers(KINDS)),
        ("events", "", events()),
        ("secrets", "", secrets()),
        ("pods", "", pods()),
        ("adapters", "", adapters()),
        ("namespaces", "", namespaces()),
        ("leases", "", leases()),
        ("lease", "polyscaler.fullname", lease(&[LEASE])),
        ("certificateSecret", "polyscaler.certificateSecret", certificate_secret()),
        ("webhookConfiguration", "polyscaler.clusterName", webhook_configuration()),
        ("workloads", "", workloads()),
        // Of fixed names, whatever the release is called.
        ("apiService", "", api_service()),
        ("apiServiceOwner", "polyscaler.metricsApiRole", api_service_owner(&[METRICS_API_ROLE])),
        ("callers", "", callers()),
    ] {
        let mut items = items(&rules);
        for fixed in rules.iter().flat_map(|rule| rule.names).filter(|_| !name.is_empty()) {
            items = items.replace(&format!("{fixed:?}"), &format!("{{{{ include {name:?} . | quote }}}}"));
        }
        let _ = write!(text, "\n{{{{- define \"polyscaler.rules.{template}\" }}}}\n{items}{{{{- end }}}}\n");
    }
    let namespaced = KINDS.iter().filter(|kind| kind.scope == Scope::Namespaced);
    let names: Vec<&str> = namespaced.map(|kind| kind.kind).collect();
    let _ = write!(
        text,
        "\n{{{{- define \"polyscaler.namespacedKinds\" -}}}}\n{}\n{{{{- end }}}}\n",
        names.join(",")
    );
    text + &chart_user_roles()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_watched_and_its_status_written() {
        let role = manager_role();
        for kind in KINDS {
            for resource in [kind.plural.to_owned(), format!("{}/status", kind.plural)] {
                assert!(role.contains(&format!("{resource:?}")), "{resource}");
            }
        }
    }

    #[test]
    fn nothing_but_an_option_has_a_wildcard() {
        for text in [
            manager_role(),
            leader_election_role(),
            webhook_roles(),
            external_metrics_role(),
            user_roles(),
            chart_rules().replace(&items(&adapters()), ""),
        ] {
            assert!(!text.contains("\"*"), "{text}");
        }
        assert!(any_target_role().contains(r#"resources: ["*/scale"]"#));
        assert!(observe_hpas_role().contains(r#"verbs: ["get", "list"]"#));
    }

    #[test]
    fn only_namespaced_kinds_extend_the_roles_of_namespaces() {
        for user_role in USER_ROLES {
            let is_namespaced = user_role.scope == Scope::Namespaced;
            assert_eq!(!user_role.extends.is_empty(), is_namespaced, "{}", user_role.name);
        }
        let text = user_roles();
        for kind in KINDS {
            let (of_scope, others): (Vec<&str>, Vec<&str>) = text
                .split("---\n")
                .partition(|role| role.contains("aggregate-to-") == (kind.scope == Scope::Namespaced));
            assert!(of_scope.iter().all(|role| role.contains(kind.plural)), "{}", kind.plural);
            assert!(!others.iter().any(|role| role.contains(kind.plural)), "{}", kind.plural);
        }
    }
}
