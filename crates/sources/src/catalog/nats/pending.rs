//! Adds up what waits, over the reports of all servers that were asked.
//!
//! In a cluster every server reports its own copy of a consumer, and only the one of the
//! leader is right: the others lag or stand at 0. So a number counts only from the server
//! that itself says that it leads. Where there is none, or more than one as while a leader
//! moves, there is no number at all.

use std::collections::BTreeMap;

use engine::{Absence, AbsenceReason};

use super::names::Names;
use super::report::{Figure, Report, Selector, Stream};
use super::subject::is_wildcard;
use crate::values::fault::quoted;

/// What all servers report.
#[derive(Debug, Default)]
pub(super) struct Reports {
    pub(super) servers: Vec<Spoken>,
    /// How many servers the cluster has besides: those that it has lost, and in a super-cluster those of other
    /// clusters.
    pub(super) unasked: usize,
    /// Names of servers that it has lost.
    pub(super) gone: Names,
    /// Names of the other clusters of its super-cluster.
    pub(super) clusters: Names,
}

/// How much waits, and where most of it does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) messages: u64,
    /// The consumer, or the stream without any, with the most pending messages, and their number. `None` where it is the
    /// only one, or nothing waits.
    pub(super) largest: Option<(String, u64)>,
}

/// A server and what it reports.
#[derive(Debug)]
pub(super) struct Spoken {
    /// Its name, by which leaders are known; `None` for one without a cluster, which leads all it has.
    pub(super) server: Option<String>,
    pub(super) report: Report,
}

/// One stream as the servers that have it report it.
type Copies<'a> = Vec<(&'a Spoken, &'a Stream)>;

/// What one server says about a figure: who leads, and the figure as it knows it.
struct Claim<'a> {
    by: &'a Spoken,
    leader: Option<&'a str>,
    figure: &'a Figure,
}

/// How many messages wait, or why nobody knows.
pub(super) fn count(reports: &Reports, selector: &Selector) -> Result<Count, Absence> {
    let mut streams: BTreeMap<(&str, &str), Copies<'_>> = BTreeMap::new();
    for spoken in &reports.servers {
        for stream in &spoken.report.streams {
            streams.entry((&stream.account, &stream.name)).or_default().push((spoken, stream));
        }
    }
    let mut figures = Vec::new();
    for copies in streams.values() {
        reports.add_figures(copies, selector, &mut figures)?;
    }
    let lost = reports.unasked();
    if figures.is_empty() {
        return Err(missing(reports.explain(streams.values().flatten(), selector) + &lost));
    }
    // One subject is taken by one stream, which was seen; several may be taken by a lost server's too.
    let single = streams.values().flatten().any(|(_, stream)| !stream.replicated);
    if !lost.is_empty() && single && selector.subject.as_deref().is_some_and(is_wildcard) {
        let what = "streams for the subject are stored on one server each, so some may not be visible";
        return Err(missing(format!("{what}{lost}")));
    }
    let largest = figures.iter().max_by_key(|(_, figure)| *figure).filter(|(_, figure)| *figure > 0);
    let largest = largest.filter(|_| figures.len() > 1).cloned();
    Ok(Count {
        messages: figures.into_iter().map(|(_, figure)| figure).fold(0, u64::saturating_add),
        largest,
    })
}

impl Reports {
    /// Which servers were not asked, and what to do about it; empty where all were.
    fn unasked(&self) -> String {
        let Self { unasked, gone, clusters, .. } = self;
        if *unasked == 0 {
            return String::new();
        }
        let mut reported = String::new();
        if !gone.is_empty() {
            reported += &format!(
                "; servers that the cluster has lost: {gone}; if one is gone for good, remove it by \
                 `nats server cluster peer-remove`"
            );
        }
        if !clusters.is_empty() {
            reported += &format!(
                "; its super-cluster has other clusters, whose servers were not queried: {clusters}; also \
                 name the monitoring addresses of their servers in monitoringUrls"
            );
        }
        if reported.is_empty() { format!("; servers that the cluster has lost: {unasked}") } else { reported }
    }

    /// What each consumer of one stream has waiting, or the stream itself if it has none.
    fn add_figures(
        &self,
        copies: &Copies<'_>,
        selector: &Selector,
        figures: &mut Vec<(String, u64)>,
    ) -> Result<(), Absence> {
        let Some((_, first)) = copies.first() else { return Ok(()) };
        let stream = quoted(&first.name);
        let unread = copies.iter().all(|(_, copy)| copy.consumer_names.is_empty());
        if unread && first.takes && selector.consumer.is_none() {
            let claims = copies.iter().map(|(by, copy)| Claim {
                by,
                leader: copy.leader.as_deref(),
                figure: &copy.messages,
            });
            let what = format!("stream {stream}");
            let figure = self.leaders_figure(&what, claims.collect())?;
            figures.push((what, figure));
        }
        let mut consumers: BTreeMap<&str, Vec<Claim<'_>>> = BTreeMap::new();
        for (by, copy) in copies {
            for consumer in &copy.consumers {
                let claim = Claim { by, leader: consumer.leader.as_deref(), figure: &consumer.waiting };
                consumers.entry(&consumer.name).or_default().push(claim);
            }
        }
        for (name, claims) in consumers {
            let what = format!("consumer {} of stream {stream}", quoted(name));
            let figure = self.leaders_figure(&what, claims)?;
            figures.push((what, figure));
        }
        Ok(())
    }

    /// The figure of the one server that says it leads.
    fn leaders_figure(&self, what: &str, claims: Vec<Claim<'_>>) -> Result<u64, Absence> {
        let mut own = claims.iter().filter(|claim| claim.is_of_leader());
        match (own.next(), own.next()) {
            (Some(Claim { figure, .. }), None) => (*figure)
                .clone()
                .map_err(|(reason, problem)| Absence { reason, message: format!("{what}: {problem}") }),
            (Some(_), Some(_)) => {
                Err(missing(format!("{what}: two servers report to lead it; its leader is changing")))
            }
            (None, _) => Err(self.without_leader(what, &claims)),
        }
    }

    fn without_leader(&self, what: &str, claims: &[Claim<'_>]) -> Absence {
        let leaders: Names = claims.iter().filter_map(|claim| claim.leader).collect();
        if leaders.is_empty() {
            return missing(format!("{what}: it has no leader at the moment"));
        }
        let asked = |name: &str| self.servers.iter().any(|spoken| spoken.server.as_deref() == Some(name));
        if claims.iter().filter_map(|claim| claim.leader).all(asked) {
            let message = format!(
                "{what}: its reported leader is {leaders}, which does not confirm it; its leader is changing"
            );
            return missing(message);
        }
        let message = format!("{what}: its leader {leaders} is not connected to the queried servers");
        Absence { reason: AbsenceReason::ConnectionFailed, message }
    }

    /// Why nothing was counted, with what was seen instead.
    fn explain<'a>(
        &self,
        streams: impl Iterator<Item = &'a (&'a Spoken, &'a Stream)>,
        selector: &Selector,
    ) -> String {
        let seen = |names: fn(&Report) -> &Names| {
            let mut all = Names::default();
            self.servers.iter().for_each(|spoken| all.merge(names(&spoken.report)));
            all
        };
        if let Some(account) = &selector.account
            && !self.servers.iter().any(|spoken| spoken.report.has_account)
        {
            let accounts = seen(|report| &report.account_names);
            let account = quoted(account);
            return format!(
                "account {account} does not exist or has no JetStream; accounts seen: {accounts}"
            );
        }
        let (mut taking, mut consumers) = (Names::default(), Names::default());
        for (_, stream) in streams {
            taking.add(&stream.name);
            consumers.merge(&stream.consumer_names);
        }
        let others = seen(|report| &report.stream_names);
        let Some(subject) = selector.subject.as_deref().map(quoted) else {
            let name = |name: &Option<String>| quoted(name.as_deref().unwrap_or_default());
            let (stream, consumer) = (name(&selector.stream), name(&selector.consumer));
            if taking.is_empty() {
                return format!("stream {stream} does not exist; streams seen: {others}");
            }
            return format!("stream {stream} has no consumer {consumer}; consumers seen: {consumers}");
        };
        match (&selector.stream, &selector.consumer) {
            (_, Some(consumer)) if !taking.is_empty() => {
                let consumer = quoted(consumer);
                format!(
                    "stream {taking} takes subject {subject}, but has no consumer {consumer} for it; \
                     consumers seen: {consumers}"
                )
            }
            (_, None) if !taking.is_empty() => {
                format!(
                    "stream {taking} takes subject {subject}, but has no consumer for it; consumers seen: \
                     {consumers}"
                )
            }
            (Some(stream), _) => {
                let stream = quoted(stream);
                format!(
                    "stream {stream} does not exist or does not take subject {subject}; streams seen: \
                     {others}"
                )
            }
            (None, _) => format!("no stream takes subject {subject}; streams seen: {others}"),
        }
    }
}

impl Claim<'_> {
    fn is_of_leader(&self) -> bool {
        match &self.by.server {
            None => true,
            Some(name) => self.leader == Some(name),
        }
    }
}

fn missing(message: String) -> Absence {
    Absence { reason: AbsenceReason::ValueMissing, message }
}

#[cfg(test)]
mod tests;
