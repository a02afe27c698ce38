use std::time::Duration;

use crate::fixture::Shop;
use crate::policy::{Bottleneck, Policy, PolicyMemories, Recommendation};
use crate::{Action, ActionMember, Basis, Decision, Limits, Memory, Time, View, decide};

/// Recommends what it was made with.
#[derive(Debug)]
struct Fixed(Vec<Option<u32>>);

impl Policy for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn recommend(&self, _: &View<'_>, member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let basis = Basis::Above { value: 2.0, threshold: 1.0 };
        self.0[member].map(|replicas| Recommendation { policy: "fixed", replicas, basis })
    }
}

fn decided(shop: &Shop, wanted: &[u32], limits: Limits) -> Decision {
    let policy = Fixed(wanted.iter().copied().map(Some).collect());
    decide(&shop.plan(policy, limits), &mut Memory::default(), &shop.observation(), Time::default())
}

fn counts(shop: &Shop, wanted: &[u32]) -> Vec<u32> {
    decided(shop, wanted, Limits::default()).members.iter().map(|member| member.to).collect()
}

/// Members a, b, c with one replica each.
fn three() -> Shop {
    Shop::default().member("a", None).member("b", None).member("c", None)
}

fn pods(shop: Shop, most: u32) -> Shop {
    shop.budget(Some(most), None)
}

#[test]
fn wanted_are_cut_in_proportion() {
    let cases = [
        (25, [10, 5, 10], [10, 5, 10]),
        (20, [10, 5, 10], [8, 4, 8]),
        (24, [10, 5, 10], [10, 5, 9]),
        (10, [10, 5, 10], [4, 2, 4]),
        // One each is the minimum; what is left is for those that want more.
        (7, [10, 1, 10], [3, 1, 3]),
        (12, [2, 20, 2], [1, 10, 1]),
        (4, [10, 10, 10], [2, 1, 1]),
        (3, [10, 10, 10], [1, 1, 1]),
        (2, [10, 10, 10], [1, 1, 1]),
        // Who wanted less than its least gets its least, and that counts.
        (12, [0, 11, 2], [1, 9, 2]),
        (0, [0, 0, 0], [1, 1, 1]),
    ];
    for (most, wanted, expected) in cases {
        assert_eq!(counts(&pods(three(), most), &wanted), expected, "{wanted:?} within {most}");
    }
    assert_eq!(counts(&three(), &[10, 5, 10]), [10, 5, 10], "without a budget");
}

#[test]
fn the_cut_is_a_step_with_its_numbers() {
    let reported =
        |shop: &Shop, wanted: &[u32]| decided(shop, wanted, Limits::default()).members[0].explanation();
    let shop = pods(three(), 20);
    assert_eq!(reported(&shop, &[10, 5, 10]), "fixed 1→10 (2 > 1), budget 10→8 (20 of 20 pods)");
    assert_eq!(reported(&shop, &[1, 30, 10]), "fixed 1 (2 > 1)", "who is not cut has no step");
    let costly = Shop::default().member("a", None).cost(0.5).member("b", None).cost(0.25);
    let costly = costly.budget(None, Some(3.0));
    assert_eq!(reported(&costly, &[6, 12]), "fixed 1→6 (2 > 1), budget 6→3 (3.00/h of 3.00/h)");
}

#[test]
fn the_greater_need_of_both_maxima_counts() {
    let shop = |most, cost| {
        let shop = Shop::default().member("a", None).cost(0.1).member("b", None).cost(0.3);
        shop.budget(most, cost)
    };
    assert_eq!(counts(&shop(None, Some(4.0)), &[10, 10]), [10, 10]);
    assert_eq!(counts(&shop(None, Some(2.0)), &[10, 10]), [5, 5]);
    assert_eq!(counts(&shop(Some(12), Some(2.0)), &[10, 10]), [5, 5]);
    assert_eq!(counts(&shop(Some(6), Some(2.0)), &[10, 10]), [3, 3]);
    // 5.5 each: 2.20/h pays for 5 and 5 and for one more of a.
    assert_eq!(counts(&shop(None, Some(2.2)), &[10, 10]), [6, 5]);
    assert_eq!(counts(&shop(None, Some(0.3)), &[10, 10]), [1, 1], "the least is kept");
    let free = Shop::default().member("a", None).cost(1.0).member("b", None).budget(None, Some(5.0));
    assert_eq!(counts(&free, &[10, 10]), [5, 5], "who costs nothing keeps the ratio");
}

#[test]
fn bounds_count_before_the_budget() {
    let capped = |most| pods(Shop::default().member("a", None).bounds(1, 10).member("b", None), most);
    assert_eq!(counts(&capped(14), &[50, 4]), [10, 4], "beyond the most nothing is taken from others");
    assert_eq!(counts(&capped(7), &[50, 4]), [5, 2]);
    let floor = pods(Shop::default().member("a", None).bounds(9, 10).member("b", None).member("c", None), 20);
    assert_eq!(counts(&floor, &[10, 5, 10]), [9, 4, 7]);
}

#[test]
fn a_budget_that_was_lowered_scales_in() {
    let shop = Shop::default().member("a", None).replicas(8).member("b", None).replicas(4);
    assert_eq!(counts(&pods(shop, 6), &[8, 4]), [4, 2]);
}

#[test]
fn nobody_counts_on_a_scale_in_that_could_not_be_written() {
    let shop = pods(Shop::default().member("a", None).replicas(8).member("b", None).replicas(2), 10);
    let decided_after = |written: Option<Time>, wanted: &[u32]| {
        let failure = written.is_none().then(|| "forbidden".to_owned());
        let (name, at) = ("a".to_owned(), Time::default());
        let done = ActionMember { name, from: 8, to: 2, attempts: 3, written, ready: None, failure };
        let mut memory =
            Memory { last_action: Some(Action { at, members: vec![done] }), ..Memory::default() };
        let policy = Fixed(wanted.iter().copied().map(Some).collect());
        let plan = shop.plan(policy, Limits::default());
        let decision = decide(&plan, &mut memory, &shop.observation(), Time::default());
        decision.members.iter().map(|member| member.to).collect::<Vec<_>>()
    };
    assert_eq!(decided_after(Some(Time::default()), &[2, 8]), [2, 8]);
    assert_eq!(decided_after(None, &[2, 8]), [2, 2], "a keeps asking, b waits until it is heard");
    assert_eq!(decided_after(None, &[1, 1]), [1, 1]);
}

#[test]
fn who_was_not_found_or_is_refused_counts_nothing() {
    let shop = Shop::default().member("a", None).member("b", None).missing();
    assert_eq!(counts(&pods(shop, 10), &[10, 10]), [10]);
    let shop = Shop::default().member("a", None).member("b", None).replicas(9).refused();
    assert_eq!(counts(&pods(shop, 10), &[10, 10]), [10]);
    let shop = Shop::default().member("gone", None).missing().member("a", None).member("b", None);
    let decision = decided(&pods(shop, 10), &[9, 15, 5], Limits::default());
    let found: Vec<_> = decision.members.iter().map(|member| (member.member, member.to)).collect();
    assert_eq!(found, [(1, 7), (2, 3)], "places and counts belong together");
}

#[test]
fn what_is_not_known_is_not_cut_below_what_there_is() {
    let shop = Shop::default().member("a", None).replicas(6).member("b", None).replicas(2);
    let shop = pods(shop.metric("load", None, None, None), 10);
    let decision = decided(&shop, &[2, 8], Limits::default());
    assert_eq!(decision.members[0].to, 6, "no scale-in while a reading is absent");
    assert_eq!(decision.members[1].to, 4, "so there is room for 4 only");
    assert_eq!(
        decision.members[1].explanation(),
        "absent load (no response), fixed 2→8 (2 > 1), budget 8→4 (10 of 10 pods)"
    );

    let silent = pods(Shop::default().member("a", None).replicas(6).member("b", None).replicas(2), 10);
    let plan = silent.plan(Fixed(vec![None, Some(8)]), Limits::default());
    let decision = decide(&plan, &mut Memory::default(), &silent.observation(), Time::default());
    assert_eq!(decision.members.iter().map(|member| member.to).collect::<Vec<_>>(), [6, 4]);
    assert!(decision.members[0].steps.is_empty());
}

#[test]
fn scale_outs_wait_for_those_that_scale_in() {
    let limits = Limits::default().with_pods_per_operation(None, Some(1));
    let shop = Shop::default().member("a", None).replicas(10).member("b", None).replicas(2);
    let decision = decided(&pods(shop.clone(), 12), &[2, 10], limits.clone());
    assert_eq!(decision.members[0].explanation(), "fixed 10→2 (2 > 1), rate 2→9 (-1 at most)");
    assert_eq!(decision.members[1].explanation(), "fixed 2→10 (2 > 1), budget 10→3 (12 of 12 pods)");

    let full = decided(&pods(shop.clone(), 9), &[2, 7], limits.clone());
    assert_eq!(
        full.members.iter().map(|member| member.to).collect::<Vec<_>>(),
        [9, 2],
        "none is below what it has"
    );

    let below = Shop::default().member("a", None).replicas(10).member("b", None).bounds(3, 9).replicas(2);
    let decision = decided(&pods(below, 9), &[2, 7], limits.clone());
    assert_eq!(decision.members[1].to, 3, "the least is raised to, whatever it costs");

    let shared = shop.member("c", None).replicas(2);
    let decision = decided(&pods(shared, 17), &[1, 10, 6], limits);
    assert_eq!(
        decision.members.iter().map(|member| member.to).collect::<Vec<_>>(),
        [9, 5, 3],
        "in proportion"
    );
}

#[test]
fn a_minimum_beyond_the_rate_and_the_budget_is_reached_at_once() {
    let limits = Limits::default().with_pods_per_operation(Some(2), None);
    let shop = Shop::default().member("a", None).bounds(5, 9).member("b", None).replicas(4);
    let decision = decided(&pods(shop, 5), &[9, 1], limits);
    assert_eq!(decision.members.iter().map(|member| member.to).collect::<Vec<_>>(), [5, 1]);
}

#[test]
fn the_cooldown_comes_last_and_holds_all() {
    let limits = Limits::default().with_cooldown(Duration::from_secs(60));
    let shop = pods(three(), 20);
    let mut memory = Memory { last_scale: Some(Time::from_seconds(0)), ..Memory::default() };
    let policy = || Fixed([10, 5, 10].map(Some).to_vec());
    let at = Time::from_seconds(10);
    let decision = decide(&shop.plan(policy(), limits), &mut memory, &shop.observation(), at);
    assert!(!decision.scales());
    let reported = "fixed 1→10 (2 > 1), budget 10→8 (20 of 20 pods), cooldown 8→1 (50 s left)";
    assert_eq!(decision.members[0].explanation(), reported);
}

#[test]
fn windows_come_before_the_budget() {
    let limits = Limits::default().with_windows(Duration::ZERO, Duration::from_secs(300));
    let shop = Shop::default().member("a", None).replicas(8).member("b", None).replicas(2);
    let decision = decided(&pods(shop, 10), &[2, 8], limits);
    assert_eq!(decision.members.iter().map(|member| member.to).collect::<Vec<_>>(), [5, 5]);
    let reported = "fixed 8→2 (2 > 1), stabilization 2→8 (300 s window), budget 8→5 (10 of 10 pods)";
    assert_eq!(decision.members[0].explanation(), reported);
}

#[test]
fn a_group_follows_its_graph_in_one_decision() {
    let shop = Shop::default()
        .member("webui", Some(100.0))
        .replicas(2)
        .member("auth", Some(120.0))
        .member("db", None);
    let shop = shop.call("webui", "auth", 1.2).call("auth", "db", 3.0);
    let shop = shop.metric("requests", None, None, Some(600.0));
    let plan = shop.plan(Bottleneck::default(), Limits::default());
    let decision = decide(&plan, &mut Memory::default(), &shop.observation(), Time::default());
    let reported: Vec<String> = decision.members.iter().map(|member| member.explanation()).collect();
    let expected = [
        "bottleneck 2→6 (requests 600, 100 a replica)",
        "bottleneck 1→6 (webui 600 × 1.2 = 720, 120 a replica)",
        "bottleneck 1→6 (as auth: 6 for weight 1, here weight 1)",
    ];
    assert_eq!(reported, expected);
}

#[test]
fn a_member_that_somebody_set_to_0_is_left_alone_and_the_others_are_not() {
    let shop = Shop::default().member("a", None).member("b", None).replicas(0).member("c", None).replicas(0);
    let shop = shop.bounds(0, 100).member("d", None).replicas(300);
    let decision = decided(&pods(shop, 50), &[10, 10, 10, 10], Limits::default());
    let to: Vec<(u32, u32)> = decision.members.iter().map(|member| (member.from, member.to)).collect();
    assert_eq!(to, [(1, 10), (0, 0), (0, 10), (300, 10)]);
    assert_eq!(decision.members[1].explanation(), "disabled 0 (replicas set to 0 while minReplicas is 1)");
}

#[test]
fn bounds_of_every_member_are_restored_within_the_cooldown() {
    let shop = Shop::default().member("a", None).bounds(4, 8).member("b", None).bounds(2, 6).replicas(9);
    let limits =
        Limits::default().with_pods_per_operation(Some(1), Some(1)).with_cooldown(Duration::from_secs(60));
    let mut memory = Memory { last_scale: Some(Time::from_seconds(0)), ..Memory::default() };
    let plan = shop.plan(Fixed([None, None].to_vec()), limits);
    let decision = decide(&plan, &mut memory, &shop.observation(), Time::from_seconds(10));
    assert_eq!(decision.members.iter().map(|member| member.to).collect::<Vec<_>>(), [4, 6]);
}
