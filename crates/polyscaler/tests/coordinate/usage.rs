//! What makes no sense is reported in one line, with what to give instead. No cluster.

use std::process::{Command, Stdio};

use crate::harness::POLYSCALER;

/// Exit status and stderr in an environment of these variables alone.
fn run(env: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::new(POLYSCALER);
    command.arg("coordinate").env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    let output = command.envs(env.iter().copied()).output().unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_bad_value_is_reported_with_its_variable_and_what_to_give() {
    for (variable, value, advice) in [
        ("NAMESPACE", "Tea_Store", "name of a namespace"),
        ("NAMESPACE", "", "name of a namespace"),
        ("APP_NAME", "", "name of the application"),
        ("KUBERNETES_POD", "perhaps", "true or false"),
        ("ACTION_INTERVAL", "0", "60s or 2m"),
        ("ACTION_INTERVAL", "soon", "60s or 2m"),
        ("ACTION_INTERVAL", "1.5s", "60s or 2m"),
        ("ACTION_INTERVAL", "-5", "60s or 2m"),
        ("MIN_REPLICAS", "-1", "whole number"),
        ("MIN_REPLICAS", "11", "MAX_REPLICAS"),
        ("MAX_REPLICAS", "0", "whole number"),
        ("MAX_REPLICAS", "many", "whole number"),
        ("POLICY", "best", "random"),
        ("SEED", "x", "whole number"),
        ("GROUP_FILE", "", "required"),
        ("POLYSCALER_HEALTH_ADDRESS", "here", "or off"),
    ] {
        let (status, reported) = run(&[(variable, value)]);
        assert_eq!((status, reported.lines().count()), (2, 1), "{variable}={value}: {reported}");
        assert!(reported.contains(variable) && reported.contains(advice), "{variable}={value}: {reported}");
    }
}

#[test]
fn a_pod_and_a_kubeconfig_are_one_too_many() {
    let (status, reported) = run(&[("KUBERNETES_POD", "1"), ("POLYSCALER_KUBECONFIG", "some")]);
    assert!(status == 2 && reported.contains("use only one of them"), "{reported}");
}

#[test]
fn a_groups_file_without_groups_ends_it_with_a_plain_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("groups.txt");
    let file = path.to_str().unwrap();
    let ends = |words: &[&str]| {
        let (status, reported) = run(&[("GROUP_FILE", file)]);
        assert_eq!(status, 1, "{reported}");
        let last = reported.lines().last().unwrap();
        assert!(last.starts_with("polyscaler: ") && last.contains(file), "{reported}");
        assert!(words.iter().all(|word| reported.contains(word)), "{words:?} in {reported}");
    };
    ends(&["cannot be read", "GROUP_FILE"]);
    for (text, words) in [
        (&b""[..], &["no line names"][..]),
        (b"\n# teastore-webui\n", &["no line names"]),
        (b"Tea,Store\n", &["no line names", "line=1", "member=\"Tea\"", "member=\"Store\""]),
        (b"\xff\xfe", &["not valid UTF-8", "UTF-8"]),
    ] {
        std::fs::write(&path, text).unwrap();
        ends(words);
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_no_groups_file() {
    // A device stands for all of them: with a pipe, this would wait for ever where it fails.
    let (status, reported) = run(&[("GROUP_FILE", "/dev/null")]);
    assert_eq!((status, reported.lines().count()), (1, 1), "{reported}");
    assert!(
        reported.contains("/dev/null: not a regular file") && reported.contains("GROUP_FILE"),
        "{reported}"
    );
}

#[test]
fn without_a_cluster_it_says_how_to_name_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("groups.txt");
    std::fs::write(&path, "teastore-webui\n").unwrap();
    let file = path.to_str().unwrap();
    for (pod, advice) in [("false", "KUBECONFIG"), ("no", "KUBERNETES_POD=true"), ("TRUE", "service account")]
    {
        let (status, reported) = run(&[("GROUP_FILE", file), ("KUBERNETES_POD", pod)]);
        assert_eq!((status, reported.lines().count()), (1, 1), "{reported}");
        assert!(reported.contains(advice), "{advice} in {reported}");
    }
}

#[test]
fn a_policy_that_follows_metrics_wants_them() {
    let folder = tempfile::tempdir().unwrap();
    let (groups, spec) = (folder.path().join("groups.txt"), folder.path().join("spec.yaml"));
    std::fs::write(&groups, "teastore-webui\nteastore-db\n").unwrap();
    let (status, reported) = run(&[("POLICY", "bottleneck")]);
    assert!(status == 2 && reported.lines().count() == 1 && reported.contains("GROUP_SPEC"), "{reported}");
    let metric = "{type: prometheus, config: {serverAddress: 'http://prometheus:9090', query: up}, member: \
                  teastore-webui, targetValue: 5}";
    std::fs::write(&spec, format!("metrics: [{metric}]\n")).unwrap();
    let (groups, spec) = (groups.to_str().unwrap(), spec.to_str().unwrap());
    let (status, reported) = run(&[("POLICY", "bottleneck"), ("GROUP_FILE", groups), ("GROUP_SPEC", spec)]);
    let last = reported.lines().last().unwrap();
    assert!(
        status == 1 && last.contains("group-2 of line 2: ") && last.contains("spec.metrics"),
        "{reported}"
    );
    assert!(!last.contains("group-1"), "{reported}");
}

#[test]
fn a_bad_group_spec_ends_it_before_anything_is_scaled() {
    let folder = tempfile::tempdir().unwrap();
    let (groups, spec) = (folder.path().join("groups.txt"), folder.path().join("spec.yaml"));
    std::fs::write(&groups, "\nteastore-webui,teastore-db\n").unwrap();
    let env = [("GROUP_FILE", groups.to_str().unwrap()), ("GROUP_SPEC", spec.to_str().unwrap())];
    assert!(run(&env).1.contains("GROUP_SPEC"));
    for (text, words) in [
        ("metric: []\n", &["metric: unknown field"][..]),
        (
            "members: [{name: teastore-db, weight: 0, minReplicas: 20}]\n",
            &["group-1 of line 2", "weight", "minReplicas"],
        ),
        ("metrics: [{type: prometheu}]\n", &["spec.metrics[0].type"]),
        ("budget: {maxPod: 3}\n", &["maxPod"]),
    ] {
        std::fs::write(&spec, text).unwrap();
        let (status, reported) = run(&env);
        assert_eq!(status, 1, "{reported}");
        let last = reported.lines().last().unwrap();
        assert!(last.starts_with("polyscaler: "), "{reported}");
        assert!(words.iter().all(|word| last.contains(word)), "{words:?} in {reported}");
    }
}
