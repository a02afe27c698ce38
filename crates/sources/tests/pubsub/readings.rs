//! What is asked, and which point of the answer is the reading.

use std::time::Duration;

use engine::{AbsenceReason, Reading, Time};
use serde_json::json;
use testbed::cloud_monitoring::{OLDEST_AGE, Part, Point, SeriesName, UNDELIVERED, ago};

use crate::pubsub::bench::{MINUTE, Shop};

#[tokio::test]
async fn contract_6_5_the_newest_point_is_read_with_its_own_time() {
    let shop = Shop::new().await;
    let series = SeriesName::of_subscription("shop", UNDELIVERED, "orders");
    let newest = ago(3 * MINUTE);
    for (value, end) in [(7, ago(5 * MINUTE)), (73, newest), (12, ago(4 * MINUTE))] {
        shop.server.add_point(&series, Point::whole(value, end));
    }
    let reading = shop.reading(json!({})).await;
    assert_eq!(reading, Reading::of(73.0, Time::from_millis(newest.as_millisecond())));
    let seen = shop.server.seen(Part::TimeSeries);
    assert_eq!((seen.count, &seen.headers["accept"]), (1, &"application/json".parse().unwrap()));
}

#[tokio::test]
async fn the_age_of_the_oldest_message_is_another_measure() {
    let shop = Shop::new().await;
    let series = SeriesName::of_subscription("shop", OLDEST_AGE, "orders");
    shop.server.add_point(&series, Point::float(90.5, ago(2 * MINUTE)));
    shop.server.set_backlog("shop", "orders", 4, 2 * MINUTE);
    assert_eq!(shop.number(json!({"measure": "oldestUnackedAgeSeconds"})).await, Ok(90.5));
    assert_eq!(shop.backlog().await, Ok(4.0));
}

#[tokio::test]
async fn projects_of_one_scope_are_distinguished() {
    let shop = Shop::new().await;
    shop.server.widen_scope("shop", &["office"]);
    shop.server.set_backlog("shop", "orders", 4, MINUTE);
    shop.server.set_backlog("office", "orders", 9, MINUTE);
    shop.server.set_backlog("shop", "orders-2", 5, MINUTE);
    assert_eq!(shop.backlog().await, Ok(4.0));
    let full = json!({"subscription": "projects/office/subscriptions/orders"});
    assert_eq!(shop.number(full).await, Ok(9.0));
    let own = json!({"projectId": null, "subscription": "projects/shop/subscriptions/orders-2"});
    assert_eq!(shop.number(own).await, Ok(5.0));
}

#[tokio::test]
async fn a_subscription_without_points_has_no_backlog_of_zero() {
    let shop = Shop::new().await;
    shop.server.set_backlog("shop", "other", 4, MINUTE);
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueMissing, "{message}");
    let address = format!("{}/v3/projects/shop/timeSeries: no points of", shop.server.endpoint());
    assert!(message.starts_with(&address), "{message}");
    shop.server.set_backlog("shop", "orders", 0, MINUTE);
    assert_eq!(shop.backlog().await, Ok(0.0));
}

#[tokio::test]
async fn a_point_that_is_too_old_is_stale() {
    let shop = Shop::new().await;
    shop.server.set_backlog("shop", "orders", 73, 11 * MINUTE + Duration::from_secs(3));
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, AbsenceReason::Stale, "{message}");
    assert!(message.contains("is 66") && message.contains("maxAgeSeconds is 600"), "{message}");
    assert_eq!(shop.number(json!({"maxAgeSeconds": 900})).await, Ok(73.0));
    shop.server.set_backlog("shop", "orders", 74, 9 * MINUTE);
    assert_eq!(shop.backlog().await, Ok(74.0));
}

#[tokio::test]
async fn pages_are_put_together() {
    let shop = Shop::new().await;
    let series = SeriesName::of_subscription("shop", UNDELIVERED, "orders");
    for age in 1..=3200_u32 {
        shop.server.add_point(&series, Point::whole(age.into(), ago(Duration::from_millis(150) * age)));
    }
    assert_eq!(shop.backlog().await, Ok(1.0));
    assert_eq!(shop.server.seen(Part::TimeSeries).count, 3);
}

#[tokio::test]
async fn several_series_are_not_one_number() {
    let shop = Shop::new().await;
    let series = SeriesName::of_subscription("shop", UNDELIVERED, "orders");
    for region in ["eu", "us"] {
        let series = series.clone().with_label("region", region);
        shop.server.add_point(&series, Point::whole(3, ago(MINUTE)));
    }
    let (reason, message) = shop.backlog().await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueAmbiguous, "{message}");
}
