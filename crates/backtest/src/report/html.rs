//! `report.html`: one file with everything in it, which asks nobody for anything.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Report;
use super::text::{Escaped, number, span};
use crate::replay::{Result, Row};
use crate::scores::SCORES;
use crate::workload::Slo;

/// Rows that a browser draws without effort; a timeline with more is joined.
const MOST_ROWS: usize = 4_000;
/// Decisions of one contender that the page has.
const MOST_DECISIONS: usize = 2_000;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) fn page(report: &Report<'_>) -> String {
    let title = Escaped(report.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>{title} · \
                     backtest</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    let _ = write!(page, "<header><h1>{title}</h1><p>backtest by polyscaler</p></header>\n<main>\n");
    facts(&mut page, report);
    remarks(&mut page, report);
    page.push_str(
        "<section aria-label=\"Timeline\"><div class=\"tools\" role=\"toolbar\" aria-label=\"Zoom\">\
         <button type=\"button\" id=\"in\" title=\"Zoom in\">+</button>\
         <button type=\"button\" id=\"out\" title=\"Zoom out\">−</button>\
         <button type=\"button\" id=\"left\" title=\"Earlier\">◀</button>\
         <button type=\"button\" id=\"right\" title=\"Later\">▶</button>\
         <button type=\"button\" id=\"all\">all</button><span id=\"range\" aria-live=\"polite\"></span></div>\n\
         <noscript><p class=\"empty\">The drawings need the page's own script. All scores are in the table below.</p></noscript>\n\
         <p class=\"legend\"><span class=\"key needed\">needed</span> <span class=\"key wanted\">wanted</span> \
         <span class=\"key ready\">ready</span> <span class=\"key violated\">SLO broken</span> \
         <span class=\"key out\">scale-out</span> <span class=\"key in\">scale-in</span></p>\n\
         <div id=\"panels\" tabindex=\"0\" aria-label=\"Load and replicas over time. Arrow keys move, plus and minus zoom.\"></div>\n\
         <div id=\"tip\" role=\"status\" hidden></div></section>\n",
    );
    table(&mut page, report);
    decisions(&mut page, report);
    workload(&mut page, report);
    let data = data(report).to_string().replace("</", "<\\/");
    let _ = write!(page, "</main>\n<script type=\"application/json\" id=\"data\">{data}</script>\n");
    let _ = write!(page, "<script>{SCRIPT}</script>\n</body>\n</html>\n");
    page
}

/// What was replayed, in a line of boxes.
fn facts(page: &mut String, report: &Report<'_>) {
    let quality = report.quality();
    let slo = match report.workload.slo {
        Slo::Utilization(share) => format!("at most {} % in use", number(100.0 * share)),
        Slo::Latency { seconds, percentile } => {
            format!("{} ms for {} %", number(1000.0 * seconds), number(100.0 * percentile))
        }
        Slo::BacklogAge(seconds) => format!("nothing waits for more than {} s", number(seconds)),
    };
    let facts = [
        (span(report.length()), format!("from {}", quality.first)),
        (format!("{} values", quality.samples), format!("every {} s", number(quality.step_seconds))),
        ("SLO".to_owned(), slo),
    ];
    page.push_str("<ul class=\"summary\">");
    for (strong, text) in facts {
        let _ = write!(page, "<li><b>{}</b> {}</li>", Escaped(&strong), Escaped(&text));
    }
    page.push_str("</ul>\n");
}

fn remarks(page: &mut String, report: &Report<'_>) {
    let remarks = report.all_remarks();
    if remarks.is_empty() {
        return;
    }
    page.push_str("<ul class=\"remarks\">");
    for remark in remarks {
        let _ = write!(page, "<li>{}</li>", Escaped(&remark));
    }
    page.push_str("</ul>\n");
}

/// All scores, a line each; the best of each is marked.
fn table(page: &mut String, report: &Report<'_>) {
    page.push_str(
        "<h2>Scores</h2>\n<div class=\"scroll\"><table class=\"scores\"><thead><tr><th \
                   scope=\"col\">score</th>",
    );
    for result in report.results() {
        let _ = write!(page, "<th scope=\"col\">{}</th>", Escaped(&result.name));
    }
    page.push_str("</tr></thead><tbody>\n");
    for score in SCORES {
        let _ = write!(
            page,
            "<tr><th scope=\"row\" title=\"{}\">{}<small>{}</small></th>",
            Escaped(score.help),
            Escaped(score.title),
            score.name
        );
        for result in report.results() {
            let value = (score.value)(&result.scores());
            let _ = write!(page, "<td>{}</td>", number(value));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

/// The place of decisions, which the script fills as they are chosen, and the first for print.
fn decisions(page: &mut String, report: &Report<'_>) {
    page.push_str("<h2>Decisions</h2>\n");
    for (place, result) in
        report.results().iter().enumerate().filter(|(_, result)| !result.decisions.is_empty())
    {
        let all = result.decisions.len() as u64 + result.left_out;
        let _ = write!(
            page,
            "<details data-contender=\"{place}\"><summary>{}: {all}</summary><ol class=\"decisions\">",
            Escaped(&result.name)
        );
        for decided in result.decisions.iter().take(100) {
            let name = match report.workload.members.as_slice() {
                [_] => String::new(),
                members => format!("{} ", members[decided.member].name),
            };
            let _ = write!(
                page,
                "<li><time>{}</time> <b>{}{}→{}</b> {}</li>",
                decided.at,
                Escaped(&name),
                decided.from,
                decided.to,
                Escaped(&decided.steps.join(", "))
            );
        }
        if all > 100 {
            let _ = write!(page, "<li>and {} more; those in the drawing answer to a click</li>", all - 100);
        }
        page.push_str("</ol></details>\n");
    }
}

fn workload(page: &mut String, report: &Report<'_>) {
    let text = serde_json::to_string_pretty(&report.workload.summary()).unwrap_or_default();
    let _ = write!(
        page,
        "<h2>Workload</h2>\n<details><summary>all parameters</summary><pre>{}</pre></details>\n",
        Escaped(&text)
    );
}

/// All that the script draws.
fn data(report: &Report<'_>) -> Value {
    let contenders: Vec<Value> = report.results().iter().map(contender).collect();
    let timeline = report.results().first().and_then(|result| result.timeline.as_ref());
    let timeline = timeline.map(|timeline| timeline.coarser(MOST_ROWS));
    let rows: Vec<Row> = timeline.iter().flat_map(|timeline| timeline.rows().map(|(_, row)| *row)).collect();
    json!({
        "unit": report.workload.unit,
        "start": timeline.as_ref().map_or(0, |timeline| timeline.start().as_millis()),
        "distance": timeline.as_ref().map_or(1, |timeline| timeline.distance().as_millis() as u64),
        "members": report.workload.members.iter().map(|service| service.name.clone()).collect::<Vec<_>>(),
        "load": rows.iter().map(|row| four_digits(row.load)).collect::<Vec<_>>(),
        "needed": runs(rows.iter().map(|row| row.needed)),
        "contenders": contenders,
    })
}

fn contender(result: &Result) -> Value {
    let timeline = result.timeline.as_ref().map(|timeline| timeline.coarser(MOST_ROWS));
    let rows: Vec<Row> = timeline.iter().flat_map(|timeline| timeline.rows().map(|(_, row)| *row)).collect();
    let decisions: Vec<Value> = result
        .decisions
        .iter()
        .take(MOST_DECISIONS)
        .map(|decided| {
            json!([decided.at.as_millis(), decided.member, decided.from, decided.to, decided.steps])
        })
        .collect();
    let scores = result.scores();
    json!({
        "name": result.name,
        "minutes": number(scores.slo_violation_minutes),
        "hours": number(scores.pod_hours),
        "wanted": runs(rows.iter().map(|row| row.wanted)),
        "ready": runs(rows.iter().map(|row| row.ready)),
        "violated": runs(rows.iter().map(|row| u64::from(row.violated))),
        "decisions": decisions,
    })
}

/// Equal values in a row as how many and what: `3 3 3 5` is `[3, 3, 1, 5]`.
fn runs(values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut runs: Vec<u64> = Vec::new();
    for value in values {
        match runs.as_mut_slice() {
            [.., count, last] if *last == value => *count += 1,
            _ => runs.extend([1, value]),
        }
    }
    runs
}

/// A drawing shows no more.
fn four_digits(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}
