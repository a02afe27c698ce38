//! Files that come from code. One line in [`files`] each.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Every generated file, relative to the root, with what it must hold.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = vec![(PathBuf::from("config/crd/kustomization.yaml"), kustomization())];
    for kind in resources::KINDS {
        files.push((Path::new("config/crd").join(file_name(kind)), resources::crd_yaml(kind)));
    }
    files
}

fn file_name(kind: &resources::Kind) -> String {
    format!("{}.yaml", kind.crd_name())
}

fn kustomization() -> String {
    let files: Vec<String> =
        resources::KINDS.iter().map(|kind| format!("  - {}\n", file_name(kind))).collect();
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{}",
        files.concat()
    )
}

/// Writes every generated file.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    for (path, text) in files() {
        let place = root.join(&path);
        if let Some(folder) = place.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&place, text).with_context(|| path.display().to_string())?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// The generated files that differ from the code, or that no code writes any more.
pub(crate) fn drifted(root: &Path) -> anyhow::Result<Vec<String>> {
    let files = files();
    let mut problems = Vec::new();
    for (path, text) in &files {
        if std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(text) {
            problems.push(format!("{}: differs from the code; run `make generate`", path.display()));
        }
    }
    for entry in std::fs::read_dir(root.join("config/crd"))? {
        let path = Path::new("config/crd").join(entry?.file_name());
        if !files.iter().any(|(known, _)| *known == path) {
            problems.push(format!("{}: no code writes it; delete it", path.display()));
        }
    }
    Ok(problems)
}
