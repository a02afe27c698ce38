//! One AdmissionReview and its answer: pure.

use engine::{Plan, Problem, SourceCatalog, Target, Warning};
use resources::{Context, Kind, Scope};
use runner::ObjectKey;
use serde_json::{Value, json};

use super::Judge;

/// The form of the reviews that are taken and given.
const API_VERSION: &str = "admission.k8s.io/v1";

/// What a review comes to.
enum Verdict {
    /// Go on; each sentence is shown to the user.
    Allowed(Vec<String>),
    Refused(Vec<Problem>),
}

/// The review that answers `sent`.
///
/// # Errors
/// Why `sent` is no review.
pub(super) fn review(sent: &Value, judge: &Judge) -> Result<Value, String> {
    let text = |pointer: &str| sent.pointer(pointer).and_then(Value::as_str);
    if text("/apiVersion") != Some(API_VERSION) || text("/kind") != Some("AdmissionReview") {
        return Err(format!("not an AdmissionReview of {API_VERSION}"));
    }
    let uid = text("/request/uid").ok_or("request.uid is missing")?;
    let name = text("/request/kind/kind").ok_or("request.kind.kind is missing")?;
    let group = text("/request/kind/group").unwrap_or_default();
    let version = text("/request/kind/version").unwrap_or_default();
    let api_version = format!("{group}/{version}");

    let Some(kind) = resources::find(&api_version, name) else {
        judge.metrics.reviewed("other", true);
        let warning =
            format!("polyscaler does not know the kind {name} of {api_version} and did not validate it");
        return Ok(answer(uid, json!({ "allowed": true, "warnings": [warning] })));
    };
    let verdict = judged(&sent["request"], kind, judge)?;
    judge.metrics.reviewed(kind.kind, matches!(verdict, Verdict::Allowed(_)));
    let response = match verdict {
        Verdict::Allowed(warnings) if warnings.is_empty() => json!({ "allowed": true }),
        Verdict::Allowed(warnings) => json!({ "allowed": true, "warnings": warnings }),
        Verdict::Refused(problems) => {
            let object = text("/request/name")
                .filter(|name| !name.is_empty())
                .or(text("/request/object/metadata/name"))
                .unwrap_or_default();
            let status = status(kind, object, &problems);
            tracing::info!(kind = kind.kind, name = object, status = %status["message"], "object denied");
            json!({ "allowed": false, "status": status })
        }
    };
    Ok(answer(uid, response))
}

fn answer(uid: &str, mut response: Value) -> Value {
    response["uid"] = json!(uid);
    json!({ "apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response })
}

fn judged(request: &Value, kind: &'static Kind, judge: &Judge) -> Result<Verdict, String> {
    let passed = Ok(Verdict::Allowed(Vec::new()));
    let operation = request["operation"].as_str().ok_or("request.operation is missing")?;
    let is_whole = request["subResource"].as_str().unwrap_or_default().is_empty();
    if !matches!(operation, "CREATE" | "UPDATE") || !is_whole {
        return passed;
    }
    let (object, before) = (&request["object"], &request["oldObject"]);
    if !object.is_object() {
        return Err("request.object is missing".to_owned());
    }
    // Whoever clears up must not be held up.
    let is_going = object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    if is_going || !judge.acts_on(kind, object) {
        return passed;
    }
    let compile = |catalog: &dyn SourceCatalog, object: &Value| {
        let allow_cross_namespace = judge.allow_cross_namespace;
        let policies = &judge.policies;
        let context = Context { catalog, policies, allow_cross_namespace, admitting: true, resolved: None };
        judge.defaults.of(&kind.acts_in(object)).compile(kind, object, &context)
    };
    let problems = match compile(judge.catalog.as_ref(), object) {
        Ok(compiled) => {
            let before = compile(judge.catalog.as_ref(), before).ok();
            let taken =
                judge.taken_targets(kind, object, &compiled.plan, before.as_ref().map(|before| &before.plan));
            // What an object begins to scale is part of no earlier state, also where only its mode changes.
            if !taken.is_empty() {
                return Ok(Verdict::Refused(taken));
            }
            Vec::new()
        }
        Err(problems) => problems,
    };
    let (old, new): (Vec<Problem>, Vec<Problem>) =
        problems.into_iter().partition(|problem| operation == "UPDATE" && was_there(problem, before, object));
    if !new.is_empty() {
        return Ok(Verdict::Refused(old.into_iter().chain(new).collect()));
    }
    Ok(Verdict::Allowed(match compile(judge.own.as_ref(), object) {
        Ok(compiled) => {
            let expired = resources::expired_override(&compiled.plan, judge.clock.now());
            compiled.warnings.iter().chain(&expired).map(Warning::to_string).collect()
        }
        Err(problems) => problems.iter().map(Problem::to_string).collect(),
    }))
}

impl Judge {
    /// The targets that the object begins to scale, as its state before did not, and that something else scales.
    fn taken_targets(&self, kind: &Kind, object: &Value, plan: &Plan, before: Option<&Plan>) -> Vec<Problem> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let namespace = match kind.scope {
            Scope::Namespaced => text("/metadata/namespace").to_owned(),
            Scope::Cluster => String::new(),
        };
        let key = ObjectKey { kind: kind.kind, namespace, name: text("/metadata/name").to_owned() };
        let had = |target: &Target| {
            before.is_some_and(|before| {
                before.claimed().any(|member| member.target.identity() == target.identity())
            })
        };
        let adopts = plan.actuation.hpa().filter(|hpa| hpa.adopt_orphan).map(|hpa| hpa.name.as_str());
        let begun = plan.claimed().map(|member| &member.target).filter(|target| !had(target));
        begun
            .filter_map(|target| Some(kind.taken(target, &self.owners.other(&key, target, adopts)?)))
            .collect()
    }

    fn acts_on(&self, kind: &Kind, object: &Value) -> bool {
        self.kinds.iter().any(|known| known.kind == kind.kind && known.group == kind.group)
            && self.namespaces.contains(&kind.acts_in(object))
    }
}

/// Whether the problem is of a part that an update leaves as it was. An object may have been
/// stored when no webhook was there or by other rules; its labels and finalizers must be free to change.
fn was_there(problem: &Problem, before: &Value, after: &Value) -> bool {
    let part =
        if problem.path.starts_with("metadata.annotations") { "/metadata/annotations" } else { "/spec" };
    before.is_object() && before.pointer(part) == after.pointer(part)
}

/// The refusal as the API server itself would write it, so that kubectl shows each field.
fn status(kind: &Kind, name: &str, problems: &[Problem]) -> Value {
    let reported: Vec<String> = problems.iter().map(Problem::to_string).collect();
    let reported = match reported.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let causes: Vec<Value> = problems
        .iter()
        .map(
            |problem| json!({ "reason": problem.fault.kind.reason(), "message": problem.fault.to_string(), "field": problem.path }),
        )
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "reason": "Invalid",
        "code": 422,
        "message": format!("{}.{} {name:?} is invalid: {reported}", kind.kind, kind.group),
        "details": { "name": name, "group": kind.group, "kind": kind.kind, "causes": causes },
    })
}
