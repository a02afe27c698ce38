//! Metric sources: one file each, one registry, one hub that shares readings.
//!
//! ```text
//!  Query ─▶ Hub ─▶ Registry ─▶ Source ─▶ HttpClient ─▶ AddressPolicy
//!            │      one table   http,     time, size,    what may be
//!            │                  nats;     redirects      called at all
//!            │                  redis (by connections of its own)
//!            ├─▶ SecretReader
//!            └─▶ PodReader        for sources about the cluster itself
//! ```
//!
//! The [`Hub`] turns a [`Query`](engine::Query) into a [`Reading`](engine::Reading). Equal
//! queries share one, so a thousand objects that watch one endpoint ask it once. It reads
//! the secrets a query names each time, so that a changed secret counts from the next
//! reading on.
//!
//! The [`Registry`] is also the [`SourceCatalog`](engine::SourceCatalog) by which the kinds
//! check a source's settings; it needs no runtime for that.
//!
//! Addresses, answers and paths come from whoever may write an object. Every one is
//! treated as hostile: what an endpoint does wrong ends as an absence of its own reading,
//! with a reason, within its time, and costs no other object anything.
//!
//! [`Advisers`] asks services outside for the advice that a policy rests on, past the same guard.
//!
//! To add a source, write one file with an implementation of [`Source`] and name it in the
//! table of `registry.rs`.

mod address;
mod adviser;
mod clients;
mod cron;
mod dns;
mod google;
pub mod grpc;
mod headers;
mod http;
mod http_client;
mod hub;
mod json_number;
mod json_path;
mod kubernetes_workload;
mod label_selector;
mod nats;
mod pods;
mod prometheus;
mod pubsub;
mod quantity;
mod redis;
mod registry;
mod settings;
mod source;
mod usage;

pub use address::{AddressPolicy, Refused};
pub use adviser::{Advisers, Asker};
pub use hub::{Answer, Clock, Hub, Observer, ReadStats, SharedReading};
pub use prometheus::ServerAddress;
pub use registry::Registry;
pub use source::{PodReader, Request, SecretData, SecretKeyRef, SecretReader, SecretRef, Secrets, Source};
