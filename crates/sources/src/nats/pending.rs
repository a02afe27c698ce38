//! Adds up what waits, over the reports of all servers that were asked.
//!
//! In a cluster every server reports its own copy of a consumer, and only the one of the
//! leader is right: the others lag or stand at 0. So a number counts only from the server
//! that itself says that it leads. Where there is none, or more than one as while a leader
//! moves, there is no number at all.

use std::collections::BTreeMap;

use engine::{Absence, AbsenceReason};

use super::names::Names;
use super::report::{Consumer, Figure, Report, Selector, Stream};
use crate::settings::quoted;

/// A server and what it reports.
#[derive(Debug)]
pub(super) struct Spoken {
    /// Its name, by which leaders are known; `None` for a server without a cluster, which leads all it has.
    pub(super) server: Option<String>,
    pub(super) report: Report,
}

/// One stream as the servers that have it report it.
type Copies<'a> = Vec<(&'a Spoken, &'a Stream)>;

/// How many messages wait, or why nobody knows.
pub(super) fn count(servers: &[Spoken], selector: &Selector) -> Result<u64, Absence> {
    let mut streams: BTreeMap<(&str, &str), Copies<'_>> = BTreeMap::new();
    for spoken in servers {
        for stream in &spoken.report.streams {
            streams.entry((&stream.account, &stream.name)).or_default().push((spoken, stream));
        }
    }
    let (mut total, mut counted) = (0_u64, 0_usize);
    for copies in streams.values() {
        let figures = figures(servers, copies, selector)?;
        counted += figures.len();
        total = figures.into_iter().fold(total, u64::saturating_add);
    }
    if counted == 0 {
        return Err(missing(explain(servers, streams.values(), selector)));
    }
    Ok(total)
}

/// What each consumer of one stream has waiting, or the stream itself if it has none.
fn figures(servers: &[Spoken], copies: &Copies<'_>, selector: &Selector) -> Result<Vec<u64>, Absence> {
    let Some((_, first)) = copies.first() else { return Ok(Vec::new()) };
    let stream = quoted(&first.name);
    let mut consumers: BTreeMap<&str, Vec<(&Spoken, &Consumer)>> = BTreeMap::new();
    for (spoken, copy) in copies {
        for consumer in &copy.consumers {
            consumers.entry(&consumer.name).or_default().push((spoken, consumer));
        }
    }
    let unread = copies.iter().all(|(_, copy)| copy.consumer_names.is_empty());
    if unread && selector.consumer.is_none() && first.takes {
        let claims = copies.iter().map(|(spoken, copy)| (*spoken, copy.leader.as_deref(), &copy.messages));
        return Ok(vec![from_leader(servers, &format!("stream {stream}"), claims.collect())?]);
    }
    let figures = consumers.into_iter().map(|(name, reports)| {
        let what = format!("consumer {} of stream {stream}", quoted(name));
        let claims =
            reports.iter().map(|(spoken, report)| (*spoken, report.leader.as_deref(), &report.waiting));
        from_leader(servers, &what, claims.collect())
    });
    figures.collect()
}

/// The figure of the one server that says it leads.
fn from_leader(
    servers: &[Spoken],
    what: &str,
    claims: Vec<(&Spoken, Option<&str>, &Figure)>,
) -> Result<u64, Absence> {
    let leads = |spoken: &Spoken, leader: Option<&str>| match &spoken.server {
        None => true,
        Some(name) => leader == Some(name),
    };
    let mut own = claims.iter().filter(|(spoken, leader, _)| leads(spoken, *leader));
    match (own.next(), own.next()) {
        (Some((_, _, figure)), None) => (*figure)
            .clone()
            .map_err(|(reason, problem)| Absence { reason, message: format!("{what}: {problem}") }),
        (Some(_), Some(_)) => {
            Err(missing(format!("{what}: two servers say that they lead it; it is moving")))
        }
        (None, _) => {
            let leaders: Names = claims.iter().filter_map(|(_, leader, _)| *leader).collect();
            let asked = |leader: &str| servers.iter().any(|spoken| spoken.server.as_deref() == Some(leader));
            let unasked = claims.iter().filter_map(|(_, leader, _)| *leader).any(|leader| !asked(leader));
            Err(if leaders.is_empty() {
                missing(format!("{what}: it has no leader at the moment"))
            } else if unasked {
                let message =
                    format!("{what}: it is led by {leaders}, which is not connected to the servers asked");
                Absence { reason: AbsenceReason::ConnectionFailed, message }
            } else {
                missing(format!(
                    "{what}: it is said to be led by {leaders}, which does not say so; it is moving"
                ))
            })
        }
    }
}

/// Why nothing was counted, with what was seen instead.
fn explain<'a>(
    servers: &[Spoken],
    streams: impl Iterator<Item = &'a Copies<'a>>,
    selector: &Selector,
) -> String {
    let mut seen = Names::default();
    servers.iter().for_each(|spoken| seen.merge(&spoken.report.stream_names));
    if let Some(account) = &selector.account
        && !servers.iter().any(|spoken| spoken.report.has_account)
    {
        let mut there = Names::default();
        servers.iter().for_each(|spoken| there.merge(&spoken.report.account_names));
        return format!(
            "account {} is not there or has no JetStream; accounts seen: {}",
            quoted(account),
            some(&there)
        );
    }
    let (mut taking, mut consumers) = (Names::default(), Names::default());
    for (_, stream) in streams.flatten() {
        taking.add(&stream.name);
        consumers.merge(&stream.consumer_names);
    }
    if !taking.is_empty() {
        let subject = quoted(&selector.subject);
        let nobody = match &selector.consumer {
            Some(consumer) => format!("has no consumer {} for it", quoted(consumer)),
            None => "has no consumer for it".to_owned(),
        };
        return format!(
            "stream {taking} takes subject {subject}, but {nobody}; consumers seen: {}",
            some(&consumers)
        );
    }
    match &selector.stream {
        Some(stream) => format!(
            "stream {} is not there or does not take subject {}; streams seen: {}",
            quoted(stream),
            quoted(&selector.subject),
            some(&seen)
        ),
        None => {
            format!("no stream takes subject {}; streams seen: {}", quoted(&selector.subject), some(&seen))
        }
    }
}

fn some(names: &Names) -> String {
    if names.is_empty() { "none".to_owned() } else { names.to_string() }
}

fn missing(message: String) -> Absence {
    Absence { reason: AbsenceReason::ValueMissing, message }
}

#[cfg(test)]
mod tests;
