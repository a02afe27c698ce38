//! A kind whose policy asks for polls in between, by which it scales nobody.

use std::sync::Arc;
use std::time::Duration;

use engine::policy::{Policy, PolicyMemories, Recommendation};
use engine::{Decision, View};
use resources::{Compiled, Context, Kind, NotCompiled, business_scaling};
use serde_json::Value;

use super::Object;

/// A BusinessScaling in all else.
static HURRIED: Kind = Kind { kind: "Hurried", plural: "hurrieds", compile, ..business_scaling::KIND };

fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let mut compiled = (business_scaling::KIND.compile)(object, context)?;
    compiled.plan.policy = Arc::new(Hurries(Arc::clone(&compiled.plan.policy)));
    Ok(compiled)
}

/// Recommends as the policy in it, where its interval has passed.
#[derive(Debug)]
struct Hurries(Arc<dyn Policy>);

impl Policy for Hurries {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        self.0.recommend(view, member, memory).filter(|_| !view.is_between)
    }

    fn pace(&self, _: &Decision) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

    fn quickest_pace(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }

    fn counts_from_poll(&self, interval: Duration) -> bool {
        interval > Duration::from_secs(10)
    }
}

impl Object {
    /// The same as an object that is polled each 10 s, and scaled by its interval.
    pub(crate) fn hurried(self) -> Self {
        self.of_kind(&HURRIED)
    }
}
