use std::collections::BTreeMap;

use engine::Time;

use super::*;

fn member(name: &str) -> MemberState {
    MemberState {
        name: name.to_owned(),
        replicas: Some(3),
        ready: Some(2),
        min: 1,
        max: 9,
        weight: 2.0,
        capacity: Some(100.0),
        demand: Some(0.0),
        load: None,
        need: Some(0),
        cost_per_pod_hour: 0.1,
    }
}

fn state() -> State {
    State {
        at: Time::from_millis(1_700_000_000_123),
        interval_seconds: 15.0,
        members: vec![member("web"), member("db")],
        metrics: vec![MetricState {
            name: "requests".to_owned(),
            member: None,
            value: None,
            target: Some(100.0),
        }],
        budget: Some(BudgetState { max_pods: Some(9), max_cost_per_hour: None }),
    }
}

fn answer(recommendations: &[(&str, i32)]) -> DecideResponse {
    let recommendation =
        |&(member, replicas): &(&str, i32)| Recommendation { member: member.to_owned(), replicas };
    DecideResponse {
        recommendations: recommendations.iter().map(recommendation).collect(),
        reason: "why".to_owned(),
    }
}

#[test]
fn a_question_says_all_that_is_known_and_nothing_more() {
    let asker = Asker { kind: "ScalingGroup", namespace: "shop", name: "all" };
    let question = DecideRequest::of(asker, &state());
    let read = DecideRequest::decode(question.encode_to_vec().as_slice()).unwrap();
    assert_eq!(read, question);
    let object = read.object.unwrap();
    assert_eq!(
        (object.kind.as_str(), object.namespace.as_str(), object.name.as_str()),
        ("ScalingGroup", "shop", "all")
    );
    assert_eq!((read.at_millis, read.interval_seconds), (1_700_000_000_123, 15.0));
    let web = &read.members[0];
    assert_eq!((web.replicas, web.ready, web.min, web.max), (Some(3), Some(2), 1, 9));
    assert_eq!((web.weight, web.capacity, web.cost_per_pod_hour), (2.0, Some(100.0), 0.1));
    assert_eq!(
        (web.demand, web.load, web.need),
        (Some(0.0), None, Some(0)),
        "0 is a number, absence is none"
    );
    assert_eq!(
        (read.metrics[0].value, read.metrics[0].target, read.metrics[0].member.as_str()),
        (None, Some(100.0), "")
    );
    assert_eq!(read.budget.unwrap(), Budget { max_pods: Some(9), max_cost_per_hour: None });
}

#[test]
fn an_answer_is_taken_whole_or_not_at_all() {
    let advice = |recommendations: &[(&str, i32)]| answer(recommendations).advice(&state());
    let counts = |recommendations: &[(&str, i32)]| advice(recommendations).unwrap().replicas;
    assert_eq!(counts(&[("db", 2), ("web", 7)]), [Some(7), Some(2)], "by name, in any order");
    assert_eq!(counts(&[("web", 0)]), [Some(0), None], "what is not named stays");
    assert_eq!(advice(&[("web", 1)]).unwrap().reason, "why");
    let names_none = "its response names no member; also name members that are to keep their replicas";
    for (recommendations, wrong) in [
        (&[][..], names_none),
        (&[("web", 1), ("cache", 1)], "its response names \"cache\", which is not a member of the group"),
        (&[("web", 1), ("db", -1)], "its response recommends -1 replicas for \"db\""),
        (&[("web", 1), ("web", 1)], "its response names the member \"web\" twice"),
    ] {
        assert_eq!(advice(recommendations).unwrap_err(), wrong);
    }
    let long = "x".repeat(5000);
    assert!(advice(&[(&long, 1)]).unwrap_err().len() < 400, "a name of theirs is shortened");
}

/// Type, name and number of each field of each message, in an order that does not matter.
type Fields = BTreeMap<String, Vec<String>>;

/// As the file of the interface has them.
fn published() -> Fields {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/polyscaler/policy/v1/policy.proto");
    let text = std::fs::read_to_string(path).unwrap();
    let mut fields = Fields::new();
    let mut message = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("message ") {
            message = name.trim_end_matches(" {").to_owned();
        } else if let (Some(field), false) = (line.strip_suffix(';'), message.is_empty()) {
            fields.entry(message.clone()).or_default().push(field.to_owned());
        }
    }
    fields
}

/// As the structs above have them.
fn ours() -> Fields {
    let mut fields = Fields::new();
    let (mut message, mut attribute) = (String::new(), String::new());
    for line in include_str!("../message.rs").lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[prost(") {
            attribute = rest.trim_end_matches(")]").to_owned();
        } else if let Some((_, name)) = line.split_once("struct ") {
            message = name.trim_end_matches(" {").to_owned();
        } else if let (Some((name, type_)), false) = (line.split_once(": "), attribute.is_empty()) {
            let (kind, tag) = attribute.split_once(", tag = ").unwrap();
            let (scalar, label) = kind.split_once(", ").unwrap_or((kind, ""));
            let inner = type_.rsplit('<').next().unwrap().trim_end_matches([',', '>']);
            let type_ = if scalar == "message" { inner } else { scalar };
            // A message is optional by its nature and is not called so.
            let label = if scalar == "message" && label == "optional" { "" } else { label };
            let field = format!("{label} {type_} {name} = {}", tag.trim_matches('"'));
            fields.entry(message.clone()).or_default().push(field.trim().to_owned());
            attribute.clear();
        }
    }
    fields
}

#[test]
fn the_messages_are_those_of_the_published_interface() {
    let published = published();
    assert_eq!(published.len(), 7);
    assert_eq!(published, ours());
}
