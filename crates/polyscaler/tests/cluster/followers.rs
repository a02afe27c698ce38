//! Replicas that do not lead, and are asked all the same.

use serde_json::Value;
use testbed::wait;

use crate::harness::{LIMIT, Scene};

const ARGS: [&str; 2] = ["--lease-duration=10s", "--peer-address=127.0.0.1:0"];

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_shows_what_the_leader_knows_or_says_that_it_does_not_know() {
    let scene = Scene::new("followers").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let leader = scene.operator(&ARGS).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let follower = scene.operator(&ARGS).await;
    let apart = scene.operator(&["--lease-duration=10s"]).await;

    let names = |text: &str| -> Vec<String> {
        let objects: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        objects.iter().map(|object| object["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let shows = || async {
        let text = follower.activity_text("/objects").await;
        if names(&text) == [scaling.name.clone()] { Ok(()) } else { Err(text) }
    };
    wait::until("the follower knows who leads, and both have the certificate", LIMIT, shows).await.unwrap();
    let page = follower.activity_page().await;
    assert!(
        page.contains(&scaling.name) && page.contains("2 → 6") && !page.contains("is standing by"),
        "{page}"
    );
    assert_eq!(follower.activity().await, leader.activity().await);

    // One that cannot reach the others says so, and never that there is nothing.
    let page = apart.activity_page().await;
    assert!(page.contains("This replica is standing by") && !page.contains("<b>0</b> objects"), "{page}");
    for path in ["/objects", "/scaling-activity"] {
        let text = apart.activity_text(path).await;
        assert!(text.contains("cannot answer"), "{text}");
    }

    // Whoever leads next answers itself; until then nobody makes anything up.
    apart.kill().await;
    leader.kill().await;
    let takes_over = || async {
        let text = follower.activity_text("/objects").await;
        let known = names(&text);
        assert!(known == [scaling.name.clone()] || text.contains("cannot answer") || text == "[]", "{text}");
        if follower.leads().await && known == [scaling.name.clone()] { Ok(()) } else { Err(text) }
    };
    wait::until("the follower leads", LIMIT, takes_over).await.unwrap();
}
