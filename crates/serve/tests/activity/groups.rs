//! A group's row shows every member: what fails, what changes, and the rest.

use runner::{FailingMember, ObjectKey, ObjectState, TargetState};

use serde_json::json;
use testbed::{Browser, Device};

use crate::fill;
use crate::stage::Stage;

/// A group of so many members of which the first fails, the second changes and the others are as they were.
fn group(stage: &Stage, members: usize) -> ObjectState {
    let mut state = fill::object("ScalingGroup", "shop", "shop", stage.now(), 59);
    let target = |index: usize| TargetState {
        member: Some(format!("member-{index}")),
        target: format!("Deployment shop/shop-{index}"),
        ready: Some(if index == 1 { 2 } else { 3 }),
        current: 3,
        recommended: Some(3),
        desired: 3,
        decision: format!("bottleneck 3 (member-0 {index}00, 100 a replica)").into(),
        ..state.targets[0].clone()
    };
    state.targets = (1..members).map(target).collect();
    state.failing = vec![FailingMember {
        member: "member-0".to_owned(),
        target: "Deployment shop/shop-0".to_owned(),
        reason: "TargetNotFound".to_owned(),
        message: "Deployment shop/shop-0 does not exist <yet>".to_owned(),
    }];
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_is_shown() {
    let stage = Stage::new().await;
    stage.shown.board.show(group(&stage, 7));
    let part = stage.part("").await;
    assert!(part.contains("scales 7 members"), "{part}");
    for index in 0..7 {
        assert!(part.contains(&format!("<b>member-{index}</b>")), "{part}");
    }
    assert!(part.contains("<code>TargetNotFound</code>"), "{part}");
    assert!(part.contains("does not exist &lt;yet&gt;"), "{part}");
    assert!(part.contains("<b>member-1</b> 3, 2 ready"), "{part}");
    let place = |text: &str| part.find(text).unwrap();
    assert!(place("member-0</b>") < place("member-1</b>"), "what fails comes first");
    assert!(place("member-1</b>") < place("member-2</b>"), "then what changes");
    assert!(part.contains("<summary>3 more members</summary>"), "{part}");
    assert!(part.contains("<b>18</b> <small>desired, 17 ready</small>"), "{part}");

    let page = stage.text("/objects/ScalingGroup/shop/shop").await;
    let (_, members) = page.split_once("<h2>Members</h2>").unwrap();
    let row = |member: &str| members.split("<tr").find(|row| row.contains(member)).unwrap();
    assert!(row("member-0").contains("does not exist &lt;yet&gt;"), "{members}");
    for part in ["Deployment shop/shop-1", "<b>3</b> <small>desired, 2 ready</small>", "2 to 10"] {
        assert!(row("member-1").contains(part), "{part}: {members}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_unfolded_stays_unfolded_by_itself() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    stage.shown.board.show(group(&stage, 7));
    let key = ObjectKey::new("ScalingGroup", "shop", "other");
    stage.shown.board.show(ObjectState { key, ..group(&stage, 7) });
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&stage.url).await.unwrap();
    let row = |name: &str| {
        let name = format!("ScalingGroup shop/{name}");
        format!(
            "[...document.querySelectorAll('.objects tr')].find(row => row.querySelector('b')?.textContent \
             === '{name}').querySelector('details')"
        )
    };
    page.evaluate(&format!(
        "{}.open = true; {}.querySelector('summary').focus(); 0",
        row("shop"),
        row("shop")
    ))
    .await
    .unwrap();
    // One more above it all, by which the new part is known.
    let news = fill::failing(
        fill::object("BusinessScaling", "", "aaa", stage.now(), 59),
        "MetricTimeout",
        "no response",
        0,
    );
    stage.shown.board.show(news);
    page.wait_for("the news", "document.querySelector('.objects').innerText.includes('aaa')").await.unwrap();
    let seen = format!(
        "[{}.open, {}.open, document.activeElement === {}.querySelector('summary')]",
        row("shop"),
        row("other"),
        row("shop")
    );
    assert_eq!(page.evaluate(&seen).await.unwrap(), json!([true, false, true]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_found_by_a_member_that_fails() {
    let stage = Stage::new().await;
    stage.shown.board.show(group(&stage, 3));
    assert!(stage.part("?q=shop-0").await.contains("scales 3 members"));
    assert!(stage.part("?q=shop-2").await.contains("scales 3 members"));
    assert!(stage.part("?q=shop-7").await.contains("No object matches"));
    let objects = stage.json("/objects").await;
    assert_eq!(objects[0]["failing"][0]["reason"], "TargetNotFound");
    assert_eq!(objects[0]["targets"][0]["member"], "member-1");
}
