//! What is written about supporting objects: who refers to one, in its status, as KEDA does, and Events when one comes,
//! changes or goes. Nothing is decided by either; they are for people.
//!
//! ```text
//!  watch ─▶ note ─▶ what a status lacks, Events ─▶ run, while this replica leads ─▶ patch, create
//! ```

mod news;
mod users;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use resources::{Reference, Supporting};
use runner::ObjectKey;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use news::{News, Stories};
use users::Lists;
pub use work::SupportingWork;

/// What is to be written about supporting objects. Kept by watches.
#[derive(Default)]
pub struct SupportingObjects {
    lists: Mutex<Lists>,
    stories: Mutex<Stories>,
    news: Notify,
    /// Whether the objects are left to someone else, who writes their status.
    is_left: AtomicBool,
}

/// A supporting object, as a watch reports it.
#[derive(Clone, Copy)]
pub(crate) struct Reported<'a> {
    pub(crate) kind: &'static Supporting,
    pub(crate) reference: &'a Reference,
    /// `None` where it is gone.
    pub(crate) object: Option<&'a Value>,
    /// Whether it is ours to write.
    pub(crate) acts_here: bool,
    /// Whether everybody who may refer to it is known.
    pub(crate) sees_all: bool,
}

impl SupportingObjects {
    /// Notes that the object `key`, which was `created` then, refers to these from now on, and to no others.
    pub(crate) fn refers(&self, key: &ObjectKey, created: &str, references: Vec<Reference>) {
        if self.lists().refers(key, created, references) {
            self.news.notify_one();
        }
    }

    /// Notes an object as it is now.
    pub(crate) fn seen(&self, reported: Reported<'_>) {
        let is_listed_wrong = self.lists().seen(reported, Instant::now());
        let is_news = self.stories().seen(reported) && !self.is_left();
        if is_listed_wrong || is_news {
            self.news.notify_one();
        }
    }

    /// Notes that all there is has been reported. Before, a name may only seem to be wrong, and nothing is new.
    pub(crate) fn listed(&self) {
        self.lists().listed();
        self.stories().listed();
        self.news.notify_one();
    }

    /// Whether the objects are left to someone else.
    pub(crate) fn leave(&self, is_left: bool) {
        self.is_left.store(is_left, Ordering::Relaxed);
        self.news.notify_one();
    }

    fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    fn due(&self) -> Vec<users::Change> {
        if self.is_left() { Vec::new() } else { self.lists().due(Instant::now()) }
    }

    /// What has happened since the last look; nobody is told what happened to objects that were left to someone else.
    fn untold(&self) -> Vec<News> {
        let untold = self.stories().take();
        if self.is_left() { Vec::new() } else { untold }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stories(&self) -> MutexGuard<'_, Stories> {
        self.stories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
