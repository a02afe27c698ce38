//! Everything that the chart can render, judged by a real API server.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use serde_json::json;

use crate::harness::{POLYSCALER, Scene, control_plane};
use crate::packaging::helm::{CHART, helm, helm_on, template, values_file};
use crate::packaging::manifests::{dry_run, names, only, parse, typed};
use crate::packaging::values::CUSTOM_VALUES;

/// Every option that adds an object or a part of one.
pub(crate) const ALL_OPTIONS: &str = r#"
replicaCount: 3
image: { tag: v1.0.0, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
commonLabels: { team: platform, cost-center: "4711" }
imagePullSecrets: [{ name: registry }]
operator:
  logLevel: info,cluster=debug
  logFormat: json
  namespaces: [default, kube-system]
  excludeNamespaces: [kube-public]
  allowCrossNamespace: true
  observeHpas: true
  defaults:
    defaults: { intervalSeconds: 30, safety: { scaleDownStabilizationSeconds: 300 } }
    ceilings: { maxReplicas: 50, minIntervalSeconds: 5, metricTypes: [prometheus, cpu] }
    namespaces: [{ names: [shop, "1234"], ceilings: { maxReplicas: 2147483647 } }]
  prometheusUrl: http://prometheus.monitoring:9090
  denyAddresses: [10.0.0.0/8, "fd00::/8"]
  allowAddresses: [10.1.0.0/16]
  bindAddress: 0.0.0.0
  leaderElection: { leaseDuration: 30s }
rbac:
  secrets: { names: [token] }
  targets:
    - { apiGroup: argoproj.io, resources: [rollouts] }
    - { apiGroup: "*", resources: ["*"] }
serviceAccount: { annotations: { team: payments } }
metricsService: { type: NodePort, port: 80, annotations: { scrape: "true" } }
activityService: { type: LoadBalancer, port: 80 }
serviceMonitor: { enabled: true, interval: 15s, scrapeTimeout: 10s, labels: { release: prometheus } }
prometheusRule: { enabled: true, labels: { release: prometheus } }
dashboard: { enabled: true, annotations: { grafana_folder: scaling } }
networkPolicy:
  enabled: true
  metricsFrom: [{ namespaceSelector: { matchLabels: { name: monitoring } } }]
  activityFrom: [{ podSelector: {} }]
  egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8 } }] }]
podDisruptionBudget: { enabled: true, minAvailable: 50% }
extraEnv: [{ name: OTEL_EXPORTER_OTLP_ENDPOINT, value: "http://collector:4318" }]
extraEnvFrom: [{ configMapRef: { name: more, optional: true } }]
extraArgs: [--lease-namespace=default]
extraVolumes: [{ name: ca, configMap: { name: ca, optional: true } }]
extraVolumeMounts: [{ name: ca, mountPath: /ca, readOnly: true }]
podAnnotations: { note: "1" }
podLabels: { tier: control, team: scaling }
podSecurityContext: { runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 }
securityContext: { runAsNonRoot: true }
livenessProbe: { initialDelaySeconds: 3, failureThreshold: 5 }
readinessProbe: { successThreshold: 2, timeoutSeconds: null }
dnsPolicy: None
dnsConfig: { nameservers: [10.96.0.10], options: [{ name: ndots, value: "1" }] }
nodeSelector: { kubernetes.io/os: linux }
tolerations: [{ operator: Exists }]
affinity: { nodeAffinity: {} }
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
priorityClassName: system-cluster-critical
"#;

/// The kinds of the Prometheus operator that are made use of.
pub(crate) const PROMETHEUS_OPERATOR: [(&str, &str); 2] =
    [("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")];

/// Just enough of the Prometheus operator's CRD for objects of a kind to be taken.
pub(crate) fn prometheus_operator_crd(kind: &str, plural: &str) -> CustomResourceDefinition {
    crd_of_others("monitoring.coreos.com", kind, plural)
}

/// Just enough of someone else's CRD for objects of a kind to be taken.
fn crd_of_others(group: &str, kind: &str, plural: &str) -> CustomResourceDefinition {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    serde_json::from_value(json!({
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced", "names": { "kind": kind, "plural": plural },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    }))
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_rendered_the_api_server_takes() {
    let scene = Scene::new("chart").await;
    for (kind, plural) in PROMETHEUS_OPERATOR {
        control_plane::install_crd(&scene.client, &prometheus_operator_crd(kind, plural)).await;
    }
    for (kind, plural) in [("Certificate", "certificates"), ("Issuer", "issuers")] {
        control_plane::install_crd(&scene.client, &crd_of_others("cert-manager.io", kind, plural)).await;
    }
    let (custom, all) = (values_file(CUSTOM_VALUES), values_file(ALL_OPTIONS));
    let (custom, all) = (custom.path().display().to_string(), all.path().display().to_string());
    let variants: [(&str, &[&str]); 10] = [
        ("generalscaler", &[]),
        ("scaling-operator", &["--values", &custom]),
        ("all", &["--values", &all]),
        ("namespaced", &["--values", &all, "--set", "rbac.namespaced=true"]),
        ("strict", &["--values", &all, "--set", "rbac.namespaced=true,rbac.clusterScopedKinds=false"]),
        ("mounted", &["--values", &all, "--set", "webhook.existingSecret=certificate"]),
        ("cert-manager", &["--set", "webhook.certManager.enabled=true"]),
        ("issuer", &["--set", "webhook.certManager.enabled=true,webhook.certManager.issuerRef.name=vault"]),
        ("selected", &["--set", "operator.namespaceSelector=team=shop"]),
        ("budget", &["--set", "podDisruptionBudget.enabled=true,podDisruptionBudget.maxUnavailable=30%"]),
    ];
    for (release, args) in variants {
        let place = ["--namespace", &scene.namespace];
        let objects = template(release, &[args, &place].concat()).unwrap();
        dry_run(&scene.client, &objects).await;
        let has = |kind: &str| objects.iter().any(|object| crate::packaging::manifests::kind(object) == kind);
        for kind in ["ServiceMonitor", "PrometheusRule", "ConfigMap"] {
            assert_eq!(has(kind), args.contains(&all.as_str()), "{kind} among {:?}", names(&objects));
        }
        assert_eq!(has("ClusterRole"), release != "strict", "{:?}", names(&objects));
    }
}

#[test]
fn its_crds_are_those_of_the_binary_and_are_kept() {
    let printed = std::process::Command::new(POLYSCALER).arg("crds").output().unwrap();
    let printed = parse(&String::from_utf8(printed.stdout).unwrap());
    let is_crd = |object: &kube::api::DynamicObject| {
        crate::packaging::manifests::kind(object) == "CustomResourceDefinition"
    };
    let rendered: Vec<_> = template("any", &[]).unwrap().into_iter().filter(is_crd).collect();
    assert_eq!(names(&rendered), names(&printed));
    for mut crd in rendered {
        assert_eq!(crd.annotations_mut().remove("helm.sh/resource-policy").as_deref(), Some("keep"));
        let same = printed.iter().find(|printed| printed.name_any() == crd.name_any()).unwrap();
        let (crd, same): (CustomResourceDefinition, CustomResourceDefinition) = (typed(&crd), typed(same));
        assert_eq!(crd.spec, same.spec);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_notes_name_what_is_there() {
    let args = ["install", "scaling-operator", CHART, "--dry-run=client"];
    let set = ["--set", "replicaCount=2,fullnameOverride=scaler,crds.install=false", "--namespace", "ops"];
    let said = helm_on(control_plane::shared(), &[&args[..], &set[..]].concat()).unwrap();
    let (_, notes) = said.split_once("NOTES:").unwrap();
    for words in
        ["-n ops deployment/scaler 8082", "http://localhost:8082", "lease -n ops scaler", "crds.install"]
    {
        assert!(notes.contains(words), "{words} in {notes}");
    }
}

#[test]
fn pods_are_as_restricted_as_they_can_be() {
    let chart = template("any", &[]).unwrap();
    let single = parse(&crate::packaging::read("deploy/operator.yaml"));
    for objects in [&chart, &single] {
        let deployment: k8s_openapi::api::apps::v1::Deployment = typed(only(objects, "Deployment"));
        let pod = deployment.spec.unwrap().template.spec.unwrap();
        let security = pod.security_context.unwrap();
        // Which user it is says the image, or a cluster that gives each namespace users of its own.
        assert_eq!((security.run_as_non_root, security.run_as_user), (Some(true), None));
        assert_eq!(security.seccomp_profile.unwrap().type_, "RuntimeDefault");
        let container = pod.containers[0].security_context.as_ref().unwrap();
        assert_eq!(container.read_only_root_filesystem, Some(true));
        assert_eq!(container.allow_privilege_escalation, Some(false));
        assert_eq!(container.capabilities.as_ref().unwrap().drop.as_deref(), Some(&["ALL".to_owned()][..]));
    }
}

#[test]
fn the_right_to_list_pods_can_be_left_out() {
    let roles = |args: &[&str]| {
        helm(&[&["template", "any", CHART, "--show-only", "templates/rbac.yaml"], args].concat())
    };
    let default = roles(&[]).unwrap();
    assert!(
        default.contains(r#"resources: ["pods"]"#) && default.contains(r#"apiGroups: ["metrics.k8s.io"]"#)
    );
    let without = roles(&["--set", "rbac.pods=false"]).unwrap();
    let has_usage = without.contains(r#"apiGroups: ["metrics.k8s.io"]"#);
    assert!(!without.contains("pods") && !has_usage, "{without}");
}
