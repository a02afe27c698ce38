//! `worker` and its Redis in pods: as many workers as there are jobs for, all jobs done, also those that come while workers
//! go, and then one worker again.

use testbed::{programs, wait};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::packaging::read;
use crate::real_node::cluster::{Cluster, LIMIT};
use crate::real_node::endings::Endings;
use crate::real_node::load::trickle;
use crate::real_node::loads::MOST;

const NAMESPACE: &str = "jobs";

/// The server under the name by which it knows what it is to be.
async fn add_redis(cluster: &Cluster) {
    let found = tokio::task::spawn_blocking(|| {
        programs::ensure(&programs::REDIS_SERVER, &mut |line| eprintln!("{line}")).unwrap()
    });
    let folder = tempfile::tempdir().unwrap();
    let server = folder.path().join("redis-server");
    std::fs::copy(found.await.unwrap(), &server).unwrap();
    cluster.add_program(&server).await;
}

/// What the server answers to a command without arguments that need quoting.
async fn ask(address: &str, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((address, 6379)).await?;
    stream.write_all(format!("{command}\r\n").as_bytes()).await?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer[..length]).trim().to_owned())
}

pub(super) async fn follow(cluster: &Cluster) {
    add_redis(cluster).await;
    cluster.namespace(NAMESPACE).await;
    // As in the image of that name, whose server takes connections from everywhere.
    let redis = read("examples/worker/redis.yaml")
        .replace("redis:8", "localhost/redis-server:test")
        .replace(r#"["--save", ""]"#, r#"["--save", "", "--protected-mode", "no"]"#);
    cluster.apply(NAMESPACE, &redis).await;
    cluster.wait_for_replicas(NAMESPACE, "redis", |ready| ready == 1).await;
    let image = |text: &str, name: &str| text.replace("worker:0.1.0", &format!("localhost/{name}:test"));
    cluster.apply(NAMESPACE, &image(&read("examples/worker/deployment.yaml"), "worker")).await;
    cluster.wait_for_replicas(NAMESPACE, "worker", |ready| ready == 1).await;
    // As its manifest has it, in a hurry.
    let scaler = read("examples/worker/generalscaler.yaml")
        .replace("redis.default", &format!("redis.{NAMESPACE}"))
        .replace("intervalSeconds: 5", "intervalSeconds: 1")
        .replace("cooldownSeconds: 15", "cooldownSeconds: 1")
        .replace("scaleDownStabilizationSeconds: 60", "scaleDownStabilizationSeconds: 2")
        .replace("maxReplicas: 10", &format!("maxReplicas: {MOST}"));
    cluster.apply(NAMESPACE, &scaler).await;

    let producer = image(&read("examples/worker/producer.yaml"), "worker-producer")
        .replace(r#""200""#, r#""150""#)
        .replace(r#""50""#, r#""200""#);
    cluster.apply(NAMESPACE, &producer).await;
    cluster.wait_for_replicas(NAMESPACE, "worker", |ready| ready == MOST).await;
    let endings = Endings::watch(&cluster.client, NAMESPACE, "worker").await;
    let address = cluster.service_address(NAMESPACE, "redis").await;
    let drained = || async {
        match ask(&address, "LLEN jobs").await {
            Ok(answer) if answer == ":0" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    // Jobs go on coming while workers go.
    let push = async |number: usize| {
        let answer = ask(&address, &format!("RPUSH jobs late-{number}")).await.unwrap();
        assert!(answer.starts_with(':'), "{answer}");
    };
    let back = cluster.wait_for_replicas(NAMESPACE, "worker", |ready| ready == 1);
    let late = trickle(push, back).await;
    wait::until("all jobs taken", LIMIT, drained).await.unwrap();
    endings.all_well(MOST.unsigned_abs() as usize - 1).await;
    println!("worker: {late} jobs while workers went, none lost");
}
