//! What one poll saw: scales, readings, and what is known of earlier scale operations.

use crate::{Absence, ControllerSeen, Outlook, Reading, Scale, Time};

/// What was seen in one poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// The scale of each of the plan's members, in the plan's order; `None` where the target was not found.
    pub scales: Vec<Option<Scale>>,
    /// The reading of each of the plan's metrics, in the plan's order.
    pub readings: Vec<Reading>,
    /// What an adviser outside answered, or why it did not; `None` where none is asked.
    pub advice: Option<Result<Advice, Absence>>,
    /// What is expected of each of the plan's metrics, in the plan's order; empty where nobody forecasts.
    pub outlooks: Vec<Outlook>,
    /// What the HPA controller last did, where the plan stands beside it; `None` where nobody looked.
    pub controller: Option<ControllerSeen>,
    /// Whether the poll is one that a policy asked for in between ([`Policy::pace`]), and not by the plan's interval.
    ///
    /// [`Policy::pace`]: crate::Policy::pace
    pub is_between: bool,
}

/// What an adviser outside recommends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Replicas for each of the plan's members, in the plan's order; `None` for one that it leaves as it is.
    pub replicas: Vec<Option<u32>>,
    /// Its reasons, in its own words.
    pub reason: String,
}

/// Who last changed the replicas of a target, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastScaled {
    /// Not polyscaler, or it is not known.
    NotByUs,
    /// Polyscaler, then.
    At(Time),
    /// Polyscaler. The API server remembers who wrote the scale of a target, and mostly not when.
    AtUnknownTime,
}
