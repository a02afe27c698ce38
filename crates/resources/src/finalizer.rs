//! Finalizers that objects of a kind may have: what they are for, and when they are not needed.

use engine::Target;
use serde_json::Value;

/// A finalizer that belongs to a kind.
#[derive(Clone, Copy)]
pub struct Finalizer {
    /// Its name.
    pub name: &'static str,
    /// Whether the deletion of an object leaves something to do, so that it must wait. Others need no finalizer, and lose
    /// one that somebody else has left. Called with whatever users write, malformed or not.
    pub is_needed: fn(&Value) -> bool,
    /// What is to be done at the deletion of an object, as far as that is known.
    pub restoration: fn(&Value) -> Option<Restoration>,
}

impl Finalizer {
    /// One that is of no use here: objects that have it are freed of it.
    pub const fn of_others(name: &'static str) -> Self {
        Self { name, is_needed: |_| false, restoration: |_| None }
    }
}

/// Replicas that a target gets back when the object is deleted that scaled it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoration {
    /// The target.
    pub target: Target,
    /// Its replicas from before it was scaled.
    pub replicas: u32,
}
