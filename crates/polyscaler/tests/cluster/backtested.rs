//! A backtest is evidence: the same manifest and the same load, live on a control plane and replayed, come to the same
//! replicas at the same times.
//!
//! The load goes through a day in a minute. The replay reads what the operator's audit file says was read; the two agree
//! in every count, and in time within two polls, as the replay's moments are a second apart and polls are not exact.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{POLYSCALER, Scene};

/// Users, each for a while: a rise, a peak with a dip in it, a fall and a rise again.
const DAY: [u32; 10] = [1000, 1600, 3000, 5000, 4400, 5000, 2600, 1200, 1000, 3400];
/// How long each count of users stays. Longer than two polls, so that none is missed.
const STAY: Duration = Duration::from_secs(6);

/// Time in seconds, replicas before and after.
type Changes = Vec<(f64, u64, u64)>;

fn seconds(text: &str) -> f64 {
    let at: jiff::Timestamp = text.parse().unwrap();
    at.as_millisecond() as f64 / 1000.0
}

/// What the audit file says was carried out.
fn live(text: &str) -> Changes {
    let entries = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let carried_out = entries.filter(|entry| entry["applied"] == true);
    let change = |entry: Value| {
        let count = |field: &str| entry[field].as_u64().unwrap();
        (seconds(entry["timestamp"].as_str().unwrap()), count("from"), count("to"))
    };
    carried_out.map(change).collect()
}

/// The changes of what a contender wanted.
fn replayed(timeline: &str, contender: &str) -> Changes {
    let mut changes = Vec::new();
    let mut before = None;
    for row in
        timeline.lines().map(|line| line.split(',').collect::<Vec<_>>()).filter(|row| row[1] == contender)
    {
        let wanted: u64 = row[4].parse().unwrap();
        match before.replace(wanted) {
            Some(before) if before != wanted => changes.push((seconds(row[0]), before, wanted)),
            _ => {}
        }
    }
    changes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_does_what_the_operator_did() {
    let scene = Scene::new("backtested").await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let target = scene.deployment("web", 2).await;
    target.wait_until_ready(2).await;
    scene.users("/users", DAY[0]);
    let mut spec = scene.spec("web", "/users");
    spec["safety"] = json!({
        "cooldownSeconds": 3, "maxScaleUpRate": 4, "scaleDownStabilizationSeconds": 8,
    });
    let operator = scene.operator(&["--audit-file", &path("audit.jsonl")]).await;
    let scaling = scene.business_scaling("web", spec.clone()).await;
    operator.wait_for_polls("unchanged", 1.0).await;
    for users in DAY {
        scene.users("/users", users);
        tokio::time::sleep(STAY).await;
    }
    scaling.delete().await;

    let manifest = json!({ "apiVersion": "example.com/v1", "kind": "BusinessScaling",
        "metadata": { "name": scaling.name }, "spec": spec });
    std::fs::write(path("manifest.json"), manifest.to_string()).unwrap();
    std::fs::write(path("workload.yaml"), "startup: 1s\ninitialReplicas: 2\n").unwrap();
    let (manifest, audit, workload, out) =
        (path("manifest.json"), path("audit.jsonl"), path("workload.yaml"), path("out"));
    let arguments = [
        "backtest",
        "-f",
        &manifest,
        "--audit",
        &audit,
        "--step",
        "1s",
        "--workload",
        &workload,
        "--out",
        &out,
    ];
    let ran = Command::new(POLYSCALER).args(arguments).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let timeline = std::fs::read_to_string(folder.path().join("out/timeline.csv")).unwrap();
    let live = live(&std::fs::read_to_string(&audit).unwrap());
    let replayed = replayed(&timeline, &scaling.name);
    let counts = |changes: &Changes| changes.iter().map(|(_, from, to)| (*from, *to)).collect::<Vec<_>>();
    assert!(live.len() >= 6, "{live:?}");
    assert_eq!(counts(&replayed), counts(&live), "live {live:?}, replayed {replayed:?}");
    for ((at, ..), (live, ..)) in replayed.iter().zip(&live) {
        assert!((at - live).abs() <= 2.0, "live {live}, replayed {at}");
    }
    assert_eq!(
        counts(&self::replayed(&timeline, "recorded")),
        counts(&live),
        "what was recorded is played again"
    );
}
