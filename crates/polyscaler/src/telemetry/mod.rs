//! Traces over OTLP, as the standard OTEL variables ask for them.
//!
//! ```text
//! runner's spans ─▶ layer ─▶ Queue ──bounded──▶ Sender ──▶ Exporter ──HTTP or gRPC──▶ receiver
//!                            never waits        one task   one try at a time
//! ```
//!
//! The operator's loop never waits for any of it: what finds the queue full is lost and counted.
//! Where the variables are not set nothing of this is built, and spans are never made.

mod exporter;
mod queue;
mod settings;

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use runner::TRACE_TARGET;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer as _, Registry};

use crate::logging::SpanLayer;
use exporter::Exporter;
use queue::Sender;
pub(crate) use settings::BadVariable;
use settings::Settings;

/// How long the process's end may wait for the last spans to be sent.
const LONGEST_FLUSH: Duration = Duration::from_secs(2);

/// Traces that are asked for and not yet sent.
pub(crate) struct Telemetry {
    provider: SdkTracerProvider,
    sender: Sender,
    /// Reported when sending starts.
    endpoint: String,
}

impl Telemetry {
    /// What the environment asks for; `None` where it asks for no traces.
    ///
    /// # Errors
    /// Where a variable has a value that means nothing.
    pub(crate) fn from_environment() -> Result<Option<Self>, BadVariable> {
        let read = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let Some(settings) = Settings::read(&read)? else { return Ok(None) };
        let endpoint = exporter::shown(&settings.endpoint);
        let exporter = Exporter::new(&settings)?;
        let (queue, sender) = queue::new(exporter, settings.batch);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            .with_sampler(settings.sampler)
            .with_resource(settings.resource)
            .build();
        Ok(Some(Self { provider, sender, endpoint }))
    }

    /// What makes OpenTelemetry's spans of the runner's.
    pub(crate) fn layer(&self) -> SpanLayer {
        let ours = filter_fn(|metadata| metadata.target() == TRACE_TARGET);
        tracing_opentelemetry::layer::<Registry>()
            .with_tracer(self.provider.tracer("polyscaler"))
            // Places in our code, threads and idle times mean nothing to users.
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Starts to send. Must be called within the async runtime.
    pub(crate) fn start(self) -> Sending {
        tracing::info!(endpoint = self.endpoint, "sending traces");
        let (end, ending) = oneshot::channel();
        Sending { end, task: tokio::spawn(self.sender.run(ending)), _provider: self.provider }
    }
}

/// Traces that are being sent.
pub(crate) struct Sending {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
    _provider: SdkTracerProvider,
}

impl Sending {
    /// Sends what is still to be sent, within two seconds.
    pub(crate) async fn end(self) {
        // One that has ended already has nothing more to send.
        let _ = self.end.send(());
        let stop = self.task.abort_handle();
        if tokio::time::timeout(LONGEST_FLUSH, self.task).await.is_err() {
            stop.abort();
            tracing::warn!("the receiver took too long, the last traces are lost");
        }
    }
}
