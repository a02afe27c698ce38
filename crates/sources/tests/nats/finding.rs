//! How the servers of a cluster are found, and what they are asked.

use engine::AbsenceReason;
use serde_json::{Value, json};

use crate::nats::bench::Bench;
use crate::nats::canned::{Scripted, consumer, jsz, member, orders};

/// Stream `ORDERS` with a consumer that is led by `leader`.
fn led_by(leader: &str, pending: u64) -> Value {
    let mut stream = orders(&[consumer("work", json!(pending), json!(0))]);
    for path in ["/cluster/leader", "/consumer_detail/0/cluster/leader"] {
        *stream.pointer_mut(path).unwrap() = json!(leader);
    }
    stream
}

/// The first server of two, which knows the second by what `more` says.
async fn first_of_two(more: Value) -> Scripted {
    let streams = [led_by("n2", 0)];
    Scripted::start(move |line, _| member(line, "ID1", "n1", &streams, &more)).await
}

#[tokio::test]
async fn a_secret_goes_to_given_addresses_only() {
    let more = json!({
        "connect_urls": ["127.0.0.2:4222"],
        "routes": [{"remote_id": "ID2", "ip": "127.0.0.9"}],
    });
    let first = first_of_two(more).await;
    let place = (std::net::Ipv4Addr::new(127, 0, 0, 2), first.address.port()).into();
    let streams = [led_by("n2", 5)];
    let second =
        Scripted::start_at(place, move |line, _| member(line, "ID2", "n2", &streams, &json!({}))).await;
    let bench = Bench::new();
    bench.vault.set("shop/token", "Authorization", "Bearer abc");
    let mut settings = json!({
        "monitoringUrl": first.url(),
        "subject": "orders",
        "headersFrom": {"secretRef": {"name": "token"}},
    });
    assert_eq!(bench.waiting(settings.clone()).await, Ok(5.0));
    assert!(
        first.heads().iter().all(|head| head.contains("authorization: bearer abc")),
        "{:?}",
        first.heads()
    );
    assert!(second.heads().len() >= 3, "{:?}", second.heads());
    assert!(second.heads().iter().all(|head| !head.contains("abc")), "{:?}", second.heads());

    settings["monitoringUrls"] = json!([second.url()]);
    assert_eq!(bench.waiting(settings).await, Ok(5.0));
    assert!(second.heads().iter().any(|head| head.contains("authorization: bearer abc")));
}

#[tokio::test]
async fn whoever_answers_in_place_of_a_peer_is_not_believed() {
    let more = json!({
        "connect_urls": ["127.0.0.2:4222"],
        "routes": [{"remote_id": "ID2", "remote_name": "n2"}],
    });
    let first = first_of_two(more).await;
    let place = (std::net::Ipv4Addr::new(127, 0, 0, 2), first.address.port()).into();
    let streams = [led_by("n2", 5)];
    let _other =
        Scripted::start_at(place, move |line, _| member(line, "ID7", "n2", &streams, &json!({}))).await;
    let (_, message) = Bench::new().waiting_for(&first.url(), "orders").await.unwrap_err();
    assert!(message.contains("server \"n2\" of its cluster cannot be queried"), "{message}");
}

#[tokio::test]
async fn a_peer_of_which_nothing_is_known_is_named_by_its_id() {
    let first = first_of_two(json!({"routes": [{"remote_id": "ID2"}]})).await;
    let bench = Bench::new();
    let (reason, message) = bench.waiting_for(&first.url(), "orders").await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ConnectionFailed);
    assert!(
        message.contains("server \"n2\" of its cluster cannot be queried (its address is not known)"),
        "{message}"
    );
    // Without a stream that names it as its leader there is only the id.
    let bare =
        Scripted::start(|line, _| member(line, "ID1", "n1", &[], &json!({"routes": [{"remote_id": "ID2"}]})));
    let (_, message) = bench.waiting_for(&bare.await.url(), "orders").await.unwrap_err();
    assert!(message.contains("server \"ID2\" of its cluster"), "{message}");
}

#[tokio::test]
async fn answers_of_different_servers_are_not_mixed() {
    // As behind a balancer that sends each request to the next server.
    let balanced = Scripted::start(|line, count| {
        let id = format!("ID{count}");
        member(line, &id, "n1", &[led_by("n1", 5)], &json!({}))
    });
    let (reason, message) = Bench::new().waiting_for(&balanced.await.url(), "orders").await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ConnectionFailed);
    assert!(message.contains("different servers"), "{message}");
}

#[tokio::test]
async fn servers_without_a_cluster_are_not_added_up() {
    let alone = |id: &'static str| {
        Scripted::start(move |line, _| match line.contains("/jsz") {
            true => jsz(id, &[led_by(id, 5)]),
            false => json!({"status": "ok"}),
        })
    };
    let (one, other) = (alone("ID1").await, alone("ID2").await);
    let bench = Bench::new();
    let settings = json!({"monitoringUrl": one.url(), "monitoringUrls": [other.url()], "subject": "orders"});
    let (reason, message) = bench.waiting(settings).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::Malformed);
    assert!(message.contains("one JetStream cluster"), "{message}");
    let twice = json!({"monitoringUrl": one.url(), "monitoringUrls": [one.url()], "subject": "orders"});
    assert_eq!(bench.waiting(twice).await, Ok(5.0), "the same server twice is one");
}

#[tokio::test]
async fn a_consumer_that_moves_while_it_is_read_has_no_number() {
    let cluster = async |claims: [&'static str; 2]| {
        let more = json!({"connect_urls": ["127.0.0.2:4222"], "routes": [{"remote_id": "ID2"}]});
        let streams = [led_by(claims[0], 4)];
        let first = Scripted::start(move |line, _| member(line, "ID1", "n1", &streams, &more)).await;
        let place = (std::net::Ipv4Addr::new(127, 0, 0, 2), first.address.port()).into();
        let streams = [led_by(claims[1], 5)];
        let second =
            Scripted::start_at(place, move |line, _| member(line, "ID2", "n2", &streams, &json!({})));
        (first, second.await)
    };
    let bench = Bench::new();
    for (claims, reason, words) in [
        (["n1", "n2"], AbsenceReason::ValueMissing, "two servers report to lead it"),
        (["n2", "n1"], AbsenceReason::ValueMissing, "which does not confirm it; its leader is changing"),
        (["", ""], AbsenceReason::ValueMissing, "it has no leader at the moment"),
        (["n3", "n3"], AbsenceReason::ConnectionFailed, "its leader \"n3\" is not connected"),
    ] {
        let (first, _second) = cluster(claims).await;
        let (found, message) = bench.waiting_for(&first.url(), "orders").await.unwrap_err();
        assert_eq!(found, reason, "{message}");
        assert!(
            message.contains("consumer \"work\" of stream \"ORDERS\": ") && message.contains(words),
            "{message}"
        );
    }
    let (first, _second) = cluster(["n2", "n2"]).await;
    assert_eq!(bench.waiting_for(&first.url(), "orders").await, Ok(5.0));
}
