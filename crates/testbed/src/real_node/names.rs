//! The names of Services, for pods: a DNS server at the machine's end of the way to them, with the
//! addresses that the API server has. Nothing else is known there.

use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::api::{WatchEvent, WatchParams};
use kube::{Api, Client, Resource, ResourceExt as _};
use tokio::task::JoinHandle;

use super::DNS;
use crate::supervisor::Supervisor;

/// What all names of the cluster end with, as nearly everywhere.
pub(super) const DOMAIN: &str = "cluster.local";
/// The label of an EndpointSlice with its Service's name.
const OF_SERVICE: &str = "kubernetes.io/service-name";
/// Before the API server is asked again that was away.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the server's names those of the API server until it is dropped.
#[derive(Debug)]
pub(super) struct Names(JoinHandle<()>);

impl Drop for Names {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the server at the node's gateway. `folder` is for its files.
pub(super) fn start(
    supervisor: &Supervisor,
    client: &Client,
    program: &Path,
    address: Ipv4Addr,
    folder: &Path,
) -> anyhow::Result<Names> {
    let hosts = folder.join("names");
    fs::create_dir_all(&hosts).with_context(|| format!("cannot make {}", hosts.display()))?;
    let args = [
        "--keep-in-foreground".to_owned(),
        "--conf-file=/dev/null".to_owned(),
        "--log-facility=-".to_owned(),
        // Another user could not read the folder.
        "--user=root".to_owned(),
        "--pid-file".to_owned(),
        // At this address alone: the machine may have a server of its own.
        format!("--listen-address={address}"),
        "--bind-interfaces".to_owned(),
        "--except-interface=lo".to_owned(),
        // Nobody else is asked, and a name that is unknown does not exist.
        "--no-hosts".to_owned(),
        "--no-resolv".to_owned(),
        "--local=//".to_owned(),
        format!("--local=/{DOMAIN}/"),
        // It is told by the kernel when a file in there changes.
        format!("--hostsdir={}", hosts.display()),
    ];
    supervisor.spawn(DNS, program, args, &[])?;
    let files = Files { partial: folder.join("names.partial"), whole: hosts.join("services") };
    Ok(Names(tokio::spawn(follow(client.clone(), files))))
}

/// What is written, and where it is put at once.
struct Files {
    partial: PathBuf,
    whole: PathBuf,
}

async fn follow(client: Client, files: Files) {
    loop {
        if let Err(error) = follow_once(&client, &files).await {
            tracing::debug!(%error, "names of Services are those of a moment ago");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Follows until a watch ends, which each does after some minutes.
async fn follow_once(client: &Client, files: &Files) -> anyhow::Result<()> {
    // From version 0 a watch begins with all that there is.
    let (services, slices) = (Api::<Service>::all(client.clone()), Api::<EndpointSlice>::all(client.clone()));
    let params = WatchParams::default();
    let (mut services, mut slices) =
        (services.watch(&params, "0").await?.boxed(), slices.watch(&params, "0").await?.boxed());
    let (mut known, mut endpoints) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let goes_on = tokio::select! {
            goes_on = note(&mut services, &mut known) => goes_on?,
            goes_on = note(&mut slices, &mut endpoints) => goes_on?,
        };
        if !goes_on {
            return Ok(());
        }
        fs::write(&files.partial, hosts(&known, &endpoints))?;
        fs::rename(&files.partial, &files.whole)?;
    }
}

/// Objects by namespace and name.
type Known<K> = BTreeMap<(String, String), K>;

/// Waits for one change; says whether the watch goes on.
async fn note<K: Resource>(
    events: &mut (impl Stream<Item = kube::Result<WatchEvent<K>>> + Unpin),
    known: &mut Known<K>,
) -> anyhow::Result<bool> {
    let key = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
    match events.try_next().await? {
        Some(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
            known.insert(key(&object), object);
        }
        Some(WatchEvent::Deleted(object)) => {
            known.remove(&key(&object));
        }
        Some(WatchEvent::Bookmark(_)) => {}
        Some(WatchEvent::Error(error)) => return Err(kube::Error::Api(error).into()),
        None => return Ok(false),
    }
    Ok(true)
}

/// A line for each address of each Service; one without an address of its own has those of its ready pods.
fn hosts(services: &Known<Service>, slices: &Known<EndpointSlice>) -> String {
    let mut text = String::new();
    for ((namespace, name), service) in services {
        let spec = service.spec.as_ref();
        let own = spec.and_then(|spec| spec.cluster_ip.clone()).unwrap_or_default();
        let addresses = match own.as_str() {
            "None" => ready(slices, namespace, name),
            own => vec![own.to_owned()],
        };
        for address in addresses.iter().filter(|address| !address.is_empty()) {
            text.push_str(&format!("{address} {name}.{namespace}.svc.{DOMAIN}\n"));
        }
    }
    text
}

fn ready(slices: &Known<EndpointSlice>, namespace: &str, name: &str) -> Vec<String> {
    let of_service = slices.iter().filter(|((found, _), slice)| {
        found == namespace && slice.labels().get(OF_SERVICE).is_some_and(|service| service == name)
    });
    let endpoints = of_service.flat_map(|(_, slice)| slice.endpoints.iter().flatten());
    // Without a word on it, an endpoint is ready.
    let is_ready = |endpoint: &&Endpoint| {
        endpoint.conditions.as_ref().and_then(|conditions| conditions.ready).unwrap_or(true)
    };
    endpoints.filter(is_ready).flat_map(|endpoint| endpoint.addresses.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Known, hosts};

    fn known<K: kube::Resource + k8s_openapi::serde::de::DeserializeOwned>(
        objects: serde_json::Value,
    ) -> Known<K> {
        use kube::ResourceExt as _;
        let objects: Vec<K> = serde_json::from_value(objects).unwrap();
        objects.into_iter().map(|one| ((one.namespace().unwrap(), one.name_any()), one)).collect()
    }

    #[test]
    fn a_service_has_its_address_or_those_of_its_ready_pods() {
        let services = json!([
            { "metadata": { "name": "web", "namespace": "shop" }, "spec": { "clusterIP": "198.18.2.7" } },
            { "metadata": { "name": "db", "namespace": "shop" }, "spec": { "clusterIP": "None" } },
            { "metadata": { "name": "outside", "namespace": "shop" }, "spec": { "type": "ExternalName" } },
        ]);
        let endpoints = json!([
            { "addresses": ["198.18.1.3"], "conditions": { "ready": true } },
            { "addresses": ["198.18.1.4"], "conditions": { "ready": false } },
            { "addresses": ["198.18.1.5"] },
        ]);
        let labels = json!({ "kubernetes.io/service-name": "db" });
        let slices = json!([
            { "metadata": { "name": "db-1", "namespace": "shop", "labels": labels }, "addressType": "IPv4",
              "endpoints": endpoints },
            { "metadata": { "name": "db-1", "namespace": "test", "labels": labels }, "addressType": "IPv4",
              "endpoints": [{ "addresses": ["198.18.1.9"] }] },
        ]);
        assert_eq!(
            hosts(&known(services), &known(slices)),
            "198.18.1.3 db.shop.svc.cluster.local\n198.18.1.5 db.shop.svc.cluster.local\n\
             198.18.2.7 web.shop.svc.cluster.local\n"
        );
    }
}
