//! `hpa` and `keda`: what someone would have who uses neither of our kinds, for the same targets and metrics.
//!
//! - **HPA**: the controller's exact arithmetic, a sync every 15 s, tolerance 0.1, no `behavior`: at most twice as many
//!   at once, and a window of 300 s before scale-in.
//! - **KEDA**: that HPA while there is a replica, and beside it KEDA's own loop: a poll every 30 s wakes a target at 0
//!   up when a metric is above 0, and puts it to 0 after a cooldown of 300 s where `minReplicas` is 0.
//!
//! A metric of the manifest is followed with its own target. One without is followed with 80 % of what a replica bears,
//! and a queue with what a replica serves in half a minute. The members of a group have an HPA each, which follows what
//! reaches it.

use std::time::Duration;

use engine::hpa::{Hpa, HpaSpec};
use engine::pod_metric::Startup;
use engine::{AbsentMetric, TargetType, Time};
use serde_json::{Value, json};

use super::{Contender, Keda, Order, Planned, Seen};
use crate::workload::{Bound, Signal, SignalKind, Workload};
use crate::{KedaLoop, Manifest};

/// The share of its capacity at which a replica is to run, where nobody says so.
const USUAL_SHARE: f64 = 0.8;
/// Seconds in which a replica serves what is aimed for in a queue, where nobody says so.
const USUAL_QUEUE: f64 = 30.0;

/// What is followed at one member.
struct Followed {
    signal: Signal,
    type_: TargetType,
    target: f64,
}

/// The HPA of each target of `manifest`, from `start` on.
pub fn hpa(manifest: &Manifest, bound: &Bound, start: Time) -> Several {
    let members = 0..bound.workload.members.len();
    Several(
        members
            .map(|member| Box::new(of_member(manifest, bound, member, start)) as Box<dyn Contender>)
            .collect(),
    )
}

/// The ScaledObject of each target of `manifest`, from `start` on.
pub fn keda(manifest: &Manifest, bound: &Bound, start: Time) -> Several {
    let contenders = bound.workload.contenders;
    let loops = (0..bound.workload.members.len()).map(|member| {
        let followed = followed(manifest, bound, member).into_iter();
        let signals: Vec<Signal> = followed.map(|followed| followed.signal).collect();
        let bounds = bound.workload.members[member].bounds;
        let settings = KedaLoop {
            polling_interval: contenders.keda_polling_interval.0.max(Duration::from_secs(1)),
            cooldown: contenders.keda_cooldown_period.0,
            bounds,
            sleeps: bounds.min() == 0,
            activations: vec![Some(0.0); signals.len()],
        };
        let hpa = of_member(manifest, bound, member, start);
        Box::new(Keda::new(hpa, signals, member, settings, start)) as Box<dyn Contender>
    });
    Several(loops.collect())
}

fn of_member(manifest: &Manifest, bound: &Bound, member: usize, start: Time) -> Planned {
    let Workload { contenders, members, .. } = &bound.workload;
    let bounds = members[member].bounds;
    let followed = followed(manifest, bound, member);
    let metrics: Vec<Value> =
        followed.iter().enumerate().map(|(place, followed)| metric(place, followed)).collect();
    let spec = json!({
        "minReplicas": bounds.min().max(1),
        "maxReplicas": bounds.max().max(1),
        "metrics": metrics,
    });
    let spec: HpaSpec = serde_json::from_value(spec).unwrap_or_default();
    let signals = followed.iter().map(|followed| followed.signal).collect();
    // What is made here is sound; an HPA without metrics would follow nothing.
    let hpa = Hpa::compile(&spec, "spec").unwrap_or_else(|problems| unreachable!("{problems:?}"));
    let queries = followed.iter().map(|_| crate::manifest::unasked("external"));
    let target = manifest.plan.members[member].target.clone();
    let interval = contenders.hpa_sync_period.0.max(Duration::from_secs(1));
    let plan = hpa.plan(target, queries, Startup::default(), interval);
    Planned::new(plan, signals, start).of_member(member).delayed(contenders.hpa_metric_delay.0)
}

fn metric(place: usize, followed: &Followed) -> Value {
    let quantity = format!("{}m", ((followed.target * 1000.0).round() as i64).max(1));
    let target = match followed.type_ {
        TargetType::AverageValue => json!({ "type": "AverageValue", "averageValue": quantity }),
        TargetType::Value => json!({ "type": "Value", "value": quantity }),
    };
    json!({ "type": "External", "external": { "metric": { "name": format!("metric-{place}") }, "target": target } })
}

/// What is followed at the member at `member`: never nothing.
fn followed(manifest: &Manifest, bound: &Bound, member: usize) -> Vec<Followed> {
    let (plan, service) = (&manifest.plan, &bound.workload.members[member]);
    let usual = |signal: Signal| {
        let target = match signal.kind {
            SignalKind::Queue(_) => service.capacity / bound.workload.per * USUAL_QUEUE,
            _ => service.capacity * USUAL_SHARE,
        };
        Followed { signal, type_: TargetType::AverageValue, target }
    };
    let arrivals = Signal { kind: SignalKind::Arrivals(member), scale: 1.0 };
    if plan.group.is_some() {
        return vec![usual(arrivals)];
    }
    let metrics = plan.metrics.iter().zip(&bound.signals);
    let all: Vec<Followed> = metrics
        .map(|(metric, signal)| match (metric.target, signal.kind) {
            // An HPA would measure the pods; what reaches them is the same without the noise.
            (_, SignalKind::Utilization(_)) => usual(arrivals),
            (Some(target), _) => Followed { signal: *signal, type_: target.type_(), target: target.value() },
            (None, _) => usual(*signal),
        })
        .collect();
    if all.is_empty() { vec![usual(arrivals)] } else { all }
}

/// Several contenders, each for members of its own.
pub struct Several(Vec<Box<dyn Contender>>);

impl Contender for Several {
    fn due(&self) -> Time {
        self.0.iter().map(|one| one.due()).min().unwrap_or(Time::from_millis(i64::MAX))
    }

    fn look(&mut self, seen: &Seen<'_>, orders: &mut Vec<Order>) {
        for one in self.0.iter_mut().filter(|one| one.due() <= seen.now()) {
            one.look(seen, orders);
        }
    }

    fn never_read(&self) -> Vec<AbsentMetric> {
        self.0.iter().flat_map(|one| one.never_read()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::replay::{Entry, ReplayOptions, Result, replay};
    use crate::testing::{Scene, manifest, scaler};

    fn replayed(scene: &Scene, make: fn(&Manifest, &Bound, Time) -> Several) -> Result {
        let contender = make(&scene.manifest, &scene.bound, Time::default());
        let entry = Entry { name: "it".to_owned(), contender: Box::new(contender), replicas: None };
        let options: ReplayOptions = Scene::options();
        let replayed =
            replay(&mut scene.grid(), &scene.bound.workload, vec![entry], &options, &mut |_| {}).unwrap();
        replayed.results.into_iter().next().unwrap()
    }

    fn changes(result: &Result) -> Vec<(i64, u32, u32)> {
        result
            .decisions
            .iter()
            .map(|decided| (decided.at.as_millis() / 1000, decided.from, decided.to))
            .collect()
    }

    #[test]
    fn the_hpa_tolerates_doubles_and_waits_before_it_scales_in() {
        // 200, 205 (within the tolerance), 1700 and 200 requests; a replica is to have 100.
        let value = |step: i32| match step {
            0..20 => 200.0,
            20..40 => 215.0,
            40..80 => 1700.0,
            _ => 200.0,
        };
        let values = (0..160).map(value).collect();
        let scene = Scene::new(scaler("requests", 100.0), "startup: 15s", values, 15);
        let found = changes(&replayed(&scene, hpa));
        assert_eq!(found[0], (600, 2, 4), "no more than max(2 × 2, 4) at once");
        assert_eq!(found[1..3], [(615, 4, 8), (630, 8, 16)]);
        let last = found[found.len() - 1];
        assert_eq!((last.0, last.2), (1185 + 300, 2), "the window of 300 s: {found:?}");
    }

    #[test]
    fn keda_wakes_and_puts_to_sleep() {
        let mut object = scaler("requests", 100.0).object;
        object["spec"]["minReplicas"] = 0.into();
        let value = |step: i32| if (40..60).contains(&step) { 150.0 } else { 0.0 };
        let values = (0..160).map(value).collect();
        let scene = Scene::new(manifest(object), "startup: 15s\ninitialReplicas: 0", values, 15);
        let found = replayed(&scene, keda);
        let (first, last) = (changes(&found)[0], *changes(&found).last().unwrap());
        assert_eq!(first, (600, 0, 1));
        assert_eq!((last.1, last.2), (1, 0));
        let (asleep, quiet) = (last.0, 900);
        assert!((quiet + 300..=quiet + 345).contains(&asleep), "after the cooldown: {:?}", changes(&found));
        assert_eq!(found.decisions[0].steps, ["keda 0→1 (a metric is above 0)"]);
    }

    #[test]
    fn an_older_value_is_seen_later() {
        let values: Vec<f64> = (0..80).map(|step| if step < 40 { 200.0 } else { 400.0 }).collect();
        let at = |yaml: &str| {
            let scene = Scene::new(scaler("requests", 100.0), yaml, values.clone(), 15);
            changes(&replayed(&scene, hpa))[0].0
        };
        assert_eq!(at("startup: 15s"), 600);
        assert_eq!(at("startup: 15s\ncontenders: {hpaMetricDelay: 60s}"), 660);
        assert_eq!(at("startup: 15s\ncontenders: {hpaSyncPeriod: 40s}"), 600);
    }

    #[test]
    fn each_member_of_a_group_has_one_of_its_own() {
        let values = (0..60).map(|step| if step < 20 { 200.0 } else { 900.0 }).collect();
        let scene = Scene::new(manifest(crate::testing::group()), "startup: 15s", values, 15);
        let found = replayed(&scene, hpa);
        let of_db: Vec<i64> = found
            .decisions
            .iter()
            .filter(|decided| decided.member == 1)
            .map(|decided| decided.at.as_millis() / 1000)
            .collect();
        assert!(of_db.len() > 2 && of_db[1] >= 300 + 15, "db sees what web hands on, later: {of_db:?}");
        assert_eq!(Scene::options().interval_millis, Duration::from_secs(15).as_millis() as i64);
    }
}
