//! The activity page: what scaled and why, what is failing, and how every object is.
//!
//! Plain HTML from the server, readable without any script. A few lines of script fetch the
//! same page again and put its main part in place of the old one.
//!
//! ```text
//! Board, Activity ─▶ select (search, filters, pages) ─▶ summary, recent, objects ─▶ html
//!                                                                  └─ drawing
//! ```

mod drawing;
mod form;
mod group;
mod html;
mod objects;
mod recent;
mod select;
mod summary;

use std::fmt::Write as _;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, header};
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

fn whole(selected: &Selected, wanted: &Wanted, main: &str) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">",
    );
    let _ = write!(page, "<title>{}</title>", Escaped(&summary::title(selected)));
    page.push_str(
        "<link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/style.css\">\
         <script src=\"/page.js\" defer></script>\
         <noscript><meta http-equiv=\"refresh\" content=\"10\"></noscript></head><body>\n\
         <header><h1>polyscaler</h1><p>what scaled, what is failing, and why</p>\
         <p id=\"live\" role=\"status\"></p></header>\n",
    );
    form::write(&mut page, selected, wanted);
    let _ = write!(page, "<main id=\"main\">{main}</main>\n</body></html>\n");
    page
}

fn main_part(shown: &Shown, selected: &Selected, wanted: &Wanted, now: Time) -> String {
    let actions: Vec<ScaleOperation> =
        shown.activity.actions().into_iter().filter(|action| wanted.takes_action(action)).collect();
    let mut main = String::new();
    summary::write(&mut main, selected, wanted, &actions, now);
    summary::failing(&mut main, selected, wanted, now);
    recent::write(&mut main, &actions, wanted, now);
    objects::write(&mut main, selected, wanted, now);
    main
}
