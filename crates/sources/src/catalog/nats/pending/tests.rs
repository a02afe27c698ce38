use serde_json::json;

use super::*;

/// Subject `a.b` of stream `S`, whose consumer `c` is led by `leader`, as `server` reports it.
fn spoken(
    server: Option<&str>,
    leader: &str,
    waiting: u64,
    replicas: &[&str],
    selector: &Selector,
) -> Spoken {
    let replicas: Vec<_> = replicas.iter().map(|name| json!({"name": name})).collect();
    let group = json!({"leader": leader, "replicas": replicas});
    let page = json!({
        "server_id": "A",
        "account_details": [{"name": "$G", "id": "$G", "stream_detail": [{
            "name": "S",
            "cluster": group,
            "config": {"subjects": ["a.*"]},
            "state": {"messages": 100},
            "consumer_detail": [
                {"name": "c", "cluster": group, "config": {}, "num_pending": waiting, "num_ack_pending": 0}
            ],
        }]}],
    });
    let mut report = Report::default();
    report.add(&serde_json::from_value(page).unwrap(), selector).unwrap();
    Spoken { server: server.map(str::to_owned), report }
}

fn selector(subject: &str) -> Selector {
    Selector { subject: Some(subject.into()), account: None, stream: None, consumer: None }
}

fn messages(servers: Vec<Spoken>, unasked: usize, selector: &Selector) -> Result<u64, Absence> {
    let reports = Reports { servers, unasked, ..Reports::default() };
    count(&reports, selector).map(|count| count.messages)
}

#[test]
fn only_the_leaders_copy_counts() {
    let selector = selector("a.b");
    let copy = |server, waiting| spoken(Some(server), "n2", waiting, &["n1", "n3"], &selector);
    let servers = vec![copy("n1", 0), copy("n2", 7), copy("n3", 1_000_000)];
    assert_eq!(messages(servers, 0, &selector), Ok(7));
    let servers = vec![spoken(None, "whatever", 7, &[], &selector)];
    assert_eq!(messages(servers, 0, &selector), Ok(7));
}

#[test]
fn what_lost_servers_may_have_kept_is_not_taken_for_nothing() {
    for (subject, replicas, lost, known) in [
        ("a.b", &[][..], 1, true),
        ("a.*", &[], 0, true),
        ("a.*", &["n2"], 1, true),
        ("a.*", &[], 1, false),
        (">", &[], 2, false),
    ] {
        let selector = selector(subject);
        let servers = vec![spoken(Some("n1"), "n1", 7, replicas, &selector)];
        let outcome = messages(servers, lost, &selector);
        assert_eq!(outcome.is_ok(), known, "{subject} {replicas:?} {lost}: {outcome:?}");
    }
}

#[test]
fn an_absence_reports_lost_servers_too() {
    let selector = selector("b");
    let servers = vec![spoken(Some("n1"), "n1", 7, &[], &selector)];
    let absence = messages(servers, 2, &selector).unwrap_err();
    let expected = "no stream takes subject \"b\"; streams seen: \"S\"; servers that the cluster has lost: 2";
    assert_eq!((absence.reason, absence.message.as_str()), (AbsenceReason::ValueMissing, expected));
}

#[test]
fn servers_that_were_not_asked_are_named_with_what_to_do() {
    let selector = selector("a.*");
    let reported = |gone: &[&str], clusters: &[&str]| {
        let servers = vec![spoken(Some("n1"), "n1", 7, &[], &selector)];
        let (gone, clusters) = (gone.iter().copied().collect(), clusters.iter().copied().collect());
        count(&Reports { servers, unasked: 2, gone, clusters }, &selector).unwrap_err().message
    };
    let gone = reported(&["n2", "n3"], &[]);
    assert!(
        gone.ends_with(
            "; servers that the cluster has lost: \"n2\", \"n3\"; if one is gone for good, remove it by \
         `nats server cluster peer-remove`"
        ),
        "{gone}"
    );
    let elsewhere = reported(&[], &["west"]);
    assert!(
        elsewhere.ends_with(
            "; its super-cluster has other clusters, whose servers were not queried: \"west\"; also name the \
         monitoring addresses of their servers in monitoringUrls"
        ),
        "{elsewhere}"
    );
}

#[test]
fn the_largest_of_several_is_named() {
    let page = |consumers: serde_json::Value| {
        json!({
            "server_id": "A",
            "account_details": [{"name": "$G", "id": "$G", "stream_detail": [{
                "name": "S", "config": {"subjects": ["a.*"]}, "state": {"messages": 100}, "consumer_detail": consumers,
            }]}],
        })
    };
    let consumer = |name: &str, waiting: u64| json!({"name": name, "config": {}, "num_pending": waiting, "num_ack_pending": 0});
    let selector = selector("a.b");
    let largest = |consumers: serde_json::Value| {
        let mut report = Report::default();
        report.add(&serde_json::from_value(page(consumers)).unwrap(), &selector).unwrap();
        let reports = Reports { servers: vec![Spoken { server: None, report }], ..Reports::default() };
        let Count { messages, largest } = count(&reports, &selector).unwrap();
        (messages, largest)
    };
    let left_behind = json!([consumer("work", 3), consumer("old", 500)]);
    assert_eq!(largest(left_behind), (503, Some(("consumer \"old\" of stream \"S\"".to_owned(), 500))));
    assert_eq!(largest(json!([consumer("work", 3)])), (3, None));
    assert_eq!(largest(json!([consumer("work", 0), consumer("old", 0)])), (0, None));
}

#[test]
fn one_consumer_counts_whatever_its_subjects_and_whoever_is_lost() {
    let named = |stream: &str, consumer: &str| Selector {
        subject: None,
        account: None,
        stream: Some(stream.into()),
        consumer: Some(consumer.into()),
    };
    let read = |selector: &Selector, lost: usize| {
        let copy = |server, waiting| spoken(Some(server), "n2", waiting, &["n1"], selector);
        messages(vec![copy("n1", 0), copy("n2", 7)], lost, selector).map_err(|absence| absence.message)
    };
    assert_eq!(read(&named("S", "c"), 0), Ok(7));
    assert_eq!(read(&named("S", "c"), 1), Ok(7), "its leader answered");
    let missing = r#"stream "S" has no consumer "d"; consumers seen: "c""#;
    assert_eq!(read(&named("S", "d"), 0), Err(missing.to_owned()));
    let missing = r#"stream "T" does not exist; streams seen: "S""#;
    assert_eq!(read(&named("T", "c"), 0), Err(missing.to_owned()));
}
