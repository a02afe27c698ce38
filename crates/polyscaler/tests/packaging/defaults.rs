//! The operator's defaults and ceilings as the chart gives them: a ConfigMap that the pod mounts, and that may change.

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use testbed::wait;

use crate::harness::{LIMIT, Scene, control_plane};
use crate::packaging::helm::{helm_on, template, values_file};
use crate::packaging::manifests::{kind, typed, wait_until_rolled_out};
use crate::packaging::pod::Pod;

/// The ConfigMap with the defaults that these values of the chart come to.
fn rendered(defaults: &str) -> Result<ConfigMap, String> {
    let file = values_file(&format!("operator: {{ defaults: {defaults} }}"));
    let objects = template("any", &["--values", &file.path().display().to_string()])?;
    Ok(typed(objects.iter().find(|object| kind(object) == "ConfigMap").unwrap()))
}

#[test]
fn what_values_say_is_what_the_operator_reads() {
    let config_map = rendered(
        "{ defaults: { intervalSeconds: 30, safety: { behavior: { scaleUp: { tolerance: 0.05 } } } }, \
         ceilings: { maxReplicas: 2147483647 }, namespaces: [{ names: ['1234', 'no'], matchLabels: { tier: 'true' }, \
         ceilings: { metricTypes: [cpu] } }] }",
    );
    let text = config_map.unwrap().data.unwrap().remove("defaults.yaml").unwrap();
    let read = resources::OperatorDefaults::parse(&text).unwrap();
    let same = "{ defaults: { intervalSeconds: 30, safety: { behavior: { scaleUp: { tolerance: 0.05 } } } }, \
                ceilings: { maxReplicas: 2147483647 }, namespaces: [{ names: ['1234', 'no'], matchLabels: { tier: 'true' }, \
                ceilings: { metricTypes: [cpu] } }] }";
    assert_eq!(read, resources::OperatorDefaults::parse(same).unwrap(), "{text}");
}

#[test]
fn what_the_operator_would_refuse_is_refused_by_the_chart() {
    for (wrong, field) in [
        ("{ default: {} }", "default"),
        ("{ defaults: { interval: 5 } }", "interval"),
        ("{ defaults: { intervalSeconds: 0 } }", "intervalSeconds"),
        ("{ ceilings: { maxReplicas: '50' } }", "maxReplicas"),
        ("{ ceilings: { metricTypes: [] } }", "metricTypes"),
        ("{ namespaces: [{ name: shop }] }", "name"),
        ("{ namespaces: [{ names: [1234] }] }", "names"),
    ] {
        let refused = rendered(wrong).unwrap_err();
        assert!(refused.contains(field), "{wrong}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_values_takes_effect_without_a_restart() {
    let scene = Scene::new("chart-defaults").await;
    let namespace = scene.namespace.as_str();
    let values = |most: u32| {
        let defaults = json!({
            "defaults": { "intervalSeconds": 1, "safety": {} },
            "ceilings": { "maxReplicas": most },
            "namespaces": [{ "matchLabels": { "tier": "gold" }, "ceilings": { "maxReplicas": 20 } }],
        });
        let operator = json!({ "namespaces": [namespace], "defaults": defaults });
        // Tests share the CRDs and the one APIService; and a webhook would judge the objects of others.
        let off = json!({ "install": false });
        values_file(
            &json!({ "operator": operator, "crds": off, "webhook": { "enabled": false }, "externalMetrics": { "enabled": false } }).to_string(),
        )
    };
    let helm = |verb: &str, values: &tempfile::NamedTempFile| {
        let values = values.path().display().to_string();
        let chart = "./charts/polyscaler";
        helm_on(
            control_plane::shared(),
            &[verb, "limits", chart, "--namespace", namespace, "--values", &values],
        )
        .unwrap()
    };
    helm("install", &values(8));
    let deployment = wait_until_rolled_out(&scene.client, namespace, "limits-polyscaler").await;
    let mut pod = Pod::start(control_plane::shared(), &scene.client, &deployment).await;
    pod.wait_until_probes_succeed(&deployment).await;

    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 5000);
    let config = json!({ "url": scene.metrics.url("/users"), "valuePath": "$.active_users" });
    let metrics = json!([{ "type": "http", "config": config, "targetValue": 100 }]);
    let spec = json!({ "targetDeployment": "web", "maxReplicas": 100, "metrics": metrics });
    let scaler = scene.general_scaler("web", spec).await;
    target.wait_for(8).await;

    helm("upgrade", &values(12));
    let after = wait_until_rolled_out(&scene.client, namespace, "limits-polyscaler").await;
    assert_eq!(after.spec, deployment.spec, "nothing is rolled out for it");
    pod.update_mounts(&scene.client).await;
    target.wait_for(12).await;

    // The rights that came along let it see the labels of namespaces.
    let namespaces: Api<Namespace> = Api::all(scene.client.clone());
    let gold = json!({ "metadata": { "labels": { "tier": "gold" } } });
    namespaces.patch(namespace, &PatchParams::default(), &Patch::Merge(gold)).await.unwrap();
    target.wait_for(20).await;
    scaler.wait_for("Ready", "True", "Ready").await;
    let look = || async {
        let defaults = scaler.status().await["defaults"].to_string();
        let is_named = defaults.contains("the operator's defaults for namespaces tier=gold");
        if is_named { Ok(()) } else { Err(defaults) }
    };
    wait::until("the status to say where its maximum comes from", LIMIT, look).await.unwrap();
    pod.end().await;
    helm_on(control_plane::shared(), &["uninstall", "limits", "--namespace", namespace]).unwrap();
}
