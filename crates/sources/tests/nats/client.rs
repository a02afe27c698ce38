//! A client that makes streams and consumers, publishes, and acknowledges or not.

use std::collections::HashMap;

use async_nats::jetstream::consumer::{self, AckPolicy, PullConsumer};
use async_nats::jetstream::{self, Context, stream};
use async_nats::{ConnectOptions, HeaderMap};
use futures::{StreamExt, TryStreamExt};
use testbed::{NatsServer, wait};

use crate::nats::bench::LIMIT;

pub(crate) struct Client {
    pub(crate) connection: async_nats::Client,
    pub(crate) jetstream: Context,
}

impl Client {
    pub(crate) async fn of(server: &NatsServer) -> Self {
        Self::at(vec![server.url()]).await
    }

    /// A client in one of the server's accounts.
    pub(crate) async fn of_account(server: &NatsServer, account: &str) -> Self {
        let user = ConnectOptions::with_user_and_password(account.to_owned(), account.to_owned());
        Self::connect(user, vec![server.url()]).await
    }

    pub(crate) async fn at(urls: Vec<String>) -> Self {
        Self::connect(ConnectOptions::new(), urls).await
    }

    async fn connect(options: ConnectOptions, urls: Vec<String>) -> Self {
        let options = options.connection_timeout(LIMIT).request_timeout(Some(LIMIT / 4));
        let connection = options.connect(urls).await.unwrap();
        let mut jetstream = jetstream::new(connection.clone());
        jetstream.set_timeout(LIMIT / 4);
        Self { jetstream, connection }
    }

    pub(crate) async fn stream(&self, name: &str, subjects: &[&str]) {
        self.replicated_stream(name, subjects, 1).await;
    }

    pub(crate) async fn replicated_stream(&self, name: &str, subjects: &[&str], replicas: usize) {
        let config = stream::Config {
            name: name.into(),
            subjects: subjects.iter().map(|&subject| subject.into()).collect(),
            num_replicas: replicas,
            ..Default::default()
        };
        self.make_stream(config).await;
    }

    /// Makes a stream, also while a cluster that has just begun finds no place for one.
    pub(crate) async fn make_stream(&self, config: stream::Config) {
        let make = || async { self.jetstream.create_stream(config.clone()).await.map(drop) };
        wait::until(&format!("stream {}", config.name), LIMIT, make).await.unwrap();
    }

    /// A durable consumer with any number of filters.
    pub(crate) async fn durable(&self, stream: &str, name: &str, filters: &[&str]) -> PullConsumer {
        let mut config = consumer::pull::Config {
            durable_name: Some(name.into()),
            ack_policy: AckPolicy::Explicit,
            ..Default::default()
        };
        match filters {
            [one] => config.filter_subject = (*one).into(),
            several => config.filter_subjects = several.iter().map(|&filter| filter.into()).collect(),
        }
        // In a cluster a stream can be made and yet not be known everywhere for a moment.
        let make = || async {
            let found = self.jetstream.get_stream(stream).await.map_err(|error| error.to_string())?;
            found.create_consumer(config.clone()).await.map_err(|error| error.to_string())
        };
        wait::until(&format!("consumer {name} of stream {stream}"), LIMIT, make).await.unwrap()
    }

    /// Publishes `count` messages and returns when the stream has them. A stream without a
    /// leader for the moment takes none, and says so.
    pub(crate) async fn publish(&self, subject: &str, count: usize) {
        for _ in 0..count {
            // With an id of its own a message that is sent twice is stored once.
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", self.connection.new_inbox());
            let store = || async {
                let (subject, headers) = (subject.to_owned(), headers.clone());
                self.jetstream.publish_with_headers(subject, headers, "x".into()).await?.await
            };
            wait::until(&format!("a message on {subject}"), LIMIT, store).await.unwrap();
        }
    }

    /// The leader of a stream, and of each of its consumers, once the cluster reports.
    pub(crate) async fn leaders(&self, stream: &str) -> (String, HashMap<String, String>) {
        let what = format!("who leads stream {stream}");
        wait::until(&what, LIMIT, || self.find_leaders(stream)).await.unwrap()
    }

    /// The same, or why the cluster does not report. While it chooses leaders it may not answer.
    pub(crate) async fn find_leaders(
        &self,
        stream: &str,
    ) -> Result<(String, HashMap<String, String>), String> {
        let mut stream = self.jetstream.get_stream(stream).await.map_err(|error| error.to_string())?;
        let leader = |cluster: Option<&stream::ClusterInfo>| {
            cluster.and_then(|cluster| cluster.leader.clone()).unwrap_or_default()
        };
        let own = stream.info().await.map_err(|error| error.to_string())?;
        let own = leader(own.cluster.as_ref());
        let consumers = stream.consumers().map(|info| {
            let info = info.map_err(|error| error.to_string())?;
            Ok::<_, String>((info.name.clone(), leader(info.cluster.as_ref())))
        });
        Ok((own, consumers.try_collect().await?))
    }

    /// Has the leader of a stream, or of a consumer of it, give way to another server.
    pub(crate) async fn step_down(&self, stream: &str, consumer: Option<&str>) {
        let subject = match consumer {
            None => format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}"),
            Some(consumer) => format!("$JS.API.CONSUMER.LEADER.STEPDOWN.{stream}.{consumer}"),
        };
        let ask = || async {
            let answer = self.connection.request(subject.clone(), "".into()).await;
            let answer = answer.map_err(|error| error.to_string())?;
            let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
            if answer["success"] == true { Ok(()) } else { Err(answer.to_string()) }
        };
        wait::until(&format!("another leader of {stream} {consumer:?}"), LIMIT, ask).await.unwrap();
    }
}

/// Takes `count` messages from a consumer and acknowledges the first `acknowledged` of them.
/// A consumer without a leader for the moment gives none, and says so.
pub(crate) async fn take(consumer: &PullConsumer, count: usize, acknowledged: usize) {
    let taken = std::cell::Cell::new(0);
    let look = || async {
        let batch = consumer.fetch().max_messages(count - taken.get()).messages().await;
        let mut batch = batch.map_err(|error| error.to_string())?;
        while let Some(Ok(message)) = batch.next().await {
            if taken.get() < acknowledged {
                message.double_ack().await.unwrap();
            }
            taken.set(taken.get() + 1);
        }
        if taken.get() == count { Ok(()) } else { Err(format!("{} taken", taken.get())) }
    };
    wait::until(&format!("{count} messages"), LIMIT, look).await.unwrap();
}
