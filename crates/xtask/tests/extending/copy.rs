//! A copy of the workspace that is kept between runs with what was built from it. The first run begins with
//! what was built of the libraries for this test itself, so that it builds no more than the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The copy. No other process has it while this lives.
pub(crate) struct Workspace {
    folder: PathBuf,
    target: PathBuf,
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
        // A file that stays as it is keeps its time, so that Cargo builds nothing anew.
        for (path, content) in files.iter().filter(|(path, content)| present.get(*path) != Some(content)) {
            let place = folder.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(place, content).unwrap();
        }
        let target = own.join("target");
        if !target.exists() {
            seed(&target, root);
        }
        Self { folder, target, _lock: lock }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where Cargo builds it.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }
}

/// Gives Cargo what it has built of other people's libraries for the test that runs. Where it does not recognise
/// that, it builds anew, which takes minutes longer and is all the same otherwise.
fn seed(target: &Path, root: &Path) {
    let of_workspace: BTreeSet<String> = fs::read_dir(root.join("crates"))
        .unwrap()
        .map(|member| member.unwrap().file_name().into_string().unwrap())
        .chain(["examples".to_owned()])
        .collect();
    // target/debug/deps/extending-…
    let test = std::env::current_exe().unwrap();
    let (built, own) = (test.ancestors().nth(2).unwrap(), target.join("debug"));
    fs::create_dir_all(own.join("deps")).unwrap();
    for folder in [".fingerprint", "build"] {
        // With its times, by which Cargo tells what is up to date.
        let copy = Command::new("cp").arg("--archive").arg(built.join(folder)).arg(&own).status().unwrap();
        assert!(copy.success(), "cannot copy {folder}");
    }
    for entry in fs::read_dir(built.join("deps")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let library = name.strip_prefix("lib").and_then(|name| Some(name.split_once('-')?.0));
        // What is built anew must not be written into the file that others link.
        if library.is_some_and(|library| !of_workspace.contains(library)) {
            fs::hard_link(&path, own.join("deps").join(name)).unwrap();
        }
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
