//! The page of one object, in a real browser and without one.

use std::sync::Arc;
use std::time::Duration;

use engine::Time;
use runner::{DecisionResult, Detail, ObjectCondition, ObjectState, PastDecision, PastEvent, Point};
use serde_json::json;
use testbed::Browser;

use crate::fill;
use crate::looks::{DEVICES, inspect, text};
use crate::stage::Stage;

const PATH: &str = "/objects/ScalingRule/shop/orders";

fn decision(
    now: Time,
    minutes: u64,
    (from, to): (u32, u32),
    steps: &str,
    result: DecisionResult,
) -> PastDecision {
    let at = now.minus(Duration::from_secs(minutes * 60));
    let polls = if result == DecisionResult::Kept { 12 } else { 1 };
    let until = at.plus(Duration::from_secs(if polls > 1 { 55 } else { 0 }));
    PastDecision { at, until, polls, from, to, steps: Arc::from(steps), outline: minutes, result }
}

fn detail(now: Time) -> Detail {
    let condition = |type_, status, reason, message: &str| ObjectCondition {
        type_,
        status,
        reason,
        message: message.to_owned(),
        since: now.minus(Duration::from_secs(420)),
    };
    let event = |minutes: u64, is_warning, reason: &str, note: &str| PastEvent {
        at: now.minus(Duration::from_secs(minutes * 60)),
        is_warning,
        reason: reason.into(),
        note: note.into(),
    };
    let steps = "linear 4→10 (5200 above 1000..5000), rate 10→6 (+2 at most)";
    Detail {
        conditions: vec![
            condition("Ready", "True", "Ready", "the metrics are available and the target can be scaled"),
            condition("ScalingLimited", "True", "RateLimited", "rate 10→6 (+2 at most)"),
        ],
        decisions: [
            decision(now, 30, (4, 4), "linear 4 (2100 in 1000..5000)", DecisionResult::Kept),
            decision(now, 9, (4, 6), steps, DecisionResult::Applied),
            decision(now, 2, (6, 5), "linear 6→5 (2600 in 1000..5000)", DecisionResult::NotApplied),
        ]
        .into(),
        events: [
            event(31, true, "MetricTimeout", "metric active_users: no answer within 5 s"),
            event(9, false, "SuccessfulRescale", "scaled Deployment shop/orders from 4 to 6: linear 4→10"),
        ]
        .into(),
    }
}

fn fill(stage: &Stage) {
    let now = stage.now();
    let board = &stage.shown.board;
    board.show_in_detail(fill::object("ScalingRule", "shop", "orders", now, 59), detail(now));
    board.show(fill::object("BusinessScaling", "", "payment-service", now, 59));
    stage.shown.activity.note(fill::action("payment-service", now, 3, 8, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_has_a_page_with_all_that_is_known_of_it() {
    let browser = Browser::start().await.unwrap();
    for (name, device) in DEVICES {
        let stage = Stage::new().await;
        fill(&stage);
        let page = browser.page(device).await.unwrap();
        page.open(&format!("{}{PATH}", stage.url)).await.unwrap();
        assert_eq!(page.evaluate("document.title").await.unwrap(), "ScalingRule shop/orders · polyscaler");
        let charts = "[...document.querySelectorAll('svg.chart')].map(chart =>
            [chart.ariaLabel, [...chart.querySelectorAll('path')].every(path => path.getTotalLength() > 700)])";
        let charts = page.evaluate(charts).await.unwrap();
        assert_eq!(charts.as_array().unwrap().len(), 2, "{name}: {charts}");
        for chart in charts.as_array().unwrap() {
            assert!(
                chart[0].as_str().unwrap().contains(" in the last ") && chart[1] == true,
                "{name}: {chart}"
            );
        }
        let legends = "[...document.querySelectorAll('.legend')].map(legend => legend.innerText.replaceAll('\\n', ' '))";
        let legends = page.evaluate(legends).await.unwrap().to_string();
        for part in ["low 1000", "high 5000", "minimum 2", "maximum 10", "wanted ", "ready "] {
            assert!(legends.contains(part), "{name}: {part} in {legends}");
        }
        let all = text(&page, "main").await;
        for part in [
            "Ready for 59 min",
            "4 → 6",
            "rate 10→6 (+2 at most)",
            "not written",
            "12 polls since",
            "RateLimited",
            "MetricTimeout",
            "scaled Deployment shop/orders from 4 to 6",
            "kubectl events --namespace shop --for scalingrule/orders",
        ] {
            let all = all.replace(['\n', '\t'], " ");
            assert!(all.contains(part), "{name}: {part} in {all}");
        }
        inspect(&page, &format!("object-{name}"), device).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_found_by_link_lives_and_says_when_its_object_is_gone() {
    let stage = Stage::new().await;
    fill(&stage);
    let browser = Browser::start().await.unwrap();
    let page = browser.page(testbed::Device::DESKTOP).await.unwrap();
    page.open(&stage.url).await.unwrap();
    page.evaluate("document.querySelector('.objects a.name').click()").await.unwrap();
    page.wait_for(
        "the page of the first",
        "location.pathname === '/objects/BusinessScaling/payment-service'",
    )
    .await
    .unwrap();
    assert!(text(&page, ".recent").await.contains("8 → 6"));
    page.evaluate("window.unchanged = 1").await.unwrap();
    let state = fill::object("BusinessScaling", "", "payment-service", stage.now(), 59);
    stage.shown.board.show(fill::failing(state, "MetricTimeout", "no answer within 5 s", 0));
    let failing = "document.title.startsWith('failing') && document.querySelector('.summary .bad') !== null";
    page.wait_for("the news", failing).await.unwrap();
    stage.lead(false);
    stage.lead(true);
    let gone = "document.querySelector('main').innerText.includes('There is no object BusinessScaling payment-service')";
    page.wait_for("word that it is gone", gone).await.unwrap();
    assert_eq!(page.evaluate("window.unchanged").await.unwrap(), json!(1), "without a reload");
    assert_eq!(stage.get(PATH).await.status(), 404);
    stage.shown.board.show(fill::object("BusinessScaling", "", "payment-service", stage.now(), 59));
    let with_namespace = stage.text("/objects/BusinessScaling/default/payment-service").await;
    assert!(with_namespace.contains("<h2>Decisions</h2>"), "{with_namespace}");
    for path in ["/objects/ScalingRule/shop/", "/objects/ScalingRule/shop/orders/more", "/objects/"] {
        assert_eq!(stage.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_read_has_a_curve_also_where_no_target_is_found() {
    let stage = Stage::new().await;
    let mut state = fill::object("ScalingRule", "shop", "orders", stage.now(), 59);
    let unseen = |point| Point { replicas: None, wanted: None, ready: None, ..point };
    state.history = state.history.iter().map(unseen).collect();
    let (reason, ready) = ("TargetNotFound".into(), false);
    stage.shown.board.show(ObjectState { targets: Vec::new(), reason, ready, ..state });
    let row = stage.part("").await;
    assert!(row.contains("aria-label=\"active_users: ") && row.contains("replicas are not known"), "{row}");
    assert!(!row.contains("no readings in the last hour"), "{row}");
    let page = stage.text(PATH).await;
    assert!(page.contains("aria-label=\"active_users, 0 to ") && page.contains("Not known yet"), "{page}");
}
