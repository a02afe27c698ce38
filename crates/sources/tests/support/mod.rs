//! A hub as the operator builds it, with secrets and a clock in the test's hands. Shared by
//! the tests of all sources.

pub(crate) mod acceptor;
pub(crate) mod child;
pub(crate) mod raw_server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use engine::{
    Absence, AbsenceReason, Asked, AskedTarget, ConfigPath, Credential, Holder, Query, Reading, Sought,
    SourceCatalog as _, Time,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use sources::{
    AddressPolicy, CredentialReader, Hub, Past, PastSpan, Registry, ServiceReader, SharedReading, Values,
};

/// Secrets by `namespace/name`, which a test changes as it likes.
#[derive(Default)]
pub(crate) struct Vault(Mutex<BTreeMap<String, Values>>);

impl Vault {
    pub(crate) fn set(&self, name: &str, key: &str, value: &str) {
        self.0.lock().unwrap().entry(name.into()).or_default().insert(key.into(), value.into());
    }
}

impl CredentialReader for Vault {
    fn read<'a>(
        &'a self,
        holder: &'a Holder,
        _: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Values, String>> {
        let Holder::Secret { namespace, name } = holder else { panic!("{holder} is no secret") };
        let found = self.0.lock().unwrap().get(&format!("{namespace}/{name}")).cloned();
        async move { found.ok_or_else(|| "not found".to_owned()) }.boxed()
    }
}

/// What an object in the namespace `shop` asks of a source.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) source: &'static str,
    pub(crate) config: Value,
}

pub(crate) struct Bench {
    pub(crate) hub: Arc<Hub>,
    registry: Registry,
    pub(crate) vault: Arc<Vault>,
    clock: Arc<AtomicI64>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(AddressPolicy::default())
    }

    /// One whose Services `services` knows.
    pub(crate) fn with_services(services: Arc<dyn ServiceReader>) -> Self {
        let Self { hub, registry, vault, clock } = Self::new();
        let hub = Arc::into_inner(hub).unwrap().with_services(services);
        Self { hub: Arc::new(hub), registry, vault, clock }
    }

    pub(crate) fn with(policy: AddressPolicy) -> Self {
        let vault = Arc::new(Vault::default());
        let clock = Arc::new(AtomicI64::new(testbed::cloud_monitoring::now().as_millisecond()));
        let time = Arc::clone(&clock);
        let hub = Hub::new(
            Arc::clone(&vault) as Arc<dyn CredentialReader>,
            Arc::new(move || Time::from_millis(time.load(Ordering::SeqCst))),
            Arc::new(|_| {}),
        );
        Self { hub: Arc::new(hub), registry: Registry::new(policy), vault, clock }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from_millis(self.clock.load(Ordering::SeqCst))
    }

    /// A moment later than any before, at which nothing has been read yet.
    pub(crate) fn tick(&self) -> Time {
        self.clock.fetch_add(1, Ordering::SeqCst);
        self.now()
    }

    /// The query as the object's plan has it.
    pub(crate) fn prepare(&self, question: &Question) -> Query {
        self.prepare_with(question, &[])
    }

    /// The same with credentials that stand elsewhere.
    pub(crate) fn prepare_with(&self, question: &Question, credentials: &[(&str, Credential)]) -> Query {
        let credentials: Vec<(&str, Sought)> =
            credentials.iter().map(|(setting, credential)| (*setting, credential.clone().into())).collect();
        self.prepare_sought(question, &credentials)
    }

    /// The same with settings that are looked for in several places.
    pub(crate) fn prepare_sought(&self, question: &Question, credentials: &[(&str, Sought)]) -> Query {
        let Question { source, config } = question;
        let path = ConfigPath { source: "spec.type", config: "spec.config", elsewhere: &[] };
        let target = AskedTarget::Refused;
        let asked = Asked { source, config, path, namespace: "shop", target, credentials };
        self.registry.prepare(&asked).unwrap_or_else(|problems| panic!("{config}: {problems:?}")).query
    }

    /// Reads again, whatever was read before.
    pub(crate) async fn read(&self, question: &Question) -> Reading {
        self.read_since(question, self.tick()).await.reading.clone()
    }

    /// What the source knows of the past.
    pub(crate) async fn past(&self, question: &Question, span: PastSpan) -> Option<Result<Past, Absence>> {
        self.hub.past(&self.prepare(question), span).await
    }

    /// Reads, unless there is a reading that began at or after `not_before`.
    pub(crate) async fn read_since(&self, question: &Question, not_before: Time) -> Arc<SharedReading> {
        self.hub.read(&self.prepare(question), not_before).await
    }
}

pub(crate) fn outcome(reading: Reading) -> Result<f64, (AbsenceReason, String)> {
    match reading {
        Reading::Value { value, .. } => Ok(value.get()),
        Reading::Absent(absence) => Err((absence.reason, absence.message)),
        other => panic!("neither a number nor an absence: {other:?}"),
    }
}
