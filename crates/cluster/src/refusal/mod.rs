//! What the API server refuses: why, and what a person can do about it.
//!
//! ```text
//!  kube::Error ─▶ cause (pure, typed) ─▶ 403 without more? SelfSubjectAccessReview ─▶ Refusal { cause, message }
//! ```
//!
//! A missing right and a quota are both answered by 403 with the same fields. Only the API server knows which
//! it is, so it is asked for the caller's rights, which every user may ask for.

mod cause;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{ObjectMeta, PostParams};
use kube::core::{ApiResource, Status};
use kube::{Api, Client};
use tokio::time::Instant;

pub(crate) use cause::Cause;

use crate::Clients;
use crate::connect::no_answer;

/// What is known of a right is asked for again after this.
const RIGHTS_KEPT: Duration = Duration::from_secs(30);

/// What was asked of the API server, in the words of RBAC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) verb: &'static str,
    pub(crate) group: String,
    /// The plural, for example `deployments`.
    pub(crate) resource: String,
    /// For example `scale`; empty for the object itself.
    pub(crate) subresource: &'static str,
    /// Empty for what has no namespace.
    pub(crate) namespace: String,
    /// Empty where the request names no object.
    pub(crate) name: String,
}

impl Asked {
    /// A request about an object of `resource`.
    pub(crate) fn of(resource: &ApiResource, namespace: &str, name: &str) -> Self {
        Self {
            group: resource.group.clone(),
            resource: resource.plural.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// The same, to do this with it, or with a part of it.
    pub(crate) fn to(self, verb: &'static str, subresource: &'static str) -> Self {
        Self { verb, subresource, ..self }
    }
}

/// The right that the request takes: `update on deployments.apps/scale`.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        Ok(())
    }
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Why; `None` where there was no answer.
    pub(crate) cause: Option<Cause>,
    /// What happened and what to do, in a sentence.
    pub(crate) message: String,
}

impl Refusal {
    /// The request was not answered within `limit`.
    pub(crate) fn unanswered(limit: Duration) -> Self {
        Self { cause: None, message: no_answer(limit) }
    }

    /// The result by which writes are counted, of one that was answered in time.
    pub(crate) fn counted(&self) -> &'static str {
        let refused = |cause: Cause| cause.is_denial() || matches!(cause, Cause::Conflict | Cause::NotFound);
        if self.cause.is_some_and(refused) { "refused" } else { "failed" }
    }
}

/// Explains what the API server refuses.
#[derive(Clone)]
pub(crate) struct Refusals {
    client: Client,
    timeout: Duration,
    /// Whether the caller has a right, and until when that counts.
    rights: Arc<Mutex<HashMap<Asked, (bool, Instant)>>>,
}

impl Refusals {
    pub(crate) fn new(clients: &Clients) -> Self {
        Self { client: clients.write.clone(), timeout: clients.timeout, rights: Arc::default() }
    }

    /// Why `asked` failed with `error`.
    pub(crate) async fn explain(&self, asked: &Asked, error: &kube::Error) -> Refusal {
        let kube::Error::Api(status) = error else {
            return Refusal { cause: None, message: chain(error) };
        };
        let cause = match cause::of(status) {
            Cause::Forbidden => match self.has_right(asked).await {
                Some(true) => Cause::Admission,
                Some(false) => Cause::MissingRight,
                None => Cause::Forbidden,
            },
            cause => cause,
        };
        Refusal { cause: Some(cause), message: message(asked, cause, status) }
    }

    /// Why a request failed with `error` that takes all of these rights: the first that is missing is named.
    pub(crate) async fn explain_all(&self, asked: &[Asked], error: &kube::Error) -> Refusal {
        let mut explained = Refusal { cause: None, message: chain(error) };
        for asked in asked {
            explained = self.explain(asked, error).await;
            if explained.cause != Some(Cause::Admission) {
                break;
            }
        }
        explained
    }

    /// Whether the caller may do what it asked for; `None` where that cannot be found out.
    async fn has_right(&self, asked: &Asked) -> Option<bool> {
        let now = Instant::now();
        let known = self.lock().get(asked).filter(|(_, until)| now < *until).map(|(has, _)| *has);
        if known.is_some() {
            return known;
        }
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let review = review(asked);
        let params = PostParams::default();
        let answer = tokio::time::timeout(self.timeout, api.create(&params, &review)).await.ok()?.ok()?;
        let has = answer.status?.allowed;
        let mut rights = self.lock();
        rights.retain(|_, (_, until)| now < *until);
        rights.insert(asked.clone(), (has, now + RIGHTS_KEPT));
        Some(has)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Asked, (bool, Instant)>> {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn review(asked: &Asked) -> SelfSubjectAccessReview {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let resource_attributes = ResourceAttributes {
        group: Some(asked.group.clone()),
        resource: given(&asked.resource),
        subresource: given(asked.subresource),
        verb: given(asked.verb),
        namespace: given(&asked.namespace),
        name: given(&asked.name),
        ..ResourceAttributes::default()
    };
    SelfSubjectAccessReview {
        metadata: ObjectMeta::default(),
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(resource_attributes),
            ..SelfSubjectAccessReviewSpec::default()
        },
        status: None,
    }
}

/// What happened, and what to do about it.
fn message(asked: &Asked, cause: Cause, status: &Status) -> String {
    let said = said(status);
    match cause {
        Cause::MissingRight => format!("permission denied: grant {asked} to the operator ({said})"),
        Cause::Forbidden => format!(
            "forbidden: grant {asked} to the operator, or change the admission rule that denies it ({said})"
        ),
        Cause::Unauthenticated => format!(
            "the API server does not accept the operator's credentials: renew its token or client certificate ({said})"
        ),
        Cause::Admission => format!(
            "denied by admission although permission is granted: raise the quota, or change the admission \
             plugin or webhook that denies it ({said})"
        ),
        Cause::AdmissionPolicy => format!(
            "denied by an admission policy: change the ValidatingAdmissionPolicy, or exempt the operator ({said})"
        ),
        Cause::Webhook => {
            format!("denied by an admission webhook: change its rules, or exempt the operator ({said})")
        }
        Cause::NamespaceTerminating => {
            format!("namespace {} is being deleted, nothing is written there ({said})", asked.namespace)
        }
        Cause::NotFound => format!("not found: create it, or fix the name that refers to it ({said})"),
        Cause::NotServed => format!(
            "the API server does not serve {}: install its CRD or the API that serves it ({said})",
            served(asked)
        ),
        Cause::Conflict => format!("changed by someone else in between, the operator tries again ({said})"),
        Cause::AlreadyExists => format!("another object has this name: rename or delete it ({said})"),
        Cause::Invalid => format!("not valid: fix the named fields ({said})"),
        Cause::TooLarge => format!(
            "too large for the API server: shorten the object, or raise the request limit of etcd ({said})"
        ),
        Cause::Busy => {
            let after = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
            let after = if after == 0 { String::new() } else { format!(", after {after} s") };
            format!(
                "the API server is overloaded and asks to try again{after}: where this persists, raise the limits of \
                 its API Priority and Fairness for the operator ({said})"
            )
        }
        Cause::Internal => format!(
            "internal error in the API server, often an admission webhook that cannot be reached: check the \
             webhook's Service, or its failurePolicy ({said})"
        ),
        Cause::Unavailable => {
            format!(
                "the API server, or the API service behind it, is unavailable: check it, and `kubectl get apiservices` \
                 ({said})"
            )
        }
        Cause::TimedOut => format!(
            "the API server did not finish in time: check its load, and that of etcd and of admission webhooks ({said})"
        ),
        Cause::Other => format!("the API server answered {} {}: {said}", status.code, status.reason),
    }
}

fn served(asked: &Asked) -> String {
    let group = if asked.group.is_empty() { String::new() } else { format!(".{}", asked.group) };
    let part = if asked.subresource.is_empty() { String::new() } else { format!("/{}", asked.subresource) };
    format!("{}{group}{part}", asked.resource)
}

/// The API server's own words; where it has none, the words of its causes.
fn said(status: &Status) -> String {
    if !status.message.is_empty() {
        return status.message.trim().to_owned();
    }
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let causes: Vec<&str> = causes.map(|cause| cause.message.as_str()).collect();
    if causes.is_empty() { format!("{} {}", status.code, status.reason) } else { causes.join("; ") }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    // Its own text would repeat the whole answer.
    if let Some(kube::Error::Api(status)) = error.downcast_ref() {
        return format!("the API server answers {} {}: {}", status.code, status.reason, status.message);
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// What a look for the resources of an API group says that failed.
pub(crate) fn of_discovery(error: &kube::Error) -> String {
    let kube::Error::Api(status) = error else { return chain(error) };
    match cause::of(status) {
        Cause::Forbidden | Cause::MissingRight => {
            format!(
                "permission denied: bind the ClusterRole system:discovery to the operator ({})",
                said(status)
            )
        }
        cause => message(&Asked::default(), cause, status),
    }
}

/// What a list of `what` says that failed.
pub(crate) fn of_list(what: &str, error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => of_watch(what, status),
        error => chain(error),
    }
}

/// Whether the API server does not serve the kind that was asked for.
pub(crate) fn is_not_served(status: &Status) -> bool {
    cause::of(status) == Cause::NotServed
}

/// What a refused watch or list of `what` says.
pub(crate) fn of_watch(what: &str, status: &Status) -> String {
    let said = said(status);
    match cause::of(status) {
        Cause::NotServed | Cause::NotFound => format!(
            "the API server does not know {what}: install the CRDs with `polyscaler crds | kubectl apply -f -`"
        ),
        Cause::Forbidden | Cause::MissingRight => {
            format!("the API server forbids it: grant list and watch on {what} ({said})")
        }
        cause => message(&Asked::default(), cause, status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_reads_as_in_a_role() {
        let scale = Asked {
            verb: "update",
            group: "apps".to_owned(),
            resource: "deployments".to_owned(),
            subresource: "scale",
            ..Asked::default()
        };
        assert_eq!(scale.to_string(), "update on deployments.apps/scale");
        let secrets = Asked { verb: "get", resource: "secrets".to_owned(), ..Asked::default() };
        assert_eq!(secrets.to_string(), "get on secrets");
    }

    #[test]
    fn what_a_person_can_do_depends_on_the_cause() {
        let asked = Asked {
            verb: "update",
            group: "apps".to_owned(),
            resource: "deployments".to_owned(),
            subresource: "scale",
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let status = Status::failure("in its own words", "Forbidden").with_code(403);
        for (cause, advice) in [
            (Cause::MissingRight, "grant update on deployments.apps/scale"),
            (Cause::Admission, "raise the quota"),
            (Cause::AdmissionPolicy, "change the ValidatingAdmissionPolicy"),
            (Cause::Webhook, "denied by an admission webhook"),
            (Cause::NamespaceTerminating, "namespace shop is being deleted"),
            (Cause::Internal, "webhook that cannot be reached"),
            (Cause::Unauthenticated, "renew its token"),
            (Cause::NotServed, "does not serve deployments.apps/scale"),
            (Cause::Forbidden, "or change the admission rule"),
            (Cause::NotFound, "create it"),
            (Cause::Conflict, "the operator tries again"),
            (Cause::AlreadyExists, "rename or delete it"),
            (Cause::Invalid, "fix the named fields"),
            (Cause::TooLarge, "shorten the object"),
            (Cause::Busy, "API Priority and Fairness"),
            (Cause::Unavailable, "kubectl get apiservices"),
            (Cause::TimedOut, "check its load"),
        ] {
            let message = message(&asked, cause, &status);
            assert!(message.contains(advice) && message.ends_with("(in its own words)"), "{message}");
        }
    }

    #[test]
    fn a_missing_right_is_named_for_every_request() {
        let asked = |verb, group: &str, resource: &str, subresource| Asked {
            verb,
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource,
            ..Asked::default()
        };
        let status = Status::failure("no", "Forbidden").with_code(403);
        for (asked, right) in [
            (asked("get", "apps", "deployments", "scale"), "get on deployments.apps/scale"),
            (asked("update", "apps", "deployments", "scale"), "update on deployments.apps/scale"),
            (
                asked("patch", "scaling.example.com", "scalingrules", "status"),
                "patch on scalingrules.scaling.example.com/status",
            ),
            (asked("create", "events.k8s.io", "events", ""), "create on events.events.k8s.io"),
            (asked("update", "coordination.k8s.io", "leases", ""), "update on leases.coordination.k8s.io"),
            (asked("patch", "", "secrets", ""), "patch on secrets"),
            (asked("create", "", "serviceaccounts", "token"), "create on serviceaccounts/token"),
            (
                asked("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", ""),
                "patch on validatingwebhookconfigurations.admissionregistration.k8s.io",
            ),
        ] {
            let message = message(&asked, Cause::MissingRight, &status);
            assert_eq!(message, format!("permission denied: grant {right} to the operator (no)"));
        }
    }

    #[test]
    fn discovery_and_lists_say_what_to_do() {
        let error = |code, reason: &str| {
            kube::Error::Api(Box::new(Status::failure("in its own words", reason).with_code(code)))
        };
        for (code, reason, advice) in [
            (403, "Forbidden", "bind the ClusterRole system:discovery"),
            (401, "Unauthorized", "renew its token"),
            (503, "ServiceUnavailable", "kubectl get apiservices"),
        ] {
            let message = of_discovery(&error(code, reason));
            assert!(message.contains(advice) && message.ends_with("(in its own words)"), "{message}");
        }
        for (code, reason, advice) in [
            (403, "Forbidden", "grant list and watch on scalers.example.com"),
            (404, "NotFound", "install the CRDs"),
            (429, "TooManyRequests", "API Priority and Fairness"),
            (500, "InternalError", "check the webhook's Service"),
        ] {
            let message = of_list("scalers.example.com", &error(code, reason));
            assert!(message.contains(advice), "{message}");
        }
    }

    #[test]
    fn an_answer_without_words_shows_its_code() {
        let status = Status::failure("", "Timeout").with_code(504);
        assert_eq!(said(&status), "504 Timeout");
    }
}
