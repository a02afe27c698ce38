//! Every object of one page: its metric and replicas over the last hour, and its last decision.

use std::fmt::Write as _;

use engine::Time;
use runner::{MetricReading, ObjectState, TargetState};

use super::drawing::{self, Shape};
use super::group;
use super::html::{self, Escaped, ago, link};
use super::select::{Selected, Wanted};

pub(super) fn write(main: &mut String, selected: &Selected, wanted: &Wanted, now: Time) {
    main.push_str("<section><h2>Objects</h2>\n");
    if selected.shown.is_empty() {
        main.push_str(if wanted.limits() {
            "<p class=\"empty\">No object matches. <a href=\"/\">Show all</a></p></section>\n"
        } else {
            "<p class=\"empty\">There are no objects yet. Create one, for example a BusinessScaling or a \
             ScalingRule: it appears here after its first poll.</p></section>\n"
        });
        return;
    }
    main.push_str(
        "<table class=\"objects\"><thead><tr><th scope=\"col\">object<th scope=\"col\">metric\
         <th scope=\"col\">replicas<th scope=\"col\">last decision</tr></thead><tbody>\n",
    );
    for state in &selected.shown {
        row(main, state, now);
    }
    main.push_str("</tbody></table>\n");
    pages(main, selected, wanted);
    main.push_str("</section>\n");
}

fn row(main: &mut String, state: &ObjectState, now: Time) {
    let class = if state.ready { "good" } else { "bad" };
    let observe = if state.observe { " <small class=\"mode\">observes, writes nothing</small>" } else { "" };
    let _ = write!(main, "<tr class=\"{class}\"><td>{}{observe}", link(state));
    if let Some(paused) = &state.paused {
        let _ = write!(main, " <small class=\"mode\">{}</small>", Escaped(paused));
    }
    if group::is_group(state) {
        let _ = write!(main, "<br><small>scales {} members</small>", group::size(state));
    } else {
        for target in &state.targets {
            let _ = write!(main, "<br><small>scales {}</small>", Escaped(&target.target));
        }
    }
    main.push_str("<td class=\"metric\">");
    metric(main, state, now);
    main.push_str("<td class=\"replicas\">");
    replicas(main, state, now);
    main.push_str("<td>");
    decision(main, state);
    for warning in &state.warnings {
        let _ =
            write!(main, "<br><small class=\"warning\">warning: {}</small>", Escaped(&warning.to_string()));
    }
    let _ = write!(
        main,
        "<br><small><code>{}</code> {}</small></tr>",
        Escaped(&state.reason),
        ago(now, state.at)
    );
}

fn decision(main: &mut String, state: &ObjectState) {
    if group::is_group(state) {
        group::decisions(main, state);
        return;
    }
    let decision = state.targets.first().map_or("", |target| &target.decision);
    let _ = write!(main, "{}", Escaped(if decision.is_empty() { &state.message } else { decision }));
}

fn metric(main: &mut String, state: &ObjectState, now: Time) {
    let Some(metric) = state.metrics.first() else {
        main.push_str("<small>no metric is read</small>");
        return;
    };
    let value = value_of(metric);
    let class = if metric.value.is_none() { " class=\"error\"" } else { "" };
    let _ = write!(
        main,
        "<span class=\"now\"><b{class}>{value}</b> <small>{}</small></span>{}",
        Escaped(&metric.name),
        drawing::draw(
            &state.history,
            now,
            &metric.name,
            Shape::Line,
            |point| point.value,
            |point| point.expected
        )
    );
    for other in &state.metrics[1..] {
        let _ = write!(main, "<br><small>{} {}</small>", Escaped(&other.name), value_of(other));
    }
}

pub(super) fn value_of(metric: &MetricReading) -> String {
    metric.value.map_or_else(|| "no reading".to_owned(), html::number)
}

fn replicas(main: &mut String, state: &ObjectState, now: Time) {
    let Some(target) = state.targets.first() else {
        main.push_str("<small>replicas are not known</small>");
        return;
    };
    let _ = write!(
        main,
        "<span class=\"now\">{}</span>{}",
        readiness(&state.targets),
        drawing::draw(
            &state.history,
            now,
            "replicas",
            Shape::Steps,
            |point| point.replicas.map(f64::from),
            |_| None
        )
    );
    if let Some(cost) = target.cost {
        let _ = write!(main, "<br><small class=\"cost\">{cost}</small>");
    }
}

/// How many are wanted, and how many of them are ready where that is known of all.
pub(super) fn readiness(targets: &[TargetState]) -> String {
    let desired = targets.iter().map(|target| u64::from(target.desired)).sum::<u64>();
    let ready: Option<u64> = targets.iter().map(|target| target.ready.map(u64::from)).sum();
    match ready {
        Some(ready) if targets.iter().all(|target| target.ready == Some(target.desired)) => {
            format!("<b>{ready}</b> <small>ready</small>")
        }
        Some(ready) => format!("<b>{desired}</b> <small>desired, {ready} ready</small>"),
        None => format!("<b>{desired}</b> <small>desired</small>"),
    }
}

fn pages(main: &mut String, selected: &Selected, wanted: &Wanted) {
    if selected.pages < 2 {
        return;
    }
    let _ = write!(main, "<nav aria-label=\"pages\">page {} of {}", selected.page, selected.pages);
    for (word, page) in [("previous", selected.page - 1), ("next", selected.page + 1)] {
        if (1..=selected.pages).contains(&page) {
            let _ = write!(main, " <a href=\"/?{}\">{word}</a>", Escaped(&wanted.query(page)));
        }
    }
    main.push_str("</nav>\n");
}
