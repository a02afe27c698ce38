//! How every kind makes the query of a metric, and its name.

use std::collections::BTreeSet;

use engine::{Asked, Prepared, Query};

use crate::compile::{Context, Findings};

/// The query that `asked` comes to. What is wrong with its settings, or doubtful, is added to `findings`; where
/// something is wrong the query only holds the place, so that what else is wrong is found, too.
pub(crate) fn query(context: &Context<'_>, asked: &Asked<'_>, findings: &mut Findings) -> Query {
    match context.catalog.prepare(asked) {
        Ok(Prepared { query, warnings }) => {
            findings.warnings.extend(warnings);
            query
        }
        Err(more) => {
            findings.problems.extend(more);
            Query::unprepared(asked.source)
        }
    }
}

/// `name`, distinguished from those in `names`, to which it is added. Names are keys in the status: two equal
/// ones would have it refused.
pub(crate) fn distinct_name(names: &mut BTreeSet<String>, name: &str, index: usize) -> String {
    let mut name = name.to_owned();
    while !names.insert(name.clone()) {
        name = format!("{name}[{index}]");
    }
    name
}
