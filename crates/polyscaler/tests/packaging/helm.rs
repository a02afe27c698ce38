//! The real helm.

use std::process::Command;

use kube::api::DynamicObject;
use testbed::ControlPlane;

use crate::packaging::tools::tool;
use crate::packaging::{manifests, repository};

/// Where the chart is.
pub(crate) const CHART: &str = "charts/polyscaler";

/// What helm prints, or what it says is wrong. Runs in the repository, as users do.
pub(crate) fn helm(args: &[&str]) -> Result<String, String> {
    // Whatever the user of this machine has set up must not matter.
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(tool("helm"))
        .args(args)
        .current_dir(repository(""))
        .env_remove("KUBECONFIG")
        .env("HELM_CONFIG_HOME", home.path())
        .env("HELM_CACHE_HOME", home.path())
        .env("HELM_DATA_HOME", home.path())
        .output()
        .unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// The same against a control plane.
pub(crate) fn helm_on(control_plane: &ControlPlane, args: &[&str]) -> Result<String, String> {
    let kubeconfig = control_plane.kubeconfig().display().to_string();
    helm(&[args, &["--kubeconfig", &kubeconfig]].concat())
}

/// The objects that the chart makes of these arguments.
pub(crate) fn template(release: &str, args: &[&str]) -> Result<Vec<DynamicObject>, String> {
    let rendered = helm(&[&["template", release, CHART], args].concat())?;
    Ok(manifests::parse(&rendered))
}

/// A values file, gone when the value is dropped.
pub(crate) fn values_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}
