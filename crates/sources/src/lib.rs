//! Metric sources: one file or folder each, one registry, one hub that shares readings.
//!
//! ```text
//!  Query ─▶ Hub ─▶ Registry ─▶ Source ─▶ HttpClient ─▶ AddressPolicy
//!            │      one table   http,     time, size,    what may be
//!            │                  nats;     redirects      called at all
//!            │                  redis (by connections of its own)
//!            ├─▶ CredentialReader
//!            └─▶ PodReader, MetricsReader, ServiceReader   for sources about the cluster itself
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
//! | room | what lives there |
//! |---|---|
//! | `catalog` | metric sources and their table, nothing else |
//! | `net` | ways to the world: address policy, TLS, HTTP, gRPC |
//! | `values` | how values are written: settings, names, quantities, selectors, paths into JSON |
//! | `google` | tokens of Google's identities |
//! | `access` | how HTTP servers are got at: who we are, and by what they are trusted |
//! | `adviser` | services that advise a policy |
//!
//! To add a source, write one file with an implementation of [`Source`] in `catalog` and name it in
//! the table there.

mod access;
mod adviser;
mod catalog;
mod clients;
mod credentials;
mod deferred;
mod google;
mod hub;
mod net;
mod pods;
mod prometheus_server;
mod registry;
mod source;
mod token_cache;
mod values;

pub use adviser::{Advisers, Asker};
pub use credentials::{CredentialReader, Credentials, Values};
pub use hub::{Answer, Clock, Hub, Observer, ReadStats, SharedReading, Wake};
pub use net::address::{AddressPolicy, Refused};
pub use net::grpc;
pub use prometheus_server::ServerAddress;
pub use registry::Registry;
pub use source::{
    Ask, Endpoint, MetricOfObject, MetricsReader, NamedMetric, Past, PastSpan, PodCount, PodReader, Request,
    ServiceReader, Source,
};
pub use values::settings::given_later::{Form, GivenLater};
pub use values::settings::{Refused as SettingRefused, Settings};
