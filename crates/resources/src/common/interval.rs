//! The time between two polls: that of the spec, or a default.

use std::time::Duration;

use engine::Origin;

/// Seconds between two polls as a spec has them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interval {
    /// The field must be set.
    Required(u32),
    /// What `spec.intervalSeconds` says, and what counts where it is left out.
    Optional(Option<u32>, u32),
}

/// The field that may be left out.
pub(crate) const FIELD: &str = "intervalSeconds";

impl Interval {
    /// The time itself; a default is noted in `origins`.
    pub(crate) fn compile(self, origins: &mut Vec<Origin>) -> Duration {
        let seconds = match self {
            Self::Required(seconds) | Self::Optional(Some(seconds), _) => seconds,
            Self::Optional(None, default) => {
                origins.push(Origin::new(format!("spec.{FIELD}"), default, "default"));
                default
            }
        };
        Duration::from_secs(u64::from(seconds))
    }
}
