//! Kind `ScaledObject` of KEDA.

#[cfg_attr(not(test), expect(dead_code, reason = "the kind that compiles triggers is not in the table yet"))]
mod triggers;

pub use triggers::{AuthenticationRef, TriggerSpec};
