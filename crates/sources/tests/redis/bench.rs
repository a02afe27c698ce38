//! Queries of the source `redis` through the hub.

use std::time::Duration;

use engine::AbsenceReason;
use serde_json::{Value, json};
use testbed::RedisServer;

pub(crate) use crate::support::{Bench, Question, outcome};

/// Far above what a busy machine takes for anything here.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

pub(crate) type Outcome = Result<f64, (AbsenceReason, String)>;

impl Bench {
    /// Reads with `settings`, within 20 s unless they say else.
    pub(crate) async fn number(&self, settings: &Value) -> Outcome {
        outcome(self.read(&query(settings)).await)
    }

    /// Reads until it is `expected`.
    pub(crate) async fn until(&self, expected: f64, settings: &Value) {
        let look = || async {
            match self.number(settings).await {
                Ok(found) if found == expected => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        testbed::wait::until(&format!("{expected} at {settings}"), LIMIT, look).await.unwrap();
    }

    /// Reads what must be an absence, and returns its message.
    pub(crate) async fn absence(&self, settings: &Value, reason: AbsenceReason) -> String {
        match self.number(settings).await {
            Err((found, message)) if found == reason => message,
            other => panic!("{settings} should be {reason}, and is {other:?}"),
        }
    }
}

pub(crate) fn query(settings: &Value) -> Question {
    Question { source: "redis", config: with(&json!({"timeoutSeconds": 20}), settings) }
}

/// The settings of one object, changed by those of another.
pub(crate) fn with(settings: &Value, changes: &Value) -> Value {
    let mut settings = settings.clone();
    settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    settings
}

/// The settings for a list of a server.
pub(crate) fn list(server: &RedisServer, name: &str) -> Value {
    json!({"address": server.url(), "listName": name})
}

pub(crate) fn secret(key: &str) -> Value {
    json!({"secretKeyRef": {"name": "redis", "key": key}})
}

/// Pushes `count` items onto a list.
pub(crate) async fn push(server: &RedisServer, name: &str, count: usize) {
    let items: Vec<_> = (0..count).map(|number| number.to_string()).collect();
    let command: Vec<_> = ["RPUSH", name].into_iter().chain(items.iter().map(String::as_str)).collect();
    server.run(&command).await.unwrap();
}
