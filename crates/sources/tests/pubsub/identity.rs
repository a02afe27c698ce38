//! The operator's own identity, which its environment names.
//!
//! The environment belongs to a whole process, so each case reads in a child of its own.

use serde_json::json;
use testbed::CloudMonitoring;
use testbed::cloud_monitoring::Part;

use crate::pubsub::bench::MINUTE;
use crate::support::{Bench, Question, outcome};

const VARIABLES: [&str; 3] =
    ["GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST", "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING"];

/// What a process with these variables reads without a key.
async fn read_in_child(variables: [&str; 3]) -> String {
    outcomes_in_child(variables, "").await.remove(0)
}

/// The same, what it then reads with `secret` in place of a key, and in the project of its own identity.
async fn outcomes_in_child(variables: [&str; 3], secret: &str) -> Vec<String> {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "--nocapture", "pubsub::identity::child_reads_with_its_environment"]);
    child.env("SECRET_IN_CHILD", secret);
    for (name, value) in VARIABLES.iter().zip(variables) {
        child.env(name, value);
    }
    let output = child.kill_on_drop(true).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let outcomes = text.lines().filter_map(|line| line.split_once("outcome: "));
    let outcomes: Vec<_> = outcomes.map(|(_, outcome)| outcome.to_owned()).collect();
    assert_eq!(outcomes.len(), 3, "the child said {text}");
    outcomes
}

#[tokio::test]
#[ignore = "runs as a child of the other tests here"]
async fn child_reads_with_its_environment() {
    let Ok(secret) = std::env::var("SECRET_IN_CHILD") else { return };
    let bench = Bench::new();
    bench.vault.set("shop/gcp", "key.json", &secret);
    let from = json!({"secretKeyRef": {"name": "gcp", "key": "key.json"}});
    for from in [json!(null), from] {
        let config = json!({"projectId": "shop", "subscription": "orders", "credentialsFrom": from,
                            "timeoutSeconds": 20});
        let query = Question { source: "pubsub", config };
        println!("\noutcome: {:?}", outcome(bench.read(&query).await));
    }
    let config = json!({"identityProject": true, "subscription": "orders", "timeoutSeconds": 20});
    let query = Question { source: "pubsub", config };
    println!("\noutcome: {:?}", outcome(bench.read(&query).await));
}

async fn server() -> CloudMonitoring {
    let server = CloudMonitoring::start().await.unwrap();
    server.set_backlog("shop", "orders", 6, MINUTE);
    server
}

#[tokio::test]
async fn the_metadata_server_gives_tokens() {
    let server = server().await;
    let (host, endpoint) = (server.address().to_string(), server.endpoint() + "/");
    let without = read_in_child(["", &host, &endpoint]).await;
    assert!(
        without.contains("BadStatus") && without.contains("no token: it answered with status 404"),
        "{without}"
    );
    server.lend_metadata_account(&["shop"]);
    let outcomes = outcomes_in_child(["", &host, &endpoint], "").await;
    assert_eq!((outcomes[0].as_str(), outcomes[2].as_str()), ("Ok(6.0)", "Ok(6.0)"));
    let seen = server.seen(Part::Metadata);
    assert_eq!((seen.headers["metadata-flavor"].to_str().unwrap(), seen.query), ("Google", None));
    assert_eq!(server.seen(Part::Token).count, 0);
}

#[tokio::test]
async fn a_file_holds_the_operators_key() {
    let server = server().await;
    let account = server.service_account("operator", &["shop"]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key.json");
    let missing = read_in_child([file.to_str().unwrap(), "", &server.endpoint()]).await;
    assert!(missing.contains("own Google identity cannot be read from"), "{missing}");
    std::fs::write(&file, &account.key_json).unwrap();
    let outcomes = outcomes_in_child([file.to_str().unwrap(), "127.0.0.1:1", &server.endpoint()], "").await;
    assert_eq!((outcomes[0].as_str(), outcomes[2].as_str()), ("Ok(6.0)", "Ok(6.0)"));
    assert_eq!(server.seen(Part::Metadata).count, 0);
}

#[tokio::test]
async fn nothing_is_lent_that_the_environment_does_not_name() {
    let server = server().await;
    let nothing = read_in_child(["", "", &server.endpoint()]).await;
    assert!(nothing.starts_with("Err((SecretUnavailable"), "{nothing}");
    assert!(
        nothing.contains("own Google identity is not available: name a secret in credentialsFrom"),
        "{nothing}"
    );
    let wrong = read_in_child(["", "http://metadata/", &server.endpoint()]).await;
    assert!(wrong.contains("GCE_METADATA_HOST must be a host"), "{wrong}");
    let wrong = read_in_child(["", &server.address().to_string(), "monitoring"]).await;
    assert!(
        wrong.contains("CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING: Invalid value: must be a URL"),
        "{wrong}"
    );
    assert_eq!(server.seen(Part::TimeSeries).count, 0);
}

#[tokio::test]
async fn no_secret_can_spell_the_operators_identity() {
    let server = server().await;
    server.lend_metadata_account(&["shop"]);
    let host = server.address().to_string();
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    let outcomes = outcomes_in_child(["", &host, &server.endpoint()], &(server.endpoint() + path)).await;
    assert_eq!(outcomes[0], "Ok(6.0)");
    assert!(
        outcomes[1].starts_with("Err((SecretUnavailable") && outcomes[1].contains("is not JSON"),
        "{outcomes:?}"
    );
}
