//! The browser shows a page as a device does, reports what went wrong on it, and leaves nothing behind.

use std::time::Duration;

use serde_json::json;
use testbed::{Answer, Browser, Device, MetricServer, wait};

const LIMIT: Duration = Duration::from_secs(120);

const PAGE: &str = "<!doctype html><title>test</title><meta name=viewport content='width=device-width'>
  <style>body { color: black; background: white }
  @media (prefers-color-scheme: dark) { body { color: white; background: black } }</style>
  <body><input autofocus><p>some text</p><img src=/missing.png><script>console.error('oh ' + 'no')</script>";

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_seen_as_people_see_it() {
    let server = MetricServer::start().await.unwrap();
    server.set("/", Answer::html(PAGE));
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::PHONE).await.unwrap();
    page.open(&server.url("/")).await.unwrap();
    assert_eq!(page.evaluate("[document.title, innerWidth]").await.unwrap(), json!(["test", 390]));
    let colour = "getComputedStyle(document.body).color";
    assert_eq!(page.evaluate(colour).await.unwrap(), "rgb(0, 0, 0)");
    page.show_as(Device::DESKTOP.dark()).await.unwrap();
    assert_eq!(page.evaluate(colour).await.unwrap(), "rgb(255, 255, 255)");
    assert_eq!(page.evaluate("innerWidth").await.unwrap(), 1280);

    page.wait_for("the focus", "document.activeElement === document.querySelector('input')").await.unwrap();
    page.type_text("typed").await.unwrap();
    assert_eq!(page.evaluate("document.querySelector('input').value").await.unwrap(), "typed");
    page.evaluate("setTimeout(() => document.title = 'later', 200); 0").await.unwrap();
    assert_eq!(page.wait_for("the title", "document.title === 'later'").await.unwrap(), true);

    let reported = || async {
        let errors = page.errors().join("\n");
        if errors.contains("oh no") && errors.contains("missing.png") { Ok(()) } else { Err(errors) }
    };
    wait::until("what went wrong", LIMIT, reported).await.unwrap();
    assert!(page.requests().contains(&server.url("/missing.png")), "{:?}", page.requests());
    assert!(page.evaluate("nothing.of.this").await.unwrap_err().to_string().contains("not defined"));
    assert!(page.open("http://127.0.0.1:1/").await.is_err(), "nothing listens there");

    let directory = browser.directory().to_owned();
    drop((page, browser));
    assert!(!directory.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_says_whether_anything_was_drawn() {
    let server = MetricServer::start().await.unwrap();
    server.set("/", Answer::html(PAGE));
    server.set("/empty", Answer::html("<!doctype html>"));
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::PHONE).await.unwrap();
    let file = browser.directory().join("page.png");
    page.open(&server.url("/")).await.unwrap();
    let picture = page.picture(&file, false).await.unwrap();
    assert_eq!((picture.width, picture.height), (780, 1688), "two device pixels for one");
    assert!(picture.colours > 10, "{picture:?}");
    assert_eq!(std::fs::metadata(&file).unwrap().len(), picture.bytes as u64);
    page.open(&server.url("/empty")).await.unwrap();
    assert_eq!(page.picture(&file, false).await.unwrap().colours, 1);
}
