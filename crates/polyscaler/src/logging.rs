//! Logs: structured, on stderr, set by `LOG_LEVEL` and `LOG_FORMAT`.

use anyhow::bail;
use runner::TRACE_TARGET;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

/// The crates whose messages are ours; libraries speak only when they warn.
const OURS: [&str; 6] = ["polyscaler", "cluster", "runner", "sources", "serve", "testbed"];

/// Something else that looks at spans.
pub(crate) type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Starts logging as the environment asks for: `LOG_LEVEL` is a level or a filter such as
/// `info,cluster=debug`, `LOG_FORMAT` is `text` or `json`. The spans of traces are none of the
/// log's business; `traces` gets them, where there is one.
///
/// # Errors
/// Where one of the two has a value that means nothing.
pub(crate) fn start(traces: Option<SpanLayer>) -> anyhow::Result<()> {
    let filter = filter(&variable("LOG_LEVEL", "info"))?;
    let filter = filter.and(filter_fn(|metadata| metadata.target() != TRACE_TARGET));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: SpanLayer = match variable("LOG_FORMAT", "text").as_str() {
        "json" => lines.json().flatten_event(true).with_filter(filter).boxed(),
        "text" => {
            use std::io::IsTerminal as _;
            lines.with_ansi(std::io::stderr().is_terminal()).with_filter(filter).boxed()
        }
        other => bail!("LOG_FORMAT={other}: must be text or json"),
    };
    tracing_subscriber::registry().with(traces.into_iter().chain([lines]).collect::<Vec<_>>()).init();
    Ok(())
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
}

fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let lower = level.to_lowercase();
    let directives = if LEVELS.contains(&lower.as_str()) {
        let ours = OURS.map(|name| format!("{name}={lower}")).join(",");
        // What goes wrong with a watch is reported once by `cluster`, and by the library at each attempt.
        format!("{},{ours}", if lower == "off" { "off" } else { "warn,kube_runtime::watcher=error" })
    } else if level.contains(['=', ',']) {
        level.to_owned()
    } else {
        bail!(
            "LOG_LEVEL={level}: must be one of {}, or a filter such as info,cluster=debug",
            LEVELS.join(", ")
        )
    };
    EnvFilter::try_new(&directives)
        .map_err(|error| anyhow::anyhow!("LOG_LEVEL={level}: {error}; set a level such as info"))
}
