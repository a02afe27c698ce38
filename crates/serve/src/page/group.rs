//! The members of a group in its row: what fails first, then what changes, then the rest behind a fold.

use std::fmt::Write as _;

use runner::{ObjectState, TargetState};

use super::html::Escaped;
use super::objects::readiness;

/// So many members are seen at once.
const SEEN: usize = 4;

pub(super) fn is_group(state: &ObjectState) -> bool {
    !state.failing.is_empty() || state.targets.iter().any(|target| target.member.is_some())
}

/// How many members there are, whether or not their targets could be read.
pub(super) fn size(state: &ObjectState) -> usize {
    let is_unread =
        |member: &str| !state.targets.iter().any(|target| target.member.as_deref() == Some(member));
    state.targets.len() + state.failing.iter().filter(|failing| is_unread(&failing.member)).count()
}

pub(super) fn decisions(main: &mut String, state: &ObjectState) {
    let failing = state.failing.iter().map(|failing| {
        let (member, message) = (Escaped(&failing.member), Escaped(&failing.message));
        format!(
            "<b>{member}</b> <code>{}</code> <span class=\"error\">{message}</span>",
            Escaped(&failing.reason)
        )
    });
    let (changing, steady): (Vec<_>, Vec<_>) = state.targets.iter().partition(|target| changes(target));
    let lines: Vec<String> = failing.chain(changing.into_iter().chain(steady).map(line)).collect();
    let (seen, folded) = lines.split_at(lines.len().min(SEEN));
    main.push_str(&seen.join("<br>"));
    if !folded.is_empty() {
        let _ = write!(
            main,
            "<details><summary>{} more members</summary>{}</details>",
            folded.len(),
            folded.join("<br>")
        );
    }
}

/// The members on the group's own page: those that fail first.
pub(super) fn members(main: &mut String, state: &ObjectState) {
    main.push_str(
        "<section><h2>Members</h2>\n<table class=\"facts members\"><thead><tr><th scope=\"col\">member\
         <th scope=\"col\">replicas<th scope=\"col\">bounds<th scope=\"col\">last decision</tr></thead><tbody>\n",
    );
    for failing in &state.failing {
        let (member, reason, message) =
            (Escaped(&failing.member), Escaped(&failing.reason), Escaped(&failing.message));
        let _ = write!(
            main,
            "<tr class=\"bad\"><td><b>{member}</b><td><code>{reason}</code><td><td class=\"error\">{message}</tr>"
        );
    }
    for target in &state.targets {
        let TargetState { target: scaled, member, min, max, decision, .. } = target;
        let _ = write!(
            main,
            "<tr><td><b>{}</b> <small>{}</small><td>{}<td>{min} to {max} allowed<td>{}</tr>",
            Escaped(member.as_deref().unwrap_or(scaled)),
            Escaped(scaled),
            readiness(std::slice::from_ref(target)),
            Escaped(decision),
        );
    }
    main.push_str("</tbody></table></section>\n");
}

fn changes(target: &TargetState) -> bool {
    target.ready.is_some_and(|ready| ready != target.desired) || target.current != target.desired
}

fn line(target: &TargetState) -> String {
    let name = Escaped(target.member.as_deref().unwrap_or(&target.target));
    let ready = match target.ready {
        Some(ready) if ready != target.desired => format!(", {ready} ready"),
        _ => String::new(),
    };
    format!("<b>{name}</b> {}{ready} <small>{}</small>", target.desired, Escaped(&target.decision))
}
