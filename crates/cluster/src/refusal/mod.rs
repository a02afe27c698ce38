//! What the API server refuses: why, and what a person can do about it.
//!
//! ```text
//!  kube::Error ─▶ cause (pure, typed) ─▶ 403 without more? SelfSubjectAccessReview ─▶ Refusal { cause, message }
//! ```
//!
//! A missing right and a quota are both answered by 403 with the same fields. Only the API server knows which
//! it is, so it is asked for the caller's rights, which every user may ask for.

mod cause;
mod message;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::{ObjectMeta, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use tokio::time::Instant;

pub(crate) use cause::Cause;
pub(crate) use message::{chain, is_not_served, of_discovery, of_list, of_watch};

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

/// Who asks the API server, for the sentences about what it refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asker {
    /// The operator, by its own rights.
    #[default]
    Operator,
    /// A person at a terminal.
    Person,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Operator => "the operator",
            Self::Person => "your user",
        })
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
    asker: Asker,
    timeout: Duration,
    /// Whether the caller has a right, and until when that counts.
    rights: Arc<Mutex<HashMap<Asked, (bool, Instant)>>>,
}

impl Refusals {
    pub(crate) fn new(clients: &Clients) -> Self {
        let Clients { write, asker, timeout, .. } = clients.clone();
        Self { client: write, asker, timeout, rights: Arc::default() }
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
        Refusal { cause: Some(cause), message: message::message(asked, cause, status, self.asker) }
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
}
