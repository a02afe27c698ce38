//! A Python with the packages that a sample asks for, in the user's cache: made once for each list of
//! packages, and used by every run after.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use testbed::programs::{self, Program};

const PYTHON: Program = Program { name: "python3", package: "python3" };

/// Debian's package of what makes virtual environments.
const VENV_PACKAGE: &str = "python3-venv";

/// A Python without any packages.
pub(crate) fn plain() -> PathBuf {
    programs::ensure(&PYTHON, &mut progress).unwrap()
}

/// The Python of an environment that has all that `requirements` lists.
pub(crate) fn environment(requirements: &Path) -> PathBuf {
    let python = plain();
    let wanted = fs::read_to_string(requirements).unwrap();
    let version = run(Command::new(&python).arg("--version"), "python3 does not run");
    let mut hasher = DefaultHasher::new();
    (&wanted, &version, &python).hash(&mut hasher);
    let folder = cache().join(format!("{:016x}", hasher.finish()));
    let (ours, complete) = (folder.join("bin/python"), folder.join("complete"));
    fs::create_dir_all(&folder).unwrap();
    // Released by the kernel if we are killed.
    let lock = File::create(folder.with_extension("lock")).unwrap();
    if lock.try_lock().is_err() {
        progress("waiting for another run that makes the environment");
        lock.lock().unwrap();
    }
    if complete.exists() {
        return ours;
    }
    ensure_venv(&python);
    progress("making a virtual environment");
    let make = [python.as_os_str(), "-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), folder.as_os_str()];
    run(Command::new(make[0]).args(&make[1..]), "no virtual environment can be made");
    progress(&format!("installing {}", wanted.split_whitespace().collect::<Vec<_>>().join(", ")));
    let install = ["-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--requirement"];
    let what = "pip cannot install the packages; it needs a package index, see `pip config list`";
    run(Command::new(&ours).args(install).arg(requirements), what);
    fs::write(complete, "").unwrap();
    ours
}

fn cache() -> PathBuf {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    given.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cache")).join("polyscaler/python")
}

/// Debian's Python comes without what makes environments.
fn ensure_venv(python: &Path) {
    let has_venv = || {
        let check = Command::new(python).args(["-c", "import ensurepip, venv"]).output().unwrap();
        check.status.success()
    };
    if has_venv() {
        return;
    }
    let is_root = run(Command::new("id").arg("-u"), "id does not run").trim() == "0";
    let lacks = format!(
        "{} lacks venv or ensurepip: install {VENV_PACKAGE} (apt-get install {VENV_PACKAGE})",
        python.display()
    );
    assert!(is_root, "{lacks}");
    for arguments in [&["update"][..], &["install", "-y", "--no-install-recommends", VENV_PACKAGE]] {
        progress(&format!("apt-get {}", arguments.join(" ")));
        let mut command = Command::new("apt-get");
        command
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        run(&mut command, &lacks);
    }
    assert!(has_venv(), "{lacks}");
}

fn progress(line: &str) {
    eprintln!("python: {line}");
}

/// Runs it to its end; what it printed.
pub(crate) fn run(command: &mut Command, what: &str) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{what}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{what}:\n{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
