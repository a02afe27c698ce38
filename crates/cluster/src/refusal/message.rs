//! The sentences about what failed: what happened, and what a person can do about it. Pure.

use kube::core::Status;

use super::cause::{self, Cause};
use super::{Asked, Asker};

/// What happened, and what to do about it.
pub(super) fn message(asked: &Asked, cause: Cause, status: &Status, asker: Asker) -> String {
    let said = said(status);
    match cause {
        Cause::MissingRight => format!("permission denied: grant {asked} to {asker} ({said})"),
        Cause::Forbidden => format!(
            "forbidden: grant {asked} to {asker}, or change the admission rule that denies it ({said})"
        ),
        Cause::Unauthenticated => format!(
            "the API server does not accept {asker}'s credentials: renew its token or client certificate ({said})"
        ),
        Cause::Admission => format!(
            "denied by admission although permission is granted: raise the quota, or change the admission \
             plugin or webhook that denies it ({said})"
        ),
        Cause::AdmissionPolicy => format!(
            "denied by an admission policy: change the ValidatingAdmissionPolicy, or exempt {asker} ({said})"
        ),
        Cause::Webhook => {
            format!("denied by an admission webhook: change its rules, or exempt {asker} ({said})")
        }
        Cause::NamespaceTerminating => {
            format!("namespace {} is being deleted, nothing is written there ({said})", asked.namespace)
        }
        Cause::NotFound => format!("not found: create it, or fix the name that refers to it ({said})"),
        Cause::NotServed => format!(
            "the API server does not serve {}: install its CRD or the API that serves it ({said})",
            served(asked)
        ),
        Cause::Conflict => format!("changed by someone else in between, {asker} tries again ({said})"),
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
                 its API Priority and Fairness for {asker} ({said})"
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
        cause => message(&Asked::default(), cause, status, Asker::Operator),
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
        cause => message(&Asked::default(), cause, status, Asker::Operator),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let message = message(&asked, cause, &status, Asker::Operator);
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
            for (asker, whom) in [(Asker::Operator, "the operator"), (Asker::Person, "your user")] {
                let message = message(&asked, Cause::MissingRight, &status, asker);
                assert_eq!(message, format!("permission denied: grant {right} to {whom} (no)"));
            }
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
