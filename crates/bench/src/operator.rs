//! The operator that is measured: the real binary, with what it says of itself.

use std::ffi::OsStr;
use std::time::Duration;

use testbed::ports::PortClaim;
use testbed::{ChildHandle, wait};

use crate::{Metrics, PATIENCE, Stage};

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
        let look = || async {
            match self.metrics().await?.sum(name, label) {
                found if found >= least => Ok(()),
                found => Err(anyhow::anyhow!("{found}")),
            }
        };
        wait::until(&format!("{name} {label} of {least}"), PATIENCE, look).await
    }

    /// Waits until there have been so many polls since it started.
    pub async fn wait_for_polls(&self, polls: usize) -> anyhow::Result<()> {
        self.wait_for("polyscaler_decisions_total", "", polls as f64).await
    }

    /// The metrics at the begin and at the end of a span of time from now on.
    pub async fn during(&self, span: Duration) -> anyhow::Result<(Metrics, Metrics)> {
        let before = self.metrics().await?;
        tokio::time::sleep(span).await;
        Ok((before, self.metrics().await?))
    }
}
