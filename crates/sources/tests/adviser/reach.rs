//! Who can be asked, and who may be.

use std::time::Duration;

use sources::{AddressPolicy, Advisers};
use testbed::ports::PortClaim;
use testbed::{MetricServer, wait};
use tokio::net::TcpListener;

use crate::adviser::server::{Answer, Server, Then, response};
use crate::adviser::{ask, reported};

fn good() -> Answer {
    Answer::message(&response(&[("web", 7)], "why"))
}

#[tokio::test]
async fn a_service_that_is_gone_is_an_absence_until_it_is_back() {
    let (port, listener) = PortClaim::listening().unwrap();
    let server = Server::on(TcpListener::from_std(listener).unwrap(), good());
    let advisers = Advisers::new(AddressPolicy::default());
    let address = server.address.clone();
    assert!(ask(&advisers, &address).await.is_ok());
    drop(server);
    // The connection that was open may be found broken first.
    let gone = || async {
        let words = reported(ask(&advisers, &address).await, &address).unwrap_err();
        if words == "MetricConnectionFailed connection refused" { Ok(()) } else { Err(words) }
    };
    wait::until("a refusal", Duration::from_secs(120), gone).await.unwrap();
    let listener = TcpListener::bind(("127.0.0.1", port.port())).await.unwrap();
    let _server = Server::on(listener, good());
    assert!(ask(&advisers, &address).await.is_ok());
}

#[tokio::test]
async fn a_connection_that_ends_when_it_is_used_again_costs_no_advice() {
    let server = Server::start(Answer { then: Then::Once, ..good() }).await;
    let advisers = Advisers::new(AddressPolicy::default());
    for _ in 0..5 {
        assert!(ask(&advisers, &server.address).await.is_ok());
    }
}

#[tokio::test]
async fn addresses_that_must_not_be_called_are_refused() {
    let server = Server::start(good()).await;
    for (address, deny) in [
        ("http://169.254.169.254", ""),
        ("https://[fe80::1]:50051", ""),
        (server.address.as_str(), "127.0.0.0/8"),
        ("http://localhost:1", "127.0.0.0/8 ::1/128"),
    ] {
        let deny = deny.split_whitespace().map(|net| net.parse().unwrap()).collect();
        let advisers = Advisers::new(AddressPolicy { deny, allow: Vec::new() });
        let words = reported(ask(&advisers, address).await, address).unwrap_err();
        assert!(words.starts_with("MetricAddressRefused its address "), "{address}: {words}");
    }
    assert!(server.seen().is_empty());
    let advisers = Advisers::new(AddressPolicy {
        deny: vec!["127.0.0.0/8".parse().unwrap()],
        allow: vec!["127.0.0.1/32".parse().unwrap()],
    });
    assert!(ask(&advisers, &server.address).await.is_ok(), "an exception");
}

#[tokio::test]
async fn whoever_does_not_speak_grpc_is_named() {
    let advisers = Advisers::new(AddressPolicy::default());
    // HTTP/1 only.
    let other = MetricServer::start().await.unwrap();
    let address = other.url("/");
    let address = address.trim_end_matches('/');
    let words = reported(ask(&advisers, address).await, address).unwrap_err();
    assert!(words.starts_with("MetricConnectionFailed "), "{words}");
    // No TLS where TLS is asked for.
    let server = Server::start(good()).await;
    let address = server.address.replace("http:", "https:");
    let words = reported(ask(&advisers, &address).await, &address).unwrap_err();
    assert!(words.starts_with("MetricConnectionFailed "), "{words}");
    let free = PortClaim::new().unwrap();
    let address = format!("http://127.0.0.1:{}", free.port());
    let words = reported(ask(&advisers, &address).await, &address).unwrap_err();
    assert_eq!(words, "MetricConnectionFailed connection refused");
    let words = reported(ask(&advisers, "http://[::1").await, "http://[::1").unwrap_err();
    assert!(
        words.starts_with("MetricConnectionFailed the address \"http://[::1\" cannot be called"),
        "{words}"
    );
}
