use engine::{Absence, AbsenceReason};

use super::*;
use crate::scripted::{World, deployment};

const INTERVAL: Duration = Duration::from_secs(30);

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("ScaledObject", "shop", name)
}

fn begin() -> Time {
    Time::from_seconds(1_700_000_000)
}

fn after(seconds: u64) -> Time {
    begin().plus(Duration::from_secs(seconds))
}

fn published(metric: &str, value: Result<f64, &str>) -> Published {
    let absent = |message: &str| Absence { reason: AbsenceReason::Timeout, message: message.to_owned() };
    let (metric, value) = (metric.into(), value.map_err(absent));
    Published { metric, value, at: begin(), is_fallback: false, for_one_pod: None }
}

/// What a leader knows after one poll of `web`.
fn known() -> Answers {
    let answers = Answers::default();
    answers.lead(true);
    let values = vec![published("s0-prometheus", Ok(7.25)), published("s1-cron", Err("no answer in 3 s"))];
    answers.publish(&key("web"), begin(), INTERVAL, values);
    answers
}

#[test]
fn contract_4_6_a_value_is_found_by_its_object_and_by_its_name_in_any_case() {
    let answers = known();
    for metric in ["s0-prometheus", "S0-Prometheus"] {
        let found = answers.find(&key("web"), metric, after(10)).unwrap();
        let age = Duration::from_secs(10);
        let metric = "s0-prometheus".to_owned();
        assert_eq!(found, Answer { metric, value: 7.25, at: begin(), age, shared: None });
    }
    let elsewhere = ObjectKey::new("ScaledObject", "other", "web");
    for unknown in [key("other"), elsewhere] {
        assert_eq!(answers.find(&unknown, "s0-prometheus", after(10)), Err(NoAnswer::UnknownObject));
    }
}

#[test]
fn contract_4_6_where_there_is_none_it_says_why() {
    let answers = known();
    let why = |metric, at| answers.find(&key("web"), metric, at).unwrap_err().to_string();
    assert_eq!(why("s1-cron", after(0)), "no answer in 3 s");
    assert_eq!(why("s2-kafka", after(0)), "it publishes s0-prometheus, s1-cron");
}

#[test]
fn an_old_value_is_no_answer() {
    let answers = known();
    let find = |at| answers.find(&key("web"), "s0-prometheus", at);
    assert!(find(after(90)).is_ok(), "two intervals and 30 s");
    let stale = find(after(91)).unwrap_err();
    assert_eq!(stale, NoAnswer::Stale { age: Duration::from_secs(91), limit: Duration::from_secs(90) });
    assert_eq!(stale.to_string(), "its last poll was 91 s ago, and a value is used for 90 s at most");
}

#[test]
fn a_poll_replaces_all_of_the_one_before() {
    let answers = known();
    answers.publish(&key("web"), after(30), INTERVAL, vec![published("s0-redis", Ok(0.0))]);
    assert_eq!(answers.find(&key("web"), "s0-redis", after(31)).unwrap().value, 0.0);
    assert!(matches!(
        answers.find(&key("web"), "s0-prometheus", after(31)),
        Err(NoAnswer::UnknownMetric { .. })
    ));
    answers.publish(&key("web"), after(60), INTERVAL, Vec::new());
    assert_eq!(answers.find(&key("web"), "s0-redis", after(61)), Err(NoAnswer::UnknownObject));
}

#[test]
fn only_a_leader_answers_and_a_new_one_knows_nothing_of_before() {
    let answers = known();
    let find = || answers.find(&key("web"), "s0-prometheus", after(1));
    answers.lead(false);
    assert_eq!(find(), Err(NoAnswer::NotLeading));
    answers.lead(true);
    assert_eq!(find(), Err(NoAnswer::UnknownObject));
}

#[tokio::test]
async fn contract_4_5_a_fallback_is_shared_by_the_pods_that_are_ready_when_it_is_asked_for() {
    let (world, answers) = (World::new(), known());
    answers.count_pods_by(world.cluster.clone());
    let fallback = Published { for_one_pod: Some(15.0), ..published("s0-prometheus", Ok(3.0)) };
    let values = vec![fallback, published("s1-cron", Ok(3.0))];
    let polled = world.services.clock.now();
    answers.keep(
        &key("web"),
        Noted { polled, interval: INTERVAL, values, target: Some(Box::new(deployment("web"))) },
    );
    let ask = async |metric: &str| {
        let answer = answers.awaited(&key("web"), metric, &*world.services.clock).await;
        answer.map(|answer| answer.value).map_err(|none| none.to_string())
    };
    for (pods, value) in [(5, 3.0), (3, 5.0), (7, 2.142)] {
        world.cluster.set("web", pods);
        assert_eq!(ask("s0-prometheus").await, Ok(value));
        assert_eq!(ask("s1-cron").await, Ok(3.0), "nobody shares it");
    }
    world.cluster.tell_no_readiness("web");
    assert!(ask("s0-prometheus").await.is_err(), "its kind does not say it, and nobody can count them");
    world.cluster.count_ready_pods("web", 5);
    assert_eq!(ask("s0-prometheus").await, Ok(3.0));
    world.cluster.count_ready_pods("web", 0);
    assert!(ask("s0-prometheus").await.unwrap_err().contains("pods that are ready, and none is"));
}
