//! `event-queue` in pods, whose events come by Pub/Sub's API, and whose backlog Cloud Monitoring reports, with the
//! operator's Google identity: all events are acknowledged, and then there is one subscriber again.

use std::net::Ipv4Addr;
use std::time::Duration;

use testbed::{CloudMonitoring, wait};

use crate::packaging::read;
use crate::real_node::cluster::{Cluster, LIMIT};
use crate::real_node::endings::Endings;
use crate::real_node::load::trickle;
use crate::real_node::loads::MOST;
use crate::samples::broker::Broker;
use crate::samples::emulator::{Counted, Emulator};

const NAMESPACE: &str = "events";

/// As the manifests have them.
const PROJECT: &str = "my-project";
const SUBSCRIPTION: &str = "events";

/// How many there are.
const EVENTS: usize = 150;

/// Between two reports. Google's come by the minute.
const REPORT: Duration = Duration::from_millis(200);

/// Where the events are.
enum Events {
    /// In the real emulator.
    Emulator(Counted),
    /// In a small broker, on machines without the emulator.
    Broker(Broker),
}

impl Events {
    async fn start_on(address: Ipv4Addr) -> Self {
        match Emulator::start().await {
            Some(emulator) => Self::Emulator(Counted::start_on(address, emulator).await),
            None => Self::Broker(Broker::start_on(address).await),
        }
    }

    fn host(&self) -> String {
        match self {
            Self::Emulator(counted) => counted.host(),
            Self::Broker(broker) => broker.host(),
        }
    }

    async fn publish_late(&self) {
        match self {
            Self::Emulator(counted) => counted.publish_late().await,
            Self::Broker(broker) => broker.publish_late(),
        }
    }

    fn published(&self) -> usize {
        match self {
            Self::Emulator(counted) => counted.published(),
            Self::Broker(broker) => broker.published(),
        }
    }

    fn held(&self) -> usize {
        match self {
            Self::Emulator(counted) => counted.held(),
            Self::Broker(broker) => broker.held(),
        }
    }
}

/// Reports what is held, for as long as it is polled.
async fn report(broker: &Events, cloud: &CloudMonitoring) {
    let mut ticks = tokio::time::interval(REPORT);
    loop {
        ticks.tick().await;
        let held = i64::try_from(broker.held()).unwrap();
        cloud.set_backlog(PROJECT, SUBSCRIPTION, held, Duration::ZERO);
    }
}

pub(super) async fn follow(cluster: &Cluster, cloud: &CloudMonitoring) {
    cloud.lend_metadata_account(&[PROJECT]);
    let broker = Events::start_on(cluster.node().machine_address()).await;
    tokio::select! {
        () = report(&broker, cloud) => unreachable!("it reports for ever"),
        () = up_and_back(cluster, &broker) => {}
    }
}

async fn up_and_back(cluster: &Cluster, broker: &Events) {
    cluster.namespace(NAMESPACE).await;
    let at_the_broker = |text: &str, name: &str| {
        let host =
            format!("env:\n            - name: PUBSUB_EMULATOR_HOST\n              value: {}", broker.host());
        text.replace("event-queue:0.1.0", &format!("localhost/{name}:test")).replace("env:", &host)
    };
    let deployment = at_the_broker(&read("examples/event-queue/deployment.yaml"), "event-queue");
    cluster.apply(NAMESPACE, &deployment).await;
    cluster.wait_for_replicas(NAMESPACE, "event-queue", |ready| ready == 1).await;
    // As its manifest has it, in a hurry.
    let scaler = read("examples/event-queue/generalscaler.yaml")
        .replace("intervalSeconds: 30", "intervalSeconds: 1")
        .replace("cooldownSeconds: 120", "cooldownSeconds: 1\n    scaleDownStabilizationSeconds: 2")
        .replace("maxReplicas: 10", &format!("maxReplicas: {MOST}"));
    cluster.apply(NAMESPACE, &scaler).await;

    let publisher = at_the_broker(&read("examples/event-queue/publisher.yaml"), "event-queue-publisher");
    cluster.apply(NAMESPACE, &publisher.replace(r#""200""#, &format!("\"{EVENTS}\""))).await;
    cluster.wait_for_replicas(NAMESPACE, "event-queue", |ready| ready == MOST).await;
    let endings = Endings::watch(&cluster.client, NAMESPACE, "event-queue").await;
    // Events go on coming while subscribers go.
    let back = cluster.wait_for_replicas(NAMESPACE, "event-queue", |ready| ready == 1);
    let late = trickle(async |_| broker.publish_late().await, back).await;
    let drained = || async {
        let (published, held) = (broker.published(), broker.held());
        // A publisher that fails begins again.
        if published >= EVENTS + late && held == 0 {
            Ok(())
        } else {
            Err(format!("{published} published, {held} held"))
        }
    };
    wait::until("all events acknowledged", LIMIT, drained).await.unwrap();
    endings.all_well(MOST.unsigned_abs() as usize - 1).await;
    println!("event-queue: {late} events while subscribers went, all acknowledged");
}
