//! The workload that an object scales, where its rules are about that, too.

use std::time::Duration;

use engine::{Problem, Target};
use futures::future::BoxFuture;
use resources::Kind;
use serde_json::Value;

use super::Judge;
use super::review::asked_about;

/// The API server waits for its webhook, so what is asked of it meanwhile must not take long.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// Reads workloads, and what their namespaces have by default.
pub trait Workloads: Send + Sync {
    /// The workload; `None` where there is none. In an error, a sentence says why it cannot be read.
    fn workload<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Option<Value>, String>>;

    /// The LimitRanges of a namespace. In an error, a sentence says why they cannot be read.
    fn limit_ranges<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<Vec<Value>, String>>;
}

/// What a look at the workload of an object came to.
pub(super) enum Looked {
    /// Nothing of the object is about its workload, or nothing that is new.
    NotNeeded,
    /// What is wrong.
    Found(Vec<Problem>),
    /// It could not be looked at, for a reason in a sentence.
    Failed(String),
}

/// Looks at the workload of the object in the review `sent`.
pub(super) async fn look(sent: &Value, judge: &Judge) -> Looked {
    let request = &sent["request"];
    let Some(kind) = asked_about(request, judge) else { return Looked::NotNeeded };
    let (object, before) = (&request["object"], &request["oldObject"]);
    // Who only tries is not told to apply the workload first; what stays as it was is not judged again.
    let is_tried = request["dryRun"] == true;
    if is_tried || (before.is_object() && before["spec"] == object["spec"]) {
        return Looked::NotNeeded;
    }
    match tokio::time::timeout(LONGEST_LOOK, problems(kind, object, judge)).await {
        Ok(looked) => looked,
        Err(_) => Looked::Failed(format!("no answer within {} s", LONGEST_LOOK.as_secs())),
    }
}

async fn problems(kind: &Kind, object: &Value, judge: &Judge) -> Looked {
    let Some(needs) = (kind.needs.workload)(object) else { return Looked::NotNeeded };
    let workload = match judge.workloads.workload(&needs.target).await {
        Ok(Some(workload)) => workload,
        Ok(None) => return Looked::Found(vec![needs.missing()]),
        Err(why) => return Looked::Failed(why),
    };
    if needs.problems(&workload, &[]).is_empty() {
        return Looked::Found(Vec::new());
    }
    // Only now a default can make a difference.
    match judge.workloads.limit_ranges(&needs.target.namespace).await {
        Ok(ranges) => Looked::Found(needs.problems(&workload, &ranges)),
        Err(why) => Looked::Failed(why),
    }
}
