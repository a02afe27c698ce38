//! Replicas that someone sets back after each scale operation.

use super::*;

const ARGO: &str = "argocd-controller";

/// Waits until `web` has 6 replicas, and has the manager set it back to `replicas`.
async fn set_back(running: &Loop, manager: &str, replicas: u32) {
    running.until(|running| running.world.cluster.replicas("web") == 6).await;
    running.world.cluster.set_by(manager, "web", replicas);
    pass(10).await;
}

#[tokio::test(start_paused = true)]
async fn a_manager_that_sets_replicas_back_is_named_until_it_ceases() {
    let running = Loop::leading(&[&web()]).await;
    for _ in 0..2 {
        set_back(&running, ARGO, 2).await;
    }
    running.until(|running| running.world.cluster.replicas("web") == 6).await;
    assert_eq!(running.world.book.reason("web"), "Ready", "twice may be an accident");
    set_back(&running, ARGO, 2).await;
    assert_eq!(running.world.book.reason("web"), "ReplicasReverted");
    let message = running.world.book.of("web").pop().unwrap().health().message.clone();
    for words in [ARGO, "Deployment default/web", "to 2 replicas 3 times", "ignoreDifferences"] {
        assert!(message.contains(words), "{message}");
    }
    let actions = running.world.services.activity.actions();
    assert!(actions.iter().filter(|action| action.applied).count() > 3, "scaling goes on");
    assert!(actions.iter().any(|action| action.reverted_by.as_deref() == Some(ARGO)), "{actions:?}");
    pass(120).await;
    assert_eq!(running.world.book.reason("web"), "Ready");
}

#[tokio::test(start_paused = true)]
async fn a_person_who_scales_by_hand_is_not_reported() {
    let running = Loop::leading(&[&web()]).await;
    for replicas in [3, 2, 5, 2, 9] {
        set_back(&running, "kubectl", replicas).await;
        assert_eq!(running.world.book.reason("web"), "Ready");
    }
}
