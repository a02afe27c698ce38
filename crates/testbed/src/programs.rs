//! Real servers from Debian's packages, such as `nats-server`: found on this machine, or
//! installed when we may. Whatever runs one of them asks here for its path.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use crate::supervisor::Supervisor;

/// A program and the Debian package that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    /// The name it is started by.
    pub name: &'static str,
    /// The package.
    pub package: &'static str,
}

/// The NATS server.
pub const NATS_SERVER: Program = Program { name: "nats-server", package: "nats-server" };

/// The browser.
pub const CHROMIUM: Program = Program { name: "chromium", package: "chromium" };

/// The Prometheus server.
pub const PROMETHEUS: Program = Program { name: "prometheus", package: "prometheus" };

/// Checks and tests of Prometheus' rules.
pub const PROMTOOL: Program = Program { name: "promtool", package: "prometheus" };

/// Asked by Debian's packages before they start a service.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";

/// The Redis server and sentinel, under the one name that comes without a system service: the
/// program sees by the name it is called by what it is to be.
pub const REDIS_SERVER: Program = Program { name: "redis-check-rdb", package: "redis-tools" };

/// The command line of OpenSSL, for keys that the libraries of the tree do not make.
pub const OPENSSL: Program = Program { name: "openssl", package: "openssl" };

/// Where Debian keeps servers, which is on root's PATH only, and what a container runtime calls.
const SERVER_FOLDERS: [&str; 4] = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/cni"];

/// Between two lines of progress.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Finds a program: the one that the environment variable [`variable`] names, else the one
/// on PATH or among the system's servers, else by installing its package. Blocks;
/// `progress` gets a line of text every ten seconds at most.
pub fn ensure(program: &Program, progress: &mut dyn FnMut(&str)) -> anyhow::Result<PathBuf> {
    let given = std::env::var_os(variable(program)).filter(|value| !value.is_empty());
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .chain(SERVER_FOLDERS.map(PathBuf::from))
        .collect();
    if let Some(path) = find(program, given, &folders)? {
        return Ok(path);
    }
    if !rustix::process::geteuid().is_root() || on_folders("apt-get", &folders).is_none() {
        bail!("{}", advice(program));
    }
    // Released by the kernel if we are killed.
    let _lock = lock(progress)?;
    if let Some(path) = find(program, None, &folders)? {
        return Ok(path);
    }
    install(program, progress).with_context(|| advice(program))?;
    find(program, None, &folders)?
        .with_context(|| format!("package {} has no program {}", program.package, program.name))
}

/// The environment variable by which another version of a program can be given, for
/// example `TESTBED_NATS_SERVER`.
#[must_use]
pub fn variable(program: &Program) -> String {
    format!("TESTBED_{}", program.name.to_uppercase().replace('-', "_"))
}

fn find(program: &Program, given: Option<OsString>, folders: &[PathBuf]) -> anyhow::Result<Option<PathBuf>> {
    match given.map(PathBuf::from) {
        Some(path) if is_program(&path) => Ok(Some(path)),
        Some(path) => bail!("{} is {}, which is not a program", variable(program), path.display()),
        None => Ok(on_folders(program.name, folders)),
    }
}

fn on_folders(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn advice(program: &Program) -> String {
    let Program { name, package } = program;
    format!(
        "{name} is missing: install Debian's package {package} (apt-get install {package}), \
         or set {} to the program",
        variable(program)
    )
}

/// Two runs at once would find the package system busy.
fn lock(progress: &mut dyn FnMut(&str)) -> anyhow::Result<File> {
    let path = std::env::temp_dir().join("polyscaler-testbed-programs.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    if file.try_lock().is_err() {
        progress("waiting for another run that installs a program");
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    }
    Ok(file)
}

fn install(program: &Program, progress: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    let _policy = ServicePolicy::put(Path::new(SERVICE_POLICY))?;
    // The list of packages may be old or empty, as in a fresh container.
    apt_get(&["update"], progress)?;
    apt_get(&["install", "-y", "--no-install-recommends", program.package], progress)
}

/// While it is there, a package that is installed does not start its service: what is tested is
/// started by the test. A policy that the machine already has stays as it is.
#[derive(Debug)]
struct ServicePolicy(Option<PathBuf>);

impl ServicePolicy {
    fn put(path: &Path) -> anyhow::Result<Self> {
        if path.exists() {
            return Ok(Self(None));
        }
        // Should it be left behind, it no longer says no.
        let own = std::process::id();
        let script = format!("#!/bin/sh\nkill -0 {own} 2>/dev/null && exit 101\nexit 0\n");
        fs::write(path, script).with_context(|| format!("cannot write {}", path.display()))?;
        let policy = Self(Some(path.to_owned()));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("cannot make {} a program", path.display()))?;
        Ok(policy)
    }
}

impl Drop for ServicePolicy {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(path = %path.display(), %error, "cannot remove the policy for services");
        }
    }
}

/// Runs it to its end. It is not ended along with us: a package half installed is worse
/// than one installed in vain.
fn apt_get(args: &[&str], progress: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    let step = format!("apt-get {}", args.join(" "));
    let supervisor = Supervisor::new("polyscaler-install")?;
    let log = supervisor.directory().join("apt-get.log");
    let output = File::create(&log).with_context(|| format!("cannot make {}", log.display()))?;
    let mut process = Command::new("apt-get")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("cannot share the log file")?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot run {step}"))?;
    progress(&step);
    let started = Instant::now();
    let mut next_line = LINE_EVERY;
    let status = loop {
        if let Some(status) = process.try_wait().context("cannot wait for apt-get")? {
            break status;
        }
        if started.elapsed() >= next_line {
            progress(&format!("{step}, {} s", started.elapsed().as_secs()));
            next_line += LINE_EVERY;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if status.success() {
        return Ok(());
    }
    let said = fs::read(&log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().collect();
    bail!("{step} failed ({status}); it said:\n{}", lines[lines.len().saturating_sub(15)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, name: &str, mode: u32) -> PathBuf {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_first_folder_that_has_the_program_wins() {
        let temporary = tempfile::tempdir().unwrap();
        let folders: Vec<_> = ["a", "b", "c"].map(|name| temporary.path().join(name)).into();
        assert_eq!(find(&NATS_SERVER, None, &folders).unwrap(), None);
        put(&folders[0], "nats-server", 0o644);
        let wanted = put(&folders[1], "nats-server", 0o755);
        put(&folders[2], "nats-server", 0o755);
        assert_eq!(find(&NATS_SERVER, None, &folders).unwrap(), Some(wanted));
    }

    #[test]
    fn a_given_program_comes_first_and_a_wrong_one_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("on-path");
        put(&folder, "nats-server", 0o755);
        let given = put(temporary.path(), "mine", 0o755);
        let found = find(&NATS_SERVER, Some(given.clone().into()), std::slice::from_ref(&folder)).unwrap();
        assert_eq!(found, Some(given));
        let wrong = temporary.path().join("none");
        let error = find(&NATS_SERVER, Some(wrong.into()), &[folder]).unwrap_err().to_string();
        assert!(error.starts_with("TESTBED_NATS_SERVER is "), "{error}");
    }

    #[test]
    fn no_service_starts_while_a_package_is_installed() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("policy-rc.d");
        let policy = ServicePolicy::put(&path).unwrap();
        let answer = Command::new(&path).args(["any", "start"]).status().unwrap();
        assert_eq!(answer.code(), Some(101));
        let another = ServicePolicy::put(&path).unwrap();
        drop(another);
        assert!(path.exists(), "it is not the other's");
        drop(policy);
        assert!(!path.exists());
    }

    #[test]
    fn the_advice_names_package_and_variable() {
        let advice = advice(&Program { name: "redis-server", package: "redis" });
        assert!(
            advice.contains("apt-get install redis)") && advice.contains("TESTBED_REDIS_SERVER"),
            "{advice}"
        );
    }
}
