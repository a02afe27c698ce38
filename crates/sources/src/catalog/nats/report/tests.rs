use serde_json::json;

use super::*;

fn selector(subject: &str) -> Selector {
    Selector { subject: Some(subject.into()), account: None, stream: None, consumer: None }
}

/// The stream as it is kept for `selector`, if it is.
fn kept(stream: serde_json::Value, selector: &Selector) -> Option<Stream> {
    let page = json!({
        "server_id": "A",
        "account_details": [{"name": "shop", "id": "ABC", "stream_detail": [stream]}],
    });
    let mut report = Report::default();
    report.add(&serde_json::from_value(page).unwrap(), selector).unwrap();
    report.streams.pop()
}

fn stream(config: serde_json::Value, filters: &[serde_json::Value]) -> serde_json::Value {
    let consumer = |(number, config)| json!({"name": format!("c{number}"), "config": config, "num_pending": 1, "num_ack_pending": 2});
    let consumers: Vec<_> = filters.iter().enumerate().map(consumer).collect();
    json!({"name": "S", "config": config, "state": {"messages": 9}, "consumer_detail": consumers})
}

#[test]
fn consumers_are_kept_whose_messages_can_be_on_the_subject() {
    let two = json!({"filter_subjects": ["a.new", "a.old"]});
    for (subjects, filter, subject, expected) in [
        (&["a.>"][..], json!({}), "a.new", true),
        (&["a.>"], json!({"filter_subject": ""}), "a.new", true),
        (&["a.>"], json!({"filter_subject": "a.new"}), "a.new", true),
        (&["a.>"], json!({"filter_subject": "a.new"}), "a.old", false),
        (&["a.>"], json!({"filter_subject": "a.new"}), "a.*", true),
        (&["a.>"], two.clone(), "a.old", true),
        (&["a.>"], two.clone(), "a.other", false),
        (&["a.>"], two, "a.>", true),
        (&["a.>"], json!({"filter_subjects": null}), "b", false),
        (&["a.>"], json!({"filter_subject": ">"}), "b", false),
        // The stream takes the subject, but what this consumer gets is the other thing that it takes.
        (&["a.x", "b"], json!({"filter_subject": "a.*"}), "a.y", false),
        (&["a", "b"], json!({}), "b", true),
        (&[], json!({}), "b", false),
    ] {
        let stream = stream(json!({"subjects": subjects}), std::slice::from_ref(&filter));
        let found = kept(stream, &selector(subject)).is_some_and(|stream| stream.consumers.len() == 1);
        assert_eq!(found, expected, "{filter} of {subjects:?} for {subject}");
    }
}

#[test]
fn what_a_stream_takes_over_from_others_is_known_by_filters_only() {
    for copies in ["mirror", "sources", "subject_transform"] {
        let mut config = json!({});
        config[copies] = json!({"name": "ORIGIN"});
        let stream =
            stream(config, &[json!({}), json!({"filter_subject": "a.*"}), json!({"filter_subject": "b"})]);
        let found = kept(stream.clone(), &selector("a.new")).unwrap();
        let names: Vec<_> = found.consumers.iter().map(|consumer| consumer.name.as_str()).collect();
        assert_eq!((names, found.takes), (vec!["c1"], false), "{copies}");
        let named = Selector { stream: Some("S".into()), ..selector("a.new") };
        let found = kept(stream, &named).unwrap();
        assert_eq!((found.consumers.len(), found.takes), (2, true), "{copies}");
    }
}

#[test]
fn account_stream_and_consumer_choose() {
    let stream = stream(json!({"subjects": ["a"]}), &[json!({}), json!({})]);
    let all = selector("a");
    for (chosen, expected) in [
        (Selector { account: Some("shop".into()), ..all.clone() }, Some(2)),
        (Selector { account: Some("ABC".into()), ..all.clone() }, Some(2)),
        (Selector { account: Some("bank".into()), ..all.clone() }, None),
        (Selector { stream: Some("T".into()), ..all.clone() }, None),
        (Selector { consumer: Some("c1".into()), ..all.clone() }, Some(1)),
        (Selector { consumer: Some("c7".into()), ..all.clone() }, Some(0)),
    ] {
        let found = kept(stream.clone(), &chosen).map(|stream| stream.consumers.len());
        assert_eq!(found, expected, "{chosen:?}");
    }
}

#[test]
fn an_account_on_two_pages_counts_once() {
    let page = json!({
        "server_id": "A",
        "account_details": [{"name": "a", "id": "a", "stream_detail": [stream(json!({"subjects": ["a"]}), &[])]}],
    });
    let page = serde_json::from_value(page).unwrap();
    let mut report = Report::default();
    for _ in 0..2 {
        report.add(&page, &selector("a")).unwrap();
    }
    assert_eq!(report.streams.len(), 1);
}

#[test]
fn waiting_is_both_kinds_together_and_never_wraps() {
    let most = i64::MAX as u64;
    for (pending, unacknowledged, expected) in [
        (json!(1), json!(2), Some(3)),
        (json!(0), json!(0), Some(0)),
        (json!(most), json!(most), Some(u64::MAX - 1)),
        (json!(most + 1), json!(0), None),
        (json!(-1), json!(5), None),
        (json!(5), json!(2.5), None),
        (json!(null), json!(5), None),
        (json!(5), json!("5"), None),
    ] {
        let consumer = json!({"name": "c", "num_pending": pending, "num_ack_pending": unacknowledged});
        let consumer = Consumer::of(&serde_json::from_value(consumer.clone()).unwrap());
        assert_eq!(consumer.waiting.ok(), expected, "{pending} {unacknowledged}");
    }
}
