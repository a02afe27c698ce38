//! TeaStore in a namespace of its own, with its groups file, and the coordinators that scale it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;
use testbed::{ChildHandle, Signal, Supervisor, wait};

use crate::harness::{
    API_TIMEOUT, LEASE_DURATION, LIMIT, POLYSCALER, Recorder, Scene, Target, control_plane,
};

/// Its services.
pub(crate) const SERVICES: [&str; 7] = [
    "teastore-webui",
    "teastore-auth",
    "teastore-image",
    "teastore-recommender",
    "teastore-persistence",
    "teastore-db",
    "teastore-registry",
];

/// A file of the example.
pub(crate) fn example(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/teastore").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Deployments as their manifest has them.
fn deployments() -> Vec<Deployment> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&example("deployments.yaml")).unwrap();
    documents.into_iter().map(|document| serde_json::from_value(document).unwrap()).collect()
}

/// See the module. The processes end with it.
pub(crate) struct Store {
    pub(crate) scene: Scene,
    pub(crate) groups: PathBuf,
    supervisor: Supervisor,
    runs: AtomicUsize,
}

impl Store {
    /// A namespace without the application, and a groups file.
    pub(crate) async fn new(prefix: &str, groups: &str) -> Self {
        let scene = Scene::on(control_plane::shared_without_crds(), prefix).await;
        let supervisor = Supervisor::new("polyscaler-coordinate").unwrap();
        let store = Self {
            scene,
            groups: supervisor.directory().join("groups.txt"),
            supervisor,
            runs: AtomicUsize::new(0),
        };
        store.edit(groups);
        store
    }

    /// Writes the groups file as an editor does: another file takes its name.
    pub(crate) fn edit(&self, groups: impl AsRef<[u8]>) {
        let new = self.groups.with_extension("new");
        std::fs::write(&new, groups).unwrap();
        std::fs::rename(new, &self.groups).unwrap();
    }

    pub(crate) fn deployments(&self) -> Api<Deployment> {
        self.scene.namespaced()
    }

    /// Creates all services, with pods.
    pub(crate) async fn deploy(&self) {
        for deployment in deployments() {
            self.deployments().create(&PostParams::default(), &deployment).await.unwrap();
        }
    }

    /// Creates some services without pods, which is quicker.
    pub(crate) async fn deploy_podless(&self, names: &[&str]) {
        for mut deployment in deployments() {
            if names.contains(&deployment.metadata.name.as_deref().unwrap()) {
                deployment.spec.as_mut().unwrap().paused = Some(true);
                self.deployments().create(&PostParams::default(), &deployment).await.unwrap();
            }
        }
    }

    pub(crate) fn service(&self, name: &str) -> Target {
        self.scene.target("apps/v1", "Deployment", "deployments", name)
    }

    /// Records the replicas of services from now on.
    pub(crate) async fn record(&self, names: &[&str]) -> Vec<Recorder> {
        let mut recorders = Vec::new();
        for name in names {
            recorders.push(self.service(name).record().await);
        }
        recorders
    }

    /// Starts a coordinator that acts each second, with more of an environment.
    pub(crate) fn coordinate(&self, env: &[(&str, &str)]) -> Coordinator {
        let name = format!("coordinate-{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let (file, kubeconfig) =
            (self.groups.display().to_string(), self.scene.kubeconfig.display().to_string());
        let mut all = vec![
            ("GROUP_FILE", file.as_str()),
            ("NAMESPACE", &self.scene.namespace),
            ("KUBECONFIG", &kubeconfig),
            ("ACTION_INTERVAL", "1"),
            ("POLYSCALER_API_TIMEOUT", API_TIMEOUT),
            ("POLYSCALER_LEASE_DURATION", LEASE_DURATION),
        ];
        all.extend(env);
        Coordinator { process: self.supervisor.spawn(&name, POLYSCALER, ["coordinate"], &all).unwrap() }
    }

    /// Starts an experiment of this list; returns it with the folder of its results.
    pub(crate) fn experiment(&self, list: &str) -> (Coordinator, PathBuf) {
        let name = format!("coordinate-{}", self.runs.fetch_add(1, Ordering::Relaxed));
        let (path, out) = (self.groups.with_file_name("list.txt"), self.groups.with_file_name("results"));
        std::fs::write(&path, list).unwrap();
        let (file, kubeconfig) =
            (self.groups.display().to_string(), self.scene.kubeconfig.display().to_string());
        let (list, results) = (path.display().to_string(), out.display().to_string());
        let arguments = ["coordinate", "--experiment", &list, "--out", &results];
        let env = [
            ("GROUP_FILE", file.as_str()),
            ("NAMESPACE", &self.scene.namespace),
            ("KUBECONFIG", &kubeconfig),
            ("POLYSCALER_API_TIMEOUT", API_TIMEOUT),
            ("POLYSCALER_LEASE_DURATION", LEASE_DURATION),
        ];
        (Coordinator { process: self.supervisor.spawn(&name, POLYSCALER, arguments, &env).unwrap() }, out)
    }

    /// No Deployment has a finalizer.
    pub(crate) async fn assert_no_finalizers(&self) {
        for deployment in self.deployments().list(&Default::default()).await.unwrap() {
            assert_eq!(
                deployment.metadata.finalizers.unwrap_or_default(),
                [""; 0],
                "{:?}",
                deployment.metadata.name
            );
        }
    }
}

/// Where a test fails, the log says why.
impl Drop for Store {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for run in 0..self.runs.load(Ordering::Relaxed) {
                if let Some(process) = self.supervisor.child(&format!("coordinate-{run}")) {
                    eprintln!("--- end of the log of {}\n{}", process.name(), process.last_lines(40));
                }
            }
        }
    }
}

/// One process.
pub(crate) struct Coordinator {
    pub(crate) process: ChildHandle,
}

impl Coordinator {
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.process.log_path()).unwrap()
    }

    /// The lines of the log that have all these words.
    pub(crate) fn lines(&self, words: &[&str]) -> Vec<String> {
        let has_all = |line: &&str| words.iter().all(|word| line.contains(word));
        self.log().lines().filter(has_all).map(str::to_owned).collect()
    }

    /// Waits for so many such lines.
    pub(crate) async fn wait_for_lines(&self, words: &[&str], count: usize) -> Vec<String> {
        let look = || async {
            let lines = self.lines(words);
            if lines.len() >= count { Ok(lines) } else { Err(format!("{lines:?}")) }
        };
        wait::until(&format!("{count} lines with {words:?}"), LIMIT, look).await.unwrap()
    }

    /// Waits until it has made so many actions of a group from now on.
    pub(crate) async fn wait_for_actions(&self, group: &str, more: usize) {
        let words = ["group scaled", &format!("/{group} ")];
        self.wait_for_lines(&words, self.lines(&words).len() + more).await;
    }

    /// The exit status of one that has ended by itself.
    pub(crate) fn status(&self) -> Option<i32> {
        self.process.exit_status().and_then(|status| status.code())
    }

    /// Asks it to end, and sees that it does so well.
    pub(crate) async fn terminate(&self) {
        self.process.signal(Signal::TERM);
        assert!(self.process.wait(LIMIT).await, "still there:\n{}", self.process.last_lines(20));
        assert_eq!(self.process.exit_status().and_then(|status| status.code()), Some(0), "{}", self.log());
    }

    /// Ends it without asking.
    pub(crate) async fn kill(&self) {
        self.process.kill();
        assert!(self.process.wait(LIMIT).await);
    }
}
