//! The members of a group in its row: what fails first, then what changes, then the rest behind a fold.

use std::fmt::Write as _;

use runner::{ObjectState, TargetState};

use super::html::Escaped;

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
