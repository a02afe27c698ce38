//! The metric sources, one file or folder each, and their table. Nothing else lives here.
//!
//! A new source is one file, its `mod` line and its line in [`SOURCES`]; `docs/extending.md` walks through it.

mod cron;
mod external;
mod http;
mod kubernetes_workload;
mod metrics_apis;
mod nats;
mod prometheus;
mod pubsub;
mod redis;
mod usage;

use std::sync::Arc;

use crate::clients::Clients;
use crate::source::Source;

/// Makes one kind of source.
pub(crate) type Constructor = fn(&Clients) -> Arc<dyn Source>;

/// Every source: the name that objects write, and what makes one.
pub(crate) const SOURCES: &[(&str, Constructor)] = &[
    ("cpu", usage::cpu),
    ("cron", cron::new),
    ("external", external::new),
    ("external-metric", metrics_apis::external),
    ("http", http::new),
    ("kubernetes-workload", kubernetes_workload::new),
    ("memory", usage::memory),
    ("nats", nats::new),
    ("object-metric", metrics_apis::object),
    ("pods-metric", metrics_apis::pods),
    ("prometheus", prometheus::new),
    ("pubsub", pubsub::new),
    ("redis", redis::new),
];
