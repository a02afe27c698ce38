//! How a real browser shows the page: on a phone and on a desk, light and dark, while it lives.

use runner::ScaleOperation;
use serde_json::{Value, json};
use testbed::{Browser, Device, Page};

use crate::fill;
use crate::stage::{Stage, picture};

pub(crate) const DEVICES: [(&str, Device); 4] = [
    ("desktop-light", Device::DESKTOP),
    ("desktop-dark", Device::DESKTOP.dark()),
    ("phone-light", Device::PHONE),
    ("phone-dark", Device::PHONE.dark()),
];

/// What is wrong with the layout: whatever sticks out to the right, text that is cut off or has no room.
const LAYOUT: &str = "(() => {
  const wrong = [];
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
  for (const element of document.querySelectorAll('body *:not(thead, thead *)')) {
    const box = element.getBoundingClientRect();
    if (box.width && box.right > innerWidth + 0.5) wrong.push(`${element.outerHTML.slice(0, 80)} sticks out`);
    if (element.tagName === 'TD' && element.scrollWidth > element.clientWidth + 1) wrong.push(`${element.innerText.slice(0, 80)} is cut off`);
    if (element.tagName === 'TD' && element.innerText.trim().length > 5 && box.width && box.width < 40) wrong.push(`${element.innerText.slice(0, 20)} is squeezed`);
  }
  return wrong;
})()";

/// Contrast of every text to what is behind it: the least, and whose it is.
const CONTRAST: &str = "(() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  let least = [99, ''];
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < least[0]) least = [contrast, element.outerHTML.slice(0, 90)];
  }
  return least;
})()";

pub(crate) async fn text(page: &Page, selector: &str) -> String {
    let found =
        page.evaluate(&format!("document.querySelector({}).innerText", json!(selector))).await.unwrap();
    found.as_str().unwrap().to_owned()
}

/// Looks at a page as it is: nothing sticks out, everything can be read, something is drawn.
pub(crate) async fn inspect(page: &Page, name: &str, device: Device) {
    assert_eq!(page.evaluate(LAYOUT).await.unwrap(), json!([]), "{name}");
    let contrast = page.evaluate(CONTRAST).await.unwrap();
    assert!(contrast[0].as_f64().unwrap() >= 4.5, "{name}: {contrast}");
    let colour = page.evaluate("getComputedStyle(document.body).backgroundColor").await.unwrap();
    assert_eq!(colour, if device.dark { "rgb(18, 22, 28)" } else { "rgb(246, 247, 249)" }, "{name}");
    let file = picture(name);
    let taken = page.picture(&file, true).await.unwrap();
    assert_eq!(taken.width, (f64::from(device.width) * device.scale) as u64, "{name}");
    assert!(taken.colours > 100 && taken.bytes > 20_000, "{name}: {taken:?}");
    println!("{}", file.display());
    assert_eq!(page.errors(), Vec::<String>::new(), "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_there_on_every_device() {
    let browser = Browser::start().await.unwrap();
    for (name, device) in DEVICES {
        let page = browser.page(device).await.unwrap();
        // Filled for each device, as the page reports how long ago everything was.
        let stage = Stage::new().await;
        fill::busy(&stage);
        page.open(&stage.url).await.unwrap();
        let summary = text(&page, ".summary").await.replace('\n', " ");
        assert_eq!(summary, "5 objects 1 failing 3 scale operations in the last hour");
        let failing = text(&page, ".failing").await;
        for part in
            ["ScalingRule warehouse/stock-of", "MetricConnectionFailed", "for 7 min", "connection refused"]
        {
            assert!(failing.contains(part), "{name}: {part} in {failing}");
        }
        let newest = text(&page, ".recent tbody tr").await;
        for part in [
            "UTC",
            "Deployment/payment-service",
            "BusinessScaling",
            "4 → 6",
            "▲ out",
            "linear 4→10 (5200 above 1000..5000), rate 10→6 (+2 at most)",
        ] {
            assert!(newest.contains(part), "{name}: {part} in {newest}");
        }
        let recent = text(&page, ".recent").await;
        for part in
            ["3 min ago", "8 → 6", "▼ in", "observed, not written", "not done", "forbidden: the operator"]
        {
            assert!(recent.contains(part), "{name}: {part} in {recent}");
        }
        let rows = page
            .evaluate(
                "[...document.querySelectorAll('.objects tbody tr')].map(row =>
            [row.querySelectorAll('svg').length,
             [...row.querySelectorAll('svg path:last-child')].every(path => path.getTotalLength() > 150),
             row.querySelector('svg').getAttribute('aria-label'), row.innerText.includes('last hour')])",
            )
            .await
            .unwrap();
        for row in rows.as_array().unwrap() {
            assert_eq!((&row[0], &row[1]), (&json!(2), &json!(true)), "{name}: {row}");
        }
        assert!(rows[1][2].as_str().unwrap().starts_with("active_users: "), "{rows}");
        assert_eq!(rows[1][3], true, "{rows}");
        if device.phone {
            let used = "(() => { const row = document.querySelector('.recent tbody tr'), wide = (part) => row.querySelector(part).offsetWidth;
                return (wide('.what') + wide('.change')) / row.offsetWidth; })()";
            let used = page.evaluate(used).await.unwrap().as_f64().unwrap();
            assert!(used > 0.8, "{name}: names have the room that is there: {used}");
        }
        inspect(&page, &format!("busy-{name}"), device).await;
        assert!(page.requests().iter().all(|url| url.starts_with(&stage.url)), "{:?}", page.requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_days_and_empty_clusters_can_be_read_too() {
    let browser = Browser::start().await.unwrap();
    let (empty, bad, standby) = (Stage::new().await, Stage::new().await, Stage::new().await);
    fill::bad_day(&bad);
    standby.lead(false);
    for (name, device) in DEVICES {
        let page = browser.page(device).await.unwrap();
        page.open(&bad.url).await.unwrap();
        assert_eq!(page.evaluate("document.title").await.unwrap(), "12 failing · polyscaler");
        let failing = text(&page, ".failing").await;
        let failing = failing.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            failing.starts_with("3 objects MetricTimeout http at https://api.example.com, for 50 min ")
                && failing
                    .contains("BusinessScaling shop-0, BusinessScaling shop-10, BusinessScaling shop-5"),
            "{failing}"
        );
        inspect(&page, &format!("bad-{name}"), device).await;
        page.open(&empty.url).await.unwrap();
        assert!(text(&page, "main").await.contains("There are no objects yet. Create one"));
        assert!(text(&page, "main").await.contains("Nothing has been scaled"));
        inspect(&page, &format!("empty-{name}"), device).await;
        page.open(&standby.url).await.unwrap();
        assert!(text(&page, "main").await.contains("This replica is standing by"));
        inspect(&page, &format!("standby-{name}"), device).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn news_come_without_a_reload() {
    let mut stage = Stage::new().await;
    fill::busy(&stage);
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&stage.url).await.unwrap();
    page.evaluate("window.unchanged = 1; document.querySelector('.summary a').focus(); 0").await.unwrap();
    let now = stage.now();
    let steps = vec!["linear 6→9 (4600 in 1000..5000)".to_owned()];
    stage.shown.activity.note(ScaleOperation { steps, ..fill::action("payment-service", now, 0, 6, 9) });
    let state = fill::object("ScalingRule", "shop", "orders", now, 59);
    stage.shown.board.show(fill::failing(state, "MetricTimeout", "no response within 5 s", 0));
    let shown = "document.querySelector('.recent tbody tr').innerText.includes('6 → 9') \
                 && document.querySelectorAll('.failing li').length === 2 \
                 && document.title === '2 failing · polyscaler'";
    page.wait_for("the news", shown).await.unwrap();
    let kept = "[window.unchanged, document.activeElement.innerText]";
    assert_eq!(page.evaluate(kept).await.unwrap(), json!([1, "2 failing"]), "no reload, and the focus stays");

    // Who marks text to copy it keeps the mark.
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.failing li')); update()")
        .await
        .unwrap();
    stage.shown.board.show(fill::object("ScalingRule", "shop", "another", stage.now(), 59));
    page.evaluate("update()").await.unwrap();
    assert_ne!(page.evaluate("getSelection().toString()").await.unwrap(), "");
    page.evaluate("getSelection().removeAllRanges()").await.unwrap();
    page.wait_for("the next update", "document.body.innerText.includes('shop/another')").await.unwrap();
    assert_eq!(page.errors(), Vec::<String>::new());

    stage.stop().await;
    page.wait_for("a word about the lost connection", "document.body.className === 'stale'").await.unwrap();
    assert!(text(&page, "#live").await.starts_with("no connection, as of "));
    assert!(text(&page, ".recent").await.contains("6 → 9"), "what was known is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_script_all_is_there_and_search_works() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    let plain = stage.text("/?q=orders").await;
    assert!(plain.contains("<noscript><meta http-equiv=\"refresh\""));
    assert!(plain.contains("<b>ScalingRule shop/orders</b>") && !plain.contains("payment-service"));
    assert!(plain.contains("<form method=\"get\"") && plain.contains("<button>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_is_enough() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&stage.url).await.unwrap();
    assert_eq!(page.evaluate("document.documentElement.lang").await.unwrap(), "en");
    let unnamed = "[...document.querySelectorAll('input, select')].filter(field =>
        !field.labels.length && !field.ariaLabel).length";
    assert_eq!(page.evaluate(unnamed).await.unwrap(), 0);
    let mut reached = Vec::new();
    for _ in 0..6 {
        page.press("Tab").await.unwrap();
        let focused = "[document.activeElement.name || document.activeElement.innerText, \
                        getComputedStyle(document.activeElement).outlineStyle]";
        reached.push(page.evaluate(focused).await.unwrap());
    }
    let names: Vec<&Value> = reached.iter().map(|found| &found[0]).collect();
    assert_eq!(names, ["q", "kind", "namespace", "failing", "show", "1 failing"]);
    assert!(reached.iter().all(|found| found[1] != "none"), "the focus is seen: {reached:?}");
    page.press("Enter").await.unwrap();
    page.wait_for("what fails", "location.search === '?failing=1&page=1'").await.unwrap();
    assert!(text(&page, ".summary").await.contains("of 5 objects"));
    assert_eq!(page.evaluate("document.querySelector('[name=failing]').checked").await.unwrap(), true);
}
