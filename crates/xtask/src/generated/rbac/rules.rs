//! The rules: what `cluster` asks the API server for, by what it is for. Pure data.

use std::fmt::Write as _;

use resources::{KINDS, Kind, SUPPORTING, Scope, Supporting};

/// Some verbs on some resources, and what for.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) why: &'static str,
    pub(super) group: String,
    pub(super) resources: Vec<String>,
    /// Names of the only objects; all where empty.
    pub(super) names: &'static [&'static str],
    pub(super) verbs: &'static [&'static str],
}

/// The kinds whose scale is read from a watch instead of asking for it at each poll.
const WATCHED: [&str; 3] = ["deployments", "replicasets", "statefulsets"];

/// The Lease of the kustomizations, and so on; the chart's have the name of the release.
pub(super) const LEASE: &str = "polyscaler";
const CERTIFICATE_SECRET: &str = "polyscaler-certificate";
const WEBHOOK_CONFIGURATION: &str = "polyscaler";

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// The plural names of our own kinds of one scope, by their API group, in the order of the table.
pub(super) fn by_group(scope: Scope) -> Vec<(&'static str, Vec<String>)> {
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
    let annotated = KINDS.iter().filter(|kind| kind.scope == scope && kind.has_annotation());
    let annotated = annotated.map(|kind| Rule {
        why: "The memory of decisions, in an annotation, and finalizers.",
        group: kind.group.to_owned(),
        resources: owned(&[kind.plural]),
        names: &[],
        verbs: &["patch"],
    });
    rules.chain(annotated).collect()
}

pub(super) fn of_scope(scope: Scope) -> Vec<Rule> {
    [kinds(scope), supporting(scope), lists_of_users(scope), finalizers(scope)].concat()
}

/// For objects of one scope that may have a finalizer of theirs; some are patched for other reasons, too.
fn finalizers(scope: Scope) -> Vec<Rule> {
    let planned = KINDS
        .iter()
        .filter(|kind| kind.scope == scope && kind.needs.finalizer.is_some() && !kind.has_annotation())
        .map(|kind| (kind.group, kind.plural));
    let supporting = SUPPORTING
        .iter()
        .filter(|kind| kind.scope == scope && kind.finalizer.is_some())
        .map(|kind| (kind.group, kind.plural));
    let rule = |(group, plural): (&str, &str)| Rule {
        why: "Their finalizers.",
        group: group.to_owned(),
        resources: owned(&[plural]),
        names: &[],
        verbs: &["patch"],
    };
    planned.chain(supporting).map(rule).collect()
}

pub(super) fn targets() -> Vec<Rule> {
    let rule = |why, resources, verbs| Rule { why, group: "apps".to_owned(), resources, names: &[], verbs };
    vec![
        rule("Replicas of targets, and how many of them are ready.", owned(&WATCHED), &["list", "watch"]),
        rule("Scaling them.", WATCHED.map(|name| format!("{name}/scale")).to_vec(), &["get", "update"]),
    ]
}

/// The supporting kinds of one scope: they are read, and written at most for their finalizers and the names of those who
/// refer to them.
pub(super) fn supporting(scope: Scope) -> Vec<Rule> {
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

/// The names of those who refer to objects of supporting kinds of one scope.
fn lists_of_users(scope: Scope) -> Vec<Rule> {
    let rule = |kind: &&Supporting| Rule {
        why: "Who refers to them, in their status.",
        group: kind.group.to_owned(),
        resources: vec![format!("{}/status", kind.plural)],
        names: &[],
        verbs: &["patch"],
    };
    let listing = SUPPORTING.iter().filter(|kind| kind.scope == scope && kind.users.is_some());
    listing.map(rule).collect()
}

pub(super) fn autoscalers(kinds: &[&Kind]) -> Vec<Rule> {
    let rule = |why, group: &str, resources, verbs| {
        let (group, names) = (group.to_owned(), &[][..]);
        Rule { why, group, resources, names, verbs }
    };
    let hpas = owned(&["horizontalpodautoscalers"]);
    let seen = rule("HPAs, whose targets are not scaled.", "autoscaling", hpas.clone(), &["list", "watch"]);
    let keeping: Vec<&Kind> = kinds.iter().copied().filter(|kind| kind.needs.hpa.is_some()).collect();
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

pub(super) fn events() -> Vec<Rule> {
    vec![Rule {
        why: "Events, for `kubectl describe`.",
        group: "events.k8s.io".to_owned(),
        resources: owned(&["events"]),
        names: &[],
        verbs: &["create"],
    }]
}

pub(super) fn secrets() -> Vec<Rule> {
    vec![Rule {
        why: "Credentials of metrics, read by name; never listed.",
        group: String::new(),
        resources: owned(&["secrets"]),
        names: &[],
        verbs: &["get"],
    }]
}

pub(super) fn pods() -> Vec<Rule> {
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
        rule(
            "Endpoints of Services, for metrics that ask all of them.",
            "discovery.k8s.io",
            "endpointslices",
            &["list"],
        ),
    ]
}

/// The rights to metrics of adapters are named by metric; which of them objects follow is not known before.
pub(super) fn adapters() -> Vec<Rule> {
    let rule = |group: &str| Rule {
        why: "Metrics that adapters publish.",
        group: group.to_owned(),
        resources: owned(&["*"]),
        names: &[],
        verbs: &["get", "list"],
    };
    vec![rule("custom.metrics.k8s.io"), rule("external.metrics.k8s.io")]
}

pub(super) fn namespaces() -> Vec<Rule> {
    vec![Rule {
        why: "Which namespaces are selected by their labels.",
        group: String::new(),
        resources: owned(&["namespaces"]),
        names: &[],
        verbs: &["list", "watch"],
    }]
}

pub(super) fn leases() -> Vec<Rule> {
    vec![Rule {
        why: "Whether another installation acts on the same objects.",
        group: "coordination.k8s.io".to_owned(),
        resources: owned(&["leases"]),
        names: &[],
        verbs: &["list"],
    }]
}

pub(super) fn lease(names: &'static [&'static str]) -> Vec<Rule> {
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

pub(super) fn certificate_secret() -> Vec<Rule> {
    vec![Rule {
        why: "The webhook's certificate, which replicas share. It is applied, so its creation has a name.",
        group: String::new(),
        resources: owned(&["secrets"]),
        names: &[CERTIFICATE_SECRET],
        verbs: &["get", "create", "patch"],
    }]
}

pub(super) fn workloads() -> Vec<Rule> {
    let rule = |why, group: &str, resources, verbs| Rule {
        why,
        group: group.to_owned(),
        resources: owned(resources),
        names: &[],
        verbs,
    };
    vec![
        rule(
            "Requests of containers, which the HPA measures by.",
            "apps",
            &["deployments", "statefulsets"],
            &["get"],
        ),
        rule("Default requests of namespaces.", "", &["limitranges"], &["list"]),
    ]
}

pub(super) fn webhook_configuration() -> Vec<Rule> {
    vec![Rule {
        why: "The host names of the webhook, and its certificate authority.",
        group: "admissionregistration.k8s.io".to_owned(),
        resources: owned(&["validatingwebhookconfigurations"]),
        names: &[WEBHOOK_CONFIGURATION],
        verbs: &["get", "patch"],
    }]
}

/// The role for the external metrics API in the kustomizations; the chart's has the name of the release.
pub(super) const METRICS_API_ROLE: &str = "scaling-operator-external-metrics-role";
/// By name, as the API server has one for each version of a group.
const METRICS_API_SERVICE: &str = "v1beta1.external.metrics.k8s.io";
/// Where the API server says how its front proxy is known.
const FRONT_PROXY: &str = "extension-apiserver-authentication";

pub(super) fn api_service() -> Vec<Rule> {
    let rule = |why, names, verbs| Rule {
        why,
        group: "apiregistration.k8s.io".to_owned(),
        resources: owned(&["apiservices"]),
        names,
        verbs,
    };
    vec![
        // What does not exist yet has no name to the authorizer.
        rule("The external metrics API is registered where there is none.", &[], &["create"]),
        rule("Whose it is, and its certificate authority.", &[METRICS_API_SERVICE], &["get", "patch"]),
    ]
}

pub(super) fn api_service_owner(names: &'static [&'static str]) -> Vec<Rule> {
    vec![Rule {
        why: "The APIService is deleted with this role.",
        group: "rbac.authorization.k8s.io".to_owned(),
        resources: owned(&["clusterroles"]),
        names,
        verbs: &["get"],
    }]
}

/// The same as in the ClusterRole system:auth-delegator and the Role extension-apiserver-authentication-reader, as far as
/// it is needed, and without a binding in another namespace.
pub(super) fn callers() -> Vec<Rule> {
    let rule = |why, group: &str, resource, names, verbs| Rule {
        why,
        group: group.to_owned(),
        resources: owned(&[resource]),
        names,
        verbs,
    };
    let none = &[][..];
    vec![
        rule("How the front proxy of the API server is known.", "", "configmaps", &[FRONT_PROXY], &["get"]),
        rule("Who calls.", "authentication.k8s.io", "tokenreviews", none, &["create"]),
        rule("What callers may do.", "authorization.k8s.io", "subjectaccessreviews", none, &["create"]),
    ]
}

pub(super) fn any_target() -> Vec<Rule> {
    vec![Rule {
        why: "Everything that has a scale subresource.",
        group: "*".to_owned(),
        resources: owned(&["*/scale"]),
        names: &[],
        verbs: &["get", "update"],
    }]
}

/// The rules as the items of a YAML list.
pub(super) fn items(rules: &[Rule]) -> String {
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

#[cfg(test)]
mod tests {
    use resources::{Needs, scaled_object};

    use super::*;

    #[test]
    fn hpas_are_written_only_where_a_kind_needs_it() {
        let verbs = |kinds: &[&Kind]| -> Vec<&str> {
            let rules = autoscalers(kinds).into_iter().filter(|rule| rule.group == "autoscaling");
            rules.flat_map(|rule| rule.verbs.iter().copied()).collect()
        };
        let plain = Kind { needs: Needs::NOTHING, ..*KINDS[0] };
        assert_eq!(verbs(&[&plain]), ["list", "watch"]);
        let keeping = Kind { needs: Needs { hpa: scaled_object::KIND.needs.hpa, ..Needs::NOTHING }, ..plain };
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
}
