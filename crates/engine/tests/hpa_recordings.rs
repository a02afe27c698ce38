//! Replays recordings of a real HPA controller, sync by sync: `HPA_RECORDINGS=DIR cargo test -p engine --test
//! hpa_recordings` for every `*.jsonl` and `*.jsonl.gz` of the folder. Each line is one HPA: its spec, every change of
//! its target's replicas, and at each sync what the controller saw and what it asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::Startup;
use engine::{AbsenceReason, Memory, Observation, Plan, Query, Reading, Scale, Target, Time, decide};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;

/// Where recordings lie beside a checkout.
const DEFAULT_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/hpa-recordings");

/// One HPA.
#[derive(Deserialize)]
struct Recording {
    name: String,
    hpa: serde_json::Value,
    changes: Vec<Change>,
    syncs: Vec<SyncSeen>,
}

/// One change of `spec.replicas`.
#[derive(Clone, Copy, Deserialize)]
struct Change {
    t: f64,
    from: u32,
    to: u32,
}

/// One sync of the controller.
#[derive(Debug, Deserialize)]
struct SyncSeen {
    t: f64,
    /// A metric that is not listed was not answered before the recording ended.
    values: BTreeMap<String, Option<f64>>,
    spec_replicas: u32,
    status_replicas: u32,
    ready: u32,
    replicas_after: u32,
    /// Whether a tenth of a second would change the answer, so that it is not compared.
    #[serde(default)]
    edge: bool,
}

/// Syncs that were compared, and those that could not be.
#[derive(Default)]
struct Count {
    agreed: usize,
    at_an_edge: usize,
}

#[test]
fn every_recorded_sync_is_reproduced() {
    let given = std::env::var_os("HPA_RECORDINGS").map(PathBuf::from);
    let folder = given.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FOLDER));
    if given.is_none() && !folder.is_dir() {
        report("skipped: no recordings beside this checkout; name a folder of them in HPA_RECORDINGS");
        return;
    }
    let files = recordings(&folder);
    assert!(!files.is_empty(), "{} holds no *.jsonl and no *.jsonl.gz", folder.display());
    let mut total = 0;
    for file in files {
        let mut count = Count::default();
        for (index, line) in lines(&file).enumerate() {
            let place = format!("{}, line {}", file.display(), index + 1);
            let recording: Recording =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{place}: {error}"));
            replay(&recording, &place, &mut count);
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report(&format!("{name}: {} syncs agree, {} at an edge", count.agreed, count.at_an_edge));
        total += count.agreed;
    }
    assert!(total > 0, "{} holds no sync that can be compared", folder.display());
    report(&format!("{total} syncs of a real HPA controller agree"));
}

/// Past the test harness, which keeps what passing tests print to itself.
fn report(text: &str) {
    writeln!(std::io::stderr(), "hpa_recordings: {text}").expect("stderr");
}

fn recordings(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let is_recording = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".jsonl") || name.ends_with(".jsonl.gz")
    };
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(is_recording).collect();
    files.sort();
    files
}

fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_packed = path.extension().is_some_and(|extension| extension == "gz");
    let content: Box<dyn Read> = if is_packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let path = path.to_owned();
    let lines = BufReader::new(content).lines();
    let lines = lines.map(move |line| line.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    lines.filter(|line| !line.trim().is_empty())
}

/// Walks through one HPA and fails at the first sync that differs.
fn replay(recording: &Recording, place: &str, count: &mut Count) {
    let place = format!("{place}, {}", recording.name);
    let spec: HpaSpec =
        HpaSpec::deserialize(&recording.hpa).unwrap_or_else(|error| panic!("{place}: {error}"));
    let hpa = Hpa::compile(&spec, "hpa").unwrap_or_else(|problems| panic!("{place}: {problems:?}"));
    let plan = hpa.plan(target(), queries(&hpa), Startup::default(), Duration::from_secs(1));
    let mut memory = Memory::default();
    for (index, seen) in recording.syncs.iter().enumerate() {
        let before = memory.clone();
        let decision = decide(&plan, &mut memory, &seen.observation(&plan), time(seen.t));
        let decided = &decision.members[0];
        if seen.edge {
            count.at_an_edge += 1;
        } else {
            assert_eq!(
                decided.to,
                seen.replicas_after,
                "{place}: sync {index} differs: {} here, {} by the controller\n  spec: {}\n  seen: {seen:?}\n  \
                 memory before: {}\n  steps here: {}",
                decided.to,
                seen.replicas_after,
                recording.hpa,
                serde_json::to_string(&before).expect("a memory serialises"),
                decided.explanation(),
            );
            count.agreed += 1;
        }
        // The controller remembers its own writes from the moment they were taken.
        let next = recording.syncs.get(index + 1).map_or(f64::INFINITY, |next| next.t);
        let within =
            |change: &&Change| (seen.t..next).contains(&change.t) && change.from == seen.spec_replicas;
        let own = |change: &&Change| seen.edge || change.to == decided.to;
        if let Some(change) = recording.changes.iter().find(within).filter(own) {
            memory.scaled(&plan, 0, change.from, change.to, time(change.t));
        }
    }
}

fn queries(hpa: &Hpa) -> impl Iterator<Item = Query> {
    let query = |_| Query::new("external", "", ());
    hpa.metrics.iter().map(query)
}

fn target() -> Target {
    let [api_version, kind, namespace, name] =
        ["apps/v1", "Deployment", "recorded", "web"].map(str::to_owned);
    Target { api_version, kind, namespace, name }
}

impl SyncSeen {
    fn observation(&self, plan: &Plan) -> Observation {
        let Self { spec_replicas, status_replicas, ready, .. } = *self;
        let scale = Scale { replicas: spec_replicas, status_replicas, ready: Some(ready) };
        let reading = |name: &String| match self.values.get(name).copied().flatten() {
            Some(value) => Reading::of(value, time(self.t)),
            None => Reading::absent(AbsenceReason::BadStatus, "the metrics API answered with an error"),
        };
        let readings = plan.metrics.iter().map(|metric| reading(&metric.name)).collect();
        Observation { scales: vec![Some(scale)], readings, ..Observation::default() }
    }
}

fn time(seconds: f64) -> Time {
    Time::from_millis((seconds * 1000.0).round() as i64)
}
