//! What a poll came to, in one word of a closed list: a metric's label and a span's attribute.

use resources::Poll;

/// The label of a poll's outcome.
pub(crate) fn came_to(poll: &Poll) -> &'static str {
    if poll.wrote() {
        "scaled"
    } else if poll.members.iter().any(|member| matches!(member.write, Some(Err(_)))) {
        "write_failed"
    } else if poll.members.iter().any(|member| member.seen.is_err()) {
        "target_unavailable"
    } else if !poll.decision.absences.is_empty() {
        "metric_absent"
    } else if poll.decision.scales() {
        "observed"
    } else {
        "unchanged"
    }
}
