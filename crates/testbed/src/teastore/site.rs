//! TeaStore on a real control plane: seven Deployments in a namespace, and an endpoint that reports
//! their load by the pods that are ready. What happens is recorded.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::{COUNT, Figures, Moment, Record, SERVICES, Service, report, traffic};
use crate::{MetricServer, fixtures, wait};

/// Between two looks at the pods.
const LOOK: Duration = Duration::from_millis(200);

/// The longest that one pod of each service may take to be ready at the start.
const PATIENCE: Duration = Duration::from_secs(180);

const PATH: &str = "/teastore";

/// A running one. It stops answering when this value is dropped; the Deployments stay.
#[derive(Debug)]
pub struct Site {
    deployments: Api<Deployment>,
    server: Arc<MetricServer>,
    state: Arc<Mutex<State>>,
    looking: JoinHandle<()>,
    begun: Instant,
}

#[derive(Debug)]
struct State {
    entry: f64,
    record: Record,
    /// Why the last look failed, if it did.
    trouble: Option<String>,
}

/// The pods of every service, in the order of [`SERVICES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pods {
    /// Asked for.
    pub replicas: [u32; COUNT],
    /// Ready.
    pub ready: [u32; COUNT],
}

impl Site {
    /// Deploys the services in `namespace`, with as many pods as `entry` calls per second need, and
    /// waits until all are ready. New pods take `ready_after` of their service; scalers are
    /// going to poll in `interval`.
    ///
    /// # Errors
    /// What the API server says, or that the pods are not ready in time.
    pub async fn open(
        client: Client,
        namespace: &str,
        entry: f64,
        interval: Duration,
        ready_after: impl Fn(&Service) -> Duration,
    ) -> anyhow::Result<Self> {
        let deployments: Api<Deployment> = Api::namespaced(client, namespace);
        for (service, demand) in SERVICES.iter().zip(super::demands(entry)) {
            let replicas = i32::try_from(service.need(demand)).context("so many pods are none")?;
            let deployment = fixtures::deployment(&service.deployment(), namespace, replicas);
            let deployment = fixtures::with_ready_delay(deployment, ready_after(service));
            deployments.create(&PostParams::default(), &deployment).await?;
        }
        let server = Arc::new(MetricServer::start().await?);
        let state = State { entry, record: Record::new(interval), trouble: None };
        let state = Arc::new(Mutex::new(state));
        let begun = Instant::now();
        let looking = look(deployments.clone(), Arc::clone(&server), Arc::clone(&state), begun);
        let site = Self { deployments, server, state, looking: tokio::spawn(looking), begun };
        wait::until("the pods of all services", PATIENCE, || std::future::ready(site.satisfied())).await?;
        Ok(site)
    }

    /// Where the load is read, as [`report`] reports it.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(PATH)
    }

    /// Sets the calls per second at the entry from now on; when that is, for [`figures`](Self::figures).
    pub fn set_load(&self, entry: f64) -> Duration {
        let mut state = lock(&self.state);
        state.entry = entry;
        // The step begins at a moment of its own, not at the next look.
        if let Some(last) = state.record.last().copied() {
            let at = self.begun.elapsed();
            state.record.push(Moment { at, entry, ..last });
            return at;
        }
        self.begun.elapsed()
    }

    /// The time since the record began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What came of a span of time.
    #[must_use]
    pub fn figures(&self, from: Duration, to: Duration) -> Figures {
        lock(&self.state).record.figures(from, to)
    }

    /// The pods at present.
    ///
    /// # Errors
    /// What the API server says.
    pub async fn pods(&self) -> anyhow::Result<Pods> {
        pods(&self.deployments).await
    }

    /// Whether every service can bear the present load, as last seen; else what was seen.
    ///
    /// # Errors
    /// The ready pods, or why they are not known.
    pub fn satisfied(&self) -> Result<(), String> {
        let state = lock(&self.state);
        match (&state.trouble, state.record.last()) {
            (Some(trouble), _) => Err(trouble.clone()),
            (None, Some(moment)) if moment.is_satisfied() => Ok(()),
            (None, Some(moment)) => Err(format!("{:?} of {:?} ready", moment.ready, moment.replicas)),
            (None, None) => Err("nothing was seen".to_owned()),
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// Looks at the pods, and answers and records what that means, for as long as it is let.
async fn look(
    deployments: Api<Deployment>,
    server: Arc<MetricServer>,
    state: Arc<Mutex<State>>,
    begun: Instant,
) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let seen = pods(&deployments).await;
        let mut state = lock(&state);
        match seen {
            Ok(Pods { replicas, ready }) => {
                let entry = state.entry;
                server.set_json(PATH, &report(&traffic(entry, &ready), &ready));
                state.record.push(Moment { at: begun.elapsed(), entry, replicas, ready });
                state.trouble = None;
            }
            Err(error) => state.trouble = Some(format!("{error:#}")),
        }
    }
}

async fn pods(deployments: &Api<Deployment>) -> anyhow::Result<Pods> {
    let listed =
        deployments.list(&ListParams::default()).await.context("the Deployments cannot be listed")?;
    let mut pods = Pods::default();
    for (place, service) in SERVICES.iter().enumerate() {
        let name = Some(service.deployment());
        let deployment = listed.items.iter().find(|found| found.metadata.name == name);
        let deployment = deployment.with_context(|| format!("{} is gone", service.deployment()))?;
        let count = |count: Option<i32>| u32::try_from(count.unwrap_or(0)).unwrap_or(0);
        pods.replicas[place] = count(deployment.spec.as_ref().and_then(|spec| spec.replicas));
        pods.ready[place] = count(deployment.status.as_ref().and_then(|status| status.ready_replicas));
    }
    Ok(pods)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
