//! The workload that an object scales, where its rules are about that, too.

use std::time::Duration;

use engine::Problem;
use resources::Kind;
use runner::lacking;
use serde_json::Value;

use super::Judge;
use super::review::asked_about;

/// The API server waits for its webhook, so what is asked of it meanwhile must not take long.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

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
    match lacking(&*judge.workloads, &needs).await {
        Ok(found) => Looked::Found(found.unwrap_or_else(|| vec![needs.missing()])),
        Err(why) => Looked::Failed(why),
    }
}
