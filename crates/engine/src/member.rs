//! One scaled target within a plan, and what it is in its group.

use crate::{Bounds, Target};

/// One scaled target within a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// What is scaled.
    pub target: Target,
    /// How far.
    pub bounds: Bounds,
    /// What it is in its group; of no meaning for a single target.
    pub role: Role,
}

impl Member {
    /// The only target of a plan.
    pub fn single(target: Target, bounds: Bounds) -> Self {
        let role = Role::of(&target.name);
        Self { target, bounds, role }
    }
}

/// What a member is in its group.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name in the group; distinct.
    pub name: String,
    /// Its share where a count is spread over the members; finite and above 0.
    pub weight: f64,
    /// The demand that one replica can bear, in the unit of the member's demand; finite and above 0.
    pub capacity: Option<f64>,
    /// What one replica costs in an hour; finite and not negative.
    pub cost_per_pod_hour: f64,
    /// Why it must be left alone, in a sentence, where it must.
    pub refusal: Option<String>,
}

impl Role {
    /// A member called `name` like any other: weight 1, free of charge, capacity unknown.
    pub fn of(name: &str) -> Self {
        Self { name: name.to_owned(), weight: 1.0, capacity: None, cost_per_pod_hour: 0.0, refusal: None }
    }
}
