//! gRPC over TLS: who is trusted comes from the system, or from SSL_CERT_FILE.
//!
//! The environment belongs to a whole process, so each case asks in a child of its own.

use std::path::Path;

use sources::{AddressPolicy, Advisers};
use testbed::certificates::Authority;

use crate::adviser::server::{Answer, Server, response};
use crate::adviser::{ask, reported};
use crate::support::child;

/// What a process that trusts the authorities in `roots` is reported at `address`.
async fn ask_in_child(address: &str, roots: &Path) -> String {
    child::reported_by("adviser::tls::child_asks_with_its_environment", address, roots).await
}

#[tokio::test]
#[ignore = "runs as a child of the other test here"]
async fn child_asks_with_its_environment() {
    let Some(address) = child::address() else { return };
    let advisers = Advisers::new(AddressPolicy::default());
    child::tell(reported(ask(&advisers, &address).await, &address));
}

#[tokio::test]
async fn only_a_trusted_authority_is_believed() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ours").unwrap();
    let theirs = Authority::new(folder.path(), "theirs").unwrap();
    let answer = Answer::message(&response(&[("web", 7), ("db", 1)], "why"));
    let server = Server::start_with_tls(&ours.server("server", &[]).unwrap(), answer).await;
    let trusted = ask_in_child(&server.address, &ours.files().certificate).await;
    assert_eq!(trusted, "Ok([Some(7), Some(1)])");
    let untrusted = ask_in_child(&server.address, &theirs.files().certificate).await;
    assert!(
        untrusted.starts_with("Err(\"MetricConnectionFailed TLS: certificate not trusted"),
        "{untrusted}"
    );
    assert_eq!(server.seen().len(), 1);
}
