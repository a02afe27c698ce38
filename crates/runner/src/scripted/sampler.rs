//! Metric sources by URL, each with the answer that the test gave it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{AbsenceReason, Query, Reading, Time};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::{Busy, PausedClock};
use crate::{Clock as _, ObjectKey, Sampled, Sampler};

/// What a source answers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Value(f64),
    Absent,
    /// A value, after so long.
    Slow(Duration, f64),
    Never,
    Panic,
}

/// A question that was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) at: Time,
    pub(crate) not_before: Time,
}

pub(crate) struct Scripted {
    clock: Arc<PausedClock>,
    busy: Arc<Busy>,
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<HashMap<String, Vec<Asked>>>,
    /// By object, how many queries are listened to.
    listened: Mutex<HashMap<String, usize>>,
}

impl Scripted {
    pub(super) fn new(clock: Arc<PausedClock>, busy: Arc<Busy>) -> Self {
        Self { clock, busy, answers: Mutex::default(), asked: Mutex::default(), listened: Mutex::default() }
    }

    /// From now on the source `http://load/{who}` answers so.
    pub(crate) fn answer(&self, who: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(who.to_owned(), answer);
    }

    /// How many queries of an object are listened to.
    pub(crate) fn listened(&self, object: &str) -> usize {
        self.listened.lock().unwrap().get(object).copied().unwrap_or_default()
    }

    /// How often and when the source was asked.
    pub(crate) fn asked(&self, who: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().get(who).cloned().unwrap_or_default()
    }
}

impl Sampler for Scripted {
    fn sample<'a>(&'a self, query: &'a Query, not_before: Time) -> BoxFuture<'a, Sampled> {
        let who = query.key().rsplit('/').next().unwrap_or_default();
        async move {
            let _doing = self.busy.with(who);
            let at = self.clock.now();
            self.asked.lock().unwrap().entry(who.to_owned()).or_default().push(Asked { at, not_before });
            let answer = self.answers.lock().unwrap().get(who).copied().unwrap_or(Answer::Value(3000.0));
            let reading = match answer {
                Answer::Value(value) => Reading::of(value, self.clock.now()),
                Answer::Absent => Reading::absent(AbsenceReason::Timeout, "no response"),
                Answer::Slow(span, value) => {
                    tokio::time::sleep(span).await;
                    Reading::of(value, self.clock.now())
                }
                Answer::Never => std::future::pending().await,
                Answer::Panic => panic!("the script wants a source that panics"),
            };
            Sampled { reading, shared: false }
        }
        .boxed()
    }

    fn listen(&self, object: &ObjectKey, queries: &[&Query]) {
        self.listened.lock().unwrap().insert(object.name.clone(), queries.len());
    }
}
