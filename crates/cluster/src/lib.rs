//! Everything that speaks to the Kubernetes API server.
//!
//! ```text
//!  API server ─▶ watch (our kinds, HPAs) ─▶ runner::Event
//!             ─▶ targets (replicas)      ◀▶ runner::Actuator     writes /scale
//!             ─▶ hpas (who controls them)◀▶ runner::Reconciler   creates, updates and deletes those that are kept
//!             ◀▶ finalizers                                      what an object waits for when it is deleted
//!             ◀─ journal                 ◀─ runner::Record       writes status and Events
//!             ◀▶ lease                   ─▶ runner::Guard        who may write
//!             ─▶ credentials                                     read by name, never listed
//!             ◀▶ serving                                         who calls us, and by which certificate
//!             ─▶ deployments                                     which exist, for `coordinate`
//!             ─▶ view                                            for people at a terminal, who writes nothing
//!             ─▶ pods                                            watched while a metric is about them
//!             ─▶ workloads                                       asked for what objects need of them
//!             ─▶ services                                        their endpoints, listed while a metric asks them
//! ```
//!
//! Every write names its field manager, carries the resourceVersion that it rests on, ends
//! within a timeout, and is preceded by a look at the lease.

mod connect;
mod credentials;
mod deployments;
mod finalizers;
mod hpas;
mod journal;
mod lease;
mod namespace_labels;
mod pods;
mod refusal;
mod selector;
mod services;
mod serving;
mod stream;
mod supporting;
mod targets;
mod view;
mod watch;
mod workloads;

pub use connect::{Clients, ConnectError, connect, connect_by_kubeconfig, connect_in_cluster, connect_to};
pub use credentials::CredentialStore;
pub use deployments::{Deployment, DeploymentChange, deployments};
pub use finalizers::{FinalizerWork, Finalizers};
pub use hpas::{HpaKeeper, Hpas};
pub use journal::{Journaler, Objects, TargetEvent, TargetEvents};
pub use lease::{Always, Installation, Lease, LeaseGuard, LeaseSettings};
pub use pods::{AboutObject, MetricName, PodCount, PodStore};
pub use refusal::Asker;
pub use selector::NamespaceSelector;
pub use services::ServiceStore;
pub use serving::{
    ApiServiceRegistration, CallerReviews, FrontProxyData, KeptSecret, Review, ReviewedCaller, SecretState,
    WebhookRegistration,
};
pub use supporting::{SupportingObjects, SupportingWork};
pub use targets::Targets;
pub use view::{OtherKind, PublishedEvent, View, ViewError};
pub use watch::{Watches, watch};
pub use workloads::WorkloadStore;

/// The field manager of every write, by which the API server remembers who changed what.
pub const FIELD_MANAGER: &str = "polyscaler";
