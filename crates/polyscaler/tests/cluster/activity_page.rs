//! The activity page of a real operator in a real browser: what people see while things scale
//! and fail. Pictures are kept in Cargo's folder for tests' files.

use std::path::PathBuf;

use serde_json::json;
use testbed::{Answer, Browser, Device, Page};

use crate::harness::{Operator, Scene};

/// The name of a member that a hostile metric server answers with; the condition's message reports it.
const HOSTILE: &str = "<img src=x onerror=document.hacked=1>";

fn picture(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("activity-page");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("operator-{name}.png"))
}

async fn open(browser: &Browser, device: Device, operator: &Operator) -> Page {
    let page = browser.page(device).await.unwrap();
    page.open(&operator.activity_url()).await.unwrap();
    page
}

/// Waits until what `selector` finds first reports all of `parts`.
async fn wait_for_text(page: &Page, selector: &str, parts: &[&str]) {
    let (selector, parts) = (json!(selector), json!(parts));
    let script = format!(
        "{parts}.every(part => document.querySelector({selector})?.innerText.replaceAll('\\n', ' \
         ').includes(part))"
    );
    page.wait_for(&format!("{parts} at {selector}"), &script).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_what_scales_and_what_fails() {
    let scene = Scene::new("page").await;
    let target = scene.deployment("web", 2).await;
    scene.podless_deployment("shop", 3).await;
    scene.users("/users", 3000);
    scene.metrics.set_json("/shop", &json!({ HOSTILE: 5 }));
    let operator = scene.operator(&[]).await;
    let web = scene.business_scaling("web", scene.spec("web", "/users")).await;
    let shop = scene.business_scaling("shop", scene.spec("shop", "/shop")).await;
    let browser = Browser::start().await.unwrap();
    let devices = [
        ("desktop-light", Device::DESKTOP),
        ("desktop-dark", Device::DESKTOP.dark()),
        ("phone-light", Device::PHONE),
        ("phone-dark", Device::PHONE.dark()),
    ];
    let mut pages = Vec::new();
    for (name, device) in devices {
        pages.push((name, open(&browser, device, &operator).await));
    }

    // From here on no page is loaded again.
    for (_, page) in &pages {
        let scaled =
            ["Deployment/web", &web.name, "2 → 6", "▲ out", "linear 2→6 (3000 in 1000..5000)", " ago"];
        wait_for_text(page, ".recent tbody tr", &scaled).await;
        wait_for_text(page, ".failing", &[&shop.name, "MetricValueMissing", HOSTILE, " for "]).await;
        wait_for_text(page, ".summary", &["2 objects", "1 failing", "1 scale operation"]).await;
    }
    scene.users("/users", 9000);
    target.wait_until_ready(10).await;
    // Enough for the three that there are.
    scene.users("/shop", 1500);
    shop.wait_for("Ready", "True", "Ready").await;
    for (name, page) in &pages {
        wait_for_text(page, ".recent tbody tr", &["6 → 10", "linear 6→10 (9000 above 1000..5000)"]).await;
        wait_for_text(page, ".summary", &["2 objects", "0 failing", "2 scale operations"]).await;
        wait_for_text(page, ".objects tbody tr:last-child", &[&web.name, "9000", "10 ready", "Ready"]).await;
        assert_eq!(page.evaluate("document.querySelector('.failing')").await.unwrap(), json!(null));
        let drawn = "[...document.querySelectorAll('.objects tbody tr:last-child svg')].map(svg =>
            [svg.ariaLabel, svg.lastElementChild.getTotalLength() > 1])";
        let drawn = page.evaluate(drawn).await.unwrap();
        assert!(drawn[0][0].as_str().unwrap().contains("3000 to 9000 in the last "), "{name}: {drawn}");
        assert!(
            drawn[1][0].as_str().unwrap().starts_with("replicas: 6 to 10 in the last "),
            "{name}: {drawn}"
        );
        assert_eq!((&drawn[0][1], &drawn[1][1]), (&json!(true), &json!(true)), "{name}: {drawn}");
        let sideways = "document.documentElement.scrollWidth > innerWidth";
        assert_eq!(page.evaluate(sideways).await.unwrap(), false, "{name}");
        assert_eq!(page.evaluate("document.hacked ?? null").await.unwrap(), json!(null), "{name}");
        let taken = page.picture(&picture(name), true).await.unwrap();
        assert!(taken.colours > 100 && taken.bytes > 10_000, "{name}: {taken:?}");
        println!("{}", picture(name).display());
        assert_eq!(page.errors(), Vec::<String>::new(), "{name}");
    }

    shop.delete().await;
    wait_for_text(&pages[0].1, ".summary", &["1 object "]).await;
    scene.metrics.set("/users", Answer::html("<p>log in</p>"));
    wait_for_text(&pages[0].1, ".failing", &[&web.name, "MetricMalformed", "HTML or XML"]).await;
    let title = "document.title === '1 failing · polyscaler'";
    pages[0].1.wait_for("the tab to report it, too", title).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stands_by_says_so_until_it_leads() {
    let scene = Scene::new("standby").await;
    scene.podless_deployment("web", 2).await;
    scene.users("/users", 3000);
    let first = scene.operator(&["--lease-duration=10s"]).await;
    let scaling = scene.business_scaling("web", scene.spec("web", "/users")).await;
    scaling.wait_for("Ready", "True", "Ready").await;
    let second = scene.operator(&["--lease-duration=10s"]).await;
    let browser = Browser::start().await.unwrap();
    let page = open(&browser, Device::DESKTOP, &second).await;
    wait_for_text(&page, "main", &["This replica is standing by"]).await;
    first.kill().await;
    wait_for_text(&page, ".objects", &[&scaling.name, "Ready"]).await;
    assert_eq!(page.errors(), Vec::<String>::new());
}
