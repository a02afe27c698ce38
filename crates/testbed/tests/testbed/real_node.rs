//! Pods on the real node are real processes that are reached by their Service, and nothing of a
//! node is left on the machine, in whatever way its run ends.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::Api;
use kube::api::{ListParams, LogParams, PostParams};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use testbed::real_node::{self, NodeParts};
use testbed::{ControlPlane, Image, Options, REAL_NODE, fixtures, programs, wait};
use tokio::io::{AsyncBufReadExt as _, BufReader as AsyncBufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

const LIMIT: Duration = Duration::from_secs(120);
const IMAGE: &str = "localhost/nats:1";

async fn parts() -> Option<NodeParts> {
    tokio::task::spawn_blocking(real_node::find_or_skip).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_run_and_are_reached_by_their_service() {
    let Some(parts) = parts().await else { return };
    let started = Instant::now();
    let options = Options { nodes: 1, real_node: Some(parts), ..Options::default() };
    let control_plane = ControlPlane::start(options).await.unwrap();
    println!("control plane with a real node ready after {:?}", started.elapsed());
    let node = control_plane.real_node().unwrap();
    let server = tokio::task::spawn_blocking(|| {
        let nats = programs::ensure(&programs::NATS_SERVER, &mut |line| eprintln!("{line}")).unwrap();
        Image::of_program(IMAGE, &nats).unwrap()
    });
    node.add_image(&server.await.unwrap()).await.unwrap();

    let client = control_plane.client();
    let namespace = fixtures::create_namespace(&client, "real").await.unwrap();
    let deployments = Api::<Deployment>::namespaced(client.clone(), &namespace);
    deployments.create(&PostParams::default(), &deployment()).await.unwrap();
    let services = Api::<Service>::namespaced(client.clone(), &namespace);
    let service = services.create(&PostParams::default(), &service()).await.unwrap();
    let started = Instant::now();
    let look = || async {
        let status =
            deployments.get("nats").await.map_err(|error| error.to_string())?.status.unwrap_or_default();
        if status.ready_replicas == Some(2) { Ok(()) } else { Err(format!("{status:?}")) }
    };
    wait::until("two ready pods", LIMIT, look).await.unwrap();
    println!("two pods ready after {:?}", started.elapsed());

    // The fake node has none of them, and their addresses are of the range that the node has.
    let pods = Api::<Pod>::namespaced(client.clone(), &namespace);
    for pod in pods.list(&ListParams::default()).await.unwrap().items {
        assert_eq!(pod.spec.unwrap().node_name.as_deref(), Some(REAL_NODE));
        let address: IpAddr = pod.status.unwrap().pod_ip.unwrap().parse().unwrap();
        assert_eq!(first_line(address).await.split(' ').next(), Some("INFO"));
        // The API server asks the kubelet.
        let log = pods.logs(pod.metadata.name.as_deref().unwrap(), &LogParams::default()).await.unwrap();
        assert!(log.contains("Server is ready"), "{log}");
    }
    let address: IpAddr = service.spec.unwrap().cluster_ip.unwrap().parse().unwrap();
    let look = || async {
        let line = tokio::time::timeout(Duration::from_secs(5), first_line(address)).await;
        line.ok().filter(|line| line.starts_with("INFO ")).ok_or("no answer")
    };
    wait::until("an answer at the Service's address", LIMIT, look).await.unwrap();

    let directory = control_plane.directory().to_owned();
    let name = cgroup_of(&directory);
    control_plane.shutdown().await.unwrap();
    assert_eq!(left_of(&directory, &name), Vec::<String>::new());
}

/// What the server says to whoever connects; empty when nobody does.
async fn first_line(address: IpAddr) -> String {
    let mut line = String::new();
    if let Ok(stream) = TcpStream::connect((address, 4222)).await {
        AsyncBufReader::new(stream).read_line(&mut line).await.unwrap_or_default();
    }
    line
}

/// Two replicas of a server as the strictest of pod security wants them.
fn deployment() -> Deployment {
    let deployment = json!({
        "metadata": {"name": "nats"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "nats"}},
            "template": {
                "metadata": {"labels": {"app": "nats"}},
                "spec": {
                    "nodeSelector": {"type": "real"},
                    "tolerations": [{"key": "type", "value": "real", "effect": "NoSchedule"}],
                    "securityContext": {
                        "runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [{
                        "name": "nats",
                        "image": IMAGE,
                        "imagePullPolicy": "Never",
                        "readinessProbe": {"tcpSocket": {"port": 4222}, "periodSeconds": 1},
                        "resources": {"limits": {"memory": "64Mi", "cpu": "1"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "capabilities": {"drop": ["ALL"]},
                            "readOnlyRootFilesystem": true,
                        },
                    }],
                },
            },
        },
    });
    serde_json::from_value(deployment).unwrap()
}

fn service() -> Service {
    let service = json!({
        "metadata": {"name": "nats"},
        "spec": {"selector": {"app": "nats"}, "ports": [{"port": 4222}]},
    });
    serde_json::from_value(service).unwrap()
}

/// A `testbed up --real-node` whose folders are in one of its own.
struct Up {
    process: Child,
    directory: PathBuf,
    cgroup: String,
}

impl Up {
    fn start(temporary: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_testbed"))
            .args(["up", "--nodes", "0", "--real-node"])
            .env("TMPDIR", temporary)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let kubeconfig = Path::new(line.trim().strip_prefix("export KUBECONFIG=").expect(&line)).to_owned();
        let directory = kubeconfig.parent().unwrap().to_owned();
        let cgroup = cgroup_of(&directory);
        Self { process, directory, cgroup }
    }

    /// Kills it, and before it those that would clear up, if they are to go, too.
    fn kill(&mut self, with_guards: bool) {
        if with_guards {
            let own = self.process.id();
            let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
            // The guard has no other name than that of its script; the programs are asked nothing.
            for id in children.split_whitespace().filter(|id| command_line(id).contains("testbed-watchdog")) {
                kill(id.parse().unwrap());
            }
        }
        kill(self.process.id());
        self.process.wait().unwrap();
    }
}

fn kill(id: u32) {
    kill_process(Pid::from_raw(id.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

fn command_line(id: &str) -> String {
    let bytes = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

fn cgroup_of(directory: &Path) -> String {
    fs::read_to_string(directory.join("real-node-cgroup")).unwrap()
}

/// What is left of one run: others may be ending at the same time.
fn left_of(directory: &Path, cgroup: &str) -> Vec<String> {
    let directory = directory.to_str().unwrap();
    let cgroups = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"].map(|root| Path::new(root).join(cgroup));
    let mut left: Vec<String> = real_node::leftovers().unwrap();
    left.retain(|line| line.contains(cgroup) || line.contains(directory));
    left.extend(cgroups.iter().filter(|path| path.exists()).map(|path| path.display().to_string()));
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.map(|entry| command_line(&entry.file_name().to_string_lossy()));
    left.extend(lines.filter(|line| line.contains(directory)));
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_meet_and_a_killed_run_leaves_nothing() {
    if parts().await.is_none() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let (one, other) = (temporary.path().to_owned(), temporary.path().to_owned());
    let (one, other) = tokio::join!(
        tokio::task::spawn_blocking(move || Up::start(&one)),
        tokio::task::spawn_blocking(move || Up::start(&other)),
    );
    let (mut one, mut other) = (one.unwrap(), other.unwrap());
    assert_ne!(one.cgroup, other.cgroup);
    assert!(!left_of(&one.directory, &one.cgroup).is_empty());

    one.kill(false);
    let gone = || async {
        let left = left_of(&one.directory, &one.cgroup);
        if left.is_empty() && !one.directory.exists() { Ok(()) } else { Err(format!("{left:?}")) }
    };
    wait::until("nothing of a killed run", LIMIT, gone).await.unwrap();

    // Nobody clears up behind this one; its node goes on.
    other.kill(true);
    let listed = real_node::leftovers().unwrap();
    assert!(
        listed.iter().any(|line| line.starts_with("process ") && line.contains(&other.cgroup)),
        "{listed:?}"
    );
    let cleared = Command::new(env!("CARGO_BIN_EXE_testbed"))
        .arg("clear-up")
        .env("TMPDIR", temporary.path())
        .output()
        .unwrap();
    assert!(cleared.status.success(), "{cleared:?}");
    assert!(!other.directory.exists());
    let gone = || async {
        let left = left_of(&other.directory, &other.cgroup);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    };
    wait::until("nothing of a run whose guard was killed, too", LIMIT, gone).await.unwrap();
}
