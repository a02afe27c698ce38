//! Redirects and addresses: an endpoint cannot make the operator call what it must not.

use engine::AbsenceReason::{self, AddressRefused, BadStatus, TooManyRedirects};
use serde_json::json;
use sources::AddressPolicy;
use testbed::{Answer, MetricServer};

use crate::http::bench::{Bench, Question, outcome, query};

fn with_secret(url: String) -> Question {
    query(json!({"url": url, "headersFrom": {"secretRef": {"name": "token"}}}))
}

async fn bench_with_secret() -> (Bench, MetricServer) {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    bench.vault.set("shop/token", "Authorization", "Bearer hidden\n");
    (bench, server)
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_secret_headers() {
    let (bench, server) = bench_with_secret().await;
    server.set("/old", Answer::redirect("/new"));
    server.set_json("/new", &json!({"active_users": 4}));
    assert_eq!(outcome(bench.read(&with_secret(server.url("/old"))).await), Ok(4.0));
    assert_eq!(server.seen("/new").headers["authorization"], "Bearer hidden");
}

#[tokio::test]
async fn a_redirect_to_another_origin_drops_the_secret_headers_for_good() {
    let (bench, first) = bench_with_secret().await;
    let second = MetricServer::start().await.unwrap();
    first.set("/old", Answer::redirect(&second.url("/there")));
    second.set("/there", Answer::redirect("/further"));
    second.set("/further", Answer::redirect(&first.url("/back")));
    first.set_json("/back", &json!({"active_users": 5}));
    assert_eq!(outcome(bench.read(&with_secret(first.url("/old"))).await), Ok(5.0));
    assert!(first.seen("/old").headers.contains_key("authorization"));
    for seen in [second.seen("/there"), second.seen("/further"), first.seen("/back")] {
        assert_eq!(seen.count, 1);
        assert!(!seen.headers.contains_key("authorization"), "{:?}", seen.headers);
        assert_eq!(seen.headers["accept"], "application/json");
    }
}

#[tokio::test]
async fn another_name_of_the_same_host_is_another_origin() {
    let (bench, server) = bench_with_secret().await;
    server.set("/old", Answer::redirect(&format!("http://localhost:{}/new", server.address().port())));
    server.set_json("/new", &json!({"active_users": 6}));
    assert_eq!(outcome(bench.read(&with_secret(server.url("/old"))).await), Ok(6.0));
    assert!(!server.seen("/new").headers.contains_key("authorization"));
}

#[tokio::test]
async fn credentials_in_a_redirect_are_not_sent() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set("/old", Answer::redirect(&format!("http://ann:hunter2@{}/new", server.address())));
    server.set_json("/new", &json!({"active_users": 7}));
    assert_eq!(bench.number_at(&server.url("/old")).await, Ok(7.0));
    assert!(!server.seen("/new").headers.contains_key("authorization"));
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_loop_ends() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    for number in 0..6 {
        server.set(&format!("/{number}"), Answer::redirect(&format!("/{}", number + 1)));
    }
    server.set_json("/6", &json!({"active_users": 8}));
    server.set("/loop", Answer::redirect("/loop"));
    assert_eq!(bench.number_at(&server.url("/1")).await, Ok(8.0));
    let message = format!("{}: it redirected more than 5 times", server.url("/0"));
    assert_eq!(bench.number_at(&server.url("/0")).await, Err((TooManyRedirects, message)));
    assert_eq!(bench.number_at(&server.url("/loop")).await.unwrap_err().0, TooManyRedirects);
    assert_eq!(server.seen("/loop").count, 6);
}

#[tokio::test]
async fn a_path_that_a_redirect_chose_is_not_reported() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    server.set("/old", Answer::redirect("/hidden?hidden"));
    let (reason, message) = bench.number_at(&server.url("/old")).await.unwrap_err();
    let reported =
        format!("{}: it redirected to {}: it answered with status 404", server.url("/old"), server.url(""));
    assert_eq!((reason, message), (BadStatus, reported));
    server.set("/old", Answer::redirect("http://169.254.169.254/hidden"));
    let (_, message) = bench.number_at(&server.url("/old")).await.unwrap_err();
    assert!(message.contains("169.254.169.254") && !message.contains("hidden"), "{message}");
}

#[tokio::test]
async fn a_redirect_to_what_must_not_be_called_is_refused() {
    let (bench, server) = (Bench::new(), MetricServer::start().await.unwrap());
    for (location, reason) in [
        ("http://169.254.169.254/latest/meta-data/", AddressRefused),
        ("http://2852039166/", AddressRefused),
        ("http://0xA9FEA9FE/", AddressRefused),
        ("//[::ffff:169.254.169.254]/", AddressRefused),
        ("http://[fe80::1]/", AddressRefused),
        ("http://[fd00:ec2::254]/", AddressRefused),
        ("http://0.0.0.0:80/", AddressRefused),
        ("file:///etc/passwd", AddressRefused),
        ("http://[", BadStatus),
    ] {
        server.set("/old", Answer::redirect(location));
        assert_refused(&bench, &server.url("/old"), reason).await;
    }
}

#[tokio::test]
async fn an_address_that_must_not_be_called_is_refused() {
    let bench = Bench::new();
    for url in ["http://169.254.169.254/", "https://169.254.169.254/", "http://0xa9.254.0251.254:8080/"] {
        assert_refused(&bench, url, AddressRefused).await;
    }
}

/// Refused, and not merely unreachable: that would end with another reason.
async fn assert_refused(bench: &Bench, url: &str, reason: AbsenceReason) {
    let (found, message) = bench.number_at(url).await.unwrap_err();
    assert_eq!(found, reason, "{url}: {message}");
}

#[tokio::test]
async fn a_name_is_judged_by_its_addresses() {
    let denying = AddressPolicy {
        deny: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        allow: Vec::new(),
    };
    let server = MetricServer::start().await.unwrap();
    server.set_json("/users", &json!({"active_users": 9}));
    let port = server.address().port();
    let urls = [format!("http://localhost:{port}/users"), server.url("/users")];
    for url in &urls {
        let (reason, message) = Bench::with(denying.clone()).number_at(url).await.unwrap_err();
        assert_eq!(reason, AddressRefused, "{message}");
        assert!(message.contains("denied by the operator's settings"), "{message}");
    }
    assert_eq!(server.requests(), 0);

    let excepted = AddressPolicy { allow: vec!["127.0.0.1/32".parse().unwrap()], ..denying };
    for url in &urls {
        assert_eq!(Bench::with(excepted.clone()).number_at(url).await, Ok(9.0), "{url}");
    }
}

#[tokio::test]
async fn no_proxy_is_taken_from_the_environment() {
    // Set for a child of this test: the environment of a process is for all of its threads.
    let server = MetricServer::start().await.unwrap();
    server.set_json("/users", &json!({"active_users": 1}));
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "http::redirects::child_reads_past_a_proxy"])
        .env("READ_URL", server.url("/users"))
        .envs(["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"].map(|name| (name, "http://127.0.0.1:1")))
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(server.seen("/users").count, 1);
}

#[tokio::test]
#[ignore = "runs as a child of no_proxy_is_taken_from_the_environment"]
async fn child_reads_past_a_proxy() {
    let Ok(url) = std::env::var("READ_URL") else { return };
    assert_eq!(Bench::new().number_at(&url).await, Ok(1.0));
}
