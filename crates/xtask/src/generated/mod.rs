//! Files that come from code. One line in [`files`] each.

mod kustomize;
mod monitoring;
mod object_metrics;
mod rbac;
mod webhook;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use engine::POLICIES;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

/// Above whatever is written; the first line of a file says whose it is.
const BANNER: &str = "# Written by `make generate`; changes here are lost.\n";

/// Every folder in which nothing but generated files lives.
const FOLDERS: [&str; 4] =
    ["config/crd", "charts/polyscaler/files/crds", "charts/polyscaler/files/monitoring", "deploy"];

/// A CRD of the chart stays when the chart goes: with it every object of its kind would go.
const KEPT: &str = "helm.sh/resource-policy";

/// Every generated file, relative to the root, with what it must hold.
fn files(root: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = vec![
        ("config/crd/kustomization.yaml".into(), crd_kustomization()),
        ("config/rbac/role.yaml".into(), rbac::manager_role()),
        ("config/rbac/leader_election_role.yaml".into(), rbac::leader_election_role()),
        ("config/rbac/user_roles.yaml".into(), rbac::user_roles()),
        ("config/components/any-target/role.yaml".into(), rbac::any_target_role()),
        ("config/components/observe-hpas/role.yaml".into(), rbac::observe_hpas_role()),
        ("config/components/namespace-selector/role.yaml".into(), rbac::namespace_selector_role()),
        ("config/webhook/role.yaml".into(), rbac::webhook_roles()),
        ("config/external-metrics/role.yaml".into(), rbac::external_metrics_role()),
        ("config/webhook/configuration.yaml".into(), webhook::configuration()),
        ("charts/polyscaler/templates/_rules.tpl".into(), rbac::chart_rules()),
        ("charts/polyscaler/templates/_webhook.tpl".into(), webhook::chart_template()),
        ("config/monitoring/kube_state_metrics.yaml".into(), object_metrics::configuration()?),
        ("deploy/crd.yaml".into(), resources::crds_yaml(&POLICIES)),
    ];
    for (name, crd) in resources::crds(&POLICIES) {
        files.push((Path::new("config/crd").join(file_name(&name)), resources::crd_yaml(&crd)));
        files.push((Path::new("charts/polyscaler/files/crds").join(file_name(&name)), chart_crd(crd)?));
    }
    let generated: Vec<_> = files.clone();
    let read = |path: &Path| match generated.iter().find(|(known, _)| known == path) {
        Some((_, text)) => Ok(text.clone()),
        None => std::fs::read_to_string(root.join(path)).with_context(|| path.display().to_string()),
    };
    files.extend(monitoring::files(&read)?);
    let rendered = kustomize::render(Path::new("config/default"), &["../crd"], &read)?;
    let note = "# The files of config/default in one. Apply deploy/crd.yaml as well.\n";
    let rendered = rendered.replace(BANNER, "");
    files.push(("deploy/operator.yaml".into(), format!("{BANNER}{note}{rendered}")));
    Ok(files)
}

fn file_name(crd: &str) -> String {
    format!("{crd}.yaml")
}

fn crd_kustomization() -> String {
    let files: Vec<String> =
        resources::crds(&POLICIES).map(|(name, _)| format!("  - {}\n", file_name(&name))).collect();
    format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{}",
        files.concat()
    )
}

fn chart_crd(mut crd: CustomResourceDefinition) -> anyhow::Result<String> {
    crd.metadata.annotations.get_or_insert_default().insert(KEPT.to_owned(), "keep".to_owned());
    Ok(serde_saphyr::to_string(&crd)?)
}

/// Writes every generated file.
pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    for (path, text) in files(root)? {
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
    let files = files(root)?;
    let mut problems = Vec::new();
    for (path, text) in &files {
        if std::fs::read_to_string(root.join(path)).ok().as_ref() != Some(text) {
            problems.push(format!("{}: differs from the code; run `make generate`", path.display()));
        }
    }
    for folder in FOLDERS {
        let entries = std::fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())?;
        for entry in entries {
            let path = Path::new(folder).join(entry?.file_name());
            if !files.iter().any(|(known, _)| *known == path) {
                problems.push(format!("{}: no code writes it; delete it", path.display()));
            }
        }
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FOLDERS, drifted, files};

    /// The kustomizations of the repository, and what is generated, in a folder of their own.
    fn copy() -> tempfile::TempDir {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        let copy = tempfile::tempdir().unwrap();
        for folder in [
            "config/default",
            "config/external-metrics",
            "config/manager",
            "config/monitoring",
            "config/rbac",
            "config/webhook",
        ] {
            std::fs::create_dir_all(copy.path().join(folder)).unwrap();
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let entry = entry.unwrap();
                let place = copy.path().join(folder).join(entry.file_name());
                std::fs::copy(entry.path(), place).unwrap();
            }
        }
        super::write(copy.path()).unwrap();
        copy
    }

    #[test]
    fn what_was_just_written_has_not_drifted() {
        assert_eq!(drifted(copy().path()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_change_by_hand_of_any_file_is_found() {
        let copy = copy();
        for (path, text) in files(copy.path()).unwrap() {
            let place = copy.path().join(&path);
            std::fs::write(&place, format!("{text}# by hand\n")).unwrap();
            let problems = drifted(copy.path()).unwrap();
            let found = problems.iter().any(|problem| problem.starts_with(&path.display().to_string()));
            assert!(found, "{}: {problems:?}", path.display());
            std::fs::write(&place, text).unwrap();
        }
    }

    #[test]
    fn a_change_of_a_kustomization_is_a_drift_of_the_single_file() {
        let copy = copy();
        let manager = copy.path().join("config/manager/manager.yaml");
        let text = std::fs::read_to_string(&manager).unwrap();
        std::fs::write(&manager, text.replace("replicas: 1", "replicas: 3")).unwrap();
        assert_eq!(
            drifted(copy.path()).unwrap(),
            ["deploy/operator.yaml: differs from the code; run `make generate`"]
        );
    }

    #[test]
    fn a_file_that_no_code_writes_is_found() {
        let copy = copy();
        for folder in FOLDERS {
            let left = format!("{folder}/left.yaml");
            std::fs::write(copy.path().join(&left), "").unwrap();
            let wanted = format!("{left}: no code writes it; delete it");
            assert_eq!(drifted(copy.path()).unwrap(), [wanted]);
            std::fs::remove_file(copy.path().join(&left)).unwrap();
        }
    }
}
