//! How much two states of a memory differ, for whoever keeps it.

use crate::by_target::ByTarget;
use crate::{Action, Memory, Recommendations};

/// Whether and how much something that is kept changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Not at all, or only in what a takeover does not need.
    None,
    /// Only in what moves with the metrics: worth a write now and then.
    Minor,
    /// In something that people or a takeover rely on: worth a write at once.
    Major,
}

impl Memory {
    /// How this memory differs from an `earlier` one. The instants at which recommendations were last made
    /// do not count: a takeover takes the last ones to hold until then.
    pub fn difference(&self, earlier: &Self) -> Difference {
        // Without `..`, so that whoever adds a field decides what its change is worth. What stands beside the HPA controller
        // is kept nowhere.
        let Self {
            last_scale,
            replicas,
            last_action,
            members,
            scale_events,
            scales,
            policy,
            metrics,
            beside: _,
            told,
        } = self;
        let same_course = match (last_action, &earlier.last_action) {
            (Some(now), Some(before)) => is_same_course(now, before),
            (now, before) => now.is_none() && before.is_none(),
        };
        if *last_scale != earlier.last_scale
            || *replicas != earlier.replicas
            || *scale_events != earlier.scale_events
            || *scales != earlier.scales
            || !same_course
        {
            return Difference::Major;
        }
        let recommended = |members: &ByTarget<Recommendations>| -> Vec<(String, Vec<u32>)> {
            members.iter().map(|(name, past)| (name.to_owned(), past.sequence().collect())).collect()
        };
        let is_same = members == &earlier.members || recommended(members) == recommended(&earlier.members);
        if !is_same
            || *policy != earlier.policy
            || *metrics != earlier.metrics
            || *last_action != earlier.last_action
            || *told != earlier.told
        {
            return Difference::Minor;
        }
        Difference::None
    }
}

/// Whether two actions are one that has come equally far. A write that fails again and again is reported at
/// once and then counted now and then.
fn is_same_course(now: &Action, before: &Action) -> bool {
    now.at == before.at
        && now.members.len() == before.members.len()
        && now.members.iter().zip(&before.members).all(|(now, before)| {
            (&now.name, now.from, now.to, now.written, now.ready)
                == (&before.name, before.from, before.to, before.written, before.ready)
        })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{ActionMember, Target, Time};

    fn web() -> Target {
        let text = str::to_owned;
        Target {
            api_version: text("apps/v1"),
            kind: text("Deployment"),
            namespace: text("shop"),
            name: text("web"),
        }
    }

    fn recommending(replicas: u32, at: i64) -> Memory {
        let mut memory = Memory::default();
        let past = memory.members.entry(&web());
        past.add(replicas, Time::from_seconds(at), Duration::from_secs(60));
        memory
    }

    #[test]
    fn the_instants_of_recommendations_do_not_count() {
        assert_eq!(recommending(3, 20).difference(&recommending(3, 10)), Difference::None);
        assert_eq!(recommending(4, 20).difference(&recommending(3, 10)), Difference::Minor);
        assert_eq!(recommending(3, 20).difference(&Memory::default()), Difference::Minor);
    }

    #[test]
    fn what_was_scaled_is_written_at_once() {
        let scaled = Memory { last_scale: Some(Time::from_seconds(10)), ..recommending(3, 10) };
        assert_eq!(scaled.difference(&recommending(3, 10)), Difference::Major);
        let mut elsewhere = recommending(3, 10);
        elsewhere.replicas.insert(&web(), 3);
        assert_eq!(elsewhere.difference(&recommending(3, 10)), Difference::Major);
    }

    #[test]
    fn another_attempt_of_a_write_is_minor_and_its_success_is_not() {
        let member = |attempts, written| ActionMember {
            name: "web".to_owned(),
            from: 1,
            to: 2,
            attempts,
            written,
            ready: None,
            failure: Some(format!("attempt {attempts}")),
        };
        let acting = |member| {
            let action = Action { at: Time::from_seconds(5), members: vec![member] };
            Memory { last_action: Some(action), ..Memory::default() }
        };
        let first = acting(member(1, None));
        assert_eq!(first.difference(&first), Difference::None);
        assert_eq!(acting(member(2, None)).difference(&first), Difference::Minor);
        assert_eq!(acting(member(2, Some(Time::from_seconds(6)))).difference(&first), Difference::Major);
        assert_eq!(first.difference(&Memory::default()), Difference::Major);
    }
}
