//! The programs of the control plane: from `KUBEBUILDER_ASSETS`, else from the
//! per-user cache, else built with Go into that cache. Building takes minutes
//! and happens once for a version of `hack/control-plane`; everything else that
//! needs the programs calls [`ensure`].

mod build;
mod cache;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The environment variable that names a folder with ready-made programs, as
/// known from controller-runtime's envtest.
pub const ASSETS_VARIABLE: &str = "KUBEBUILDER_ASSETS";

/// A program and the Go package it is built from.
struct Tool {
    name: &'static str,
    package: &'static str,
}

const TOOLS: [Tool; 5] = [
    Tool { name: "etcd", package: "go.etcd.io/etcd/server/v3" },
    Tool { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
    Tool { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager" },
    Tool { name: "kube-scheduler", package: "k8s.io/kubernetes/cmd/kube-scheduler" },
    Tool { name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" },
];

/// Where each program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    /// The store behind the API server.
    pub etcd: PathBuf,
    /// The API server.
    pub kube_apiserver: PathBuf,
    /// Deployments, ReplicaSets, HPAs, service accounts.
    pub kube_controller_manager: PathBuf,
    /// Puts pods on nodes.
    pub kube_scheduler: PathBuf,
    /// Plays the kubelets of nodes that do not exist.
    pub kwok: PathBuf,
}

/// Finds the programs, building them when there is no other way. Blocks, for
/// minutes when it builds; `progress` gets a line of text every ten seconds at most.
pub fn ensure(progress: &mut dyn FnMut(&str)) -> anyhow::Result<Assets> {
    let given = std::env::var_os(ASSETS_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir().context("neither XDG_CACHE_HOME nor HOME is set")?.join(".cache"),
    };
    find(given.as_deref(), &cache.join("polyscaler/control-plane"), progress)
}

fn find(given: Option<&Path>, cache: &Path, progress: &mut dyn FnMut(&str)) -> anyhow::Result<Assets> {
    if let Some(folder) = given
        && !folder.is_dir()
    {
        bail!("{ASSETS_VARIABLE} is {}, which is not a folder", folder.display());
    }
    let in_given = |tool: &Tool| given.map(|folder| folder.join(tool.name)).filter(|path| is_program(path));
    let mut built = None;
    let mut paths = Vec::with_capacity(TOOLS.len());
    for tool in &TOOLS {
        let path = match in_given(tool) {
            Some(path) => path,
            None => {
                if built.is_none() {
                    built = Some(cache::ensure(cache, progress)?);
                }
                built.iter().map(|folder| folder.join(tool.name)).next().context("no folder of programs")?
            }
        };
        paths.push(path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?);
    }
    let [etcd, kube_apiserver, kube_controller_manager, kube_scheduler, kwok] =
        <[PathBuf; 5]>::try_from(paths).map_err(|_| anyhow::anyhow!("not five programs"))?;
    Ok(Assets { etcd, kube_apiserver, kube_controller_manager, kube_scheduler, kwok })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::{TOOLS, cache, find};

    fn put_program(folder: &Path, name: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn given_programs_win_and_missing_ones_come_from_the_cache() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        let (given, cached) = (root.join("given"), cache::folder(&root.join("cache")));
        put_program(&given, "etcd");
        put_program(&given, "kube-apiserver");
        for tool in &TOOLS {
            put_program(&cached, tool.name);
        }
        let assets = find(Some(&given), &root.join("cache"), &mut |line| panic!("built: {line}")).unwrap();
        assert_eq!(assets.etcd, given.join("etcd"));
        assert_eq!(assets.kube_apiserver, given.join("kube-apiserver"));
        assert_eq!(assets.kwok, cached.join("kwok"));
        assert_eq!(assets.kube_scheduler, cached.join("kube-scheduler"));
    }

    #[test]
    fn a_wrong_assets_variable_is_named() {
        let error =
            find(Some(Path::new("/nonexistent")), Path::new("/nonexistent"), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("KUBEBUILDER_ASSETS"), "{error}");
    }
}
