//! `polyscaler demo --real` as someone sees it: a day of requests at real containers, and nothing left of it.

use testbed::real_node;

use crate::demo::{play_with, range, scaled};
use crate::samples::programs::program;

/// A day that a slow machine can follow, too.
const SECONDS: u32 = 60;

#[test]
#[ignore = "real containers want the machine for themselves: simple_e2e.sh runs it alone"]
fn it_shows_real_containers_that_follow_real_requests() {
    if real_node::find_or_skip().unwrap().is_none() {
        return;
    }
    // It runs the one beside it.
    assert!(program("http-app").exists());
    let said = play_with(&["--real"], SECONDS);
    println!("{said}");
    let (least, most) = range(&said, "http-app", "ready");
    assert!(least < most, "{least} to {most} in {said}");
    let (out, back) = scaled(&said, "http-app");
    assert!(out >= 1 && back >= 1, "{out} out, {back} in, in {said}");
    let requests = said.lines().find_map(|line| line.split_once(" requests answered, ")).expect(&said);
    let (answered, failed): (u32, u32) =
        (requests.0.parse().unwrap(), requests.1.trim_end_matches(" failed").parse().unwrap());
    // One in a hundred is what a machine may lose that has no time for it.
    assert!(failed * 100 <= answered, "{said}");
    assert_eq!(real_node::leftovers().unwrap(), Vec::<String>::new());
}
