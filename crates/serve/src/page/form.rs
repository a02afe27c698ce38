//! Search and filters. They stand outside the main part, so that an update does not take away
//! what is being typed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::html::Escaped;
use super::select::{Selected, Wanted};

pub(super) fn write(page: &mut String, selected: &Selected, wanted: &Wanted) {
    let _ = write!(
        page,
        "<form method=\"get\" action=\"/\" role=\"search\">\
         <input type=\"search\" name=\"q\" placeholder=\"search name, target or reason\" aria-label=\"search\" \
         autocomplete=\"off\" spellcheck=\"false\" value=\"{}\">",
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
    if !chosen.is_empty() && !values.contains(chosen) {
        // Otherwise the page would show a filter that it does not name.
        let _ = write!(page, "<option value=\"{0}\" selected>{0}</option>", Escaped(chosen));
    }
    page.push_str("</select>");
}
