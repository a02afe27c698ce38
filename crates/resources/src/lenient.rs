//! A catalog for tests of compilation: its queries report what was asked.

use engine::{Asked, AskedTarget, Fault, FaultKind, Prepared, Problem, Query, Sought, SourceCatalog, Target};
use serde_json::Value;

/// Finds nothing wrong with any source but with those called `broken` and `unknown`.
pub(crate) struct Lenient;

/// What a query was asked for.
pub(crate) struct Question {
    pub(crate) config: Value,
    pub(crate) namespace: String,
    pub(crate) target: Option<Target>,
    pub(crate) credentials: Vec<(String, Sought)>,
}

impl SourceCatalog for Lenient {
    fn prepare(&self, asked: &Asked<'_>) -> Result<Prepared, Vec<Problem>> {
        match asked.source {
            "broken" => return Err(vec![Problem::new(asked.path.setting("url"), Fault::required())]),
            "unknown" => return Err(vec![Problem::new(asked.path.source, Fault::invalid("unknown source"))]),
            _ => {}
        }
        let target = match asked.target {
            AskedTarget::Of(target) => Some(target.clone()),
            AskedTarget::Unnamed(path) if asked.source == "usage" => {
                let why = "usage is measured at a target, so the metric needs a member";
                return Err(vec![Problem::new(path, Fault::new(FaultKind::Required, why))]);
            }
            AskedTarget::Unnamed(_) | AskedTarget::Refused => None,
        };
        let credentials = asked.credentials.iter();
        let question = Question {
            config: asked.config.clone(),
            namespace: asked.namespace.to_owned(),
            target,
            credentials: credentials.map(|(name, sought)| ((*name).to_owned(), sought.clone())).collect(),
        };
        Ok(Query::new(asked.source, &asked.config.to_string(), question).into())
    }
}

/// What `query` was asked for.
pub(crate) fn question(query: &Query) -> &Question {
    query.content().unwrap_or_else(|| panic!("{query:?} was not prepared"))
}
