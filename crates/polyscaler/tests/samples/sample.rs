//! One sample in a scene: its Deployment and its GeneralScaler, both from its files, and its
//! programs as processes.

use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::Value;
use testbed::{ChildHandle, Signal, Supervisor};

use crate::harness::{LIMIT, Scaling, Scene, Target};
use crate::samples::programs::program;

/// See the module. The processes end with it.
pub(crate) struct Sample {
    name: &'static str,
    supervisor: Supervisor,
}

impl Sample {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, supervisor: Supervisor::new("polyscaler-sample").unwrap() }
    }

    /// The objects of one of its files.
    fn objects(&self, file: &str) -> Vec<Value> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(self.name).join(file);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_saphyr::from_multiple(&text).unwrap()
    }

    /// The only object of one of its files.
    pub(crate) fn object(&self, file: &str) -> Value {
        let mut objects = self.objects(file);
        assert_eq!(objects.len(), 1, "{file}");
        objects.remove(0)
    }

    /// Creates the Deployment as its manifest has it, less the service account, which is of no
    /// use on nodes that are not real.
    pub(crate) async fn deployment(&self, scene: &Scene) -> Target {
        let objects = self.objects("deployment.yaml");
        let found = objects.into_iter().find(|object| object["kind"] == "Deployment").unwrap();
        let mut deployment: Deployment = serde_json::from_value(found).unwrap();
        deployment.metadata.namespace = Some(scene.namespace.clone());
        deployment.spec.as_mut().unwrap().template.spec.as_mut().unwrap().service_account_name = None;
        scene.create_deployment(deployment).await
    }

    /// Creates the GeneralScaler as its manifest has it, in a hurry: a poll each second and a
    /// second between two scales. `adapt` changes what else is of this machine.
    pub(crate) async fn scaler(&self, scene: &Scene, adapt: impl FnOnce(&mut Value)) -> Scaling {
        let mut object = self.objects("generalscaler.yaml").remove(0);
        let spec = &mut object["spec"];
        spec["intervalSeconds"] = 1.into();
        spec["safety"]["cooldownSeconds"] = 1.into();
        if let Some(window) = spec["safety"].get_mut("scaleDownStabilizationSeconds") {
            *window = 2.into();
        }
        adapt(spec);
        let name = object["metadata"]["name"].as_str().unwrap();
        scene.general_scaler(name, object["spec"].clone()).await
    }

    /// Starts one of its programs under a name of its own.
    pub(crate) fn start(&self, name: &str, binary: &str, env: &[(&str, &str)]) -> ChildHandle {
        let no_args: [&str; 0] = [];
        self.supervisor.spawn(name, program(binary), no_args, env).unwrap()
    }

    /// Runs one of its programs to its end.
    pub(crate) async fn run(&self, binary: &str, env: &[(&str, &str)]) -> ChildHandle {
        let process = self.start(binary, binary, env);
        assert!(process.wait(LIMIT).await, "{binary} runs on:\n{}", process.last_lines(20));
        assert!(process.exit_status().unwrap().success(), "{}", process.last_lines(20));
        process
    }
}

/// How many lines that a process wrote begin so.
pub(crate) fn lines(process: &ChildHandle, beginning: &str) -> usize {
    let log = std::fs::read_to_string(process.log_path()).unwrap();
    log.lines().filter(|line| line.starts_with(beginning)).count()
}

/// Ends a process as Kubernetes does, and sees that it ends by itself and well.
pub(crate) async fn terminate(process: &ChildHandle) {
    process.signal(Signal::TERM);
    assert!(process.wait(LIMIT).await, "runs on:\n{}", process.last_lines(20));
    assert!(process.exit_status().unwrap().success(), "{}", process.last_lines(20));
    assert_eq!(process.last_lines(1).trim(), "stopped");
}
