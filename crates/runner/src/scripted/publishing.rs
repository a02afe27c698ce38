//! A kind whose objects publish their first metric.

use std::sync::Arc;

use engine::activation::Report;
use engine::policy::{Policy, PolicyMemories, Recommendation};
use engine::{Absence, AbsenceReason, Activity, Published, TriggerActivity, View};
use resources::{Compiled, Context, Counting, Kind, Needs, NotCompiled, business_scaling};
use serde_json::Value;

use super::Object;

/// A BusinessScaling in all else.
static PUBLISHING: Kind = Kind {
    kind: "Publishing",
    plural: "publishings",
    compile,
    status: business_scaling::KIND.status.counting(Counting {
        registered: "scaled_object",
        triggers: |_| vec!["http".to_owned()],
        refusal: |_| "",
    }),
    needs: Needs { hpa: resources::scaled_object::KIND.needs.hpa, ..Needs::NOTHING },
    ..business_scaling::KIND
};

fn compile(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    let mut compiled = (business_scaling::KIND.compile)(object, context)?;
    compiled.plan.policy = Arc::new(Publishes(Arc::clone(&compiled.plan.policy)));
    Ok(compiled)
}

/// Recommends as the policy in it.
#[derive(Debug)]
struct Publishes(Arc<dyn Policy>);

impl Policy for Publishes {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn recommend(
        &self,
        view: &View<'_>,
        member: usize,
        memory: &mut PolicyMemories,
    ) -> Option<Recommendation> {
        self.0.recommend(view, member, memory)
    }

    fn report(&self, view: &View<'_>, _: &mut PolicyMemories) -> Option<Report> {
        let failure = || Absence { reason: AbsenceReason::Timeout, message: "no answer".to_owned() };
        let value = view.value(0).ok_or_else(failure);
        let metric = || "s0-http".to_owned();
        let trigger = TriggerActivity {
            metric: metric(),
            scaler: "httpScaler".to_owned(),
            is_active: value.is_ok(),
            value: value.as_ref().ok().copied(),
            failure: value.as_ref().err().cloned(),
            failures: 0,
            falls_back: false,
        };
        let activity = Activity { triggers: vec![trigger], ..Activity::default() };
        let published = vec![Published { metric: metric(), value, at: view.now, is_fallback: false }];
        Some(Report { activity, published, ..Report::default() })
    }
}

impl Object {
    /// The same as an object that publishes its metric as `s0-http`.
    pub(crate) fn publishing(self) -> Self {
        self.of_kind(&PUBLISHING)
    }
}
