//! A shell as a user has it: in the repository, with kubectl and helm on its PATH and one cluster.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use testbed::{ControlPlane, wait};

use crate::harness::LIMIT;
use crate::packaging::repository;
use crate::packaging::tools::tool;

/// See the module. What it runs and what is said to it goes to stdout, as on a terminal.
pub(crate) struct Shell {
    kubeconfig: PathBuf,
    path: OsString,
    /// Settings and caches of the user of this machine must not matter.
    home: TempDir,
}

impl Shell {
    pub(crate) fn new(control_plane: &ControlPlane) -> Self {
        let home = tempfile::tempdir().unwrap();
        let programs = home.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        for name in ["kubectl", "helm"] {
            std::os::unix::fs::symlink(tool(name), programs.join(name)).unwrap();
        }
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&others)));
        Self { kubeconfig: control_plane.kubeconfig().to_owned(), path: path.unwrap(), home }
    }

    /// What a command prints. It must succeed.
    pub(crate) fn run(&self, command: &str) -> String {
        println!("\n$ {command}");
        let said = self.attempt(command);
        println!("{}", said.as_ref().unwrap_or_else(|said| said).trim_end());
        said.unwrap_or_else(|said| panic!("$ {command}\n{said}"))
    }

    /// What a command says that must fail.
    pub(crate) fn fail(&self, command: &str) -> String {
        println!("\n$ {command}");
        let said = self.attempt(command).expect_err(command);
        println!("{}", said.trim_end());
        said
    }

    /// Runs a command again and again until what it prints has all of `words`.
    pub(crate) async fn watch(&self, command: &str, words: &[&str]) -> String {
        println!("\n$ watch {command}");
        let look = || async {
            let said = self.attempt(command)?;
            let missing: Vec<&&str> = words.iter().filter(|word| !said.contains(**word)).collect();
            if missing.is_empty() { Ok(said) } else { Err(format!("no {missing:?} in:\n{said}")) }
        };
        let said = wait::until(command, 2 * LIMIT, look).await.unwrap();
        println!("{}", said.trim_end());
        said
    }

    /// A file of the user's own; its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// What a command prints; both its streams where it fails.
    pub(crate) fn attempt(&self, command: &str) -> Result<String, String> {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(repository(""))
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", self.home.path())
            // A make around the tests has its own options.
            .env_remove("MAKEFLAGS")
            .env_remove("MAKELEVEL")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        if output.status.success() { Ok(stdout) } else { Err(stdout + &stderr) }
    }
}
