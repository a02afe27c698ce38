//! A kind whose objects publish their first metric.

use std::sync::Arc;

use engine::activation::{Composite, Report};
use engine::policy::{Policy, PolicyMemories, Recommendation};
use engine::{Absence, AbsenceReason, Activity, Published, TriggerActivity, View};
use resources::{Compiled, Context, Counting, Kind, Needs, NotCompiled, business_scaling};
use serde_json::Value;

use super::Object;

/// A BusinessScaling in all else.
static COMPOSING: Kind = Kind { compile: compile_composing, ..PUBLISHING };

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
    publishing(object, context, &[])
}

fn compile_composing(object: &Value, context: &Context<'_>) -> Result<Compiled, NotCompiled> {
    publishing(object, context, &[Composite::METRIC])
}

fn publishing(
    object: &Value,
    context: &Context<'_>,
    more: &'static [&'static str],
) -> Result<Compiled, NotCompiled> {
    let mut compiled = (business_scaling::KIND.compile)(object, context)?;
    compiled.plan.policy = Arc::new(Publishes(Arc::clone(&compiled.plan.policy), more));
    Ok(compiled)
}

/// Recommends as the policy in it, and publishes the value under these names, too.
#[derive(Debug)]
struct Publishes(Arc<dyn Policy>, &'static [&'static str]);

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

    fn recommend_and_report(
        &self,
        view: &View<'_>,
        memory: &mut PolicyMemories,
    ) -> (Vec<Option<Recommendation>>, Report) {
        let failure = || Absence { reason: AbsenceReason::Timeout, message: "no answer".to_owned() };
        let value = view.value(0).ok_or_else(failure);
        let metric = || Arc::<str>::from("s0-http");
        let trigger = TriggerActivity {
            metric: metric(),
            scaler: "httpScaler".into(),
            is_active: value.is_ok(),
            value: value.as_ref().ok().copied(),
            failure: value.as_ref().err().cloned(),
            failures: 0,
            falls_back: false,
        };
        let activity = Activity { triggers: vec![trigger], ..Activity::default() };
        let names = [metric()].into_iter().chain(self.1.iter().map(|&name| name.into()));
        let publish = |metric| Published {
            metric,
            value: value.clone(),
            at: view.now,
            is_fallback: false,
            for_one_pod: None,
        };
        let published = names.map(publish).collect();
        let report = Report { activity: Some(activity), published, ..Report::default() };
        (self.recommend_all(view, memory), report)
    }
}

impl Object {
    /// The same as an object that publishes its metric as `s0-http`.
    pub(crate) fn publishing(self) -> Self {
        self.of_kind(&PUBLISHING)
    }

    /// The same with a formula that comes to the value of its metric.
    pub(crate) fn composing(self) -> Self {
        self.of_kind(&COMPOSING)
    }
}
