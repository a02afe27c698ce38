//! Building the programs, with a stand-in for Go: the real one takes minutes
//! and is exercised by every other test on a machine without the programs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use testbed::wait;

const LIMIT: Duration = Duration::from_secs(120);

/// Writes a program where `-o` says.
const BUILDS: &str = r#"
while [ "$1" != "-o" ]; do shift; done
echo "compiling $3" >&2
printf '#!/bin/sh\n' >"$2" && chmod 755 "$2"
"#;

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// A place with a `go` of version `version` that does `on_build` when it should build.
    fn new(version: &str, on_build: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        let script = format!("#!/bin/sh\nif [ \"$1\" = env ]; then echo {version}; exit; fi\n{on_build}");
        for folder in ["bin", "cache", "temporary"] {
            fs::create_dir(site.path(folder)).unwrap();
        }
        fs::write(site.path("bin/go"), script).unwrap();
        fs::set_permissions(site.path("bin/go"), fs::Permissions::from_mode(0o755)).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Takes ctrl-c also where whoever runs the tests ignores it, as a script in the background does.
    fn command(&self) -> Command {
        let mut command = Command::new("/usr/bin/env");
        command
            .args(["--default-signal=INT", env!("CARGO_BIN_EXE_testbed"), "build", "--control-plane"])
            .env_remove("KUBEBUILDER_ASSETS")
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("TMPDIR", self.path("temporary"))
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        command
    }

    fn build(&self) -> Output {
        self.command().output().unwrap()
    }

    fn start_build(&self) -> Child {
        self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The finished folders of programs.
    fn finished(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path("cache/polyscaler/control-plane")).unwrap().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_none()).collect()
    }

    fn temporary_files(&self) -> usize {
        fs::read_dir(self.path("temporary")).unwrap().count()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn builds_once_with_progress_and_prints_the_folder() {
    let site = Site::new("go1.26.0", BUILDS);
    let first = site.build();
    let progress = text(&first.stderr);
    assert!(first.status.success(), "{progress}");
    for step in ["etcd (1 of 5)", "kube-apiserver (2 of 5)", "kwok (5 of 5)"] {
        assert!(progress.contains(step), "{progress}");
    }
    let folder = text(&first.stdout);
    let mut programs: Vec<String> = fs::read_dir(folder.trim())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    programs.sort();
    assert_eq!(programs, ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"]);
    assert_eq!(site.temporary_files(), 0);

    fs::remove_file(site.path("bin/go")).unwrap();
    let second = site.build();
    assert_eq!((text(&second.stdout), text(&second.stderr)), (folder, String::new()));
}

#[test]
fn a_missing_or_old_go_is_said_plainly() {
    let site = Site::new("go1.24.3", "exit 1");
    let with_old = site.build();
    fs::remove_file(site.path("bin/go")).unwrap();
    let without = site.command().env("PATH", site.path("bin")).output().unwrap();
    for (output, detail) in [(with_old, "go1.24.3"), (without, "running go failed")] {
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for part in ["Go 1.26 or newer", "KUBEBUILDER_ASSETS", detail] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
}

#[test]
fn a_failed_build_shows_what_go_said_and_can_be_repeated() {
    let site = Site::new("go1.26.0", "echo 'example.com/module: connection refused' >&2; exit 1");
    let output = site.build();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("connection refused") && said.contains("go.etcd.io/etcd/server/v3"), "{said}");
    assert!(site.finished().is_empty());

    fs::write(site.path("bin/go"), format!("#!/bin/sh\n[ \"$1\" = env ] && echo go1.26.0 && exit\n{BUILDS}"))
        .unwrap();
    assert!(site.build().status.success());
}

#[tokio::test]
async fn two_runs_build_once() {
    let site = Site::new("go1.26.0", &format!("echo built >>\"$XDG_CACHE_HOME/count\"\nsleep 0.2\n{BUILDS}"));
    let runs = [site.start_build(), site.start_build()];
    let folders = runs.map(|run| text(&run.wait_with_output().unwrap().stdout));
    assert!(Path::new(folders[0].trim()).join("etcd").exists());
    assert_eq!(folders[0], folders[1]);
    assert_eq!(fs::read_to_string(site.path("cache/count")).unwrap().lines().count(), 5);
}

#[tokio::test]
async fn a_killed_or_interrupted_build_leaves_no_compiler() {
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::INT] {
        let site = Site::new("go1.26.0", "echo $$ >\"$XDG_CACHE_HOME/id\"; exec sleep 600");
        let mut run = site.start_build();
        let id = || async { fs::read_to_string(site.path("cache/id")).ok()?.trim().parse::<u32>().ok() };
        let compiler = wait::until("the compiler's id", LIMIT, id).await.unwrap();
        let target = rustix::process::Pid::from_raw(run.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(target, signal).unwrap();
        run.wait().unwrap();
        let look = || async {
            let line = fs::read_to_string(format!("/proc/{compiler}/cmdline")).unwrap_or_default();
            let files = site.temporary_files();
            if line.is_empty() && files == 0 {
                Ok(())
            } else {
                Err(format!("{line:?}, {files} temporary files"))
            }
        };
        wait::until("no compiler and no folder", LIMIT, look).await.unwrap();
    }
}
