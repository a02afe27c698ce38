//! The activity page: what scaled and why, what is failing, and how every object is.
//!
//! Plain HTML from the server, readable without any script. A few lines of script fetch the
//! same page again and put its main part in place of the old one.
//!
//! ```text
//! Board, Activity ─▶ select (search, filters, pages) ─▶ summary, failures, recent, objects ─▶ html
//!               └─▶ object (one object's own page) ─ chart              └─ drawing
//! ```

mod chart;
mod drawing;
mod failures;
mod form;
mod group;
mod html;
mod object;
mod objects;
mod recent;
mod select;
mod summary;

use std::fmt::Write as _;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse};
use engine::Time;
use runner::ScaleOperation;

use crate::Shown;
use crate::peers::NotAsked;
use html::Escaped;
use select::{Selected, Wanted};

/// Sent by the script, which wants the main part only.
const PART: HeaderName = HeaderName::from_static("x-part");

/// The page, or its main part.
pub(crate) async fn page(
    State(shown): State<Shown>,
    Query(wanted): Query<Wanted>,
    not_asked: Option<Extension<NotAsked>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let wanted = wanted.limited();
    let now = shown.clock.now();
    let selected = Selected::of(&shown.board, &wanted);
    let main = if selected.leads {
        main_part(&shown, &selected, &wanted, now)
    } else {
        let mut main = String::new();
        summary::standing_by(&mut main, &crate::why(not_asked));
        main
    };
    Html(if headers.contains_key(PART) { main } else { whole(&selected, &wanted, &main) })
}

/// The page's style sheet.
pub(crate) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("style.css"))
}

/// The page's script.
pub(crate) async fn script() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("page.js"))
}

/// The page's icon.
pub(crate) async fn icon() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml")], include_str!("icon.svg"))
}

/// The page of an object of a namespaced kind; also that of a cluster-scoped kind, which some name with the namespace
/// that it acts in.
pub(crate) async fn namespaced_object(
    shown: State<Shown>,
    Path((kind, namespace, name)): Path<(String, String, String)>,
    not_asked: Option<Extension<NotAsked>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    let has_none = shown.board.object(&kind, "", &name).is_some();
    let namespace = if has_none { "" } else { &*namespace };
    object_page(&shown, (&kind, namespace, &name), not_asked, &headers)
}

/// The page of an object of a cluster-scoped kind.
pub(crate) async fn cluster_object(
    shown: State<Shown>,
    Path((kind, name)): Path<(String, String)>,
    not_asked: Option<Extension<NotAsked>>,
    headers: HeaderMap,
) -> impl IntoResponse {
    object_page(&shown, (&kind, "", &name), not_asked, &headers)
}

fn object_page(
    shown: &Shown,
    (kind, namespace, name): (&str, &str, &str),
    not_asked: Option<Extension<NotAsked>>,
    headers: &HeaderMap,
) -> (StatusCode, Html<String>) {
    let mut main = String::new();
    let called = html::called(kind, namespace, name);
    let (status, title) = match shown.board.object(kind, namespace, name) {
        _ if !shown.board.leads() => {
            summary::standing_by(&mut main, &crate::why(not_asked));
            (StatusCode::OK, "polyscaler, standing by".to_owned())
        }
        Some((state, detail)) => {
            let is_of_it = |action: &ScaleOperation| {
                (action.kind, &action.name) == (state.key.kind, &state.key.name)
                    && (state.key.namespace.is_empty() || action.namespace == state.key.namespace)
            };
            let actions: Vec<_> = shown.activity.actions().into_iter().filter(is_of_it).collect();
            object::write(&mut main, &state, &detail, &actions, shown.clock.now());
            (StatusCode::OK, object::title(&state))
        }
        None => {
            object::missing(&mut main, &called);
            (StatusCode::NOT_FOUND, "polyscaler".to_owned())
        }
    };
    if headers.contains_key(PART) {
        return (status, Html(main));
    }
    let mut page = head(&title);
    let _ = write!(
        page,
        "<header><h1><a href=\"/\">polyscaler</a></h1><p>{}</p><p id=\"live\" role=\"status\"></p></header>\n\
         <main id=\"main\">{main}</main>\n</body></html>\n",
        Escaped(&called)
    );
    (status, Html(page))
}

fn whole(selected: &Selected, wanted: &Wanted, main: &str) -> String {
    let mut page = head(&summary::title(selected));
    page.push_str(
        "<header><h1>polyscaler</h1><p>what scaled, what is failing, and why</p>\
         <p id=\"live\" role=\"status\"></p></header>\n",
    );
    form::write(&mut page, selected, wanted);
    let _ = write!(page, "<main id=\"main\">{main}</main>\n</body></html>\n");
    page
}

/// A page up to its header.
fn head(title: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{}</title>\
         <link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/style.css\">\
         <script src=\"/page.js\" defer></script>\
         <noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript></head><body>\n",
        Escaped(title)
    )
}

fn main_part(shown: &Shown, selected: &Selected, wanted: &Wanted, now: Time) -> String {
    let actions: Vec<ScaleOperation> =
        shown.activity.actions().into_iter().filter(|action| wanted.takes_action(action)).collect();
    let mut main = String::new();
    let scaled = shown.activity.scaled_within_an_hour(now, |scaled| wanted.takes_scaled(scaled));
    summary::write(&mut main, selected, wanted, scaled);
    failures::write(&mut main, selected, wanted, now);
    recent::write(&mut main, &actions, wanted, now);
    objects::write(&mut main, selected, wanted, now);
    main
}
