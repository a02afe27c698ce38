//! A hub as the operator builds it, with secrets and a clock in the test's hands. Shared by
//! the tests of all sources.

pub(crate) mod acceptor;
pub(crate) mod child;
pub(crate) mod raw_server;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use engine::{AbsenceReason, Query, Reading, Time};
use futures::FutureExt;
use futures::future::BoxFuture;
use sources::{AddressPolicy, Hub, Registry, SecretData, SecretReader};

/// Secrets by `namespace/name`, which a test changes as it likes.
#[derive(Default)]
pub(crate) struct Vault(Mutex<BTreeMap<String, SecretData>>);

impl Vault {
    pub(crate) fn set(&self, name: &str, key: &str, value: &str) {
        self.0.lock().unwrap().entry(name.into()).or_default().insert(key.into(), value.into());
    }
}

impl SecretReader for Vault {
    fn read<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, Result<SecretData, String>> {
        let found = self.0.lock().unwrap().get(&format!("{namespace}/{name}")).cloned();
        async move { found.ok_or_else(|| "not found".to_owned()) }.boxed()
    }
}

pub(crate) struct Bench {
    pub(crate) hub: Arc<Hub>,
    pub(crate) vault: Arc<Vault>,
    clock: Arc<AtomicI64>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(AddressPolicy::default())
    }

    pub(crate) fn with(policy: AddressPolicy) -> Self {
        let vault = Arc::new(Vault::default());
        let clock = Arc::new(AtomicI64::new(testbed::cloud_monitoring::now().as_millisecond()));
        let time = Arc::clone(&clock);
        let hub = Hub::new(
            Arc::new(Registry::new(policy)),
            Arc::clone(&vault) as Arc<dyn SecretReader>,
            Arc::new(move || Time::from_millis(time.load(Ordering::SeqCst))),
            Arc::new(|_| {}),
        );
        Self { hub: Arc::new(hub), vault, clock }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_millis(self.clock.load(Ordering::SeqCst))
    }

    /// Reads anew, whatever was read before.
    pub(crate) async fn read(&self, query: &Query) -> Reading {
        self.clock.fetch_add(1, Ordering::SeqCst);
        self.hub.read(query, self.now()).await.reading.clone()
    }
}

pub(crate) fn outcome(reading: Reading) -> Result<f64, (AbsenceReason, String)> {
    match reading {
        Reading::Value { value, .. } => Ok(value.get()),
        Reading::Absent(absence) => Err((absence.reason, absence.message)),
        other => panic!("neither a number nor an absence: {other:?}"),
    }
}
