//! Tables of what the log says of an outage, and when.

use resources::Reason;

use super::*;

const PROMETHEUS: &str = "prometheus at http://prometheus:9090";

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("ScalingRule", "shop", name)
}

fn at(second: u64) -> Time {
    Time::from_seconds(1_700_000_000).plus(Duration::from_secs(second))
}

/// Outages, and what each of their objects was noted for.
#[derive(Default)]
struct Bench {
    outages: Outages,
    noted: HashMap<ObjectKey, Option<Cause>>,
}

impl Bench {
    fn fails_at(&mut self, place: &str, name: &str, second: u64) {
        let cause = Cause { reason: Reason::TargetForbidden, place: place.to_owned() };
        let why = format!("{name} cannot");
        let failing = Failing { cause, why: &why, interval: Some(Duration::from_secs(15)) };
        let before = self.noted.entry(key(name)).or_default();
        self.outages.note(&key(name), before, Some(failing), at(second));
    }

    fn fails(&mut self, name: &str, second: u64) {
        self.fails_at(PROMETHEUS, name, second);
    }

    fn recovers(&mut self, name: &str, second: u64) {
        let before = self.noted.entry(key(name)).or_default();
        self.outages.note(&key(name), before, None, at(second));
    }

    fn goes(&mut self, name: &str, second: u64) {
        let before = self.noted.entry(key(name)).or_default();
        self.outages.forget(&key(name), before, at(second));
    }

    /// The lines of every second up to this one: when, what and of how many objects.
    fn lines(&self, seconds: std::ops::Range<u64>) -> Vec<(u64, Says, usize)> {
        let due = |second| {
            let lines = self.outages.lock().due(at(second));
            lines.into_iter().map(move |line| (second, line.says, line.objects))
        };
        seconds.flat_map(due).collect()
    }
}

#[test]
fn an_outage_of_many_is_a_line_a_few_reminders_and_a_line_at_its_end() {
    let mut bench = Bench::default();
    let names: Vec<String> = (0..200).map(|index| format!("object-{index:03}")).collect();
    let mut lines = Vec::new();
    // Each is polled every 15 s, for ten minutes.
    for second in 0..600 {
        for name in names.iter().skip(second % 15).step_by(15) {
            bench.fails(name, second as u64);
        }
        lines.extend(bench.lines(second as u64..second as u64 + 1));
    }
    for second in 600..615 {
        names.iter().skip(second % 15).step_by(15).for_each(|name| bench.recovers(name, second as u64));
    }
    lines.extend(bench.lines(600..2000));
    let begins = (19, Says::Begins, 200);
    let goes = [79, 199, 439].map(|second| (second, Says::Goes, 200));
    assert_eq!(lines, [&[begins][..], &goes, &[(652, Says::Ends, 200)]].concat());
}

#[test]
fn reminders_come_once_an_hour_at_last() {
    let mut bench = Bench::default();
    bench.fails("web", 0);
    let lines = bench.lines(0..5 * 3600);
    let times: Vec<u64> = lines.iter().map(|(second, ..)| (second - 19) / 60).collect();
    assert_eq!(times, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
}

#[test]
fn two_causes_are_two_lines_and_more_objects_are_said_within_a_minute() {
    let mut bench = Bench::default();
    bench.fails("web", 0);
    bench.fails_at("namespace shop", "orders", 3);
    assert_eq!(bench.lines(0..30), [(19, Says::Begins, 1), (22, Says::Begins, 1)]);
    bench.lines(30..500);
    bench.fails("stock", 500);
    assert_eq!(bench.lines(500..540), [(519, Says::Goes, 2)]);
}

#[test]
fn what_fails_now_and_then_is_one_outage() {
    let mut bench = Bench::default();
    let mut lines = Vec::new();
    for poll in 0..40 {
        match poll % 2 {
            0 => bench.fails("web", poll * 15),
            _ => bench.recovers("web", poll * 15),
        }
        lines.extend(bench.lines(poll * 15..poll * 15 + 15));
    }
    assert!(lines.len() <= 5 && lines.iter().all(|(_, says, _)| *says != Says::Ends), "{lines:?}");
    let end = bench.lines(600..700);
    assert!(matches!(end[..], [(_, Says::Ends, 1)]), "{end:?}");
}

#[test]
fn a_single_failed_poll_has_a_beginning_and_an_end() {
    let mut bench = Bench::default();
    bench.fails("web", 0);
    bench.recovers("web", 15);
    assert_eq!(bench.lines(0..100), [(19, Says::Begins, 1), (57, Says::Ends, 1)]);
}

#[test]
fn an_object_that_changes_its_cause_or_is_deleted_leaves_its_outage() {
    let mut bench = Bench::default();
    bench.fails("web", 0);
    bench.fails("orders", 0);
    bench.lines(0..25);
    bench.fails_at("namespace shop", "web", 30);
    bench.goes("orders", 31);
    let lines = bench.lines(30..75);
    assert_eq!(lines, [(49, Says::Begins, 1), (69, Says::Ends, 1)], "web was one of the first outage");
    bench.goes("web", 80);
    assert_eq!(bench.lines(80..10_000), [], "it is gone, and not ready again");
}

#[test]
fn a_line_names_a_few() {
    let mut bench = Bench::default();
    for name in ["a", "b", "c", "d", "e"] {
        bench.fails(name, 0);
    }
    bench.recovers("a", 5);
    let lines = bench.outages.lock().due(at(19));
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(line.names, "ScalingRule shop/a, ScalingRule shop/b, ScalingRule shop/c, 2 more");
    assert_eq!((line.why.as_str(), line.lasts), ("e cannot", Duration::from_secs(19)));
}

#[test]
fn who_loses_the_lease_for_a_moment_goes_on_where_it_was() {
    let fail = |bench: &mut Bench, seconds: std::ops::Range<u64>| {
        let mut lines = Vec::new();
        for second in seconds {
            if second % 15 < 2 {
                bench.fails(if second % 15 == 0 { "web" } else { "orders" }, second);
            }
            lines.extend(bench.lines(second..second + 1));
        }
        lines
    };
    let lose = |bench: &mut Bench, second: u64| {
        bench.noted.clear();
        bench.outages.lead(false, at(second));
        assert_eq!(bench.lines(second..second + 10), []);
        bench.outages.lead(true, at(second + 10));
    };
    let mut bench = Bench::default();
    assert_eq!(fail(&mut bench, 0..100), [(19, Says::Begins, 2), (79, Says::Goes, 2)]);
    lose(&mut bench, 100);
    assert_eq!(fail(&mut bench, 110..230), [(199, Says::Goes, 2)]);
    lose(&mut bench, 230);
    assert_eq!(bench.lines(240..400), [(278, Says::Ends, 2)], "it was over in between");

    // Somebody else has led for long: what was before is theirs.
    fail(&mut bench, 600..700);
    bench.noted.clear();
    bench.outages.lead(false, at(700));
    bench.outages.lead(true, at(2000));
    assert_eq!(bench.lines(2000..2100), []);
    assert_eq!(fail(&mut bench, 2100..2130), [(2119, Says::Begins, 2)]);
}
