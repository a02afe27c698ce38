//! `status`, `why` and `diff` against the real control plane, as people type them.

mod diff;
mod held;
mod keda_report;
mod plugin;
mod rights;
mod status;
mod why;

use std::process::Command;

use crate::harness::{POLYSCALER, Scene};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let status = output.status.code().unwrap();
        Self { status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// It had this exit status and printed all of `parts`.
    #[track_caller]
    pub(crate) fn expect(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "{self:?}");
        for part in parts {
            assert!(self.stdout.contains(part), "{part:?} is missing:\n{}\n{}", self.stdout, self.stderr);
        }
    }
}

/// Runs the program in the scene's namespace.
pub(crate) fn say(scene: &Scene, args: &[&str]) -> Said {
    Said::of(
        Command::new(POLYSCALER)
            .args(args)
            .args(["--kubeconfig", &scene.kubeconfig.display().to_string(), "-n", &scene.namespace])
            .env("NO_PROXY", "127.0.0.1,localhost"),
    )
}
