//! Queries of the source `nats` through the hub.

use std::time::Duration;

use engine::AbsenceReason;
use serde_json::{Value, json};

pub(crate) use crate::support::{Bench, Question, outcome};

/// Far above what a busy machine takes for anything here.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

impl Bench {
    /// Reads with `settings`, within 20 s unless they say else.
    pub(crate) async fn waiting(&self, settings: Value) -> Result<f64, (AbsenceReason, String)> {
        outcome(self.read(&query(settings)).await)
    }

    /// Reads what waits for `subject` at `url`.
    pub(crate) async fn waiting_for(&self, url: &str, subject: &str) -> Result<f64, (AbsenceReason, String)> {
        self.waiting(json!({"monitoringUrl": url, "subject": subject})).await
    }

    /// Reads until it is `expected`: servers report what a client has done only a moment later.
    pub(crate) async fn until_waiting(&self, expected: f64, settings: Value) {
        let what = format!("{expected} messages waiting at {settings}");
        let look = || async {
            match self.waiting(settings.clone()).await {
                Ok(found) if found == expected => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        testbed::wait::until(&what, LIMIT, look).await.unwrap();
    }
}

pub(crate) fn query(settings: Value) -> Question {
    let mut config = json!({"timeoutSeconds": 20});
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Question { source: "nats", config }
}
