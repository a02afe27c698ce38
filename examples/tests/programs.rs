//! The programs by themselves: settings that are wrong are named. What they do under load is
//! tested with the operator, in `crates/polyscaler/tests/samples`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::process::Command;

/// What a program says that refuses to start with this setting.
fn refused(program: &str, (name, value): (&str, &str)) -> String {
    let output = Command::new(program).env(name, value).env("RUST_BACKTRACE", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{program} with {name}={value}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_wrong_setting_is_named() {
    let worker = env!("CARGO_BIN_EXE_worker");
    let producer = env!("CARGO_BIN_EXE_worker-producer");
    let http_app = env!("CARGO_BIN_EXE_http-app");
    let event_queue = env!("CARGO_BIN_EXE_event-queue");
    let publisher = env!("CARGO_BIN_EXE_event-queue-publisher");
    assert!(refused(http_app, ("LISTEN_ADDRESS", "here")).contains("LISTEN_ADDRESS is here"));
    assert!(refused(worker, ("WORK_MILLISECONDS", "1.5")).contains("WORK_MILLISECONDS is \"1.5\""));
    assert!(refused(event_queue, ("WORK_MILLISECONDS", "-1")).contains("WORK_MILLISECONDS is \"-1\""));
    assert!(refused(producer, ("RATE", "0")).contains("RATE is 0: give 0.001 to 10000 in a second"));
    assert!(refused(publisher, ("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")).contains("topics/events"));
    let orders = env!("CARGO_BIN_EXE_order-queue");
    let order_publisher = env!("CARGO_BIN_EXE_order-queue-publisher");
    assert!(refused(orders, ("WORK_MILLISECONDS", "x")).contains("WORK_MILLISECONDS is \"x\""));
    let said = refused(order_publisher, ("NATS_URL", "nats://me:secret@127.0.0.1:1"));
    assert!(said.contains("no connection to NATS_URL") && !said.contains("secret"), "{said}");
    let said = refused(producer, ("REDIS_URL", "redis//:secret@redis"));
    assert!(
        said.contains("REDIS_URL is not the URL of a Redis server") && !said.contains("secret"),
        "{said}"
    );
}
