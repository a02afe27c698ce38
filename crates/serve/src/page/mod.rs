//! The activity page: what scaled and why, what is failing, and how every object is.
//!
//! Plain HTML from the server, readable without any script. A few lines of script fetch the
//! same page again and put its main part in place of the old one.

mod drawing;
mod html;
mod select;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse};
use engine::Time;
use runner::{Action, ObjectState};

use crate::Shown;
use html::{Escaped, ago};
use select::{Selected, Wanted};

/// Scale operations that the page lists; `/scaling-activity` has all that are remembered.
const ACTIONS: usize = 30;

/// Sent by the script, which wants the main part only.
const PART: HeaderName = HeaderName::from_static("x-part");

/// The page, or its main part.
pub(crate) async fn page(
    State(shown): State<Shown>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let now = shown.clock.now();
    let selected = Selected::of(&shown.board, &wanted);
    let main = main_part(&shown, &selected, &wanted, now);
    let body = if headers.contains_key(PART) { main } else { whole(&selected, &wanted, &main) };
    (protective_headers(), Html(body))
}

/// The page's style sheet.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

/// The page's script.
pub(crate) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("page.js"))
}

/// Nothing from elsewhere is loaded, no inline script runs, nobody frames the page.
fn protective_headers() -> HeaderMap {
    let policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    HeaderMap::from_iter([
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ])
}

fn whole(selected: &Selected, wanted: &Wanted, main: &str) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>polyscaler</title><link rel=\"stylesheet\" href=\"/style.css\">\
         <script src=\"/page.js\" defer></script>\
         <noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript></head><body>\n\
         <header><h1>polyscaler</h1><p>what scaled, what is failing, and why</p></header>\n",
    );
    form(&mut page, selected, wanted);
    let _ = write!(page, "<main id=\"main\">{main}</main>\n</body></html>\n");
    page
}

/// Search and filters. It stands outside the main part, so that an update does not take away
/// what is being typed.
fn form(page: &mut String, selected: &Selected, wanted: &Wanted) {
    let _ = write!(
        page,
        "<form method=\"get\" role=\"search\"><input type=\"search\" name=\"q\" placeholder=\"search name or target\" \
         aria-label=\"search\" value=\"{}\">",
        Escaped(&wanted.q)
    );
    options(page, "kind", "all kinds", &selected.kinds, &wanted.kind);
    options(page, "namespace", "all namespaces", &selected.namespaces, &wanted.namespace);
    let checked = if wanted.failing() { " checked" } else { "" };
    let _ = write!(
        page,
        "<label><input type=\"checkbox\" name=\"failing\" value=\"1\"{checked}> failing only</label>\
         <button>show</button></form>"
    );
}

fn options(page: &mut String, name: &str, all: &str, values: &BTreeSet<String>, chosen: &str) {
    let _ = write!(page, "<select name=\"{name}\" aria-label=\"{name}\"><option value=\"\">{all}</option>");
    for value in values {
        let selected = if value == chosen { " selected" } else { "" };
        let _ = write!(page, "<option value=\"{0}\"{selected}>{0}</option>", Escaped(value));
    }
    page.push_str("</select>");
}

fn main_part(shown: &Shown, selected: &Selected, wanted: &Wanted, now: Time) -> String {
    let actions: Vec<Action> =
        shown.activity.actions().into_iter().filter(|action| wanted.takes_action(action)).collect();
    let mut main = String::new();
    summary(&mut main, selected, &actions, now);
    failing(&mut main, selected, now);
    recent(&mut main, &actions, now);
    objects(&mut main, selected, wanted, now);
    main
}

fn summary(main: &mut String, selected: &Selected, actions: &[Action], now: Time) {
    let hour = std::time::Duration::from_secs(3600);
    let recent = actions.iter().filter(|action| action.applied && now.since(action.timestamp) < hour).count();
    let class = if selected.failing == 0 { "good" } else { "bad" };
    let _ = write!(
        main,
        "<ul class=\"summary\"><li><b>{}</b> objects</li><li class=\"{class}\"><b>{}</b> failing</li>\
         <li><b>{recent}</b> scale operations in the last hour</li></ul>",
        selected.found, selected.failing
    );
}

fn failing(main: &mut String, selected: &Selected, now: Time) {
    if selected.failing == 0 {
        return;
    }
    main.push_str("<section><h2>Failing now</h2><ul class=\"failing\">\n");
    for state in &selected.failures {
        let _ = write!(
            main,
            "<li><b>{}</b> <code>{}</code> {} <small>{}</small></li>",
            Escaped(&full_name(state)),
            Escaped(&state.reason),
            Escaped(&state.message),
            ago(now, state.since)
        );
    }
    if selected.failing > selected.failures.len() {
        let _ = write!(main, "<li>and {} more</li>", selected.failing - selected.failures.len());
    }
    main.push_str("</ul></section>\n");
}

fn recent(main: &mut String, actions: &[Action], now: Time) {
    main.push_str("<section><h2>What scaled</h2>\n");
    if actions.is_empty() {
        main.push_str(
            "<p class=\"empty\">Nothing was scaled since this replica began to lead.</p></section>\n",
        );
        return;
    }
    main.push_str("<table><thead><tr><th>when<th>what<th>from, to<th>why</tr></thead><tbody>\n");
    for action in actions.iter().take(ACTIONS) {
        let (class, mark) = match (action.applied, &action.error) {
            (true, _) if action.to > action.from => ("out", "▲"),
            (true, _) => ("in", "▼"),
            (false, Some(_)) => ("bad", "not done"),
            (false, None) => ("observed", "observed"),
        };
        let why = match &action.error {
            Some(error) => format!("{}; {error}", action.steps.join(", ")),
            None => action.steps.join(", "),
        };
        let _ = write!(
            main,
            "<tr class=\"{class}\"><td><time datetime=\"{0}\" title=\"{0}\">{1}</time>\
             <td>{2}<br><small>{3} {4}/{5}</small><td class=\"change\">{6} → {7} <small>{mark}</small><td>{8}</tr>",
            action.timestamp,
            ago(now, action.timestamp),
            Escaped(&action.target),
            Escaped(action.kind),
            Escaped(&action.namespace),
            Escaped(&action.name),
            action.from,
            action.to,
            Escaped(&why)
        );
    }
    main.push_str("</tbody></table></section>\n");
}

fn objects(main: &mut String, selected: &Selected, wanted: &Wanted, now: Time) {
    main.push_str("<section><h2>Objects</h2>\n");
    if selected.shown.is_empty() {
        main.push_str("<p class=\"empty\">No object matches.</p></section>\n");
        return;
    }
    main.push_str(
        "<table class=\"objects\"><thead><tr><th>object<th>metric, last hour<th>replicas, last hour\
         <th>ready / wanted<th>last decision</tr></thead><tbody>\n",
    );
    for state in &selected.shown {
        object(main, state, now);
    }
    main.push_str("</tbody></table>\n");
    pages(main, selected, wanted);
    main.push_str("</section>\n");
}

fn object(main: &mut String, state: &ObjectState, now: Time) {
    let class = if state.ready { "good" } else { "bad" };
    let target = state.targets.first();
    let metric = state.metrics.first();
    let value = metric.and_then(|metric| metric.value).map_or_else(|| "none".to_owned(), html::number);
    let replicas = target.map_or_else(String::new, |target| {
        let ready = target.ready.map_or_else(|| "?".to_owned(), |ready| ready.to_string());
        format!("{ready} / {}", target.desired)
    });
    let _ = write!(
        main,
        "<tr class=\"{class}\"><td><b>{}</b><br><small>{}</small><td>{}<small>{} {}</small><td>{}<td>{replicas}\
         <td>{}<br><small><code>{}</code> {}</small></tr>",
        Escaped(&full_name(state)),
        Escaped(target.map_or("no target", |target| &target.target)),
        drawing::line(&state.history, now, |point| point.value),
        Escaped(metric.map_or("metric", |metric| &metric.name)),
        value,
        drawing::steps(&state.history, now, |point| Some(f64::from(point.replicas))),
        Escaped(target.map_or("", |target| &target.decision)),
        Escaped(&state.reason),
        ago(now, state.at)
    );
}

fn pages(main: &mut String, selected: &Selected, wanted: &Wanted) {
    if selected.pages < 2 {
        return;
    }
    let _ = write!(main, "<nav>page {} of {}", selected.page, selected.pages);
    for (word, page) in [("previous", selected.page - 1), ("next", selected.page + 1)] {
        if (1..=selected.pages).contains(&page) {
            let _ = write!(main, " <a href=\"/?{}\">{word}</a>", Escaped(&wanted.with_page(page)));
        }
    }
    main.push_str("</nav>\n");
}

fn full_name(state: &ObjectState) -> String {
    match state.namespace.as_str() {
        "" => format!("{} {}", state.kind, state.name),
        namespace => format!("{} {namespace}/{}", state.kind, state.name),
    }
}
