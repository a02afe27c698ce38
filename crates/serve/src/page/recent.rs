//! The last scale operations: when, what, from, to, why.

use std::fmt::Write as _;

use engine::Time;
use runner::ScaleOperation;

use super::html::{Escaped, ago, clock};
use super::select::Wanted;

/// Scale operations that are seen at once.
const SEEN: usize = 6;
/// Scale operations that the page has at all; `/scaling-activity` has all that are remembered.
const LISTED: usize = 40;

pub(super) fn write(main: &mut String, actions: &[ScaleOperation], wanted: &Wanted, now: Time) {
    main.push_str("<section><h2>What scaled</h2>\n");
    if actions.is_empty() {
        main.push_str(if wanted.limits() {
            "<p class=\"empty\">No scale operation matches.</p></section>\n"
        } else {
            "<p class=\"empty\">Nothing has been scaled, as far as is known.</p></section>\n"
        });
        return;
    }
    let (seen, folded) = actions[..actions.len().min(LISTED)].split_at(actions.len().min(SEEN));
    table(main, seen, now);
    if !folded.is_empty() {
        let _ = writeln!(main, "<details><summary>{} earlier ones</summary>", actions.len() - seen.len());
        table(main, folded, now);
        if actions.len() > LISTED {
            main.push_str(
                "<p class=\"more\"><a href=\"/scaling-activity\">All scale operations as JSON</a>\n",
            );
        }
        main.push_str("</details>\n");
    }
    main.push_str("</section>\n");
}

/// The scale operations of one object.
pub(super) fn of_object(main: &mut String, actions: &[ScaleOperation], now: Time) {
    main.push_str("<section><h2>What scaled</h2>\n");
    if actions.is_empty() {
        main.push_str("<p class=\"empty\">No scale operation is remembered.</p></section>\n");
        return;
    }
    table(main, &actions[..actions.len().min(LISTED)], now);
    main.push_str("</section>\n");
}

fn table(main: &mut String, actions: &[ScaleOperation], now: Time) {
    main.push_str(
        "<table class=\"recent\"><thead><tr><th scope=\"col\">when<th scope=\"col\">what\
         <th scope=\"col\">from → to<th scope=\"col\">why</tr></thead><tbody>\n",
    );
    for action in actions {
        row(main, action, now);
    }
    main.push_str("</tbody></table>\n");
}

fn row(main: &mut String, action: &ScaleOperation, now: Time) {
    let (class, mark) = match (action.applied, &action.error) {
        (true, _) if action.to > action.from => ("out", "▲ out"),
        (true, _) => ("in", "▼ in"),
        (false, Some(_)) => ("bad", "not done"),
        (false, None) => ("observed", "observed, not written"),
    };
    let _ = write!(
        main,
        "<tr class=\"{class}\"><td class=\"when\"><time datetime=\"{0}\" title=\"{0}\">{1} <small>{2}</small></time>\
         <td class=\"what\"><b>{3}</b><br><small>by {4} {5}/{6}</small>\
         <td class=\"change\">{7} → {8} <small>{mark}</small><td class=\"why\">{9}",
        action.timestamp,
        ago(now, action.timestamp),
        clock(action.timestamp),
        Escaped(&action.target),
        Escaped(action.kind),
        Escaped(&action.namespace),
        Escaped(&action.name),
        action.from,
        action.to,
        Escaped(&why(action))
    );
    if let Some(error) = &action.error {
        let _ = write!(main, "<br><span class=\"error\">{}</span>", Escaped(error));
    }
    if let Some(manager) = &action.reverted_by {
        let _ = write!(main, "<br><span class=\"error\">set back by {}</span>", Escaped(manager));
    }
    main.push_str("</tr>\n");
}

/// How the replicas came about.
fn why(action: &ScaleOperation) -> String {
    match &action.steps[..] {
        [] => "made under an earlier leader, whose audit trail has the steps".to_owned(),
        steps => steps.join(", "),
    }
}
