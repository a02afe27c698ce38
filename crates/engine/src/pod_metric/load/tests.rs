use super::*;
use crate::number::ceil_of_quotient;
use crate::pod_metric::fixture::{NOW, percent_of_cpu, pod, pods};

fn load(pods: &[PodSample], replicas: u32) -> PodLoad {
    PodLoad::new(&percent_of_cpu(), pods, replicas, Some(80.0), Startup::default(), NOW).unwrap()
}

/// What one replica for each 80 percent comes to, as far as both bounds agree.
fn count(pods: &[PodSample], replicas: u32) -> u32 {
    let load = load(pods, replicas);
    let (least, most) = (ceil_of_quotient(load.low, 80.0), ceil_of_quotient(load.high, 80.0));
    assert!(load.low <= load.high || load.surge > 0, "{load:?}");
    replicas.clamp(least.min(most), least.max(most))
}

#[test]
fn where_all_is_known_the_bounds_are_the_same() {
    let load = load(&pods(4, 120), 4);
    let known = PodLoad { average: 120.0, counted: 4, unknown: 0, surge: 0, low: 480.0, high: 480.0 };
    assert_eq!(load, known);
    assert!(load.is_exact());
    for (percent, wanted) in [(120, 6), (40, 2), (80, 4), (0, 0)] {
        assert_eq!(count(&pods(4, percent), 4), wanted, "{percent}");
    }
}

/// `kubectl rollout restart` of 10 pods with a surge of 100 percent.
#[test]
fn a_rolling_update_never_adds_to_the_count() {
    for (percent, wanted) in [(70, 10), (80, 10), (38, 10), (35, 9), (20, 5), (96, 12)] {
        assert_eq!(count(&pods(20, percent), 10), wanted, "{percent}");
    }
    // The new ones start: the old ones still do the work.
    let starting: Vec<PodSample> = (0..10).map(|index| pod(&format!("new-{index}")).starting()).collect();
    for (percent, wanted) in [(70, 9), (120, 15), (40, 5)] {
        assert_eq!(count(&[pods(10, percent), starting.clone()].concat(), 10), wanted, "{percent}");
    }
    // They are ready, and nobody has measured them.
    let missing: Vec<PodSample> = (0..10).map(|index| pod(&format!("new-{index}"))).collect();
    for (percent, wanted) in [(70, 10), (120, 15), (10, 10)] {
        assert_eq!(count(&[pods(10, percent), missing.clone()].concat(), 10), wanted, "{percent}");
    }
}

/// 4 pods at 120 percent have become 6, of which two are new.
#[test]
fn new_pods_do_not_undo_the_scale_out_that_made_them() {
    let new = [
        ("not measured", vec![pod("x"), pod("y")]),
        ("starting", vec![pod("x").starting(), pod("y").pending()]),
        ("not there yet", vec![]),
    ];
    for (why, new) in new {
        for (percent, wanted) in [(80, 6), (70, 6), (120, 6), (180, 9), (40, 5), (10, 3)] {
            assert_eq!(count(&[pods(4, percent), new.clone()].concat(), 6), wanted, "{why} {percent}");
        }
    }
    let seen = load(&[pods(4, 120), vec![pod("x")]].concat(), 6);
    // (480 + 100 + 100) / 6 is 113, cut off.
    let (low, high) = (480.0, 678.0);
    assert_eq!(seen, PodLoad { average: 120.0, counted: 4, unknown: 2, surge: 0, low, high });
}

#[test]
fn only_pods_that_the_target_owns_and_that_work_count() {
    let others = vec![
        pod("job").using(900).foreign(),
        pod("going").using(900).deleted(),
        pod("failed").using(900).failed(),
        pod("ended").using(900).ended(),
    ];
    assert_eq!(load(&[pods(4, 80), others].concat(), 4), load(&pods(4, 80), 4));
}

#[test]
fn an_overload_is_no_reason_to_scale_in() {
    // A quota lets 12 of 20 exist.
    assert_eq!(count(&pods(12, 120), 20), 20);
    assert_eq!(count(&pods(12, 180), 20), 27);
}

#[test]
fn a_measurement_from_long_ago_says_nothing() {
    let old = |seconds| [pods(3, 80), vec![pod("x").using(10).measured(seconds)]].concat();
    assert_eq!(load(&old(300), 4).counted, 4);
    assert_eq!((load(&old(301), 4).counted, load(&old(301), 4).unknown), (3, 1));
}

#[test]
fn an_amount_is_in_the_unit_of_the_resource() {
    let usage = PodMeasure { amount: PodAmount::Usage, ..percent_of_cpu() };
    let load = |pods: &[PodSample], aim| PodLoad::new(&usage, pods, 4, aim, Startup::default(), NOW).unwrap();
    let all = load(&pods(4, 120), None);
    assert_eq!((all.average, all.low, all.high), (0.6, 2.4, 2.4));
    let three = [pods(3, 120), vec![pod("x")]].concat();
    let bounds = |load: PodLoad| (load.low, load.high);
    // A pod that is not known is taken to use what is aimed for, or else what it requests.
    assert_eq!(bounds(load(&three, Some(0.4))), (1.8, 2.2));
    assert_eq!(bounds(load(&three, None)), (1.8, 2.3));
    // Cores need no request.
    let bare: Vec<PodSample> = pods(4, 120).into_iter().map(|pod| pod.requesting(None)).collect();
    assert_eq!(bounds(load(&bare, None)), (2.4, 2.4));
}

#[test]
fn why_nothing_is_known_is_reported() {
    let known = |measure: &PodMeasure, pods: &[PodSample]| {
        PodLoad::new(measure, pods, 3, None, Startup::default(), NOW)
            .map(|_| ())
            .map_err(|why| why.to_string())
    };
    let (cpu, advice) =
        (percent_of_cpu(), "set resources.requests.cpu, or measure usage instead of utilization");
    let web = PodMeasure { container: Some("web".to_owned()), ..percent_of_cpu() };
    for (measure, pods, message) in [
        (&cpu, vec![], "it has no pods to measure".to_owned()),
        (&cpu, vec![pod("job").using(80).foreign()], "it has no pods to measure".to_owned()),
        (&cpu, vec![pod("a")], "none of its 1 pods can be counted: pod a is not measured yet".to_owned()),
        (
            &cpu,
            vec![pod("a").starting()],
            "none of its 1 pods can be counted: pod a is not ready yet".to_owned(),
        ),
        (
            &cpu,
            vec![pod("a").requesting(None)],
            format!("missing request for cpu in container app of pod a: {advice}"),
        ),
        (
            &cpu,
            vec![pod("a").requesting(Some(0))],
            format!("missing request for cpu in container app of pod a: {advice}"),
        ),
        (&web, vec![pod("a").using(80)], "pod a has no container \"web\"".to_owned()),
    ] {
        assert_eq!(known(measure, &pods), Err(message));
    }
    let foreign = [pods(1, 80), vec![pod("job").foreign().requesting(None)]].concat();
    assert_eq!(known(&cpu, &foreign), Ok(()), "what does not count need not request anything");
}
