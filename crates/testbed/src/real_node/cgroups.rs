//! Cgroups are the one thing of a node that no namespace takes away. Each run has one of its own,
//! in each tree where there are several, named by the process that runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

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

/// What a container uses, by its cgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Bytes, without what the kernel could take back at once, as `kubectl top` shows it.
    pub memory: u64,
    /// Processor time since the container's start.
    pub processor: Duration,
}

/// What the container of this id uses, which is one of the run's.
pub(super) fn usage(run: &str, id: &str) -> anyhow::Result<Usage> {
    let groups: Vec<PathBuf> = roots().iter().filter_map(|root| below(&root.join(run), id)).collect();
    let read = |file: &str| groups.iter().find_map(|group| fs::read_to_string(group.join(file)).ok());
    let field = |text: &str, name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<u64>().ok()
    };
    // The names of version 2, and those of version 1.
    let memory = read("memory.current").or_else(|| read("memory.usage_in_bytes"));
    let memory = memory.and_then(|text| text.trim().parse::<u64>().ok()).context("no memory")?;
    let idle = read("memory.stat").context("no memory.stat")?;
    let idle = field(&idle, "total_inactive_file ").or_else(|| field(&idle, "inactive_file "));
    let processor = match read("cpuacct.usage") {
        Some(text) => Duration::from_nanos(text.trim().parse().context("odd cpuacct.usage")?),
        None => {
            let text = read("cpu.stat").context("no cpu.stat")?;
            Duration::from_micros(field(&text, "usage_usec ").context("no usage_usec")?)
        }
    };
    Ok(Usage { memory: memory.saturating_sub(idle.unwrap_or(0)), processor })
}

/// Ends what runs in the container of this id.
pub(super) fn kill_container(run: &str, id: &str) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for group in roots().iter().filter_map(|root| below(&root.join(run), id)) {
        collect(&group, &mut found);
    }
    if found.is_empty() {
        bail!("no process of container {id}");
    }
    found.into_iter().for_each(kill_process);
    Ok(())
}

/// The folder of a name, however deep.
fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    let found = folder.join(name);
    if found.is_dir() {
        return Some(found);
    }
    children(folder).iter().find_map(|child| below(child, name))
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
