//! The page of one object of a real operator, over a change of leader, with the page open all the time.

use serde_json::json;
use testbed::{Browser, Device, wait};

use crate::harness::{LIMIT, Scene};

const ARGS: [&str; 2] = ["--lease-duration=10s", "--peer-address=127.0.0.1:0"];

#[tokio::test(flavor = "multi_thread")]
async fn history_survives_a_change_of_leader_while_the_page_is_open() {
    let scene = Scene::new("objectpage").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let first = scene.operator(&ARGS).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    target.wait_for(6).await;
    scene.users("/users", 9000);
    target.wait_for(10).await;
    scaling.wait_for_event("Normal", "SuccessfulRescale", "from 6 to 10").await;
    let second = scene.operator(&ARGS).await;
    let path = format!("/objects/BusinessScaling/{}", scaling.name);
    let asks = || async {
        let page = second.activity_text(&path).await;
        if page.contains("6 → 10") { Ok(()) } else { Err(page) }
    };
    wait::until("the follower asks the leader", LIMIT, asks).await.unwrap();

    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&format!("{}{path}", second.activity_url().trim_end_matches('/'))).await.unwrap();
    let seen = |parts: &[&str]| {
        let parts = json!(parts);
        format!(
            "{parts}.every(part => document.querySelector('main').innerText.replaceAll('\\n', ' ').includes(part))"
        )
    };
    let all = [
        "Ready",
        "minimum 2",
        "maximum 10",
        "low 1000",
        "high 5000",
        "2 → 6",
        "6 → 10",
        "SuccessfulRescale",
        "ScalingActive",
    ];
    page.wait_for("all of the object, by way of the leader", &seen(&all)).await.unwrap();
    page.evaluate("window.unchanged = 1").await.unwrap();

    first.kill().await;
    let leads = || async { if second.leads().await { Ok(()) } else { Err("not yet") } };
    wait::until("the second leads", LIMIT, leads).await.unwrap();
    let kept = ["2 → 6", "linear 2→6 (3000 in 1000..5000)", "6 → 10", "linear 6→10 (9000 above 1000..5000)"];
    page.wait_for("what the first had scaled, from the second", &seen(&kept)).await.unwrap();
    let actions = second.activity().await;
    assert_eq!(actions.len(), 2, "{actions:?}");
    assert_eq!((&actions[0]["to"], &actions[0]["applied"]), (&json!(10), &json!(true)));
    let all = second.activity_page().await;
    assert!(all.contains("<b>2</b> scale operations in the last hour"), "{all}");
    assert_eq!(page.evaluate("window.unchanged").await.unwrap(), json!(1), "without a reload");
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_go_beyond_the_operations_that_are_remembered() {
    let scene = Scene::new("counts").await;
    let target = scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let operator = scene.operator(&["--max-actions=1"]).await;
    scene.business_scaling("web", scene.spec("web", "/users")).await;
    for (users, replicas) in [(3000, 6), (4000, 8), (9000, 10)] {
        scene.users("/users", users);
        target.wait_for(replicas).await;
    }
    let look = || async {
        let page = operator.activity_page().await;
        if page.contains("<b>3</b> scale operations in the last hour") { Ok(()) } else { Err(page) }
    };
    wait::until("three operations are counted", LIMIT, look).await.unwrap();
    assert_eq!(operator.activity().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_shown_beside_its_curve_where_the_target_is_missing() {
    let scene = Scene::new("notarget").await;
    scene.users("/users", 3000);
    let operator = scene.operator(&[]).await;
    let scaling = scene.business_scaling("lost", scene.spec("lost", "/users")).await;
    scaling.wait_for("Ready", "False", "TargetNotFound").await;
    scene.requests("/users", 3).await;
    let page = operator.activity_page().await;
    assert!(page.contains("<b>3000</b>") && page.contains("aria-label=\"users: 3000"), "{page}");
    assert!(!page.contains("no readings in the last hour"), "{page}");
}
