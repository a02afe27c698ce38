//! What a server's monitoring answers, as far as it is of use here: `/jsz`, `/varz` and `/routez`.
//!
//! Figures stay JSON values: a wrong one must not spoil the answer of which it is a part,
//! as long as nobody counts it.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// `/jsz`: JetStream on one server, a page of its accounts.
#[derive(Debug, Deserialize)]
pub(super) struct Jsz {
    /// Another one after each start of the server. Empty where someone answers in its place who leaves it out.
    #[serde(default)]
    pub(super) server_id: String,
    #[serde(default)]
    pub(super) disabled: bool,
    /// How many accounts there are altogether.
    pub(super) accounts: Option<u64>,
    /// How many streams the server has loaded, of all accounts.
    #[serde(default)]
    streams: Value,
    /// How many consumers it has loaded.
    #[serde(default)]
    consumers: Value,
    /// Only where JetStream is clustered.
    pub(super) meta_cluster: Option<Group>,
    pub(super) account_details: Option<Vec<Account>>,
}

/// How many streams and consumers a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Assets {
    pub(super) streams: u64,
    pub(super) consumers: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(default)]
    id: String,
    /// The id again, unless the account has a name besides.
    #[serde(default)]
    name: String,
    pub(super) stream_detail: Option<Vec<Stream>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stream {
    pub(super) name: String,
    pub(super) cluster: Option<Group>,
    pub(super) config: Option<StreamConfig>,
    pub(super) state: Option<StreamState>,
    pub(super) consumer_detail: Option<Vec<Consumer>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamConfig {
    pub(super) subjects: Option<Vec<String>>,
    pub(super) mirror: Option<IgnoredAny>,
    pub(super) sources: Option<IgnoredAny>,
    pub(super) subject_transform: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StreamState {
    #[serde(default)]
    pub(super) messages: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Consumer {
    pub(super) name: String,
    pub(super) cluster: Option<Group>,
    pub(super) config: Option<ConsumerConfig>,
    #[serde(default)]
    pub(super) num_pending: Value,
    #[serde(default)]
    pub(super) num_ack_pending: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct ConsumerConfig {
    pub(super) filter_subject: Option<String>,
    pub(super) filter_subjects: Option<Vec<String>>,
}

/// Servers that keep something together: the meta data, a stream or a consumer.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    /// Name of the server that leads; missing or empty while there is none.
    pub(super) leader: Option<String>,
    /// The others.
    pub(super) replicas: Option<Vec<Peer>>,
    /// Of the meta data: all servers with JetStream, those that are lost included.
    pub(super) cluster_size: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Peer {
    pub(super) name: String,
    /// Whether the others know that it ended.
    #[serde(default)]
    offline: bool,
    /// How long ago the leader heard of it, in nanoseconds.
    #[serde(default)]
    active: Value,
}

/// Servers hear of each other every second. One that was silent for so long is lost, in nanoseconds.
const LOST_AFTER: u64 = 10_000_000_000;

/// `/varz`: who a server is.
#[derive(Debug, Deserialize)]
pub(super) struct Varz {
    pub(super) server_id: String,
    pub(super) server_name: String,
    /// Where clients may connect, `host:port`, those of the other servers included.
    pub(super) connect_urls: Option<Vec<String>>,
    /// The port where its own clients connect.
    #[serde(default)]
    pub(super) port: Value,
    pub(super) cluster: Option<VarzCluster>,
    /// What joins its cluster to others; empty where nothing does.
    #[serde(default)]
    gateway: Option<Gateway>,
}

#[derive(Debug, Deserialize)]
struct Gateway {
    /// The server's own cluster.
    #[serde(default)]
    name: String,
    /// All clusters that it knows of, perhaps its own among them.
    gateways: Option<Vec<RemoteGateway>>,
}

#[derive(Debug, Deserialize)]
struct RemoteGateway {
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct VarzCluster {
    /// Where the servers of the cluster were configured to find each other, `host:port`.
    pub(super) urls: Option<Vec<String>>,
    /// The port where the others find this server.
    #[serde(default)]
    pub(super) cluster_port: Value,
}

/// `/routez`: the servers of the cluster to which one is connected.
#[derive(Debug, Deserialize)]
pub(super) struct Routez {
    pub(super) server_id: String,
    pub(super) routes: Option<Vec<Route>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Route {
    pub(super) remote_id: String,
    /// Servers before 2.10 do not say it.
    pub(super) remote_name: Option<String>,
    pub(super) ip: Option<String>,
}

impl Varz {
    /// Names of the other clusters of its super-cluster; none where it is in no such thing.
    pub(super) fn other_clusters(&self) -> impl Iterator<Item = &str> {
        let gateway = self.gateway.as_ref().filter(|gateway| !gateway.name.is_empty());
        gateway.into_iter().flat_map(|gateway| {
            let others = gateway.gateways.iter().flatten().map(|remote| remote.name.as_str());
            others.filter(|name| !name.is_empty() && *name != gateway.name)
        })
    }
}

impl Jsz {
    /// What the server has loaded altogether, where it reports.
    pub(super) fn assets(&self) -> Option<Assets> {
        Some(Assets { streams: self.streams.as_u64()?, consumers: self.consumers.as_u64()? })
    }

    pub(super) fn accounts(&self) -> &[Account] {
        self.account_details.as_deref().unwrap_or_default()
    }
}

impl Account {
    /// Its id, or its name where only that is reported; empty where neither is.
    pub(super) fn id(&self) -> &str {
        if self.id.is_empty() { &self.name } else { &self.id }
    }

    /// Its name, or its id where only that is reported.
    pub(super) fn name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }
}

impl Group {
    /// The leader, where there is one.
    pub(super) fn leader(&self) -> Option<&str> {
        self.leader.as_deref().filter(|name| !name.is_empty())
    }

    /// Names of those that the others have lost.
    pub(super) fn gone(&self) -> impl Iterator<Item = &str> {
        let is_gone =
            |peer: &&Peer| peer.offline || peer.active.as_u64().is_some_and(|silence| silence >= LOST_AFTER);
        self.replicas.iter().flatten().filter(is_gone).map(|peer| peer.name.as_str())
    }

    /// Names of all servers that are known of it.
    pub(super) fn servers(&self) -> impl Iterator<Item = &str> {
        let replicas = self.replicas.iter().flatten().map(|peer| peer.name.as_str());
        self.leader().into_iter().chain(replicas)
    }
}
