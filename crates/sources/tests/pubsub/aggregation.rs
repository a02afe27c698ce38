//! Other metrics than the backlog, of topics, too, and what several series over a time come to.

use std::time::Duration;

use engine::AbsenceReason;
use serde_json::{Value, json};
use testbed::cloud_monitoring::{Point, SeriesName, ago};

use crate::pubsub::bench::{MINUTE, Shop};

const ACKNOWLEDGED: &str = "pubsub.googleapis.com/subscription/ack_message_count";
const BYTES: &str = "pubsub.googleapis.com/topic/byte_cost";

#[tokio::test]
async fn contract_6_5_any_metric_of_a_topic_is_read_and_what_counts_where_there_is_none() {
    let shop = Shop::new().await;
    let mut question =
        shop.query(json!({"timeHorizonSeconds": 120, "topic": "orders", "metric": "byte_cost"}));
    question.config.as_object_mut().unwrap().remove("subscription");
    let read = async |more: Value| {
        let mut question = question.clone();
        question.config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        crate::support::outcome(shop.bench.read(&question).await)
    };
    let (reason, message) = read(json!({})).await.unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueMissing);
    let words =
        "no points of pubsub.googleapis.com/topic/byte_cost for topic orders of project shop within 120 s";
    assert!(message.contains(words), "{message}");
    assert_eq!(read(json!({"valueIfNull": 2.5})).await, Ok(2.5));

    let series = SeriesName::of_topic("shop", BYTES, "orders");
    shop.server.add_point(&series, Point::whole(900, ago(3 * MINUTE)));
    assert_eq!(read(json!({"valueIfNull": 0})).await, Ok(0.0), "it is beyond the horizon");
    assert_eq!(read(json!({"timeHorizonSeconds": 240})).await, Ok(900.0));
    // The project stands in the key.
    assert_eq!(read(json!({"timeHorizonSeconds": 240, "projectId": null})).await, Ok(900.0));
    shop.bench.vault.set("shop/names", "topic", "projects/shop/topics/orders\n");
    let from = json!({"secretKeyRef": {"name": "names", "key": "topic"}});
    let later = json!({"topic": null, "topicFrom": from, "projectId": null, "timeHorizonSeconds": 240});
    assert_eq!(read(later.clone()).await, Ok(900.0));
    shop.bench.vault.set("shop/names", "topic", "projects/shop/subscriptions/orders");
    assert_eq!(read(later).await.unwrap_err().0, AbsenceReason::SecretUnavailable);
}

#[tokio::test]
async fn contract_6_5_the_changes_of_all_series_within_three_minutes_are_aggregated() {
    let shop = Shop::new().await;
    let series = SeriesName::of_subscription("shop", ACKNOWLEDGED, "orders");
    for (kind, numbers) in [("push", [4, 6]), ("pull", [20, 10])] {
        let series = series.clone().with_label("delivery_type", kind);
        for (number, age) in numbers.into_iter().zip([30, 90]) {
            shop.server.add_point(&series, Point::whole(number, ago(Duration::from_secs(age))));
        }
        // In the three minutes before.
        shop.server.add_point(&series, Point::whole(1000, ago(Duration::from_secs(240))));
    }
    let read = async |aggregation: &str| {
        let settings =
            json!({"metric": "ack_message_count", "aggregation": aggregation, "timeHorizonSeconds": 300});
        shop.number(settings).await
    };
    for (aggregation, expected) in [
        ("sum", 40.0),
        ("mean", 20.0),
        ("count", 2.0),
        ("stddev", 10.0),
        ("variance", 100.0),
        ("median", 10.0),
        ("percentile99", 30.0),
    ] {
        assert_eq!(read(aggregation).await, Ok(expected), "{aggregation}");
    }
    // Without one there are two numbers.
    let several = shop.number(json!({"metric": "ack_message_count"})).await.unwrap_err();
    assert_eq!(several.0, AbsenceReason::ValueAmbiguous);
}
