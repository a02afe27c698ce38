//! Brakes: what people set on an object for a time, beside its spec.
//!
//! A brake wins over what the spec says, also over its bounds, and over everything that is recommended.

mod bounds_override;
mod pause;

pub use bounds_override::BoundsOverride;
pub use pause::Pause;

use crate::Time;

/// The brakes that are set on a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brakes {
    /// What is not scaled for the moment.
    pub pause: Pause,
    /// Other bounds than those of the spec, for some time.
    pub bounds: Option<BoundsOverride>,
}

impl Brakes {
    /// The override of the bounds that counts at `now`.
    pub fn override_at(&self, now: Time) -> Option<&BoundsOverride> {
        self.bounds.as_ref().filter(|over| over.is_active(now))
    }

    /// The same with no count above `most`; returns whether that changes anything.
    pub fn cap(&mut self, most: u32) -> bool {
        let before = self.clone();
        if let Pause::At(replicas) = &mut self.pause {
            *replicas = (*replicas).min(most);
        }
        self.bounds = self.bounds.take().map(|over| over.at_most(most));
        *self != before
    }
}
