use super::*;
use crate::pod_metric::fixture::{NOW, percent_of_cpu, pod, pods};
use crate::pod_metric::{PodAmount, PodMeasure};

fn ask(
    measure: &PodMeasure,
    aim: PodAim,
    pods: &[PodSample],
    current: u32,
) -> Result<PodAnswer, PodsUnknown> {
    let (tolerance, startup) = (Tolerance::default(), Startup::default());
    PodQuestion { measure, aim, tolerance, startup }.ask(pods, current, NOW)
}

/// The count for 80 percent of the requested processor time.
fn count(pods: &[PodSample], current: u32) -> u32 {
    ask(&percent_of_cpu(), PodAim::Percent(80), pods, current).unwrap().replicas
}

#[test]
fn all_measured_pods_make_the_ratio() {
    for (percent, replicas, wanted) in [
        (120, 4, 6),
        (160, 4, 8),
        (80, 4, 4),
        (88, 4, 4),
        (89, 4, 5),
        (72, 4, 4),
        (71, 4, 4),
        (40, 4, 2),
        (0, 4, 0),
    ] {
        assert_eq!(count(&pods(replicas, percent), replicas), wanted, "{percent}");
    }
}

#[test]
fn utilization_is_cut_off_to_a_whole_percent() {
    let mut uneven = pods(3, 80);
    // 88.97 percent are 88, which the tolerance covers.
    for pod in &mut uneven {
        pod.usage.as_mut().unwrap().containers[0].milli = 444;
    }
    let answer = ask(&percent_of_cpu(), PodAim::Percent(80), &uneven, 3).unwrap();
    assert_eq!((answer.average, answer.replicas), (88, 3));
}

#[test]
fn pods_without_a_measurement_are_idle_on_the_way_out_and_busy_on_the_way_in() {
    let with_missing =
        |percent| [pods(4, percent), vec![pod("x").unmeasured(), pod("y").unmeasured()]].concat();
    for (percent, current, wanted) in [
        (120, 6, 6),
        (180, 6, 9),
        // (4 × 40 + 2 × 100) / 6 = 60 percent.
        (40, 6, 5),
        (70, 6, 6),
        (80, 6, 6),
    ] {
        assert_eq!(count(&with_missing(percent), current), wanted, "{percent}");
    }
    // Above 100 percent, what is aimed for is what a busy pod uses.
    let answer = ask(&percent_of_cpu(), PodAim::Percent(200), &with_missing(140), 6).unwrap();
    assert_eq!((answer.average, answer.assumed, answer.replicas), (140, 2, 5));
}

#[test]
fn unready_pods_are_idle_on_the_way_out_and_not_there_on_the_way_in() {
    let with_unready = |percent| [pods(4, percent), vec![pod("x").pending(), pod("y").starting()]].concat();
    for (percent, wanted) in [(120, 6), (180, 9), (80, 6), (70, 4), (40, 2)] {
        assert_eq!(count(&with_unready(percent), 6), wanted, "{percent}");
    }
    // Memory is used from the start.
    let memory = PodMeasure { resource: PodResource::Memory, ..percent_of_cpu() };
    let starting = [pods(1, 160), vec![pod("x").using(160).starting()]].concat();
    assert_eq!(ask(&memory, PodAim::Percent(80), &starting, 2).unwrap().replicas, 4);
}

/// What is known to be wrong, and kept: surge multiplies, and whoever has the labels counts.
#[test]
fn surge_and_foreign_pods_count() {
    assert_eq!(count(&pods(20, 70), 10), 18);
    let surging = ask(&percent_of_cpu(), PodAim::Percent(80), &pods(20, 70), 10).unwrap();
    assert_eq!((surging.surge, surging.left_out), (10, 0));
    let starting = [pods(4, 40), vec![pod("x").pending(), pod("y").starting()]].concat();
    let starting = ask(&percent_of_cpu(), PodAim::Percent(80), &starting, 6).unwrap();
    assert_eq!((starting.surge, starting.left_out, starting.replicas), (0, 2, 2));
    assert_eq!(count(&[pods(4, 80), vec![pod("job").using(400).foreign()]].concat(), 4), 9);
    assert_eq!(
        count(&[pods(4, 40), vec![pod("done").ended()]].concat(), 4),
        4,
        "one that succeeded is missing"
    );
}

#[test]
fn pods_that_are_gone_or_failed_do_not_count() {
    let others = vec![pod("x").using(400).deleted(), pod("y").using(400).failed()];
    assert_eq!(count(&[pods(4, 80), others].concat(), 4), 4);
}

#[test]
fn an_amount_is_averaged_over_pods() {
    let usage = PodMeasure { amount: PodAmount::Usage, ..percent_of_cpu() };
    let ask = |pods: &[PodSample], current| ask(&usage, PodAim::Milli(400), pods, current).unwrap();
    assert_eq!((ask(&pods(4, 120), 4).average, ask(&pods(4, 120), 4).replicas), (600, 6));
    let missing = |percent| [pods(4, percent), vec![pod("x").unmeasured(), pod("y").unmeasured()]].concat();
    // (4 × 200 + 2 × 400) / 6 = 266.
    assert_eq!(ask(&missing(40), 6).replicas, 4);
    assert_eq!(ask(&missing(120), 6).replicas, 6);
    assert_eq!(ask(&missing(80), 6).replicas, 6, "at the very target they stay out");
}

#[test]
fn why_nothing_is_asked_for_is_reported() {
    let ask = |pods: &[PodSample]| {
        ask(&percent_of_cpu(), PodAim::Percent(80), pods, 3).map(|answer| answer.replicas)
    };
    assert_eq!(ask(&[]), Err(PodsUnknown::NoPods));
    assert_eq!(
        ask(&[pod("a").pending()]).unwrap_err().to_string(),
        "none of its 1 pods can be counted: pod a is Pending"
    );
    // Also of a pod that does not count.
    let bare = [pods(3, 80), vec![pod("x").deleted().requesting(None)]].concat();
    let message = ask(&bare).unwrap_err().to_string();
    assert!(message.starts_with("missing request for cpu in container app of pod x"), "{message}");
    assert_eq!(ask(&[pod("a").using(80).requesting(Some(0))]), Err(PodsUnknown::NothingRequested));
    let other = PodMeasure { container: Some("web".to_owned()), ..percent_of_cpu() };
    let aim = PodAim::Percent(80);
    let question =
        PodQuestion { measure: &other, aim, tolerance: Tolerance::default(), startup: Startup::default() };
    let unknown = question.ask(&pods(1, 80), 1, NOW).unwrap_err();
    assert_eq!(unknown.to_string(), "pod pod-0 has no container \"web\"");
}

/// metrics-server may know a pod and not all of its containers yet.
#[test]
fn a_pod_whose_container_was_not_measured_is_missing() {
    let of_app = PodMeasure { container: Some("app".to_owned()), ..percent_of_cpu() };
    let elsewhere = |name: &str| {
        let mut pod = pod(name).using(80);
        pod.usage.as_mut().unwrap().containers[0].container = "side".to_owned();
        pod
    };
    let some = [pods(4, 40), vec![elsewhere("x"), elsewhere("y")]].concat();
    let answer = ask(&of_app, PodAim::Percent(80), &some, 6).unwrap();
    // (4 × 40 + 2 × 100) / 6 = 60 percent: as for pods without any measurement.
    assert_eq!((answer.measured, answer.assumed, answer.replicas), (4, 2, 5));
    let none = ask(&of_app, PodAim::Percent(80), &[elsewhere("x")], 1).unwrap_err();
    assert_eq!(none.to_string(), "none of its 1 pods can be counted: pod x is not measured yet");
    // An amount needs no request, so nobody looks whether the pod has the container.
    let usage =
        PodMeasure { amount: PodAmount::Usage, container: Some("web".to_owned()), ..percent_of_cpu() };
    let none = ask(&usage, PodAim::Milli(400), &pods(1, 80), 1).unwrap_err();
    assert_eq!(none.to_string(), "none of its 1 pods can be counted: pod pod-0 is not measured yet");
}
