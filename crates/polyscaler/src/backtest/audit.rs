//! Load from the operator's own audit file: what was read then, and what was decided.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use backtest::Manifest;
use backtest::contender::Played;
use backtest::load::Recorded;
use engine::Time;
use serde::Deserialize;

use super::invalid::Invalid;

/// What of an audit entry is needed here.
#[derive(Deserialize)]
struct Entry {
    timestamp: Time,
    kind: String,
    namespace: String,
    name: String,
    target: String,
    from: u32,
    to: u32,
    steps: Vec<String>,
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    name: String,
    value: Option<f64>,
}

/// What an audit file says of one object.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    /// The names of its metrics, and `replicas`.
    pub(super) columns: Vec<String>,
    pub(super) samples: Recorded,
    /// What was decided then.
    pub(super) played: Played,
}

/// The column with the replicas of that day.
const REPLICAS: &str = "replicas";

/// Reads what the file at `path` says of the object of `manifest`.
pub(super) fn read(path: &Path, manifest: &Manifest) -> Result<Audit, Invalid> {
    let file = File::open(path).map_err(|error| Invalid::of(path, format!("cannot be read: {error}")))?;
    let text = |pointer: &str| manifest.object.pointer(pointer).and_then(serde_json::Value::as_str);
    let (kind, namespace) = (text("/kind").unwrap_or_default(), text("/metadata/namespace"));
    let columns: Vec<String> = manifest.plan.metrics.iter().map(|metric| metric.name.clone()).collect();
    let mut samples = Recorded::new(columns.len() + 1);
    let mut played = Vec::new();
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let at_line = |problem: String| Invalid::of(path, format!("line {}: {problem}", index + 1));
        let line = line.map_err(|error| at_line(format!("cannot be read: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let entry: Entry = serde_json::from_str(&line)
            .map_err(|error| at_line(format!("is not an audit entry: {error}")))?;
        let is_it = entry.kind == kind && entry.name == manifest.name;
        if !is_it || namespace.is_some_and(|namespace| namespace != entry.namespace) {
            continue;
        }
        let member =
            manifest.plan.members.iter().position(|member| member.target.short_name() == entry.target);
        let Some(member) = member else { continue };
        played.push((entry.timestamp, member, entry.from, entry.to, entry.steps));
        // A group has an entry a member, with the same readings.
        if member == 0 {
            let value = |name: &String| entry.metrics.iter().find(|metric| metric.name == *name)?.value;
            let mut values: Vec<f64> = columns.iter().map(|name| value(name).unwrap_or(f64::NAN)).collect();
            values.push(f64::from(entry.from));
            samples.push(entry.timestamp, &values);
        }
    }
    if samples.is_empty() {
        let object = format!("{kind} {}/{}", namespace.unwrap_or_default(), manifest.name);
        return Err(Invalid::of(
            path,
            format!("has no decision for {object}; does the manifest have another name?"),
        ));
    }
    let columns = columns.into_iter().chain([REPLICAS.to_owned()]).collect();
    Ok(Audit { columns, samples, played: Played::new(played) })
}
