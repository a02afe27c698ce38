//! The cause of a refusal, from the typed fields of the API server's answer. Pure.

use kube::core::Status;
use kube::core::response::reason;

/// The cause that an answer about an object in a namespace on its way out names.
const NAMESPACE_TERMINATING: &str = "NamespaceTerminating";

/// Why the API server refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    /// The caller's credentials are not accepted.
    Unauthenticated,
    /// 403 without more: a missing right, or an admission plugin that answers in the same way. Which of the
    /// two it is, the API server says when it is asked for the caller's rights.
    Forbidden,
    /// The caller lacks the right.
    MissingRight,
    /// The right is there, and admission refuses: a quota, a plugin, or a webhook that answers 403.
    Admission,
    /// A ValidatingAdmissionPolicy refuses.
    AdmissionPolicy,
    /// A webhook refuses.
    Webhook,
    /// The namespace is being deleted.
    NamespaceTerminating,
    /// The object does not exist.
    NotFound,
    /// The API server does not serve the kind, or not this part of it.
    NotServed,
    /// Someone else changed the object in between.
    Conflict,
    /// Another object has the name.
    AlreadyExists,
    /// The object does not fit its schema or its validation rules.
    Invalid,
    /// The object is larger than what is stored.
    TooLarge,
    /// The API server has too much to do.
    Busy,
    /// It failed inside, or something that it calls did.
    Internal,
    /// It cannot answer at present.
    Unavailable,
    /// It gave the request up after a time of its own.
    TimedOut,
    /// Any other answer.
    Other,
}

/// The cause that `status` names. It is the fields that decide; nothing is read out of the message.
pub(super) fn of(status: &Status) -> Cause {
    let details = status.details.as_ref();
    let causes = details.map_or(&[][..], |details| &details.causes);
    if causes.iter().any(|cause| cause.reason == NAMESPACE_TERMINATING) {
        return Cause::NamespaceTerminating;
    }
    match status.code {
        400 if status.reason.is_empty() => Cause::Webhook,
        401 => Cause::Unauthenticated,
        // Of a right that is missing the API server names no cause.
        403 if !causes.is_empty() => Cause::AdmissionPolicy,
        403 => Cause::Forbidden,
        404 if details.is_none_or(|details| details.name.is_empty()) => Cause::NotServed,
        404 => Cause::NotFound,
        405 => Cause::NotServed,
        409 if status.reason == reason::ALREADY_EXISTS => Cause::AlreadyExists,
        409 => Cause::Conflict,
        413 => Cause::TooLarge,
        // A policy that gives no reason of its own is answered as invalid, and names no field.
        422 if causes.iter().all(|cause| cause.field.is_empty()) => Cause::AdmissionPolicy,
        422 => Cause::Invalid,
        429 => Cause::Busy,
        500 => Cause::Internal,
        502 | 503 => Cause::Unavailable,
        504 => Cause::TimedOut,
        _ => Cause::Other,
    }
}

impl Cause {
    /// Whether someone decided against the request, so that asking again at once is of no use.
    pub(crate) fn is_denial(self) -> bool {
        matches!(
            self,
            Self::Unauthenticated
                | Self::Forbidden
                | Self::MissingRight
                | Self::Admission
                | Self::AdmissionPolicy
                | Self::Webhook
                | Self::NamespaceTerminating
                | Self::NotServed
                | Self::Invalid
                | Self::TooLarge
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16, reason: &str, details: serde_json::Value) -> Status {
        let status = serde_json::json!({ "status": "Failure", "code": code, "reason": reason,
            "message": "words that nobody reads", "details": details });
        serde_json::from_value(status).unwrap()
    }

    /// As a kube-apiserver of 1.36 writes them.
    #[test]
    fn the_fields_of_a_status_name_its_cause() {
        let object = serde_json::json!({ "name": "web", "group": "apps", "kind": "deployments" });
        let with_cause = |cause: serde_json::Value| {
            let mut details = object.clone();
            details["causes"] = serde_json::json!([cause]);
            details
        };
        let by_policy = with_cause(serde_json::json!({ "message": "too many" }));
        let by_field = with_cause(
            serde_json::json!({ "reason": "FieldValueInvalid", "message": "bad", "field": "spec.replicas" }),
        );
        let terminating = with_cause(
            serde_json::json!({ "reason": "NamespaceTerminating", "message": "x", "field": "metadata.namespace" }),
        );
        let none = serde_json::Value::Null;
        for (code, reason, details, cause) in [
            (400, "", none.clone(), Cause::Webhook),
            (400, "BadRequest", none.clone(), Cause::Other),
            (401, "Unauthorized", none.clone(), Cause::Unauthenticated),
            (403, "Forbidden", object.clone(), Cause::Forbidden),
            (403, "Forbidden", by_policy.clone(), Cause::AdmissionPolicy),
            (403, "Forbidden", terminating, Cause::NamespaceTerminating),
            (404, "NotFound", object.clone(), Cause::NotFound),
            (404, "NotFound", serde_json::json!({}), Cause::NotServed),
            (404, "Failed to parse error data", none.clone(), Cause::NotServed),
            (409, "Conflict", object.clone(), Cause::Conflict),
            (409, "AlreadyExists", object.clone(), Cause::AlreadyExists),
            (413, "RequestEntityTooLarge", none.clone(), Cause::TooLarge),
            (422, "Invalid", by_policy, Cause::AdmissionPolicy),
            (422, "Invalid", by_field, Cause::Invalid),
            (429, "TooManyRequests", serde_json::json!({ "retryAfterSeconds": 1 }), Cause::Busy),
            (500, "InternalError", with_cause(serde_json::json!({ "message": "x" })), Cause::Internal),
            (503, "ServiceUnavailable", none.clone(), Cause::Unavailable),
            (504, "Timeout", serde_json::json!({ "retryAfterSeconds": 0 }), Cause::TimedOut),
            (418, "", none, Cause::Other),
        ] {
            assert_eq!(of(&status(code, reason, details)), cause, "{code} {reason}");
        }
    }
}
