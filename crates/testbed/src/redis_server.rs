//! Real Redis servers: one by itself, a cluster of three, or a master with a replica and a
//! sentinel. Ports and names stay when one is stopped and started again; what was stored does
//! too where the end was orderly.

mod cluster;
mod config;
mod sentinel;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use redis::Value;

use crate::certificates::{Authority, KeyFiles};
use crate::ports::PortClaim;
use crate::programs::{self, REDIS_SERVER};
use crate::supervisor::{Signal, Supervisor};
use crate::wait;

pub use sentinel::SentinelSite;

/// How long servers may take to be ready.
const READY: Duration = Duration::from_secs(120);

/// How often starting is tried when a port was taken by a program that does not know our claims.
const ATTEMPTS: usize = 3;

/// For one command of a test.
const COMMAND: Duration = Duration::from_secs(60);

/// What a server should be like.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// The password of the default user, who may do everything.
    pub password: Option<String>,
    /// Other users, each as an ACL rule, for example `ann on >secret ~jobs +llen`.
    pub users: Vec<String>,
    /// Whether there is a port with TLS besides the one without.
    pub tls: Option<RedisTls>,
    /// More lines of the configuration file.
    pub lines: Vec<String>,
}

/// How the TLS port behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisTls {
    /// Every client is welcome.
    Server,
    /// Clients must show a certificate of the server's authority.
    Mutual,
}

/// One running server. It ends, and what it stored goes, with the last one of its site.
#[derive(Debug)]
pub struct RedisServer {
    name: String,
    ports: Ports,
    site: Arc<Site>,
}

/// What servers that belong together share.
#[derive(Debug)]
struct Site {
    supervisor: Supervisor,
    options: RedisOptions,
    certificates: Option<Certificates>,
}

#[derive(Debug)]
struct Certificates {
    authority: KeyFiles,
    server: KeyFiles,
    client: KeyFiles,
}

/// Held so that the ports stay ours while a server is down.
#[derive(Debug)]
struct Ports {
    plain: PortClaim,
    tls: PortClaim,
    /// For the other servers of a cluster.
    bus: PortClaim,
}

impl RedisServer {
    /// Starts one by itself and waits until it is ready.
    pub async fn start(options: RedisOptions) -> anyhow::Result<Self> {
        again_if_a_port_was_taken(async || {
            let site = Site::new(&options).await?;
            let server = Self::launch(&site, "redis", |_| Vec::new())?;
            server.wait_until_ready().await?;
            Ok(server)
        })
        .await
    }

    /// Starts a cluster of three masters, `r1` to `r3`, each with a third of the slots, and waits
    /// until all of them find it complete.
    pub async fn start_cluster(options: RedisOptions) -> anyhow::Result<Vec<Self>> {
        again_if_a_port_was_taken(async || cluster::start(&options).await).await
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its port without TLS, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.plain.port()
    }

    /// `127.0.0.1:PORT` without TLS.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// Where clients connect: `redis://127.0.0.1:PORT`, or `rediss://` where it has TLS.
    #[must_use]
    pub fn url(&self) -> String {
        match self.site.options.tls {
            Some(_) => format!("rediss://127.0.0.1:{}", self.ports.tls.port()),
            None => format!("redis://{}", self.address()),
        }
    }

    /// The certificate of the authority that signed the server's, in PEM. Only with TLS.
    pub fn authority_pem(&self) -> anyhow::Result<String> {
        read(&self.certificates()?.authority.certificate)
    }

    /// Certificate and key of a client that a [`RedisTls::Mutual`] server lets in, in PEM.
    pub fn client_pem(&self) -> anyhow::Result<(String, String)> {
        let client = &self.certificates()?.client;
        Ok((read(&client.certificate)?, read(&client.key)?))
    }

    /// The temporary folder, with the log in `<name>.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.site.supervisor.directory()
    }

    /// Runs a command as the default user, over a connection of its own. An error of the server is
    /// an error here.
    pub async fn run(&self, command: &[&str]) -> anyhow::Result<Value> {
        let what = || format!("{}: {}", self.name, command.join(" "));
        let (name, args) = command.split_first().context("no command")?;
        let password = self.site.options.password.as_deref();
        let mut info = redis::RedisConnectionInfo::default();
        if let Some(password) = password {
            info = info.set_password(password);
        }
        let address: redis::ConnectionInfo = format!("redis://{}", self.address()).parse()?;
        let client = redis::Client::open(address.set_redis_settings(info))?;
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(COMMAND))
            .set_response_timeout(Some(COMMAND));
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connected.with_context(what)?;
        redis::cmd(name).arg(args).query_async(&mut connection).await.with_context(what)
    }

    /// What `INFO` says of `field`, if it does.
    pub async fn info(&self, field: &str) -> anyhow::Result<Option<String>> {
        let info: String = redis::from_redis_value(self.run(&["INFO"]).await?)?;
        let lines = info.lines().filter_map(|line| line.split_once(':'));
        Ok(lines.into_iter().find(|(name, _)| *name == field).map(|(_, value)| value.trim().to_owned()))
    }

    /// Its clients besides the one that asks.
    pub async fn clients(&self) -> anyhow::Result<usize> {
        let list: String = redis::from_redis_value(self.run(&["CLIENT", "LIST", "TYPE", "NORMAL"]).await?)?;
        Ok(list.lines().count().saturating_sub(1))
    }

    /// Waits until it has so many clients besides the one that asks. That one who asked before has gone, it
    /// may notice a moment later.
    pub async fn wait_for_clients(&self, count: usize) -> anyhow::Result<()> {
        let look = || async {
            let found = self.clients().await?;
            if found == count { Ok(()) } else { Err(anyhow!("{found}")) }
        };
        wait::until(&format!("{count} clients of {}", self.name), COMMAND, look).await
    }

    /// Asks it to end, and returns when it has. What it stored is there when it starts again.
    pub async fn stop(&self) -> anyhow::Result<()> {
        let _ = self.run(&["SAVE"]).await;
        self.site.supervisor.stop(&self.name).await
    }

    /// Ends it as a power cut would.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.site.supervisor.kill(&self.name).await
    }

    /// Starts it again after its end, without waiting for anything.
    pub fn start_again(&self) -> anyhow::Result<()> {
        self.site.supervisor.spawn_again(&self.name).map(drop)
    }

    /// Waits until it answers, with its data loaded.
    pub async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let (what, own) = (format!("Redis server {} ready", self.name), [self.name()]);
        tokio::select! {
            ready = wait::until(&what, READY, || self.run(&["PING"])) => ready.map(drop),
            death = self.site.supervisor.first_death(&own) => Err(death),
        }
    }

    /// Has it accept connections and answer nothing.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.site.supervisor.signal(&self.name, Signal::STOP)
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> anyhow::Result<()> {
        self.site.supervisor.signal(&self.name, Signal::CONT)
    }

    /// Starts one without waiting for it. `lines` are added to its configuration.
    fn launch(
        site: &Arc<Site>,
        name: &str,
        lines: impl FnOnce(&Ports) -> Vec<String>,
    ) -> anyhow::Result<Self> {
        let server = Self::prepare(site, name)?;
        let file = config::write(&server, &lines(&server.ports))?;
        site.supervisor.spawn(name, site.program(), [file], &[])?;
        Ok(server)
    }

    /// The same for a sentinel, which takes few of the usual lines and writes into its file.
    fn launch_sentinel(site: &Arc<Site>, name: &str, lines: Vec<String>) -> anyhow::Result<Self> {
        let server = Self::prepare(site, name)?;
        let file = config::write_sentinel(&server, &lines)?;
        site.supervisor.spawn(name, site.program(), [file.as_os_str(), "--sentinel".as_ref()], &[])?;
        Ok(server)
    }

    fn prepare(site: &Arc<Site>, name: &str) -> anyhow::Result<Self> {
        let ports = Ports { plain: PortClaim::new()?, tls: PortClaim::new()?, bus: PortClaim::new()? };
        Ok(Self { name: name.to_owned(), ports, site: Arc::clone(site) })
    }

    fn certificates(&self) -> anyhow::Result<&Certificates> {
        self.site.certificates.as_ref().context("the server was started without TLS")
    }
}

impl Site {
    async fn new(options: &RedisOptions) -> anyhow::Result<Arc<Self>> {
        let find = || programs::ensure(&REDIS_SERVER, &mut |line| eprintln!("{line}"));
        let program = tokio::task::spawn_blocking(find).await.context("looking for Redis panicked")??;
        let supervisor = Supervisor::new("polyscaler-redis")?;
        let folder = supervisor.directory().to_owned();
        let certificates = match options.tls {
            Some(_) => {
                let authority = Authority::new(&folder, "authority")?;
                Some(Certificates {
                    server: authority.server("server", &[])?,
                    client: authority.client("client", "client", &[])?,
                    authority: authority.files().clone(),
                })
            }
            None => None,
        };
        let site = Self { supervisor, options: options.clone(), certificates };
        symlink(program, site.program()).context("cannot link to Redis")?;
        Ok(Arc::new(site))
    }

    /// Called by this name it is the server.
    fn program(&self) -> PathBuf {
        self.supervisor.directory().join("redis-server")
    }
}

async fn again_if_a_port_was_taken<T>(start: impl AsyncFn() -> anyhow::Result<T>) -> anyhow::Result<T> {
    for _ in 1..ATTEMPTS {
        match start().await {
            Err(error) if format!("{error:#}").contains("Address already in use") => {
                tracing::info!("a port of a Redis server was taken, starting again");
            }
            result => return result,
        }
    }
    start().await
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A text of a reply that has one.
fn text(value: &Value) -> anyhow::Result<String> {
    match value {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) => Ok(text.clone()),
        other => bail!("{other:?} is no text"),
    }
}
