//! Answers, good and bad: a bad one is an absence with its reason, and never a count.

use std::time::Duration;

use sources::{AddressPolicy, Advisers};

use crate::adviser::server::{Answer, Server, Then, response};
use crate::adviser::{ask, ask_within, reported};

#[tokio::test]
async fn a_good_answer_is_the_advice() {
    let answer = Answer::message(&response(&[("db", 3), ("web", 7)], "because"));
    let server = Server::start(answer).await;
    let advisers = Advisers::new(AddressPolicy::default());
    let advice = ask(&advisers, &server.address).await.unwrap();
    assert_eq!((advice.replicas, advice.reason.as_str()), (vec![Some(7), Some(3)], "because"));
    server.set(Answer::message(&response(&[("web", 0)], "")));
    // The address may end in a slash.
    let asked = ask(&advisers, &format!("{}/", server.address)).await;
    assert_eq!(asked.unwrap().replicas, [Some(0), None]);
    for (path, content_type, te, body) in server.seen() {
        assert_eq!(path, "/polyscaler.policy.v1.Policy/Decide");
        assert_eq!((content_type.as_str(), te.as_str()), ("application/grpc", "trailers"));
        assert_eq!(body[0], 0);
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), body.len() - 5);
    }
}

#[tokio::test]
async fn a_wrong_answer_is_an_absence_that_says_what_is_wrong() {
    let whole = Answer::message(&response(&[("web", 7)], "why"));
    let server = Server::start(whole.clone()).await;
    let advisers = Advisers::new(AddressPolicy::default());
    let compressed = [&[1][..], &whole.body[1..]].concat();
    let mut cut = whole.body.clone();
    cut.pop();
    let twice = [whole.body.clone(), whole.body.clone()].concat();
    let long = Answer::message(&response(&[("web", 7)], "").repeat(20_000));
    let port = "is it the port for gRPC?";
    let cases = [
        (Answer::message(b""), "MetricMalformed its response names no member".to_owned()),
        (
            Answer::message(&response(&[("cache", 1)], "")),
            "MetricMalformed its response names \"cache\"".to_owned(),
        ),
        (
            Answer::message(&response(&[("web", -1)], "")),
            "MetricMalformed its response recommends -1 replicas for \"web\"".to_owned(),
        ),
        (
            Answer::message(&response(&[("web", 1), ("db", 1), ("web", 2)], "")),
            "MetricMalformed its response names the member \"web\" twice".to_owned(),
        ),
        (Answer::message(b"\xff\xff\xff"), "MetricMalformed its response is not a DecideResponse".to_owned()),
        (Answer::body(Vec::new()), "MetricMalformed its response has no complete message".to_owned()),
        (Answer::body(compressed), "MetricMalformed its response has no complete message".to_owned()),
        (Answer::body(cut), "MetricMalformed its response has no complete message".to_owned()),
        (Answer::body(twice), "MetricMalformed its response has no complete message".to_owned()),
        (long, "MetricTooLarge the response is larger than 64 KiB".to_owned()),
        (Answer::status("12", ""), "MetricBadStatus it answered UNIMPLEMENTED".to_owned()),
        (
            Answer::status("14", "warming%20up%0Anow"),
            "MetricBadStatus it answered UNAVAILABLE: warming up now".to_owned(),
        ),
        (Answer::status("16", "no"), "MetricUnauthorized it answered UNAUTHENTICATED: no".to_owned()),
        (Answer::status("4", ""), "MetricTimeout it answered DEADLINE_EXCEEDED".to_owned()),
        (
            Answer { trailers: None, head: vec![("grpc-status", "5")], ..Answer::body(Vec::new()) },
            "MetricBadStatus it answered NOT_FOUND".to_owned(),
        ),
        (
            Answer { trailers: None, ..whole.clone() },
            format!("MetricMalformed it does not answer as a gRPC server; {port}"),
        ),
        (
            Answer { status: 404, ..whole.clone() },
            format!("MetricBadStatus it answered with status 404; {port}"),
        ),
        (
            Answer { status: 302, ..whole.clone() },
            format!("MetricBadStatus it answered with status 302; {port}"),
        ),
        (
            Answer { then: Then::Break, ..whole.clone() },
            "MetricConnectionFailed the connection was closed before the response was complete".to_owned(),
        ),
    ];
    for (answer, expected) in cases {
        server.set(answer.clone());
        let found = reported(ask(&advisers, &server.address).await, &server.address).unwrap_err();
        assert!(found.starts_with(&expected), "{found}\ninstead of {expected}\nto {answer:?}");
    }
    server.set(whole);
    // The connection that broke may be found broken once more.
    let mut found = Err(String::new());
    for _ in 0..100 {
        found = reported(ask(&advisers, &server.address).await, &server.address);
        if found.is_ok() {
            break;
        }
    }
    assert_eq!(found, Ok(vec![Some(7), None]), "what was wrong before does not matter");
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_given_up_in_time_and_holds_up_no_other() {
    let whole = Answer::message(&response(&[("web", 7)], "why"));
    let server = Server::start(Answer { then: Then::Hang, ..whole.clone() }).await;
    let advisers = Advisers::new(AddressPolicy::default());
    let asked = ask_within(&advisers, &server.address, Duration::from_secs(1)).await;
    let expected = "MetricTimeout no complete response within 1 s".to_owned();
    assert_eq!(reported(asked, &server.address), Err(expected));
    server.set(whole);
    assert!(ask(&advisers, &server.address).await.is_ok());
}
