//! Queries some of whose settings are read with the credentials of each reading, such as an address that stands in a
//! secret.

use std::sync::{Arc, Mutex, PoisonError};

use engine::{Absence, Asked, AskedTarget, ConfigPath, Credential, Problem, Reading, Target};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::credentials::{Credentials, wrong};
use crate::source::{Ask, Past, PastSpan, Request, Source};
use crate::values::settings::Settings;
use crate::values::settings::given_later::{Awaited, GivenLater, StandIns};

/// Prepares its query at a reading, and again when a text has changed.
pub(crate) struct Deferred {
    source: Arc<dyn Source>,
    asked: OwnedAsked,
    awaited: Vec<Given>,
    pushes: bool,
    last: Mutex<Option<(StandIns, Arc<dyn Ask>)>>,
}

/// One setting, and what gives it.
struct Given {
    setting: GivenLater,
    path: String,
    credential: Credential,
}

/// What an object asked, kept for later.
struct OwnedAsked {
    source: String,
    config: Value,
    path: String,
    elsewhere: Vec<(String, String)>,
    namespace: String,
    target: Option<Target>,
    credentials: Vec<(String, Credential)>,
}

impl OwnedAsked {
    fn of(asked: &Asked<'_>) -> Self {
        let owned = |(one, other): &(&str, &str)| ((*one).to_owned(), (*other).to_owned());
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
            credentials: asked
                .credentials
                .iter()
                .map(|(name, credential)| ((*name).to_owned(), credential.clone()))
                .collect(),
        }
    }

    /// Prepares the query with `stand_ins` for what comes as a credential.
    fn prepare(&self, source: &dyn Source, stand_ins: &StandIns) -> Result<Box<dyn Ask>, Vec<Problem>> {
        let credentials: Vec<(&str, Credential)> =
            self.credentials.iter().map(|(name, credential)| (name.as_str(), credential.clone())).collect();
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
        let mut settings = Settings::new(&asked, stand_ins);
        let ask = source.prepare(&mut settings);
        let problems = settings.finish().problems;
        ask.filter(|_| problems.is_empty()).ok_or(problems)
    }
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
    fn prepared(&self, credentials: &Credentials) -> Result<Arc<dyn Ask>, Absence> {
        let mut stand_ins = StandIns::at_reading(self.source.given_later());
        for Given { setting, credential, .. } in &self.awaited {
            let text = credentials.text(credential)?;
            if text.trim().is_empty() {
                return Err(wrong(credential, "is blank"));
            }
            stand_ins.insert(setting, &text);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, ask)) = last.as_ref()
            && *known == stand_ins
        {
            return Ok(Arc::clone(ask));
        }
        let prepared = self.asked.prepare(self.source.as_ref(), &stand_ins);
        let ask: Arc<dyn Ask> = prepared.map_err(|problems| self.explain(&problems))?.into();
        *last = Some((stand_ins, Arc::clone(&ask)));
        Ok(ask)
    }

    /// What is wrong with the texts that were read, without repeating any.
    fn explain(&self, problems: &[Problem]) -> Absence {
        let is_at = |given: &&Given, problem: &Problem| {
            problem.path == given.path || problem.path.starts_with(&format!("{}[", given.path))
        };
        for problem in problems {
            if let Some(given) = self.awaited.iter().find(|given| is_at(given, problem)) {
                return wrong(&given.credential, format_args!("must be {}", given.setting.must_be));
            }
        }
        let path = problems.first().map(|problem| problem.path.as_str()).unwrap_or_default();
        match self.awaited.first() {
            Some(Given { credential, .. }) => {
                wrong(credential, format_args!("does not go with the setting {path}"))
            }
            None => Absence {
                reason: engine::AbsenceReason::Malformed,
                message: format!("the setting {path} cannot be used"),
            },
        }
    }
}

impl Ask for Deferred {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move {
            match self.prepared(request.credentials) {
                Ok(ask) => ask.ask(request).await,
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
                Ok(ask) => ask.past(request, span).await,
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
        async move { self.prepared(request.credentials)?.listen(request, signal).await }.boxed()
    }
}

#[cfg(test)]
mod tests;
