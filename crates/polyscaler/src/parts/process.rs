//! The process around the parts: logs, traces and runtime before them, signals and listeners beside
//! them, and the exit status.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serve::Listening;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::Parts;
use crate::telemetry::Telemetry;

/// How long the end may take before what still runs is given up. Less than the 30 s after
/// which Kubernetes kills a pod.
const LONGEST_END: Duration = Duration::from_secs(20);

/// The exit status of flags and variables that mean nothing, the same as clap's.
pub(crate) const BAD_USAGE: u8 = 2;

/// Runs `work` to its end, with logs and traces as the environment asks for.
pub(crate) fn run(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let telemetry = match Telemetry::from_environment() {
        Ok(telemetry) => telemetry,
        Err(bad) => {
            eprintln!("polyscaler: {bad}");
            return Ok(ExitCode::from(BAD_USAGE));
        }
    };
    if let Err(bad) = crate::logging::start(telemetry.as_ref().map(Telemetry::layer)) {
        eprintln!("polyscaler: {bad:#}");
        return Ok(ExitCode::from(BAD_USAGE));
    }
    let runtime = working_runtime().context("the async runtime cannot be started")?;
    let result = runtime.block_on(async {
        let sending = telemetry.map(Telemetry::start);
        let result = work.await;
        if let Some(sending) = sending {
            sending.end().await;
        }
        result
    });
    runtime.shutdown_background();
    result
}

/// The runtime of the parts. One worker: polls are short and wait most of the time. With two, half of the processor time
/// went into waking each other. Who must be answered soon has a thread of its own: [`Apart`].
fn working_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

/// What asks the process to end. From when it is made, a signal no longer kills.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub(crate) async fn come(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => tracing::info!("shutting down"),
            _ = self.interrupt.recv() => tracing::info!("interrupted"),
        }
    }
}

/// A thread of its own for those whose callers hold up somebody else until they are answered, as the API server does, and who
/// must not wait while the parts have their hands full. Ends when it is dropped.
pub(crate) struct Apart {
    handle: Handle,
    _alive: oneshot::Sender<()>,
}

impl Apart {
    /// # Errors
    /// Where the system gives no thread.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime of listeners cannot be started")?;
        let handle = runtime.handle().clone();
        let (alive, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("serving".to_owned())
            .spawn(move || {
                let _ = runtime.block_on(ended);
                runtime.shutdown_background();
            })
            .context("the thread of listeners cannot be started")?;
        Ok(Self { handle, _alive: alive })
    }

    /// Has `work` done there, with all tasks that it leaves behind. A client for the API server is to be made so where
    /// answers depend on it: its requests pass through a task of where it was made.
    ///
    /// # Errors
    /// Where it panics.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> anyhow::Result<T> {
        self.handle.spawn(work).await.context("the thread of listeners")
    }
}

/// Listeners and what else serves until the parts have ended.
pub(crate) struct Servers {
    tasks: JoinSet<()>,
    end: watch::Sender<bool>,
    /// What serves apart from the parts lives until this is dropped.
    apart: Option<Apart>,
}

impl Servers {
    pub(crate) fn start(listeners: Vec<Listening>) -> Self {
        let mut servers = Self { tasks: JoinSet::new(), end: watch::Sender::new(false), apart: None };
        for listener in listeners {
            servers.tasks.spawn(listener.serve(servers.end.subscribe()));
        }
        servers
    }

    /// Has listeners served by a thread of their own. Health is none of them, as it is to tell of the thread that does the
    /// work.
    pub(crate) fn serve_apart(&mut self, apart: Apart, listeners: Vec<Listening>) {
        for listener in listeners {
            self.spawn_apart(&apart, |end| listener.serve(end));
        }
        self.apart = Some(apart);
    }

    /// Has `task` run by the thread of those who are served apart. Whatever shares a client with them belongs there: a
    /// connection lives where it was opened.
    pub(crate) fn spawn_apart<T>(&mut self, apart: &Apart, task: impl FnOnce(watch::Receiver<bool>) -> T)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn_on(task(self.end.subscribe()), &apart.handle);
    }

    /// Has `task` run beside them; the value that it gets turns true when it is to end.
    pub(crate) fn spawn<T>(&mut self, task: impl FnOnce(watch::Receiver<bool>) -> T)
    where
        T: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(task(self.end.subscribe()));
    }

    async fn end(self) {
        self.end.send_replace(true);
        let _ = tokio::time::timeout(Duration::from_secs(1), self.tasks.join_all()).await;
        drop(self.apart);
    }
}

/// Lets the parts run until a signal comes, and ends them in order.
///
/// # Errors
/// Where a part ends by itself.
pub(crate) async fn until_terminated(
    mut signals: Signals,
    mut parts: Parts,
    servers: Servers,
) -> anyhow::Result<ExitCode> {
    tokio::select! {
        () = signals.come() => {}
        part = parts.broken() => {
            anyhow::bail!("{part} ended unexpectedly; the log says why. Nothing is scaled without it, so \
                           the process exits");
        }
    }
    if tokio::time::timeout(LONGEST_END, parts.end()).await.is_err() {
        tracing::warn!("shutdown took too long, abandoning the remaining work");
    }
    servers.end().await;
    tracing::info!("ended");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
