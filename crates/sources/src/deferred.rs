//! Queries that are prepared again with the credentials of each reading: some of their settings come so, such as an
//! address that stands in a secret, or have several places, of which the first with a value counts.
//!
//! A setting none of whose places has a value counts as left out, or as what the object says for that. So a source needs to
//! know nothing of all this: it is prepared as if the object had been written that way.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use engine::{
    Absence, AbsenceReason, Asked, AskedTarget, ConfigPath, Credential, Holder, Otherwise, Problem, Reading,
    Sought, Target,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::credentials::{Credentials, nowhere, wrong};
use crate::source::{Ask, Past, PastSpan, Request, Source};
use crate::values::settings::Settings;
use crate::values::settings::given_later::{Awaited, GivenLater, StandIns};

/// Prepares its query at a reading, and again when a text or a place has changed.
pub(crate) struct Deferred {
    source: Arc<dyn Source>,
    asked: OwnedAsked,
    awaited: Vec<Given>,
    pushes: bool,
    last: Mutex<Option<(Known, Arc<dyn Ask>)>>,
}

/// One setting whose text comes as a credential.
struct Given {
    setting: GivenLater,
    path: String,
    /// What gives it, unless its places are looked at.
    credential: Credential,
}

/// What is known at a reading.
#[derive(PartialEq)]
struct Known {
    stand_ins: StandIns,
    places: Places,
}

/// The place that has the value of each setting that has one.
type Places = Vec<(String, Credential)>;

/// A query that is prepared, and what it finds its credentials in.
struct Ready<'a> {
    ask: Arc<dyn Ask>,
    credentials: Cow<'a, Credentials>,
}

/// What an object asked, kept for later.
struct OwnedAsked {
    source: String,
    config: Value,
    path: String,
    elsewhere: Vec<(String, String)>,
    namespace: String,
    target: Option<Target>,
    sought: Vec<(String, Sought)>,
}

impl OwnedAsked {
    fn of(asked: &Asked<'_>) -> Self {
        let owned = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
        let sought = asked.credentials.iter();
        Self {
            source: asked.source.to_owned(),
            config: asked.config.clone(),
            path: asked.path.config.to_owned(),
            elsewhere: asked.path.elsewhere.iter().map(owned).collect(),
            namespace: asked.namespace.to_owned(),
            // A source that needs one that is not named has refused it.
            target: match asked.target {
                AskedTarget::Of(target) => Some(target.clone()),
                AskedTarget::Unnamed(_) | AskedTarget::Refused => None,
            },
            sought: sought.map(|(setting, sought)| ((*setting).to_owned(), sought.clone())).collect(),
        }
    }

    /// Looks the places up; what the object says itself, and values with blanks around them, are set in `credentials`.
    fn find(&self, credentials: &mut Cow<'_, Credentials>) -> Result<Places, Absence> {
        let mut places = Places::new();
        for (setting, Sought { places: sought, otherwise }) in &self.sought {
            let found = first_of(sought, credentials)?;
            let (place, value) = match (found, otherwise) {
                (Some(found), _) => found,
                (None, Otherwise::Fails) => return Err(nowhere(sought)),
                (None, Otherwise::LeftOut) => continue,
                (None, Otherwise::Text(text)) => {
                    (Holder::Object.value(setting.as_str()), text.clone().into_bytes())
                }
            };
            if place.holder == Holder::Object || credentials.value(&place)? != value {
                credentials.to_mut().set(&place, value);
            }
            places.push((setting.clone(), place));
        }
        Ok(places)
    }

    /// Prepares the query with `known`.
    fn prepare(&self, source: &dyn Source, known: &Known) -> Result<Box<dyn Ask>, Vec<Problem>> {
        let credentials: Vec<(&str, Sought)> =
            known.places.iter().map(|(name, place)| (name.as_str(), place.clone().into())).collect();
        let elsewhere: Vec<(&str, &str)> =
            self.elsewhere.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
        let asked = Asked {
            source: &self.source,
            config: &self.config,
            path: ConfigPath { source: "", config: &self.path, elsewhere: &elsewhere },
            namespace: &self.namespace,
            target: self.target.as_ref().map_or(AskedTarget::Refused, AskedTarget::Of),
            credentials: &credentials,
        };
        let mut settings = Settings::new(&asked, &known.stand_ins);
        let ask = source.prepare(&mut settings);
        let problems = settings.finish().problems;
        ask.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// The path of a setting in the object.
    fn path_of(&self, setting: &str) -> String {
        match self.elsewhere.iter().find(|(known, _)| known == setting) {
            Some((_, path)) => path.clone(),
            None => format!("{}.{setting}", self.path),
        }
    }
}

/// The first of `places` that has a value, and that value.
fn first_of(
    places: &[Credential],
    credentials: &Credentials,
) -> Result<Option<(Credential, Vec<u8>)>, Absence> {
    for place in places {
        if let Some(value) = credentials.find(place)? {
            return Ok(Some((place.clone(), value)));
        }
    }
    Ok(None)
}

impl Deferred {
    /// The query of `source` that `asked` describes, whose settings `awaited` come as credentials, and which can report
    /// by itself where it `pushes`.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        asked: &Asked<'_>,
        awaited: Vec<Awaited>,
        pushes: bool,
    ) -> Self {
        let declared = source.given_later();
        let given = awaited.into_iter().filter_map(|Awaited { name, path, credential }| {
            let setting = *declared.iter().find(|setting| setting.name == name)?;
            Some(Given { setting, path, credential })
        });
        let awaited = given.collect();
        Self { source, asked: OwnedAsked::of(asked), awaited, pushes, last: Mutex::new(None) }
    }

    /// The query as it is with `credentials`.
    fn prepared<'a>(&self, credentials: &'a Credentials) -> Result<Ready<'a>, Absence> {
        let mut credentials = Cow::Borrowed(credentials);
        let places = self.asked.find(&mut credentials)?;
        let mut stand_ins = StandIns::at_reading(self.source.given_later());
        for given in &self.awaited {
            let Some(credential) = self.giver(given, &places) else { continue };
            let text = credentials.text(credential)?;
            if text.trim().is_empty() {
                return Err(wrong(credential, "is blank"));
            }
            stand_ins.insert(&given.setting, &text);
        }
        let known = Known { stand_ins, places };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((before, ask)) = last.as_ref()
            && *before == known
        {
            return Ok(Ready { ask: Arc::clone(ask), credentials });
        }
        let prepared = self.asked.prepare(self.source.as_ref(), &known);
        let ask: Arc<dyn Ask> = prepared.map_err(|problems| self.explain(&problems, &known.places))?.into();
        *last = Some((known, Arc::clone(&ask)));
        Ok(Ready { ask, credentials })
    }

    /// What gives the text of a setting; `None` where it counts as left out.
    fn giver<'a>(&'a self, given: &'a Given, places: &'a Places) -> Option<&'a Credential> {
        let from = format!("{}From", given.setting.name);
        if self.asked.sought.iter().all(|(setting, _)| *setting != from) {
            return Some(&given.credential);
        }
        places.iter().find(|(setting, _)| *setting == from).map(|(_, place)| place)
    }

    /// What is wrong with the texts that were read, without repeating any.
    fn explain(&self, problems: &[Problem], places: &Places) -> Absence {
        let is_at = |given: &&Given, problem: &Problem| {
            problem.path == given.path || problem.path.starts_with(&format!("{}[", given.path))
        };
        for problem in problems {
            let given = self.awaited.iter().find(|given| is_at(given, problem));
            if let Some((given, credential)) =
                given.and_then(|given| Some((given, self.giver(given, places)?)))
            {
                return wrong(credential, format_args!("must be {}", given.setting.must_be));
            }
            let is_left_out = |(setting, _): &&(String, Sought)| {
                let plain = setting.strip_suffix("From").unwrap_or(setting);
                places.iter().all(|(found, _)| found != setting)
                    && [setting.as_str(), plain].iter().any(|name| self.asked.path_of(name) == problem.path)
            };
            if let Some((_, sought)) = self.asked.sought.iter().find(is_left_out) {
                return nowhere(&sought.places);
            }
        }
        let path = problems.first().map(|problem| problem.path.as_str()).unwrap_or_default();
        match self.awaited.iter().find_map(|given| self.giver(given, places)) {
            Some(credential) => wrong(credential, format_args!("does not go with the setting {path}")),
            None => Absence {
                reason: AbsenceReason::Malformed,
                message: format!("the setting {path} cannot be used with the credentials that were found"),
            },
        }
    }
}

impl Ask for Deferred {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            match self.prepared(request.credentials) {
                Ok(Ready { ask, credentials }) => {
                    ask.ask(Request { credentials: &credentials, ..request }).await
                }
                Err(absence) => Reading::Absent(absence),
            }
        }
        .boxed()
    }

    fn past<'a>(
        &'a self,
        request: Request<'a>,
        span: PastSpan,
    ) -> BoxFuture<'a, Option<Result<Past, Absence>>> {
        async move {
            match self.prepared(request.credentials) {
                Ok(Ready { ask, credentials }) => {
                    ask.past(Request { credentials: &credentials, ..request }, span).await
                }
                Err(absence) => Some(Err(absence)),
            }
        }
        .boxed()
    }

    fn pushes(&self) -> bool {
        self.pushes
    }

    fn listen<'a>(
        &'a self,
        request: Request<'a>,
        signal: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<(), Absence>> {
        async move {
            let Ready { ask, credentials } = self.prepared(request.credentials)?;
            ask.listen(Request { credentials: &credentials, ..request }, signal).await
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
