//! Queries of the source `http` through the hub.

use engine::AbsenceReason;
use serde_json::{Value, json};

pub(crate) use crate::support::{Bench, Question, outcome};

impl Bench {
    /// Reads the number at `$.active_users` of `url`.
    pub(crate) async fn number_at(&self, url: &str) -> Result<f64, (AbsenceReason, String)> {
        outcome(self.read(&query(json!({"url": url}))).await)
    }

    /// The same within a time of its own.
    pub(crate) async fn number_within(
        &self,
        seconds: u64,
        url: &str,
    ) -> Result<f64, (AbsenceReason, String)> {
        outcome(self.read(&query(json!({"url": url, "timeoutSeconds": seconds}))).await)
    }
}

/// A query of the source `http` with `settings`, within 20 s and at `$.active_users` unless they say else.
pub(crate) fn query(settings: Value) -> Question {
    let mut config = json!({"valuePath": "$.active_users", "timeoutSeconds": 20});
    config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Question { source: "http", config }
}
