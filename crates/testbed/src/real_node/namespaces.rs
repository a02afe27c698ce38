//! The namespaces that hold the node: processes, mounts and network. Whatever runs inside ends
//! with their first process.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::{NAMESPACES, NodeParts};
use crate::supervisor::{ChildHandle, Supervisor};

const SCRIPT: &str = include_str!("init.sh");
/// How long making the place may take; an idle machine needs a tenth of a second.
const READY: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Namespaces {
    first: ChildHandle,
    programs: PathBuf,
}

impl Namespaces {
    /// Makes them, and in `directory` what the node's programs write.
    pub(super) fn start(
        supervisor: &Supervisor,
        parts: &NodeParts,
        directory: &Path,
        cgroup: &str,
    ) -> anyhow::Result<Self> {
        for folder in ["bin", "lib", "log", "cni"] {
            let folder = directory.join(folder);
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let flags = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
        let script = ["--propagation", "private", "/bin/sh", "-c", SCRIPT, "node"].map(str::to_owned);
        let rest =
            [directory.display().to_string(), parts.assets.pause.display().to_string(), cgroup.to_owned()];
        let args = flags.map(str::to_owned).into_iter().chain(script).chain(rest);
        let first = supervisor.spawn(NAMESPACES, "unshare", args, &[])?;
        let started = Instant::now();
        while !directory.join("ready").exists() {
            if !first.is_running() || started.elapsed() > READY {
                bail!("cannot make the real node's namespaces:\n{}", first.last_lines(5));
            }
            std::thread::sleep(POLL);
        }
        Ok(Self { first, programs: directory.join("bin") })
    }

    /// The process whose network namespace is the node's.
    pub(super) fn id(&self) -> u32 {
        self.first.id()
    }

    /// The command line that runs another one inside.
    pub(super) fn inside(&self, program: &Path, args: &[String]) -> (&'static str, Vec<String>) {
        let id = self.id();
        let mut line = vec![
            format!("--mount=/proc/{id}/ns/mnt"),
            format!("--net=/proc/{id}/ns/net"),
            format!("--pid=/proc/{id}/ns/pid_for_children"),
            "--".to_owned(),
            program.display().to_string(),
        ];
        line.extend(args.iter().cloned());
        ("nsenter", line)
    }

    /// PATH for what runs inside: the iptables that this kernel can do comes first.
    pub(super) fn path(&self) -> String {
        let outside = std::env::var("PATH").unwrap_or_default();
        format!("{}:{outside}:/usr/sbin:/sbin", self.programs.display())
    }
}
