//! Makes a connection: reached by the dialler, and entered with user and database.
//!
//! The client library could do all of this, but would resolve names by itself. Here every
//! server is met in one place, also one that another server named.

use std::sync::Arc;
use std::time::Duration;

use engine::AbsenceReason;
use futures::future::join_all;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, RedisError, Value, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::access::{Access, TlsMaterial};
use super::bounded::{Bounded, Meter};
use super::failure::{self, Failure};
use super::node::Node;
use super::server_error;
use crate::net::address::AddressPolicy;
use crate::net::dial::{self, Dialler, Unreached};
use crate::net::tls::{Roots, Unusable};

/// For everything until a server can be asked. It may outlive the reading that began it.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// For the TLS handshake: less than a reading has unless configured otherwise, so that it says why.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(4);

/// Connections at once, to all servers together.
pub(super) const MAX_CONNECTIONS: usize = 512;

/// Connections that nobody used for so long are closed.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// Makes connections, a bounded number at a time, to what the policy allows.
pub(super) struct Opener {
    dialler: Dialler,
    permits: Arc<Semaphore>,
}

/// A connection over which many ask at once. It closes when the last of them drops it.
pub(super) struct Connection {
    multiplexed: MultiplexedConnection,
    driver: AbortHandle,
    pub(super) meter: Arc<Meter>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// Whether the server closed it, or nobody used it for long.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Sends commands one after the other without waiting in between. Others may come between them.
    /// Errors of the server are among the answers.
    pub(super) async fn ask(&self, commands: &[Cmd]) -> Result<Vec<Value>, RedisError> {
        let asked = commands.iter().map(async |command| {
            let answer = self.multiplexed.clone().send_packed_command(command).await;
            self.meter.answered();
            answer
        });
        // All to the end: it is the first to fail that knows why the connection was lost.
        let mut answers: Vec<Value> = Vec::new();
        for answer in join_all(asked).await {
            match (answer, answers.last()) {
                // A server may turn us away with an error and close the connection upon it.
                (Err(_), Some(error @ Value::ServerError(_))) => answers.push(error.clone()),
                (answer, _) => answers.push(answer?),
            }
        }
        Ok(answers)
    }

    /// The same with nothing in between.
    pub(super) async fn ask_at_once(&self, commands: &[Cmd]) -> Result<Vec<Value>, RedisError> {
        let mut pipeline = redis::pipe();
        for command in commands {
            pipeline.add_command(command.clone());
        }
        let answers = self.multiplexed.clone().send_packed_commands(&pipeline, 0, commands.len()).await;
        self.meter.answered();
        answers
    }
}

impl Opener {
    pub(super) fn new(policy: AddressPolicy) -> Self {
        Self { dialler: Dialler::new(policy), permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
    }

    /// A connection to `node`, user and database chosen.
    pub(super) async fn dial(&self, node: &Node, access: &Access) -> Result<Connection, Failure> {
        let dialled = timeout(DIAL_TIMEOUT, self.dial_without_limit(node, access)).await;
        let no_time =
            || Failure::connection(AbsenceReason::Timeout, "it did not accept the connection in time");
        dialled.unwrap_or_else(|_| Err(no_time())).map_err(|failure| failure.at(node))
    }

    async fn dial_without_limit(&self, node: &Node, access: &Access) -> Result<Connection, Failure> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| refused("no new connections are opened"))?;
        let stream = self.dialler.connect(&node.host, node.port, DIAL_TIMEOUT).await;
        let stream = stream.map_err(|why| unreached(why, true))?;
        let opened = match &access.tls {
            Some(material) => open(secure(stream, node, material).await?, permit).await,
            None => open(stream, permit).await,
        };
        let broke = |error| failure::of_connection(&error, access.tls.is_some());
        let connection = opened.map_err(broke)?;
        let answers = connection.ask(&entering(access)).await.map_err(broke)?;
        check_entered(&answers, access)?;
        Ok(connection)
    }
}

/// What keeps a server from being reached. `trusts_system`: whether the system's authorities are believed.
fn unreached(unreached: Unreached, trusts_system: bool) -> Failure {
    match &unreached {
        Unreached::Refused(_) => Failure::connection(AbsenceReason::AddressRefused, unreached.to_string()),
        Unreached::Late | Unreached::Silent => {
            Failure::connection(AbsenceReason::Timeout, unreached.to_string())
        }
        Unreached::Unresolved | Unreached::Unnameable => refused(unreached.to_string()),
        Unreached::Failed(error) => refused(failure::of_io(error)),
        // Redis without TLS waits for the end of what it takes for a command.
        Unreached::Insecure(error) => refused(failure::of_tls(error, trusts_system)),
    }
}

async fn secure(
    stream: TcpStream,
    node: &Node,
    material: &TlsMaterial,
) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + use<>, Failure> {
    let config = material.tls.config(&[]).map_err(|unusable| {
        let what = match unusable {
            Unusable::Authority => "caFrom does not contain a certificate in PEM format",
            Unusable::Certificate => "certFrom does not contain a certificate in PEM format",
            Unusable::Key => "keyFrom does not contain a private key",
            Unusable::Locked => "keyFrom contains a key with a password, and there is no keyPasswordFrom",
            Unusable::Protection => {
                "keyFrom contains a key with a password that takes too long to try, or in a way that is \
                                     not known"
            }
            Unusable::Password => "keyPasswordFrom is not the password of the key in keyFrom",
            Unusable::Pair => "keyFrom contains a key that does not match the certificate of certFrom",
        };
        Failure::data(AbsenceReason::SecretUnavailable, format!("TLS: the secret of tls.{what}"))
    })?;
    let name = material.server_name.as_deref().unwrap_or(&node.host);
    let secured = dial::secure(stream, name, config, HANDSHAKE_TIMEOUT).await;
    secured.map_err(|why| unreached(why, material.tls.roots() != Roots::Given))
}

async fn open(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    permit: OwnedSemaphorePermit,
) -> Result<Connection, RedisError> {
    let meter = Arc::new(Meter::default());
    // Nothing is sent yet: user and database are ours to choose, with errors that report more.
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    // Every reading has a time limit of its own.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let bounded = Bounded::new(stream, Arc::clone(&meter));
    let (multiplexed, driver) = MultiplexedConnection::new_with_config(&info, bounded, config).await?;
    let watched = Arc::clone(&meter);
    let driver = tokio::spawn(async move {
        tokio::select! {
            () = driver => {}
            () = unused(&watched) => {}
        }
        drop(permit);
    });
    Ok(Connection { multiplexed, driver: driver.abort_handle(), meter })
}

/// Ends when nothing came for long. Whoever asks gets an answer, so that this is no use, too.
async fn unused(meter: &Meter) {
    let mut received = meter.received();
    loop {
        sleep_until(Instant::now() + IDLE_TIMEOUT).await;
        let now = meter.received();
        if now == received {
            return;
        }
        received = now;
    }
}

/// The commands that choose user and database.
fn entering(access: &Access) -> Vec<Cmd> {
    let mut commands = Vec::new();
    if let Some((username, password)) = &access.login {
        let mut auth = cmd("AUTH");
        if let Some(username) = username {
            auth.arg(username);
        }
        auth.arg(password);
        commands.push(auth);
    }
    if access.db != 0 {
        let mut select = cmd("SELECT");
        select.arg(access.db);
        commands.push(select);
    }
    commands
}

fn check_entered(answers: &[Value], access: &Access) -> Result<(), Failure> {
    let auths = usize::from(access.login.is_some());
    for (index, answer) in answers.iter().enumerate() {
        match answer {
            Value::ServerError(error) if index < auths => return Err(server_error::at_login(error)),
            Value::ServerError(error) => return Err(server_error::at_select(error, access.db)),
            _ => {}
        }
    }
    Ok(())
}

fn refused(what: impl Into<String>) -> Failure {
    Failure::connection(AbsenceReason::ConnectionFailed, what)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_use_ends() {
        let (mut server, client) = tokio::io::duplex(64);
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).try_acquire_owned().unwrap();
        let connection = open(client, permit).await.unwrap();
        let mut heard = [0; 64];
        for _ in 0..3 {
            tokio::time::sleep(IDLE_TIMEOUT * 2 / 3).await;
            assert!(!connection.is_closed());
            let question = [cmd("PING")];
            let answering = async {
                let _ = server.read(&mut heard).await;
                server.write_all(b"+PONG\r\n").await.unwrap();
            };
            let (answers, ()) = tokio::join!(connection.ask(&question), answering);
            assert_eq!(answers.unwrap(), [Value::SimpleString("PONG".into())]);
        }
        tokio::time::sleep(IDLE_TIMEOUT * 2 + Duration::from_secs(1)).await;
        assert!(connection.is_closed());
        assert_eq!(permits.available_permits(), 1);
        assert_eq!(server.read(&mut heard).await.unwrap(), 0);
    }
}
