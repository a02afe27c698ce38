//! Source files that nobody would miss until it hurts: lost ones and overgrown ones.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A file longer than this is several things.
const LONGEST: usize = 600;

/// Files that no `mod` line names, and files that are too long.
pub(crate) fn problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("crates"))? {
        let crate_folder = entry?.path();
        for folder in ["src", "tests", "benches", "examples"] {
            collect(&crate_folder.join(folder), &mut files)?;
        }
    }
    let mut texts = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        texts.push((file, text));
    }
    let reached: HashSet<PathBuf> = texts.iter().flat_map(|(file, text)| named(file, text)).collect();
    let mut problems = Vec::new();
    for (file, text) in &texts {
        let shown = file.strip_prefix(root).unwrap_or(file).display();
        if !is_root(file) && !reached.contains(file) {
            problems.push(format!("{shown}: no mod line names it, so it is not compiled"));
        }
        let lines = text.lines().count();
        if lines > LONGEST {
            problems.push(format!("{shown}: {lines} lines, split it ({LONGEST} at most)"));
        }
    }
    Ok(problems)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether Cargo finds the file by itself.
fn is_root(file: &Path) -> bool {
    let parent = file.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // Deeper down, a folder of this name belongs to a module.
    let is_beside_manifest = file.ancestors().nth(2).is_some_and(|folder| folder.join("Cargo.toml").exists());
    matches!(name, "main.rs" | "lib.rs")
        || parent == "bin"
        || (is_beside_manifest && matches!(parent, "tests" | "benches" | "examples"))
}

/// The files that the `mod` lines of `file` may mean.
fn named(file: &Path, text: &str) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(file);
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let own = if is_root(file) || stem == "mod" { folder.to_owned() } else { folder.join(stem) };
    let mut named = Vec::new();
    let mut given_path = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            given_path = Some(folder.join(path));
        }
        let Some(module) = declared(line) else { continue };
        named.extend([own.join(format!("{module}.rs")), own.join(module).join("mod.rs")]);
        named.extend(given_path.take().and_then(|path| normal(&path)));
    }
    named
}

/// The module that a line such as `pub(crate) mod name;` declares.
fn declared(line: &str) -> Option<&str> {
    let mut words = line.strip_suffix(';')?.rsplit(' ');
    let name = words.next()?;
    (words.next()? == "mod").then_some(name)
}

/// The path without `..`.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => normal.pop().then_some(())?,
            part => normal.push(part),
        }
    }
    Some(normal)
}
