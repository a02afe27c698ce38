//! `polyscaler keda-report`: what would become of the objects of KEDA, one by one, without writing anything.

mod cluster;
mod files;
mod hpa;
mod judged;
mod taken;

use std::path::PathBuf;

use clap::Args;
use resources::{Context, Kind, Reference, Resolved};
use serde_json::{Value, json};
use sources::{AddressPolicy, Registry};

use super::connection::ClusterArgs;
use super::{Output, lenient};
use judged::{Judged, print};
use taken::Wanted;

/// Says of each of KEDA's objects what will be the same with polyscaler, what differs, and what would not work: as it is not
/// there yet, names something that is not there, is invalid, or is in conflict with another object.
///
/// Reads the objects in files, or where none is named in the cluster, by your own rights, and writes nothing. Exit status:
/// 0 all of them would work, 1 one would not, 2 that cannot be said.
#[derive(Args)]
pub(crate) struct KedaReportArgs {
    /// Files with YAML or JSON, several documents each; `-` reads standard input. Default: the cluster.
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How to print it.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
}

/// Everything that is reported on.
pub(super) struct Found {
    /// The objects of KEDA's kinds.
    pub(super) objects: Vec<Value>,
    /// What the cluster says of KEDA itself; empty for files.
    pub(super) surroundings: Vec<String>,
    /// HorizontalPodAutoscalers that exist; `None` where nobody looked.
    pub(super) hpas: Option<Vec<Value>>,
    /// What could not be read, and is left out.
    pub(super) left_out: Vec<String>,
    /// Kinds of KEDA of which that is so: nothing is known of their objects.
    pub(super) unread: Vec<&'static str>,
}

pub(super) async fn run(arguments: &KedaReportArgs) -> anyhow::Result<bool> {
    let found = match arguments.files.as_slice() {
        [] => {
            let connection = arguments.cluster.connect().await?;
            let namespace = arguments.cluster.is_namespaced().then_some(connection.namespace.as_str());
            cluster::read(&connection.view, namespace).await?
        }
        files => files::read(files)?,
    };
    let catalog = Registry::new(AddressPolicy::default());
    let context = lenient(&catalog);
    let (mut judged, wanted): (Vec<Judged>, Vec<Wanted>) =
        found.objects.iter().map(|object| judge(object, &found, &context)).unzip();
    taken::note(&mut judged, &found.objects, &wanted, found.hpas.as_deref().unwrap_or_default());
    match arguments.output {
        Output::Json => println!("{}", json!({ "cluster": found.surroundings, "objects": judged })),
        Output::Text => print(&found.surroundings, &judged),
    }
    for left_out in &found.left_out {
        eprintln!("polyscaler: left out: {left_out}");
    }
    Ok(judged.iter().all(Judged::works))
}

/// What becomes of one object, and what it wants for itself.
fn judge(object: &Value, found: &Found, context: &Context<'_>) -> (Judged, Wanted) {
    let (mut judged, mut wanted) = (Judged::new(object), Wanted::default());
    judged.notes.extend(resources::keda_differences(object));
    let text = |field: &str| object[field].as_str().unwrap_or_default();
    let Some(kind) = resources::find(text("apiVersion"), text("kind")) else { return (judged, wanted) };
    let resolved = resolved(kind, object, found);
    let context = Context { resolved: Some(&resolved), ..*context };
    match kind.compile(object, &context) {
        Ok(compiled) => {
            let kept = compiled.plan.actuation.hpa();
            if let (Some(kept), Some(hpas)) = (kept, &found.hpas) {
                judged.hpa = Some(hpa::compared(&kept.unpacked(), &judged.namespace, hpas));
            }
            wanted.hpa = kept.map(|hpa| hpa.name().to_owned());
            wanted.target = compiled.plan.claimed().next().map(|member| member.target.clone());
        }
        Err(problems) => problems.iter().for_each(|problem| judged.fails(problem)),
    }
    (judged, wanted)
}

/// The authentications that `object` names and could be looked for, as far as they were found.
fn resolved(kind: &Kind, object: &Value, found: &Found) -> Resolved {
    let find = |reference: Reference| {
        let is_it = |object: &&Value| {
            let field = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            field("/kind") == reference.kind
                && field("/metadata/name") == reference.name
                && (reference.namespace.is_empty() || field("/metadata/namespace") == reference.namespace)
        };
        let object = found.objects.iter().find(is_it).cloned().map(std::sync::Arc::new);
        (reference, object)
    };
    let references = (kind.needs.references)(object).into_iter();
    Resolved::new(references.filter(|reference| !found.unread.contains(&reference.kind)).map(find))
}
