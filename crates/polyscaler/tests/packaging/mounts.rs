//! Plays the kubelet's part for mounted ConfigMaps: their data lies in a folder of its own, to which a link leads that
//! is replaced in one step when they change.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

/// A ConfigMap that a pod has mounted.
pub(crate) struct Mount {
    namespace: String,
    config_map: String,
    /// Where the container sees it.
    pub(crate) path: String,
    /// Where it is on this machine.
    pub(crate) folder: PathBuf,
    versions: u32,
}

impl Mount {
    /// The ConfigMaps that the first container of `deployment` mounts, each in a folder below `place`, as they are now.
    pub(crate) async fn all(client: &Client, deployment: &Deployment, place: &Path) -> Vec<Self> {
        let spec = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
        let mut mounts = Vec::new();
        for mounted in spec.containers[0].volume_mounts.iter().flatten() {
            let volume = spec.volumes.iter().flatten().find(|volume| volume.name == mounted.name).unwrap();
            let Some(config_map) = &volume.config_map else { continue };
            let folder = place.join(&volume.name);
            std::fs::create_dir_all(&folder).unwrap();
            let mut mount = Self {
                namespace: deployment.metadata.namespace.clone().unwrap(),
                config_map: config_map.name.clone(),
                path: mounted.mount_path.clone(),
                folder,
                versions: 0,
            };
            mount.update(client).await;
            mounts.push(mount);
        }
        mounts
    }

    /// Brings the folder to what the ConfigMap says now.
    pub(crate) async fn update(&mut self, client: &Client) {
        let api: Api<ConfigMap> = Api::namespaced(client.clone(), &self.namespace);
        let data = api.get(&self.config_map).await.unwrap().data.unwrap_or_default();
        self.versions += 1;
        let version = format!("..{}", self.versions);
        std::fs::create_dir(self.folder.join(&version)).unwrap();
        for (name, text) in &data {
            std::fs::write(self.folder.join(&version).join(name), text).unwrap();
        }
        let (link, current) = (self.folder.join("..data_tmp"), self.folder.join("..data"));
        symlink(&version, &link).unwrap();
        std::fs::rename(link, current).unwrap();
        for name in data.keys() {
            let file = self.folder.join(name);
            if file.symlink_metadata().is_err() {
                symlink(Path::new("..data").join(name), file).unwrap();
            }
        }
    }
}
