//! The arithmetic of the HorizontalPodAutoscaler controller (`autoscaling/v2`), pure.
//!
//! One sync of the controller, in its order:
//!
//! 1. A target at 0 replicas with `minReplicas` of at least 1 is switched off: nothing is computed. (With `minReplicas` of 0,
//!    under an alpha feature gate, it is computed as by earlier controllers; that of v1.36 computes only where it has
//!    scaled to 0 itself.)
//! 2. A count outside the bounds is brought to the nearest one, whatever metrics and behavior say.
//! 3. Each metric proposes a count (`proposal.rs` for numbers, `pods.rs` for pods); the largest wins. While one of them
//!    fails, nothing is scaled in; while all fail, nothing is scaled.
//! 4. The recommendation is stabilized over the windows of `behavior`.
//! 5. The rate of `behavior` and the bounds limit it.
//!
//! An HPA is compiled into the parts of a plan ([`Hpa`]): [`HpaPolicy`] does the third step, the plan's
//! [`Limits`](crate::Limits) the others, in [`decide`](crate::decide()) like for any other plan.
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
mod plan;
mod pods;
mod policy;
mod proposal;
mod quantity;
mod recommend;
pub mod spec;
mod tolerance;

pub use compile::{Hpa, behavior};
pub use metric::{Circumstances, HpaMetric, MetricAim, Proposal, Seen};
pub use milli::milli;
pub use pods::{PodAim, PodAnswer, PodQuestion};
pub use policy::HpaPolicy;
pub use quantity::{NotAQuantity, Quantity};
pub(crate) use recommend::Proposals;
pub use recommend::{Recommended, recommend};
pub use spec::HpaSpec;
pub use tolerance::Tolerance;
