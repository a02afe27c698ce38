//! The objects of KEDA in files.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::Value;

use super::Found;

/// Reads them. A document without a namespace is in `default`, as where kubectl would apply it is not known.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Found> {
    let mut objects = Vec::new();
    for file in files {
        let text = crate::check::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let documents = resources::documents(&text)
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", file.display()))?;
        objects.extend(documents.into_iter().filter(is_of_keda).map(in_a_namespace));
    }
    anyhow::ensure!(!objects.is_empty(), "nothing to report on: no object of keda.sh in the files");
    Ok(Found { objects, surroundings: Vec::new(), hpas: None, left_out: Vec::new(), unread: Vec::new() })
}

fn is_of_keda(document: &Value) -> bool {
    let group = document["apiVersion"].as_str().and_then(|version| version.split('/').next());
    group.is_some_and(|group| group == "keda.sh" || group.ends_with(".keda.sh"))
}

fn in_a_namespace(mut document: Value) -> Value {
    let is_of_cluster = document["kind"].as_str().is_some_and(|kind| kind.starts_with("Cluster"));
    let lacks_one = document.pointer("/metadata/namespace").is_none_or(Value::is_null);
    if !is_of_cluster && lacks_one && document["metadata"].is_object() {
        document["metadata"]["namespace"] = "default".into();
    }
    document
}
