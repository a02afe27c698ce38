//! Real servers for tests and the demo: a Kubernetes control plane with fake
//! nodes, and a metric endpoint that misbehaves on command. Development only;
//! nothing here is part of the operator.
//!
//! ```text
//! assets (built once)  ports  certificates  kubeconfig     programs (of Debian)
//!        └───────────────┴────────┴─────────────┘              │
//!                  ControlPlane          MetricServer     NatsServer, PrometheusServer
//!                       │                     │                │
//!                  Supervisor             wait, fixtures   Supervisor
//!              (leaves no process)
//! ```

pub mod assets;
pub mod certificates;
mod control_plane;
pub mod fixtures;
mod kubeconfig;
mod metric_server;
mod nats_server;
pub mod ports;
pub mod programs;
mod prometheus_server;
pub mod supervisor;
pub mod wait;

pub use control_plane::{ControlPlane, Options};
pub use metric_server::{Answer, Body, MetricServer, Seen};
pub use nats_server::{NatsOptions, NatsServer};
pub use prometheus_server::{PROMETHEUS_USER, PrometheusOptions, PrometheusServer, PrometheusTls, Scrape};
pub use supervisor::{ChildHandle, Signal, Supervisor};
