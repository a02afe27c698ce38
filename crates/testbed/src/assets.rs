//! The programs of the control plane, and those of a real node: from `KUBEBUILDER_ASSETS`, else
//! from the per-user cache, else built with Go into that cache. Building takes minutes and happens
//! once for a version of `hack/control-plane`; everything else that needs the programs calls
//! [`ensure`] or [`ensure_node`].

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

/// Programs that are needed and built together.
struct Set {
    /// What they make, in a line of progress.
    what: &'static str,
    /// The end of the name of their folder in the cache.
    suffix: &'static str,
    tools: &'static [Tool],
}

const CONTROL_PLANE: Set = Set {
    what: "control plane",
    suffix: "",
    tools: &[
        Tool { name: "etcd", package: "go.etcd.io/etcd/server/v3" },
        Tool { name: "kube-apiserver", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
        Tool { name: "kube-controller-manager", package: "k8s.io/kubernetes/cmd/kube-controller-manager" },
        Tool { name: "kube-scheduler", package: "k8s.io/kubernetes/cmd/kube-scheduler" },
        Tool { name: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" },
    ],
};

const NODE: Set = Set {
    what: "real node",
    suffix: "-node",
    tools: &[
        Tool { name: "kubelet", package: "k8s.io/kubernetes/cmd/kubelet" },
        Tool { name: "kube-proxy", package: "k8s.io/kubernetes/cmd/kube-proxy" },
        Tool { name: "pause", package: "./pause" },
    ],
};

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

/// Where each program of a real node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAssets {
    /// Runs the node's pods.
    pub kubelet: PathBuf,
    /// Makes the Services' addresses lead to pods.
    pub kube_proxy: PathBuf,
    /// Process 1 of the node and of each pod: a static program.
    pub pause: PathBuf,
}

/// Finds the programs of the control plane, building them when there is no other way. Blocks, for
/// minutes when it builds; `progress` gets a line of text every ten seconds at most.
pub fn ensure(progress: &mut dyn FnMut(&str)) -> anyhow::Result<Assets> {
    control_plane(given().as_deref(), &cache()?, progress)
}

/// Finds the programs of a real node in the same way.
pub fn ensure_node(progress: &mut dyn FnMut(&str)) -> anyhow::Result<NodeAssets> {
    let [kubelet, kube_proxy, pause] = find(&NODE, given().as_deref(), &cache()?, progress)?;
    Ok(NodeAssets { kubelet, kube_proxy, pause })
}

fn given() -> Option<PathBuf> {
    std::env::var_os(ASSETS_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn cache() -> anyhow::Result<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::home_dir().context("neither XDG_CACHE_HOME nor HOME is set")?.join(".cache"),
    };
    Ok(cache.join("polyscaler/control-plane"))
}

fn control_plane(
    given: Option<&Path>,
    cache: &Path,
    progress: &mut dyn FnMut(&str),
) -> anyhow::Result<Assets> {
    let [etcd, kube_apiserver, kube_controller_manager, kube_scheduler, kwok] =
        find(&CONTROL_PLANE, given, cache, progress)?;
    Ok(Assets { etcd, kube_apiserver, kube_controller_manager, kube_scheduler, kwok })
}

fn find<const N: usize>(
    set: &Set,
    given: Option<&Path>,
    cache: &Path,
    progress: &mut dyn FnMut(&str),
) -> anyhow::Result<[PathBuf; N]> {
    if let Some(folder) = given
        && !folder.is_dir()
    {
        bail!("{ASSETS_VARIABLE} is {}, which is not a folder", folder.display());
    }
    let in_given = |tool: &Tool| given.map(|folder| folder.join(tool.name)).filter(|path| is_program(path));
    let mut built = None;
    let mut paths = Vec::with_capacity(N);
    for tool in set.tools {
        let path = match in_given(tool) {
            Some(path) => path,
            None => {
                if built.is_none() {
                    built = Some(cache::ensure(set, cache, progress)?);
                }
                built.iter().map(|folder| folder.join(tool.name)).next().context("no folder of programs")?
            }
        };
        paths.push(path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?);
    }
    <[PathBuf; N]>::try_from(paths).map_err(|paths| anyhow::anyhow!("{} programs, not {N}", paths.len()))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::{CONTROL_PLANE, NODE, cache, control_plane, find};

    fn put_program(folder: &Path, name: &str) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(name), "#!/bin/sh\n").unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn given_programs_win_and_missing_ones_come_from_the_cache() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        let (given, cached) = (root.join("given"), cache::folder(&CONTROL_PLANE, &root.join("cache")));
        put_program(&given, "etcd");
        put_program(&given, "kube-apiserver");
        for tool in CONTROL_PLANE.tools {
            put_program(&cached, tool.name);
        }
        let assets =
            control_plane(Some(&given), &root.join("cache"), &mut |line| panic!("built: {line}")).unwrap();
        assert_eq!(assets.etcd, given.join("etcd"));
        assert_eq!(assets.kube_apiserver, given.join("kube-apiserver"));
        assert_eq!(assets.kwok, cached.join("kwok"));
        assert_eq!(assets.kube_scheduler, cached.join("kube-scheduler"));
    }

    #[test]
    fn a_wrong_assets_variable_is_named() {
        let error = control_plane(Some(Path::new("/nonexistent")), Path::new("/nonexistent"), &mut |_| ())
            .unwrap_err();
        assert!(error.to_string().contains("KUBEBUILDER_ASSETS"), "{error}");
    }

    #[test]
    fn a_nodes_programs_have_a_folder_of_their_own() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().canonicalize().unwrap();
        let cached = cache::folder(&NODE, &root);
        assert_ne!(cached, cache::folder(&CONTROL_PLANE, &root));
        for tool in NODE.tools {
            put_program(&cached, tool.name);
        }
        let found: [_; 3] = find(&NODE, None, &root, &mut |line| panic!("built: {line}")).unwrap();
        assert_eq!(found, ["kubelet", "kube-proxy", "pause"].map(|name| cached.join(name)));
    }
}
