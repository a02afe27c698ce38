//! How every kind makes the query of a metric.

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
