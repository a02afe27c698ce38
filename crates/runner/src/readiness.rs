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

    /// Why `what` is waited for, if it is.
    pub fn why(&self, what: &str) -> Option<String> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get(what).cloned()
    }

    /// What is waited for, as lines `what: why`; empty when ready.
    pub fn waiting(&self) -> Vec<String> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().map(|(what, why)| format!("{what}: {why}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_until_all_has_arrived_and_reports_the_last_reason() {
        let readiness = Readiness::default();
        readiness.wait_for("lease", "not requested yet");
        readiness.wait_for("crd", "not listed yet");
        readiness.wait_for("lease", "forbidden");
        assert_eq!(readiness.waiting(), ["crd: not listed yet", "lease: forbidden"]);
        assert_eq!(readiness.why("lease").as_deref(), Some("forbidden"));
        readiness.arrived("crd");
        assert_eq!(readiness.why("crd"), None);
        readiness.arrived("crd");
        readiness.arrived("lease");
        assert!(readiness.waiting().is_empty());
    }
}
