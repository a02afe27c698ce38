//! Logs: structured, on stderr, set by `LOG_LEVEL` and `LOG_FORMAT`.

use anyhow::bail;
use tracing_subscriber::EnvFilter;

/// The crates whose messages are ours; libraries speak only when they warn.
const OURS: [&str; 6] = ["polyscaler", "cluster", "runner", "sources", "serve", "testbed"];

/// Starts logging as the environment asks for: `LOG_LEVEL` is a level or a filter such as
/// `info,cluster=debug`, `LOG_FORMAT` is `text` or `json`.
///
/// # Errors
/// Where one of the two has a value that means nothing.
pub(crate) fn start() -> anyhow::Result<()> {
    let filter = filter(&variable("LOG_LEVEL", "info"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match variable("LOG_FORMAT", "text").as_str() {
        "json" => builder.json().flatten_event(true).init(),
        "text" => {
            use std::io::IsTerminal as _;
            builder.with_ansi(std::io::stderr().is_terminal()).init();
        }
        other => bail!("LOG_FORMAT={other}: give text or json"),
    }
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
        format!("{},{ours}", if lower == "off" { "off" } else { "warn" })
    } else if level.contains(['=', ',']) {
        level.to_owned()
    } else {
        bail!("LOG_LEVEL={level}: give one of {}, or a filter such as info,cluster=debug", LEVELS.join(", "))
    };
    EnvFilter::try_new(&directives)
        .map_err(|error| anyhow::anyhow!("LOG_LEVEL={level}: {error}; give a level such as info"))
}
