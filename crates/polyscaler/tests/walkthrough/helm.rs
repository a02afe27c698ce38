//! The way with helm.

use testbed::ControlPlane;

use crate::walkthrough::kubectl::pod_of;
use crate::walkthrough::shell::Shell;

/// As users have it, to the letter.
const CUSTOM_VALUES: &str = include_str!("../packaging/values-custom.yaml");

/// What the chart calls the operator of release `scaling-operator`.
const NAME: &str = "scaling-operator-polyscaler";

/// CRDs that kubectl installed are no hindrance, and stay its own.
pub(crate) async fn beside_kubectl(shell: &Shell) {
    let said = shell.run("helm install scaling-operator ./helm/scaling-operator");
    assert!(said.contains("CRD scalingrules.scaling.example.com existed already"), "{said}");
    rolled_out(shell);
    shell.run("helm uninstall scaling-operator");
    shell.run("kubectl get crd scalingrules.scaling.example.com");
}

pub(crate) async fn install_upgrade_uninstall(shell: &Shell) {
    let said = shell.run("helm install scaling-operator ./helm/scaling-operator");
    assert!(said.contains("STATUS: deployed") && !said.contains("existed already"), "{said}");
    rolled_out(shell);
    let said = shell.run("helm upgrade scaling-operator ./helm/scaling-operator");
    assert!(said.contains("REVISION: 2") && !said.contains("existed already"), "{said}");
    shell.run("helm uninstall scaling-operator");
    // Objects would go with their CRDs.
    shell.run("kubectl get crd scalingrules.scaling.example.com");

    shell.run(
        "helm install scaling-operator ./helm/scaling-operator \\\n  --set replicaCount=2 \\\n  \
         --set operator.logLevel=debug \\\n  --set operator.activityServer.port=8082",
    );
    rolled_out(shell);
    let said = shell.run(&format!("kubectl get deployment {NAME} -o jsonpath='{{.spec}}'"));
    assert!(said.contains(r#""replicas":2"#), "{said}");
    assert!(said.contains(r#"{"name":"LOG_LEVEL","value":"debug"}"#), "{said}");
    shell.run("helm uninstall scaling-operator");
}

/// With the user's own values; and the operator then scales with the rights that it was given.
pub(crate) async fn custom_values(shell: &Shell, control_plane: &ControlPlane) {
    let values = shell.file("values-custom.yaml", CUSTOM_VALUES);
    shell.run(&format!("helm install scaling-operator ./helm/scaling-operator -f {values}"));
    let said = shell.run(&format!("kubectl get deployment {NAME} -o jsonpath='{{.spec}}'"));
    for words in ["your-registry/scaling-operator:v1.0.0", r#""memory":"512Mi""#, "--max-actions=200"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let pod = pod_of(shell, control_plane, "default", NAME).await;
    shell.run("kubectl apply -f config/samples/scaling_v1_scalingrule.yaml");
    shell.watch("kubectl get scalingrules", &["MetricConnectionFailed"]).await;
    pod.end().await;
    shell.run("helm uninstall scaling-operator");
    let said = shell.fail(&format!("kubectl get deployment {NAME}"));
    assert!(said.contains("NotFound"), "{said}");
}

fn rolled_out(shell: &Shell) {
    shell.run(&format!("kubectl rollout status deployment/{NAME} --timeout=300s"));
}
