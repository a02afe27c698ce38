//! Cloud Monitoring's stand-in holds callers to the documentation.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use testbed::{CloudMonitoring, http_client};

const FILTER: &str = "metric.type = \"pubsub.googleapis.com/subscription/num_undelivered_messages\" \
                      AND resource.labels.subscription_id = \"orders\"";

fn client() -> Client {
    http_client().build().unwrap()
}

async fn token(server: &CloudMonitoring) -> String {
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    let request = client().get(server.endpoint() + path).header("Metadata-Flavor", "Google");
    let text = request.send().await.unwrap().text().await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["access_token"].as_str().unwrap().to_owned()
}

async fn list(
    server: &CloudMonitoring,
    token: &str,
    project: &str,
    query: &[(&str, &str)],
) -> (StatusCode, Value) {
    let mut url =
        format!("{}/v3/projects/{project}/timeSeries", server.endpoint()).parse::<reqwest::Url>().unwrap();
    url.query_pairs_mut().extend_pairs(query);
    let response = client().get(url).bearer_auth(token).send().await.unwrap();
    let status = response.status();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn a_request_must_be_as_documented() {
    let server = CloudMonitoring::start().await.unwrap();
    server.lend_metadata_account(&["shop"]);
    let token = token(&server).await;
    let times =
        [("interval.startTime", "2026-01-01T00:00:00Z"), ("interval.endTime", "2026-01-01T01:00:00Z")];
    for (query, words) in [
        (vec![times[0], times[1]], "filter is missing"),
        (vec![("filter", FILTER), times[0]], "interval.endTime is missing"),
        (vec![("filter", "x = 1"), times[1]], "x is not a selector"),
        (vec![("filter", FILTER), ("interval.endTime", "yesterday")], "no valid value"),
        (vec![("filter", FILTER), times[1], ("interval.startTime", "2026-01-01T02:00:00Z")], "is later than"),
        (vec![("filter", FILTER), times[1], ("pageSize", "many")], "no valid value"),
        (vec![("filter", FILTER), times[1], ("pageToken", "2")], "no valid value"),
        (vec![("filter", FILTER), times[1], ("pagesize", "2")], "unknown name pagesize"),
    ] {
        let (status, body) = list(&server, &token, "shop", &query).await;
        assert_eq!((status.as_u16(), &body["error"]["status"]), (400, &"INVALID_ARGUMENT".into()), "{body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(words), "{body}");
    }
    let good = [("filter", FILTER), times[0], times[1]];
    assert_eq!(list(&server, &token, "shop", &good).await.0, StatusCode::OK);
    assert_eq!(list(&server, &token, "office", &good).await.0, StatusCode::FORBIDDEN);
    assert_eq!(list(&server, "ya29.other", "shop", &good).await.0, StatusCode::UNAUTHORIZED);
    server.expire_tokens();
    assert_eq!(list(&server, &token, "shop", &good).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn pages_have_the_size_asked_for_and_points_of_the_interval() {
    let server = CloudMonitoring::start().await.unwrap();
    server.lend_metadata_account(&["shop"]);
    let token = token(&server).await;
    for minutes in 1..=5 {
        server.set_backlog("shop", "orders", i64::from(minutes), Duration::from_secs(60) * minutes);
    }
    let end = testbed::cloud_monitoring::now().to_string();
    let start = testbed::cloud_monitoring::ago(Duration::from_secs(270)).to_string();
    let mut page_token = String::new();
    let mut found = Vec::new();
    for expected in [3, 1] {
        let query = [
            ("filter", FILTER),
            ("interval.startTime", &start),
            ("interval.endTime", &end),
            ("pageSize", "3"),
            ("pageToken", &page_token),
        ];
        let size = if page_token.is_empty() { 4 } else { 5 };
        let (status, body) = list(&server, &token, "shop", &query[..size]).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let points = body["timeSeries"][0]["points"].as_array().unwrap();
        assert_eq!(points.len(), expected, "{body}");
        found.extend(points.iter().map(|point| point["value"]["int64Value"].as_str().unwrap().to_owned()));
        page_token = body["nextPageToken"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((found, page_token), (["1", "2", "3", "4"].map(str::to_owned).to_vec(), String::new()));
}
