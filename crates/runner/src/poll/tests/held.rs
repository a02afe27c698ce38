//! A decision that would violate an invariant: nothing is written, and it is counted.

use std::sync::atomic::{AtomicU32, Ordering};

use engine::policy::{PolicyMemories, Recommendation};
use engine::{Basis, Budget, Policy, View};

use super::*;

/// Has a budget of 100 pods while a decision is made, and of one pod when someone checks.
#[derive(Debug, Default)]
struct Fickle(AtomicU32);

impl Policy for Fickle {
    fn name(&self) -> &'static str {
        "fickle"
    }

    fn recommend(&self, _: &View<'_>, _: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let basis = Basis::Above { value: 1.0, threshold: 0.0 };
        Some(Recommendation { policy: "fickle", replicas: 9, basis })
    }

    fn budget(&self) -> Option<Budget> {
        let asked_before = self.0.fetch_add(1, Ordering::Relaxed);
        Budget::new(1.0, if asked_before < 2 { 100.0 } else { 1.0 })
    }
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_violates_an_invariant_writes_nothing_and_is_counted() {
    let world = world(3);
    let plan = Plan { policy: Arc::new(Fickle::default()), ..plan() };
    let (job, _revoke) = job(plan, Memory::default(), world.now());
    let finished = poll(world.services.clone(), job).await;
    assert_eq!(world.cluster.writes(), []);
    assert_eq!(finished.violations.len(), 1);
    assert_eq!(finished.outcome.as_ref().unwrap().health().limited, Some(Reason::DecisionHeld));
    let counted = r#"polyscaler_invariant_violations_total{invariant="within_budget"} 1"#;
    assert!(world.services.metrics.render().contains(counted), "{}", world.services.metrics.render());
}
