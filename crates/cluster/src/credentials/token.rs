//! Tokens of service accounts, requested when they are needed and used for the larger part of their life.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::Credential;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::Instant;

use super::{Unread, Values};
use crate::connect::no_answer;
use crate::refusal::{Asked, Refusals};

/// The life that is asked for.
const LIFE: Duration = Duration::from_secs(3600);

/// Tokens kept at once. Forgetting one costs a request.
const MAX_KEPT: usize = 10_000;

/// Namespace, name and audience.
type Account = (String, String, Option<String>);

pub(super) struct Tokens {
    client: Client,
    timeout: Duration,
    refusals: Refusals,
    kept: Mutex<HashMap<Account, Kept>>,
}

#[derive(Clone)]
struct Kept {
    token: String,
    until: Instant,
}

impl Tokens {
    pub(super) fn new(client: Client, timeout: Duration, refusals: Refusals) -> Self {
        Self { client, timeout, refusals, kept: Mutex::default() }
    }

    /// A token of the service account `name`, for `audience` or the API server.
    pub(super) async fn get(
        &self,
        namespace: &str,
        name: &str,
        audience: Option<&str>,
    ) -> Result<Values, String> {
        let account = (namespace.to_owned(), name.to_owned(), audience.map(str::to_owned));
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(&account).cloned();
        let kept = kept.filter(|kept| Instant::now() < kept.until);
        let token = match kept {
            Some(kept) => kept.token,
            None => self.request(account).await?,
        };
        Ok(Values::from([(Credential::TOKEN.to_owned(), token.into_bytes())]))
    }

    async fn request(&self, account: Account) -> Result<String, String> {
        let (namespace, name, audience) = &account;
        let request = TokenRequest {
            spec: Some(TokenRequestSpec {
                audiences: audience.as_ref().map(|audience| vec![audience.clone()]),
                expiration_seconds: Some(LIFE.as_secs() as i64),
                ..TokenRequestSpec::default()
            }),
            ..TokenRequest::default()
        };
        let api: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let (began, params) = (Instant::now(), PostParams::default());
        let asked = api.create_token_request(name, &params, &request);
        let answer = match tokio::time::timeout(self.timeout, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let asked = Asked {
                    verb: "create",
                    resource: "serviceaccounts".to_owned(),
                    subresource: "token",
                    namespace: namespace.clone(),
                    name: name.clone(),
                    ..Asked::default()
                };
                return Err(Unread::from(self.refusals.explain(&asked, &error).await).into());
            }
            Err(_) => return Err(no_answer(self.timeout)),
        };
        // The API server may give it a shorter life than was asked for.
        let life = answer.spec.and_then(|spec| u64::try_from(spec.expiration_seconds?).ok());
        let life = Duration::from_secs(life.unwrap_or_default()).min(LIFE);
        let token = answer.status.and_then(|status| status.token).filter(|token| !token.is_empty());
        let token = token.ok_or("the API server's response has no token")?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(account, Kept { token: token.clone(), until: began + life * 4 / 5 });
        Ok(token)
    }
}
