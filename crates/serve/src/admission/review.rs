//! One AdmissionReview and its answer: pure.

use engine::{Plan, Problem, SourceCatalog, Target, Warning};
use resources::{Context, Kind, Scope};
use runner::{ObjectKey, Wanted};
use serde_json::{Value, json};

use super::Judge;
use super::workload::Looked;

/// The form of the reviews that are taken and given.
const API_VERSION: &str = "admission.k8s.io/v1";

/// What a review comes to.
enum Verdict {
    /// Go on; each sentence is shown to the user.
    Allowed(Vec<String>),
    Refused(Vec<Problem>),
}

/// The kind of the object in `request`, where it is to be judged: it is about to be written as a whole, and ours.
pub(super) fn asked_about(request: &Value, judge: &Judge) -> Option<&'static Kind> {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind =
        resources::find(&format!("{}/{}", text("/kind/group"), text("/kind/version")), text("/kind/kind"))?;
    let object = &request["object"];
    let is_written = matches!(text("/operation"), "CREATE" | "UPDATE") && text("/subResource").is_empty();
    // Whoever clears up must not be held up.
    let is_going = object.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null());
    (is_written && object.is_object() && !is_going && judge.acts_on(kind, object)).then_some(kind)
}

/// The review that answers `sent`; `looked` is what a look at the workload came to.
///
/// # Errors
/// Why `sent` is no review.
pub(super) fn review(sent: &Value, judge: &Judge, looked: Looked) -> Result<Value, String> {
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
    let verdict = judged(&sent["request"], kind, judge, looked)?;
    count(&sent["request"], kind, judge, &verdict);
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

/// Counts a review by its kind, and as others count it.
fn count(request: &Value, kind: &Kind, judge: &Judge, verdict: &Verdict) {
    judge.metrics.reviewed(kind.kind, matches!(verdict, Verdict::Allowed(_)));
    let problems = match verdict {
        Verdict::Allowed(_) => &[][..],
        Verdict::Refused(problems) => problems,
    };
    let action = match request["operation"].as_str() {
        Some("CREATE") => "create",
        Some("UPDATE") => "update",
        _ => return,
    };
    if let Some(counting) = kind.counting() {
        let reasons: Vec<&str> = problems.iter().map(|problem| (counting.refusal)(problem)).collect();
        judge.metrics.validated(request["namespace"].as_str().unwrap_or_default(), action, &reasons);
    }
}

fn judged(request: &Value, kind: &'static Kind, judge: &Judge, looked: Looked) -> Result<Verdict, String> {
    let operation = request["operation"].as_str().ok_or("request.operation is missing")?;
    let is_whole = request["subResource"].as_str().unwrap_or_default().is_empty();
    let (object, before) = (&request["object"], &request["oldObject"]);
    if matches!(operation, "CREATE" | "UPDATE") && is_whole && !object.is_object() {
        return Err("request.object is missing".to_owned());
    }
    if asked_about(request, judge).is_none() {
        return Ok(Verdict::Allowed(Vec::new()));
    }
    let compile = |catalog: &dyn SourceCatalog, object: &Value| {
        let allow_cross_namespace = judge.allow_cross_namespace;
        let policies = &judge.policies;
        let context = Context { catalog, policies, allow_cross_namespace, admitting: true, resolved: None };
        judge.defaults.of(&kind.acts_in(object)).compile(kind, object, &context)
    };
    let mut problems = match compile(judge.catalog.as_ref(), object) {
        Ok(compiled) => {
            let plan_before = compile(judge.catalog.as_ref(), before).ok().map(|before| before.plan);
            let taken = judge.taken(kind, object, before, &compiled.plan, plan_before.as_ref());
            // What an object begins to scale is part of no earlier state, also where only its mode changes.
            if !taken.is_empty() {
                return Ok(Verdict::Refused(taken));
            }
            Vec::new()
        }
        Err(problems) => problems,
    };
    let mut warnings = Vec::new();
    match looked {
        Looked::NotNeeded => {}
        Looked::Found(more) => problems.extend(more),
        Looked::Failed(why) => warnings.push(format!(
            "spec.triggers: whether the containers of the target have the requests that cpu and memory need was not \
             checked: {why}"
        )),
    }
    let (old, new): (Vec<Problem>, Vec<Problem>) =
        problems.into_iter().partition(|problem| operation == "UPDATE" && was_there(problem, before, object));
    if !new.is_empty() {
        return Ok(Verdict::Refused(old.into_iter().chain(new).collect()));
    }
    match compile(judge.own.as_ref(), object) {
        Ok(compiled) => {
            let expired = resources::expired_override(&compiled.plan, judge.clock.now());
            warnings.extend(compiled.warnings.iter().chain(&expired).map(Warning::to_string));
        }
        Err(problems) => warnings.extend(problems.iter().map(Problem::to_string)),
    }
    Ok(Verdict::Allowed(warnings))
}

impl Judge {
    /// The targets that the object begins to scale, and the HPA that it begins to keep, as its state before did not, and
    /// that something else has.
    fn taken(
        &self,
        kind: &Kind,
        object: &Value,
        before: &Value,
        plan: &Plan,
        plan_before: Option<&Plan>,
    ) -> Vec<Problem> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let namespace = match kind.scope {
            Scope::Namespaced => text("/metadata/namespace").to_owned(),
            Scope::Cluster => String::new(),
        };
        let key = ObjectKey::new(kind.kind, namespace, text("/metadata/name"));
        let had = |target: &Target| {
            plan_before.is_some_and(|before| {
                before.claimed().any(|member| member.target.identity() == target.identity())
            })
        };
        let acts_in = kind.acts_in(object);
        let hpa_of = |object: &Value| kind.needs.hpa.and_then(|naming| (naming.name)(object));
        let (hpa, hpa_before) = (hpa_of(object), plan_before.and_then(|_| hpa_of(before)));
        let wanted = Wanted {
            key: &key,
            hpa: hpa.as_deref().map(|name| (acts_in.as_str(), name)),
            adopts: plan.actuation.hpa().is_some_and(|hpa| hpa.adopts_orphan()),
        };
        let begun = plan.claimed().map(|member| &member.target).filter(|target| !had(target));
        let targets = begun
            .filter_map(|target| Some(kind.taken(object, target, &self.owners.of_target(&wanted, target)?)));
        let hpas = hpa.as_deref().zip(kind.needs.hpa).filter(|_| hpa != hpa_before);
        let hpas = hpas.and_then(|(name, naming)| Some((naming.taken)(name, &self.owners.of_hpa(&wanted)?)));
        targets.chain(hpas).collect()
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
