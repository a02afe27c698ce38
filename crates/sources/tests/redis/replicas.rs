//! A replica counts while it follows its master; without, it may know nothing.

use engine::AbsenceReason::*;
use testbed::{RedisOptions, RedisServer, wait};

use crate::redis::bench::{Bench, LIMIT, list, push};

#[tokio::test]
async fn a_replica_without_its_masters_data_reports_no_zero() {
    let bench = Bench::new();
    let [master, replica] = [
        RedisServer::start(RedisOptions::default()).await.unwrap(),
        RedisServer::start(RedisOptions::default()).await.unwrap(),
    ];
    push(&master, "jobs", 4).await;
    let settings = list(&replica, "jobs");
    assert_eq!(bench.number(&settings).await, Ok(0.0), "a master of its own as yet");
    replica.run(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]).await.unwrap();
    let in_step = || async {
        let link = replica.info("master_link_status").await;
        if matches!(&link, Ok(Some(status)) if status == "up") { Ok(()) } else { Err(format!("{link:?}")) }
    };
    wait::until("the replica in step", LIMIT, in_step).await.unwrap();
    assert_eq!(bench.number(&settings).await, Ok(4.0));

    master.stop().await.unwrap();
    let message = bench.absence(&settings, BadStatus).await;
    assert!(message.contains("a replica that is not connected to its master"), "{message}");

    // Empty, as a new replica is before its first data has come.
    replica.kill().await.unwrap();
    replica.start_again().unwrap();
    replica.wait_until_ready().await.unwrap();
    replica.run(&["FLUSHALL"]).await.unwrap();
    replica.run(&["REPLICAOF", "127.0.0.1", &master.port().to_string()]).await.unwrap();
    bench.absence(&settings, BadStatus).await;

    replica.run(&["CONFIG", "SET", "replica-serve-stale-data", "no"]).await.unwrap();
    bench.absence(&settings, BadStatus).await;
}
