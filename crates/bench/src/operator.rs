//! The operator that is measured: the real binary, with what it says of itself.

use std::ffi::OsStr;
use std::time::Duration;

use anyhow::ensure;
use testbed::ChildHandle;
use testbed::ports::PortClaim;
use tokio::time::Instant;

use crate::{Metrics, PATIENCE, Stage};

/// From one look at its metrics to the next: with ten thousand objects a look takes the operator a while, so that looks
/// that come too often would be what is measured.
const LOOK: Duration = Duration::from_millis(500);

/// Without a write for so long, nothing is left to be written.
const QUIET: Duration = Duration::from_secs(15);

/// How long it may take until what is new about many objects is written.
const LONGEST_WRITING: Duration = Duration::from_secs(1200);

/// One running operator. It ends with its stage.
pub struct Operator {
    /// Its process.
    pub process: ChildHandle,
    port: PortClaim,
}

impl Operator {
    /// Starts `program` as `name`, with these flags beside those that every one gets.
    pub fn start(stage: &Stage, name: &str, program: &str, flags: &[String]) -> anyhow::Result<Self> {
        let port = PortClaim::new()?;
        let mut all = vec![
            "operator".to_owned(),
            format!("--kubeconfig={}", stage.control_plane.kubeconfig().display()),
            format!("--metrics-address=127.0.0.1:{}", port.port()),
            "--health-address=off".to_owned(),
            "--activity-address=off".to_owned(),
        ];
        all.extend_from_slice(flags);
        let all = all.iter().map(OsStr::new);
        let process = stage.control_plane.supervisor().spawn(name, program, all, &[("LOG_LEVEL", "warn")])?;
        Ok(Self { process, port })
    }

    /// Its metrics at this moment.
    pub async fn metrics(&self) -> anyhow::Result<Metrics> {
        Metrics::read(self.port.port()).await
    }

    /// Waits until the series of `name` whose labels contain `label` add up to `least`.
    pub async fn wait_for(&self, name: &str, label: &str, least: f64) -> anyhow::Result<()> {
        self.wait_until(&format!("{name} {label} of {least}"), |metrics| {
            let found = metrics.sum(name, label);
            if found >= least { Ok(()) } else { Err(found.to_string()) }
        })
        .await
    }

    /// Waits until there have been so many polls since it started.
    pub async fn wait_for_polls(&self, polls: usize) -> anyhow::Result<()> {
        self.wait_for("polyscaler_decisions_total", "", polls as f64).await
    }

    /// Waits until it has polled so many ScaledObjects, each at least once. Some have two polls before others have one, so
    /// a number of polls does not tell.
    pub async fn wait_for_scaled_objects(&self, objects: usize) -> anyhow::Result<()> {
        self.wait_until(&format!("{objects} objects polled"), |metrics| {
            let found = metrics.count("keda_scaled_object_paused");
            if found >= objects { Ok(()) } else { Err(found.to_string()) }
        })
        .await
    }

    /// Waits until it has written nothing but its Lease for a while: whatever the start had it write is written.
    pub async fn wait_until_quiet(&self) -> anyhow::Result<()> {
        let end = Instant::now() + LONGEST_WRITING;
        let (mut before, mut since) = (f64::NAN, Instant::now());
        while since.elapsed() < QUIET {
            ensure!(
                Instant::now() < end,
                "the operator still writes after {LONGEST_WRITING:?}: {before} writes"
            );
            tokio::time::sleep(LOOK).await;
            let metrics = self.metrics().await?;
            let name = "polyscaler_writes_total";
            let writes = metrics.sum(name, "") - metrics.sum(name, "resource=\"lease\"");
            if writes != before {
                (before, since) = (writes, Instant::now());
            }
        }
        Ok(())
    }

    async fn wait_until(
        &self,
        what: &str,
        is_so: impl Fn(&Metrics) -> Result<(), String>,
    ) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            // At the very first it does not answer yet.
            let last = match self.metrics().await {
                Ok(metrics) => is_so(&metrics),
                Err(error) => Err(error.to_string()),
            };
            let Err(last) = last else { return Ok(()) };
            ensure!(Instant::now() < end, "{what}: not within {PATIENCE:?}; last seen: {last}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The metrics at the begin and at the end of a span of time from now on.
    pub async fn during(&self, span: Duration) -> anyhow::Result<(Metrics, Metrics)> {
        let before = self.metrics().await?;
        tokio::time::sleep(span).await;
        Ok((before, self.metrics().await?))
    }
}
