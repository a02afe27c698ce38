//! What the listener answers over HTTP: headers, methods, paths, queries.

use reqwest::{Method, StatusCode};

use crate::fill;
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_protected() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    let answers = [
        ("/", "text/html; charset=utf-8", 200),
        ("/?q=orders&page=7", "text/html; charset=utf-8", 200),
        ("/style.css", "text/css; charset=utf-8", 200),
        ("/page.js", "text/javascript; charset=utf-8", 200),
        ("/icon.svg", "image/svg+xml", 200),
        ("/scaling-activity", "application/json", 200),
        ("/objects", "application/json", 200),
        ("/objects/ScalingRule/shop/orders", "text/html; charset=utf-8", 200),
        ("/objects/BusinessScaling/payment-service", "text/html; charset=utf-8", 200),
        ("/objects/BusinessScaling/nobody", "text/html; charset=utf-8", 404),
        ("/health", "text/plain; charset=utf-8", 200),
        ("/nothing-here", "", 404),
        ("/?q=a&q=b", "text/plain; charset=utf-8", 400),
    ];
    for (path, content_type, status) in answers {
        let answer = stage.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        let header = |name: &str| {
            answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        assert_eq!(header("content-type"), content_type, "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        let policy = header("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_sent_and_head_has_no_body() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    for path in ["/", "/scaling-activity", "/objects", "/health", "/style.css"] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = stage.ask(method.clone(), path).await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert_eq!(answer.headers()["allow"], "GET,HEAD", "{method} {path}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        }
        let answer = stage.ask(Method::HEAD, path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.bytes().await.unwrap().len(), 0, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_queries_get_a_page() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    for query in [
        "page=0",
        "page=-1",
        "page=99999999999999999999",
        "page=x",
        "q=%ff%00",
        "unknown=1",
        "&&=",
        "failing=",
    ] {
        let answer = stage.get(&format!("/?{query}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{query}");
        assert!(answer.text().await.unwrap().contains("<h2>Objects</h2>"), "{query}");
    }
    assert_eq!(stage.first_line(&format!("/?q={}", "x".repeat(100_000))).await, "HTTP/1.1 414 URI Too Long");
    let long = "ä".repeat(1_500);
    let page = stage.text(&format!("/?q={long}&kind={long}&failing={long}")).await;
    assert!(page.contains("No object matches") && page.len() < 10_000, "{} bytes", page.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn json_reports_the_same_as_the_page() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    let (activity, objects) = (stage.json("/scaling-activity").await, stage.json("/objects").await);
    let page = stage.text("/").await;
    assert_eq!(activity.as_array().unwrap().len(), 5);
    assert_eq!(activity[0]["name"], "payment-service", "the newest first");
    for action in activity.as_array().unwrap() {
        let change = format!("{} → {} ", action["from"], action["to"]);
        assert!(page.contains(&change), "{change}");
        for step in action["steps"].as_array().unwrap() {
            assert!(page.contains(step.as_str().unwrap()), "{step}");
        }
        assert!(
            page.contains(&format!("datetime=\"{}\"", action["timestamp"].as_str().unwrap())),
            "{action}"
        );
    }
    for object in objects.as_array().unwrap() {
        for text in [&object["name"], &object["reason"], &object["targets"][0]["decision"]] {
            assert!(page.contains(text.as_str().unwrap()), "{text}");
        }
        assert!(object.get("history").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_does_not_lead_says_so() {
    let stage = Stage::new().await;
    fill::busy(&stage);
    stage.lead(false);
    let page = stage.text("/").await;
    assert!(
        page.contains("This replica is standing by")
            && page.contains(
                "<title>polyscaler, standing \
             by</title>"
            )
    );
    assert!(page.contains("the-other-replica is the leader"), "{page}");
    assert!(!page.contains("<h2>Objects</h2>") && !page.contains("class=\"summary\""), "{page}");
    // An empty list would say that there is nothing.
    for path in ["/objects", "/scaling-activity"] {
        let answer = stage.get(path).await;
        assert_eq!(answer.status(), 503, "{path}");
        let error = answer.text().await.unwrap();
        assert!(
            error.contains("cannot answer") && error.contains("the-other-replica is the leader"),
            "{error}"
        );
    }
    stage.lead(true);
    assert!(stage.text("/").await.contains("There are no objects yet"));
}
