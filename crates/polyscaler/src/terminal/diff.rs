//! `polyscaler diff`: what manifests would decide now, each by the way of a poll: compiled, its metrics read, its target
//! looked at, decided, and nothing written.

mod owners;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use cluster::{CredentialStore, Targets};
use engine::{Mode, Plan};
use resources::{Context, KINDS, Kind, NamespaceDefaults, Outcome, Resolved, Scope};
use runner::{Eyes, Metrics, ObjectKey, Previewed, Readiness, SystemClock};
use serde_json::Value;
use sources::{AddressPolicy, Advisers, Registry, ServerAddress};

use super::Output;
use super::connection::{ClusterArgs, Connection};
use super::object::Seen;
use crate::parts;
use crate::policies::policies;
use owners::Owners;
use report::{Found, Judged, Member};

/// Says what manifests would decide now, object by object, without writing anything.
///
/// Each is compiled by the rules of admission, its metrics are read and its target is looked at, from here and by your
/// own rights: a metric server that only the cluster reaches must be reachable from here, too. Exit status: 0 nothing
/// would change, 1 replicas would, 2 that cannot be said of one, as it is invalid, not owned, or a metric has no value.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// File with YAML or JSON, several documents; `-` reads standard input. May be given several times.
    #[arg(long = "filename", short = 'f', required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How to print it.
    #[arg(long, short, value_enum, default_value = "text")]
    output: Output,
    /// The Prometheus server of metrics of type prometheus that name none, as the operator's flag.
    #[arg(long, env = "POLYSCALER_PROMETHEUS_URL", value_name = "URL", value_parser = parts::prometheus_url)]
    prometheus_url: Option<ServerAddress>,
    /// Let namespaced objects act in another namespace, as the operator's flag does.
    #[arg(long)]
    allow_cross_namespace: bool,
}

pub(super) async fn run(arguments: &DiffArgs) -> anyhow::Result<bool> {
    let connection = arguments.cluster.connect().await?;
    let documents = documents(&arguments.files, &connection.namespace)?;
    if documents.is_empty() {
        anyhow::bail!("nothing to compare: no object of a kind of polyscaler in the files");
    }
    let mut previewer = Previewer::new(arguments, &connection, &documents).await?;
    let mut judged = Vec::new();
    for (kind, document) in &documents {
        judged.push(previewer.judge(kind, document).await?);
    }
    match arguments.output {
        Output::Json => println!("{}", serde_json::to_value(&judged)?),
        Output::Text => judged.iter().for_each(Judged::print),
    }
    let unsaid = judged.iter().filter(|judged| !judged.is_said()).count();
    if unsaid > 0 {
        anyhow::bail!("what {unsaid} of {} objects would decide cannot be said", judged.len());
    }
    Ok(judged.iter().all(|judged| !judged.changes()))
}

/// The documents of our kinds, each in its namespace.
fn documents(files: &[PathBuf], namespace: &str) -> anyhow::Result<Vec<(&'static Kind, Value)>> {
    let mut ours = Vec::new();
    for file in files {
        let text = crate::check::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let documents = resources::documents(&text)
            .map_err(|problem| anyhow::anyhow!("{}: {problem}", file.display()))?;
        for mut document in documents {
            let field = |name: &str| document[name].as_str().unwrap_or_default();
            let found = resources::find(field("apiVersion"), field("kind"));
            let Some(kind) = found.filter(|kind| !kind.is_read_only()) else { continue };
            if kind.scope == Scope::Namespaced
                && document.pointer("/metadata/namespace").is_none_or(Value::is_null)
                && document["metadata"].is_object()
            {
                document["metadata"]["namespace"] = namespace.into();
            }
            ours.push((kind, document));
        }
    }
    Ok(ours)
}

/// What previews need.
struct Previewer<'a> {
    connection: &'a Connection,
    registry: Registry,
    allow_cross_namespace: bool,
    eyes: Eyes,
    owners: Owners,
}

impl<'a> Previewer<'a> {
    async fn new(
        arguments: &DiffArgs,
        connection: &'a Connection,
        documents: &[(&'static Kind, Value)],
    ) -> anyhow::Result<Self> {
        let clock = Arc::new(SystemClock::start());
        let policy = AddressPolicy::default();
        let mut namespaces: Vec<String> =
            documents.iter().map(|(kind, document)| kind.acts_in(document)).collect();
        namespaces.sort();
        namespaces.dedup();
        let owners = Owners::in_namespaces(&connection.view, &namespaces).await?;
        let targets = Targets::new(&connection.clients, namespaces, Arc::new(Readiness::default()));
        Ok(Self {
            connection,
            registry: Registry::of_operator(policy.clone(), arguments.prometheus_url.clone()),
            allow_cross_namespace: arguments.allow_cross_namespace,
            eyes: Eyes {
                sampler: parts::sampler(
                    CredentialStore::new(&connection.clients),
                    &connection.clients,
                    clock.clone(),
                    Arc::new(Metrics::new()),
                    None,
                ),
                actuator: Arc::new(targets),
                advisers: parts::advisers(Arc::new(Advisers::new(policy))),
                clock,
            },
            owners,
        })
    }

    /// What a document would decide.
    async fn judge(&mut self, kind: &'static Kind, document: &Value) -> anyhow::Result<Judged> {
        let text =
            |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
        let present = match name.as_str() {
            "" => None,
            name => self.connection.view.get(kind, &namespace, name).await?,
        };
        let key = ObjectKey::new(kind.kind, namespace, name);
        let before = present.as_ref().map(|present| Seen::of(kind, present));
        let resolved = self.resolve(kind, document).await?;
        let context = Context {
            catalog: &self.registry,
            policies: policies(),
            allow_cross_namespace: self.allow_cross_namespace,
            admitting: false,
            resolved: Some(&resolved),
        };
        // What the operator gives to the object that exists, it would give to the new one.
        let defaults = present.as_ref().map(NamespaceDefaults::given_to).unwrap_or_default();
        let found = match defaults.compile(kind, document, &context) {
            Err(problems) => Found::Invalid(problems.iter().map(ToString::to_string).collect()),
            Ok(compiled) => match self.owners.other_owner(&key, &compiled.plan) {
                Some(owner) => Found::Taken(owner),
                None => {
                    self.owners.add_object(&key, &compiled.plan);
                    let memory = present.as_ref().map(|present| kind.memory(present)).unwrap_or_default();
                    let warnings = compiled.warnings.iter().map(ToString::to_string).collect();
                    let previewed = Previewed { key: key.clone(), kind, compiled, memory };
                    let outcome = self.eyes.preview(previewed).await.context("the poll broke off")?;
                    decided(&outcome, warnings)
                }
            },
        };
        Ok(Judged {
            object: key.to_string(),
            is_new: present.is_none(),
            before: before.and_then(|seen| seen.decision),
            found,
        })
    }

    /// The supporting objects that a document refers to, as the cluster has them.
    async fn resolve(&self, kind: &Kind, document: &Value) -> anyhow::Result<Resolved> {
        let mut found = Vec::new();
        for reference in (kind.needs.references)(document) {
            let object = self.connection.view.supporting(&reference).await?;
            found.push((reference, object.map(Arc::new)));
        }
        Ok(Resolved::new(found))
    }
}

fn decided(outcome: &Outcome, warnings: Vec<String>) -> Found {
    let health = outcome.health();
    let Some(poll) = outcome.poll() else { return Found::Invalid(vec![health.message]) };
    let member = |decided: &engine::MemberDecision| Member {
        target: poll.plan.members[decided.member].target.to_string(),
        from: decided.from,
        to: decided.to,
        steps: decided.steps.iter().map(ToString::to_string).collect(),
    };
    Found::Decided {
        members: poll.decision.members.iter().map(member).collect(),
        observes: poll.decision.mode == Mode::Observe,
        // What was not read or found; that nothing is written here is no failure.
        failing: (!health.ready).then(|| format!("{}: {}", health.reason, health.message)),
        warnings,
    }
}

/// The targets of a plan.
fn targets(plan: &Plan) -> impl Iterator<Item = &engine::Target> {
    plan.members.iter().map(|member| &member.target)
}

/// Every kind whose objects may own a target.
fn owning_kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied()
}
