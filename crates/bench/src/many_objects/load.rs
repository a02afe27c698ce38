//! What the objects follow: a metric endpoint for BusinessScalings, or three backends for
//! GeneralScalers, a third of them each, or a server that answers as Prometheus does for ScaledObjects. Nothing is
//! scaled by it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bench::{Actuation, Pace};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DynamicObject, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use testbed::cloud_monitoring::ServiceAccount;
use testbed::{
    Answer, Body, CloudMonitoring, MetricServer, PrometheusOptions, PrometheusServer, RedisOptions,
    RedisServer, Scrape,
};

use crate::{Arguments, Queries};

const PROJECT: &str = "shop";

/// Google shows points that late.
const POINT_AGE: Duration = Duration::from_secs(180);

/// Longer than any measurement, so that a point that is set once never is too old.
const POINT_SECONDS: u64 = 86_400;

/// The servers that are asked. They end with this value.
pub(crate) enum Load {
    Figures(Arc<MetricServer>),
    Plugins(Box<Plugins>),
    /// Answers every query of Prometheus with the same vector: a real one would take more of the machine than the operator.
    Triggers(Arc<MetricServer>),
}

/// The backends of the three plugins.
pub(crate) struct Plugins {
    prometheus: PrometheusServer,
    /// What Prometheus scrapes.
    _scraped: MetricServer,
    redis: RedisServer,
    monitoring: CloudMonitoring,
    account: ServiceAccount,
}

impl Load {
    pub(crate) async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        Ok(match arguments.queries {
            Queries::Distinct | Queries::Equal => Self::Figures(MetricServer::start().await?.into()),
            Queries::Plugins => Self::Plugins(Box::new(Plugins::start(arguments.objects).await?)),
            Queries::Hpa | Queries::Direct => {
                let server = MetricServer::start().await?;
                let value = if arguments.queries == Queries::Hpa { 10.0 } else { 0.0 };
                server.set_json("/api/v1/query", &bench::answer(value));
                Self::Triggers(server.into())
            }
        })
    }

    /// The object of one application.
    pub(crate) fn object(&self, index: usize, arguments: &Arguments) -> anyhow::Result<DynamicObject> {
        let name = bench::name(index);
        Ok(serde_json::from_value(match self {
            Self::Figures(server) => {
                let equal = arguments.queries == Queries::Equal;
                let path = if equal { "/load".to_owned() } else { format!("/load/{index}") };
                server.set_json(&path, &json!({ "active_users": 10 }));
                json!({
                    "apiVersion": "example.com/v1",
                    "kind": "BusinessScaling",
                    "metadata": { "name": name },
                    "spec": {
                        "targetDeployment": name,
                        "metricSource": server.url(&path),
                        "intervalSeconds": arguments.interval,
                        "scaleThresholds": { "minReplicas": 0 },
                    },
                })
            }
            Self::Triggers(server) => {
                let direct = arguments.queries == Queries::Direct;
                let actuation = if direct { Actuation::Direct } else { Actuation::Hpa };
                return bench::scaled_object(&name, &server.url(""), arguments.interval, actuation);
            }
            Self::Plugins(plugins) => json!({
                "apiVersion": "autoscaling.example.com/v1",
                "kind": "GeneralScaler",
                "metadata": { "name": name, "namespace": "default" },
                "spec": {
                    "targetDeployment": name,
                    "minReplicas": 0,
                    "maxReplicas": 10,
                    "intervalSeconds": arguments.interval,
                    "metrics": [plugins.metric(index)],
                },
            }),
        })?)
    }

    /// Looks from now on at how fast the metric server is asked, where there is only one.
    pub(crate) fn pace(&self) -> Option<Pace> {
        let (Self::Figures(server) | Self::Triggers(server)) = self else { return None };
        let server = Arc::clone(server);
        Some(Pace::of(move || server.requests()))
    }

    /// Creates what the objects refer to.
    pub(crate) async fn prepare(&self, client: &Client) -> anyhow::Result<()> {
        if let Self::Plugins(plugins) = self {
            let secrets: Api<Secret> = Api::namespaced(client.clone(), "default");
            let secret = json!({
                "metadata": { "name": "reader" },
                "stringData": { "key.json": plugins.account.key_json },
            });
            secrets.create(&PostParams::default(), &serde_json::from_value(secret)?).await?;
        }
        Ok(())
    }

    /// Connections that are open to Redis, where there is one.
    pub(crate) async fn redis_connections(&self) -> anyhow::Result<Option<usize>> {
        match self {
            Self::Figures(_) | Self::Triggers(_) => Ok(None),
            Self::Plugins(plugins) => plugins.redis.clients().await.map(Some),
        }
    }
}

impl Plugins {
    async fn start(objects: usize) -> anyhow::Result<Self> {
        let scraped = MetricServer::start().await?;
        let monitoring = CloudMonitoring::start().await?;
        let mut series = String::new();
        for index in 0..objects {
            writeln!(series, "requests{{app=\"app-{index}\"}} 0")?;
            monitoring.set_backlog(PROJECT, &format!("app-{index}"), 0, POINT_AGE);
        }
        scraped.set("/metrics", Answer::new(http::StatusCode::OK, Body::Text(series)));
        let options = PrometheusOptions {
            scrapes: vec![Scrape::of("apps", scraped.address().to_string())],
            interval: Duration::from_secs(15),
            ..PrometheusOptions::default()
        };
        Ok(Self {
            prometheus: PrometheusServer::start(options).await?,
            _scraped: scraped,
            redis: RedisServer::start(RedisOptions::default()).await?,
            account: monitoring.service_account("reader", &[PROJECT]).await?,
            monitoring,
        })
    }

    /// A query of its own for every application.
    fn metric(&self, index: usize) -> Value {
        let (source, config) = match index % 3 {
            0 => (
                "prometheus",
                json!({
                    "serverAddress": self.prometheus.url(),
                    "query": format!("sum(requests{{app=\"app-{index}\"}})"),
                }),
            ),
            1 => ("redis", json!({ "address": self.redis.url(), "listName": format!("app-{index}") })),
            _ => (
                "pubsub",
                json!({
                    "projectId": PROJECT,
                    "subscription": format!("app-{index}"),
                    "endpoint": self.monitoring.endpoint(),
                    "credentialsFrom": { "secretKeyRef": { "name": "reader", "key": "key.json" } },
                    "maxAgeSeconds": POINT_SECONDS,
                }),
            ),
        };
        json!({ "type": source, "config": config, "targetValue": 10 })
    }
}
