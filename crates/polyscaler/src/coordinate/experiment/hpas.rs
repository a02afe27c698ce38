//! Ends the start of an experiment where an HPA scales what is to be measured: each would undo the
//! counts of the other. Apart from `start`, as only this asks for HPAs.

use std::sync::Arc;

use anyhow::bail;
use cluster::{Clients, Objects, Watches};
use engine::Target;
use runner::{Event, Namespaces};
use tokio::sync::mpsc;

use super::list::Series;
use super::{Group, LISTING};
use crate::coordinate::CoordinateArgs;
use crate::parts::Shared;

/// An HPA by name, and what it scales.
type Scaling = (String, Target);

/// Fails with the names of members that an HPA scales, in the groups that are to be measured.
pub(super) async fn refuse(
    arguments: &CoordinateArgs,
    shared: &Shared,
    clients: &Clients,
    series: &[Series],
    groups: &[Group],
) -> anyhow::Result<()> {
    let namespace = &arguments.namespace;
    let (events, heard) = mpsc::channel(16);
    let watching = cluster::watch(Watches {
        client: clients.read.clone(),
        kinds: Vec::new(),
        namespaces: Namespaces::named(vec![namespace.clone()]),
        selector: None,
        events,
        readiness: Arc::clone(&shared.readiness),
        objects: Arc::new(Objects::default()),
        hpas: Arc::default(),
        labels: None,
        observe_hpas: false,
        leave_to_keda: None,
        finalizers: std::sync::Arc::default(),
        supporting: std::sync::Arc::default(),
    });
    let listing = tokio::time::timeout(LISTING, listed(heard));
    let scalings = tokio::select! {
        scalings = listing => scalings.ok().flatten(),
        () = watching => None,
    };
    let Some(scalings) = scalings else {
        bail!(
            "the API server did not list the HorizontalPodAutoscalers of namespace {namespace} within {} s; \
             the log says why",
            LISTING.as_secs(),
        );
    };
    let is_measured = |group: &&Group| series.iter().any(|series| series.group == group.name);
    let taken = groups.iter().filter(is_measured).flat_map(|group| taken(group, &scalings));
    let taken: Vec<String> = taken.collect();
    if taken.is_empty() {
        return Ok(());
    }
    bail!("{}; delete it, or leave the group out of the list", taken.join("; "))
}

/// All that there are now; `None` where whoever lists them ends before.
async fn listed(mut events: mpsc::Receiver<Event>) -> Option<Vec<Scaling>> {
    let mut scalings = Vec::new();
    loop {
        match events.recv().await? {
            Event::Hpa { hpa: (_, name), target: Some(target), .. } => scalings.push((name, target)),
            Event::Synced => return Some(scalings),
            _ => {}
        }
    }
}

/// The members of a group that are scaled already.
fn taken(group: &Group, scalings: &[Scaling]) -> impl Iterator<Item = String> {
    let is_same = |one: &Target, other: &Target| {
        let api_group = |target: &Target| target.api_version.split('/').next().map(str::to_owned);
        (api_group(one), &one.kind, &one.name) == (api_group(other), &other.kind, &other.name)
    };
    group.targets.iter().filter_map(move |target| {
        let (hpa, _) = scalings.iter().find(|(_, scaled)| is_same(scaled, target))?;
        Some(format!("{} of {} is scaled by HorizontalPodAutoscaler {hpa}", target.name, group.name))
    })
}
