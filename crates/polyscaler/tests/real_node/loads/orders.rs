//! `order-queue` and its NATS in pods, followed by a ScalingRule: all orders are done, none twice, and then there is one
//! worker again.

use testbed::{programs, wait};

use crate::packaging::read;
use crate::real_node::cluster::{Cluster, LIMIT};
use crate::real_node::endings::Endings;
use crate::real_node::load::trickle;
use crate::real_node::loads::MOST;

pub(crate) const NAMESPACE: &str = "orders";

/// How many there are.
const ORDERS: usize = 150;

pub(super) async fn follow(cluster: &Cluster) {
    let server = tokio::task::spawn_blocking(|| {
        programs::ensure(&programs::NATS_SERVER, &mut |line| eprintln!("{line}")).unwrap()
    });
    cluster.add_program(&server.await.unwrap()).await;
    cluster.namespace(NAMESPACE).await;
    let nats = read("examples/order-queue/nats.yaml").replace("nats:2", "localhost/nats-server:test");
    cluster.apply(NAMESPACE, &nats).await;
    cluster.wait_for_replicas(NAMESPACE, "nats", |ready| ready == 1).await;
    let image = |text: &str, name: &str| text.replace("order-queue:0.1.0", &format!("localhost/{name}:test"));
    let deployment = image(&read("examples/order-queue/deployment.yaml"), "order-queue");
    cluster.apply(NAMESPACE, &deployment).await;
    cluster.wait_for_replicas(NAMESPACE, "order-queue", |ready| ready == 1).await;
    // As its manifest has it, in a hurry.
    let rule = read("examples/order-queue/scalingrule.yaml")
        .replace("default", NAMESPACE)
        .replace("pollIntervalSeconds: 5", "pollIntervalSeconds: 1")
        .replace("maxReplicas: 10", &format!("maxReplicas: {MOST}"));
    cluster.apply(NAMESPACE, &rule).await;

    let publisher = image(&read("examples/order-queue/publisher.yaml"), "order-queue-publisher");
    cluster.apply(NAMESPACE, &publisher.replace(r#""200""#, &format!("\"{ORDERS}\""))).await;
    cluster.wait_for_replicas(NAMESPACE, "order-queue", |ready| ready == MOST).await;
    let endings = Endings::watch(&cluster.client, NAMESPACE, "order-queue").await;

    let url = format!("nats://{}:4222", cluster.service_address(NAMESPACE, "nats").await);
    let jetstream = async_nats::jetstream::new(async_nats::connect(url).await.unwrap());
    // Orders go on coming while workers go.
    let publish = async |number: usize| {
        let stored = jetstream.publish("orders.processing", format!("late-{number}").into()).await.unwrap();
        stored.await.unwrap();
    };
    let back = cluster.wait_for_replicas(NAMESPACE, "order-queue", |ready| ready == 1);
    let late = trickle(publish, back).await;
    let drained = || async {
        let stream = jetstream.get_stream("ORDERS").await.map_err(|error| error.to_string())?;
        let state = stream.get_info().await.map_err(|error| error.to_string())?.state;
        // What is acknowledged leaves the stream.
        // A publisher that fails begins again.
        if state.last_sequence >= (ORDERS + late) as u64 && state.messages == 0 {
            Ok(())
        } else {
            Err(format!("{state:?}"))
        }
    };
    wait::until("all orders done", LIMIT, drained).await.unwrap();
    endings.all_well(MOST.unsigned_abs() as usize - 1).await;
    println!("order-queue: {late} orders while workers went, all done");
}
