//! A master, a replica of it, and a sentinel that makes the replica master when the master is gone.

use anyhow::{Context as _, bail};
use redis::Value;

use super::{READY, RedisOptions, RedisServer, Site, again_if_a_port_was_taken, text};
use crate::wait;

/// The name by which the sentinel knows the master.
const MASTER: &str = "main";

/// Two servers, of which one is master, and their sentinel.
#[derive(Debug)]
pub struct SentinelSite {
    servers: [RedisServer; 2],
    sentinel: RedisServer,
}

impl SentinelSite {
    /// Starts them and waits until the sentinel knows both and the replica has what the master has.
    pub async fn start(options: RedisOptions) -> anyhow::Result<Self> {
        again_if_a_port_was_taken(async || start(&options).await).await
    }

    /// The name by which the sentinel knows the master.
    #[must_use]
    pub fn master_name(&self) -> &str {
        MASTER
    }

    /// The sentinel. It has the options' password, but no other users.
    #[must_use]
    pub fn sentinel(&self) -> &RedisServer {
        &self.sentinel
    }

    /// The server that the sentinel calls master.
    pub async fn master(&self) -> anyhow::Result<&RedisServer> {
        let answer = self.sentinel.run(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]).await?;
        let Value::Array(parts) = &answer else { bail!("the sentinel does not know a master") };
        let port = text(parts.last().context("an address without a port")?)?;
        let found = self.servers.iter().find(|server| replication_port(server).to_string() == port);
        found.with_context(|| format!("the sentinel calls port {port} the master"))
    }

    /// The server that is not master.
    pub async fn replica(&self) -> anyhow::Result<&RedisServer> {
        let master = self.master().await?.name();
        self.servers.iter().find(|server| server.name() != master).context("there is no replica")
    }

    /// Has the sentinel make the replica master, with all that the master has, and waits until
    /// both servers know. Both must run.
    pub async fn fail_over(&self) -> anyhow::Result<()> {
        self.wait_until_replicated().await?;
        let before = self.master().await?.name().to_owned();
        // It is refused for a while after the last one.
        let look = || self.sentinel.run(&["SENTINEL", "FAILOVER", MASTER]);
        wait::until("failover accepted", READY, look).await?;
        self.wait_for_another_master(&before).await?;
        self.wait_until_replicated().await
    }

    /// Waits until another server than `before` is master, for the sentinel and for itself.
    pub async fn wait_for_another_master(&self, before: &str) -> anyhow::Result<()> {
        let look = || async {
            let master = self.master().await?;
            let role = master.info("role").await?;
            if master.name() != before && role.as_deref() == Some("master") {
                return Ok(());
            }
            bail!("{} is {role:?}", master.name())
        };
        wait::until("another master", READY, look).await
    }

    /// Waits until the replica has what the master has, and the sentinel knows it for a good one.
    pub async fn wait_until_replicated(&self) -> anyhow::Result<()> {
        let look = || async {
            let (master, replica) = (self.master().await?, self.replica().await?);
            let link = replica.info("master_link_status").await?;
            // The link is up up to a second before the first write goes over it.
            let written = master.info("master_repl_offset").await?;
            let received = replica.info("slave_repl_offset").await?;
            if written != received {
                bail!("written {written:?}, received {received:?}, link {link:?}");
            }
            let answer = self.sentinel.run(&["SENTINEL", "REPLICAS", MASTER]).await?;
            let Value::Array(replicas) = &answer else { bail!("the sentinel knows no replicas") };
            let [Value::Array(fields)] = replicas.as_slice() else {
                bail!("the sentinel knows {} replicas", replicas.len())
            };
            let fields: Vec<_> = fields.iter().map(text).collect::<anyhow::Result<_>>()?;
            let has = |name: &str, value: &str| fields.chunks(2).any(|pair| pair == [name, value]);
            if link.as_deref() == Some("up") && has("flags", "slave") && has("master-link-status", "ok") {
                return Ok(());
            }
            bail!("link {link:?}, the sentinel knows {fields:?}")
        };
        wait::until("replica in step", READY, look).await
    }
}

async fn start(options: &RedisOptions) -> anyhow::Result<SentinelSite> {
    let site = Site::new(options).await?;
    let mut own = vec!["repl-diskless-sync-delay 0".to_owned()];
    own.extend(options.tls.map(|_| "tls-replication yes".to_owned()));
    let master = RedisServer::launch(&site, "r1", |_| own.clone())?;
    master.wait_until_ready().await?;
    let port = replication_port(&master);
    own.push(format!("replicaof 127.0.0.1 {port}"));
    let replica = RedisServer::launch(&site, "r2", |_| own)?;
    replica.wait_until_ready().await?;
    let sentinel = RedisServer::launch_sentinel(&site, "sentinel", sentinel_lines(options, port))?;
    sentinel.wait_until_ready().await?;
    let started = SentinelSite { servers: [master, replica], sentinel };
    started.wait_until_replicated().await?;
    Ok(started)
}

fn sentinel_lines(options: &RedisOptions, port: u16) -> Vec<String> {
    let mut lines = vec![
        format!("sentinel monitor {MASTER} 127.0.0.1 {port} 1"),
        // Short for a test that kills, and long enough that a busy machine does not look like a death.
        format!("sentinel down-after-milliseconds {MASTER} 5000"),
        format!("sentinel failover-timeout {MASTER} 3000"),
    ];
    lines.extend(options.password.iter().map(|password| format!("sentinel auth-pass {MASTER} {password}")));
    lines.extend(options.tls.map(|_| "tls-replication yes".to_owned()));
    lines
}

/// The port at which the servers know each other.
fn replication_port(server: &RedisServer) -> u16 {
    match server.site.options.tls {
        Some(_) => server.ports.tls.port(),
        None => server.port(),
    }
}
