//! Shares readings: however many objects ask the same query, the source is asked once.
//!
//! A reading runs in a task of its own, so a caller that goes away takes nobody else's
//! answer with it, and a source that panics ends as an absence of its own reading.

mod listen;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::{Absence, AbsenceReason, Query, Reading, Time};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use crate::credentials::{CredentialReader, Credentials};
use crate::pods::NoCluster;
use crate::registry::Content;
use crate::source::{MetricsReader, Past, PastSpan, PodReader, Request, ServiceReader};
use listen::Streams;
pub use listen::Wake;

/// Readings that nobody asked for in this time are forgotten.
const KEEP_UNUSED: Duration = Duration::from_secs(600);

/// How often forgotten readings are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Returns the time.
pub type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// Is notified of every reading that went to a source.
pub type Observer = Arc<dyn Fn(&ReadStats<'_>) + Send + Sync>;

/// One reading that went to a source, for counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadStats<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Why there was no number; `None` where there was one.
    pub outcome: Option<AbsenceReason>,
    /// How long it took, credentials included.
    pub latency: Duration,
}

/// A reading, and when its source began to be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedReading {
    /// What the source answered.
    pub reading: Reading,
    /// When the reading began. It knows of nothing that happened at the source before it.
    pub begun: Time,
}

/// What one caller got.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The reading, which others may have got, too.
    pub reading: Arc<SharedReading>,
    /// Whether it was begun for another caller.
    pub joined: bool,
}

/// Reads queries, and shares what equal ones read.
pub struct Hub {
    upstream: Arc<Upstream>,
    clock: Clock,
    entries: Mutex<Entries>,
    streams: Arc<Streams>,
}

/// What a flight needs of the world.
#[derive(Clone)]
struct Upstream {
    credentials: Arc<dyn CredentialReader>,
    pods: Arc<dyn PodReader>,
    metrics: Arc<dyn MetricsReader>,
    services: Arc<dyn ServiceReader>,
    observer: Observer,
}

#[derive(Default)]
struct Entries {
    by_query: HashMap<Keyed, Entry>,
    swept: Time,
}

/// A query as a key, so that its text is not copied.
struct Keyed(Query);

impl Borrow<str> for Keyed {
    fn borrow(&self) -> &str {
        self.0.key()
    }
}

impl Hash for Keyed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key().hash(state);
    }
}

impl PartialEq for Keyed {
    fn eq(&self, other: &Self) -> bool {
        self.0.key() == other.0.key()
    }
}

impl Eq for Keyed {}

/// The newest reading of one query, finished or in flight.
struct Entry {
    begun: Time,
    used: Time,
    flight: Flight,
}

/// A reading that runs, or what it came to: there is one of each query, and what has ended needs no room for a task.
#[derive(Clone)]
enum Flight {
    Runs(Shared<BoxFuture<'static, Arc<SharedReading>>>),
    Ended(Arc<SharedReading>),
}

impl Flight {
    fn runs(&self) -> bool {
        match self {
            Self::Runs(flight) => flight.peek().is_none(),
            Self::Ended(_) => false,
        }
    }
}

/// A flight as one caller met it.
struct Boarding {
    flight: Flight,
    begun: Time,
    joined: bool,
}

impl Hub {
    /// A hub for queries of a [`Registry`](crate::Registry), whose credentials `credentials` reads.
    pub fn new(credentials: Arc<dyn CredentialReader>, clock: Clock, observer: Observer) -> Self {
        let (pods, metrics, services) = (Arc::new(NoCluster), Arc::new(NoCluster), Arc::new(NoCluster));
        let upstream = Upstream { credentials, pods, metrics, services, observer };
        Self { upstream: Arc::new(upstream), clock, entries: Mutex::default(), streams: Arc::default() }
    }

    /// The same hub for sources that read the cluster itself, by `pods`. Without it, they find no cluster.
    #[must_use]
    pub fn with_pods(self, pods: Arc<dyn PodReader>) -> Self {
        Self { upstream: Arc::new(Upstream { pods, ..(*self.upstream).clone() }), ..self }
    }

    /// The same for sources that read APIs of metrics, by `metrics`.
    #[must_use]
    pub fn with_metrics(self, metrics: Arc<dyn MetricsReader>) -> Self {
        Self { upstream: Arc::new(Upstream { metrics, ..(*self.upstream).clone() }), ..self }
    }

    /// The same for sources that ask what stands behind Services, which `services` knows.
    #[must_use]
    pub fn with_services(self, services: Arc<dyn ServiceReader>) -> Self {
        Self { upstream: Arc::new(Upstream { services, ..(*self.upstream).clone() }), ..self }
    }

    /// A reading of `query` that was begun at or after `not_before`: the last one, the
    /// one in flight or a new one. A time in the future counts as now.
    ///
    /// Must be called within a tokio runtime. Dropping the future stops no reading.
    pub async fn read(&self, query: &Query, not_before: Time) -> Arc<SharedReading> {
        self.ask(query, not_before).await.reading
    }

    /// The same as [`read`](Self::read), and whether the reading was begun for another caller.
    pub async fn ask(&self, query: &Query, not_before: Time) -> Answer {
        let not_before = not_before.min((self.clock)());
        loop {
            let Boarding { flight, begun, joined } = self.board(query, not_before);
            let reading = match flight {
                Flight::Ended(reading) => reading,
                Flight::Runs(flight) => self.ended(query, flight.await),
            };
            if begun >= not_before {
                return Answer { reading, joined };
            }
        }
    }

    /// Notes what the newest flight of `query` came to, if that is what this `reading` is of.
    fn ended(&self, query: &Query, reading: Arc<SharedReading>) -> Arc<SharedReading> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.by_query.get_mut(query.key())
            && entry.begun == reading.begun
        {
            entry.flight = Flight::Ended(Arc::clone(&reading));
        }
        reading
    }

    /// What the source of `query` knows of its values in the past; `None` where it keeps none. It is not shared.
    pub async fn past(&self, query: &Query, span: PastSpan) -> Option<Result<Past, Absence>> {
        self.upstream.past(query, span, (self.clock)()).await
    }

    /// The flight to wait for: one that is new enough, else an older one that still runs (a
    /// query is never asked twice at once), else a new one.
    fn board(&self, query: &Query, not_before: Time) -> Boarding {
        let now = (self.clock)();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.by_query.get_mut(query.key())
            && (entry.begun >= not_before || entry.flight.runs())
        {
            entry.used = now;
            return Boarding { flight: entry.flight.clone(), begun: entry.begun, joined: true };
        }
        entries.sweep(now);
        let flight = launch(Arc::clone(&self.upstream), Arc::clone(&self.streams), query.clone(), now);
        let entry = Entry { begun: now, used: now, flight: flight.clone() };
        // An insertion alone would leave the key that was there, and with it a query that nobody has any more.
        entries.by_query.remove(query.key());
        entries.by_query.insert(Keyed(query.clone()), entry);
        Boarding { flight, begun: now, joined: false }
    }
}

impl Entries {
    fn sweep(&mut self, now: Time) {
        if now.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.by_query.retain(|_, entry| now.since(entry.used) < KEEP_UNUSED);
        self.by_query.shrink_to(self.by_query.len() * 2);
    }
}

/// Begins a reading in a task of its own.
fn launch(upstream: Arc<Upstream>, streams: Arc<Streams>, query: Query, begun: Time) -> Flight {
    let task = tokio::spawn(async move {
        let started = Instant::now();
        let guarded = AssertUnwindSafe(upstream.read(&query, &streams, begun)).catch_unwind().await;
        let reading = guarded.unwrap_or_else(|_| {
            tracing::error!(source = query.source(), "a metric source panicked");
            broken_off(query.source())
        });
        let outcome = reading.absence().map(|absence| absence.reason);
        let latency = started.elapsed();
        (upstream.observer)(&ReadStats { source: query.source(), outcome, latency });
        Arc::new(SharedReading { reading, begun })
    });
    let finished = task.map(move |joined| {
        // The runtime is going down, or the observer panicked.
        joined.unwrap_or_else(|_| Arc::new(SharedReading { reading: broken_off("hub"), begun }))
    });
    Flight::Runs(finished.boxed().shared())
}

fn broken_off(who: &str) -> Reading {
    let message = format!("{who}: the reading failed with an internal error");
    Reading::absent(AbsenceReason::Malformed, message)
}

impl Upstream {
    fn request<'a>(&'a self, credentials: &'a Credentials, begun: Time) -> Request<'a> {
        let Self { pods, metrics, services, .. } = self;
        Request {
            credentials,
            pods: pods.as_ref(),
            metrics: metrics.as_ref(),
            services: services.as_ref(),
            begun,
        }
    }

    async fn read(&self, query: &Query, streams: &Streams, begun: Time) -> Reading {
        let Some(Content { ask, needs }) = query.content() else {
            let message =
                format!("{}: the query was not prepared by this operator's sources", query.source());
            return Reading::absent(AbsenceReason::Malformed, message);
        };
        match Credentials::read(needs, self.credentials.as_ref()).await {
            Ok(credentials) => {
                streams.renew(query, &credentials);
                ask.ask(self.request(&credentials, begun)).await
            }
            Err(absence) => Reading::Absent(absence),
        }
    }

    async fn past(&self, query: &Query, span: PastSpan, begun: Time) -> Option<Result<Past, Absence>> {
        let Content { ask, needs } = query.content()?;
        match Credentials::read(needs, self.credentials.as_ref()).await {
            Ok(credentials) => ask.past(self.request(&credentials, begun), span).await,
            Err(absence) => Some(Err(absence)),
        }
    }
}

#[cfg(test)]
mod tests;
