//! Asks for one number: of one server, of a cluster, or of whom the sentinels call master.
//!
//! Servers of a cluster and sentinels name others. Those are met like any server: past the address
//! policy, with the rights that the object's owner gave for this cluster or master. A single server
//! that names another is not followed, as nobody said that the password is for that one, too.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use engine::AbsenceReason;
use redis::{Value, cmd};
use tokio::time::{Instant, timeout_at};

use super::access::{Access, AccessKey};
use super::answer::{self, bytes_of};
use super::failure::{Failure, Scope};
use super::link::{Link, Question};
use super::measure::Measure;
use super::node::Node;
use super::pool::Pool;
use super::server_error;
use crate::values::fault::quoted;

/// Servers that one reading is sent on to. A cluster at rest needs one.
const MAX_REDIRECTS: usize = 5;

/// Keys of which it is remembered who has them. Forgetting costs one question more.
const MAX_OWNERS: usize = 10_000;

/// Asks servers, and remembers which one of a cluster has which key.
pub(super) struct Asker {
    pool: Pool,
    owners: Mutex<HashMap<(AccessKey, String), Node>>,
}

/// What replicas call the states in which their data may be old or missing: Redis and its forks, then Dragonfly.
const WITHOUT_DATA: [&[u8]; 6] =
    [b"connect", b"connecting", b"handshake", b"sync", b"full_sync", b"preparation"];

/// What a server must be for its number to count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Master,
    /// A replica counts, too, while it follows its master.
    Any,
}

impl Asker {
    pub(super) fn new(pool: Pool) -> Self {
        Self { pool, owners: Mutex::default() }
    }

    /// The number that one server reports.
    pub(super) async fn one(&self, node: &Node, access: &Access, measure: &Measure) -> Result<f64, Failure> {
        self.with_role(node, access, measure, Role::Any).await
    }

    /// The number that the master of a key's slot reports.
    pub(super) async fn cluster(
        &self,
        seeds: &[Node],
        access: &Access,
        measure: &Measure,
        deadline: Instant,
    ) -> Result<f64, Failure> {
        let Some(first) = seeds.first() else {
            return Err(Failure::data(AbsenceReason::ConnectionFailed, "no address is set"));
        };
        let memory = (access.key(first), measure.key().to_owned());
        let owner = self.owners().get(&memory).cloned();
        let candidates = owner.into_iter().chain(self.reachable_first(seeds, access)).collect();
        let found = first_that_answers(candidates, deadline, |node| self.follow(node, access, measure)).await;
        let mut owners = self.owners();
        match found {
            Ok((number, owner)) => {
                if owners.len() >= MAX_OWNERS {
                    owners.clear();
                }
                owners.insert(memory, owner);
                Ok(number)
            }
            Err(failure) => {
                owners.remove(&memory);
                Err(failure)
            }
        }
    }

    /// The number that the master reports, as any of the sentinels knows it.
    pub(super) async fn sentinel(
        &self,
        sentinels: &[Node],
        sentinel_access: &Access,
        master: &str,
        access: &Access,
        measure: &Measure,
        deadline: Instant,
    ) -> Result<f64, Failure> {
        let candidates = self.reachable_first(sentinels, sentinel_access).collect();
        first_that_answers(candidates, deadline, async |sentinel: Node| {
            let node = self.master(&sentinel, sentinel_access, master).await?;
            self.with_role(&node, access, measure, Role::Master).await
        })
        .await
    }

    /// Who is master, in the eyes of a sentinel.
    async fn master(&self, sentinel: &Node, access: &Access, name: &str) -> Result<Node, Failure> {
        let mut command = cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        let question = Question::InTurn(vec![command]);
        let failed = |failure: Failure| failure.at(sentinel);
        let text = |value: &Value| String::from_utf8(bytes_of(value)?.to_vec()).ok();
        match self.last_answer(sentinel, access, &question).await? {
            Value::ServerError(error) => Err(failed(server_error::failure(&error, None))),
            Value::Nil => {
                let message = format!("the sentinel does not know a master {}", quoted(name));
                Err(failed(Failure::server(AbsenceReason::ValueMissing, message)))
            }
            Value::Array(parts) => {
                let node = match parts.as_slice() {
                    [host, port] => text(host).zip(text(port).and_then(|port| port.parse().ok())),
                    _ => None,
                };
                node.and_then(|(host, port)| Node::new(&host, port)).ok_or_else(|| failed(not_redis()))
            }
            _ => Err(failed(not_redis())),
        }
    }

    /// Follows a cluster's directions from `start`. Returns the number and who has the key.
    async fn follow(&self, start: Node, access: &Access, measure: &Measure) -> Result<(f64, Node), Failure> {
        let (mut node, mut owner) = (start.clone(), start);
        let mut asking = false;
        for _ in 0..=MAX_REDIRECTS {
            let answers = self.answers(&node, access, measure, asking).await?;
            match answers.first().and_then(direction) {
                None => return Ok((number(&answers, measure, &node)?, owner)),
                Some((code, place)) => {
                    // While a slot moves, its former server still is whom to ask first.
                    asking = code == "ASK";
                    node = Node::named_by(&node, place).ok_or_else(|| not_redis().at(&node))?;
                    if !asking {
                        owner = node.clone();
                    }
                }
            }
        }
        let message = format!("its cluster redirected more than {MAX_REDIRECTS} times");
        Err(Failure::server(AbsenceReason::TooManyRedirects, message).at(&node))
    }

    /// What a cluster's server answers to the commands of `measure`, each after `ASKING` where a slot moves.
    async fn answers(
        &self,
        node: &Node,
        access: &Access,
        measure: &Measure,
        asking: bool,
    ) -> Result<Vec<Value>, Failure> {
        let link = self.pool.link(node, access);
        if !asking {
            return link.ask(&Question::InTurn(measure.commands())).await;
        }
        let commands = measure.commands().into_iter().flat_map(|command| [cmd("ASKING"), command]);
        let answers = link.ask(&Question::AtOnce(commands.collect())).await?;
        Ok(answers.into_iter().skip(1).step_by(2).collect())
    }

    /// Asks a server, and in the same breath for its role: a replica that has not got its
    /// master's data yet would report an empty list. That is a precaution: what a server does with the question
    /// for its role never keeps its number from us.
    async fn with_role(
        &self,
        node: &Node,
        access: &Access,
        measure: &Measure,
        wanted: Role,
    ) -> Result<f64, Failure> {
        let link = self.pool.link(node, access);
        if !link.asks_role() {
            let answers = link.ask(&Question::InTurn(measure.commands())).await?;
            if link.is_left_unanswered() {
                link.answered_only_without_role();
            }
            return number(&answers, measure, node);
        }
        let commands = [cmd("ROLE")].into_iter().chain(measure.commands()).collect();
        let patience = Patience { link: &link, ended: false };
        let asked = link.ask(&Question::InTurn(commands)).await;
        patience.end();
        let answers = match asked {
            // Some proxies hang up on whoever sends a command that they do not know.
            Err(failure) if failure.scope == Scope::Connection => {
                let answers = link.ask(&Question::InTurn(measure.commands())).await?;
                link.answered_only_without_role();
                return number(&answers, measure, node);
            }
            asked => asked?,
        };
        link.answered_with_role();
        let (role, answers) = answers.split_first().ok_or_else(|| not_redis().at(node))?;
        let found = number(answers, measure, node);
        // Not everyone may ask, and not all that speak Redis's protocol know the command.
        if matches!(role, Value::ServerError(_)) && found.is_ok() {
            link.never_ask_role();
        }
        check_role(role, wanted).map_err(|failure| failure.at(node))?;
        found
    }

    async fn last_answer(&self, node: &Node, access: &Access, question: &Question) -> Result<Value, Failure> {
        let mut answers = self.pool.link(node, access).ask(question).await?;
        answers.pop().ok_or_else(|| not_redis().at(node))
    }

    /// Those with a connection before those without: a server that is down costs time.
    fn reachable_first<'a>(
        &self,
        nodes: &'a [Node],
        access: &Access,
    ) -> impl Iterator<Item = Node> + use<'a> {
        let (up, down): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| self.pool.is_up(node, access));
        up.into_iter().chain(down).cloned()
    }

    fn owners(&self) -> std::sync::MutexGuard<'_, HashMap<(AccessKey, String), Node>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for an answer that comes with the server's role, and notes where nobody waited long enough.
struct Patience<'a> {
    link: &'a Link,
    ended: bool,
}

impl Patience<'_> {
    fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Patience<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.link.left_unanswered();
        }
    }
}

/// Asks one after the other until one can report. Each gets its share of the time that is left, so
/// that one which accepts connections and says nothing does not stand for all.
async fn first_that_answers<T, F>(
    candidates: Vec<Node>,
    deadline: Instant,
    ask: impl Fn(Node) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut failure = Failure::data(AbsenceReason::ConnectionFailed, "no address is set");
    let mut left = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    for node in candidates {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left.max(1);
        left -= 1;
        failure = match timeout_at(now + share, ask(node.clone())).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failure)) if failure.scope == Scope::Data => return Err(failure),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::server(
                AbsenceReason::Timeout,
                "no response in time from it or from the server that it names",
            )
            .at(&node),
        };
    }
    Err(failure)
}

/// Where a cluster's server sends us, and by which word.
fn direction(answer: &Value) -> Option<(&str, &str)> {
    let Value::ServerError(error) = answer else { return None };
    let code = error.code();
    let place = error.details()?.split_ascii_whitespace().nth(1)?;
    matches!(code, "MOVED" | "ASK").then_some((code, place))
}

fn number(answers: &[Value], measure: &Measure, node: &Node) -> Result<f64, Failure> {
    answer::number(measure, answers).map_err(|failure| failure.at(node))
}

fn check_role(role: &Value, wanted: Role) -> Result<(), Failure> {
    let Value::Array(parts) = role else { return Ok(()) };
    let word = |at: usize| parts.get(at).and_then(bytes_of).unwrap_or_default();
    let no_good = |why| Err(Failure::server(AbsenceReason::BadStatus, why));
    if word(0) == b"sentinel" {
        return no_good("it is a sentinel: name it in sentinel.addresses");
    }
    if !matches!(word(0), b"slave" | b"replica") {
        return Ok(());
    }
    match wanted {
        Role::Master => no_good("it is a replica, although the sentinel calls it the master"),
        // Forks have other words for one that is in step. What is not known to lack data is believed.
        Role::Any if WITHOUT_DATA.contains(&word(3)) => {
            no_good("it is a replica that is not connected to its master, so its data may be old or missing")
        }
        Role::Any => Ok(()),
    }
}

fn not_redis() -> Failure {
    Failure::server(AbsenceReason::Malformed, "the response is not what Redis returns for this command")
}
