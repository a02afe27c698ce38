//! Text from outside, such as a metric's name or what a metric server said, stays text.

use runner::{MetricReading, ObjectKey, ScaleOperation};
use testbed::{Browser, Device};

use crate::fill;
use crate::stage::Stage;

/// Breaks out of text, of attributes in either quotes, of a script, and of a comment.
const HOSTILE: &str = "</title></script>--><script>document.hacked=1</script>\
                       <img src=x onerror=document.hacked=2>\"'onfocus='document.hacked=3'autofocus=\"&lt;\u{2028}\0";

fn fill_with_hostile(stage: &Stage) {
    let now = stage.now();
    let mut state = fill::object("BusinessScaling", "", "shop", now, 59);
    state.metrics = vec![MetricReading {
        name: HOSTILE.into(),
        value: Some(f64::MAX),
        forecast: None,
        levels: Vec::new(),
    }];
    state.targets[0].target = HOSTILE.to_owned();
    state.targets[0].decision = HOSTILE.into();
    stage.shown.board.show(state.clone());
    let key = ObjectKey::new("BusinessScaling", HOSTILE, HOSTILE);
    let mut failing = fill::failing(runner::ObjectState { key, ..state }, HOSTILE, HOSTILE, 3);
    failing.targets[0].namespace = HOSTILE.into();
    stage.shown.board.show(failing);
    stage.shown.activity.note(ScaleOperation {
        namespace: HOSTILE.to_owned(),
        target: HOSTILE.to_owned(),
        applied: false,
        error: Some(HOSTILE.to_owned()),
        steps: vec![HOSTILE.to_owned()],
        ..fill::action(HOSTILE, now, 1, 2, 3)
    });
}

/// As it stands in a query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_from_outside_stays_text() {
    let stage = Stage::new().await;
    fill_with_hostile(&stage);
    let hostile = encoded(HOSTILE);
    let queries = [
        String::new(),
        format!("?q={hostile}"),
        format!("?kind={hostile}"),
        format!("?namespace={hostile}&failing={hostile}&page={hostile}"),
    ];
    for query in &queries {
        for text in [stage.text(&format!("/{query}")).await, stage.part(query).await] {
            for forbidden in ["<script>", "<img", "\"'onfocus", "-->"] {
                assert!(!text.contains(forbidden), "{forbidden} in the response to {query}");
            }
        }
    }
    assert!(stage.text("/").await.contains("&lt;script&gt;document.hacked=1&lt;/script&gt;"));
    let objects = stage.json("/objects").await;
    assert_eq!(objects[1]["targets"][0]["target"], HOSTILE, "JSON keeps it as it is");
    assert_eq!(stage.json("/scaling-activity").await[0]["error"], HOSTILE);

    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    for query in &queries {
        page.open(&format!("{}/{query}", stage.url)).await.unwrap();
        // The part that the script puts in must be as harmless as the page.
        page.evaluate("document.getElementById('live').textContent = ''; update()").await.unwrap();
        page.wait_for("an update", "document.getElementById('live').textContent === 'live'").await.unwrap();
        let found = "[document.hacked ?? null, document.querySelectorAll('img, main script').length]";
        assert_eq!(page.evaluate(found).await.unwrap(), serde_json::json!([null, 0]), "{query}");
        assert_eq!(page.errors(), Vec::<String>::new(), "{query}");
    }
    let typed = page.evaluate("document.querySelector('[name=namespace]').value.slice(0, 20)").await.unwrap();
    assert_eq!(typed, HOSTILE[..20], "and the filter is what was asked for");
}
