//! `random`: every member of a group gets a count between its bounds, drawn again in each decision.
//!
//! For finding out how an application reacts to being scaled, and as the thing that any better
//! policy must beat. The draws are a pure function of seed, round and member, and the round is remembered: the same
//! seed gives the same sequence, on any machine and in a replay.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Policy, PolicyEntry, PolicyMemories, Recommendation, Serves, Setting, SettingType, View, settings,
};
use crate::Basis;

pub(super) const ENTRY: PolicyEntry = PolicyEntry {
    name: "random",
    summary: "A random count within each member's bounds, drawn in each decision.",
    serves: Serves::Group,
    settings: &[Setting {
        name: "seed",
        type_: SettingType::Integer { min: 0, max: u32::MAX },
        required: false,
        help: "The same seed gives the same sequence of counts. Default 0.",
    }],
    compile: |config, path| {
        let Config { seed } = settings(&ENTRY, config, path)?;
        Ok(Arc::new(Random::new(seed)) as Arc<dyn Policy>)
    },
};

/// Draws for every member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random {
    seed: u32,
}

/// What is remembered of a member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Draws {
    /// Draws made so far.
    round: u64,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    seed: u32,
}

impl Random {
    /// With the sequence that `seed` gives.
    pub fn new(seed: u32) -> Self {
        Self { seed }
    }
}

impl Policy for Random {
    fn name(&self) -> &'static str {
        ENTRY.name
    }

    fn follows_noise(&self) -> bool {
        false
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        let member = view.members.get(member)?;
        let draws = memory.entry(&member.target).of::<Draws>();
        let round = draws.round;
        draws.round = round.wrapping_add(1);
        let (least, most) = (member.bounds.min(), member.bounds.max());
        let mut state = mix(u64::from(self.seed)) ^ round;
        for byte in member.role.name.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        let span = u128::from(most - least) + 1;
        // The upper bits of a product spread evenly over a span that is no power of two.
        let drawn = (u128::from(mix(state)) * span) >> 64;
        let replicas = least + u32::try_from(drawn).unwrap_or_default();
        Some(Recommendation { policy: ENTRY.name, replicas, basis: Basis::Drawn { least, most, round } })
    }
}

/// SplitMix64's finalizer (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, Member, Target};

    fn members() -> Vec<Member> {
        let member = |name: &str, least, most| {
            let target = Target {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: "default".to_owned(),
                name: name.to_owned(),
            };
            Member::single(target, Bounds::new(least, most).unwrap())
        };
        vec![member("web", 1, 5), member("db", 2, 2)]
    }

    fn drawn(seed: u32, rounds: u64, member: usize) -> Vec<u32> {
        let members = members();
        let mut memory = PolicyMemories::default();
        let draw = |_| {
            let view = View { members: &members, ..View::default() };
            Random::new(seed).recommend(&view, member, &mut memory).unwrap().replicas
        };
        (0..rounds).map(draw).collect()
    }

    #[test]
    fn a_seed_is_a_sequence() {
        assert_eq!(drawn(7, 50, 0), drawn(7, 50, 0));
        assert_ne!(drawn(7, 50, 0), drawn(8, 50, 0));
        assert_eq!(drawn(7, 3, 1), [2, 2, 2]);
    }

    #[test]
    fn every_count_within_the_bounds_comes_about_as_often() {
        let mut counts = [0; 6];
        for replicas in drawn(1, 5000, 0) {
            counts[replicas as usize] += 1;
        }
        assert_eq!(counts[0], 0);
        assert!(counts[1..].iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
