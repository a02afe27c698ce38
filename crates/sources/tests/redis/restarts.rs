//! Servers that go, come back, fall silent or load their data while they are read.

use std::cell::Cell;

use engine::AbsenceReason::*;
use futures::future::join_all;
use serde_json::json;
use testbed::{RedisOptions, RedisServer, wait};

use crate::redis::bench::{Bench, LIMIT, list, push, with};

#[tokio::test]
async fn after_a_restart_the_next_reading_works() {
    let (bench, server) = (Bench::new(), RedisServer::start(RedisOptions::default()).await.unwrap());
    push(&server, "jobs", 3).await;
    let settings = list(&server, "jobs");
    for round in 0..4 {
        assert_eq!(bench.number(&settings).await, Ok(3.0), "in round {round}");
        server.stop().await.unwrap();
        if round % 2 == 0 {
            let message = bench.absence(&settings, ConnectionFailed).await;
            assert!(message.ends_with("connection refused"), "{message}");
        }
        server.start_again().unwrap();
        server.wait_until_ready().await.unwrap();
    }
    assert_eq!(bench.number(&settings).await, Ok(3.0));
}

#[tokio::test]
async fn a_restart_in_mid_reading_gives_the_number_or_an_absence() {
    let (bench, server) = (Bench::new(), RedisServer::start(RedisOptions::default()).await.unwrap());
    push(&server, "jobs", 3).await;
    server.run(&["SAVE"]).await.unwrap();
    let settings = list(&server, "jobs");
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (numbers, absences) = (Cell::new(0), Cell::new(0));
    let reading = async {
        while !stop.load(std::sync::atomic::Ordering::SeqCst) {
            match bench.number(&settings).await {
                Ok(3.0) => numbers.set(numbers.get() + 1),
                Err((ConnectionFailed | BadStatus, _)) => absences.set(absences.get() + 1),
                other => panic!("{other:?}"),
            }
        }
    };
    let restarting = async {
        for round in 0..6 {
            let before = absences.get();
            if round % 2 == 0 {
                server.kill().await.unwrap()
            } else {
                server.stop().await.unwrap()
            }
            let was_missed =
                || async { if absences.get() > before { Ok(()) } else { Err("no reading yet".to_owned()) } };
            wait::until("a reading without the server", LIMIT, was_missed).await.unwrap();
            server.start_again().unwrap();
            server.wait_until_ready().await.unwrap();
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
    };
    tokio::join!(reading, restarting);
    assert!(numbers.get() > 0);
    assert_eq!(bench.number(&settings).await, Ok(3.0));
}

#[tokio::test]
async fn a_silent_server_costs_no_more_than_the_time_limit() {
    let (bench, server) = (Bench::new(), RedisServer::start(RedisOptions::default()).await.unwrap());
    push(&server, "jobs", 3).await;
    let settings = with(&list(&server, "jobs"), &json!({"timeoutSeconds": 1}));
    bench.until(3.0, &settings).await;
    server.pause().unwrap();
    let lists: Vec<_> =
        (0..50).map(|number| with(&settings, &json!({"listName": number.to_string()}))).collect();
    for outcome in join_all(lists.iter().map(|list| bench.number(list))).await {
        let (reason, message) = outcome.unwrap_err();
        assert_eq!(reason, Timeout);
        assert_eq!(message, format!("{}: no response within 1 s", server.address()));
    }
    server.resume().unwrap();
    bench.until(3.0, &settings).await;
    let one = || async {
        match server.clients().await {
            Ok(1) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("one connection again", LIMIT, one).await.unwrap();
}

#[tokio::test]
async fn a_server_without_room_says_so() {
    let options = RedisOptions { lines: vec!["maxclients 1".into()], ..RedisOptions::default() };
    let (bench, server) = (Bench::new(), RedisServer::start(options).await.unwrap());
    let settings = list(&server, "jobs");
    bench.until(0.0, &settings).await;
    let other = Bench::new();
    let full = || async {
        match other.number(&settings).await {
            Err((BadStatus, message))
                if message.ends_with("it has reached its maximum number of clients") =>
            {
                Ok(())
            }
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("a full server", LIMIT, full).await.unwrap();
    assert_eq!(bench.number(&settings).await, Ok(0.0));
}

#[tokio::test]
async fn a_server_that_is_busy_or_loading_says_so() {
    let options = RedisOptions {
        // A key a millisecond.
        lines: vec![
            "key-load-delay 1000".into(),
            "loading-process-events-interval-bytes 1024".into(),
            "enable-debug-command yes".into(),
        ],
        ..RedisOptions::default()
    };
    let (bench, server) = (Bench::new(), RedisServer::start(options).await.unwrap());
    server.run(&["DEBUG", "POPULATE", "3000"]).await.unwrap();
    push(&server, "jobs", 3).await;
    let settings = list(&server, "jobs");
    server.run(&["CONFIG", "SET", "busy-reply-threshold", "10"]).await.unwrap();
    let busy = server.run(&["EVAL", "while true do end", "0"]);
    let reported = async {
        let look = || async {
            match bench.number(&settings).await {
                Err((BadStatus, message)) if message.ends_with("BUSY: it is busy with a script") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        };
        wait::until("a busy server", LIMIT, look).await.unwrap();
        server.run(&["SCRIPT", "KILL"]).await.unwrap();
    };
    let (ended, ()) = tokio::join!(busy, reported);
    assert!(ended.is_err());
    assert_eq!(bench.number(&settings).await, Ok(3.0));

    server.stop().await.unwrap();
    server.start_again().unwrap();
    let loading = || async {
        match bench.number(&settings).await {
            Err((BadStatus, message)) if message.ends_with("LOADING: it is loading its data") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("a loading server", LIMIT, loading).await.unwrap();
    bench.until(3.0, &settings).await;
}
