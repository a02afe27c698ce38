//! The program under the name by which KEDA's operator tells its build, so that panels that show it stay.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    git_commit: &'static str,
    goversion: &'static str,
    goos: &'static str,
    goarch: &'static str,
}

/// Registers it.
pub(super) fn register(registry: &mut Registry) {
    let build: Family<BuildLabels, Gauge> = Family::default();
    let labels = BuildLabels {
        version: env!("CARGO_PKG_VERSION"),
        git_commit: option_env!("POLYSCALER_GIT_COMMIT").unwrap_or("unknown"),
        // It is not written in Go; who matches on the label finds something.
        goversion: "none",
        goos: std::env::consts::OS,
        goarch: architecture(std::env::consts::ARCH),
    };
    build.get_or_create(&labels).set(1);
    registry.register("keda_build_info", "The running version", build);
}

/// An architecture as Go calls it.
fn architecture(rust: &'static str) -> &'static str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
