//! One supervised process: what it is called, whether it still runs, what it
//! last wrote. Handles are cheap to clone and may outlive the supervisor.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::time::Instant;

use super::Program;
use super::watchdog::Watchdog;

/// How often a state of a process is looked at while waiting for it.
const POLL: Duration = Duration::from_millis(20);
/// How much of the end of a log is read to find its last lines.
const LOG_TAIL: u64 = 64 * 1024;

/// A process started by a [`Supervisor`](super::Supervisor).
#[derive(Debug, Clone)]
pub struct ChildHandle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    log: PathBuf,
    id: u32,
    group: Pid,
    watchdog: Arc<Watchdog>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    process: Child,
    ended: Option<ExitStatus>,
}

impl ChildHandle {
    /// Starts `program` in a process group of its own, with its output appended to `<name>.log`.
    ///
    /// A shell waits for one line before it becomes the program. So the guard
    /// knows the group before the program begins, and when we die in between,
    /// the line never comes and the shell ends by itself.
    pub(super) fn start(name: &str, program: &Program, watchdog: &Arc<Watchdog>) -> anyhow::Result<Self> {
        let log = watchdog.directory().join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot open {}", log.display()))?;
        let mut process = Command::new("/bin/sh")
            .args(["-c", "read -r go && exec \"$@\" </dev/null", name])
            .arg(&program.path)
            .args(&program.args)
            .envs(program.env.iter().map(|(key, value)| (key, value)))
            .current_dir(watchdog.directory())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().context("cannot share the log file")?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let id = process.id();
        let gate = process.stdin.take();
        let group = i32::try_from(id).ok().and_then(Pid::from_raw).context("odd process id")?;
        watchdog.add(id)?;
        match gate.map(|mut gate| gate.write_all(b"go\n")) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(error).with_context(|| format!("{name} ended before it began")),
            None => bail!("{name} has no standard input"),
        }
        let state = Mutex::new(State { process, ended: None });
        let inner = Inner { name: name.to_owned(), log, id, group, watchdog: Arc::clone(watchdog), state };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The name given at the start.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The process id, which is its process group's id as well.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.inner.id
    }

    /// Where standard output and standard error go.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.inner.log
    }

    /// Whether the process has not ended yet. A stopped one is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.exit_status().is_none()
    }

    /// How the process ended, or `None` while it runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.reap(&mut state)
    }

    /// Sends a signal to the process and its descendants; nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reap(&mut state).is_none() {
            // It can only fail for want of the process, which is what is wanted.
            let _ = kill_process_group(self.inner.group, signal);
        }
    }

    /// Asks the process to end, also when it is stopped.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
        self.signal(Signal::CONT);
    }

    /// Ends the process without asking.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Waits until the process has ended; says whether it did within `limit`.
    pub async fn wait(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
        true
    }

    /// The same for places that cannot await, such as destructors.
    pub(super) fn wait_blocking(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while self.is_running() {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }

    /// The last `count` lines of its log, for error messages.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> String {
        let text = tail(&self.inner.log).unwrap_or_else(|error| format!("(no log: {error})"));
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Looks for the end without waiting. The order matters: as long as the dead
    /// process is not reaped its number is not given to another one, so its
    /// group is cleared and taken off the guard's list first.
    fn reap(&self, state: &mut State) -> Option<ExitStatus> {
        if state.ended.is_some() {
            return state.ended;
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(self.inner.group), look) {
            Ok(None) => None,
            Ok(Some(_)) | Err(_) => {
                let _ = kill_process_group(self.inner.group, Signal::KILL);
                // Fails only when the guard has gone, and then there is no list.
                let _ = self.inner.watchdog.remove(self.inner.id);
                state.ended = state.process.try_wait().ok().flatten();
                state.ended
            }
        }
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
