//! Source `redis`: the length of a list or a stream, the pending entries or the lag of a consumer group, the
//! size of a sorted set, or the number in a key.
//!
//! | setting | meaning |
//! |---|---|
//! | `address` | a server: `redis://HOST:PORT`, `rediss://HOST:PORT` for TLS, or `HOST:PORT`; a path selects the database |
//! | `host`, `port` | instead: the same as two texts, port 6379 unless given |
//! | `cluster.addresses` | instead: some servers of a cluster; also `cluster.hosts` and `cluster.ports`, two lists of texts |
//! | `sentinel.addresses`, `sentinel.masterName` | instead: sentinels, and the name of the master that they monitor; also `sentinel.hosts` and `sentinel.ports` |
//! | `sentinel.username`, `sentinel.passwordFrom` | optional: user and password of the sentinels themselves |
//! | `listName` | the list whose length is read |
//! | `collectionName` | instead: a list, a set, a hash or a sorted set, whose members are counted |
//! | `streamName` | instead: the stream |
//! | `consumerGroup` | optional: a group of the stream |
//! | `streamMeasure` | optional: `length`, the default without a group; `pending`, the default with one; `lag`; `backlog`, pending and lag together |
//! | `missingGroup` | optional: what counts for a group that is not there: the `length` of the stream (default), or nothing, so that the reading is `absent` |
//! | `sortedSetName` | instead: the sorted set whose members are counted |
//! | `minScore`, `maxScore` | optional: inclusive bounds of the members' scores |
//! | `keyName` | instead: the string that contains the number |
//! | `db` | optional: the database, default 0 |
//! | `username`, `passwordFrom.secretKeyRef` | optional: the ACL user, and `name` and `key` of the secret with the password |
//! | `tlsMode` | optional: `enable` switches TLS on like `rediss://` does, with `disable` the settings of `tls` have no effect |
//! | `tls.caFrom.secretKeyRef` | optional: certificate authorities to trust, in PEM format, instead of the system's |
//! | `tls.certFrom.secretKeyRef`, `tls.keyFrom.secretKeyRef` | optional: client certificate and private key, in PEM format |
//! | `tls.keyPasswordFrom.secretKeyRef` | optional: the password of the private key, where it has one (PKCS #8) |
//! | `tls.serverName`, `tls.insecureSkipVerify` | optional: the name to expect in the server's certificate; whether to accept any certificate |
//! | `timeoutSeconds` | optional: timeout of a reading, 1 to 60, default 5; or `timeoutMillis`, 1 to 60000 |
//!
//! Addresses, hosts, ports, users, `sentinel.masterName`, `tlsMode` and the names of keys and groups may also come as a
//! credential, under their name with `From` at its end: `addressFrom`. Lists have commas between their items there.
//!
//! A list, a stream or a sorted set that is not there has no members: Redis keeps no empty ones.
//! Consumers make their group when they start, so all entries of a stream wait for a group that is
//! not there yet. A number that is not there is an absence, and so is a key of another type. Of entries
//! that were trimmed away nobody waits for any: a lag is at most the stream's length.
//!
//! The user needs the command of the measure (`LLEN`, `XLEN`, `XINFO GROUPS`, `ZCARD`, `ZCOUNT`,
//! `GETRANGE`) on the key, for a group `XLEN`, too, and for `collectionName` `TYPE` with `LLEN`, `SCARD`, `HLEN` or
//! `ZCARD`. With `ROLE` as well, a replica without its
//! master's data is distinguished from an empty server. That is a precaution, and its failure keeps no number back.
//!
//! ```text
//!  config ─▶ ask ─▶ pool ─▶ link ─▶ dial ─▶ AddressPolicy, TLS
//!            one server,    one connection a server and
//!            cluster,       set of rights, shared by all
//!            sentinels
//! ```

mod access;
mod answer;
mod ask;
mod bounded;
mod config;
mod dial;
mod failure;
mod link;
mod measure;
mod node;
mod pool;
mod server_error;

use std::sync::Arc;

use engine::{Absence, AbsenceReason, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::{Instant, timeout_at};

use crate::clients::Clients;
use crate::credentials::Credentials;
use crate::source::{Ask, Request, Source};
use crate::values::settings::Settings;
use crate::values::settings::given_later::GivenLater;
use access::Access;
use ask::Asker;
use config::{Config, Servers};
use failure::Failure;
use pool::Pool;

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(Redis { asker: Arc::new(Asker::new(Pool::new(clients.policy.clone()))) })
}

struct Redis {
    asker: Arc<Asker>,
}

/// A query, ready to be asked.
struct Query {
    asker: Arc<Asker>,
    config: Config,
}

impl Query {
    async fn number(&self, request: Request<'_>) -> Result<f64, Absence> {
        let config = &self.config;
        let deadline = Instant::now() + config.timeout;
        let asked = self.ask_servers(request.credentials, deadline);
        timeout_at(deadline, asked).await.unwrap_or_else(|_| {
            let waited = config.timeout.as_secs_f64();
            let message = format!("{}: no response within {waited} s", config.servers);
            Err(Absence { reason: AbsenceReason::Timeout, message })
        })
    }

    async fn ask_servers(&self, credentials: &Credentials, deadline: Instant) -> Result<f64, Absence> {
        let Config { servers, db, login, tls, measure, .. } = &self.config;
        let access = Access::of(login, *db, tls.as_ref(), credentials)?;
        let own = match servers {
            Servers::Sentinel { login, .. } => Some(Access::of(login, 0, tls.as_ref(), credentials)?),
            Servers::One(_) | Servers::Cluster(_) => None,
        };
        let ask = async || match servers {
            Servers::One(node) => self.asker.one(node, &access, measure).await,
            Servers::Cluster(nodes) => self.asker.cluster(nodes, &access, measure, deadline).await,
            Servers::Sentinel { sentinels, master, .. } => {
                let own = own.as_ref().unwrap_or(&access);
                self.asker.sentinel(sentinels, own, master, &access, measure, deadline).await
            }
        };
        let expected = measure.seen();
        let mut number = ask().await;
        // The key is of another kind than the last time, which is known now.
        if number.is_err() && measure.seen() != expected {
            number = ask().await;
        }
        number.map_err(Failure::into)
    }
}

impl Source for Redis {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings)?;
        settings.asks(|| config.servers.to_string());
        Some(Box::new(Query { asker: Arc::clone(&self.asker), config }))
    }

    fn given_later(&self) -> &'static [GivenLater] {
        &config::GIVEN_LATER
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { Reading::answered(self.number(request).await, request.begun) }.boxed()
    }
}
