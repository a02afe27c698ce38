//! What the operator may do, once, for kustomize and for the chart.
//!
//! The rules of our kinds come from [`resources::KINDS`]; the rest says what `cluster` asks
//! the API server for. A test of the binary runs it with exactly these rights, and with each
//! of them taken away.

use std::fmt::Write as _;

use resources::{KINDS, Kind, SUPPORTING, Scope, Supporting};

/// Some verbs on some resources, and what for.
#[derive(Clone)]
struct Rule {
    why: &'static str,
    group: String,
    resources: Vec<String>,
    /// Names of the only objects; all where empty.
    names: &'static [&'static str],
    verbs: &'static [&'static str],
}

/// The kinds whose scale is read from a watch instead of asking for it at each poll.
const WATCHED: [&str; 3] = ["deployments", "replicasets", "statefulsets"];

/// The Lease of the kustomizations, and so on; the chart's have the name of the release.
const LEASE: &str = "polyscaler";
const CERTIFICATE_SECRET: &str = "polyscaler-certificate";
const WEBHOOK_CONFIGURATION: &str = "polyscaler";

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The plural names of our own kinds of one scope, by their API group, in the order of the table.
fn by_group(scope: Scope) -> Vec<(&'static str, Vec<String>)> {
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.scope == scope) {
        match groups.iter_mut().find(|(group, _)| *group == kind.group) {
            Some((_, plurals)) => plurals.push(kind.plural.to_owned()),
            None => groups.push((kind.group, vec![kind.plural.to_owned()])),
        }
    }
    groups
}

/// The rules for our own kinds of one scope.
fn kinds(scope: Scope) -> Vec<Rule> {
    let rules = by_group(scope).into_iter().flat_map(|(group, plurals)| {
        let statuses = plurals.iter().map(|plural| format!("{plural}/status")).collect();
        [
            Rule {
                why: "The objects; read again when a write of their status is refused.",
                group: group.to_owned(),
                resources: plurals,
                names: &[],
                verbs: &["get", "list", "watch"],
            },
            Rule {
                why: "Their status.",
                group: group.to_owned(),
                resources: statuses,
                names: &[],
                verbs: &["patch"],
            },
        ]
    });
    rules.collect()
}

fn of_scope(scope: Scope) -> Vec<Rule> {
    [kinds(scope), supporting(scope)].concat()
}

fn targets() -> Vec<Rule> {
    let rule = |why, resources, verbs| Rule { why, group: "apps".to_owned(), resources, names: &[], verbs };
    vec![
        rule("Replicas of targets, and how many of them are ready.", owned(&WATCHED), &["list", "watch"]),
        rule("Scaling them.", WATCHED.map(|name| format!("{name}/scale")).to_vec(), &["get", "update"]),
    ]
}

/// The supporting kinds of one scope: they are only read.
fn supporting(scope: Scope) -> Vec<Rule> {
    let of_scope = SUPPORTING.iter().filter(|kind| kind.scope == scope);
    let rule = |kind: &&Supporting| Rule {
        why: "Objects that others refer to.",
        group: kind.group.to_owned(),
        resources: owned(&[kind.plural]),
        names: &[],
        verbs: &["list", "watch"],
    };
    of_scope.map(rule).collect()
}

fn autoscalers(kinds: &[&Kind]) -> Vec<Rule> {
    let rule = |why, group: &str, resources, verbs| {
        let (group, names) = (group.to_owned(), &[][..]);
        Rule { why, group, resources, names, verbs }
    };
    let hpas = owned(&["horizontalpodautoscalers"]);
    let seen = rule("HPAs, whose targets are not scaled.", "autoscaling", hpas.clone(), &["list", "watch"]);
    let keeping: Vec<&Kind> = kinds.iter().copied().filter(|kind| kind.needs.hpas).collect();
    let kept = rule("HPAs that objects own.", "autoscaling", hpas, &["get", "create", "update", "delete"]);
    // Some clusters ask for it of whoever names an owner that is not to be deleted first.
    let owners = keeping.iter().map(|kind| {
        let resources = vec![format!("{}/finalizers", kind.plural)];
        rule("To own an HPA.", kind.group, resources, &["update"])
    });
    let owners: Vec<Rule> = owners.collect();
    let kept = Some(kept).filter(|_| !keeping.is_empty());
    [seen].into_iter().chain(kept).chain(owners).collect()
}

fn events() -> Vec<Rule> {
    vec![Rule {
        why: "Events, for `kubectl describe`.",
        group: "events.k8s.io".to_owned(),
        resources: owned(&["events"]),
        names: &[],
        verbs: &["create"],
    }]
}

fn secrets() -> Vec<Rule> {
    vec![Rule {
        why: "Credentials of metrics, read by name; never listed.",
        group: String::new(),
        resources: owned(&["secrets"]),
        names: &[],
        verbs: &["get"],
    }]
}

fn pods() -> Vec<Rule> {
    let rule = |why, group: &str, resource, verbs| Rule {
        why,
        group: group.to_owned(),
        resources: owned(&[resource]),
        names: &[],
        verbs,
    };
    vec![
        rule("Pods, for metrics that count them or measure their use.", "", "pods", &["list", "watch"]),
        rule("Use of pods.", "metrics.k8s.io", "pods", &["list"]),
        rule("Owners of pods.", "apps", "replicasets", &["get"]),
    ]
}

fn namespaces() -> Vec<Rule> {
    vec![Rule {
        why: "Which namespaces are selected by their labels.",
        group: String::new(),
        resources: owned(&["namespaces"]),
        names: &[],
        verbs: &["list", "watch"],
    }]
}

fn lease(names: &'static [&'static str]) -> Vec<Rule> {
    let rule = |why, names, verbs| Rule {
        why,
        group: "coordination.k8s.io".to_owned(),
        resources: owned(&["leases"]),
        names,
        verbs,
    };
    vec![
        // What does not exist yet has no name to the authorizer.
        rule("The first leader creates the Lease.", &[], &["create"]),
        rule("Who leads.", names, &["get", "update"]),
    ]
}

fn certificate_secret() -> Vec<Rule> {
    vec![Rule {
        why: "The webhook's certificate, which replicas share. It is applied, so its creation has a name.",
        group: String::new(),
        resources: owned(&["secrets"]),
        names: &[CERTIFICATE_SECRET],
        verbs: &["get", "create", "patch"],
    }]
}

fn webhook_configuration() -> Vec<Rule> {
    vec![Rule {
        why: "The host names of the webhook, and its certificate authority.",
        group: "admissionregistration.k8s.io".to_owned(),
        resources: owned(&["validatingwebhookconfigurations"]),
        names: &[WEBHOOK_CONFIGURATION],
        verbs: &["get", "patch"],
    }]
}

fn any_target() -> Vec<Rule> {
    vec![Rule {
        why: "Everything that has a scale subresource.",
        group: "*".to_owned(),
        resources: owned(&["*/scale"]),
        names: &[],
        verbs: &["get", "update"],
    }]
}

/// What a role of people may do with our kinds.
#[derive(Clone, Copy)]
struct UserRole {
    /// The end of its name.
    name: &'static str,
    scope: Scope,
    verbs: &'static [&'static str],
    /// The built-in roles of namespaces that get these rules.
    extends: &'static [&'static str],
}

const LOOKS: &[&str] = &["get", "list", "watch"];
const CHANGES: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Kinds without a namespace are apart and extend nothing: who may write one scales in every namespace.
const USER_ROLES: [UserRole; 4] = [
    UserRole { name: "view", scope: Scope::Namespaced, verbs: LOOKS, extends: &["view", "edit", "admin"] },
    UserRole { name: "edit", scope: Scope::Namespaced, verbs: CHANGES, extends: &["edit", "admin"] },
    UserRole { name: "cluster-scoped-view", scope: Scope::Cluster, verbs: LOOKS, extends: &[] },
    UserRole { name: "cluster-scoped-edit", scope: Scope::Cluster, verbs: CHANGES, extends: &[] },
];

/// The label by which the built-in role of that name takes in the rules of another.
fn aggregation_label(role: &str) -> String {
    format!("rbac.authorization.k8s.io/aggregate-to-{role}: \"true\"")
}

impl UserRole {
    fn rules(self) -> Vec<Rule> {
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

/// The rules as the items of a YAML list.
fn items(rules: &[Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        let line = |text: &mut String, field: &str, values: &[&str]| {
            let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{field}: [{}]", values.join(", "));
        };
        let _ = writeln!(text, "# {}", rule.why);
        line(&mut text, "- apiGroups", &[&rule.group]);
        let resources: Vec<&str> = rule.resources.iter().map(String::as_str).collect();
        line(&mut text, "  resources", &resources);
        if !rule.names.is_empty() {
            line(&mut text, "  resourceNames", rule.names);
        }
        line(&mut text, "  verbs", rule.verbs);
    }
    text
}

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
    let parts = [kinds, targets(), autoscalers(KINDS), events(), secrets(), pods()];
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
        ("namespaces", "", namespaces()),
        ("lease", "polyscaler.fullname", lease(&[LEASE])),
        ("certificateSecret", "polyscaler.certificateSecret", certificate_secret()),
        ("webhookConfiguration", "polyscaler.clusterName", webhook_configuration()),
    ] {
        let mut items = items(&rules);
        for fixed in rules.iter().flat_map(|rule| rule.names) {
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
    use resources::Needs;

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
        for text in [manager_role(), leader_election_role(), webhook_roles(), user_roles(), chart_rules()] {
            assert!(!text.contains("\"*"), "{text}");
        }
        assert!(any_target_role().contains(r#"resources: ["*/scale"]"#));
    }

    #[test]
    fn hpas_are_written_only_where_a_kind_needs_it() {
        let verbs = |kinds: &[&Kind]| -> Vec<&str> {
            let rules = autoscalers(kinds).into_iter().filter(|rule| rule.group == "autoscaling");
            rules.flat_map(|rule| rule.verbs.iter().copied()).collect()
        };
        let plain = Kind { needs: Needs::NOTHING, ..*KINDS[0] };
        assert_eq!(verbs(&[&plain]), ["list", "watch"]);
        let keeping = Kind { needs: Needs { hpas: true, ..Needs::NOTHING }, ..plain };
        assert_eq!(verbs(&[&plain, &keeping]), ["list", "watch", "get", "create", "update", "delete"]);
        let finalizers = autoscalers(&[&keeping]).pop().unwrap();
        assert_eq!(finalizers.resources, [format!("{}/finalizers", keeping.plural)]);
    }

    #[test]
    fn secrets_are_read_by_name_only() {
        assert!(secrets().iter().all(|rule| rule.verbs == ["get"]));
    }

    #[test]
    fn what_is_written_for_the_webhook_is_named() {
        let rules = [certificate_secret(), webhook_configuration()].concat();
        assert!(rules.iter().all(|rule| !rule.names.is_empty()));
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
