//! A pause: nothing is scaled, or nothing in one direction, until it is resumed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Pause {
    /// Nothing.
    #[default]
    Nothing,
    /// All scaling: every target stays as it is.
    Everything,
    /// All scaling: every target is kept at so many replicas, also outside of its bounds.
    At(u32),
    /// Scaling in and scaling out, each by itself.
    BothDirections,
    /// Scaling in.
    ScaleIn,
    /// Scaling out.
    ScaleOut,
}

impl Pause {
    /// Whether anything is paused.
    pub fn is_on(self) -> bool {
        self != Self::Nothing
    }

    /// Whether scaling is paused in both directions, so that nothing that is recommended counts.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Everything | Self::BothDirections | Self::At(_))
    }

    /// The replicas that a target which asks for `from` is kept at; `None` where not all scaling is paused.
    pub fn keeps(self, from: u32) -> Option<u32> {
        match self {
            Self::Everything | Self::BothDirections => Some(from),
            Self::At(replicas) => Some(replicas),
            Self::Nothing | Self::ScaleIn | Self::ScaleOut => None,
        }
    }

    /// The count nearest to `to` that a target which asks for `from` may come to.
    pub fn allows(self, from: u32, to: u32) -> u32 {
        match self {
            Self::Nothing => to,
            Self::Everything | Self::BothDirections => from,
            Self::At(replicas) => replicas,
            Self::ScaleIn => to.max(from),
            Self::ScaleOut => to.min(from),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing is paused"),
            Self::Everything => f.write_str("scaling is paused"),
            Self::At(replicas) => write!(f, "scaling is paused at {replicas} replicas"),
            Self::BothDirections => f.write_str("scale-in and scale-out are paused"),
            Self::ScaleIn => f.write_str("scale-in is paused"),
            Self::ScaleOut => f.write_str("scale-out is paused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_holds_its_own_direction() {
        for (pause, out, in_, kept) in [
            (Pause::Nothing, 9, 1, None),
            (Pause::Everything, 4, 4, Some(4)),
            (Pause::BothDirections, 4, 4, Some(4)),
            (Pause::At(7), 7, 7, Some(7)),
            (Pause::ScaleIn, 9, 4, None),
            (Pause::ScaleOut, 4, 1, None),
        ] {
            assert_eq!((pause.allows(4, 9), pause.allows(4, 1), pause.keeps(4)), (out, in_, kept), "{pause}");
            assert_eq!(pause.is_complete(), kept.is_some());
            assert_eq!(pause.is_on(), pause != Pause::Nothing);
        }
    }
}
