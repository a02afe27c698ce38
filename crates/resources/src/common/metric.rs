//! How every kind makes the query of a metric, and its name.

use std::collections::BTreeSet;

use engine::{Query, Target};
use serde_json::Value;

use crate::Context;

/// What is asked of `source`: secrets are read in `namespace`, and `target` is named where the
/// source reads the target itself.
pub(crate) fn query(
    context: &Context<'_>,
    source: &str,
    namespace: &str,
    config: Value,
    target: &Target,
) -> Query {
    Query {
        source: source.to_owned(),
        namespace: namespace.to_owned(),
        config,
        target: context.catalog.wants_target(source).then(|| target.clone()),
    }
}

/// `name`, told apart from those in `names`, to which it is added. Names are keys in the status: two equal
/// ones would have it refused.
pub(crate) fn distinct_name(names: &mut BTreeSet<String>, name: &str, index: usize) -> String {
    let mut name = name.to_owned();
    while !names.insert(name.clone()) {
        name = format!("{name}[{index}]");
    }
    name
}
