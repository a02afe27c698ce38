//! What fails, by cause: a server that is down is one entry, however many objects rest on it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use engine::Time;
use runner::ObjectState;

use super::html::{Escaped, age, encoded, full_name, link, path};
use super::select::{Selected, Wanted};

/// Causes that are listed before the rest is only counted.
const LISTED: usize = 6;
/// Objects that an entry names.
const NAMED: usize = 3;

/// Objects that fail for one cause.
pub(super) struct Failure {
    reason: Arc<str>,
    place: Option<String>,
    objects: usize,
    /// Since when the first of them fails.
    since: Time,
    /// The words of the one that failed last.
    message: Arc<str>,
    /// Some of them: what they are called, and the path of their page.
    named: Vec<(String, String)>,
    /// The one that it is, where there is one only.
    only: Option<String>,
}

impl Failure {
    /// The causes of what fails, those of most objects first, then the newest.
    pub(super) fn by_cause(failing: &[&ObjectState]) -> Vec<Self> {
        let mut causes: HashMap<(&str, Option<&str>), Vec<&ObjectState>> = HashMap::new();
        for &state in failing {
            causes.entry((&*state.reason, state.place.as_deref())).or_default().push(state);
        }
        let mut failures: Vec<Self> = causes.into_values().filter_map(|states| Self::of(&states)).collect();
        failures.sort_by(|one, other| {
            let order = |failure: &Self| (failure.objects, failure.since);
            order(other).cmp(&order(one)).then_with(|| one.named.cmp(&other.named))
        });
        failures
    }

    fn of(states: &[&ObjectState]) -> Option<Self> {
        let newest = states.iter().max_by_key(|state| state.since)?;
        let name = |state: &&ObjectState| {
            (full_name(state), path(state.key.kind, &state.key.namespace, &state.key.name))
        };
        Some(Self {
            reason: newest.reason.clone(),
            place: newest.place.clone(),
            objects: states.len(),
            since: states.iter().map(|state| state.since).min()?,
            message: newest.message.clone(),
            named: states.iter().take(NAMED).map(name).collect(),
            only: (states.len() == 1).then(|| link(newest)),
        })
    }

    fn write(&self, main: &mut String, now: Time) {
        let what = self.only.clone().unwrap_or_else(|| format!("<b>{} objects</b>", self.objects));
        let place = self.place.as_deref().filter(|_| self.only.is_none());
        let place = place.map(|place| format!("{}, ", Escaped(place))).unwrap_or_default();
        let _ = write!(
            main,
            "<li>{what} <code>{}</code> <small>{place}for {}</small> <span>{}</span>",
            Escaped(&self.reason),
            age(now, self.since),
            Escaped(&self.message),
        );
        if self.only.is_some() {
            return;
        }
        let named = self
            .named
            .iter()
            .map(|(name, path)| format!("<a href=\"{}\">{}</a>", Escaped(path), Escaped(name)));
        let named = named.collect::<Vec<_>>().join(", ");
        let more = self.objects - self.named.len();
        let more = match more {
            0 => String::new(),
            more => format!(", <a href=\"/?failing=1&amp;q={}\">{more} more</a>", encoded(&self.reason)),
        };
        let _ = write!(main, "<small class=\"named\">{named}{more}</small>");
    }
}

pub(super) fn write(main: &mut String, selected: &Selected, wanted: &Wanted, now: Time) {
    if selected.failing == 0 {
        return;
    }
    main.push_str("<section><h2>Failing now</h2><ul class=\"failing\">\n");
    let listed = &selected.failures[..selected.failures.len().min(LISTED)];
    listed.iter().for_each(|failure| failure.write(main, now));
    let more = selected.failing - listed.iter().map(|failure| failure.objects).sum::<usize>();
    if more > 0 {
        let query = wanted.only_failing().query(1);
        let _ = write!(main, "<li><a href=\"/?{}\">and {more} more</a>", Escaped(&query));
    }
    main.push_str("</ul></section>\n");
}
