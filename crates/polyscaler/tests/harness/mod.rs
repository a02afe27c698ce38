//! What the tests of the real binary stand on: a real control plane, and for each test a
//! scene of its own in it.
//!
//! ```text
//! control plane ◀── operator (the real binary, one or more a scene) ──▶ metric server
//!       ▲                                                                    ▲
//!       └──────── Scene: namespace, Scaling, Target, Recorder ───────────────┘
//! ```
//!
//! Scenes in one control plane do not meet: an operator acts only in the namespace of its
//! scene, and elects its leader there. Nothing here sleeps for luck; what is waited for has
//! a deadline, and a thing that must not happen is shown by polls that went by without it.

pub(crate) mod control_plane;
mod operator;
mod queue;
mod recorder;
mod scaling;
mod scene;
mod target;

use std::time::Duration;

pub(crate) use control_plane::start;
pub(crate) use operator::Operator;
pub(crate) use queue::jetstream;
pub(crate) use recorder::Recorder;
pub(crate) use scaling::{Scaling, condition};
pub(crate) use scene::{LABEL, Scene};
pub(crate) use target::Target;

/// The longest that anything may take which happens at once on an idle machine. Far more than that, as
/// a busy one is no fault of what is tested.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// A busy machine stands still for seconds at times, which is no outage of the API server.
pub(crate) const API_TIMEOUT: &str = "30s";
/// For the same reason.
pub(crate) const LEASE_DURATION: &str = "60s";

/// The binary under test.
pub(crate) const POLYSCALER: &str = env!("CARGO_BIN_EXE_polyscaler");

/// A number of seconds.
pub(crate) fn seconds(count: f64) -> Duration {
    Duration::from_secs_f64(count)
}
