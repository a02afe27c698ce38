//! The real HPA controller beside the engine: HPAs, loads and mishaps by chance, recorded sync by sync and compared.
//!
//! | variable | meaning |
//! |---|---|
//! | `HPA_RECORD_SECONDS` | how long; default 40 |
//! | `HPA_RECORD_HPAS` | how many HPAs; default 10 |
//! | `HPA_RECORD_SEED` | by which chance; default 1 |
//! | `HPA_RECORD_DIR` | the folder in which the recording is kept; default: it is not |
//!
//! `hack/record-hpas.sh` sets them; `docs/hpa-recordings.md` has the format.

mod chance;
mod notes;
#[path = "../../../engine/tests/recorded/mod.rs"]
mod recorded;
mod server;
mod world;

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use testbed::{AggregatedServer, ControlPlane, Options};

use chance::Chance;
use recorded::{Count, Flags, Recording, mark_edges, replay};
use world::Scaled;

/// Shorter than the defaults, so that what they are for happens within a minute.
const FLAGS: Flags =
    Flags { cpu_initialization: 15.0, initial_readiness: 4.0, downscale_stabilization: 12.0 };

fn given<T: FromStr>(variable: &str, default: T) -> T {
    let Ok(text) = std::env::var(variable) else { return default };
    text.parse().unwrap_or_else(|_| panic!("{variable}: {text:?} is no number"))
}

fn flags() -> Vec<String> {
    let Flags { cpu_initialization, initial_readiness, downscale_stabilization } = FLAGS;
    let of_hpas = |name: &str, seconds: f64| format!("--horizontal-pod-autoscaler-{name}={seconds}s");
    vec![
        of_hpas("sync-period", 1.0),
        of_hpas("cpu-initialization-period", cpu_initialization),
        of_hpas("initial-readiness-delay", initial_readiness),
        of_hpas("downscale-stabilization", downscale_stabilization),
        "--concurrent-horizontal-pod-autoscaler-syncs=20".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_decides_as_the_real_controller_does() {
    let (seconds, hpas, seed) =
        (given("HPA_RECORD_SECONDS", 40), given("HPA_RECORD_HPAS", 10), given("HPA_RECORD_SEED", 1));
    let options = Options { nodes: 2, controller_manager_args: flags(), ..Options::default() };
    let control_plane = ControlPlane::start(options).await.unwrap();
    let client = control_plane.client();
    let scaled = join_all((0..hpas).map(|index| Scaled::new(&client, Chance::new(seed, index)))).await;
    let all: HashMap<_, _> = scaled.iter().map(|one| (one.namespace.clone(), one.notes.clone())).collect();
    let apis = [server::RESOURCES, server::EXTERNAL];
    let router = server::router(Arc::new(all));
    let _server = AggregatedServer::start(&control_plane, &client, "recorder", &apis, router).await.unwrap();
    join_all(scaled.iter().map(Scaled::begin)).await;
    join_all(scaled.iter().map(|one| one.disturb(Duration::from_secs(seconds)))).await;

    let mut recordings: Vec<Recording> = scaled.iter().map(|one| one.notes.lock().recording(FLAGS)).collect();
    for recording in &mut recordings {
        mark_edges(recording).unwrap();
    }
    if let Some(folder) = std::env::var_os("HPA_RECORD_DIR").map(PathBuf::from) {
        keep(&folder.join(format!("seed-{seed}.jsonl.gz")), &recordings);
    }
    let mut count = Count::default();
    let mut differences = Vec::new();
    for recording in &recordings {
        match replay(recording, &format!("seed {seed}")) {
            Ok(of_one) => {
                count.agreed += of_one.agreed;
                count.at_an_edge += of_one.at_an_edge;
            }
            Err(difference) => differences.push(difference),
        }
    }
    let Count { agreed, at_an_edge } = count;
    writeln!(std::io::stderr(), "hpa_controller: seed {seed}: {agreed} syncs agree, {at_an_edge} at an edge")
        .unwrap();
    assert!(differences.is_empty(), "{} HPAs differ:\n{}", differences.len(), differences.join("\n"));
    // Syncs are a second apart, and some are at an edge.
    assert!(agreed as u64 >= seconds * hpas / 6, "only {agreed} syncs could be compared");
}

/// Writes the recordings, one line each.
fn keep(file: &std::path::Path, recordings: &[Recording]) {
    let file = std::fs::File::create(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::default());
    for recording in recordings {
        writeln!(packed, "{}", serde_json::to_string(recording).unwrap()).unwrap();
    }
    packed.finish().unwrap();
}
