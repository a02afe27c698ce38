//! Services outside that give advice on a group: the client of `proto/polyscaler/policy/v1/policy.proto`.
//!
//! Here and not in the binary because whoever may write an object names the address: the same guard,
//! limits and words serve as for metrics. The binary joins it to the loop, which knows no gRPC.

mod message;

use engine::episode::State;
use engine::{Absence, AbsenceReason, Advice, Adviser};
use prost::Message as _;
use reqwest::Url;

use crate::AddressPolicy;
use crate::net::http_client::{HttpClient, Limits, absence};
use crate::net::tls::Tls;
use message::{DecideRequest, DecideResponse};

/// Largest answer that is read: far more than 64 members need.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Service and method, as gRPC addresses them.
const METHOD: &str = "polyscaler.policy.v1.Policy/Decide";

/// On whose behalf advice is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Kind of the object.
    pub kind: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// Asks advisers, at addresses that may be called.
#[derive(Debug)]
pub struct Advisers {
    http: HttpClient,
}

impl Advisers {
    /// Asks only where `policy` allows. Opens nothing before the first question.
    pub fn new(policy: AddressPolicy) -> Self {
        Self { http: HttpClient::new(policy) }
    }

    /// What `adviser` recommends for a group in `state`.
    ///
    /// # Errors
    /// Why there is no advice that can be followed: nobody answered in time, or the answer is wrong.
    pub async fn ask(&self, adviser: &Adviser, asker: Asker<'_>, state: &State) -> Result<Advice, Absence> {
        let address = &adviser.address;
        let url = Url::parse(address).and_then(|base| base.join(METHOD)).map_err(|error| Absence {
            reason: AbsenceReason::ConnectionFailed,
            message: format!("the address {address:?} cannot be called: {error}"),
        })?;
        let limits = Limits::new(adviser.timeout, MAX_ANSWER_BYTES);
        let question = DecideRequest::of(asker, state).encode_to_vec();
        let answer = self.http.call_grpc(&url, &Tls::default(), &question, limits).await?;
        let wrong = |what: String| absence(AbsenceReason::Malformed, &url, what);
        let answer = DecideResponse::decode(answer.as_slice())
            .map_err(|error| wrong(format!("its response is not a DecideResponse: {error}")))?;
        answer.advice(state).map_err(wrong)
    }
}
