//! Real servers for tests and the demo: a Kubernetes control plane with fake
//! nodes, a metric endpoint that misbehaves on command, a receiver of traces, an application of
//! seven services. Development only; nothing here is part of the operator.
//!
//! ```text
//! assets (built once)  ports  certificates  kubeconfig     programs (of Debian)
//!        └───────────────┴────────┴─────────────┘              │
//!                  ControlPlane          MetricServer     NatsServer, RedisServer, PrometheusServer, OtlpReceiver, Browser
//!                       │  ├─ MetricsApi      │                │
//!                       │  └─ RealNode        │                │
//!                  Supervisor             wait, fixtures   Supervisor
//!              (leaves no process)
//! ```

mod aggregated;
pub mod assets;
mod browser;
pub mod certificates;
pub mod cloud_monitoring;
mod control_plane;
mod external_scaler;
pub mod fixtures;
mod http_client;
mod kubeconfig;
mod metric_server;
mod metrics_api;
mod nats_server;
mod otlp_receiver;
pub mod ports;
pub mod programs;
mod prometheus_server;
pub mod real_node;
mod redis_server;
pub mod supervisor;
pub mod teastore;
pub mod wait;

pub use aggregated::{AggregatedApi, AggregatedServer};
pub use browser::{Browser, Device, Page, Picture};
pub use cloud_monitoring::CloudMonitoring;
pub use control_plane::{ControlPlane, Options};
pub use external_scaler::{About, Ends, ExternalScaler, ScalerState};
pub use http_client::{choose_tls, http_client};
pub use metric_server::{Answer, Body, MetricServer, Seen};
pub use metrics_api::{Load, MetricsApi};
pub use nats_server::{NatsOptions, NatsServer};
pub use otlp_receiver::{OtlpReceiver, ReceivedSpan, Status};
pub use prometheus_server::{PROMETHEUS_USER, PrometheusOptions, PrometheusServer, PrometheusTls, Scrape};
pub use real_node::{Image, REAL_NODE, RealNode};
pub use redis_server::{RedisOptions, RedisServer, RedisTls, SentinelSite};
pub use supervisor::{ChildHandle, Signal, Supervisor};
