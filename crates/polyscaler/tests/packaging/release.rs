//! The steps of a release that can run anywhere: the chart with a released image, archives and checksums.

use std::path::Path;
use std::process::{Command, Output};

use k8s_openapi::api::apps::v1::Deployment;

use crate::packaging::helm::helm;
use crate::packaging::manifests::{only, parse, typed};
use crate::packaging::repository;

const IMAGE: &str = "ghcr.io/example/polyscaler";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn release(args: &[&str]) -> Output {
    Command::new(repository("hack/release.sh")).args(args).output().unwrap()
}

fn done(args: &[&str]) -> String {
    let output = release(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn image_of(manifests: &str) -> String {
    let deployment: Deployment = typed(only(&parse(manifests), "Deployment"));
    deployment.spec.unwrap().template.spec.unwrap().containers.remove(0).image.unwrap()
}

#[test]
fn a_tag_must_be_the_version_that_changelog_and_upgrade_page_know() {
    assert_eq!(done(&["version"]).trim(), VERSION);
    done(&["check", &format!("v{VERSION}")]);
    assert!(done(&["notes"]).contains("### Added"));
    for tag in ["v9.9.9", VERSION, "latest"] {
        assert!(!release(&["check", tag]).status.success(), "{tag}");
    }
    assert_eq!(release(&[]).status.code(), Some(2));
}

#[test]
fn a_released_chart_installs_the_image_by_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    done(&["chart", IMAGE, DIGEST, &folder]);
    let chart = format!("{folder}/polyscaler-{VERSION}.tgz");
    let rendered = helm(&["template", "any", &chart]).unwrap();
    assert_eq!(image_of(&rendered), format!("{IMAGE}@{DIGEST}"));
    assert!(!release(&["chart", IMAGE, "latest", &folder]).status.success());
}

/// Names and contents of all assets.
fn assets(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let binaries = folder.join("binaries");
    for machine in ["amd64", "arm64"] {
        let place = binaries.join("linux").join(machine);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("polyscaler"), machine).unwrap();
    }
    let assets = folder.join("assets");
    done(&["assets", binaries.to_str().unwrap(), IMAGE, DIGEST, assets.to_str().unwrap()]);
    let files = std::fs::read_dir(&assets).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn assets_are_the_same_each_time_and_fit_their_checksums() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = assets(one.path());
    assert_eq!(first, assets(other.path()));
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    let archives = ["amd64", "arm64"].map(|machine| format!("polyscaler_{VERSION}_linux_{machine}.tar.gz"));
    assert_eq!(names, ["SHA256SUMS", "crd.yaml", "operator.yaml", &archives[0], &archives[1]]);
    let checked = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(one.path().join("assets"))
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let sums = String::from_utf8(first[0].1.clone()).unwrap();
    assert!(names[1..].iter().all(|name| sums.contains(name)), "{sums}");
    let operator = String::from_utf8(first[2].1.clone()).unwrap();
    assert_eq!(image_of(&operator), format!("{IMAGE}@{DIGEST}"));
}
