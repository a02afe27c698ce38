//! One server as one set of rights sees it: a connection that is made when it is needed, kept
//! while it works, and made again when it broke.
//!
//! A connection is made in a task of its own, so that all who wait for it share its outcome,
//! and a reading that runs out of time does not undo what the next one needs.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::AbsenceReason;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use redis::{Cmd, Value};
use tokio::time::{Instant, sleep_until};

use super::access::Access;
use super::dial::{Connection, Opener};
use super::failure::{self, Failure, Scope};
use super::node::Node;

/// Between two attempts to connect; doubled with each, up to the longest. A reading that comes in
/// between waits and takes part in the next attempt, so no server is missed for it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// Commands that belong together.
pub(super) enum Question {
    /// What others ask may come in between.
    InTurn(Vec<Cmd>),
    /// One right after the other, as `ASKING` needs it.
    AtOnce(Vec<Cmd>),
}

/// A server and how it is entered.
pub(super) struct Link {
    node: Node,
    access: Access,
    opener: Arc<Opener>,
    state: Mutex<State>,
    role: RoleQuestion,
}

/// What became of asking the server for its role, which is a precaution and must not keep numbers from us.
#[derive(Debug, Default)]
struct RoleQuestion {
    /// Whether it is not asked any more.
    given_up: AtomicBool,
    /// Whether the last question had no answer in its time, so that the next reading leaves it out.
    unanswered: AtomicBool,
    /// Readings in a row that came about only without it.
    in_vain: AtomicU8,
}

/// Readings in a row that come about only without the question for the role, until it is given up. One may be a
/// server that starts again.
const IN_VAIN: u8 = 3;

enum State {
    Down { attempts: u32, not_before: Option<Instant> },
    Dialling(Flight),
    Up(Arc<Connection>),
}

type Flight = Shared<BoxFuture<'static, Result<Arc<Connection>, Failure>>>;

impl Link {
    pub(super) fn new(node: Node, access: Access, opener: Arc<Opener>) -> Self {
        let state = Mutex::new(State::Down { attempts: 0, not_before: None });
        Self { node, access, opener, state, role: RoleQuestion::default() }
    }

    /// Whether the server is to be asked for its role.
    pub(super) fn asks_role(&self) -> bool {
        !self.role.given_up.load(Ordering::Relaxed) && !self.role.unanswered.load(Ordering::Relaxed)
    }

    /// The server answered, and was asked for its role.
    pub(super) fn answered_with_role(&self) {
        self.role.in_vain.store(0, Ordering::Relaxed);
    }

    /// Whether the server is to be asked for its role is open: it did not answer as long as someone waited.
    pub(super) fn left_unanswered(&self) {
        self.role.unanswered.store(true, Ordering::Relaxed);
    }

    /// The server answered once it was not asked for its role, and had not answered before.
    pub(super) fn answered_only_without_role(&self) {
        self.role.unanswered.store(false, Ordering::Relaxed);
        if self.role.in_vain.fetch_add(1, Ordering::Relaxed).saturating_add(1) >= IN_VAIN {
            self.never_ask_role();
        }
    }

    /// Whether the last question for the role had no answer.
    pub(super) fn is_left_unanswered(&self) -> bool {
        self.role.unanswered.load(Ordering::Relaxed)
    }

    /// Remembers that the server does not report its role, or not to us.
    pub(super) fn never_ask_role(&self) {
        self.role.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether there is a connection.
    pub(super) fn is_up(&self) -> bool {
        matches!(&*self.state(), State::Up(connection) if !connection.is_closed())
    }

    /// Sends commands; as many answers come back, errors of the server among them.
    pub(super) async fn ask(self: &Arc<Self>, question: &Question) -> Result<Vec<Value>, Failure> {
        let (connection, fresh) = self.connection().await?;
        match self.ask_over(&connection, question).await {
            // It broke before or while we asked. Nothing was changed by asking, so once more.
            Err(failure) if failure.scope == Scope::Connection && !fresh => {
                let (connection, _) = self.connection().await?;
                self.ask_over(&connection, question).await
            }
            outcome => outcome,
        }
    }

    async fn ask_over(
        &self,
        connection: &Arc<Connection>,
        question: &Question,
    ) -> Result<Vec<Value>, Failure> {
        let waiting = Waiting { link: self, connection, received: Some(connection.meter.received()) };
        let (outcome, expected) = match question {
            Question::InTurn(commands) => (connection.ask(commands).await, commands.len()),
            Question::AtOnce(commands) => (connection.ask_at_once(commands).await, commands.len()),
        };
        waiting.ended();
        let failure = match outcome {
            Ok(answers) if answers.len() == expected => return Ok(answers),
            Ok(_) => {
                Failure::connection(AbsenceReason::Malformed, "it returned fewer responses than requested")
            }
            Err(error) => failure::of_connection(&error, self.access.tls.is_some()),
        };
        self.forget(connection);
        Err(failure.at(&self.node))
    }

    /// A connection, and whether it was made for this call.
    async fn connection(self: &Arc<Self>) -> Result<(Arc<Connection>, bool), Failure> {
        let flight = match &mut *self.state() {
            State::Up(connection) if !connection.is_closed() => return Ok((Arc::clone(connection), false)),
            // One that ended leaves another state behind, unless it broke off.
            State::Dialling(flight) if flight.peek().is_none() => flight.clone(),
            state => {
                let (attempts, not_before) = match state {
                    State::Down { attempts, not_before } => (*attempts, *not_before),
                    _ => (0, None),
                };
                let flight = self.dial(attempts, not_before);
                *state = State::Dialling(flight.clone());
                flight
            }
        };
        Ok((flight.await?, true))
    }

    /// Begins to connect.
    fn dial(self: &Arc<Self>, attempts: u32, not_before: Option<Instant>) -> Flight {
        let link = Arc::clone(self);
        let task = tokio::spawn(async move {
            if let Some(instant) = not_before {
                sleep_until(instant).await;
            }
            let outcome = link.opener.dial(&link.node, &link.access).await.map(Arc::new);
            *link.state() = match &outcome {
                Ok(connection) => {
                    tracing::debug!(server = %link.node, "connected to redis");
                    State::Up(Arc::clone(connection))
                }
                Err(failure) => {
                    tracing::debug!(server = %link.node, error = failure.message, "cannot connect to redis");
                    let pause = (SHORTEST_PAUSE * 2u32.saturating_pow(attempts)).min(LONGEST_PAUSE);
                    State::Down { attempts: (attempts + 1).min(8), not_before: Some(Instant::now() + pause) }
                }
            };
            outcome
        });
        let broken_off =
            || Failure::connection(AbsenceReason::ConnectionFailed, "connecting was interrupted");
        task.map(move |joined| joined.unwrap_or_else(|_| Err(broken_off()))).boxed().shared()
    }

    /// The next one who asks gets another connection. Who uses this one may go on.
    fn forget(&self, connection: &Arc<Connection>) {
        let mut state = self.state();
        if matches!(&*state, State::Up(current) if Arc::ptr_eq(current, connection)) {
            *state = State::Down { attempts: 0, not_before: None };
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is waited for. When its reading runs out of time and nothing at all came
/// meanwhile, the other side may be gone without a word, and the connection is not used again.
struct Waiting<'a> {
    link: &'a Link,
    connection: &'a Arc<Connection>,
    received: Option<u64>,
}

impl Waiting<'_> {
    fn ended(mut self) {
        self.received = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.received == Some(self.connection.meter.received()) {
            self.link.forget(self.connection);
        }
    }
}
