//! `external-policy`: a policy in Python learns on recorded load, serves what it learned, and a real group
//! follows it; what polyscaler records of that can be learned from again.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use testbed::ports::PortClaim;
use testbed::{ChildHandle, Supervisor, wait};

use crate::harness::{LIMIT, Scaling, Scene, Target};
use crate::samples::python;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/external-policy").canonicalize().unwrap()
}

/// Runs `learn.py`; what it printed.
fn learn(python: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(python);
    // Nothing is written beside the sources.
    command.arg("-B").arg("learn.py").args(arguments).current_dir(sample());
    python::run(&mut command, "learn.py fails")
}

#[test]
fn what_is_no_load_is_reported_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (load, model) = (folder.path().join("load.csv"), folder.path().join("model.json"));
    let cases: [(&[u8], &str); 4] = [
        (b"timestamp,value\n12:00,7\n12:01,NaN\n", "value 2 is nan"),
        (b"7\ninf\n", "value 2 is inf"),
        (b"-5\n7\n", "value 1 is -5.0"),
        (b"\x97\xff\n", "expected a column"),
    ];
    for (text, words) in cases {
        std::fs::write(&load, text).unwrap();
        let mut command = Command::new(python::plain());
        command
            .args(["-B", "learn.py", "--load"])
            .arg(&load)
            .arg("--model")
            .arg(&model)
            .current_dir(sample());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words) && !said.contains("Traceback"), "{said}");
    }
    assert!(!model.exists());
}

/// The learned policy as a process, which can go and come back.
struct Service {
    python: PathBuf,
    model: String,
    port: PortClaim,
    supervisor: Supervisor,
}

impl Service {
    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.port())
    }

    /// Starts it, and waits until it listens.
    async fn start(&self, name: &str) -> ChildHandle {
        let script = sample().join("serve.py").display().to_string();
        let arguments = ["-B", &script, "--model", &self.model, "--address", &self.address()];
        let process = self.supervisor.spawn(name, &self.python, arguments, &[]).unwrap();
        let look = || async {
            let said = std::fs::read_to_string(process.log_path()).unwrap();
            if said.contains("listening on ") { Ok(()) } else { Err(said) }
        };
        wait::until("serve.py listens", LIMIT, look).await.unwrap();
        process
    }
}

/// The sample's own group, acting and in a hurry, with the load at `/load`.
async fn group(scene: &Scene, service: &Service) -> Scaling {
    let text = std::fs::read_to_string(sample().join("scalinggroup.yaml")).unwrap();
    let object: Value = serde_saphyr::from_str(&text).unwrap();
    let mut spec = object["spec"].clone();
    spec["metrics"][0]["type"] = json!("http");
    spec["metrics"][0]["config"] = json!({ "url": scene.metrics.url("/load"), "valuePath": "$.load" });
    spec["policy"]["config"]["address"] = json!(format!("http://{}", service.address()));
    spec["intervalSeconds"] = json!(1);
    spec["safety"] = json!({});
    scene.object(("polyscaler.dev/v1alpha1", "ScalingGroup", "scalinggroups"), "shop", spec).await
}

/// Waits until each target asks for at least so many replicas, and at most so many.
async fn wait_between(targets: &[Target; 3], bounds: [(i32, i32); 3]) {
    let look = || async {
        let mut asked = Vec::new();
        for target in targets {
            asked.push(target.asked().await);
        }
        let fits = asked.iter().zip(bounds).all(|(asked, (least, most))| (least..=most).contains(asked));
        if fits { Ok(()) } else { Err(format!("{asked:?}")) }
    };
    wait::until(&format!("replicas within {bounds:?}"), LIMIT, look).await.unwrap();
}

fn load(scene: &Scene, value: u32) {
    scene.metrics.set_json("/load", &json!({ "load": value }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_follows_what_was_learned() {
    let requirements = sample().join("requirements.txt");
    let python = tokio::task::spawn_blocking(move || python::environment(&requirements)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (model, again, episodes) = (file("model.json"), file("again.json"), file("episodes.jsonl"));

    let said = learn(&python, &["--load", "load.csv", "--model", &model]);
    assert!(said.contains("fixed headroom 1.00") && said.contains("bandit against no headroom: +"), "{said}");
    learn(&python, &["--load", "load.csv", "--model", &again, "--seed", "0"]);
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&model), read(&again), "the same seed is the same model");

    let scene = Scene::new("external").await;
    let supervisor = Supervisor::new("polyscaler-sample").unwrap();
    let service = Service { python: python.clone(), model, port: PortClaim::new().unwrap(), supervisor };
    let process = service.start("first").await;
    let targets =
        [scene.deployment("web", 1).await, scene.deployment("api", 1).await, scene.deployment("db", 1).await];
    load(&scene, 500);
    let operator = scene.operator(&["--episodes-file", &episodes]).await;
    let group = group(&scene, &service).await;
    // 500, 1000 and 500 calls per second, of which a replica bears 100, 150 and 400, and up to twice that.
    wait_between(&targets, [(5, 10), (7, 14), (2, 3)]).await;
    group.wait_for("Ready", "True", "Ready").await;
    let reported = group.status().await["lastDecision"].as_str().unwrap_or_default().to_owned();
    assert!(reported.contains("external ") && reported.contains("headroom "), "{reported}");
    for target in &targets {
        target.wait_until_ready(target.asked().await.into()).await;
    }

    process.kill();
    assert!(process.wait(LIMIT).await);
    let message = group.wait_for("Ready", "False", "MetricConnectionFailed").await;
    assert!(message.starts_with("policy external: http://127.0.0.1:"), "{message}");
    load(&scene, 50);
    let before = [targets[0].asked().await, targets[1].asked().await, targets[2].asked().await];
    operator.wait_for_polls("metric_absent", 3.0).await;
    let after = [targets[0].asked().await, targets[1].asked().await, targets[2].asked().await];
    assert_eq!(before, after, "nothing is scaled in without advice");

    let process = service.start("second").await;
    wait_between(&targets, [(1, 2), (1, 2), (1, 1)]).await;
    group.wait_for("Ready", "True", "Ready").await;
    operator.wait_for_metric("polyscaler_advices_total", &[("result", "ok")], 2.0).await;
    operator.wait_for_polls("unchanged", 3.0).await;
    operator.terminate(LIMIT).await;
    process.signal(testbed::Signal::TERM);
    assert!(process.wait(LIMIT).await, "runs on:\n{}", process.last_lines(20));

    learned_from(&python, &episodes, &again);
}

/// What was recorded on the way is whole, and can be learned from.
fn learned_from(python: &Path, episodes: &str, model: &str) {
    let text = std::fs::read_to_string(episodes).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first = &lines[0];
    assert!(first["object"].as_str().unwrap().starts_with("ScalingGroup external"), "{first}");
    assert_eq!(first["observation"]["members"][1]["name"], "api");
    // On a busy machine the load may come later than the first question.
    let is_out = |line: &Value| {
        line["observation"]["members"][1]["demand"] == 1000.0
            && line["action"]["web"].as_u64().is_some_and(|web| web >= 5)
    };
    assert!(lines.iter().any(is_out), "{text}");
    let rewards: Vec<f64> = lines.iter().filter_map(|line| line["reward"].as_f64()).collect();
    assert_eq!(rewards.len(), lines.len());
    assert!(rewards.iter().all(|reward| (-5.0..=0.0).contains(reward)), "{rewards:?}");
    assert!(rewards.iter().any(|reward| *reward > -1.0), "in the end all had what they needed: {rewards:?}");

    let said = learn(python, &["--episodes", episodes, "--model", model]);
    let (used, seen) = said
        .split_once("learned from ")
        .and_then(|(_, rest)| rest.split_once(" episodes"))
        .and_then(|(counts, _)| counts.split_once(" of "))
        .unwrap_or_else(|| panic!("{said}"));
    assert_eq!(seen.parse::<usize>().unwrap(), lines.len());
    assert!(used.parse::<usize>().unwrap() > 0, "{said}");
    let model: Value = serde_json::from_str(&std::fs::read_to_string(model).unwrap()).unwrap();
    assert!(!model["arms"].as_array().unwrap().is_empty());
}
