//! Starts processes so that all of them, and the folder they work in, are gone
//! when the starter is: at the end of a test, after a panic, after ctrl-c and
//! after `kill -9`. Used for the control plane's programs, the Go compiler,
//! and by tests for the operator and real servers such as Redis.

mod child;
mod watchdog;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::time::Instant;

pub use child::ChildHandle;
pub use rustix::process::Signal;
use watchdog::Watchdog;

/// How long a process may take to end after it was asked to: far more than any needs, as what is killed
/// may lose what it has not stored yet, and a busy machine stands still for seconds.
const GRACE: Duration = Duration::from_secs(30);
/// How long the kernel may take to end a process that was killed.
const KILLED: Duration = Duration::from_secs(60);

/// How often [`Supervisor::first_death`] looks.
const LOOK_FOR_DEATH: Duration = Duration::from_millis(200);

/// What is run under a name; kept so that it can be run again.
#[derive(Debug, Clone)]
struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

/// Owns processes and one temporary folder.
#[derive(Debug)]
pub struct Supervisor {
    watchdog: Arc<Watchdog>,
    children: Mutex<BTreeMap<String, (Program, ChildHandle)>>,
}

impl Supervisor {
    /// A supervisor with an empty folder of its own in the system's temporary folder.
    pub fn new(prefix: &str) -> anyhow::Result<Self> {
        let watchdog = Arc::new(Watchdog::start(prefix)?);
        Ok(Self { watchdog, children: Mutex::new(BTreeMap::new()) })
    }

    /// The folder, which disappears with the supervisor. It is also where processes are started in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.watchdog.directory()
    }

    /// Starts a program under a name that is not taken by a running one. Its
    /// output goes to `<directory>/<name>.log`; `env` is added to ours. The
    /// working directory is the supervisor's folder, so paths among `args` are
    /// best absolute.
    pub fn spawn<A: AsRef<OsStr>>(
        &self,
        name: &str,
        program: impl AsRef<Path>,
        args: impl IntoIterator<Item = A>,
        env: &[(&str, &str)],
    ) -> anyhow::Result<ChildHandle> {
        let program = program.as_ref();
        let path = if program.components().count() > 1 {
            // Links stay as they are: some programs look at the name they are called by.
            std::path::absolute(program)
                .and_then(|path| path.metadata().map(|_| path))
                .with_context(|| format!("cannot start {name} from {}", program.display()))?
        } else {
            program.to_owned()
        };
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        let env = env.iter().map(|(key, value)| (OsString::from(key), OsString::from(value))).collect();
        self.start(name, Program { path, args, env })
    }

    /// Starts a program again that has ended, as it was started last.
    pub fn spawn_again(&self, name: &str) -> anyhow::Result<ChildHandle> {
        let known = self.children().get(name).map(|(program, _)| program.clone());
        match known {
            Some(program) => self.start(name, program),
            None => bail!("no process was ever started under the name {name}"),
        }
    }

    fn start(&self, name: &str, program: Program) -> anyhow::Result<ChildHandle> {
        let mut children = self.children();
        if children.get(name).is_some_and(|(_, child)| child.is_running()) {
            bail!("{name} is already running");
        }
        let child = ChildHandle::start(name, &program, &self.watchdog)?;
        children.insert(name.to_owned(), (program, child.clone()));
        Ok(child)
    }

    /// The process last started under a name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<ChildHandle> {
        self.children().get(name).map(|(_, child)| child.clone())
    }

    /// Asks a process to end, and after half a minute ends it; returns when it has gone.
    pub async fn stop(&self, name: &str) -> anyhow::Result<()> {
        self.named(name)?;
        self.stop_where(|other| other == name).await
    }

    /// Ends a process as `kill -9` does; returns when it has gone.
    pub async fn kill(&self, name: &str) -> anyhow::Result<()> {
        let child = self.named(name)?;
        child.kill();
        if child.wait(KILLED).await { Ok(()) } else { bail!("{name} did not end although it was killed") }
    }

    /// Sends any signal, for example to stop a process and let it go on.
    pub fn signal(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        self.named(name)?.signal(signal);
        Ok(())
    }

    /// Waits for as long as the named processes run. Returns an error that says
    /// which of them has ended, how, and what it last wrote.
    pub async fn first_death(&self, names: &[&str]) -> anyhow::Error {
        loop {
            for child in names.iter().filter_map(|name| self.child(name)) {
                if let Some(status) = child.exit_status() {
                    let (name, lines) = (child.name(), child.last_lines(15));
                    return anyhow!("{name} ended with {status}; it last wrote:\n{lines}");
                }
            }
            tokio::time::sleep(LOOK_FOR_DEATH).await;
        }
    }

    /// Ends the processes whose names are picked, all at the same time and
    /// first by asking; returns when they have gone.
    pub async fn stop_where(&self, pick: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let children: Vec<ChildHandle> = self
            .children()
            .values()
            .map(|(_, child)| child.clone())
            .filter(|child| pick(child.name()))
            .collect();
        for child in &children {
            child.terminate();
        }
        let asked = Instant::now();
        for child in &children {
            if !child.wait(GRACE.saturating_sub(asked.elapsed())).await {
                tracing::warn!(process = child.name(), "did not end when asked to, killing it");
                child.kill();
            }
        }
        for child in &children {
            if !child.wait(KILLED).await {
                bail!("{} did not end although it was killed", child.name());
            }
        }
        Ok(())
    }

    /// Has the cgroup of this name removed, from all trees, when everything has ended.
    pub(crate) fn remove_cgroup_at_end(&self, name: &str) -> anyhow::Result<()> {
        self.watchdog.remove_cgroup(name)
    }

    /// Ends everything and removes the folder.
    pub async fn shutdown(&self) -> anyhow::Result<()> {
        self.stop_where(|_| true).await?;
        let watchdog = Arc::clone(&self.watchdog);
        tokio::task::spawn_blocking(move || watchdog.finish()).await.context("clearing up panicked")?
    }

    fn named(&self, name: &str) -> anyhow::Result<ChildHandle> {
        self.child(name).with_context(|| format!("no process was ever started under the name {name}"))
    }

    fn children(&self) -> MutexGuard<'_, BTreeMap<String, (Program, ChildHandle)>> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends everything at once. What fails here is left to the guard process.
impl Drop for Supervisor {
    fn drop(&mut self) {
        let children = self.children();
        for (_, child) in children.values() {
            child.kill();
        }
        for (_, child) in children.values() {
            child.wait_blocking(KILLED);
        }
        if let Err(error) = self.watchdog.finish() {
            tracing::warn!(%error, "cannot clear up behind supervised processes");
        }
    }
}
