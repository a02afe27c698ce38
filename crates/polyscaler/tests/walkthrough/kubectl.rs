//! The way with make, kubectl and kustomize.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use serde_json::Value;
use testbed::{ControlPlane, wait};

use crate::harness::LIMIT;
use crate::packaging::pod::Pod;
use crate::walkthrough::orders::Orders;
use crate::walkthrough::shell::Shell;

const NAMESPACE: &str = "scaling-operator-system";
const NAME: &str = "scaling-operator-controller-manager";

/// Polls are 30 s apart, as the sample has it: time for two of them on a busy machine.
const TWO_POLLS: Duration = Duration::from_secs(180);

/// Waits until the Deployment is rolled out, and runs its pod under its service account: the
/// nodes here are not real and run no containers.
pub(crate) async fn operator(shell: &Shell, control_plane: &ControlPlane) -> Pod {
    pod_of(shell, control_plane, NAMESPACE, NAME).await
}

/// The same for any Deployment.
pub(crate) async fn pod_of(shell: &Shell, control_plane: &ControlPlane, namespace: &str, name: &str) -> Pod {
    shell.run(&format!("kubectl rollout status -n {namespace} deployment/{name} --timeout=300s"));
    let client = control_plane.client();
    let deployment: Deployment = Api::namespaced(client.clone(), namespace).get(name).await.unwrap();
    let pod = Pod::start(control_plane, &client, &deployment).await;
    pod.wait_until_probes_succeed(&deployment).await;
    pod
}

pub(crate) async fn install(shell: &Shell) {
    let said = shell.run("make install");
    assert!(said.contains("scalingrules.scaling.example.com created"), "{said}");
    let said = shell.run("make deploy");
    assert!(said.contains(&format!("deployment.apps/{NAME} created")), "{said}");
    shell.watch(&format!("kubectl get pods -n {NAMESPACE}"), &[NAME, "1/1", "Running"]).await;
    let said = shell.run("kubectl get crd scalingrules.scaling.example.com");
    assert!(said.contains("CREATED AT"), "{said}");
}

pub(crate) async fn scale_by_a_queue(shell: &Shell, pod: &Pod, orders: &Orders) {
    shell.run("kubectl create deployment test-app --image=nginx:latest --replicas=2");
    let said = shell.run("kubectl apply -f config/samples/scaling_v1_scalingrule.yaml");
    assert!(said.contains("scalingrule.scaling.example.com/my-app-scaling created"), "{said}");
    // The sample scales my-app, which is not there yet; nor is a server called nats.
    shell.watch("kubectl describe scalingrule my-app-scaling", &["TargetNotFound", "my-app"]).await;
    shell.run("kubectl create deployment my-app --image=nginx:latest");
    let described = "kubectl describe scalingrule my-app-scaling";
    shell.watch(described, &["MetricConnectionFailed", "http://nats:8222"]).await;
    assert_eq!(replicas(shell, "my-app"), "1");

    orders.publish(60).await;
    // The only change to the sample: from outside a cluster its server has another address.
    let patch = format!(r#"{{"spec":{{"natsMonitoringURL":"{}"}}}}"#, orders.monitoring_url());
    shell.run(&format!("kubectl patch scalingrule my-app-scaling --type=merge -p '{patch}'"));
    wait_for_replicas(shell, "at least 2", |replicas| replicas >= 2).await;
    let activity = wait_for_activity(pod, "scale-out", |action| action["to"] == 2).await;
    assert_eq!(activity["kind"], "ScalingRule", "{activity}");
    assert_eq!(activity["name"], "my-app-scaling", "{activity}");
    assert_eq!((&activity["from"], &activity["applied"]), (&1.into(), &true.into()), "{activity}");
    let steps = activity["steps"].to_string();
    assert!(steps.contains("60 > 50"), "{steps}");

    orders.work_off(60).await;
    let scaled_in = |action: &Value| action["from"].as_u64() > action["to"].as_u64();
    let activity = wait_for_activity(pod, "scale-in", scaled_in).await;
    assert!(activity["steps"].to_string().contains("< 10"), "{activity}");
    wait_for_replicas(shell, "1", |replicas| replicas == 1).await;
    assert_eq!(replicas(shell, "test-app"), "2", "nobody asked for that");
}

/// Everything that shows what happened.
pub(crate) async fn look_at_it(shell: &Shell, pod: &Pod) {
    // The status follows the scale within a moment.
    let settled = "orders.processing   0         1     10    1         1         True";
    let said = shell.watch("kubectl get scalingrules", &[settled]).await;
    let mut lines = said.lines();
    let header: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let columns = ["NAME", "TARGET", "SUBJECT", "PENDING", "MIN", "MAX", "CURRENT", "DESIRED", "READY"];
    assert_eq!(header[..9], columns);
    assert!(lines.next().unwrap().starts_with("my-app-scaling   Deployment/my-app"), "{said}");
    shell.run("kubectl get deployments");
    let said = shell.run("kubectl describe scalingrule my-app-scaling");
    for words in ["Conditions:", "Pending Messages:", "Last Scale Reason:", "Events:", "SuccessfulRescale"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let said = shell.run("kubectl get scalingrule my-app-scaling -o yaml");
    for words in ["status:", "pendingMessages: 0", "currentReplicas: 1", "lastScaleReason: threshold 2→1"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    let (status, page) = pod.activity("/").await.unwrap();
    assert_eq!(status, 200);
    assert!(page.starts_with("<!") && page.contains("my-app-scaling"), "{page}");
    assert_eq!(pod.activity("/health").await.unwrap().0, 200);
}

pub(crate) async fn debug(shell: &Shell, control_plane: &ControlPlane) {
    shell.run(&format!("kubectl set env -n {NAMESPACE} deployment/{NAME} LOG_LEVEL=debug"));
    let pod = operator(shell, control_plane).await;
    let look = || async {
        let log = pod.process.last_lines(1000);
        if log.contains("DEBUG") { Ok(()) } else { Err(log) }
    };
    wait::until("lines of level debug", LIMIT, look).await.unwrap();
    pod.end().await;
}

pub(crate) async fn kustomize(shell: &Shell) {
    shell.run("kubectl apply -k config/default");
    let set = format!("kubectl get deployment -n {NAMESPACE} {NAME} -o jsonpath='{{.spec.template.spec}}'");
    assert!(shell.run(&set).contains(r#"{"name":"LOG_LEVEL","value":"info"}"#));
    shell.run("kubectl apply -k config/overlays/production");
    shell.watch(&format!("kubectl get deployment -n {NAMESPACE} {NAME}"), &["2/2"]).await;
}

pub(crate) async fn take_away(shell: &Shell) {
    shell.run("make undeploy");
    let said = shell.fail(&format!("kubectl get namespace {NAMESPACE}"));
    assert!(said.contains("NotFound"), "{said}");
    // Rules and what they scaled stay until the CRDs go, and then the Deployments still stay.
    assert!(shell.run("kubectl get scalingrules").contains("my-app-scaling"));
    shell.run("make uninstall");
    let said = shell.fail("kubectl get crd scalingrules.scaling.example.com");
    assert!(said.contains("NotFound"), "{said}");
    assert_eq!(replicas(shell, "my-app"), "1");
}

fn replicas(shell: &Shell, deployment: &str) -> String {
    shell.run(&format!("kubectl get deployment {deployment} -o jsonpath='{{.spec.replicas}}'"))
}

async fn wait_for_replicas(shell: &Shell, what: &str, is_wanted: impl Fn(u32) -> bool) {
    let look = || async {
        let said = shell.attempt("kubectl get deployment my-app -o jsonpath='{.spec.replicas}'")?;
        let replicas: u32 = said.parse().map_err(|_| said)?;
        if is_wanted(replicas) { Ok(()) } else { Err(format!("{replicas} replicas")) }
    };
    wait::until(&format!("{what} replicas"), 2 * TWO_POLLS, look).await.unwrap();
    shell.run("kubectl get deployments");
}

/// Waits for an operation in the JSON of the activity listener.
async fn wait_for_activity(pod: &Pod, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
    println!("\n(the activity listener: /scaling-activity)");
    let look = || async {
        let (_, text) = pod.activity("/scaling-activity").await?;
        let actions: Vec<Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        actions.into_iter().find(|action| is_wanted(action)).ok_or(text)
    };
    let found = wait::until(what, TWO_POLLS, look).await.unwrap();
    println!("{found}");
    found
}
