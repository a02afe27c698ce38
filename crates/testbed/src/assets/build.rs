//! Building the programs with Go. The module's files are embedded, so that an
//! installed binary can build without the source tree. Go runs under a
//! supervisor: an interrupted build leaves no compiler behind.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::{ASSETS_VARIABLE, Set, Tool};
use crate::supervisor::{ChildHandle, Supervisor};

pub(super) const GO_MOD: &str = include_str!("../../../../hack/control-plane/go.mod");
pub(super) const GO_SUM: &str = include_str!("../../../../hack/control-plane/go.sum");
pub(super) const PAUSE: &str = include_str!("../../../../hack/control-plane/pause/main.go");
/// Part of the cache's key: a changed flag builds again.
pub(super) const FLAGS: [&str; 4] = ["-v", "-mod=readonly", "-buildvcs=false", "-trimpath"];

/// The least Go that knows the module's `go` line.
const LEAST_GO: (u32, u32) = (1, 26);
/// Between two lines of progress.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Builds all programs of a set into `target`, from the module written to `module`.
pub(super) fn all(
    set: &Set,
    module: &Path,
    target: &Path,
    progress: &mut dyn FnMut(&str),
) -> anyhow::Result<()> {
    let pause = module.join("pause");
    fs::create_dir_all(&pause).with_context(|| format!("cannot make {}", pause.display()))?;
    for (file, text) in [("go.mod", GO_MOD), ("go.sum", GO_SUM), ("pause/main.go", PAUSE)] {
        fs::write(module.join(file), text).with_context(|| format!("cannot write {file}"))?;
    }
    check_go(module)?;
    progress(&format!("building the {} with Go, once; this takes some minutes", set.what));
    let supervisor = Supervisor::new("polyscaler-build")?;
    let started = Instant::now();
    for (index, tool) in set.tools.iter().enumerate() {
        let step = format!("building {} ({} of {})", tool.name, index + 1, set.tools.len());
        one(&supervisor, tool, module, &target.join(tool.name), &mut |state| {
            progress(&format!("{step}, {} s{state}", started.elapsed().as_secs()));
        })?;
    }
    progress(&format!("{} built in {} s", set.what, started.elapsed().as_secs()));
    Ok(())
}

fn one(
    supervisor: &Supervisor,
    tool: &Tool,
    module: &Path,
    output: &Path,
    progress: &mut dyn FnMut(&str),
) -> anyhow::Result<()> {
    let (module, output) = (module.display().to_string(), output.display().to_string());
    let link = link_flags();
    let mut args = vec!["-C", &module, "build"];
    args.extend(FLAGS);
    args.extend(["-ldflags", &link, "-o", &output, tool.package]);
    // A cross-compilation or a workspace around the cache is not ours.
    let env = [("CGO_ENABLED", "0"), ("GOWORK", "off"), ("GOOS", ""), ("GOARCH", "")];
    let go = supervisor.spawn(tool.name, "go", args, &env)?;
    progress("");
    let mut next_line = Instant::now() + LINE_EVERY;
    let status = loop {
        if let Some(status) = go.exit_status() {
            break status;
        }
        if Instant::now() >= next_line {
            progress(&last_step(&go));
            next_line += LINE_EVERY;
        }
        std::thread::sleep(Duration::from_millis(100));
    };
    if status.success() {
        return Ok(());
    }
    bail!("go could not build {} ({status}); it said:\n{}", tool.package, go.last_lines(40))
}

/// What Go does at the moment: it names each module it downloads and each package it compiles.
fn last_step(go: &ChildHandle) -> String {
    let line = go.last_lines(1);
    if line.is_empty() { String::new() } else { format!(": {line}") }
}

/// The version that a release build of Kubernetes reports at `/version`, which
/// clients look at; taken from the module so that it cannot be another one.
pub(super) fn link_flags() -> String {
    let version = GO_MOD
        .lines()
        .filter_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v"))
        .filter_map(|rest| rest.split_whitespace().next())
        .next()
        .unwrap_or_default();
    let mut numbers = version.split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let variable = "-X k8s.io/component-base/version.git";
    format!("-s -w {variable}Version=v{version} {variable}Major={major} {variable}Minor={minor}")
}

fn check_go(module: &Path) -> anyhow::Result<()> {
    let (major, minor) = LEAST_GO;
    let needs = format!(
        "the control plane needs Go {major}.{minor} or newer on PATH, \
         or {ASSETS_VARIABLE} set to a folder with the programs"
    );
    let output = match Command::new("go").args(["env", "GOVERSION"]).current_dir(module).output() {
        Ok(output) => output,
        Err(error) => bail!("{needs}; running go failed: {error}"),
    };
    let said = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
    match go_version(&said) {
        Some(version) if output.status.success() && version >= LEAST_GO => Ok(()),
        _ => bail!("{needs}; go says: {}", said.trim()),
    }
}

fn go_version(text: &str) -> Option<(u32, u32)> {
    let numbers = text.trim().strip_prefix("go")?;
    let (major, rest) = numbers.split_once('.')?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::{CONTROL_PLANE, NODE};
    use super::{GO_MOD, LEAST_GO, go_version, link_flags};

    #[test]
    fn go_versions_are_read() {
        assert_eq!(go_version("go1.26.8\n"), Some((1, 26)));
        assert_eq!(go_version("go1.27rc1"), Some((1, 27)));
        assert_eq!(go_version("go: go.mod requires go >= 1.26.0"), None);
        assert!(go_version("go1.9.7") < Some(LEAST_GO));
    }

    #[test]
    fn the_module_names_every_tool_and_the_least_go() {
        let tools = CONTROL_PLANE.tools.iter().chain(NODE.tools);
        // What begins with a dot is a package of the module itself.
        for tool in tools.filter(|tool| !tool.package.starts_with('.')) {
            assert!(GO_MOD.contains(&format!("\t{}\n", tool.package)), "{}", tool.package);
        }
        assert!(GO_MOD.contains(&format!("\ngo {}.{}.", LEAST_GO.0, LEAST_GO.1)));
    }

    #[test]
    fn the_stamped_version_is_the_modules() {
        let flags = link_flags();
        assert!(flags.contains("gitMajor=1 "), "{flags}");
        assert!(!flags.contains("Version=v "), "{flags}");
    }
}
