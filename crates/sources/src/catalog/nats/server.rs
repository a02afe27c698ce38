//! All that one server has to say: its streams and consumers, and in a cluster what it knows of the others.
//!
//! Two things make that more than a request. A server answers `/jsz` while it still loads
//! its streams, for seconds after a start, and until then they look as if they had no
//! consumers; so what it says counts only once its `/healthz` was good. And an address may
//! lead to another server with each request, or to a restarted one; so answers belong
//! together only where they bear the same server id.

use engine::{Absence, AbsenceReason};
use reqwest::StatusCode;
use tokio::time::Instant;

use super::address::{Address, endpoint};
use super::monitor::Monitor;
use super::pages::{Failed, Page, Pages};
use super::report::Report;
use super::wire::{Group, Jsz, Varz};
use crate::net::http_client::absence;

/// How often a server is asked again whose answers do not belong together.
const ATTEMPTS: usize = 3;

/// What a server answered.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) id: String,
    pub(super) address: Address,
    /// `None` where JetStream is not enabled.
    pub(super) jetstream: Option<JetStream>,
}

#[derive(Debug)]
pub(super) struct JetStream {
    pub(super) report: Report,
    /// `None` for a server by itself.
    pub(super) cluster: Option<Membership>,
}

/// What a server knows of its cluster.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) identity: Varz,
    /// Names of servers of the cluster, perhaps not all.
    pub(super) servers: Vec<String>,
    /// How many servers it has, those that are lost included, and in a super-cluster those of all clusters.
    pub(super) size: usize,
    /// Names of servers that it has lost.
    pub(super) gone: Vec<String>,
}

/// All that the server at `address` has to say.
pub(super) async fn ask(monitor: &Monitor<'_>, address: &Address) -> Result<Server, Absence> {
    for _ in 0..ATTEMPTS {
        match attempt(monitor, address).await {
            Ok(server) => return Ok(server),
            Err(Failed::Absent(absence)) => return Err(absence),
            Err(Failed::OtherServer) => {}
        }
    }
    let what = "answers of different servers come from this address, or its server restarts again and \
                again; name every server's own address in monitoringUrls";
    Err(absence(AbsenceReason::ConnectionFailed, &address.base, what))
}

async fn attempt(monitor: &Monitor<'_>, address: &Address) -> Result<Server, Failed> {
    let started = monitor.started();
    let mut page = first_page(monitor, address).await?;
    let server = |id, jetstream| Server { id, address: address.clone(), jetstream };
    if page.disabled {
        return Ok(server(page.server_id, None));
    }
    if !started.contains(address, &page.server_id) {
        check_started(monitor, address).await?;
        let again = first_page(monitor, address).await?;
        if again.server_id != page.server_id {
            return Err(Failed::OtherServer);
        }
        if again.meta_cluster.is_some() {
            let (id, assets) = (&again.server_id, again.assets());
            let loaded = started.check_loaded(address, id, assets, Instant::now());
            loaded.map_err(|what| absence(AbsenceReason::ValueMissing, &address.base, what))?;
        }
        page = again;
    }
    started.note(address, &page.server_id, page.assets());
    let (id, meta) = (page.server_id.clone(), page.meta_cluster.take());
    let report = Pages::new(monitor, address, &id).rest(page).await?;
    let cluster = match &meta {
        Some(meta) => Some(membership(monitor, address, &id, meta).await?),
        None => None,
    };
    Ok(server(id, Some(JetStream { report, cluster })))
}

async fn first_page(monitor: &Monitor<'_>, address: &Address) -> Result<Jsz, Absence> {
    Page::first(monitor.selector()).ask(monitor, address).await
}

/// That the server has loaded what it has. Whether every stream of it is sound does not matter.
async fn check_started(monitor: &Monitor<'_>, address: &Address) -> Result<(), Absence> {
    let health = endpoint(&address.base, "healthz", &[("js-enabled-only", "true")]);
    let answer = monitor.ask(address, &health).await.and_then(|answer| match answer.status {
        // Servers before 2.7 do not have the page, and some proxies let nothing but /jsz through.
        StatusCode::NOT_FOUND => Ok(()),
        _ => answer.successful(&health).map(drop),
    });
    answer.map_err(|Absence { reason, message }| {
        let message = format!("the server is not ready, it may be starting: {message}");
        Absence { reason, message }
    })
}

async fn membership(
    monitor: &Monitor<'_>,
    address: &Address,
    id: &str,
    meta: &Group,
) -> Result<Membership, Failed> {
    // Cut off from the others, a server goes on reporting what it last knew.
    if meta.leader().is_none() {
        let what = "its cluster has no leader at the moment, or the server has lost the others";
        return Err(absence(AbsenceReason::ValueMissing, &address.base, what).into());
    }
    let identity = monitor.identity(address).await?;
    if identity.server_id != id {
        return Err(Failed::OtherServer);
    }
    let servers = meta.servers().map(str::to_owned).collect();
    let gone = meta.gone().map(str::to_owned).collect();
    Ok(Membership { identity, servers, size: meta.cluster_size.unwrap_or_default(), gone })
}
