//! Any replica may be called, whoever leads.

use testbed::ports::PortClaim;
use testbed::wait;

use super::MetricsApi;
use crate::harness::LIMIT;

const ARGS: [&str; 2] = ["--lease-duration=10s", "--peer-address=127.0.0.1:0"];

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_hands_on_and_leads_when_the_leader_is_gone() {
    let api = MetricsApi::begin("metrics").await;
    let other = PortClaim::new().unwrap();
    let leader = api.operator(&other, &ARGS).await;
    wait::until("it leads", LIMIT, || async { leader.leads().await.then_some(()) }).await.unwrap();
    let follower = api.operator(&api.port, &ARGS).await;
    api.leads_to(&api.port).await;

    let path = api.path("web", "s0-prometheus");
    let unknown =
        format!("ScaledObject {}/web does not exist, or has not been polled yet", api.scene.namespace);
    let answers = || async {
        let (_, why) = api.why_not(&path).await;
        // Nobody makes anything up meanwhile.
        assert!(why == unknown || why.starts_with("this replica is not the leader"), "{why}");
        if why == unknown { Ok(()) } else { Err(why) }
    };
    wait::until("the leader answers", LIMIT, answers).await.unwrap();
    assert!(!follower.leads().await);
    leader.kill().await;
    let takes_over = || async {
        answers().await?;
        if follower.leads().await { Ok(()) } else { Err("another leads".to_owned()) }
    };
    wait::until("the follower leads", LIMIT, takes_over).await.unwrap();
}
