//! The first look: how many objects, how many of them fail, and how much was scaled.

use std::fmt::Write as _;

use runner::ScaleCount;

use super::html::Escaped;
use super::select::{Selected, Wanted};

/// The page's title, which identifies a tab in the background.
pub(super) fn title(selected: &Selected) -> String {
    match (selected.leads, selected.failing) {
        (false, _) => "polyscaler, standing by".to_owned(),
        (true, 0) => "polyscaler".to_owned(),
        (true, failing) => format!("{failing} failing · polyscaler"),
    }
}

pub(super) fn write(main: &mut String, selected: &Selected, wanted: &Wanted, scaled: ScaleCount) {
    let class = if selected.failing == 0 { "good" } else { "bad" };
    let failing = match selected.failing {
        0 => "<b>0</b> failing".to_owned(),
        count => {
            format!("<a href=\"/?{}\"><b>{count}</b> failing</a>", Escaped(&wanted.only_failing().query(1)))
        }
    };
    let of = match (wanted.limits(), selected.found) {
        (false, 1) => "object".to_owned(),
        (false, _) => "objects".to_owned(),
        (true, _) => format!("of {} objects", selected.all),
    };
    let ScaleCount { known, is_minimum } = scaled;
    let least = if is_minimum { "at least " } else { "" };
    let times = if known == 1 { "scale operation" } else { "scale operations" };
    let _ = write!(
        main,
        "<ul class=\"summary\" data-title=\"{}\"><li><b>{}</b> {of}<li class=\"{class}\">{failing}\
         <li>{least}<b>{known}</b> {times} in the last hour</ul>",
        Escaped(&title(selected)),
        selected.found,
    );
}

/// What a replica shows that does not lead and cannot ask the leader: it polls nothing, so it knows of nothing.
pub(super) fn standing_by(main: &mut String, why: &str) {
    let _ = writeln!(
        main,
        "<p class=\"empty\" data-title=\"polyscaler, standing by\" data-state=\"standing by\">This replica is standing \
         by: it is not the leader, so it does not poll or scale, and cannot show what the leader knows: {}. The \
         leader's page shows every object. The Lease names the leader, and its \
         <code>polyscaler_leader</code> at <code>/metrics</code> is 1.</p>",
        Escaped(why)
    );
}
