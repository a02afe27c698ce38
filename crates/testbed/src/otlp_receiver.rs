//! A real receiver of traces: OpenTelemetry's collector, built once from `hack/collector`, which
//! prints what comes in. Tests send traces to it and read them here, span by span.

mod span;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::ports::PortClaim;
use crate::supervisor::{Signal, Supervisor};
use crate::wait;

pub use span::{ReceivedSpan, Status};

const NAME: &str = "collector";

/// How long it may take to listen.
const READY: Duration = Duration::from_secs(120);

/// How often starting is tried when a port was taken by a program that does not know our claims.
const ATTEMPTS: usize = 3;

/// One running receiver. Its ports stay its own while it is stopped.
#[derive(Debug)]
pub struct OtlpReceiver {
    supervisor: Supervisor,
    address: IpAddr,
    http: PortClaim,
    grpc: PortClaim,
}

impl OtlpReceiver {
    /// Starts one and waits until it listens. Builds its program first where that is missing,
    /// which takes minutes; what it does then goes to standard error.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(Ipv4Addr::LOCALHOST.into()).await
    }

    /// The same at an address of this machine that others reach.
    pub async fn start_on(address: IpAddr) -> anyhow::Result<Self> {
        let program = tokio::task::spawn_blocking(program).await.context("building panicked")??;
        let mut failure = None;
        for _ in 0..ATTEMPTS {
            let (http, grpc) = (PortClaim::new()?, PortClaim::new()?);
            let receiver = Self { supervisor: Supervisor::new("polyscaler-otlp")?, address, http, grpc };
            let config = format!("yaml:{}", receiver.config());
            receiver.supervisor.spawn(NAME, &program, ["--config", &config], &[])?;
            match receiver.wait_until_ready().await {
                Ok(()) => return Ok(receiver),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.context("no attempt was made")?)
    }

    /// Where to send traces over HTTP, as a value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}:{}", self.address, self.http.port())
    }

    /// Where to send traces over gRPC.
    #[must_use]
    pub fn grpc_url(&self) -> String {
        format!("http://{}:{}", self.address, self.grpc.port())
    }

    /// All spans received so far, in the order in which they came.
    pub fn spans(&self) -> anyhow::Result<Vec<ReceivedSpan>> {
        let received = self.text()?;
        // What has no end yet is a line that is being written.
        let whole = received.rfind('\n').map_or("", |end| &received[..end]);
        let mut spans = Vec::new();
        for line in whole.lines().filter(|line| line.starts_with("{\"resourceSpans\"")) {
            let request: Value = serde_json::from_str(line).context("the collector printed no JSON")?;
            span::read(&request, &mut spans)?;
        }
        Ok(spans)
    }

    /// All that it printed, its own log included.
    pub fn text(&self) -> anyhow::Result<String> {
        let path = self.supervisor.directory().join(format!("{NAME}.log"));
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Ends it; what it received stays. Nothing listens at its ports until it is started again.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.supervisor.stop(NAME).await
    }

    /// Starts it again after [`stop`](Self::stop), and waits until it listens.
    pub async fn start_again(&self) -> anyhow::Result<()> {
        self.supervisor.spawn_again(NAME)?;
        self.wait_until_ready().await
    }

    /// Has it accept connections and answer nothing.
    pub fn pause(&self) -> anyhow::Result<()> {
        self.supervisor.signal(NAME, Signal::STOP)
    }

    /// Ends [`pause`](Self::pause).
    pub fn resume(&self) -> anyhow::Result<()> {
        self.supervisor.signal(NAME, Signal::CONT)
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let look = || async {
            for port in [&self.http, &self.grpc] {
                tokio::net::TcpStream::connect((self.address, port.port())).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        tokio::select! {
            ready = wait::until("collector ready", READY, look) => ready,
            death = self.supervisor.first_death(&[NAME]) => Err(death),
        }
    }

    fn config(&self) -> Value {
        let listen = |port: &PortClaim| json!({ "endpoint": format!("{}:{}", self.address, port.port()) });
        json!({
            "receivers": { "otlp": { "protocols": { "http": listen(&self.http), "grpc": listen(&self.grpc) } } },
            "exporters": { "print": {} },
            "service": { "pipelines": { "traces": { "receivers": ["otlp"], "exporters": ["print"] } } },
        })
    }
}

/// The collector's program, built where it is missing.
fn program() -> anyhow::Result<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../hack/collector/collector.sh");
    let run = Command::new(script).stderr(std::process::Stdio::inherit()).output();
    let run = run.with_context(|| format!("cannot run {script}"))?;
    if !run.status.success() {
        bail!("the collector is missing and could not be built, see above");
    }
    let path = String::from_utf8(run.stdout).context("the collector's path is no text")?;
    Ok(PathBuf::from(path.trim_end()))
}
