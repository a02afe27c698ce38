//! Plays the kubelet: runs the operator as a Deployment in the cluster says, with its arguments,
//! its environment and its service account.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use testbed::ports::PortClaim;
use testbed::{ChildHandle, ControlPlane, Supervisor, wait};

use crate::harness::{API_TIMEOUT, LEASE_DURATION, LIMIT, POLYSCALER};
use crate::packaging::account;
use crate::packaging::mounts::Mount;

/// The operator as one pod of a Deployment.
pub(crate) struct Pod {
    pub(crate) process: ChildHandle,
    http: reqwest::Client,
    metrics: PortClaim,
    health: PortClaim,
    activity: PortClaim,
    pub(crate) webhook: PortClaim,
    _metrics_api: PortClaim,
    mounts: Vec<Mount>,
    _peer: PortClaim,
    _supervisor: Supervisor,
}

impl Pod {
    /// Starts it. Its ports are others, as this machine has but one of each.
    pub(crate) async fn start(
        control_plane: &ControlPlane,
        client: &Client,
        deployment: &Deployment,
    ) -> Self {
        Self::start_with(control_plane, client, deployment, &[]).await
    }

    /// The same with some variables of its environment as they are here.
    pub(crate) async fn start_with(
        control_plane: &ControlPlane,
        client: &Client,
        deployment: &Deployment,
        here: &[(&str, &str)],
    ) -> Self {
        let supervisor = Supervisor::new("polyscaler-pod").unwrap();
        let name = deployment.metadata.name.clone().unwrap();
        let namespace = deployment.metadata.namespace.clone().unwrap();
        let spec = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
        let service_account = spec.service_account_name.as_deref().unwrap();
        assert_eq!(spec.automount_service_account_token, Some(true));
        let identity = (namespace.as_str(), service_account);
        let kubeconfig = account::kubeconfig(control_plane, client, identity, supervisor.directory()).await;

        let container = &spec.containers[0];
        let claim = || PortClaim::new().unwrap();
        let (metrics, health, activity, webhook) = (claim(), claim(), claim(), claim());
        let (peer, metrics_api) = (claim(), claim());
        let addresses = [
            ("metrics", &metrics),
            ("health", &health),
            ("activity", &activity),
            ("webhook", &webhook),
            ("peer", &peer),
            ("external-metrics", &metrics_api),
        ];
        let is_address = |arg: &String| {
            addresses
                .iter()
                .any(|(of, _)| arg.starts_with(&format!("--{of}-address=")) && !arg.ends_with("=off"))
        };
        let mut args: Vec<String> =
            container.args.clone().unwrap_or_default().into_iter().filter(|arg| !is_address(arg)).collect();
        for (of, port) in addresses {
            let has_none =
                ["webhook", "peer", "external-metrics"].contains(&of) && !has_listener(deployment, of);
            if !has_none && !args.contains(&format!("--{of}-address=off")) {
                args.push(format!("--{of}-address=127.0.0.1:{}", port.port()));
            }
        }
        let mounts = Mount::all(client, deployment, &supervisor.directory().join("mounts")).await;
        for mount in &mounts {
            let here = mount.folder.display().to_string();
            args.iter_mut().for_each(|arg| *arg = arg.replace(&mount.path, &here));
        }
        let kubeconfig = kubeconfig.display().to_string();
        let mut env = vec![("POLYSCALER_KUBECONFIG", kubeconfig.as_str())];
        for variable in container.env.iter().flatten() {
            // What has no value comes from the pod's fields: its name or its namespace.
            let field = variable.value_from.as_ref().and_then(|from| from.field_ref.as_ref());
            let is_namespace = field.is_some_and(|field| field.field_path == "metadata.namespace");
            let of_pod = if is_namespace { &namespace } else { &name };
            env.push((&variable.name, variable.value.as_deref().unwrap_or(of_pod)));
        }
        env.retain(|(name, _)| here.iter().all(|(other, _)| other != name));
        env.extend(here);
        // What an installation gives an API server is too little for a machine that stands still at times.
        for (name, value) in [("api-timeout", API_TIMEOUT), ("lease-duration", LEASE_DURATION)] {
            args.retain(|arg| !arg.starts_with(&format!("--{name}=")));
            args.push(format!("--{name}={value}"));
        }
        let process = supervisor.spawn("operator", POLYSCALER, args, &env).unwrap();
        let http = testbed::http_client().timeout(Duration::from_secs(30)).build().unwrap();
        Self {
            process,
            http,
            metrics,
            health,
            activity,
            webhook,
            _metrics_api: metrics_api,
            mounts,
            _peer: peer,
            _supervisor: supervisor,
        }
    }

    /// Brings its mounted ConfigMaps to what the cluster has, as the kubelet does now and then.
    pub(crate) async fn update_mounts(&mut self, client: &Client) {
        for mount in &mut self.mounts {
            mount.update(client).await;
        }
    }

    async fn get(&self, port: &PortClaim, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://127.0.0.1:{}{path}", port.port());
        let answer = self.http.get(url).send().await.map_err(|error| format!("{error:?}"))?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(|error| error.to_string())?))
    }

    /// What a path of the health listener says.
    pub(crate) async fn health(&self, path: &str) -> Result<(u16, String), String> {
        self.get(&self.health, path).await
    }

    /// What a path of the metrics listener says.
    pub(crate) async fn metrics(&self, path: &str) -> Result<(u16, String), String> {
        self.get(&self.metrics, path).await
    }

    /// What a path of the activity listener says.
    pub(crate) async fn activity(&self, path: &str) -> Result<(u16, String), String> {
        self.get(&self.activity, path).await
    }

    /// Ends it as the kubelet does.
    pub(crate) async fn end(self) {
        self.process.terminate();
        assert!(self.process.wait(LIMIT).await, "still running");
        assert!(self.process.exit_status().unwrap().success());
    }

    /// Waits until both probes of the Deployment would succeed.
    pub(crate) async fn wait_until_probes_succeed(&self, deployment: &Deployment) {
        let spec = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
        let container = &spec.containers[0];
        for probe in [&container.liveness_probe, &container.readiness_probe] {
            let http = probe.as_ref().unwrap().http_get.as_ref().unwrap();
            let path = http.path.as_deref().unwrap();
            let look = || async {
                match self.health(path).await {
                    Ok((200, _)) => Ok(()),
                    Ok((status, text)) => Err(format!("{status}: {text}")),
                    Err(error) => Err(format!("{error}\n{}", self.process.last_lines(10))),
                }
            };
            wait::until(&format!("{path} of the operator"), LIMIT, look).await.unwrap();
        }
    }
}

/// Whether the Deployment asks for a listener that is off by itself.
fn has_listener(deployment: &Deployment, of: &str) -> bool {
    let spec = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
    let args = spec.containers[0].args.iter().flatten();
    args.into_iter().any(|arg| arg.starts_with(&format!("--{of}-address=")))
}

/// Where a test fails, the log says why.
impl Drop for Pod {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of the operator's log\n{}", self.process.last_lines(25));
        }
    }
}
