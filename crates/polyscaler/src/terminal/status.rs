//! `polyscaler status`: every object in a line, and what fails, by reason.

use std::collections::BTreeMap;

use clap::Args;
use cluster::ViewError;
use resources::{KINDS, Kind, Scope};
use serde_json::json;

use super::Output;
use super::connection::{ClusterArgs, Connection};
use super::kept_hpa;
use super::object::{ADVICE_IF_NOT_LOOKED_AT, Condition, NOT_LOOKED_AT, Seen};
use super::table::columns;

/// Shows every object: whether it is ready, its replicas and its last decision, and what fails and why.
///
/// Read from the status of the objects, by your own rights. Exit status: 0 all are ready, 1 one is not, 2 that cannot be
/// said, as the cluster does not answer or nothing may be read.
#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// In all namespaces.
    #[arg(long, short = 'A', conflicts_with = "namespace")]
    all_namespaces: bool,
    /// How to print it.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
}

pub(super) async fn run(arguments: &StatusArgs) -> anyhow::Result<bool> {
    let connection = arguments.cluster.connect().await?;
    let namespace = (!arguments.all_namespaces).then_some(connection.namespace.as_str());
    let seen = all(&connection, namespace).await?;
    match arguments.output {
        Output::Json => println!("{}", json!(seen)),
        Output::Text => print(&seen, namespace),
    }
    Ok(seen.iter().all(Seen::is_ready))
}

/// The objects of every kind that is installed and may be listed.
async fn all(connection: &Connection, namespace: Option<&str>) -> anyhow::Result<Vec<Seen>> {
    let mut all = Vec::new();
    let mut refused = Vec::new();
    for &kind in KINDS {
        match connection.view.list(kind, namespace).await {
            Ok(objects) => {
                let is_meant = |object: &&serde_json::Value| is_in(kind, object, namespace);
                let mut seen: Vec<Seen> =
                    objects.iter().filter(is_meant).map(|object| Seen::of(kind, object)).collect();
                kept_hpa::add_replicas(&connection.view, kind, namespace, &mut seen).await;
                all.extend(seen);
            }
            Err(ViewError::NotInstalled(_)) if refused.len() + 1 < KINDS.len() => refused.push(None),
            Err(error) => refused.push(Some(error)),
        }
    }
    if refused.len() == KINDS.len() {
        let first = refused.into_iter().flatten().next();
        anyhow::bail!("{}", first.map_or_else(String::new, |error| error.to_string()));
    }
    for error in refused.into_iter().flatten() {
        eprintln!("polyscaler: left out: {error}");
    }
    Ok(all)
}

/// Whether an object acts in `namespace`: one of a cluster-scoped kind says so in its spec.
fn is_in(kind: &Kind, object: &serde_json::Value, namespace: Option<&str>) -> bool {
    kind.scope == Scope::Namespaced || namespace.is_none_or(|namespace| kind.acts_in(object) == namespace)
}

fn print(seen: &[Seen], namespace: Option<&str>) {
    if seen.is_empty() {
        let place =
            namespace.map_or_else(|| "in this cluster".to_owned(), |name| format!("in namespace {name}"));
        println!("no object {place}");
        return;
    }
    let head = ["OBJECT", "TARGET", "MODE", "READY", "REASON", "REPLICAS", "DECISION"];
    let rows = std::iter::once(head.map(str::to_owned).to_vec()).chain(seen.iter().map(row));
    print!("{}", columns(&rows.collect::<Vec<_>>()));
    let failing = by_reason(seen);
    let failed: usize = failing.values().map(Vec::len).sum();
    println!("\n{}, {failed} not ready", objects_in(seen.len()));
    for (reason, objects) in &failing {
        let (first, condition) = &objects[0];
        let (count, example) = match objects.len() {
            1 => (first.full_name(), String::new()),
            count => (objects_in(count), format!("{}: ", first.full_name())),
        };
        let message = condition.map_or(NOT_LOOKED_AT, |ready| ready.message.as_str());
        println!("  {count}  {reason}\n    {example}{message}");
        let advice = condition.map_or(Some(ADVICE_IF_NOT_LOOKED_AT), Condition::advice);
        if let Some(advice) = advice {
            println!("    to do: {advice}");
        }
    }
}

fn objects_in(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

/// The objects that are not ready, by reason.
fn by_reason(seen: &[Seen]) -> BTreeMap<&str, Vec<(&Seen, Option<&Condition>)>> {
    let mut failing: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| !seen.is_ready()) {
        let ready = seen.condition("Ready");
        failing
            .entry(ready.map_or("NotObserved", |ready| ready.reason.as_str()))
            .or_default()
            .push((seen, ready));
    }
    failing
}

fn row(seen: &Seen) -> Vec<String> {
    let ready = seen.condition("Ready");
    let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
    vec![
        seen.full_name(),
        text(seen.target.as_deref()),
        text(seen.mode.as_deref()),
        text(ready.map(|ready| ready.status.as_str())),
        text(ready.map(|ready| ready.reason.as_str())),
        seen.replicas(),
        match &seen.stale_since {
            Some(since) => format!("out of date since {since}"),
            None => text(seen.decision.as_deref()),
        },
    ]
}
