//! What tests of several kinds need.

use engine::Difference;
use serde_json::{Value, json};

use crate::{Kind, Outcome};

/// The status of an object of `kind` after `outcome`, where it was `previous`.
pub(crate) fn status_after(kind: &Kind, outcome: &Outcome, previous: &Value) -> Value {
    kind.kept_status(&json!({ "status": previous })).after(outcome).to_value()
}

/// How the status `next` of an object of `kind` differs from `previous`.
pub(crate) fn difference(kind: &Kind, previous: &Value, next: &Value) -> Difference {
    let [previous, next] = [previous, next].map(|status| kind.kept_status(&json!({ "status": status })));
    next.difference(&previous)
}
