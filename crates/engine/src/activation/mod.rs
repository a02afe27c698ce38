//! `activation`: what an HPA cannot do. The way to and from zero, or to and from an idle count, by the activity of
//! triggers; everything between the minimum and the maximum is left to the HPA that is kept beside it, which asks
//! for the values that are published here.
//!
//! The decisions, their fallbacks and what is published follow KEDA's ScaledObject, as its users know it. In direct
//! mode there is no HPA: the engine's own arithmetic of one ([`crate::hpa`]) does the rest in the same decision.

mod report;

use std::time::Duration;

use crate::hpa::Hpa;
use crate::policy::{PolicyMemories, Recommendation};
use crate::{MetricTarget, Policy, TargetType, Time, View};

pub use report::{Activity, Published, TriggerActivity};

/// What triggers and a spec ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// The triggers that have a metric of their own, in the order of the plan's metrics; those that an HPA measures at
    /// pods are not among them, except in direct mode, where they stand in `direct`.
    pub triggers: Vec<Trigger>,
    /// Whether there are triggers, and an HPA measures all of them at pods: then the target is always active.
    pub only_pods: bool,
    /// Replicas at least while active; 0 stands for 1 then.
    pub min: u32,
    /// Replicas at most.
    pub max: u32,
    /// Replicas while inactive, where that is not `min`.
    pub idle: Option<u32>,
    /// Time without activity after which the target is scaled to `idle`, or to 0.
    pub cooldown: Duration,
    /// The same for an object that has never been active, counted from `created`.
    pub initial_cooldown: Duration,
    /// When the object was created.
    pub created: Time,
    /// Whether the target counts as active whatever the triggers say.
    pub forced: bool,
    /// What is published in place of a metric that fails.
    pub fallback: Option<ActivationFallback>,
    /// A formula that makes one metric of all triggers.
    pub composite: Option<Composite>,
    /// How the count between `min` and `max` is found, where no HPA does it.
    pub direct: Option<Hpa>,
}

/// One trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its name in the object, by which a formula knows it.
    pub name: Option<String>,
    /// Name under which its value is published, for example `s0-prometheus`.
    pub metric: String,
    /// It is active while its value is above this.
    pub activation: f64,
    /// What the HPA aims for.
    pub target: MetricTarget,
}

/// What is published in place of a metric that fails.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationFallback {
    /// More failures in a row than this bring it about.
    pub failure_threshold: u32,
    /// The replicas that the value published asks for.
    pub replicas: u32,
    /// How they are found.
    pub behavior: FallbackBehavior,
}

/// How the replicas of a fallback are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FallbackBehavior {
    /// As the fallback says.
    #[default]
    Static,
    /// Those that the target has.
    CurrentReplicas,
    /// Those that the target has, or those that the fallback says where these are more.
    CurrentReplicasIfHigher,
    /// Those that the target has, or those that the fallback says where these are fewer.
    CurrentReplicasIfLower,
    /// The formula decides; triggers that fail are nil in it.
    ScalingModifiers,
}

/// A formula that makes one metric of all triggers.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    /// The formula, compiled.
    pub formula: Formula,
    /// What the HPA aims for.
    pub target: f64,
    /// How the value compares with it.
    pub type_: TargetType,
    /// The target is active while the value is above this.
    pub activation_target: f64,
    /// Whether `target` is written as a whole number: with any other a fallback has no effect.
    pub is_whole: bool,
}

/// A formula, compiled and found harmless.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
}

impl Formula {
    /// The formula `text` over the values of the triggers with these names.
    ///
    /// # Errors
    /// In a sentence what is wrong with it.
    pub fn compile(text: &str, names: &[&str]) -> Result<Self, String> {
        let _ = names;
        Ok(Self { text: text.to_owned() })
    }

    /// The formula as it is written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The policy's name in steps.
const NAME: &str = "activation";

impl Policy for Activation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        let _ = (view, member, memory);
        None
    }

    fn follows_noise(&self) -> bool {
        false
    }
}
