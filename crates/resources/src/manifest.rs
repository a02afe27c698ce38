//! Manifests as files hold them: several documents, of kinds that are ours or not.

mod reading;
mod together;
mod unknown;

use std::fmt;

use engine::{Fault, FaultKind, Problem, Target, Time, Warning};
use serde::Deserialize as _;
use serde_json::Value;

use crate::common::annotations::expired_override;
use crate::common::fields::TargetRef;
use crate::compile::Context;
use crate::horizontal_pod_autoscaler;
use crate::kind::Kind;
use crate::schema::matches;
use crate::scope::Scope;
use crate::supporting::Supporting;
use together::Beside;

pub use reading::documents;
pub use together::judge_together;
pub use unknown::unknown_version;

use unknown::Unknown;

/// The kind of Kubernetes that scales targets, too.
const HPA: &str = horizontal_pod_autoscaler::KIND.kind;
/// The annotation of an HPA which says, as `false`, that it stands in nobody's way.
const OWNERSHIP: &str = "validations.keda.sh/hpa-ownership";

/// What `check` has to say of one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// `Kind/name`, or `document N` where it has none.
    pub object: String,
    /// What is wrong; empty where all is well.
    pub problems: Vec<Problem>,
    /// What is accepted and hardly meant; empty where something is wrong.
    pub warnings: Vec<Warning>,
    /// Whether the kind is one that is judged: ours, or an HPA of `autoscaling/v2`. Others are passed over.
    pub known: bool,
    /// What it would scale, to distinguish two on one target; `None` where something is wrong with it, and for kinds of
    /// others that scale nothing.
    pub claim: Option<Claim>,
    /// What of it matters to others of its run.
    beside: Beside,
}

/// The targets that one object would scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// `Kind namespace/name`, or `Kind name` where the kind has no namespace.
    pub object: String,
    /// Its targets; none where it only observes.
    pub targets: Vec<Target>,
    /// The HPA that it may take over, by the full name of that.
    pub adopts: Option<String>,
    /// Whether it is an HPA, which has its target whoever else wants it.
    pub is_hpa: bool,
}

/// Judges every document of a manifest as the API server would at `now`.
///
/// # Errors
/// Where the text is no YAML.
pub fn check(text: &str, context: &Context<'_>, now: Time) -> Result<Vec<Finding>, Problem> {
    let documents = documents(text)?;
    let mut findings: Vec<Finding> =
        documents.iter().enumerate().map(|(index, document)| judge(document, index, context, now)).collect();
    warn_of_targets(&documents, &mut findings);
    Ok(findings)
}

/// Adds to HPAs what is doubtful about their targets, where those stand beside them.
fn warn_of_targets(documents: &[Value], findings: &mut [Finding]) {
    for (hpa, finding) in documents.iter().zip(findings).filter(|(_, finding)| finding.problems.is_empty()) {
        let targets = finding.claim.iter().filter(|claim| claim.is_hpa).flat_map(|claim| &claim.targets);
        let target = targets.into_iter().find_map(|target| {
            let is_it = |document: &&Value| {
                let field = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
                field("/apiVersion") == Some(&target.api_version)
                    && field("/kind") == Some(&target.kind)
                    && field("/metadata/name") == Some(&target.name)
                    && field("/metadata/namespace").unwrap_or("default") == target.namespace
            };
            documents.iter().find(is_it)
        });
        let Some(target) = target else { continue };
        finding.warnings.extend(horizontal_pod_autoscaler::beside_its_target(hpa, target));
    }
}

fn judge(document: &Value, index: usize, context: &Context<'_>, now: Time) -> Finding {
    let field = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let (Some(api_version), Some(kind)) = (field("/apiVersion"), field("/kind")) else {
        let problem = Problem::new("", Fault::new(FaultKind::Unreadable, "apiVersion and kind must be set"));
        let object = format!("document {}", index + 1);
        return Finding { object, problems: vec![problem], known: true, ..Finding::default() };
    };
    let object = format!("{kind}/{}", field("/metadata/name").unwrap_or("(no name)"));
    match crate::find(api_version, kind) {
        Some(kind) => judge_ours(kind, object, document, context, now),
        None => {
            if let Some(kind) = supporting(api_version, kind) {
                let mut problems = kind.problems(document);
                problems.extend(name_problem(document));
                return Finding { object, problems, known: true, ..Finding::default() };
            }
            let (problems, warnings) = match Unknown::of(api_version, kind) {
                None => (Vec::new(), Vec::new()),
                Some(Unknown::Nobodys(problem)) => (vec![problem], Vec::new()),
                Some(Unknown::Older(warning)) => (Vec::new(), vec![warning]),
            };
            let claim = of_hpa(api_version, kind, document);
            let beside = Beside::of_others(api_version, kind, document);
            Finding { object, known: !problems.is_empty(), problems, warnings, claim, beside }
        }
    }
}

/// The supporting kind with this API version and name.
fn supporting(api_version: &str, kind: &str) -> Option<&'static Supporting> {
    crate::SUPPORTING.iter().copied().find(|known| known.api_version() == api_version && known.kind == kind)
}

/// What a HorizontalPodAutoscaler scales; `None` where the document is none.
fn of_hpa(api_version: &str, kind: &str, document: &Value) -> Option<Claim> {
    if kind != HPA || !api_version.starts_with("autoscaling/") {
        return None;
    }
    let target = TargetRef::deserialize(document.pointer("/spec/scaleTargetRef")?).ok()?;
    let field = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let namespace = field("/metadata/namespace").unwrap_or("default");
    let object = hpa_called(namespace, field("/metadata/name").unwrap_or("(no name)"));
    let is_nobodys = document["metadata"]["annotations"][OWNERSHIP] == "false";
    let targets = Some(target.in_namespace(namespace)).filter(|_| !is_nobodys);
    Some(Claim { object, targets: targets.into_iter().collect(), adopts: None, is_hpa: true })
}

/// The full name of an HPA.
fn hpa_called(namespace: &str, name: &str) -> String {
    format!("{HPA} {namespace}/{name}")
}

fn judge_ours(kind: &Kind, object: String, document: &Value, context: &Context<'_>, now: Time) -> Finding {
    let mut problems = kind.unknown_field_problems(document, context.policies);
    problems.extend(name_problem(document));
    let (mut warnings, mut claim, mut beside) = (Vec::new(), None, Beside::default());
    match kind.compile(document, context) {
        Ok(compiled) if problems.is_empty() => {
            let targets = compiled.plan.claimed().map(|member| member.target.clone()).collect();
            let hpa = compiled.plan.actuation.hpa().filter(|hpa| hpa.adopts_orphan());
            let adopts = hpa.map(|hpa| hpa_called(&kind.acts_in(document), hpa.name()));
            claim = Some(Claim { object: full_name(kind, document), targets, adopts, is_hpa: false });
            beside = Beside::of_ours(kind, document);
            warnings = compiled.warnings;
            warnings.extend(expired_override(&compiled.plan, now));
        }
        Ok(_) => {}
        Err(more) => problems.extend(more),
    }
    if kind.is_read_only() {
        claim = of_hpa(&kind.api_version(), kind.kind, document);
    }
    Finding { object, problems, warnings, known: true, claim, beside }
}

fn full_name(kind: &Kind, document: &Value) -> String {
    let field = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let name = field("/metadata/name").unwrap_or("(no name)");
    match kind.scope {
        Scope::Namespaced => {
            format!("{} {}/{name}", kind.kind, field("/metadata/namespace").unwrap_or("default"))
        }
        Scope::Cluster => format!("{} {name}", kind.kind),
    }
}

/// What scales a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetOwner {
    /// An object of ours.
    Object {
        /// Its kind.
        kind: &'static str,
        /// Its namespace; empty for a cluster-scoped kind.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// An HPA that nothing controls.
    Hpa {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for TargetOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { kind, namespace, name } if namespace.is_empty() => write!(f, "{kind} {name}"),
            Self::Object { kind, namespace, name } => write!(f, "{kind} {namespace}/{name}"),
            Self::Hpa { namespace, name } => f.write_str(&hpa_called(namespace, name)),
        }
    }
}

impl Kind {
    /// That `target`, which `object`, of this kind, would scale, is scaled by `owner` already.
    pub fn taken(&self, object: &Value, target: &Target, owner: &TargetOwner) -> Problem {
        (self.status.taken)(object, target, owner)
    }
}

/// The same in the words of kinds of ours.
pub(crate) fn taken(_: &Value, target: &Target, owner: &TargetOwner) -> Problem {
    shared_target(target, &owner.to_string())
}

/// That `target` is scaled by `owner` already.
fn shared_target(target: &Target, owner: &str) -> Problem {
    let why = format!(
        "{target} is already scaled by {owner}; delete one of the two, or set the annotation polyscaler.dev/mode: observe \
         on this one"
    );
    Problem::new("spec", Fault::forbidden(why))
}

/// Names of objects, as the API server takes them, and in its words.
const NAME: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/// Longest name of an object.
const LONGEST_NAME: usize = 253;

fn name_problem(document: &Value) -> Option<Problem> {
    let metadata = |field: &str| document.get("metadata")?.get(field).filter(|value| !value.is_null());
    let fault = match metadata("name") {
        None if metadata("generateName").is_none() => {
            Fault::new(FaultKind::Required, "name or generateName is required")
        }
        None => return None,
        Some(Value::String(name)) if name.len() > LONGEST_NAME => {
            Fault::invalid(format!("{name:?}: must be no more than {LONGEST_NAME} characters"))
        }
        Some(Value::String(name)) if !matches(&format!("^{NAME}$"), name) => Fault::invalid(format!(
            "{name:?}: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
             characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', \
             regex used for validation is '{NAME}')"
        )),
        Some(Value::String(_)) => return None,
        Some(other) => Fault::new(FaultKind::WrongType, format!("{other}: must be a string")),
    };
    Some(Problem::new("metadata.name", fault))
}

#[cfg(test)]
mod tests;
