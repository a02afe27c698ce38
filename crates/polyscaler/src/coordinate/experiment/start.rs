//! Brings an experiment up: who belongs to the groups, the right to write, and the end in order.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use cluster::{Clients, DeploymentChange, Targets};
use futures::StreamExt as _;
use runner::Event;
use tokio::sync::{mpsc, watch};

use super::list::{self, Series};
use super::{Experiment, Group, LISTING, Measurer, hpas};
use crate::coordinate::app::{App, Standing};
use crate::coordinate::objects::group_name;
use crate::coordinate::{CoordinateArgs, connect, groups_at_start, wiring};
use crate::parts::{Shared, Signals, elect};

/// Runs the experiment of `list` over the groups of the groups file.
pub(in crate::coordinate) async fn start(
    arguments: CoordinateArgs,
    list: PathBuf,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let shared = Shared::new(&arguments.parts)?;
    let (_, in_file) = groups_at_start(&arguments)?;
    let series = match read_list(&list, in_file.len()) {
        Ok(series) => series,
        Err(problems) => {
            for problem in problems {
                eprintln!("polyscaler: experiment {}: {problem}", list.display());
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let clients = connect(&arguments).await?;
    let app = existing(&arguments, &shared, &clients).await?;

    let mut groups = Vec::new();
    for (index, group) in in_file.iter().enumerate() {
        let (name, line) = (group_name(index), group.line);
        let is_known = |member: &&String| match app.standing(member) {
            Standing::Belongs => true,
            Standing::Foreign | Standing::Missing => {
                let problem = "the application has no such Deployment, the others are measured without it";
                tracing::warn!(group = name, line, member = member.as_str(), problem, "unknown member");
                false
            }
        };
        let target =
            |member: &String| resources::TargetRef::deployment(member).in_namespace(&arguments.namespace);
        groups.push(Group { targets: group.members.iter().filter(is_known).map(target).collect(), name });
    }
    groups.retain(|group| !group.targets.is_empty());
    if groups.is_empty() {
        bail!(
            "no Deployment of the groups file exists in namespace {} and belongs to application {}; deploy it first, \
             or set NAMESPACE and APP_NAME",
            arguments.namespace,
            arguments.app_name
        );
    }

    hpas::refuse(&arguments, &shared, &clients, &series, &groups).await?;

    let (events, mut heard) = mpsc::channel(16);
    let (stop, stopped) = watch::channel(false);
    let lease = wiring(&arguments, &shared).lease;
    let (guard, election) = elect(lease, &shared, &clients, events, stopped);
    let namespaces = vec![arguments.namespace.clone()];
    let measurer = Measurer {
        actuator: Arc::new(Targets::new(&clients, namespaces, Arc::clone(&shared.readiness))),
        guard,
        clock: shared.clock.clone(),
        patience: arguments.experiment_timeout,
    };
    let experiment = Experiment { series, out: arguments.out.clone(), groups };
    let ending = watch::Sender::new(false);
    let work = async {
        let mut ended = ending.subscribe();
        let leading = async { while !matches!(heard.recv().await, Some(Event::Leading(true)) | None) {} };
        tokio::select! {
            () = leading => experiment.run(&measurer, ending.subscribe()).await,
            _ = ended.wait_for(|ended| *ended) => Ok(ExitCode::FAILURE),
        }
    };
    let mut work = std::pin::pin!(work);
    let result = tokio::select! {
        result = &mut work => result,
        () = signals.come() => {
            ending.send_replace(true);
            // What was measured is printed, and replicas are restored, unless someone is in a hurry.
            tokio::select! {
                result = work => result,
                () = signals.come() => {
                    tracing::warn!("terminated again: replicas stay as the experiment left them");
                    Ok(ExitCode::FAILURE)
                }
            }
        }
    };
    stop.send_replace(true);
    if let Some(mut lease) = election.await.ok().flatten() {
        lease.release().await;
    }
    result
}

/// The series of the list, over so many groups.
fn read_list(list: &Path, groups: usize) -> Result<Vec<Series>, Vec<String>> {
    let text = std::fs::read_to_string(list).map_err(|error| {
        vec![format!("cannot be read: {error}; use a file with lines such as: group-1, 1, 5, 3")]
    })?;
    let names: Vec<String> = (0..groups).map(group_name).collect();
    list::parse(&text, &names)
}

/// The Deployments that there are now.
async fn existing(arguments: &CoordinateArgs, shared: &Shared, clients: &Clients) -> anyhow::Result<App> {
    let app = App::new(&arguments.app_name);
    let changes = cluster::deployments(clients, &arguments.namespace, Arc::clone(&shared.readiness));
    let mut changes = std::pin::pin!(changes);
    let listing = async {
        while let Some(change) = changes.next().await {
            if change == DeploymentChange::Synced {
                break;
            }
            app.take(change);
        }
    };
    if tokio::time::timeout(LISTING, listing).await.is_err() {
        bail!(
            "the API server did not list the Deployments of namespace {} within {} s; the log says why",
            arguments.namespace,
            LISTING.as_secs()
        );
    }
    Ok(app)
}
