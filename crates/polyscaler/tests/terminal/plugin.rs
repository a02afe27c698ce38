//! Installed as `kubectl-polyscaler` it is a plugin of the real kubectl.

use std::process::Command;

use super::Said;
use crate::harness::{POLYSCALER, Scene};
use crate::packaging::tools::tool;

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_runs_it_as_a_plugin() {
    let scene = Scene::new("plugin").await;
    scene.podless_deployment("web", 6).await;
    scene.users("/users", 3000);
    scene.operator(&[]).await;
    let web = scene.business_scaling("web", scene.spec("web", "/users")).await;
    web.wait_for("Ready", "True", "Ready").await;
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(POLYSCALER, folder.path().join("kubectl-polyscaler")).unwrap();
    let kubectl = |args: &[&str]| {
        let mut command = Command::new(tool("kubectl"));
        command.args(args).env("PATH", folder.path()).env("KUBECONFIG", &scene.kubeconfig);
        Said::of(&mut command)
    };
    let status = kubectl(&["polyscaler", "status", "-n", &scene.namespace]);
    status.expect(0, &[&web.name, "1 object, 0 not ready"]);
    let why = kubectl(&["polyscaler", "why", &format!("businessscaling/{}", web.name)]);
    why.expect(0, &["scales Deployment/web"]);
    kubectl(&["polyscaler", "why", "--help"]).expect(0, &["Usage: kubectl polyscaler why", "Exit status: 0"]);
}
