//! The page of one object: its metric against what it is compared with, the replicas over the hours, every decision
//! that differs from the one before, its conditions and its Events.

use std::fmt::Write as _;

use engine::Time;
use runner::{
    DecisionResult, Detail, ObjectCondition, ObjectState, PastDecision, PastEvent, Point, ScaleOperation,
    TargetState,
};

use super::chart::{Chart, Series};
use super::drawing::Shape;
use super::group;
use super::html::{Escaped, age, ago, clock, full_name, number};
use super::objects::{readiness, value_of};
use super::recent;

/// The page's title, which tells a tab in the background by itself.
pub(super) fn title(state: &ObjectState) -> String {
    let failing = if state.ready { "" } else { "failing · " };
    format!("{failing}{} · polyscaler", full_name(state))
}

pub(super) fn write(
    main: &mut String,
    state: &ObjectState,
    detail: &Detail,
    actions: &[ScaleOperation],
    now: Time,
) {
    summary(main, state, now);
    let points: Vec<Point> = state.history.iter().collect();
    main.push_str("<section><h2>The last hours</h2>\n");
    if let Some(chart) = metric(state) {
        chart.write(main, &points, now);
    }
    replicas(state).write(main, &points, now);
    main.push_str("</section>\n");
    if group::is_group(state) {
        group::members(main, state);
    }
    decisions(main, detail, now);
    recent::of_object(main, actions, now);
    conditions(main, detail, now);
    events(main, state, detail, now);
}

/// There is no such object.
pub(super) fn missing(main: &mut String, name: &str) {
    let _ = writeln!(
        main,
        "<p class=\"empty\" data-title=\"polyscaler\">There is no object {}, or it has not been looked at yet. \
         <a href=\"/\">All objects</a></p>",
        Escaped(name)
    );
}

fn summary(main: &mut String, state: &ObjectState, now: Time) {
    let class = if state.ready { "good" } else { "bad" };
    let ready = if state.ready { "Ready" } else { "not ready" };
    let _ = write!(
        main,
        "<ul class=\"summary\" data-title=\"{}\"><li class=\"{class}\"><b>{ready}</b>",
        Escaped(&title(state)),
    );
    if *state.reason != *"Ready" {
        let _ = write!(main, " <code>{}</code>", Escaped(&state.reason));
    }
    let _ = write!(main, " for {}", age(now, state.since));
    if state.observe {
        main.push_str("<li><b>observes</b> and writes nothing");
    }
    if let Some(paused) = &state.paused {
        let _ = write!(main, "<li><b>{}</b>", Escaped(paused));
    }
    for metric in &state.metrics {
        let _ = write!(main, "<li>{} <b>{}</b>", Escaped(&metric.name), value_of(metric));
    }
    if !state.targets.is_empty() {
        let _ = write!(main, "<li>replicas {}", readiness(&state.targets));
    }
    let message = Escaped(&state.message);
    let _ = write!(
        main,
        "</ul><p class=\"message\">{message} <small>looked at {}</small></p>",
        ago(now, state.at)
    );
    for warning in &state.warnings {
        let _ = write!(main, "<p class=\"warning\">warning: {}</p>", Escaped(&warning.to_string()));
    }
    for target in state.targets.iter().filter(|target| target.member.is_none()) {
        let TargetState { target, min, max, .. } = target;
        let _ = write!(main, "<p><small>scales {}, {min} to {max} replicas</small></p>", Escaped(target));
    }
}

/// The first metric, against what it is compared with.
fn metric(state: &ObjectState) -> Option<Chart<'_>> {
    let metric = state.metrics.first()?;
    let value = Series {
        name: metric.name.to_string(),
        shape: Shape::Line,
        value: Box::new(|point: &Point| point.value),
    };
    let limits = metric.levels.iter().map(|&level| {
        if !level.is_per_replica {
            return Series::constant(level.name, level.value);
        }
        Series {
            name: format!("{} {} a replica", level.name, number(level.value)),
            shape: Shape::Steps,
            value: Box::new(move |point: &Point| point.replicas.map(|replicas| level.of(replicas))),
        }
    });
    Some(Chart { title: metric.name.to_string(), series: vec![value], limits: limits.collect() })
}

fn replicas(state: &ObjectState) -> Chart<'_> {
    let series = |name: &str, count: fn(&Point) -> Option<u32>| Series {
        name: name.to_owned(),
        shape: Shape::Steps,
        value: Box::new(move |point: &Point| count(point).map(f64::from)),
    };
    let sum = |bound: fn(&TargetState) -> u32| -> f64 {
        state.targets.iter().map(|target| f64::from(bound(target))).sum()
    };
    let limits = if state.targets.is_empty() {
        Vec::new()
    } else {
        vec![
            Series::constant("minimum", sum(|target| target.min)),
            Series::constant("maximum", sum(|target| target.max)),
        ]
    };
    Chart {
        title: "replicas".to_owned(),
        series: vec![series("wanted", |point| point.wanted), series("ready", |point| point.ready)],
        limits,
    }
}

fn decisions(main: &mut String, detail: &Detail, now: Time) {
    main.push_str("<section><h2>Decisions</h2>\n");
    if detail.decisions.is_empty() {
        main.push_str(
            "<p class=\"empty\">Nothing was decided since this replica began to lead.</p></section>\n",
        );
        return;
    }
    main.push_str(
        "<table class=\"recent\"><thead><tr><th scope=\"col\">when<th scope=\"col\">polls\
         <th scope=\"col\">from → to<th scope=\"col\">steps</tr></thead><tbody>\n",
    );
    for decision in detail.decisions.iter().rev() {
        decision_row(main, decision, now);
    }
    main.push_str("</tbody></table>\n<p class=\"more\"><small>Polls that came to the same are one line, with the \
                   numbers of the last. Each poll by itself is in the audit trail, where the operator keeps one (--audit-file).</small></section>\n");
}

fn decision_row(main: &mut String, decision: &PastDecision, now: Time) {
    let PastDecision { at, until, polls, from, to, steps, result, .. } = decision;
    let (class, mark) = match result {
        DecisionResult::Kept => ("kept", ""),
        DecisionResult::Applied if to > from => ("out", "▲ out"),
        DecisionResult::Applied => ("in", "▼ in"),
        DecisionResult::NotApplied => ("observed", "not written"),
    };
    let polls = match polls {
        1 => "1 poll".to_owned(),
        polls => format!("{polls} polls <small>since {}</small>", clock(*at)),
    };
    let _ = write!(
        main,
        "<tr class=\"{class}\"><td class=\"when\"><time datetime=\"{until}\" title=\"{until}\">{} <small>{}</small></time>\
         <td class=\"polls\">{polls}<td class=\"change\">{from} → {to} <small>{mark}</small>\
         <td class=\"why\">{}</tr>",
        ago(now, *until),
        clock(*until),
        steps.lines().map(|line| Escaped(line).to_string()).collect::<Vec<_>>().join("<br>"),
    );
}

fn conditions(main: &mut String, detail: &Detail, now: Time) {
    main.push_str("<section><h2>Conditions</h2>\n<table class=\"facts\"><thead><tr><th scope=\"col\">type<th scope=\"col\">status\
                   <th scope=\"col\">reason<th scope=\"col\">message</tr></thead><tbody>\n");
    for ObjectCondition { type_, status, reason, message, since } in &detail.conditions {
        let _ = write!(
            main,
            "<tr><td><b>{}</b><td>{} <small>for {}</small><td><code>{}</code><td>{}</tr>",
            Escaped(type_),
            Escaped(status),
            age(now, *since),
            Escaped(reason),
            Escaped(message),
        );
    }
    main.push_str("</tbody></table></section>\n");
}

fn events(main: &mut String, state: &ObjectState, detail: &Detail, now: Time) {
    main.push_str("<section><h2>Events</h2>\n");
    if detail.events.is_empty() {
        main.push_str("<p class=\"empty\">This replica has published none since it began to lead.</p>\n");
    } else {
        main.push_str(
            "<table class=\"facts\"><thead><tr><th scope=\"col\">when<th scope=\"col\">type\
                       <th scope=\"col\">reason<th scope=\"col\">message</tr></thead><tbody>\n",
        );
        for PastEvent { at, is_warning, reason, note } in detail.events.iter().rev() {
            let type_ = if *is_warning { "Warning" } else { "Normal" };
            let _ = write!(
                main,
                "<tr><td><time datetime=\"{at}\" title=\"{at}\">{} <small>{}</small></time><td>{type_}<td><code>{}</code><td>{}</tr>",
                ago(now, *at),
                clock(*at),
                Escaped(reason),
                Escaped(note),
            );
        }
        main.push_str("</tbody></table>\n");
    }
    let namespace = if state.key.namespace.is_empty() { "default" } else { &state.key.namespace };
    let _ = writeln!(
        main,
        "<p class=\"more\"><small>Earlier ones: <code>kubectl events --namespace {} --for {}/{}</code></small></p></section>",
        Escaped(namespace),
        Escaped(&state.key.kind.to_lowercase()),
        Escaped(&state.key.name),
    );
}
