//! What the measuring programs share: a control plane with our CRDs, objects made quickly, operators with what they say of
//! themselves, and figures in one line.
//!
//! ```text
//! Stage (control plane, CRDs, Deployments) ◀── Operator (the binary that is measured) ──▶ MetricServer
//!                                                    │ Metrics                              │ Pace
//!                                                    └──────────▶ figures ◀─────────────────┘
//! ```

mod before;
mod distribution;
mod external_metrics;
mod metrics;
mod operator;
mod pace;
mod scaled_objects;
mod stage;
mod steady_load;

pub use before::before_measuring;
pub use distribution::Distribution;
pub use external_metrics::ExternalMetrics;
pub use metrics::{Metrics, lateness};
pub use operator::Operator;
pub use pace::Pace;
pub use scaled_objects::{Actuation, answer, scaled_object};
pub use stage::{PATIENCE, Stage, name};
pub use steady_load::{Answered, steady_load};
