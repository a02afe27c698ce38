//! The first look: how many objects, how many of them fail, how much was scaled, and what fails.

use std::fmt::Write as _;
use std::time::Duration;

use engine::Time;
use runner::ScaleOperation;

use super::html::{Escaped, age, full_name};
use super::select::{Selected, Wanted};

const HOUR: Duration = Duration::from_secs(3600);

/// The page's title, which identifies a tab in the background.
pub(super) fn title(selected: &Selected) -> String {
    match (selected.leads, selected.failing) {
        (false, _) => "polyscaler, standing by".to_owned(),
        (true, 0) => "polyscaler".to_owned(),
        (true, failing) => format!("{failing} failing · polyscaler"),
    }
}

pub(super) fn write(
    main: &mut String,
    selected: &Selected,
    wanted: &Wanted,
    actions: &[ScaleOperation],
    now: Time,
) {
    let applied = |action: &&ScaleOperation| action.applied && now.since(action.timestamp) < HOUR;
    let recent = actions.iter().filter(applied).count();
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
    let times = if recent == 1 { "scale operation" } else { "scale operations" };
    let _ = write!(
        main,
        "<ul class=\"summary\" data-title=\"{}\"><li><b>{}</b> {of}<li class=\"{class}\">{failing}\
         <li><b>{recent}</b> {times} in the last hour</ul>",
        Escaped(&title(selected)),
        selected.found,
    );
}

pub(super) fn failing(main: &mut String, selected: &Selected, wanted: &Wanted, now: Time) {
    if selected.failing == 0 {
        return;
    }
    main.push_str("<section><h2>Failing now</h2><ul class=\"failing\">\n");
    for state in &selected.failures {
        let _ = write!(
            main,
            "<li><b>{}</b> <code>{}</code> <small>for {}</small> <span>{}</span>",
            Escaped(&full_name(state)),
            Escaped(&state.reason),
            age(now, state.since),
            Escaped(&state.message),
        );
    }
    let more = selected.failing - selected.failures.len();
    if more > 0 {
        let _ = write!(
            main,
            "<li><a href=\"/?{}\">and {more} more</a>",
            Escaped(&wanted.only_failing().query(1))
        );
    }
    main.push_str("</ul></section>\n");
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
