//! Cgroups are the one thing of a node that no namespace takes away. Each run has one of its own,
//! in each tree where there are several, named by the process that runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal};

const ROOT: &str = "/sys/fs/cgroup";
const PREFIX: &str = "polyscaler-node-";
/// What the kubelet wants for its pods.
const CONTROLLERS: [&str; 3] = ["cpu", "memory", "pids"];

static RUNS: AtomicU32 = AtomicU32::new(0);

/// A name that says whose it is: `polyscaler-node-PID-START-NUMBER`.
pub(super) fn new_name() -> anyhow::Result<String> {
    let own = std::process::id();
    let start = start_of(own).context("/proc has no entry for this process")?;
    Ok(format!("{PREFIX}{own}-{start}-{}", RUNS.fetch_add(1, Ordering::Relaxed)))
}

/// Whether the process that made a name still runs.
pub(super) fn is_in_use(name: &str) -> bool {
    let mut parts = name.strip_prefix(PREFIX).unwrap_or_default().split('-');
    let id = parts.next().and_then(|id| id.parse().ok());
    let start = parts.next().and_then(|start| start.parse().ok());
    matches!((id, start), (Some(id), Some(start)) if start_of(id) == Some(start))
}

/// When a process began, in ticks since the machine did: with the number it names a process for good.
fn start_of(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is a name, which may have spaces and brackets.
    let (_, rest) = text.rsplit_once(") ")?;
    rest.split(' ').nth(19)?.parse().ok()
}

/// The tops of all trees: one in version 2, one a controller in version 1.
fn roots() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    // A link is another name of a tree.
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

/// Makes the cgroup, with a part for the node's first process. What is there already is taken.
pub(super) fn make(name: &str) -> anyhow::Result<()> {
    let roots = roots();
    if roots.is_empty() {
        bail!("no cgroups at {ROOT}");
    }
    for root in &roots {
        let path = root.join(name).join("node");
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    if let [root] = roots.as_slice() {
        let control = root.join("cgroup.subtree_control");
        let wanted = CONTROLLERS.map(|name| format!("+{name}")).join(" ");
        fs::write(&control, wanted)
            .with_context(|| format!("cannot give controllers by {}", control.display()))?;
    }
    Ok(())
}

/// Makes a cgroup and removes it again.
pub(super) fn trial() -> anyhow::Result<()> {
    let name = new_name()?;
    let made = make(&name).context("a real node needs cgroups that root may write");
    remove(&name);
    made
}

/// The names of all runs that have cgroups.
pub(super) fn names() -> Vec<String> {
    let mut names: Vec<String> = roots()
        .iter()
        .flat_map(|root| fs::read_dir(root).into_iter().flatten().flatten())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(PREFIX))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The processes of a run that are in its cgroups: the first one, and those of pods.
pub(super) fn processes(name: &str) -> Vec<u32> {
    let mut found = Vec::new();
    for root in roots() {
        collect(&root.join(name), &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn collect(folder: &Path, found: &mut Vec<u32>) {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
    for child in children(folder) {
        collect(&child, found);
    }
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

/// Ends what is in the cgroups of a run; they cannot be removed before it has gone.
pub(super) fn kill(name: &str) {
    processes(name).into_iter().for_each(kill_process);
}

/// Ends a process without asking.
pub(super) fn kill_process(id: u32) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // It can only fail for want of the process, which is what is wanted.
        let _ = rustix::process::kill_process(id, Signal::KILL);
    }
}

/// Removes the cgroups of a run; says whether none is left.
pub(super) fn remove(name: &str) -> bool {
    let left = roots().iter().filter(|root| !remove_tree(&root.join(name))).count();
    left == 0
}

fn remove_tree(folder: &Path) -> bool {
    for child in children(folder) {
        remove_tree(&child);
    }
    // Of a folder with files that nobody wrote, which only `rmdir` removes.
    let _ = fs::remove_dir(folder);
    !folder.exists()
}

#[cfg(test)]
mod tests {
    use super::{is_in_use, new_name};

    #[test]
    fn a_name_is_in_use_as_long_as_its_process_runs() {
        let name = new_name().unwrap();
        assert!(is_in_use(&name), "{name}");
        assert_ne!(name, new_name().unwrap());
        let another_start =
            name.replacen(&format!("{}-", std::process::id()), &format!("{}-9", std::process::id()), 1);
        assert!(!is_in_use(&another_start), "{another_start}");
        for name in ["polyscaler-node-4194305-7-0", "polyscaler-node-", "kubepods"] {
            assert!(!is_in_use(name), "{name}");
        }
    }
}
