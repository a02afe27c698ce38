//! A copy of the workspace that is kept between runs. It is built in the workspace's own folder, with the
//! libraries of others that are built there already.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The copy. No other process has it while this lives.
pub(crate) struct Workspace {
    folder: PathBuf,
    programs: PathBuf,
    _lock: File,
}

impl Workspace {
    /// A copy of the workspace at `root`, with `changes` by path. Waits while another run has it.
    pub(crate) fn of(root: &Path, changes: &BTreeMap<String, String>) -> Self {
        let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("extending");
        fs::create_dir_all(&own).unwrap();
        let lock = File::create(own.join("lock")).unwrap();
        lock.lock().unwrap();
        let folder = own.join("workspace");
        let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        read(root, Path::new(""), &mut files);
        for (path, text) in changes {
            files.insert(path.into(), text.clone().into_bytes());
        }
        let mut present = BTreeMap::new();
        if folder.exists() {
            read(&folder, Path::new(""), &mut present);
        }
        for path in present.keys().filter(|path| !files.contains_key(*path)) {
            fs::remove_file(folder.join(path)).unwrap();
        }
        // A file that stays as it is keeps its time, so that Cargo does not build it again.
        for (path, content) in files.iter().filter(|(path, content)| present.get(*path) != Some(content)) {
            let place = folder.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, content).unwrap();
        }
        Self { folder, programs: own.join("target"), _lock: lock }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where Cargo puts finished programs, so that the workspace's own stay as they are.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Where Cargo builds: beside the workspace itself, whose libraries by others serve both. The members are
    /// built for another profile and so under other names; under the same they would replace the workspace's.
    pub(crate) fn build() -> PathBuf {
        // target/debug/deps/extending-…
        std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
    }
}

/// All files below `root`/`folder` that make the workspace, by their path from `root`.
fn read(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let (name, kind) = (entry.file_name(), entry.file_type().unwrap());
        let path = folder.join(&name);
        if kind.is_dir() {
            // Cargo marks a folder of things it builds; hidden ones are of other programs.
            let built = entry.path().join("CACHEDIR.TAG").exists();
            if !built && !name.to_string_lossy().starts_with('.') {
                read(root, &path, files);
            }
        } else if kind.is_file() {
            files.insert(path, fs::read(entry.path()).unwrap());
        }
    }
}
