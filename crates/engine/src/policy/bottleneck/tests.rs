use serde_json::json;

use super::*;
use crate::Problem;
use crate::fixture::Shop;

fn none() -> PolicyMemories {
    PolicyMemories::default()
}

fn shop(calls: Option<f64>) -> Shop {
    let shop = Shop::default().member("webui", None).member("auth", Some(50.0)).missing();
    let shop = shop.member("db", Some(100.0)).call("webui", "auth", 1.0).call("auth", "db", 2.0);
    shop.metric("requests", None, Some(100.0), calls)
}

#[test]
fn all_members_are_recommended_for_at_once() {
    let shop = shop(Some(500.0));
    let recommended = Bottleneck::default().recommend_all(&shop.view(), &mut none());
    let counts: Vec<_> = recommended.iter().map(|one| one.as_ref().map(|one| one.replicas)).collect();
    assert_eq!(counts, [Some(5), Some(10), Some(10)]);
    assert_eq!(
        Bottleneck::new(0.5).unwrap().recommend_all(&shop.view(), &mut none())[2].as_ref().unwrap().replicas,
        20
    );
    for (member, one) in recommended.iter().enumerate() {
        assert_eq!(Bottleneck::default().recommend(&shop.view(), member, &mut none()), *one);
    }
    assert_eq!(Bottleneck::default().recommend(&shop.view(), 3, &mut none()), None);
}

#[test]
fn its_setting_is_judged() {
    let compile = |config| crate::POLICIES.compile("bottleneck", &config, "c");
    for (config, replicas) in
        [(json!({}), 5), (json!({"utilization": 0.5}), 10), (json!({"utilization": 1}), 5)]
    {
        let recommended = compile(config).unwrap().recommend_all(&shop(Some(500.0)).view(), &mut none());
        assert_eq!(recommended[0].as_ref().map(|one| one.replicas), Some(replicas));
    }
    let said = |config| compile(config).unwrap_err().iter().map(Problem::to_string).collect::<Vec<_>>();
    let range = "must be a number above 0 and at most 1";
    assert_eq!(said(json!({"utilization": 0})), [format!("c.utilization: Invalid value: 0: {range}")]);
    for utilization in [0.0, -0.5, 1.01, f64::NAN] {
        assert_eq!(Bottleneck::new(utilization), None);
    }
}

#[test]
fn groups_that_it_cannot_serve_are_reported() {
    let problems = |shop: &Shop| Bottleneck::default().problems(&shop.members, &shop.metrics, &shop.group);
    let good = shop(None);
    assert_eq!(problems(&good), []);
    let without = Shop { metrics: Vec::new(), ..good.clone() };
    assert_eq!(problems(&without), [GroupProblem::NoMetric]);

    let mut bare = good.clone();
    bare.metrics[0].target = None;
    assert_eq!(problems(&bare), [GroupProblem::NoCapacity { member: 0 }]);
    bare.members[0].role.capacity = Some(10.0);
    assert_eq!(problems(&bare), []);

    let second = good.clone().member("shop", None).call("shop", "db", 1.0);
    let entries = vec!["webui".to_owned(), "shop".to_owned()];
    assert_eq!(problems(&second), [GroupProblem::NoMember { metric: 0, entries }]);
    let mut named = second.clone();
    named.metrics[0].member = Some(0);
    assert_eq!(problems(&named), [], "an entry that nothing measures needs no capacity");
    let both = named.metric("sales", Some("shop"), None, None);
    assert_eq!(problems(&both), [GroupProblem::NoCapacity { member: 3 }]);
    let below = good.metric("rows", Some("auth"), None, None);
    assert_eq!(problems(&below), []);
}
