//! Every reason that the code can give has its paragraph, and no paragraph outlives its reason.

use std::collections::BTreeSet;

use resources::Reason;

#[test]
fn every_reason_has_its_paragraph() {
    let page = include_str!("../../../docs/troubleshooting.md");
    let written: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let all = Reason::all();
    let given: BTreeSet<&str> = all.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(given.len(), all.len(), "a reason is named twice");
    assert_eq!(written, given);
}
