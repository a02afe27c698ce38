//! Usage: help, and what becomes of arguments and variables that make no sense.

use crate::command_line::{Ran, assert_one_line_of_bad_usage, polyscaler, run};

#[test]
fn bad_usage_has_its_own_exit_status() {
    let cases: [&[&str]; 12] = [
        &["no-such-command"],
        &["check"],
        &["check", "--output", "xml", "-"],
        &["crds", "--no-such-flag"],
        &["operator", "--metrics-address", "nonsense"],
        &["operator", "--health-address", "127.0.0.1"],
        &["operator", "--webhook-address", "localhost:9443"],
        &["operator", "--lease-duration", "1s"],
        &["operator", "--leader-elect=maybe"],
        &["operator", "--deny-addresses", "10.0.0.0/99"],
        &["operator", "--max-actions", "-1"],
        &["operator", "--prometheus-url", "prometheus:9090"],
    ];
    for args in cases {
        let ran = run(args);
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("--help"), "{args:?}: {ran:?}");
    }
    let ran = run(&[]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("operator") && ran.stderr.contains("check"), "{ran:?}");
}

#[test]
fn help_is_enough_to_work_from() {
    let words: [(&[&str], &[&str]); 6] = [
        (&["--help"], &["operator", "check", "crds", "--version"]),
        (&["check", "--help"], &["<FILE>", "standard input", "--output", "Exit status"]),
        (&["crds", "--help"], &["kubectl apply -f -"]),
        (
            &["backtest", "--help"],
            &[
                "--filename",
                "--load",
                "make:weekly",
                "--workload",
                "--against",
                "--fail-if",
                "baseline",
                "--out",
                "Exit status",
            ],
        ),
        (&["tune", "--help"], &["--slo", "--candidates", "--train", "--seed", "tuned.yaml", "Exit status"]),
        (
            &["operator", "--help"],
            &[
                "--kubeconfig",
                "POLYSCALER_KUBECONFIG",
                "--namespaces",
                "--metrics-address",
                "0.0.0.0:8080",
                "--health-address",
                "0.0.0.0:8081",
                "--activity-address",
                "0.0.0.0:8082",
                "off",
                "--leader-elect",
                "--max-actions",
                "200",
                "--lease-duration",
                "--api-timeout",
                "LOG_LEVEL",
                "LOG_FORMAT",
                "--allow-cross-namespace",
                "--webhook-address",
                "--webhook-configuration",
                "--cert-dir",
                "--cert-secret",
                "--deny-addresses",
                "--allow-addresses",
                "--prometheus-url",
            ],
        ),
    ];
    for (args, words) in words {
        let ran = run(args);
        assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{args:?}");
        for word in words {
            assert!(ran.stdout.contains(word), "{word} in the help of {args:?}:\n{}", ran.stdout);
        }
    }
    let ran = run(&["--version"]);
    assert_eq!(ran.stdout, format!("polyscaler {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_flag_of_the_operator_is_an_environment_variable() {
    let help = run(&["operator", "--help"]).stdout;
    let flags = help.lines().map(str::trim).filter_map(|line| line.strip_prefix("--"));
    for flag in flags.map(|flag| flag.split([' ', '[', '=']).next().unwrap()) {
        let variable = format!("[env: POLYSCALER_{}=]", flag.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable}");
    }
}

/// In the log of a pod there is no command line to look at.
#[test]
fn a_value_of_the_environment_that_makes_no_sense_is_one_plain_line() {
    let cases = [
        ("POLYSCALER_METRICS_ADDRESS", "nonsense", "must be an address such as 0.0.0.0:8080, or off"),
        ("POLYSCALER_LEADER_ELECT", "perhaps", "true, false"),
        ("POLYSCALER_KINDS", "NoSuchKind", "BusinessScaling"),
        ("POLYSCALER_LEASE_DURATION", "1s", "must be a duration from 3s to 5m"),
        ("POLYSCALER_API_TIMEOUT", "2m", "must be a duration from 1s to 1m"),
        ("POLYSCALER_ALLOW_CROSS_NAMESPACE", "perhaps", "true, false"),
        ("POLYSCALER_NAMESPACES", "Team_A", "must be the name of a namespace"),
    ];
    for (variable, value, words) in cases {
        let ran: Ran = polyscaler(&["operator"]).env(variable, value).output().unwrap().into();
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.lines().count()), (2, "", 1), "{ran:?}");
        for word in [variable, &format!("'{value}'"), words] {
            assert!(ran.stderr.contains(word), "{word} in {ran:?}");
        }
    }
    // Where the flag is given it is the flag that is wrong.
    let mut command = polyscaler(&["operator", "--lease-duration=1s"]);
    let ran: Ran = command.env("POLYSCALER_LEASE_DURATION", "30s").output().unwrap().into();
    assert_eq!(ran.status, 2);
    assert!(!ran.stderr.contains("environment variable"), "{ran:?}");
}

#[test]
fn logging_that_makes_no_sense_is_one_plain_line() {
    for (variable, value) in [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud"), ("LOG_LEVEL", "cluster=loud")] {
        let ran: Ran = polyscaler(&["operator"]).env(variable, value).output().unwrap().into();
        assert_one_line_of_bad_usage(&ran, &[&format!("{variable}={value}")]);
    }
}

#[test]
fn traces_that_make_no_sense_are_one_plain_line_and_bad_usage() {
    let on = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let cases = [
        ("OTEL_SDK_DISABLED", "perhaps", "must be true or false"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "must be otlp or none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "must be http/protobuf or grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "such as http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://me:hush@c", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hush", "entry 1 is not name=value"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "a number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "must be gzip or none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent/ca.pem", "name a file in PEM format"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "a number of spans from 1"),
        ("OTEL_TRACES_SAMPLER", "some", "always_on, always_off or traceidratio"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "entry 1 is not name=value"),
    ];
    for (variable, value, words) in cases {
        let ran: Ran = polyscaler(&["operator"]).envs([on, (variable, value)]).output().unwrap().into();
        assert_eq!((ran.status, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
        assert!(ran.stderr.starts_with(&format!("polyscaler: {variable}")), "{ran:?}");
        assert!(ran.stderr.contains(words) && !ran.stderr.contains("hush"), "{words}: {ran:?}");
    }
}
