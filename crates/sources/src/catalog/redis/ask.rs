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
use super::failure::{self, Failure, Scope};
use super::link::Question;
use super::measure::Measure;
use super::node::Node;
use super::pool::Pool;
use crate::values::settings::quoted;

/// Servers that one reading is sent on to. A cluster at rest needs one.
const MAX_REDIRECTS: usize = 5;

/// Keys of which it is remembered who has them. Forgetting costs one question more.
const MAX_OWNERS: usize = 10_000;

/// Asks servers, and remembers which one of a cluster has which key.
pub(super) struct Asker {
    pool: Pool,
    owners: Mutex<HashMap<(AccessKey, String), Node>>,
}

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

    /// The number that one server tells.
    pub(super) async fn one(&self, node: &Node, access: &Access, measure: &Measure) -> Result<f64, Failure> {
        self.with_role(node, access, measure, Role::Any).await
    }

    /// The number that the master of a key's slot tells.
    pub(super) async fn cluster(
        &self,
        seeds: &[Node],
        access: &Access,
        measure: &Measure,
        deadline: Instant,
    ) -> Result<f64, Failure> {
        let Some(first) = seeds.first() else {
            return Err(Failure::data(AbsenceReason::ConnectionFailed, "no address is given"));
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

    /// The number that the master tells, as any of the sentinels knows it.
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
        let text = |value: &Value| match value {
            Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        };
        match self.last_answer(sentinel, access, &question).await? {
            Value::ServerError(error) => Err(failed(failure::of_server_error(&error, None))),
            Value::Nil => {
                let message = format!("the sentinel knows no master {}", quoted(name));
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
            let question = match asking {
                true => Question::AtOnce(vec![cmd("ASKING"), measure.command()]),
                false => Question::InTurn(vec![measure.command()]),
            };
            let answer = self.last_answer(&node, access, &question).await?;
            match direction(&answer) {
                None => return Ok((number(&answer, measure, &node)?, owner)),
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
        let message = format!("its cluster sent us on more than {MAX_REDIRECTS} times");
        Err(Failure::server(AbsenceReason::TooManyRedirects, message).at(&node))
    }

    /// Asks a server, and in the same breath for its role: a replica that has not got its
    /// master's data yet would tell of an empty list.
    async fn with_role(
        &self,
        node: &Node,
        access: &Access,
        measure: &Measure,
        wanted: Role,
    ) -> Result<f64, Failure> {
        let link = self.pool.link(node, access);
        let role = link.tells_role().then(|| cmd("ROLE"));
        let commands = role.into_iter().chain([measure.command()]).collect();
        let answers = link.ask(&Question::InTurn(commands)).await?;
        if let [Value::ServerError(error), _] = answers.as_slice() {
            // Not everyone may ask, and not all that speak Redis's protocol know the command.
            let unknown = error.details().is_some_and(|text| text.starts_with("unknown command"));
            if error.code() == "NOPERM" || unknown {
                link.never_ask_role();
            }
        }
        if let [role @ Value::Array(_), _] = answers.as_slice() {
            check_role(role, wanted).map_err(|failure| failure.at(node))?;
        }
        let answer = answers.last().ok_or_else(|| not_redis().at(node))?;
        number(answer, measure, node)
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

/// Asks one after the other until one can tell. Each gets its share of the time that is left, so
/// that one which accepts connections and says nothing does not stand for all.
async fn first_that_answers<T, F>(
    candidates: Vec<Node>,
    deadline: Instant,
    ask: impl Fn(Node) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut failure = Failure::data(AbsenceReason::ConnectionFailed, "no address is given");
    let mut left = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    for node in candidates {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left.max(1);
        left -= 1;
        failure = match timeout_at(now + share, ask(node.clone())).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failure)) if failure.scope == Scope::Data => return Err(failure),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::server(AbsenceReason::Timeout, "no answer in time, of it or of whom it names")
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

fn number(answer: &Value, measure: &Measure, node: &Node) -> Result<f64, Failure> {
    let number = match answer {
        Value::ServerError(error) => Err(failure::of_server_error(error, Some(measure))),
        reply => measure.number(reply),
    };
    number.map_err(|failure| failure.at(node))
}

fn check_role(role: &Value, wanted: Role) -> Result<(), Failure> {
    let Value::Array(parts) = role else { return Ok(()) };
    let is = |at: usize, word: &[u8]| matches!(parts.get(at), Some(Value::BulkString(text)) if text == word);
    let no_good = |why| Err(Failure::server(AbsenceReason::BadStatus, why));
    if is(0, b"sentinel") {
        return no_good("it is a sentinel: name it in sentinel.addresses");
    }
    if !is(0, b"slave") {
        return Ok(());
    }
    match wanted {
        Role::Master => no_good("it is a replica, although the sentinel calls it the master"),
        Role::Any if !is(3, b"connected") => {
            no_good("it is a replica that is not connected to its master, so its data may be old or missing")
        }
        Role::Any => Ok(()),
    }
}

fn not_redis() -> Failure {
    Failure::server(AbsenceReason::Malformed, "the answer is not what Redis answers to this command")
}
