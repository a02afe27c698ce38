//! `polyscaler why`: what was decided for one object, by what numbers, what holds it back, and what would change it.
//!
//! The last decision is the status's; what would change it is worked out by the engine, from the object as it is.

mod changes;
mod report;

use clap::Args;
use cluster::PublishedEvent;
use engine::{PastScale, Time};
use runner::{Clock as _, SystemClock};
use serde::Serialize;
use serde_json::Value;

use super::Output;
use super::connection::{ClusterArgs, Named, named};
use super::kept_hpa;
use super::object::Seen;
use changes::Changes;

/// Says what was decided for an object, by what numbers, what holds it back, and what would change it.
///
/// Read from the object's status and Events, by your own rights. Exit status: 0 the object is ready, 1 it is not, 2 that
/// cannot be said, as there is no such object or it cannot be read.
#[derive(Args)]
pub(crate) struct WhyArgs {
    /// The object, for example scalingrule/orders.
    #[arg(value_name = "KIND/NAME", value_parser = named)]
    object: Named,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How to print it.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
}

/// All that is said of an object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(flatten)]
    seen: Seen,
    #[serde(flatten)]
    changes: Changes,
    /// What was scaled last, the newest first, by target.
    scales: Vec<Scaled>,
    #[serde(skip)]
    events: Vec<PublishedEvent>,
    /// Why the Events could not be listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_events: Option<String>,
}

/// A scale operation on a target.
#[derive(Serialize)]
struct Scaled {
    target: String,
    #[serde(flatten)]
    past: PastScale,
}

pub(super) async fn run(arguments: &WhyArgs) -> anyhow::Result<bool> {
    let connection = arguments.cluster.connect().await?;
    let Named { kind, name } = &arguments.object;
    let namespace = &connection.namespace;
    let Some(object) = connection.view.get(kind, namespace, name).await? else {
        anyhow::bail!("there is no {} called {name}{}", kind.kind, place(kind, namespace));
    };
    let mut seen = Seen::of(kind, &object);
    kept_hpa::add_replicas(&connection.view, kind, Some(namespace), std::slice::from_mut(&mut seen)).await;
    let events = connection.view.events(kind, namespace, name, &seen.uid).await;
    let (events, no_events) = match events {
        Ok(events) => (events, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let now = SystemClock::start().now();
    let changes = Changes::of(kind, &object, &seen, now);
    let report = Report { seen, changes, scales: scales(kind, &object), events, no_events };
    match arguments.output {
        Output::Json => println!("{}", serde_json::to_value(&report)?),
        Output::Text => print!("{}", report.text(now)),
    }
    Ok(report.seen.is_ready())
}

fn place(kind: &resources::Kind, namespace: &str) -> String {
    match kind.scope {
        resources::Scope::Namespaced => format!(" in namespace {namespace}"),
        resources::Scope::Cluster => String::new(),
    }
}

/// The last scale operations that the object remembers, the newest first.
fn scales(kind: &resources::Kind, object: &Value) -> Vec<Scaled> {
    let memory = kind.memory(object);
    let of_target = memory.scales.iter().flat_map(|(target, past)| {
        past.iter().map(move |past| Scaled { target: target.to_owned(), past: past.clone() })
    });
    let mut scales: Vec<Scaled> = of_target.collect();
    scales.sort_by_key(|scaled| std::cmp::Reverse::<Time>(scaled.past.at));
    scales
}
