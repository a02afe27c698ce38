//! The arithmetic of the HorizontalPodAutoscaler controller (`autoscaling/v2`), pure.
//!
//! One sync of the controller, in its order:
//!
//! 1. A target at 0 replicas with `minReplicas` of at least 1 is switched off: nothing is computed.
//! 2. A count outside the bounds is brought to the nearest one, whatever metrics and behavior say.
//! 3. Each metric proposes a count (`proposal.rs` for numbers, `pods.rs` for pods); the largest wins. While one of them
//!    fails, nothing is scaled in; while all fail, nothing is scaled.
//! 4. The recommendation is stabilized over the windows of `behavior`.
//! 5. The rate of `behavior` and the bounds limit it.
//!
//! Amounts are `int64` milli-values and ratios are `f64`, as in the controller, so that results agree digit for
//! digit. Where the controller's own integers overflow, the results here saturate.
//!
//! What the controller is known to get wrong with pods (a rolling update with surge, new pods, pods that only share
//! labels) it gets wrong here, too. The better form, for the kinds of this project, is
//! [`PodLoad`](crate::pod_metric::PodLoad).
//!
//! `tests/hpa_recordings.rs` replays what a real controller saw and did, sync by sync.

mod compile;
mod metric;
mod milli;
mod pods;
mod proposal;
mod quantity;
mod recommend;
pub mod spec;
mod sync;
mod tolerance;

pub use compile::Hpa;
pub use metric::{Circumstances, HpaMetric, MetricAim, Proposal, Seen};
pub use milli::milli;
pub use pods::{PodAim, PodAnswer, PodQuestion};
pub use quantity::{NotAQuantity, Quantity};
pub use recommend::{Recommendation, recommend};
pub use spec::HpaSpec;
pub use sync::{HpaMemory, Outcome};
pub use tolerance::Tolerance;
