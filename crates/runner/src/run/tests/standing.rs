//! How many objects are not ready or held back, and that each is counted once at most.

use super::*;

/// The gauges that are not zero, without their prefix, in order.
fn counted(running: &Loop) -> Vec<String> {
    let text = running.world.services.metrics.render();
    let lines = text.lines().filter_map(|line| line.strip_prefix("polyscaler_objects_"));
    let mut lines: Vec<String> =
        lines.filter(|line| line.contains('{') && !line.ends_with(" 0")).map(str::to_owned).collect();
    lines.sort();
    lines
}

fn not_ready(reason: &str, count: usize) -> String {
    format!("not_ready{{kind=\"BusinessScaling\",namespace=\"default\",reason=\"{reason}\"}} {count}")
}

fn limited(reason: &str, count: usize) -> String {
    format!("limited{{kind=\"BusinessScaling\",namespace=\"default\",reason=\"{reason}\"}} {count}")
}

#[tokio::test(start_paused = true)]
async fn every_object_is_counted_where_it_stands_now() {
    let invalid = Object::new("invalid").with("intervalSeconds", 0);
    let running = Loop::leading(&[&invalid, &web()]).await;
    pass(60).await;
    assert_eq!(counted(&running), [not_ready("InvalidSpec", 1)]);

    running.world.cluster.remove("web");
    pass(60).await;
    assert_eq!(counted(&running), [not_ready("InvalidSpec", 1), not_ready("TargetNotFound", 1)]);
    running.apply(&web().with("intervalSeconds", 0)).await;
    pass(5).await;
    assert_eq!(counted(&running), [not_ready("InvalidSpec", 2)]);

    running.world.cluster.set("web", 6);
    running.apply(&web().cooldown(3600)).await;
    pass(60).await;
    running.world.sampler.answer("web", Answer::Value(4000.0));
    pass(60).await;
    running.world.sampler.answer("web", Answer::Value(9000.0));
    pass(60).await;
    assert_eq!(counted(&running), [limited("CoolingDown", 1), not_ready("InvalidSpec", 1)]);
    running.delete(&web()).await;
    pass(1).await;
    assert_eq!(counted(&running), [not_ready("InvalidSpec", 1)]);
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_counts() {
    let invalid = Object::new("invalid").with("intervalSeconds", 0);
    let running = Loop::leading(&[&invalid]).await;
    pass(5).await;
    assert_eq!(counted(&running), [not_ready("InvalidSpec", 1)]);
    running.lead(false).await;
    pass(5).await;
    assert_eq!(counted(&running), [""; 0]);
    running.lead(true).await;
    pass(5).await;
    assert_eq!(counted(&running), [not_ready("InvalidSpec", 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_object_is_counted_in_the_namespace_in_which_it_acts() {
    let elsewhere = |interval: u32| web().with("namespace", "shop").with("intervalSeconds", interval);
    let running = Loop::leading(&[&elsewhere(0)]).await;
    pass(5).await;
    assert_eq!(
        counted(&running),
        [r#"not_ready{kind="BusinessScaling",namespace="shop",reason="InvalidSpec"} 1"#]
    );
    running.apply(&web().with("namespace", "payments").with("intervalSeconds", 0)).await;
    pass(5).await;
    assert_eq!(
        counted(&running),
        [r#"not_ready{kind="BusinessScaling",namespace="payments",reason="InvalidSpec"} 1"#]
    );
    let text = running.world.services.metrics.render();
    assert!(!text.contains("shop"), "a namespace without objects has no series:\n{text}");
}

#[tokio::test(start_paused = true)]
async fn objects_that_only_observe_are_counted() {
    let running = Loop::leading(&[&web().mode("observe")]).await;
    pass(60).await;
    assert_eq!(counted(&running), [r#"observed{kind="BusinessScaling",namespace="default"} 1"#]);
    running.apply(&web()).await;
    pass(60).await;
    assert_eq!(counted(&running), [""; 0]);
}
