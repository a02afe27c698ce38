//! Puts the files of a kustomization into one, for people without kustomize.
//!
//! Only kustomizations that list resources and change nothing can be put together here; all
//! else is refused, so that the single file cannot say something else than `kubectl apply -k`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// As much of a kustomization as can be rendered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kustomization {
    api_version: String,
    kind: String,
    resources: Vec<String>,
}

/// The text of all resources of the kustomization in `folder`, in its order, each document
/// with `---` before it; without those that it lists as one of `without`.
pub(super) fn render(
    folder: &Path,
    without: &[&str],
    read: &dyn Fn(&Path) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let file = folder.join("kustomization.yaml");
    let kustomization: Kustomization = serde_saphyr::from_str(&read(&file)?)
        .with_context(|| format!("{} does more than list resources", file.display()))?;
    let is_plain = kustomization.api_version == "kustomize.config.k8s.io/v1beta1"
        && kustomization.kind == "Kustomization";
    if !is_plain {
        bail!("{}: not a kustomization", file.display());
    }
    let mut rendered = String::new();
    for resource in kustomization.resources.iter().filter(|resource| !without.contains(&resource.as_str())) {
        let path = inside(&folder.join(resource))?;
        if Path::new(resource).extension().is_some() {
            rendered.push_str("---\n");
            rendered.push_str(&read(&path)?);
        } else {
            rendered.push_str(&render(&path, without, read)?);
        }
    }
    Ok(rendered)
}

/// The path without `..`.
fn inside(path: &Path) -> anyhow::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if plain.pop() => {}
            Component::ParentDir => bail!("{} leads out of the repository", path.display()),
            part => plain.push(part),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::render;

    const HEAD: &str = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";

    fn rendered(top: &str) -> anyhow::Result<String> {
        let top = format!("{HEAD}{top}");
        render(Path::new("config/top"), &["../crd"], &|path| {
            Ok(match path.to_str().unwrap() {
                "config/top/kustomization.yaml" => top.clone(),
                "config/base/kustomization.yaml" => format!("{HEAD}resources: [b.yaml]\n"),
                "config/base/b.yaml" => "b: 1\n".to_owned(),
                "config/top/a.yaml" => "a: 1\n".to_owned(),
                other => anyhow::bail!("{other} was read"),
            })
        })
    }

    #[test]
    fn files_come_in_the_order_of_the_kustomizations() {
        let text = rendered("resources: [../crd, a.yaml, ../base]\n").unwrap();
        assert_eq!(text, "---\na: 1\n---\nb: 1\n");
    }

    #[test]
    fn whatever_would_change_a_resource_is_refused() {
        for more in ["namespace: other", "patches: [{path: p.yaml}]", "namePrefix: x-"] {
            let error = rendered(&format!("resources: [a.yaml]\n{more}\n")).unwrap_err();
            assert!(error.to_string().contains("config/top/kustomization.yaml"), "{error}");
        }
    }

    #[test]
    fn a_missing_file_and_one_outside_are_named() {
        assert!(rendered("resources: [c.yaml]\n").unwrap_err().to_string().contains("config/top/c.yaml"));
        assert!(rendered("resources: [../../../etc]\n").is_err());
    }
}
