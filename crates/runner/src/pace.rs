//! How fast metric servers are asked: of polls that are due together no more begin than a server bears, and the others
//! wait in its line.
//!
//! ```text
//!  due ─▶ room at all of its servers? ─ yes ─▶ begins
//!                      └ no ─▶ the line of one of them ─▶ its turn: begins
//! ```
//!
//! Polls are late for many reasons at once, as when the process was busy or has just begun, and whoever is asked must not
//! feel it. A line only bounds bursts: all that comes regularly gets through.

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use engine::{Metric, Plan, Query, Time};

use crate::ObjectKey;

/// Requests to one server in any second at most, where its regular polls are fewer. The aim is 200: what begins at one
/// moment does not arrive at one.
const MOST: f64 = 188.0;

/// Requests a second at least that a line lets through for long: somewhat more than are planned for first polls.
const LEAST_RATE: f64 = 110.0;

/// Requests a second that a line lets through for long at most, where regular polls leave that much: beside what may gather
/// for a step ([`STEP`]), a second then has little more than [`MOST`].
const EVEN: f64 = 180.0;

/// By how much a line is faster than its regular polls, so that it comes to an end: what is late by ten seconds has caught up
/// after forty.
const HEADROOM: f64 = 1.25;

/// The same at least, where [`EVEN`] leaves less.
pub(crate) const LEAST_HEADROOM: f64 = 1.05;

/// From one moment at which a line moves to the next. A process that wakes up for each poll costs much more than one
/// that wakes up for several.
const STEP: Duration = Duration::from_millis(50);

/// A line is at least so fast that what is in it would come to its end within this: also what comes beyond regular polls, as
/// sources that report do it, must not wait for ever longer. With less, a process that cannot keep up would press servers.
const DRAINED: Duration = Duration::from_secs(30);

/// All metric servers that objects ask.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    servers: HashMap<Arc<str>, Server>,
    /// Polls that wait, by the server for which they do. There is nothing here of servers for which none waits.
    lines: HashMap<Arc<str>, Line>,
}

/// One metric server.
#[derive(Debug)]
struct Server {
    /// What it is asked, by digest and interval in milliseconds: equal queries are asked once.
    queries: HashMap<(u64, u64), Asked>,
    /// Requests a second of their regular polls.
    regular: f64,
    /// Requests that may begin at `since`.
    room: f64,
    since: Time,
}

/// One query, for all objects that ask it.
#[derive(Debug, Default)]
struct Asked {
    objects: u32,
    /// When it was last asked.
    last: Time,
}

/// Polls that wait for one server, each with when it was due, the longest wait first.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<(Time, ObjectKey)>,
    /// When it moves again.
    moves: Time,
}

impl Pace {
    /// An object is polled by `plan` from now on.
    pub(crate) fn join(&mut self, plan: &Plan, now: Time) {
        for (server, query) in asked(plan) {
            let server = match self.servers.get_mut(server) {
                Some(server) => server,
                None => self.servers.entry(server.into()).or_insert_with(|| Server::new(now)),
            };
            server.join(query.digest(), plan.shortest_interval());
        }
    }

    /// An object is no longer polled by `plan`.
    pub(crate) fn leave(&mut self, plan: &Plan) {
        for (name, query) in asked(plan) {
            let Some(server) = self.servers.get_mut(name) else { continue };
            server.leave(query.digest(), plan.shortest_interval());
            if server.queries.is_empty() {
                self.servers.remove(name);
            }
        }
    }

    /// Whether a poll by `plan` may begin at `now`, for which a reading from `not_before` on will do. One that may not
    /// waits, and is returned by [`pop`](Self::pop) when its turn has come.
    pub(crate) fn admits(
        &mut self,
        (due, key): (Time, &ObjectKey),
        plan: &Plan,
        not_before: Time,
        now: Time,
    ) -> bool {
        let Some(name) = self.pressed(plan, not_before, now) else { return true };
        let line = self.lines.entry(name.into()).or_default();
        if line.waiting.is_empty() {
            line.moves = now.plus(STEP);
        }
        line.waiting.push_back((due, key.clone()));
        false
    }

    /// Whether a poll by `plan` could begin at `now`.
    pub(crate) fn has_room(&mut self, plan: &Plan, now: Time) -> bool {
        self.pressed(plan, now, now).is_none()
    }

    /// The server that has no room for what `plan` asks, where there is one.
    fn pressed<'a>(&mut self, plan: &'a Plan, not_before: Time, now: Time) -> Option<&'a str> {
        let Self { servers, lines } = self;
        let is_pressed = |&(name, query): &(&str, &Query)| {
            let Some(server) = servers.get_mut(name) else { return false };
            if server.has_asked(query.digest(), plan.shortest_interval(), not_before) {
                return false;
            }
            let waiting = lines.get(name).map_or(0, |line| line.waiting.len());
            waiting > 0 || server.refill(waiting, now) < 1.0
        };
        asked(plan).find(is_pressed).map(|(name, _)| name)
    }

    /// Notes that a poll by `plan` begins at `now`, for which a reading from `not_before` on will do.
    pub(crate) fn begins(&mut self, plan: &Plan, not_before: Time, now: Time) {
        for (name, query) in asked(plan) {
            if let Some(server) = self.servers.get_mut(name) {
                server.ask(query.digest(), plan.shortest_interval(), not_before, now);
            }
        }
    }

    /// When a line moves next.
    pub(crate) fn next(&self) -> Option<Time> {
        self.lines.values().map(|line| line.moves).min()
    }

    /// Takes a poll whose turn has come at `now`, with when it was due. The caller says with [`begins`](Self::begins) if it
    /// does.
    pub(crate) fn pop(&mut self, now: Time) -> Option<(Time, ObjectKey)> {
        let Self { servers, lines } = self;
        for (name, line) in lines.iter_mut().filter(|(_, line)| line.moves <= now) {
            // Who asks a server that is not known has another plan by now.
            let room = servers.get_mut(name).map_or(1.0, |server| server.refill(line.waiting.len(), now));
            if room >= 1.0 {
                let first = line.waiting.pop_front();
                if line.waiting.is_empty() {
                    let name = Arc::clone(name);
                    lines.remove(&name);
                }
                return first;
            }
            line.moves = now.plus(STEP);
        }
        None
    }

    /// Nobody waits any more.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
    }
}

/// Requests a second that polls which are late, or come for the first time, may come to at one server whose `regular` ones are
/// so many a second. Where regular polls alone are more than a server is asked otherwise, no bound can be kept, and it
/// counts that they come in time.
pub(crate) fn quickest(regular: f64) -> f64 {
    let quick = regular * HEADROOM;
    if regular > MOST { quick } else { quick.min(EVEN.max(regular * LEAST_HEADROOM)) }
}

/// What `plan` asks of servers.
fn asked(plan: &Plan) -> impl Iterator<Item = (&str, &Query)> {
    plan.metrics.iter().filter_map(|Metric { query, .. }| Some((query.server()?, query)))
}

fn key(digest: u64, interval: Duration) -> (u64, u64) {
    (digest, u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1))
}

impl Server {
    fn new(now: Time) -> Self {
        Self { queries: HashMap::new(), regular: 0.0, room: MOST - LEAST_RATE, since: now }
    }

    fn join(&mut self, digest: u64, interval: Duration) {
        let query = key(digest, interval);
        match self.queries.entry(query) {
            Occupied(mut asked) => asked.get_mut().objects += 1,
            Vacant(new) => {
                new.insert(Asked { objects: 1, ..Asked::default() });
                self.regular += 1000.0 / query.1 as f64;
            }
        }
    }

    fn leave(&mut self, digest: u64, interval: Duration) {
        let query = key(digest, interval);
        let Occupied(mut asked) = self.queries.entry(query) else { return };
        asked.get_mut().objects -= 1;
        if asked.get().objects == 0 {
            asked.remove();
            self.regular -= 1000.0 / query.1 as f64;
        }
    }

    fn has_asked(&self, digest: u64, interval: Duration, not_before: Time) -> bool {
        self.queries.get(&key(digest, interval)).is_some_and(|asked| asked.last >= not_before)
    }

    fn ask(&mut self, digest: u64, interval: Duration, not_before: Time, now: Time) {
        if let Some(asked) = self.queries.get_mut(&key(digest, interval))
            && asked.last < not_before
        {
            asked.last = now;
            self.room -= 1.0;
        }
    }

    /// How many requests may begin at `now`, while so many polls wait.
    fn refill(&mut self, waiting: usize, now: Time) -> f64 {
        let rate = quickest(self.regular).max(LEAST_RATE).max(waiting as f64 / DRAINED.as_secs_f64());
        // What has gathered comes on top of the rate; a little more than a step's, or steps would lose some.
        let most = (MOST - rate).max(rate * STEP.as_secs_f64() * 1.5);
        self.room = (self.room + rate * now.since(self.since).as_secs_f64()).min(most);
        self.since = now;
        self.room
    }
}

#[cfg(test)]
mod tests;
