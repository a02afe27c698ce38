//! Gets the reports of all servers that a query concerns.
//!
//! In a cluster each server knows only the streams and consumers that it keeps itself, and
//! right numbers only of those it leads. So every server to which the first one is
//! connected has to answer, found by itself or named in the object; if one does not, there
//! is no number. A server that its cluster has lost leads nothing, and is not waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use engine::{Absence, AbsenceReason};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use reqwest::Url;

use super::address::Address;
use super::monitor::Monitor;
use super::names::Names;
use super::pending::{self, Reports, Spoken};
use super::server::{self, Membership, Server};
use super::siblings;
use super::wire::Route;
use crate::net::http_client::absence;

/// Failures that are reported of those who were looked for in vain.
const MAX_TOLD: usize = 3;

/// What is reported of a server that had a part of the reading's time only.
const SILENT: &str = "no complete response in time";

/// Reports of the server at `first` and all servers of its cluster, which are those at
/// `others`, or where none are given those that can be found.
pub(super) async fn reports(monitor: &Monitor<'_>, first: &Url, others: &[Url]) -> Result<Reports, Absence> {
    let given = [first].into_iter().chain(others);
    let given = given.map(|base| Address { base: base.clone(), given: true }).collect();
    let mut answers = Answers::default();
    // One of several that keeps silent must leave time to ask the others about it.
    let time = if others.is_empty() { Duration::MAX } else { monitor.time_left() / 2 };
    answers.ask(monitor, given, time).await;
    let Some((entry, membership)) = answers.entry(first)? else { return Ok(answers.into_reports()) };
    let connected = connected(monitor, &entry.address).await?;
    let mut missing: BTreeMap<_, _> =
        connected.into_iter().filter(|(id, _)| !answers.servers.contains_key(id)).collect();
    if !missing.is_empty() && others.is_empty() {
        let places =
            siblings::addresses(first, &membership.identity, &answers.server_names(), missing.values());
        let found = answers.look_for(monitor, missing.keys().cloned().collect(), places).await;
        answers.ask(monitor, found, Duration::MAX).await;
        missing.retain(|id, _| !answers.servers.contains_key(id));
    }
    if missing.is_empty() {
        return Ok(answers.into_reports());
    }
    let failure = answers.without(first, &missing);
    let reports = answers.into_reports();
    // Of one consumer its leader knows all, whatever the others do.
    let selector = monitor.selector();
    if selector.subject.is_none() && pending::count(&reports, selector).is_ok() {
        return Ok(reports);
    }
    Err(failure)
}

/// The servers of the cluster by id, as one of them knows them: itself and those it is connected to.
async fn connected(monitor: &Monitor<'_>, address: &Address) -> Result<BTreeMap<String, Route>, Absence> {
    let reported = monitor.routes(address).await?;
    let own = Route { remote_id: reported.server_id, remote_name: None, ip: None };
    let routes = reported.routes.into_iter().flatten().chain([own]);
    Ok(routes.map(|route| (route.remote_id.clone(), route)).collect())
}

/// What was answered so far.
#[derive(Debug, Default)]
struct Answers {
    /// By id: several addresses may lead to one server.
    servers: BTreeMap<String, Server>,
    failures: Vec<Absence>,
}

impl Answers {
    /// Asks all of them at once, each for `time` at most and never beyond the reading's own.
    async fn ask(&mut self, monitor: &Monitor<'_>, addresses: Vec<Address>, time: Duration) {
        let ask = |address| async move {
            let answer = tokio::time::timeout(time, server::ask(monitor, address)).await;
            answer.unwrap_or_else(|_| Err(absence(AbsenceReason::Timeout, &address.base, SILENT)))
        };
        for answer in join_all(addresses.iter().map(ask)).await {
            match answer {
                Ok(server) => drop(self.servers.insert(server.id.clone(), server)),
                Err(absence) => self.failures.push(absence),
            }
        }
    }

    /// The server that is asked about its cluster; `None` where one stands by itself.
    fn entry(&self, first: &Url) -> Result<Option<(&Server, &Membership)>, Absence> {
        let with_jetstream =
            || self.servers.values().filter_map(|server| Some((server, server.jetstream.as_ref()?)));
        let mut clustered =
            with_jetstream().filter_map(|(server, jetstream)| Some((server, jetstream.cluster.as_ref()?)));
        let alone = with_jetstream().filter(|(_, jetstream)| jetstream.cluster.is_none()).count();
        match (clustered.next(), alone) {
            (Some(entry), 0) => Ok(Some(entry)),
            (None, 1) if self.failures.is_empty() => Ok(None),
            (None, 0 | 1) => Err(self.failures.first().cloned().unwrap_or_else(|| {
                absence(AbsenceReason::ValueMissing, first, "JetStream is not enabled on this server")
            })),
            _ => {
                let what = "not all addresses in monitoringUrls lead to servers of one JetStream cluster";
                Err(absence(AbsenceReason::Malformed, first, what))
            }
        }
    }

    /// Names of servers, those that were not asked included.
    fn server_names(&self) -> BTreeSet<String> {
        let jetstreams = self.servers.values().filter_map(|server| server.jetstream.as_ref());
        let names = jetstreams.flat_map(|jetstream| {
            let cluster = jetstream.cluster.iter().flat_map(|cluster| &cluster.servers);
            jetstream.report.servers.iter().chain(cluster)
        });
        names.cloned().collect()
    }

    /// Asks at all `places` at once who is there, until all that are `wanted` were found.
    async fn look_for(
        &mut self,
        monitor: &Monitor<'_>,
        mut wanted: BTreeSet<String>,
        places: Vec<Url>,
    ) -> Vec<Address> {
        let mut silent: BTreeSet<Url> = places.iter().cloned().collect();
        let ask = |base| async move {
            let address = Address { base, given: false };
            (monitor.identity(&address).await, address)
        };
        let mut asked: FuturesUnordered<_> = places.into_iter().map(ask).collect();
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        let search = async {
            while !wanted.is_empty()
                && let Some((identity, address)) = asked.next().await
            {
                silent.remove(&address.base);
                match identity {
                    Ok(identity) if wanted.remove(&identity.server_id) => found.push(address),
                    Ok(_) => {}
                    Err(absence) => failures.push(absence),
                }
            }
        };
        // Those who were found need the rest of the time to answer.
        if tokio::time::timeout(monitor.time_left() / 2, search).await.is_err() {
            self.failures.extend(silent.iter().map(|base| absence(AbsenceReason::Timeout, base, SILENT)));
        }
        self.failures.extend(failures);
        found
    }

    /// That some servers did not answer, with their names as far as they are known.
    fn without(&self, first: &Url, missing: &BTreeMap<String, Route>) -> Absence {
        let jetstreams = self.servers.values().filter_map(|server| server.jetstream.as_ref());
        let answered = jetstreams.clone().filter_map(|jetstream| jetstream.cluster.as_ref());
        let answered: BTreeSet<_> = answered.map(|cluster| cluster.identity.server_name.as_str()).collect();
        // Servers before 2.10 do not report each other's names. Those that are gone are not the ones that are missed.
        let mut names: BTreeSet<_> = missing.values().filter_map(|route| route.remote_name.clone()).collect();
        if names.len() < missing.len() {
            names.extend(self.server_names());
            let gone =
                jetstreams.flat_map(|jetstream| jetstream.cluster.iter().flat_map(|cluster| &cluster.gone));
            for gone in gone {
                names.remove(gone);
            }
        }
        let named: Names = names.iter().map(String::as_str).filter(|name| !answered.contains(name)).collect();
        let who = if named.is_empty() { missing.keys().map(String::as_str).collect() } else { named };
        let reason = self.failures.first().map_or(AbsenceReason::ConnectionFailed, |failure| failure.reason);
        let reported: Vec<_> =
            self.failures.iter().take(MAX_TOLD).map(|failure| failure.message.as_str()).collect();
        let reported =
            if reported.is_empty() { "its address is not known".to_owned() } else { reported.join("; ") };
        let what = format!(
            "server {who} of its cluster cannot be queried ({reported}); name the address of every server \
             in monitoringUrls"
        );
        absence(reason, first, what)
    }

    fn into_reports(self) -> Reports {
        let (mut size, mut gone, mut clusters) = (0, Names::default(), Names::default());
        let servers = self.servers.into_values().filter_map(|server| server.jetstream).map(|jetstream| {
            if let Some(cluster) = &jetstream.cluster {
                size = size.max(cluster.size);
                cluster.gone.iter().for_each(|name| gone.add(name));
                cluster.identity.other_clusters().for_each(|name| clusters.add(name));
            }
            Spoken {
                server: jetstream.cluster.map(|cluster| cluster.identity.server_name),
                report: jetstream.report,
            }
        });
        let servers: Vec<_> = servers.collect();
        Reports { unasked: size.saturating_sub(servers.len()), gone, clusters, servers }
    }
}
