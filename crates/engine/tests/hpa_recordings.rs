//! Replays recordings of a real HPA controller, sync by sync: `HPA_RECORDINGS=DIR cargo test -p engine --test
//! hpa_recordings` for every `*.jsonl` and `*.jsonl.gz` of the folder. Each line is one HPA: its spec, every change of
//! its target's replicas, and at each sync what the controller saw and what it asked for. `hack/record-hpas.sh` makes more.

mod recorded;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use recorded::{Count, Recording, mark_edges, replay};
use serde_json::{Value, json};

/// Where recordings lie beside a checkout.
const DEFAULT_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/hpa-recordings");

/// The root of the workspace.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn every_recorded_sync_is_reproduced() {
    let given = std::env::var_os("HPA_RECORDINGS").map(|given| folder_of(Path::new(&given)));
    let is_given = given.is_some();
    let folder = given.unwrap_or_else(|| Ok(PathBuf::from(DEFAULT_FOLDER)));
    let folder = folder.unwrap_or_else(|problem| panic!("HPA_RECORDINGS: {problem}"));
    if !is_given && !folder.is_dir() {
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
            let of_line = replay(&recording, &place).unwrap_or_else(|difference| panic!("{difference}"));
            count.agreed += of_line.agreed;
            count.at_an_edge += of_line.at_an_edge;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report(&format!("{name}: {} syncs agree, {} at an edge", count.agreed, count.at_an_edge));
        total += count.agreed;
    }
    assert!(total > 0, "{} holds no sync that can be compared", folder.display());
    report(&format!("{total} syncs of a real HPA controller agree"));
}

/// Two syncs of an HPA at pods, the second just when the first pod's measurement begins to count.
fn at_pods(replicas_after: u32) -> Recording {
    let pod = |name: &str, since: f64| {
        json!({
            "name": name, "phase": "Running", "ready": true, "ready_since": since, "started": since, "deleted": false,
            "requests": [{ "container": "app", "cpu": 500, "memory": null }],
            "usage": { "at": since + 2.0, "window": 1.0, "containers": [{ "container": "app", "cpu": 600, "memory": 1 }] },
        })
    };
    let sync = |t: f64, after: u32| {
        json!({ "t": t, "values": {}, "spec_replicas": 2, "status_replicas": 2, "ready": 2, "replicas_after": after,
                "pods": [pod("a", 1.0), pod("b", 1.0)] })
    };
    let target = json!({ "type": "Utilization", "averageUtilization": 80 });
    let recording = json!({
        "name": "web",
        "hpa": { "maxReplicas": 9, "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": target } }],
                 "behavior": { "scaleUp": { "stabilizationWindowSeconds": 10 } } },
        "changes": [{ "t": 20.05, "from": 2, "to": 3 }],
        "syncs": [sync(5.0, 2), sync(15.02, replicas_after), sync(20.0, 3)],
    });
    serde_json::from_value(recording).expect("a recording")
}

#[test]
fn a_sync_that_differs_is_reported_with_its_inputs_and_both_answers() {
    assert_eq!(replay(&at_pods(3), "here"), Ok(Count { agreed: 3, at_an_edge: 0 }));
    let difference = replay(&at_pods(2), "here").expect_err("120 percent of 80 are 3 pods");
    for part in [
        "here, web: sync 1 differs: 3 here, 2 by the controller",
        "\"ready_since\":1.0",
        "hpa 2→3 (cpu 120%/80%",
    ] {
        assert!(difference.contains(part), "{part} in {difference}");
    }
}

#[test]
fn a_sync_at_the_very_end_of_a_window_is_at_an_edge() {
    let mut recording = at_pods(2);
    mark_edges(&mut recording).expect("a sound spec");
    // The count at the first sight is 10.02 s old at the second sync.
    assert_eq!(recording.syncs.iter().map(|sync| sync.edge).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(replay(&recording, "here"), Ok(Count { agreed: 2, at_an_edge: 1 }));
}

#[test]
fn a_sync_that_looks_back_on_a_target_that_was_changing_is_at_an_edge() {
    let sync = |t: f64, load: f64, ready: u32, edge: bool| {
        json!({ "t": t, "values": { "load": load }, "spec_replicas": 5, "status_replicas": 5, "ready": ready,
                "replicas_after": 5, "edge": edge })
    };
    let metric = json!({ "metric": { "name": "load" }, "target": { "type": "Value", "value": "100" } });
    let recording = |edge: bool| -> Recording {
        let recording = json!({
            "name": "web",
            "hpa": { "maxReplicas": 9, "metrics": [{ "type": "External", "external": metric }],
                     "behavior": { "scaleUp": { "stabilizationWindowSeconds": 10 },
                                   "scaleDown": { "stabilizationWindowSeconds": 10 } } },
            "changes": [],
            // Of 140 with 4 ready pods 6 come, and with 3 of them 5, which hold back the third sync.
            "syncs": [sync(5.0, 100.0, 5, false), sync(16.0, 140.0, 4, edge), sync(17.0, 180.0, 3, edge),
                      sync(20.0, 180.0, 4, false), sync(31.0, 100.0, 5, false)],
        });
        serde_json::from_value(recording).expect("a recording")
    };
    let marks = |edge: bool| {
        let mut recording = recording(edge);
        mark_edges(&mut recording).expect("a sound spec");
        recording.syncs.iter().map(|sync| sync.edge).collect::<Vec<_>>()
    };
    assert_eq!(marks(false), [false; 5], "where the target was as it was seen, all is known");
    assert_eq!(marks(true), [false, true, true, true, false]);
}

#[test]
fn a_sync_at_which_the_controller_was_late_is_at_an_edge() {
    let mut recording = at_pods(3);
    recording.sync_period = 9.5;
    mark_edges(&mut recording).expect("a sound spec");
    assert!(recording.syncs[0].edge, "10.02 s went by until the next");
    recording = at_pods(3);
    recording.sync_period = 10.0;
    mark_edges(&mut recording).expect("a sound spec");
    assert!(!recording.syncs[0].edge);
}

#[test]
fn a_folder_is_found_from_here_and_from_the_root_of_the_workspace() {
    for (given, found) in [
        ("tests/recorded", "tests/recorded".to_owned()),
        ("crates/engine/tests", format!("{ROOT}/crates/engine/tests")),
        (ROOT, ROOT.to_owned()),
    ] {
        assert_eq!(folder_of(Path::new(given)), Ok(PathBuf::from(found)), "{given}");
    }
    let problem = folder_of(Path::new("no/such")).expect_err("there is none");
    for part in ["engine/no/such", &format!("{ROOT}/no/such")] {
        assert!(problem.contains(part), "{part} in {problem}");
    }
    assert_eq!(folder_of(Path::new("/no/such")), Err("/no/such is no folder".to_owned()));
}

/// An HPA by a value from outside, 100 for each replica, with what else its spec has.
fn at_load(more: Value, start: Value, changes: Value, syncs: &[(f64, f64, u32, u32)]) -> Recording {
    let target = json!({ "type": "AverageValue", "averageValue": "100" });
    let metric =
        json!({ "type": "External", "external": { "metric": { "name": "load" }, "target": target } });
    let mut hpa = json!({ "maxReplicas": 9, "metrics": [metric] });
    hpa.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let sync = |&(t, load, from, after): &(f64, f64, u32, u32)| {
        json!({ "t": t, "values": { "load": load }, "spec_replicas": from, "status_replicas": from, "ready": from,
                "replicas_after": after })
    };
    let syncs: Vec<Value> = syncs.iter().map(sync).collect();
    let recording =
        json!({ "name": "web", "hpa": hpa, "start_replicas": start, "changes": changes, "syncs": syncs });
    serde_json::from_value(recording).expect("a recording")
}

#[test]
fn what_the_controller_did_without_asking_for_a_metric_counts() {
    let up = json!({ "policies": [{ "type": "Pods", "value": 2, "periodSeconds": 60 }] });
    let more = json!({ "minReplicas": 3, "behavior": { "scaleUp": up, "scaleDown": { "stabilizationWindowSeconds": 0 } } });
    // The minimum is enforced, and these 2 pods are all that 60 s allow.
    let changes = json!([{ "t": 2.0, "from": 1, "to": 3 }, { "t": 62.5, "from": 3, "to": 5 }]);
    let syncs = [(3.0, 900.0, 3, 3), (61.9, 900.0, 3, 3), (62.4, 900.0, 3, 5)];
    assert_eq!(
        replay(&at_load(more.clone(), json!(1), changes, &syncs), "here").map(|count| count.agreed),
        Ok(3)
    );
    // So it is between two syncs; what somebody else has set counts for nothing.
    let changes = json!([{ "t": 5.0, "from": 3, "to": 4 }, { "t": 6.5, "from": 4, "to": 1 }, { "t": 7.0, "from": 1, "to": 3 }]);
    let syncs = [(3.0, 300.0, 3, 3), (6.0, 400.0, 4, 4), (8.0, 900.0, 3, 3), (66.9, 900.0, 3, 3)];
    assert_eq!(replay(&at_load(more, json!(3), changes, &syncs), "here").map(|count| count.agreed), Ok(4));
}

#[test]
fn what_the_controller_saw_of_a_target_that_was_switched_off_is_known() {
    let changes = json!([{ "t": 310.0, "from": 0, "to": 5 }, { "t": 311.1, "from": 5, "to": 2 }]);
    let syncs = [(311.0, 200.0, 5, 2)];
    assert_eq!(
        replay(&at_load(json!({}), json!(0), changes, &syncs), "here").map(|count| count.agreed),
        Ok(1)
    );
}

#[test]
fn what_may_be_left_out_of_a_recording_is() {
    let replayed = |recording: Value| {
        let recording = serde_json::from_value(recording).map_err(|error| error.to_string())?;
        replay(&recording, "here").map(|count| (count.agreed, count.at_an_edge))
    };
    assert_eq!(replayed(json!({ "name": "web", "hpa": { "maxReplicas": 9 } })), Ok((0, 0)));
    let mut no_value = at_load(json!({}), Value::Null, json!([]), &[(3.0, 900.0, 3, 3)]);
    no_value.syncs[0].values.clear();
    assert_eq!(
        replay(&no_value, "here").map(|count| count.agreed),
        Ok(1),
        "a metric that fails scales nothing"
    );
    let behavior = json!({ "behavior": { "scaleUp": { "selectPolicy": "Disabled" },
                                         "scaleDown": { "tolerance": "500m", "stabilizationWindowSeconds": 0 } } });
    let syncs = [(3.0, 900.0, 3, 3), (4.0, 150.0, 3, 3), (5.0, 140.0, 3, 2)];
    let changes = json!([{ "t": 5.1, "from": 3, "to": 2 }]);
    let mut at_edges = at_load(behavior, json!(3), changes, &syncs);
    assert_eq!(replay(&at_edges, "here").map(|count| count.agreed), Ok(3));
    at_edges.syncs.iter_mut().for_each(|sync| sync.edge = true);
    assert_eq!(replay(&at_edges, "here"), Ok(Count { agreed: 0, at_an_edge: 3 }));
    let pod = json!({ "name": "a", "phase": "Running", "ready": true, "started": -400.0,
                      "requests": [{ "container": "app", "cpu": 500 }],
                      "usage": { "at": 2.0, "window": 1.0, "containers": [{ "container": "app", "cpu": 800 }] } });
    let sync = json!({ "t": 3.0, "pods": [pod, { "name": "b", "phase": "Failed", "requests": [{ "container": "app", "cpu": 1 }] }],
                       "spec_replicas": 1, "status_replicas": 1, "ready": 1, "replicas_after": 2 });
    assert_eq!(replayed(json!({ "name": "web", "hpa": { "maxReplicas": 9 }, "syncs": [sync] })), Ok((1, 0)));
}

/// Past the test harness, which keeps what passing tests print to itself.
fn report(text: &str) {
    writeln!(std::io::stderr(), "hpa_recordings: {text}").expect("stderr");
}

/// The folder that `given` names, from here or else from the root of the workspace: cargo runs tests in their crate's folder,
/// and people call it from the root.
fn folder_of(given: &Path) -> Result<PathBuf, String> {
    let from_root = Path::new(ROOT).join(given);
    if let Some(found) = [given, &from_root].into_iter().find(|folder| folder.is_dir()) {
        return Ok(found.to_owned());
    }
    let here = std::env::current_dir().map_err(|error| error.to_string())?.join(given);
    if given.is_absolute() {
        return Err(format!("{} is no folder", here.display()));
    }
    Err(format!("neither {} nor {} is a folder", here.display(), from_root.display()))
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
