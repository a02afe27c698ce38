//! The single files say what the kustomizations say.

use std::process::Command;

use kube::api::DynamicObject;
use serde_json::Value;

use crate::packaging::manifests::{names, parse, typed};
use crate::packaging::tools::tool;
use crate::packaging::{read, repository};

/// What `kubectl kustomize` makes of a folder.
pub(crate) fn kustomize(folder: &str) -> Vec<DynamicObject> {
    parse(&kustomize_text(folder))
}

/// The same as it is printed.
pub(crate) fn kustomize_text(folder: &str) -> String {
    let kubectl = tool("kubectl");
    let output =
        Command::new(kubectl).args(["kustomize", folder]).current_dir(repository("")).output().unwrap();
    assert!(output.status.success(), "{folder}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// CRDs and operator, from the single files.
pub(crate) fn single_files() -> Vec<DynamicObject> {
    ["deploy/crd.yaml", "deploy/operator.yaml"].iter().flat_map(|file| parse(&read(file))).collect()
}

/// The objects with their names, in the order of these.
fn sorted(objects: &[DynamicObject]) -> Vec<(Vec<String>, Value)> {
    let named = objects.iter().map(|object| {
        let value = serde_json::to_value(object).unwrap();
        (names(std::slice::from_ref(object)), with_plain_numbers(value))
    });
    let mut named: Vec<(Vec<String>, Value)> = named.collect();
    named.sort_by(|one, other| one.0.cmp(&other.0));
    named
}

/// To YAML, 1 and 1.0 are not the same; to the API server they are.
fn with_plain_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(with_plain_numbers).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(field, value)| (field, with_plain_numbers(value))).collect()
        }
        other => other,
    }
}

#[test]
fn single_files_and_kustomization_are_the_same() {
    let rendered = kustomize("config/default");
    assert_eq!(names(&rendered), names(&single_files()));
    for (kustomized, single) in sorted(&rendered).into_iter().zip(sorted(&single_files())) {
        assert_eq!(kustomized, single);
    }
    let crds = kustomize("config/crd");
    assert_eq!(names(&crds), names(&parse(&read("deploy/crd.yaml"))));
}

#[test]
fn samples_are_a_kustomization_of_every_file() {
    let files = std::fs::read_dir(repository("config/samples")).unwrap().map(|entry| entry.unwrap().path());
    let manifests = files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    let objects: Vec<_> = manifests.flat_map(|path| parse(&std::fs::read_to_string(path).unwrap())).collect();
    assert_eq!(names(&kustomize("config/samples")), names(&objects));
}

#[test]
fn production_has_two_replicas_and_nothing_less_than_the_default() {
    let (production, default) = (kustomize("config/overlays/production"), kustomize("config/default"));
    let of_production = names(&production);
    assert!(names(&default).iter().all(|name| of_production.contains(name)), "{of_production:?}");
    let found =
        production.iter().find(|object| crate::packaging::manifests::kind(object) == "Deployment").unwrap();
    let deployment: k8s_openapi::api::apps::v1::Deployment = typed(found);
    let spec = deployment.spec.unwrap();
    assert_eq!(spec.replicas, Some(2));
    let env = spec.template.spec.unwrap().containers.remove(0).env.unwrap();
    for (name, value) in [("LOG_LEVEL", "info"), ("LOG_FORMAT", "json")] {
        assert!(env.iter().any(|env| env.name == name && env.value.as_deref() == Some(value)), "{env:?}");
    }
}
