//! A shop with a subscription, its service account, and queries of the source `pubsub`.

use std::time::Duration;

use engine::{AbsenceReason, Reading};
use serde_json::{Value, json};
use testbed::CloudMonitoring;
use testbed::cloud_monitoring::ServiceAccount;

use crate::support::{Bench, Question, outcome};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// The project `shop`, whose account `reader` may read its metrics. The key is in the secret `gcp`.
pub(crate) struct Shop {
    pub(crate) bench: Bench,
    pub(crate) server: CloudMonitoring,
    pub(crate) account: ServiceAccount,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let server = CloudMonitoring::start().await.unwrap();
        let account = server.service_account("reader", &["shop"]).await.unwrap();
        let shop = Self { bench: Bench::new(), server, account };
        shop.set_key(&shop.account.key_json);
        shop
    }

    /// Puts a key into the secret, as someone does who rotates keys.
    pub(crate) fn set_key(&self, key_json: &str) {
        self.bench.vault.set("shop/gcp", "key.json", key_json);
    }

    /// A query for the subscription `orders`, with `settings` besides.
    pub(crate) fn query(&self, settings: Value) -> Question {
        let mut config = json!({
            "projectId": "shop",
            "subscription": "orders",
            "credentialsFrom": {"secretKeyRef": {"name": "gcp", "key": "key.json"}},
            "endpoint": self.server.endpoint(),
            "timeoutSeconds": 20,
        });
        config.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        Question { source: "pubsub", config }
    }

    pub(crate) async fn reading(&self, settings: Value) -> Reading {
        self.bench.read(&self.query(settings)).await
    }

    /// The number; an absence's message never holds a secret.
    pub(crate) async fn number(&self, settings: Value) -> Result<f64, (AbsenceReason, String)> {
        let outcome = outcome(self.reading(settings).await);
        let shown = format!("{outcome:?}");
        let pem = self.account.private_key.lines().nth(1).unwrap();
        assert!(!shown.contains(pem) && !shown.contains("PRIVATE KEY"), "{shown}");
        assert!(self.server.issued_tokens().iter().all(|token| !shown.contains(token)), "{shown}");
        outcome
    }

    /// The reading of the subscription as it is.
    pub(crate) async fn backlog(&self) -> Result<f64, (AbsenceReason, String)> {
        self.number(json!({})).await
    }
}
