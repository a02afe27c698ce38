//! What the process still waits for before it can do its work.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The things waited for, each with what a person can do about it. Ready when empty.
#[derive(Debug, Default)]
pub struct Readiness {
    waiting: Mutex<BTreeMap<String, String>>,
}

impl Readiness {
    /// Notes that `what` is waited for, and why.
    pub fn wait_for(&self, what: &str, why: impl Into<String>) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(what.to_owned(), why.into());
    }

    /// Notes that `what` is there.
    pub fn arrived(&self, what: &str) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }

    /// What is waited for, as lines `what: why`; empty when ready.
    pub fn waiting(&self) -> Vec<String> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().map(|(what, why)| format!("{what}: {why}")).collect()
    }
}
