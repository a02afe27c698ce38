//! What must hold for every group: random members, graphs, budgets, readings and targets that are missing.

use std::sync::Arc;
use std::time::Duration;

use engine::policy::{Bottleneck, Policy, PolicyMemories, Proportional, Random, Recommendation};
use engine::{
    AbsenceReason, Actuation, Basis, Bounds, Brakes, CallGraph, Decision, Edge, Group, GroupBudget, Limits,
    Member, Memory, Metric, MetricTarget, Mode, Observation, Plan, Query, Reading, Role, Safeguards, Scale,
    Target, TargetType, Time, View, decide, invariants,
};
use proptest::prelude::*;
use proptest::sample::Index;

fn policies() -> impl Strategy<Value = Arc<dyn Policy>> {
    let bottleneck = || (0.05..=1.0f64).prop_map(|utilization| Bottleneck::new(utilization).expect("sound"));
    prop_oneof![
        any::<u32>().prop_map(|seed| Arc::new(Random::new(seed)) as Arc<dyn Policy>),
        Just(Arc::new(Proportional) as Arc<dyn Policy>),
        bottleneck().prop_map(|policy| Arc::new(policy) as Arc<dyn Policy>),
        bottleneck().prop_map(|policy| Arc::new(policy) as Arc<dyn Policy>),
    ]
}

fn safeties() -> impl Strategy<Value = Limits> {
    let seconds = || prop_oneof![Just(0u64), 1..300u64].prop_map(Duration::from_secs);
    let limit = || proptest::option::of(1..6u32);
    (seconds(), seconds(), limit(), limit(), seconds()).prop_map(|(up, down, max_up, max_down, cooldown)| {
        Limits::default()
            .with_windows(up, down)
            .with_pods_per_operation(max_up, max_down)
            .with_cooldown(cooldown)
    })
}

fn members(count: usize) -> impl Strategy<Value = Vec<Member>> {
    let member = (
        0..6u32,
        0..40u32,
        0.1..9.0f64,
        proptest::option::weighted(0.7, 0.5..500.0f64),
        prop_oneof![Just(0.0), 0.01..2.0f64],
        prop::bool::weighted(0.05),
    );
    let member = member.prop_map(|(min, more, weight, capacity, cost_per_pod_hour, is_refused)| {
        let bounds = Bounds::new(min, min + more).expect("ordered");
        let refusal = is_refused.then(|| "elsewhere".to_owned());
        (bounds, Role { weight, capacity, cost_per_pod_hour, refusal, ..Role::of("") })
    });
    prop::collection::vec(member, count).prop_map(|members| {
        let member = |(place, (bounds, role)): (usize, (Bounds, Role))| {
            let name = format!("member-{place}");
            let target = Target {
                api_version: "apps/v1".to_owned(),
                kind: "Deployment".to_owned(),
                namespace: "default".to_owned(),
                name: name.clone(),
            };
            Member { target, bounds, role: Role { name, ..role } }
        };
        members.into_iter().enumerate().map(member).collect()
    })
}

/// A graph without cycles, whose callers are anywhere in the plan.
fn graphs(members: usize) -> impl Strategy<Value = CallGraph> {
    let pairs: Vec<(usize, usize)> =
        (0..members).flat_map(|to| (0..to).map(move |from| (from, to))).collect();
    let calls = prop::collection::vec(proptest::option::weighted(0.5, 0.1..3.0f64), pairs.len());
    let places = Just((0..members).collect::<Vec<usize>>()).prop_shuffle();
    (calls, places).prop_map(move |(calls, places)| {
        let edges = pairs.iter().zip(calls).filter_map(|(&(from, to), calls)| {
            Some(Edge { from: places[from], to: places[to], calls_per_call: calls? })
        });
        CallGraph::new(members, edges.collect()).expect("no cycle")
    })
}

fn metrics(members: usize) -> impl Strategy<Value = Vec<Metric>> {
    let metric =
        (proptest::option::weighted(0.7, 0..members), proptest::option::weighted(0.7, 0.5..500.0f64));
    prop::collection::vec(metric, 0..4).prop_map(|metrics| {
        let metric = |(index, (member, target)): (usize, (Option<usize>, Option<f64>))| Metric {
            name: format!("metric-{index}"),
            query: Query::new("http", "", ()),
            minimum: Some(0.0),
            target: target.and_then(|target| MetricTarget::new(TargetType::AverageValue, target)),
            member,
        };
        metrics.into_iter().enumerate().map(metric).collect()
    })
}

fn budgets() -> impl Strategy<Value = Option<GroupBudget>> {
    let budget = (proptest::option::of(0..120u32), proptest::option::of(0.0..60.0f64));
    let budget = budget.prop_map(|(max_pods, max_cost_per_hour)| GroupBudget { max_pods, max_cost_per_hour });
    proptest::option::weighted(0.8, budget)
}

fn plans() -> impl Strategy<Value = Plan> {
    let parts = |count| (members(count), graphs(count), metrics(count), budgets(), policies(), safeties());
    (1..=6usize).prop_flat_map(parts).prop_map(|(members, graph, metrics, budget, policy, limits)| Plan {
        members,
        metrics,
        policy,
        limits,
        mode: Mode::Act,
        interval: Duration::from_secs(15),
        group: Some(Group { graph, budget }),
        actuation: Actuation::Scale,
        brakes: Brakes::default(),
        safeguards: Safeguards::default(),
        origins: Vec::new(),
        foresight: None,
    })
}

fn readings() -> impl Strategy<Value = Reading> {
    prop_oneof![
        8 => (0.0..3e3f64).prop_map(|value| Reading::of(value, Time::default())),
        1 => prop_oneof![Just(f64::NAN), Just(-1.0), Just(1e308)].prop_map(|value| Reading::of(value, Time::default())),
        1 => Just(Reading::absent(AbsenceReason::Timeout, "no response")),
    ]
}

/// One poll of at most three metrics and six members.
#[derive(Clone, Debug)]
struct Poll {
    /// Seconds since the last.
    seconds: u16,
    readings: Vec<Reading>,
    /// Replicas set by someone else, and where.
    foreign: Option<(Index, u32)>,
    /// Who is not found.
    missing: Option<Index>,
    /// Of each member's replicas, how many are ready; `None` where its kind does not report it.
    ready: Vec<Option<f64>>,
    /// Whether the write of each member succeeds.
    succeeds: Vec<bool>,
}

fn polls() -> impl Strategy<Value = Vec<Poll>> {
    let poll = (
        1..120u16,
        prop::collection::vec(readings(), 3),
        proptest::option::weighted(0.1, (any::<Index>(), 0..60u32)),
        proptest::option::weighted(0.2, any::<Index>()),
        prop::collection::vec(proptest::option::of(0.0..=1.0f64), 6),
        prop::collection::vec(prop::bool::weighted(0.9), 6),
    );
    let poll = poll.prop_map(|(seconds, readings, foreign, missing, ready, succeeds)| Poll {
        seconds,
        readings,
        foreign,
        missing,
        ready,
        succeeds,
    });
    prop::collection::vec(poll, 1..25)
}

fn observe(poll: &Poll, replicas: &[u32]) -> Observation {
    let missing = poll.missing.map(|missing| missing.index(replicas.len()));
    let scale = |(member, &replicas): (usize, &u32)| {
        let ready = poll.ready[member].map(|share| (share * f64::from(replicas)) as u32);
        (missing != Some(member)).then_some(Scale { replicas, status_replicas: replicas, ready })
    };
    let scales = replicas.iter().enumerate().map(scale).collect();
    Observation { scales, readings: poll.readings.clone(), ..Observation::default() }
}

struct Run {
    decisions: Vec<Decision>,
    memory: Memory,
}

/// Walks time over the polls; `between` may replace the memory between two of them.
fn run(plan: &Plan, polls: &[Poll], between: impl Fn(Memory) -> Memory) -> Result<Run, TestCaseError> {
    let (mut now, mut memory) = (Time::from_seconds(1_700_000_000), Memory::default());
    let mut replicas = vec![3u32; plan.members.len()];
    let mut decisions = Vec::new();
    for poll in polls {
        now = now.plus(Duration::from_secs(u64::from(poll.seconds)));
        if let Some((member, count)) = poll.foreign {
            *member.get_mut(&mut replicas) = count;
        }
        let observation = observe(poll, &replicas);
        let before = memory.clone();
        let decision = decide(plan, &mut memory, &observation, now);
        let case =
            invariants::Case { plan, memory: &before, observation: &observation, now, decision: &decision };
        for invariant in invariants::ALL {
            let violation = invariant(&case);
            prop_assert!(violation.is_none(), "{violation:?}");
        }
        memory.applied(plan, &decision, now);
        for decided in decision.members.iter().filter(|decided| poll.succeeds[decided.member]) {
            replicas[decided.member] = decided.to;
        }
        memory = between(memory);
        decisions.push(decision);
    }
    Ok(Run { decisions, memory })
}

/// Recommends what it was made with.
#[derive(Debug)]
struct Fixed(Vec<u32>);

impl Policy for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn recommend(&self, _: &View<'_>, member: usize, _: &mut PolicyMemories) -> Option<Recommendation> {
        let basis = Basis::Above { value: 1.0, threshold: 0.0 };
        Some(Recommendation { policy: "fixed", replicas: self.0[member], basis })
    }
}

/// The demand of a member, by the words of its definition.
fn demand(plan: &Plan, values: &[f64], member: usize) -> Option<f64> {
    let group = plan.group.as_ref().expect("a group");
    let entries: Vec<usize> = group.graph.entries().collect();
    let is_here = |metric: &Metric| metric.member.map_or(entries == [member], |place| place == member);
    let role = &plan.members[member].role;
    let here = || plan.metrics.iter().zip(values).filter(|(metric, _)| is_here(metric));
    let unit = here().find_map(|(metric, _)| metric.target).filter(|_| role.capacity.is_none());
    let measured = here().map(|(metric, value)| match (unit, metric.target) {
        (Some(unit), Some(target)) => value / target.value() * unit.value(),
        _ => *value,
    });
    let sent = group
        .graph
        .calls_to(member)
        .filter_map(|edge| demand(plan, values, edge.from).map(|demand| demand * edge.calls_per_call));
    let sent: Vec<f64> = sent.collect();
    let carried = (!sent.is_empty()).then(|| sent.iter().sum());
    measured.chain(carried).reduce(f64::max)
}

fn scales(replicas: &[u32]) -> Vec<Option<Scale>> {
    let scale = |&replicas: &u32| Some(Scale { replicas, status_replicas: replicas, ready: Some(replicas) });
    replicas.iter().map(scale).collect()
}

/// Without anything that limits a recommendation.
fn unlimited(mut plan: Plan) -> Plan {
    plan.limits = Limits::default();
    for member in &mut plan.members {
        member.bounds = Bounds::new(0, u32::MAX).expect("ordered");
        member.role.refusal = None;
    }
    if let Some(group) = &mut plan.group {
        group.budget = None;
    }
    plan
}

fn recommended(plan: &Plan, values: &[f64]) -> Vec<Option<u32>> {
    let (scales, values) = (scales(&[1; 6]), values.iter().copied().map(Some).collect::<Vec<_>>());
    let view = plan.view(&scales, &values[..plan.metrics.len()], Time::default());
    let recommended = plan.policy.recommend_all(&view, &mut PolicyMemories::default());
    recommended.into_iter().map(|one| one.map(|one| one.replicas)).collect()
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.0..3e3f64, 3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_over_any_sequence(plan in plans(), polls in polls()) {
        run(&plan, &polls, |memory| memory)?;
    }

    #[test]
    fn memory_survives_serialisation(plan in plans(), polls in polls()) {
        let plain = run(&plan, &polls, |memory| memory)?;
        let stored = run(&plan, &polls, |memory| {
            let text = serde_json::to_string(&memory).expect("a memory serialises");
            serde_json::from_str(&text).expect("and comes back")
        })?;
        prop_assert_eq!(plain.decisions, stored.decisions);
        prop_assert_eq!(plain.memory, stored.memory);
    }

    #[test]
    fn bottleneck_is_monotone_in_demand(plan in plans(), utilization in 0.05..=1.0f64, values in values(),
                                        more in values()) {
        let policy = Arc::new(Bottleneck::new(utilization).expect("sound"));
        let plan = Plan { policy, ..plan };
        let higher: Vec<f64> = values.iter().zip(&more).map(|(value, more)| value.max(*more)).collect();
        for (less, more) in recommended(&plan, &values).into_iter().zip(recommended(&plan, &higher)) {
            prop_assert!(less <= more, "{less:?} {more:?}");
        }
    }

    #[test]
    fn one_action_of_bottleneck_bears_every_demand(plan in plans(), utilization in 0.05..=1.0f64, values in values(),
                                                   replicas in prop::collection::vec(0..50u32, 6)) {
        let policy = Arc::new(Bottleneck::new(utilization).expect("sound"));
        let plan = unlimited(Plan { policy, ..plan });
        let observation = Observation {
            scales: scales(&replicas[..plan.members.len()]),
            readings: values.iter().map(|value| Reading::of(*value, Time::default())).collect(),
            ..Observation::default()
        };
        let decision = decide(&plan, &mut Memory::default(), &observation, Time::default());
        for decided in &decision.members {
            let own = plan.members[decided.member].role.capacity;
            let entries: Vec<usize> = plan.group.iter().flat_map(|group| group.graph.entries()).collect();
            let targets = plan.metrics.iter().filter(|metric| {
                metric.member.map_or(entries == [decided.member], |member| member == decided.member)
            });
            let capacity = own.or(targets.filter_map(|metric| metric.target).map(MetricTarget::value).next());
            let demand = demand(&plan, &values, decided.member);
            let (Some(capacity), Some(demand)) = (capacity, demand) else { continue };
            let bears = |replicas: u32| f64::from(replicas) * capacity * utilization;
            prop_assert!(bears(decided.to) >= demand * (1.0 - 1e-6), "{demand}: {}", decided.explanation());
            let is_least = decided.to == 0 || bears(decided.to - 1) <= demand * (1.0 + 1e-6);
            prop_assert!(is_least, "{demand}: {}", decided.explanation());
        }
    }

    #[test]
    fn proportional_comes_to_the_total_where_bounds_allow(plan in plans(), value in 0.0..3e2f64) {
        let mut plan = Plan { policy: Arc::new(Proportional), ..plan };
        plan.metrics.truncate(1);
        let Some(target) = plan.metrics.first().and_then(|metric| metric.target) else { return Ok(()) };
        let total = (value / target.value()).ceil() as u64;
        let parts: Vec<usize> = (0..plan.members.len()).filter(|&member| plan.members[member].role.refusal.is_none()).collect();
        let bounds = |member: &usize| plan.members[*member].bounds;
        let least: u64 = parts.iter().map(|member| u64::from(bounds(member).min())).sum();
        let most: u64 = parts.iter().map(|member| u64::from(bounds(member).max())).sum();
        let recommended = recommended(&plan, &[value]);
        let sum: u64 = recommended.iter().flatten().copied().map(u64::from).sum();
        prop_assert_eq!(sum, total.clamp(least, most));
        for member in &parts {
            let replicas = recommended[*member].expect("a recommendation");
            prop_assert_eq!(bounds(member).clamp(replicas), replicas);
        }
    }

    #[test]
    fn random_stays_within_bounds_whatever_the_budget_leaves(plan in plans(), seed in any::<u32>(), rounds in 1..20u8) {
        let plan = Plan { policy: Arc::new(Random::new(seed)), ..plan };
        let scales = scales(&[1; 6]);
        let (view, mut memory) = (plan.view(&scales, &[], Time::default()), PolicyMemories::default());
        for _ in 0..rounds {
            for (member, drawn) in plan.policy.recommend_all(&view, &mut memory).into_iter().enumerate() {
                let drawn = drawn.expect("a recommendation").replicas;
                prop_assert_eq!(plan.members[member].bounds.clamp(drawn), drawn);
            }
        }
    }

    #[test]
    fn a_cut_keeps_the_ratios_and_uses_the_budget(plan in plans(), wanted in prop::collection::vec(0..80u32, 6),
                                                  most in 0..200u32) {
        let mut plan = unlimited(Plan { policy: Arc::new(Fixed(wanted.clone())), metrics: Vec::new(), ..plan });
        for (place, member) in plan.members.iter_mut().enumerate() {
            member.bounds = Bounds::new(place as u32, 1000).expect("ordered");
        }
        if let Some(group) = &mut plan.group {
            group.budget = Some(GroupBudget { max_pods: Some(most), max_cost_per_hour: None });
        }
        // From nothing, so that no replica that is there already has a say.
        let observation = Observation { scales: scales(&vec![0; plan.members.len()]), ..Observation::default() };
        let mut memory = Memory::default();
        for member in &plan.members {
            // Set by the plan itself; what someone else set to 0 is left alone.
            memory.replicas.insert(&member.target, 0);
        }
        let decision = decide(&plan, &mut memory, &observation, Time::default());
        let least = |member: usize| plan.members[member].bounds.min();
        let want = |member: usize| wanted[member].max(least(member));
        let places = 0..plan.members.len();
        let sum = |count: &dyn Fn(usize) -> u32| places.clone().map(|place| u64::from(count(place))).sum::<u64>();
        let to = |member: usize| decision.members[member].to;
        prop_assert_eq!(sum(&to), sum(&want).min(u64::from(most)).max(sum(&least)));
        let free: Vec<usize> = places.clone().filter(|&place| to(place) > least(place)).collect();
        for one in places {
            for &other in &free {
                // Nobody has a pod more than a share that another is short of by a pod.
                let short = (f64::from(to(one)) + 1.0) / f64::from(want(one)).max(1.0);
                let ample = (f64::from(to(other)) - 1.0) / f64::from(want(other));
                prop_assert!(short >= ample - 1e-9, "{one} {other}: {decision:?}");
            }
        }
    }
}
