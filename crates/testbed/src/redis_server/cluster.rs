//! Three masters that share the slots of a cluster.

use std::sync::Arc;

use anyhow::bail;
use futures::future::try_join_all;

use super::{READY, RedisOptions, RedisServer, Site};
use crate::wait;

/// The slots of the three.
const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];

pub(super) async fn start(options: &RedisOptions) -> anyhow::Result<Vec<RedisServer>> {
    let site = Site::new(options).await?;
    let mut servers = Vec::new();
    for number in 1..=SLOTS.len() {
        servers.push(launch(&site, &format!("r{number}"))?);
    }
    try_join_all(servers.iter().map(RedisServer::wait_until_ready)).await?;
    for (number, (server, (from, to))) in (1..).zip(servers.iter().zip(SLOTS)) {
        server.run(&["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()]).await?;
        // Those of the same epoch would raise theirs one by one later, and so take back a slot that has moved.
        server.run(&["CLUSTER", "SET-CONFIG-EPOCH", &i32::to_string(&number)]).await?;
    }
    let [first, others @ ..] = servers.as_slice() else { bail!("a cluster has servers") };
    // Over its bus, TLS or not, a server is met by the port that clients of the same kind use.
    let port = |server: &RedisServer| match server.site.options.tls {
        Some(_) => server.ports.tls.port(),
        None => server.port(),
    };
    for other in others {
        let (port, bus) = (port(other).to_string(), other.ports.bus.port().to_string());
        first.run(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await?;
    }
    try_join_all(servers.iter().map(wait_until_complete)).await?;
    Ok(servers)
}

fn launch(site: &Arc<Site>, name: &str) -> anyhow::Result<RedisServer> {
    RedisServer::launch(site, name, |ports| {
        let mut lines = vec![
            "cluster-enabled yes".to_owned(),
            format!("cluster-config-file {name}.nodes"),
            format!("cluster-port {}", ports.bus.port()),
        ];
        lines.extend(site.options.tls.map(|_| "tls-cluster yes".to_owned()));
        lines
    })
}

/// Waits until `server` knows the others and finds every slot served.
async fn wait_until_complete(server: &RedisServer) -> anyhow::Result<()> {
    let look = || async {
        let info: String = redis::from_redis_value(server.run(&["CLUSTER", "INFO"]).await?)?;
        let has = |line: &str| info.lines().any(|own| own == line);
        if has("cluster_state:ok") && has("cluster_known_nodes:3") && has("cluster_size:3") {
            return Ok(());
        }
        bail!("{info}")
    };
    wait::until(&format!("cluster complete for {}", server.name), READY, look).await
}
