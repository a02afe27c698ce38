//! Nothing is left behind: no process and no folder, whichever way it ends.
//! Looks for processes in /proc.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal as Kill, kill_process};
use testbed::{Signal, Supervisor, assets, wait};

const LIMIT: Duration = Duration::from_secs(120);

/// A `testbed up` in a temporary folder of its own, so that what it leaves can be distinguished from others' files.
struct Up {
    process: Child,
    _stdout: BufReader<ChildStdout>,
    directory: PathBuf,
    temporary: tempfile::TempDir,
}

impl Up {
    async fn start() -> Self {
        tokio::task::spawn_blocking(|| assets::ensure(&mut |line| eprintln!("{line}")))
            .await
            .unwrap()
            .unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_testbed"))
            .args(["up", "--nodes", "1"])
            .env("TMPDIR", temporary.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let (stdout, line) = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (stdout, line)
        })
        .await
        .unwrap();
        let kubeconfig = Path::new(line.trim().strip_prefix("export KUBECONFIG=").expect(&line)).to_owned();
        let directory = kubeconfig.parent().unwrap().to_owned();
        assert!(directory.starts_with(temporary.path()), "{}", directory.display());
        Self { process, _stdout: stdout, directory, temporary }
    }

    fn signal(&self, signal: Kill) {
        kill_process(Pid::from_raw(self.process.id().try_into().unwrap()).unwrap(), signal).unwrap();
    }

    async fn wait_until_no_trace(&self) {
        let look = || async {
            let processes = running_in(&self.directory);
            let files: Vec<_> = std::fs::read_dir(self.temporary.path()).unwrap().flatten().collect();
            if processes.is_empty() && files.is_empty() {
                Ok(())
            } else {
                Err(format!("processes {processes:?}, files {files:?}"))
            }
        };
        wait::until("no trace of the control plane", LIMIT, look).await.unwrap();
    }
}

/// The living processes whose command line names a folder; a dead one that nobody reaped has none.
fn running_in(directory: &Path) -> Vec<String> {
    let needle = directory.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| command_line(entry.file_name().to_str()?.parse().ok()?));
    lines.filter(|line| line.contains(needle)).collect()
}

fn command_line(id: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}

fn is_alive(id: u32) -> bool {
    command_line(id).is_some_and(|line| !line.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_holder_leaves_no_trace() {
    let mut up = Up::start().await;
    assert!(running_in(&up.directory).len() >= 4, "{:?}", running_in(&up.directory));
    up.signal(Kill::KILL);
    up.process.wait().unwrap();
    up.wait_until_no_trace().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_holder_leaves_no_trace_and_exits_well() {
    let mut up = Up::start().await;
    up.signal(Kill::TERM);
    let status = up.process.wait().unwrap();
    assert!(status.success(), "{status}");
    // Its own clearing up is over when it ends; nothing is left to the guard.
    assert_eq!(running_in(&up.directory), Vec::<String>::new());
    up.wait_until_no_trace().await;
}

#[test]
fn bad_usage_exits_with_two() {
    let output = Command::new(env!("CARGO_BIN_EXE_testbed")).arg("sideways").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("sideways") && said.contains("testbed build"), "{said}");
    let output = Command::new(env!("CARGO_BIN_EXE_testbed")).arg("--help").output().unwrap();
    assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("--nodes"));
}

/// Waits until the shell that starts a program has become it, so that signals meet the program.
async fn written(path: &Path, text: &str) {
    let look = || async {
        let content = std::fs::read_to_string(path).unwrap_or_default();
        if content.contains(text) { Ok(()) } else { Err(content) }
    };
    wait::until(&format!("{text} in the log"), LIMIT, look).await.unwrap();
}

#[tokio::test]
async fn stop_asks_first_and_kills_what_does_not_listen() {
    let supervisor = Supervisor::new("testbed-stop").unwrap();
    let deaf = "trap '' TERM; echo begun; while :; do sleep 1; done";
    let child = supervisor.spawn("deaf", "sh", ["-c", deaf], &[]).unwrap();
    written(child.log_path(), "begun").await;
    supervisor.stop("deaf").await.unwrap();
    assert!(!child.is_running() && !is_alive(child.id()));

    let polite = "trap 'echo bye; exit 3' TERM; echo begun; while :; do sleep 0.1; done";
    let child = supervisor.spawn("polite", "sh", ["-c", polite], &[]).unwrap();
    written(child.log_path(), "begun").await;
    supervisor.stop("polite").await.unwrap();
    assert_eq!(child.exit_status().unwrap().code(), Some(3));
    assert!(child.last_lines(1).contains("bye"));
}

#[tokio::test]
async fn a_stopped_process_and_descendants_end_with_the_supervisor() {
    let supervisor = Supervisor::new("testbed-drop").unwrap();
    let directory = supervisor.directory().to_owned();
    let child = supervisor.spawn("family", "sh", ["-c", "sleep 600 & echo $!; wait"], &[]).unwrap();
    let read = || async { std::fs::read_to_string(child.log_path()).ok()?.trim().parse::<u32>().ok() };
    let descendant = wait::until("the descendant's id", LIMIT, read).await.unwrap();
    child.signal(Signal::STOP);
    drop(supervisor);
    assert!(!directory.exists());
    assert!(!child.is_running());
    let gone = || async { (!is_alive(descendant)).then_some(()) };
    wait::until("the descendant has gone", LIMIT, gone).await.unwrap();
}

#[tokio::test]
async fn a_name_is_taken_while_its_process_runs_and_can_be_started_again() {
    let supervisor = Supervisor::new("testbed-again").unwrap();
    let script = "echo run $WORD; exec sleep 600";
    let first = supervisor.spawn("sleeper", "sh", ["-c", script], &[("WORD", "one")]).unwrap();
    written(first.log_path(), "run one").await;
    assert!(supervisor.spawn("sleeper", "sh", ["-c", script], &[]).is_err());
    supervisor.kill("sleeper").await.unwrap();
    let death = supervisor.first_death(&["sleeper"]).await.to_string();
    assert!(death.contains("signal: 9") && death.contains("run one"), "{death}");
    let second = supervisor.spawn_again("sleeper").unwrap();
    assert_ne!(first.id(), second.id());
    let twice = || async {
        std::fs::read_to_string(second.log_path()).ok().filter(|all| all.matches("run one").count() == 2)
    };
    wait::until("both runs in one log", LIMIT, twice).await.unwrap();
    supervisor.shutdown().await.unwrap();
    assert!(!supervisor.directory().exists());
    assert!(supervisor.spawn("late", "sh", ["-c", "true"], &[]).is_err());
}
