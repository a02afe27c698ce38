//! Nodes without machines. The Node objects are made here; kwok plays their
//! kubelets by the stages below: a node becomes Ready, a scheduled pod becomes
//! Running and Ready (at once, or after the delay its annotation asks for), a
//! deleted pod disappears.

use std::time::Duration;

use anyhow::Context as _;
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Node;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::fixtures::READY_DELAY;
use crate::wait;

const READY: Duration = Duration::from_secs(120);

/// kwok's configuration: a YAML stream, of which JSON documents are a part.
pub(super) fn stages() -> String {
    [node_ready(), pod_ready(), pod_gone()].map(|stage| format!("{stage:#}\n---\n")).concat()
}

fn stage(name: &str, kind: &str, selector: Value, delay: Value, step: Value) -> Value {
    json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": selector},
            "delay": delay,
            "steps": [step],
        },
    })
}

fn status_patch(template: &str) -> Value {
    json!({"patch": {"subresource": "status", "root": "status", "type": "strategic", "template": template}})
}

fn jq(key: &str, operator: &str, values: &[&str]) -> Value {
    let mut expression = json!({"key": key, "operator": operator});
    if !values.is_empty() {
        expression["values"] = json!(values);
    }
    json!({"jq": expression})
}

fn node_ready() -> Value {
    let not_ready = jq(".status.conditions.[] | select( .type == \"Ready\" ) | .status", "NotIn", &["True"]);
    let template = "\
conditions:
{{ range NodeConditions }}
- type: {{ .type | Quote }}
  status: {{ .status | Quote }}
  reason: {{ .reason | Quote }}
  message: {{ .message | Quote }}
  lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
{{ end }}
addresses:
- type: InternalIP
  address: {{ NodeIP | Quote }}
- type: Hostname
  address: {{ NodeName | Quote }}
phase: Running
";
    stage(
        "node-ready",
        "Node",
        json!([not_ready]),
        json!({"durationMilliseconds": 0}),
        status_patch(template),
    )
}

/// `podIPs` is left to the API server: kwok plays a stage twice when a watch is
/// behind, and a second address would be merged into the list and refused.
fn pod_ready() -> Value {
    let selector = json!([
        jq(".metadata.deletionTimestamp", "DoesNotExist", &[]),
        jq(".status.phase", "In", &["Pending"]),
    ]);
    let annotation = format!(".metadata.annotations[{READY_DELAY:?}]");
    let delay = json!({"durationMilliseconds": 0, "durationFrom": {"jq": {"expression": annotation}}});
    let template = "\
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
{{ range $type := list \"Initialized\" \"ContainersReady\" \"Ready\" }}
- type: {{ $type | Quote }}
  status: \"True\"
  lastTransitionTime: {{ $now | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
podIP: {{ PodIPWith .spec.nodeName false .metadata.uid .metadata.name .metadata.namespace | Quote }}
";
    stage("pod-ready", "Pod", selector, delay, status_patch(template))
}

fn pod_gone() -> Value {
    let deleted = jq(".metadata.deletionTimestamp", "Exists", &[]);
    stage("pod-gone", "Pod", json!([deleted]), json!({"durationMilliseconds": 0}), json!({"delete": true}))
}

/// Makes the Node objects, named `node-0`, `node-1` and so on.
pub(super) async fn create(client: &Client, count: usize) -> anyhow::Result<()> {
    let nodes = Api::<Node>::all(client.clone());
    let create = |index: usize| {
        let nodes = nodes.clone();
        async move {
            nodes.create(&PostParams::default(), &node(index)?).await.context("cannot create a fake node")
        }
    };
    try_join_all((0..count).map(create)).await?;
    Ok(())
}

fn node(index: usize) -> anyhow::Result<Node> {
    let name = format!("node-{index}");
    let room = json!({"cpu": "1000", "memory": "4Ti", "pods": "10000"});
    let node = json!({
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "type": "kwok",
            },
        },
        "status": {"allocatable": room, "capacity": room},
    });
    serde_json::from_value(node).context("cannot make a Node")
}

/// Waits until pods can be scheduled on every node.
pub(super) async fn wait_until_ready(client: &Client, count: usize) -> anyhow::Result<()> {
    let nodes = Api::<Node>::all(client.clone());
    let look = || async {
        let listed = nodes.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
        let ready = listed.items.iter().filter(|node| is_schedulable(node)).count();
        if ready >= count { Ok(()) } else { Err(format!("{ready} of {count} nodes ready")) }
    };
    wait::until("fake nodes ready", READY, look).await
}

fn is_schedulable(node: &Node) -> bool {
    let conditions = node.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let is_ready = conditions.into_iter().any(|found| found.type_ == "Ready" && found.status == "True");
    let is_tainted = node.spec.iter().any(|spec| spec.taints.iter().flatten().next().is_some());
    is_ready && !is_tainted
}
