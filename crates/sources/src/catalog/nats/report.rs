//! What one server reports about the streams and consumers that matter to a query.
//!
//! Pages may have megabytes and are answered by whoever was asked, so nothing else is kept
//! of them.

use std::collections::BTreeSet;

use engine::{Absence, AbsenceReason};
use serde_json::Value;

use super::names::Names;
use super::subject::overlaps;
use super::wire;
use crate::values::fault::{quoted, type_name};

/// Most streams and consumers that are kept of one server.
const MAX_KEPT: usize = 10_000;

/// What a query counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    /// The messages that count; `None` where all of one consumer do, which is named with its stream.
    pub(super) subject: Option<String>,
    pub(super) account: Option<String>,
    pub(super) stream: Option<String>,
    pub(super) consumer: Option<String>,
}

/// A number of messages, or what is wrong with it.
pub(super) type Figure = Result<u64, (AbsenceReason, String)>;

/// What one server reports.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Ids of the accounts that have JetStream.
    pub(super) accounts: BTreeSet<String>,
    pub(super) account_names: Names,
    /// Whether one that the query counts is among them.
    pub(super) has_account: bool,
    /// All streams of those that the query counts.
    pub(super) stream_names: Names,
    /// Streams that the query may count, for themselves or for a consumer.
    pub(super) streams: Vec<Stream>,
    /// Names of servers that keep any of them.
    pub(super) servers: BTreeSet<String>,
    kept: usize,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) account: String,
    pub(super) name: String,
    /// Whether its messages can be on the query's subject.
    pub(super) takes: bool,
    pub(super) leader: Option<String>,
    /// Whether other servers keep it too.
    pub(super) replicated: bool,
    pub(super) messages: Figure,
    /// All its consumers, also those that do not matter.
    pub(super) consumer_names: Names,
    /// Those that matter.
    pub(super) consumers: Vec<Consumer>,
}

#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) name: String,
    pub(super) leader: Option<String>,
    /// Messages not yet delivered, and those delivered but not yet acknowledged.
    pub(super) waiting: Figure,
}

impl Selector {
    /// Whether the query counts what `account` has.
    pub(super) fn wants(&self, account: &wire::Account) -> bool {
        self.account.as_ref().is_none_or(|wanted| wanted == account.id() || wanted == account.name())
    }
}

impl Report {
    /// Adds a page of accounts. One that was on an earlier page counts once.
    pub(super) fn add(&mut self, page: &wire::Jsz, selector: &Selector) -> Result<(), Absence> {
        for account in page.accounts() {
            let id = account.id();
            if id.is_empty() {
                // Several such could not be distinguished, and a second one would count as the first again.
                let message = "the response leaves out the name of an account".to_owned();
                return Err(Absence { reason: AbsenceReason::Malformed, message });
            }
            self.account_names.add(account.name());
            if self.accounts.insert(id.to_owned()) && selector.wants(account) {
                self.has_account = true;
                for stream in account.stream_detail.iter().flatten() {
                    self.add_stream(id, stream, selector)?;
                }
            }
        }
        Ok(())
    }

    fn add_stream(
        &mut self,
        account: &str,
        stream: &wire::Stream,
        selector: &Selector,
    ) -> Result<(), Absence> {
        self.stream_names.add(&stream.name);
        if selector.stream.as_ref().is_some_and(|wanted| *wanted != stream.name) {
            return Ok(());
        }
        let subjects = Subjects::of(stream);
        let has_consumers = stream.consumer_detail.iter().flatten().next().is_some();
        let subject = selector.subject.as_deref();
        if subjects.is_unknown && !has_consumers && subject.is_some() {
            return Err(without_config("stream", &stream.name));
        }
        let takes = subject.is_some_and(|subject| subjects.take(subject, selector));
        let (mut consumers, mut consumer_names) = (Vec::new(), Names::default());
        for consumer in stream.consumer_detail.iter().flatten() {
            consumer_names.add(&consumer.name);
            let wanted = selector.consumer.as_ref().is_none_or(|wanted| *wanted == consumer.name);
            let counts = match subject {
                Some(subject) => wanted && subjects.are_read_by(consumer, subject, selector)?,
                None => wanted,
            };
            if counts {
                self.servers.extend(servers_of(consumer.cluster.as_ref()));
                consumers.push(Consumer::of(consumer));
            }
        }
        if takes || !consumers.is_empty() || subject.is_none() {
            self.keep(1 + consumers.len())?;
            self.servers.extend(servers_of(stream.cluster.as_ref()));
            let messages = stream.state.as_ref().map_or(&Value::Null, |state| &state.messages);
            self.streams.push(Stream {
                account: account.to_owned(),
                name: stream.name.clone(),
                takes,
                leader: leader_of(stream.cluster.as_ref()),
                replicated: stream
                    .cluster
                    .iter()
                    .any(|group| group.replicas.iter().flatten().next().is_some()),
                messages: figure("messages", messages),
                consumer_names,
                consumers,
            });
        }
        Ok(())
    }

    fn keep(&mut self, more: usize) -> Result<(), Absence> {
        self.kept += more;
        if self.kept <= MAX_KEPT {
            return Ok(());
        }
        let message = format!(
            "more than {MAX_KEPT} streams and consumers are for the subject; name an account, a stream or a consumer"
        );
        Err(Absence { reason: AbsenceReason::TooLarge, message })
    }
}

impl Consumer {
    fn of(consumer: &wire::Consumer) -> Self {
        let pending = figure("num_pending", &consumer.num_pending);
        let unacknowledged = figure("num_ack_pending", &consumer.num_ack_pending);
        Self {
            name: consumer.name.clone(),
            leader: leader_of(consumer.cluster.as_ref()),
            waiting: pending.and_then(|pending| Ok(pending.saturating_add(unacknowledged?))),
        }
    }
}

/// On which subjects a stream's messages are.
struct Subjects<'a> {
    listed: &'a [String],
    /// Whether there are others: those of the streams that it copies, or what it makes of its own.
    open: bool,
    /// Whether the answer leaves out what they are; then only consumers with filters can be judged.
    is_unknown: bool,
    stream: &'a str,
}

impl<'a> Subjects<'a> {
    fn of(stream: &'a wire::Stream) -> Self {
        let config = stream.config.as_ref();
        let copies = |config: &wire::StreamConfig| {
            [&config.mirror, &config.sources, &config.subject_transform].into_iter().any(Option::is_some)
        };
        Self {
            listed: config.and_then(|config| config.subjects.as_deref()).unwrap_or_default(),
            open: config.is_none_or(copies),
            is_unknown: config.is_none(),
            stream: &stream.name,
        }
    }

    /// Whether the stream counts for the query's subject.
    ///
    /// A copy does only where it is named: a backup that nobody reads would be a backlog for ever.
    fn take(&self, subject: &str, selector: &Selector) -> bool {
        self.listed.iter().any(|listed| overlaps(listed, subject)) || (self.open && selector.stream.is_some())
    }

    /// Whether a consumer of the stream gets messages on the query's subject.
    fn are_read_by(
        &self,
        consumer: &wire::Consumer,
        subject: &str,
        selector: &Selector,
    ) -> Result<bool, Absence> {
        let config = consumer.config.as_ref().ok_or_else(|| without_config("consumer", &consumer.name))?;
        let single = config.filter_subject.iter().filter(|filter| !filter.is_empty());
        let mut filters = single.chain(config.filter_subjects.iter().flatten()).peekable();
        if filters.peek().is_none() && self.is_unknown {
            return Err(without_config("stream", self.stream));
        }
        if filters.peek().is_none() {
            return Ok(self.take(subject, selector));
        }
        let comes_in = |filter: &str| {
            let mut listed = self.listed.iter();
            self.open || listed.any(|listed| overlaps(listed, subject) && overlaps(listed, filter))
        };
        Ok(filters.any(|filter| overlaps(filter, subject) && comes_in(filter)))
    }
}

fn leader_of(group: Option<&wire::Group>) -> Option<String> {
    group.and_then(wire::Group::leader).map(str::to_owned)
}

fn servers_of(group: Option<&wire::Group>) -> impl Iterator<Item = String> {
    group.into_iter().flat_map(wire::Group::servers).map(str::to_owned)
}

fn without_config(what: &str, name: &str) -> Absence {
    let message = format!("the response leaves out the configuration of {what} {}", quoted(name));
    Absence { reason: AbsenceReason::Malformed, message }
}

/// A count of messages. More than a signed number holds is what a counter shows that went below 0.
fn figure(name: &str, value: &Value) -> Figure {
    let Value::Number(number) = value else {
        return Err(match value {
            Value::Null => (AbsenceReason::ValueMissing, format!("{name} is missing")),
            other => (AbsenceReason::NotANumber, format!("{name} is {}, not a number", type_name(other))),
        });
    };
    match number.as_u64() {
        Some(count) if i64::try_from(count).is_ok() => Ok(count),
        _ => {
            Err((AbsenceReason::OutOfRange, format!("{name} is {number}, which is not a count of messages")))
        }
    }
}

#[cfg(test)]
mod tests;
