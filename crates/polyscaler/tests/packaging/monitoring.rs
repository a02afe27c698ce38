//! Alerts and dashboard arrive in a cluster as they are written, by kustomization and by chart.

use kube::api::DynamicObject;
use serde_json::Value;

use crate::harness::{Scene, control_plane};
use crate::packaging::chart::{PROMETHEUS_OPERATOR, prometheus_operator_crd};
use crate::packaging::helm::template;
use crate::packaging::kustomize::kustomize;
use crate::packaging::manifests::{dry_run, only};
use crate::packaging::read;

fn kustomized() -> Vec<DynamicObject> {
    kustomize("config/monitoring")
}

fn charted() -> Vec<DynamicObject> {
    let set = ["serviceMonitor.enabled=true,prometheusRule.enabled=true,dashboard.enabled=true"];
    template("any", &[&["--set"], &set[..]].concat()).unwrap()
}

#[test]
fn alerts_and_dashboard_are_those_that_are_tested() {
    let alerts: Value = serde_saphyr::from_str(&read("config/monitoring/alerts.yaml")).unwrap();
    let dashboard = read("config/monitoring/dashboard.json");
    for objects in [kustomized(), charted()] {
        assert_eq!(only(&objects, "PrometheusRule").data["spec"], alerts);
        let config_map = only(&objects, "ConfigMap");
        assert_eq!(config_map.data["data"]["polyscaler.json"], dashboard.as_str());
        assert_eq!(config_map.metadata.labels.as_ref().unwrap()["grafana_dashboard"], "1");
    }
}

#[test]
fn runbooks_are_where_the_team_reads_them() {
    let rules = |spec: &Value| -> Vec<Value> { spec["groups"][0]["rules"].as_array().unwrap().clone() };
    let url = |rule: &Value| rule["annotations"]["runbook_url"].as_str().unwrap().to_owned();
    let written: Value = serde_saphyr::from_str(&read("config/monitoring/alerts.yaml")).unwrap();
    for base in
        ["https://git.example.com/polyscaler/blob/main", "https://git.example.com/polyscaler/blob/main/"]
    {
        let set = format!("prometheusRule.enabled=true,prometheusRule.runbookBaseUrl={base}");
        let objects = template("any", &["--set", &set]).unwrap();
        let charted = rules(&only(&objects, "PrometheusRule").data["spec"]);
        assert_eq!(charted.len(), rules(&written).len());
        for (charted, written) in charted.iter().zip(rules(&written)) {
            assert_eq!(url(charted), format!("{}/{}", base.trim_end_matches('/'), url(&written)));
            assert_eq!(charted["expr"], written["expr"]);
        }
    }
}

#[test]
fn the_monitor_selects_the_service_of_the_metrics() {
    for objects in [[kustomized(), crate::packaging::kustomize::single_files()].concat(), charted()] {
        let monitor = &only(&objects, "ServiceMonitor").data["spec"];
        let wanted = monitor["selector"]["matchLabels"].as_object().unwrap();
        let selected: Vec<&DynamicObject> = objects
            .iter()
            .filter(|object| crate::packaging::manifests::kind(object) == "Service")
            .filter(|service| {
                let labels = service.metadata.labels.clone().unwrap_or_default();
                wanted.iter().all(|(label, value)| labels.get(label).is_some_and(|found| value == found))
            })
            .collect();
        assert_eq!(selected.len(), 1, "{wanted:?}");
        assert_eq!(selected[0].data["spec"]["ports"][0]["name"], monitor["endpoints"][0]["port"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_takes_what_the_kustomization_has() {
    let scene = Scene::new("monitoring").await;
    for (kind, plural) in PROMETHEUS_OPERATOR {
        control_plane::install_crd(&scene.client, &prometheus_operator_crd(kind, plural)).await;
    }
    let mut objects = kustomized();
    for object in &mut objects {
        object.metadata.namespace = Some(scene.namespace.clone());
    }
    dry_run(&scene.client, &objects).await;
}
