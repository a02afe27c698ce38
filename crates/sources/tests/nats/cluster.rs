//! A real cluster of three, of which only leaders know the numbers.

use async_nats::jetstream::stream;
use engine::AbsenceReason;
use serde_json::{Value, json};
use sources::AddressPolicy;
use testbed::{NatsOptions, NatsServer, wait};

use crate::nats::bench::{Bench, LIMIT};
use crate::nats::client::{Client, take};

struct Cluster {
    servers: Vec<NatsServer>,
    client: Client,
}

impl Cluster {
    async fn start() -> Self {
        let servers = NatsServer::start_cluster(NatsOptions::default()).await.unwrap();
        Self { client: Client::at(servers.iter().map(NatsServer::url).collect()).await, servers }
    }

    /// The settings that ask one of the servers, which has to find the others.
    fn ask(&self, server: usize, subject: &str) -> Value {
        json!({"monitoringUrl": self.servers[server].monitoring_url(), "subject": subject})
    }

    /// The settings that name all servers.
    fn ask_all(&self, subject: &str) -> Value {
        let urls: Vec<_> = self.servers.iter().map(NatsServer::monitoring_url).collect();
        json!({"monitoringUrl": urls[0], "monitoringUrls": urls, "subject": subject})
    }

    fn index_of(&self, name: &str) -> usize {
        self.servers.iter().position(|server| server.name() == name).unwrap()
    }

    /// Which server leads a consumer, once there is one.
    async fn leader_of(&self, stream: &str, consumer: &str) -> usize {
        let look = || async {
            let (_, consumers) = self.client.find_leaders(stream).await?;
            let leader = consumers.get(consumer).filter(|leader| !leader.is_empty());
            leader.map(|leader| self.index_of(leader)).ok_or_else(|| format!("{consumers:?}"))
        };
        wait::until("a leader", LIMIT, look).await.unwrap()
    }
}

/// Of one consumer its leader knows all, also while a server is silent that has nothing to do with it.
#[tokio::test]
async fn one_consumer_is_counted_at_its_leader_whichever_server_is_asked() {
    let (bench, cluster) = (Bench::new(), Cluster::start().await);
    let client = &cluster.client;
    client.replicated_stream("ORDERS", &["orders.>"], 3).await;
    let consumer = client.durable("ORDERS", "work", &["orders.new"]).await;
    client.publish("orders.new", 9).await;
    take(&consumer, 6, 4).await;
    let exact = |server: usize| {
        let url = cluster.servers[server].monitoring_url();
        json!({"monitoringUrl": url, "stream": "ORDERS", "consumer": "work", "timeoutSeconds": 20})
    };
    for server in 0..3 {
        bench.until_waiting(5.0, exact(server)).await;
    }
    let leader = cluster.leader_of("ORDERS", "work").await;
    let silent = (0..3).find(|server| *server != leader).unwrap();
    cluster.servers[silent].pause().unwrap();
    let mut settings = exact(leader);
    settings["timeoutSeconds"] = json!(6);
    bench.until_waiting(5.0, settings).await;
    cluster.servers[silent].resume().unwrap();
}

#[tokio::test]
async fn contract_6_4_whichever_server_is_asked_the_leaders_number_counts() {
    let (bench, cluster) = (Bench::new(), Cluster::start().await);
    let client = &cluster.client;
    client.replicated_stream("ORDERS", &["orders.>"], 3).await;
    let consumer = client.durable("ORDERS", "work", &["orders.new"]).await;
    client.durable("ORDERS", "all", &[]).await;
    client.publish("orders.new", 9).await;
    take(&consumer, 6, 4).await;
    let same_everywhere = async |expected: f64| {
        for server in 0..3 {
            bench.until_waiting(expected, cluster.ask(server, "orders.new")).await;
        }
        bench.until_waiting(expected, cluster.ask_all("orders.new")).await;
    };
    // work: 3 not delivered and 2 not acknowledged; all: 9.
    same_everywhere(14.0).await;

    // Moved away from wherever they are, so that over the rounds each server leads and follows.
    for round in 1..=3 {
        let before = cluster.leader_of("ORDERS", "work").await;
        let moved = || async { (cluster.leader_of("ORDERS", "work").await != before).then_some(()) };
        let mut asked = 0;
        // Where servers stand still meanwhile, the one that gave way may be chosen again.
        while asked == 0 || wait::until("another leader", LIMIT / 8, moved).await.is_err() {
            assert!(asked < 8, "{before} leads whatever is asked for");
            client.step_down("ORDERS", Some("work")).await;
            asked += 1;
        }
        client.step_down("ORDERS", None).await;
        client.publish("orders.new", 1).await;
        same_everywhere(14.0 + 2.0 * f64::from(round)).await;
    }
}

#[tokio::test]
async fn streams_that_one_server_keeps_are_found_on_it() {
    let (bench, cluster) = (Bench::new(), Cluster::start().await);
    for (index, home) in cluster.servers.iter().enumerate() {
        let (name, subject) = (format!("ON-{}", home.name()), format!("on.{}", home.name()));
        let config = stream::Config {
            name: name.clone(),
            subjects: vec![subject.clone()],
            placement: Some(stream::Placement { tags: vec![home.name().into()], ..Default::default() }),
            ..Default::default()
        };
        cluster.client.make_stream(config).await;
        cluster.client.publish(&subject, index + 1).await;
        assert_eq!(cluster.client.leaders(&name).await.0, home.name());
    }
    for server in 0..3 {
        for (home, expected) in [("n1", 1.0), ("n2", 2.0), ("n3", 3.0)] {
            bench.until_waiting(expected, cluster.ask(server, &format!("on.{home}"))).await;
        }
        bench.until_waiting(6.0, cluster.ask(server, "on.*")).await;
    }
    cluster.servers[2].kill().await.unwrap();
    let partly = || async {
        let outcome = bench.waiting(cluster.ask(0, "on.*")).await;
        assert_ne!(outcome, Ok(3.0), "what is lost counts as nothing");
        let words = "may not be visible; servers that the cluster has lost: \"n3\"; if one is gone for good";
        match outcome {
            Err((AbsenceReason::ValueMissing, message)) if message.contains(words) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    };
    wait::until("a number in part is none", LIMIT, partly).await.unwrap();
    bench.until_waiting(2.0, cluster.ask(0, "on.n2")).await;
    cluster.servers[2].start_again().unwrap();
    bench.until_waiting(6.0, cluster.ask(0, "on.*")).await;

    // One consumer on one server, of a stream that all three keep.
    cluster.client.replicated_stream("WIDE", &["wide"], 3).await;
    cluster.client.publish("wide", 2).await;
    bench.until_waiting(2.0, cluster.ask(0, "wide")).await;
    let config = async_nats::jetstream::consumer::pull::Config {
        name: Some("narrow".into()),
        num_replicas: 1,
        inactive_threshold: LIMIT * 10,
        ..Default::default()
    };
    let stream = cluster.client.jetstream.get_stream("WIDE").await.unwrap();
    let narrow = stream.create_consumer(config).await.unwrap();
    take(&narrow, 1, 1).await;
    for server in 0..3 {
        bench.until_waiting(1.0, cluster.ask(server, "wide")).await;
    }
}

#[tokio::test]
async fn a_leader_that_does_not_answer_is_named_and_its_number_not_guessed() {
    let (bench, cluster) = (Bench::new(), Cluster::start().await);
    let client = &cluster.client;
    client.replicated_stream("ORDERS", &["orders"], 3).await;
    client.durable("ORDERS", "work", &[]).await;
    client.publish("orders", 5).await;
    // The others make a new leader some seconds later, on a busy machine maybe before they were asked.
    let is_named = || names_a_leader_that_is_stopped(&bench, &cluster);
    wait::until("the stopped leader to be named", 4 * LIMIT, is_named).await.unwrap();
}

/// That the leader, stopped, is named as the one that gives no answer. It is not where there is another
/// leader by then or just none, or where the machine is so busy that the others gave no answer either.
async fn names_a_leader_that_is_stopped(bench: &Bench, cluster: &Cluster) -> Result<(), String> {
    let leader = cluster.leader_of("ORDERS", "work").await;
    let asked = [cluster.ask((leader + 1) % 3, "orders"), cluster.ask_all("orders")];
    for settings in &asked {
        bench.until_waiting(5.0, settings.clone()).await;
    }
    let [one, all] = asked.clone().map(|mut settings| {
        settings["timeoutSeconds"] = json!(2);
        settings
    });
    let server = &cluster.servers[leader];
    // Stopped, it keeps its connections, so that the others take it for alive.
    server.pause().unwrap();
    let (one, all) = tokio::join!(bench.waiting(one), bench.waiting(all));
    server.resume().unwrap();
    for settings in asked {
        bench.until_waiting(5.0, settings).await;
    }
    let name = format!("\"{}\"", server.name());
    for outcome in [one, all] {
        match outcome {
            Ok(count) => {
                assert_eq!(count, 5.0, "no number is guessed");
                return Err("another leader was there first".into());
            }
            Err((AbsenceReason::Timeout, message)) if message.contains(&name) => {
                assert!(message.contains("monitoringUrls"), "{message}");
            }
            Err((_, message)) => return Err(message),
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_gone_takes_its_own_streams_along_and_no_others() {
    let (bench, cluster) = (Bench::new(), Cluster::start().await);
    let client = &cluster.client;
    client.replicated_stream("WIDE", &["wide"], 3).await;
    client.durable("WIDE", "work", &[]).await;
    client.publish("wide", 5).await;
    client.stream("NARROW", &["narrow"]).await;
    client.publish("narrow", 3).await;
    let home = cluster.index_of(&client.leaders("NARROW").await.0);
    let (one, another) = ((home + 1) % 3, (home + 2) % 3);
    bench.until_waiting(3.0, cluster.ask(one, "narrow")).await;

    cluster.servers[home].kill().await.unwrap();
    for settings in [cluster.ask(one, "wide"), cluster.ask(another, "wide"), cluster.ask_all("wide")] {
        bench.until_waiting(5.0, settings).await;
    }
    let missing = || async {
        match bench.waiting(cluster.ask(one, "narrow")).await {
            Err((AbsenceReason::ValueMissing, _)) => Ok(()),
            Err(other) => Err(format!("{other:?}")),
            Ok(count) => panic!("{count}, though it is gone"),
        }
    };
    wait::until("what is gone to be missed", LIMIT, missing).await.unwrap();

    cluster.servers[home].start_again().unwrap();
    bench.until_waiting(3.0, cluster.ask(one, "narrow")).await;

    // The last of three knows that it cannot know.
    for gone in [home, one] {
        cluster.servers[gone].kill().await.unwrap();
    }
    let alone = || async {
        match bench.waiting(cluster.ask(another, "wide")).await {
            Err((AbsenceReason::ValueMissing, message)) if message.contains("no leader") => Ok(()),
            Err(other) => Err(format!("{other:?}")),
            // Until it notices it may lead what it led.
            Ok(count) => {
                assert_eq!(count, 5.0);
                Err("still 5".into())
            }
        }
    };
    wait::until("no number without a majority", LIMIT, alone).await.unwrap();
}

#[tokio::test]
async fn addresses_that_are_refused_are_not_called_for_being_found() {
    let cluster = Cluster::start().await;
    cluster.client.replicated_stream("ORDERS", &["orders"], 3).await;
    cluster.client.publish("orders", 1).await;
    Bench::new().until_waiting(1.0, cluster.ask(0, "orders")).await;
    let deny = vec!["127.0.0.3/32".parse().unwrap(), "127.0.0.4/32".parse().unwrap()];
    let bench = Bench::with(AddressPolicy { deny, allow: Vec::new() });
    let (reason, message) = bench.waiting(cluster.ask(0, "orders")).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::AddressRefused, "{message}");
    assert!(message.contains("\"n2\", \"n3\"") && message.contains("denied"), "{message}");
}

#[tokio::test]
async fn a_list_that_leaves_a_server_out_is_reported() {
    let (bench, cluster) = (Bench::new(), Cluster::start().await);
    cluster.client.stream("ORDERS", &["orders"]).await;
    let mut settings = cluster.ask_all("orders");
    settings["monitoringUrls"] = json!([cluster.servers[1].monitoring_url()]);
    let (_, message) = bench.waiting(settings).await.unwrap_err();
    assert!(message.contains("server \"n3\" of its cluster cannot be queried"), "{message}");
}

#[tokio::test]
async fn the_other_clusters_of_a_super_cluster_are_named_and_counted_where_they_are() {
    let (bench, servers) =
        (Bench::new(), NatsServer::start_super_cluster(NatsOptions::default()).await.unwrap());
    let client = Client::at(vec![servers[0].url()]).await;
    for (server, count) in servers.iter().zip([1, 2]) {
        let (name, subject) = (format!("ON-{}", server.name()), format!("on.{}", server.name()));
        let placement =
            stream::Placement { cluster: Some(server.name().replace('n', "c")), ..Default::default() };
        let placement = Some(placement);
        let config =
            stream::Config { name, subjects: vec![subject.clone()], placement, ..Default::default() };
        client.make_stream(config).await;
        client.publish(&subject, count).await;
    }
    let url = |index: usize| servers[index].monitoring_url();
    let one = |subject: &str| json!({"monitoringUrl": url(0), "subject": subject});
    bench.until_waiting(1.0, one("on.n1")).await;
    for subject in ["on.n2", "on.*"] {
        let (reason, message) = bench.waiting(one(subject)).await.unwrap_err();
        assert_eq!(reason, AbsenceReason::ValueMissing, "{message}");
        assert!(message.contains("other clusters, whose servers were not queried: \"c2\""), "{message}");
        assert!(message.contains("monitoringUrls"), "{message}");
    }
    let both =
        |subject: &str| json!({"monitoringUrl": url(0), "monitoringUrls": [url(1)], "subject": subject});
    bench.until_waiting(2.0, both("on.n2")).await;
    bench.until_waiting(3.0, both("on.*")).await;
}
