use super::*;
use crate::Scale;
use crate::fixture::Shop;

/// The seven services of a shop; what they bear is written beside them.
fn teastore(calls: Option<f64>) -> Shop {
    Shop::default()
        .member("webui", Some(100.0))
        .member("auth", Some(200.0))
        .member("image", Some(50.0))
        .member("recommender", Some(80.0))
        .member("persistence", Some(150.0))
        .member("db", Some(500.0))
        .call("webui", "auth", 1.0)
        .call("webui", "image", 0.5)
        .call("webui", "recommender", 0.2)
        .call("webui", "persistence", 1.2)
        .call("auth", "persistence", 1.0)
        .call("image", "persistence", 0.1)
        .call("persistence", "db", 2.0)
        .metric("requests", None, None, calls)
}

fn needed(shop: &Shop, utilization: f64) -> Vec<Option<(u32, bool, String)>> {
    let needs = needs(&shop.view(), utilization).into_iter();
    needs.map(|need| need.map(|need| (need.replicas, need.is_whole, need.basis.to_string()))).collect()
}

fn replicas(shop: &Shop, utilization: f64) -> Vec<Option<u32>> {
    needs(&shop.view(), utilization).into_iter().map(|need| need.map(|need| need.replicas)).collect()
}

#[test]
fn demand_is_carried_along_every_path() {
    let shop = teastore(Some(500.0));
    // persistence: 600 from webui, 500 from auth, 25 from image.
    let demands: Vec<f64> = demands(&shop.view()).into_iter().flatten().collect();
    assert_eq!(demands, [500.0, 500.0, 250.0, 100.0, 1125.0, 2250.0]);
    assert_eq!(replicas(&shop, 1.0), [5, 3, 5, 2, 8, 5].map(Some));
    assert_eq!(replicas(&shop, 0.5), [10, 5, 10, 3, 15, 9].map(Some));
    let reported = needed(&shop, 0.8);
    let text = |member: &str| reported[shop.place(member)].as_ref().map(|(_, _, text)| text.as_str());
    assert_eq!(text("webui"), Some("requests 500, 80 of 100 a replica"));
    assert_eq!(text("auth"), Some("webui 500, 160 of 200 a replica"));
    assert_eq!(text("db"), Some("webui 500 × 4.5 = 2250, 400 of 500 a replica"));
}

#[test]
fn a_member_bears_the_more_of_what_is_measured_and_what_is_carried() {
    let at_auth = |calls| teastore(Some(500.0)).metric("logins", Some("auth"), None, Some(calls));
    let reported = |calls| needed(&at_auth(calls), 1.0);
    let (auth, persistence) = (1, 4);
    assert_eq!(reported(900.0)[auth], Some((5, true, "logins 900, 200 a replica".to_owned())));
    assert_eq!(reported(300.0)[auth], Some((3, true, "webui 500, 200 a replica".to_owned())));
    assert_eq!(reported(500.0)[auth], Some((3, true, "logins 500, 200 a replica".to_owned())));
    let further = "auth 900 + webui 500 × 1.25 = 1525, 150 a replica";
    assert_eq!(reported(900.0)[persistence], Some((11, true, further.to_owned())), "and hands that on");
}

#[test]
fn the_greatest_of_several_metrics_counts_and_none_is_below_zero() {
    let shop = |one, other| {
        let shop = Shop::default().member("web", Some(10.0));
        shop.metric("one", Some("web"), None, Some(one)).metric("other", Some("web"), None, Some(other))
    };
    assert_eq!(demands(&shop(30.0, 50.0).view()), [Some(50.0)]);
    assert_eq!(demands(&shop(50.0, 30.0).view()), [Some(50.0)]);
    assert_eq!(demands(&shop(-5.0, -9.0).view()), [Some(0.0)]);
    let tied = needed(&shop(50.0, 50.0), 1.0);
    assert_eq!(tied, [Some((5, true, "one 50, 10 a replica".to_owned()))]);
}

#[test]
fn a_metric_of_the_whole_is_measured_at_the_only_entry() {
    let two = Shop::default().member("shop", Some(10.0)).member("admin", Some(10.0));
    let called = two.clone().call("shop", "admin", 1.0).metric("users", None, None, Some(40.0));
    assert_eq!((only_entry(&called.view()), replicas(&called, 1.0)), (Some(0), vec![Some(4), Some(4)]));
    let apart = two.metric("users", None, None, Some(40.0));
    assert_eq!((only_entry(&apart.view()), replicas(&apart, 1.0)), (None, vec![None, None]));
    let alone = Shop::default().member("web", Some(10.0)).metric("users", None, None, Some(40.0));
    assert_eq!((only_entry(&alone.view()), replicas(&alone, 1.0)), (Some(0), vec![Some(4)]));
}

#[test]
fn capacity_is_the_members_own_or_its_metrics_target() {
    let shop = |capacity, target| {
        let shop = Shop::default().member("web", capacity).member("db", None).call("web", "db", 1.0);
        let shop = shop.metric("bare", Some("web"), None, Some(1.0));
        shop.metric("calls", None, target, Some(90.0)).metric("rows", Some("db"), Some(7.0), Some(1.0))
    };
    let found = |capacity_, target| capacity(&shop(capacity_, target).view(), 0);
    assert_eq!(found(Some(30.0), Some(45.0)), Some(30.0));
    assert_eq!(found(None, Some(45.0)), Some(45.0));
    assert_eq!(found(None, None), None, "another's target is no capacity");
    assert_eq!(replicas(&shop(Some(30.0), Some(45.0)), 1.0)[0], Some(3));
    assert_eq!(replicas(&shop(None, Some(45.0)), 1.0)[0], Some(2));
}

#[test]
fn metrics_with_targets_of_their_own_come_to_one_unit() {
    let shop = |capacity, queue| {
        let shop = Shop::default().member("web", capacity).metric("calls", None, Some(100.0), Some(450.0));
        shop.metric("queue", None, Some(5.0), Some(queue))
    };
    let queued = needed(&shop(None, 40.0), 1.0);
    assert_eq!(queued, [Some((8, true, "queue 40 × 20 = 800, 100 a replica".to_owned()))]);
    assert_eq!(needed(&shop(None, 5.0), 1.0), [Some((5, true, "calls 450, 100 a replica".to_owned()))]);
    let plain = needed(&shop(Some(10.0), 40.0), 1.0);
    assert_eq!(
        plain,
        [Some((45, true, "calls 450, 10 a replica".to_owned()))],
        "its own capacity has one unit"
    );
}

#[test]
fn without_capacity_the_weights_of_the_callers_count() {
    let shop = Shop::default()
        .member("webui", Some(100.0))
        .weight(2.0)
        .member("shop", Some(10.0))
        .weight(4.0)
        .member("auth", None)
        .member("db", None)
        .weight(0.5)
        .call("webui", "auth", 9.0)
        .call("shop", "auth", 1.0)
        .call("auth", "db", 1.0);
    let reported = |webui, shop_| {
        let shop = shop.clone().metric("a", Some("webui"), None, webui);
        needed(&shop.metric("b", Some("shop"), None, shop_), 1.0).split_off(2)
    };
    let (three, two) =
        ("as webui: 5 for weight 2, here weight 1", "as auth: 3 for weight 1, here weight 0.5");
    let expected = [Some((3, true, three.to_owned())), Some((2, true, two.to_owned()))];
    assert_eq!(reported(Some(500.0), Some(90.0)), expected, "5/2 is more than 9/4");
    assert_eq!(reported(Some(500.0), Some(110.0))[0].as_ref().map(|reported| reported.0), Some(3));
    let third = reported(Some(500.0), Some(130.0)).swap_remove(0);
    assert_eq!(third, Some((4, true, "as shop: 13 for weight 4, here weight 1".to_owned())));
    let blind = reported(None, Some(90.0)).swap_remove(0);
    assert_eq!(blind, Some((3, false, "as shop: 9 for weight 4, here weight 1".to_owned())));
    assert_eq!(reported(None, None), [None, None]);
}

#[test]
fn what_rests_on_an_absent_reading_is_a_lower_bound() {
    let shop = |webui, shop_, auth| {
        let shop = Shop::default().member("webui", Some(10.0)).member("shop", Some(10.0));
        let shop = shop.member("auth", Some(10.0)).member("db", Some(10.0)).member("idle", Some(10.0));
        let shop = shop.call("webui", "auth", 1.0).call("shop", "auth", 1.0).call("auth", "db", 1.0);
        shop.metric("a", Some("webui"), None, webui).metric("b", Some("shop"), None, shop_).metric(
            "c",
            Some("auth"),
            None,
            auth,
        )
    };
    let reported = |webui, shop_, auth| {
        let shop = shop(webui, shop_, auth);
        let needs = needed(&shop, 1.0).into_iter();
        let needs: Vec<_> = needs.map(|need| need.map(|(replicas, whole, _)| (replicas, whole))).collect();
        (needs, demands(&shop.view()))
    };
    let (needs, demands) = reported(Some(30.0), None, Some(20.0));
    assert_eq!(needs, [Some((3, true)), None, Some((3, false)), Some((3, false)), None]);
    assert_eq!(demands, [Some(30.0), None, None, None, None]);
    let (needs, _) = reported(None, None, Some(20.0));
    assert_eq!(needs, [None, None, Some((2, false)), Some((2, false)), None]);
    let (needs, demands) = reported(Some(30.0), Some(10.0), None);
    assert_eq!(needs, [Some((3, true)), Some((1, true)), Some((4, false)), Some((4, false)), None]);
    assert_eq!(demands[..3], [Some(30.0), Some(10.0), None]);
    assert_eq!(reported(None, None, None).0, [None; 5]);
}

#[test]
fn a_caller_that_nothing_measures_sends_nothing() {
    let shop = Shop::default().member("webui", Some(10.0)).member("cron", None).member("db", Some(10.0));
    let shop = shop.call("webui", "db", 1.0).call("cron", "db", 1.0);
    let shop = shop.metric("a", Some("webui"), None, Some(30.0));
    assert_eq!(demands(&shop.view()), [Some(30.0), None, Some(30.0)]);
    assert_eq!(replicas(&shop, 1.0), [Some(3), None, Some(3)]);
}

#[test]
fn a_member_that_was_not_found_hands_its_demand_on() {
    let shop = Shop::default().member("web", Some(10.0)).missing().member("db", Some(10.0));
    let shop = shop.call("web", "db", 2.0).metric("calls", None, None, Some(30.0));
    assert_eq!(replicas(&shop, 1.0), [Some(3), Some(6)]);
    assert_eq!(loads(&shop.view()), [None, Some(6.0)]);
}

#[test]
fn load_is_over_what_the_serving_replicas_bear() {
    let mut shop = teastore(Some(500.0)).member("idle", None);
    shop.metrics[0].member = Some(0);
    let counts = [10, 5, 4, 4, 10, 9];
    for (scale, count) in shop.scales.iter_mut().zip(counts) {
        *scale = Some(crate::fixture::scale(count));
    }
    let expected = [Some(0.5), Some(0.5), Some(1.25), Some(0.3125), Some(0.75), Some(0.5), None];
    assert_eq!(loads(&shop.view()), expected);
    assert_eq!(bottleneck(&shop.view()), Some(2));
    shop.scales[5] = Some(Scale { replicas: 9, status_replicas: 9, ready: Some(2) });
    assert_eq!((loads(&shop.view())[5], bottleneck(&shop.view())), (Some(2.25), Some(5)));
    shop.scales[5] = Some(Scale { replicas: 9, status_replicas: 3, ready: None });
    assert_eq!(loads(&shop.view())[5], Some(1.5), "all that exist, where the kind does not report it");
    shop.scales[0] = Some(Scale { replicas: 9, status_replicas: 9, ready: Some(0) });
    assert_eq!((loads(&shop.view())[0], bottleneck(&shop.view())), (None, Some(0)), "nobody serves");
    shop.values[0] = Some(0.0);
    assert_eq!(bottleneck(&shop.view()), None, "no demand, no bottleneck");
    shop.values[0] = None;
    assert_eq!((bottleneck(&shop.view()), loads(&shop.view())), (None, vec![None; 7]));
}

#[test]
fn the_first_of_equal_loads_is_the_bottleneck() {
    let shop = Shop::default().member("web", Some(10.0)).member("db", Some(10.0)).call("web", "db", 1.0);
    assert_eq!(bottleneck(&shop.metric("calls", None, None, Some(30.0)).view()), Some(0));
}
