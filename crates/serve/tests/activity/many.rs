//! 5,000 objects: the page stays small, and each of them is found.

use std::time::Duration;

use serde_json::json;
use testbed::{Browser, Device, Page};
use tokio::time::Instant;

use crate::fill;
use crate::stage::{Stage, picture};

const OBJECTS: usize = 5_000;
/// What one look may weigh: it is fetched again every two seconds.
const MOST_BYTES: usize = 300_000;
/// A build without optimization on a busy machine is slow; what takes longer hangs.
const LONGEST: Duration = Duration::from_secs(300);

/// Half of each kind, in 40 namespaces; every 50th fails.
async fn crowd() -> Stage {
    let stage = Stage::new().await;
    let now = stage.now();
    for index in 0..OBJECTS {
        let (name, namespace) = (format!("app-{index:04}"), format!("team-{:02}", index % 40));
        let kind = if index < OBJECTS / 2 { "BusinessScaling" } else { "ScalingRule" };
        let state = fill::object(kind, &namespace, &name, now, 59);
        stage.shown.board.show(if index % 50 == 49 {
            fill::failing(state, "MetricTimeout", "no response within 5 s", 4)
        } else {
            state
        });
    }
    for minute in (0..60).rev() {
        stage.shown.activity.note(fill::action(&format!("app-{minute:04}"), now, minute, 2, 3));
    }
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_small_and_none_hangs() {
    let stage = crowd().await;
    let names = async |query: &str| -> Vec<String> {
        let part = stage.part(query).await;
        let (_, objects) = part.split_once("<h2>Objects</h2>").unwrap();
        let cells = objects.split("<tr class=").skip(1);
        cells.map(|row| row.split_once("<b>").unwrap().1.split_once("</b>").unwrap().0.to_owned()).collect()
    };
    for query in [
        "",
        "?q=app",
        "?q=app-4999",
        "?kind=ScalingRule&page=40",
        "?namespace=team-07",
        "?failing=1",
        "?q=%20",
    ] {
        let began = Instant::now();
        let page = stage.text(&format!("/{query}")).await;
        let took = began.elapsed();
        println!("/{query}: {} bytes in {took:?}", page.len());
        assert!(page.len() < MOST_BYTES, "/{query} has {} bytes", page.len());
        assert!(took < LONGEST, "/{query} took {took:?}");
    }
    assert_eq!(names("?q=app-4999").await, ["ScalingRule team-39/app-4999"]);
    assert_eq!(names("?q=APP-0001").await, ["BusinessScaling team-01/app-0001"]);
    assert_eq!(names("?q=team-07/app-0007").await, ["BusinessScaling team-07/app-0007"]);
    assert_eq!(names("?q=nobody").await, Vec::<String>::new());

    // Page by page, every object is shown exactly once.
    let mut all = Vec::new();
    for page in 1..=100 {
        all.extend(names(&format!("?page={page}")).await);
    }
    assert_eq!(all.len(), OBJECTS);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), OBJECTS);
    assert_eq!(names("?page=101").await, names("?page=100").await, "past the end is the end");

    let began = Instant::now();
    let objects = stage.text("/objects").await;
    let took = began.elapsed();
    println!("/objects: {} bytes in {took:?}", objects.len());
    assert!(objects.len() < 5_000_000 && took < LONGEST, "{} bytes in {took:?}", objects.len());
    assert_eq!(stage.json("/objects").await.as_array().unwrap().len(), OBJECTS);
}

async fn wait_for_count(page: &Page, count: usize) {
    let summary = format!("document.querySelector('.summary b').innerText === '{count}'");
    page.wait_for(&format!("{count} objects"), &summary).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn search_and_filters_act_as_they_are_used() {
    let stage = crowd().await;
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::PHONE).await.unwrap();
    page.open(&stage.url).await.unwrap();
    wait_for_count(&page, OBJECTS).await;
    let lists = "['kind', 'namespace'].map(name => document.querySelector(`[name=${name}]`).options.length)";
    assert_eq!(page.evaluate(lists).await.unwrap(), json!([3, 41]));
    assert_eq!(page.evaluate("document.querySelectorAll('.objects tbody tr').length").await.unwrap(), 50);
    assert!(page.evaluate("document.documentElement.scrollWidth <= innerWidth").await.unwrap() == true);

    // What is unfolded stays unfolded when the next update comes.
    let folded = "document.querySelector('details summary').innerText";
    assert_eq!(page.evaluate(folded).await.unwrap(), "54 earlier ones");
    page.evaluate("document.querySelector('details').open = true; update()").await.unwrap();
    assert_eq!(page.evaluate("document.querySelector('details').open").await.unwrap(), true);
    let listed = "document.querySelectorAll('.recent tbody tr').length";
    assert_eq!(page.evaluate(listed).await.unwrap(), 40);

    page.evaluate("window.unchanged = 1; document.querySelector('[name=q]').focus(); 0").await.unwrap();
    page.type_text("app-49").await.unwrap();
    wait_for_count(&page, 100).await;
    let choose = |name: &str, value: &str| {
        format!(
            "(() => {{ const field = document.querySelector('[name={name}]'); field.value = '{value}'; \
             field.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()"
        )
    };
    page.evaluate(&choose("kind", "BusinessScaling")).await.unwrap();
    wait_for_count(&page, 0).await;
    page.evaluate(&choose("kind", "ScalingRule")).await.unwrap();
    wait_for_count(&page, 100).await;
    page.evaluate(&choose("namespace", "team-19")).await.unwrap();
    wait_for_count(&page, 2).await;
    assert!(
        page.evaluate("document.querySelector('.summary').innerText")
            .await
            .unwrap()
            .as_str()
            .unwrap()
            .contains("of 5000 objects")
    );
    page.evaluate("document.querySelector('[name=failing]').click()").await.unwrap();
    wait_for_count(&page, 0).await;
    page.evaluate(&choose("namespace", "team-29")).await.unwrap();
    wait_for_count(&page, 1).await;
    assert_eq!(page.evaluate("window.unchanged").await.unwrap(), 1, "all of it without a reload");

    // The address names what is shown, so it can be sent to someone.
    let address = page.evaluate("location.href").await.unwrap();
    page.open(address.as_str().unwrap()).await.unwrap();
    wait_for_count(&page, 1).await;
    assert_eq!(page.evaluate("document.querySelector('[name=q]').value").await.unwrap(), "app-49");

    page.open(&format!("{}/?page=2", stage.url)).await.unwrap();
    page.evaluate("[...document.querySelectorAll('nav a')].at(-1).click()").await.unwrap();
    page.wait_for("page 3", "document.querySelector('nav')?.innerText.includes('page 3 of 100')")
        .await
        .unwrap();
    page.picture(&picture("many-phone"), false).await.unwrap();
    page.show_as(Device::DESKTOP).await.unwrap();
    page.picture(&picture("many-desktop"), false).await.unwrap();
    assert_eq!(page.errors(), Vec::<String>::new());
}
