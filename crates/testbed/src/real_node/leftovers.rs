//! What real nodes left on the machine: looked for and taken away. After a run, also one that was
//! killed, there is nothing, as long as the guard process lived; the next start clears up behind runs
//! whose guard was killed as well.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::Instant;

use super::{cgroups, network};

/// In a control plane's folder: the cgroup of its node.
const MARK: &str = "real-node-cgroup";
/// What control planes' folders are called.
const FOLDER: &str = "polyscaler-testbed.";
/// How long the kernel may take to end what was killed.
const GONE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Leaves word in a control plane's folder of whose it is.
pub(super) fn mark(folder: &Path, cgroup: &str) -> anyhow::Result<()> {
    fs::write(folder.join(MARK), cgroup).context("cannot mark the folder as one of a real node")
}

/// Everything on the machine that belongs to real nodes of runs that have ended, a line each: cgroups
/// with their processes, mounts, interfaces, iptables rules, folders. What running ones have is not listed.
pub fn leftovers() -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for name in stale() {
        found.push(format!("cgroup {name}"));
        found.extend(cgroups::processes(&name).iter().map(|id| format!("process {id} of {name}")));
    }
    for (interface, owner) in interfaces() {
        // Without a name it has just been made.
        if !owner.is_empty() && !cgroups::is_in_use(&owner) {
            found.push(format!("interface {interface} of {owner}"));
        }
    }
    for folder in stale_folders() {
        let folder = folder.display().to_string();
        found.extend(processes_naming(&folder).iter().map(|id| format!("process {id} with {folder}")));
        found.push(format!("folder {folder}"));
    }
    // A node's mounts and rules are in its namespaces; nothing of them is ever to be seen from here.
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot read this process' mounts")?;
    let ours = mounts.lines().filter(|line| line.contains(FOLDER));
    found.extend(ours.map(|line| format!("mount {line}")));
    found.extend(rules().into_iter().map(|rule| format!("iptables rule {rule}")));
    Ok(found)
}

/// Ends and removes what [`leftovers`] lists of runs that have ended. Blocks until it has gone.
pub fn clear_up() -> anyhow::Result<()> {
    let (names, folders) = (stale(), stale_folders());
    for name in &names {
        tracing::info!(cgroup = name, "clearing up behind a real node whose run was killed");
        let started = Instant::now();
        loop {
            // A process that is ending still holds its cgroup.
            cgroups::kill(name);
            if cgroups::remove(name) {
                break;
            }
            if started.elapsed() > GONE {
                bail!("cannot remove cgroup {name} behind a run that was killed");
            }
            std::thread::sleep(POLL);
        }
    }
    for folder in folders {
        // The programs of its control plane.
        processes_naming(&folder.display().to_string()).into_iter().for_each(cgroups::kill_process);
        remove_folder(&folder)
            .with_context(|| format!("cannot remove {} behind a run that was killed", folder.display()))?;
    }
    Ok(())
}

/// The guard of the run may be at it as well, so files disappear meanwhile.
fn remove_folder(folder: &Path) -> std::io::Result<()> {
    let started = Instant::now();
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if folder.exists() && started.elapsed() > GONE => return Err(error),
            Err(_) if folder.exists() => std::thread::sleep(POLL),
            Ok(()) | Err(_) => return Ok(()),
        }
    }
}

fn stale() -> Vec<String> {
    cgroups::names().into_iter().filter(|name| !cgroups::is_in_use(name)).collect()
}

/// Our interfaces, and the run that each was made by.
fn interfaces() -> Vec<(String, String)> {
    let entries = fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(network::INTERFACE))
        .map(|name| {
            let owner = fs::read_to_string(format!("/sys/class/net/{name}/ifalias")).unwrap_or_default();
            (name, owner.trim().to_owned())
        })
        .collect()
}

fn stale_folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(FOLDER))
        .map(|entry| entry.path())
        .filter(|path| fs::read_to_string(path.join(MARK)).is_ok_and(|cgroup| !cgroups::is_in_use(&cgroup)))
        .collect()
}

/// The processes whose command line names a folder.
fn processes_naming(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(folder)
    })
    .collect()
}

/// Rules of the machine itself that have to do with addresses of nodes.
fn rules() -> Vec<String> {
    let programs = ["xtables-nft-multi", "xtables-legacy-multi"];
    let outputs = programs.iter().filter_map(|program| {
        Command::new(program).arg("iptables-save").env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output().ok()
    });
    outputs
        .flat_map(|output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            text.lines().filter(|line| network::is_of_a_node(line)).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}
