//! The guard against orphans: a small shell process that holds the reading end
//! of a pipe. The kernel closes our end however we end, `kill -9` included;
//! the guard then ends every process group it knows of and removes the
//! folder. It makes that folder itself, so there is no moment in which the
//! folder exists and nobody would remove it.
//!
//! Neither a destructor nor a signal handler runs on `kill -9`, and the
//! kernel's parent-death signal follows the thread that spawned, not the
//! process, so it would fire when a runtime's worker thread retires.

use std::fmt::Display;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};

const SCRIPT: &str = include_str!("watchdog.sh");

/// One guard process and the pipe that keeps it waiting.
#[derive(Debug)]
pub(super) struct Watchdog {
    directory: PathBuf,
    held: Mutex<Option<(Child, ChildStdin)>>,
}

impl Watchdog {
    /// Starts a guard, which makes a folder named after `prefix`.
    pub(super) fn start(prefix: &str) -> anyhow::Result<Self> {
        let template = std::env::temp_dir().join(format!("{prefix}.XXXXXX"));
        let mut process = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "testbed-watchdog"])
            .arg(&template)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Out of the terminal's foreground group: ctrl-c must not reach it.
            .process_group(0)
            .spawn()
            .context("cannot start /bin/sh, which guards against orphaned processes")?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("the guard process has no pipes");
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("the guard process did not answer")?;
        let directory = PathBuf::from(line.trim_end_matches('\n'));
        ensure!(directory.is_absolute(), "cannot make a temporary folder like {}", template.display());
        Ok(Self { directory, held: Mutex::new(Some((process, stdin))) })
    }

    /// The folder that goes away with the guard.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Has the guard end this process group when we are gone.
    pub(super) fn add(&self, group: u32) -> anyhow::Result<()> {
        self.tell("add", group)
    }

    /// Takes a group back that has ended, before its number can be given again.
    pub(super) fn remove(&self, group: u32) -> anyhow::Result<()> {
        self.tell("del", group)
    }

    /// Has the guard remove this cgroup at the end.
    pub(super) fn remove_cgroup(&self, name: &str) -> anyhow::Result<()> {
        self.tell("cgroup", name)
    }

    fn tell(&self, verb: &str, group: impl Display) -> anyhow::Result<()> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, stdin)) = held.as_mut() else {
            bail!("the supervisor has been shut down");
        };
        writeln!(stdin, "{verb} {group}").context("the guard process has gone")
    }

    /// Lets the guard do its work and waits for its end. Later calls do nothing.
    pub(super) fn finish(&self) -> anyhow::Result<()> {
        let taken = self.held.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((mut process, stdin)) = taken {
            drop(stdin);
            process.wait().context("cannot wait for the guard process")?;
        }
        Ok(())
    }
}
