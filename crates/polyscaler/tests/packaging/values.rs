//! Which values the chart takes, and what it says to others.

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;

use crate::packaging::helm::{CHART, helm, template, values_file};
use crate::packaging::manifests::{kind, only, typed};

/// As users have it, to the letter.
pub(crate) const CUSTOM_VALUES: &str = include_str!("values-custom.yaml");

fn deployment(args: &[&str]) -> Deployment {
    typed(only(&template("scaling-operator", args).unwrap(), "Deployment"))
}

fn container(deployment: &Deployment) -> &k8s_openapi::api::core::v1::Container {
    &deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers[0]
}

fn variable<'a>(deployment: &'a Deployment, name: &str) -> Option<&'a str> {
    let variables = container(deployment).env.as_ref().unwrap();
    variables.iter().find(|variable| variable.name == name)?.value.as_deref()
}

#[test]
fn the_chart_is_as_helm_wants_it() {
    let said = helm(&["lint", "--strict", CHART]).unwrap();
    assert!(said.contains("0 chart(s) failed"), "{said}");
}

#[test]
fn values_of_users_arrive_in_the_deployment() {
    let file = values_file(CUSTOM_VALUES);
    let custom = deployment(&["--values", &file.path().display().to_string()]);
    assert_eq!(custom.spec.as_ref().unwrap().replicas, Some(2));
    let container = container(&custom);
    assert_eq!(container.image.as_deref(), Some("your-registry/scaling-operator:v1.0.0"));
    let resources = container.resources.as_ref().unwrap();
    assert_eq!(resources.limits.as_ref().unwrap()["memory"].0, "512Mi");
    assert_eq!(resources.requests.as_ref().unwrap()["cpu"].0, "100m");
    for arg in ["--metrics-address=[::]:8080", "--activity-address=[::]:8082", "--max-actions=200"] {
        assert!(container.args.as_ref().unwrap().iter().any(|found| found == arg), "{arg}");
    }

    let set = ["replicaCount=2", "operator.logLevel=debug", "operator.activityServer.port=8082"];
    let set: Vec<&str> = set.into_iter().flat_map(|value| ["--set", value]).collect();
    assert_eq!(variable(&deployment(&set), "LOG_LEVEL"), Some("debug"));
}

#[test]
fn what_is_switched_off_is_not_there() {
    let off = [
        "operator.metrics.enabled=false",
        "operator.activityServer.enabled=false",
        "crds.install=false",
        "webhook.enabled=false",
        "externalMetrics.enabled=false",
        "rbac.create=false",
        "serviceAccount.create=false",
    ];
    let off: Vec<&str> = off.into_iter().flat_map(|value| ["--set", value]).collect();
    let objects = template("scaling-operator", &off).unwrap();
    let deployment: Deployment = typed(only(&objects, "Deployment"));
    assert_eq!(objects.len(), 1, "{:?}", crate::packaging::manifests::names(&objects));
    let args = container(&deployment).args.as_ref().unwrap();
    for arg in ["--metrics-address=off", "--activity-address=off"] {
        assert!(args.iter().any(|found| found == arg), "{arg} among {args:?}");
    }
    let ports = container(&deployment).ports.as_ref().unwrap();
    assert_eq!(ports.iter().map(|port| port.name.as_deref().unwrap()).collect::<Vec<_>>(), ["health"]);
}

#[test]
fn a_release_may_have_dots_in_its_name() {
    for (release, name) in [("my.app", "my-app-polyscaler"), ("polyscaler.eu", "polyscaler-eu")] {
        let objects = template(release, &["--set", "crds.install=false"]).unwrap();
        assert_eq!(only(&objects, "Deployment").name_any(), name);
        for service in objects.iter().filter(|object| kind(object) == "Service") {
            assert!(!service.name_any().contains('.'), "{}", service.name_any());
        }
    }
}

#[test]
fn bad_values_are_refused_with_their_path() {
    for (set, words) in [
        ("replicaCount=-1", "replicaCount"),
        ("replicaCount=two", "replicaCount"),
        ("replicas=2", "replicas"),
        ("image.pullPolicy=Sometimes", "image/pullPolicy"),
        ("image.tag=7", "image/tag"),
        ("operator.logLevel=loud", "operator/logLevel"),
        ("operator.logFormat=xml", "operator/logFormat"),
        ("operator.metrics.port=80", "operator/metrics/port"),
        ("operator.metrics.prot=8080", "prot"),
        ("operator.apiTimeout=5", "operator/apiTimeout"),
        ("operator.apiTimeout=2m", "operator/apiTimeout"),
        ("operator.activityServer.maxActions=0", "operator/activityServer/maxActions"),
        ("operator.namespaces[0]=No_Name", "operator/namespaces/0"),
        ("operator.excludeNamespaces[0]=No_Name", "operator/excludeNamespaces/0"),
        (
            "rbac.namespaced=true,operator.namespaces={a},operator.namespaceSelector=a=b",
            "operator.namespaceSelector",
        ),
        ("operator.prometheusUrl=prometheus:9090", "operator/prometheusUrl"),
        ("operator.denyAddresses[0]=10.0.0.1", "operator/denyAddresses/0"),
        ("operator.leaderElection.leaseDuration=soon", "operator/leaderElection/leaseDuration"),
        ("operator.leaderElection.leaseDuration=2s", "operator/leaderElection/leaseDuration"),
        ("fullnameOverride=a.b", "fullnameOverride"),
        ("rbac.targets[0].apiGroup=argoproj.io", "rbac/targets/0"),
        ("resources.limit.cpu=1", "limit"),
        ("rbac.namespaced=true", "operator.namespaces"),
        ("operator.metrics.port=8081", "must differ"),
        ("webhook.port=8080", "must differ"),
        ("webhook.port=443", "webhook/port"),
        ("externalMetrics.port=9443", "must differ"),
        ("externalMetrics.apiService=maybe", "externalMetrics/apiService"),
        ("webhook.certManager.issuer=x", "issuer"),
        ("webhook.existingSecret=x,webhook.certManager.enabled=true", "webhook.existingSecret"),
        ("serviceMonitor.enabled=true,metricsService.enabled=false", "serviceMonitor.enabled"),
        ("prometheusRule.enabled=true,operator.metrics.enabled=false", "prometheusRule.enabled"),
        ("prometheusRule.labels.release=1", "prometheusRule/labels/release"),
        ("replicaCount=2,operator.leaderElection.enabled=false", "operator.leaderElection.enabled"),
    ] {
        let refused = template("scaling-operator", &["--set", set]).unwrap_err();
        let dotted = words.replace('/', ".");
        assert!(refused.contains(words) || refused.contains(&dotted), "{set}: {refused}");
    }
}
