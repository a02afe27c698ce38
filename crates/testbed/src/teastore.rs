//! TeaStore, a shop of seven services that call each other, and a model of what a load does to
//! it. The fake nodes run no containers, so what its pods would serve is worked out here. For the
//! demo, the comparison bench and tests.
//!
//! ```text
//! entry load ──▶ webui ──▶ auth, image, recommender ──▶ persistence ──▶ db
//!                  └─────────────────────────────────────▲       all ──▶ registry
//! ```

mod manifests;
mod record;
mod site;
mod traffic;

use std::time::Duration;

pub use manifests::{general_scalers, report, scaling_group};
pub use record::{Figures, Moment, Record};
pub use site::{Pods, Site};
pub use traffic::{Traffic, demands, traffic};

/// How many services there are.
pub const COUNT: usize = 7;

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Service {
    /// What the others call it.
    pub name: &'static str,
    /// Calls a second that one ready pod serves.
    pub capacity: f64,
    /// How long a new pod takes to be ready.
    pub ready_after: Duration,
}

/// One service calls another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// Name of the caller.
    pub from: &'static str,
    /// Name of the service that is called.
    pub to: &'static str,
    /// How often, for each call that the caller serves.
    pub calls_per_call: f64,
}

/// The services, each caller before those that it calls; load enters at the first.
pub const SERVICES: [Service; COUNT] = [
    service("webui", 100.0, 10),
    service("auth", 150.0, 8),
    service("image", 120.0, 15),
    service("recommender", 60.0, 30),
    service("persistence", 160.0, 12),
    service("db", 250.0, 20),
    service("registry", 50.0, 5),
];

/// Who calls whom. Every service sends the registry a heartbeat now and then.
pub const CALLS: [Call; 14] = [
    call("webui", "auth", 0.9),
    call("webui", "image", 1.6),
    call("webui", "recommender", 0.4),
    call("webui", "persistence", 0.7),
    call("auth", "persistence", 0.3),
    call("image", "persistence", 0.2),
    call("recommender", "persistence", 0.5),
    call("persistence", "db", 1.4),
    call("webui", "registry", 0.02),
    call("auth", "registry", 0.02),
    call("image", "registry", 0.02),
    call("recommender", "registry", 0.02),
    call("persistence", "registry", 0.02),
    call("db", "registry", 0.02),
];

impl Service {
    /// Name of its Deployment.
    #[must_use]
    pub fn deployment(&self) -> String {
        format!("teastore-{}", self.name)
    }

    /// Pods that it needs for so many calls per second; at least one.
    #[must_use]
    pub fn need(&self, calls: f64) -> u32 {
        // Sums of products have rounding errors, which are not worth a pod.
        ((calls / self.capacity - 1e-9).ceil() as u32).max(1)
    }
}

const fn service(name: &'static str, capacity: f64, ready_after: u64) -> Service {
    Service { name, capacity, ready_after: Duration::from_secs(ready_after) }
}

const fn call(from: &'static str, to: &'static str, calls_per_call: f64) -> Call {
    Call { from, to, calls_per_call }
}
