//! The per-user cache: one folder a version of the Go module, the flags and the
//! platform. A folder appears whole, by a rename, and a file lock has two runs
//! at once build once. Folders of older versions stay.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{Set, build, is_program};

/// Between two lines that say that another run is building.
const WAITING_LINE: Duration = Duration::from_secs(10);

/// The folder with all programs of a set, after building it if need be.
pub(super) fn ensure(set: &Set, cache: &Path, progress: &mut dyn FnMut(&str)) -> anyhow::Result<PathBuf> {
    let folder = folder(set, cache);
    if is_complete(set, &folder) {
        return Ok(folder);
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    // Held until the end of the function, and released by the kernel if we are killed.
    let _lock = lock(set, &folder.with_extension("lock"), progress)?;
    if is_complete(set, &folder) {
        return Ok(folder);
    }
    let partial = folder.with_extension("partial");
    for leftover in [&partial, &folder] {
        if leftover.exists() {
            fs::remove_dir_all(leftover)
                .with_context(|| format!("cannot remove what an earlier run left: {}", leftover.display()))?;
        }
    }
    build::all(set, &partial.join("module"), &partial, progress)?;
    fs::remove_dir_all(partial.join("module")).context("cannot remove the build's module folder")?;
    fs::rename(&partial, &folder)
        .with_context(|| format!("cannot rename {} to {}", partial.display(), folder.display()))?;
    Ok(folder)
}

/// Where the programs of this version belong.
pub(super) fn folder(set: &Set, cache: &Path) -> PathBuf {
    let mut hash = Sha256::new();
    let link = build::link_flags();
    let rest = [&link, std::env::consts::OS, std::env::consts::ARCH];
    for part in [build::GO_MOD, build::GO_SUM, build::PAUSE].into_iter().chain(build::FLAGS).chain(rest) {
        hash.update(part);
        hash.update([0]);
    }
    let name: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    cache.join(name + set.suffix)
}

fn is_complete(set: &Set, folder: &Path) -> bool {
    set.tools.iter().all(|tool| is_program(&folder.join(tool.name)))
}

fn lock(set: &Set, path: &Path, progress: &mut dyn FnMut(&str)) -> anyhow::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let started = Instant::now();
    let mut next_line = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
        if started.elapsed() >= next_line {
            let seconds = started.elapsed().as_secs();
            progress(&format!("waiting for another run that builds the {}, {seconds} s", set.what));
            next_line += WAITING_LINE;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::mpsc;

    use super::super::CONTROL_PLANE;
    use super::{ensure, folder, lock};

    #[test]
    fn the_second_run_waits_for_the_first_and_takes_what_it_built() {
        let temporary = tempfile::tempdir().unwrap();
        let cache = temporary.path().to_owned();
        let built = folder(&CONTROL_PLANE, &cache);
        let first =
            lock(&CONTROL_PLANE, &built.with_extension("lock"), &mut |line| panic!("{line}")).unwrap();
        let (say, said) = mpsc::channel();
        let second = std::thread::spawn(move || {
            ensure(&CONTROL_PLANE, &cache, &mut |line| say.send(line.to_owned()).unwrap())
        });
        let line = said.recv().unwrap();
        assert!(line.contains("waiting"), "{line}");
        fs::create_dir_all(&built).unwrap();
        for tool in CONTROL_PLANE.tools {
            fs::write(built.join(tool.name), "").unwrap();
            fs::set_permissions(built.join(tool.name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        drop(first);
        assert_eq!(second.join().unwrap().unwrap(), built);
        assert!(said.iter().all(|line| line.contains("waiting")), "it must not build");
    }
}
