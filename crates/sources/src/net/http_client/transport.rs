//! Connections: one pool, and by what its servers are trusted.

use std::sync::OnceLock;
use std::time::Duration;

use engine::AbsenceReason;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, Url};

use super::failure;
use super::{Missed, resolver::GuardedResolver};
use crate::net::dial::Dialler;
use crate::net::grpc::{self, CallError, Messages};
use crate::net::tls::{Roots, Tls, Unusable};

/// A connection attempt ends then, whatever the request's own limit; it may outlive the request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections are kept a little longer than the usual interval between polls.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A gRPC connection with a call on it that says nothing is asked this often whether it lives, and as long
/// it has to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Idle connections kept to one host.
const MAX_IDLE_PER_HOST: usize = 16;

/// Sends single requests, without redirects, to addresses that the policy allows.
#[derive(Debug)]
pub(super) struct Transport {
    client: Client,
    /// Keeps no connection, so that each of its requests has a new one. Made when it is first needed.
    fresh: OnceLock<Option<Client>>,
    made_of: Ingredients,
    roots: Roots,
}

/// What a client is made of.
#[derive(Debug)]
struct Ingredients {
    dialler: Dialler,
    tls: Tls,
    protocol: &'static str,
    speaking: fn(ClientBuilder) -> ClientBuilder,
}

impl Ingredients {
    /// A client that keeps `idle` connections to each host, or why there can be none.
    fn client(&self, idle: usize) -> Result<Client, String> {
        let tls = self.tls.config(&[self.protocol]).map_err(|unusable| match unusable {
            Unusable::Authority => "no authority's certificate is set".to_owned(),
            Unusable::Certificate
            | Unusable::Key
            | Unusable::Protection
            | Unusable::Locked
            | Unusable::Password
            | Unusable::Pair => "the certificate and the key do not match".to_owned(),
        })?;
        let builder = (self.speaking)(builder(&self.dialler)).pool_max_idle_per_host(idle);
        let built = builder.tls_backend_preconfigured(tls).build();
        built.map_err(|error| format!("no client can be built: {}", failure::root_cause(&error)))
    }
}

impl Transport {
    /// Connections by `tls` to addresses that `dialler` allows, or why there can be none.
    pub(super) fn new(dialler: &Dialler, tls: &Tls) -> Result<Self, String> {
        // Metrics need no more than this.
        Self::build(dialler, tls, "http/1.1", ClientBuilder::http1_only)
    }

    /// The same for gRPC.
    pub(super) fn of_grpc(dialler: &Dialler, tls: &Tls) -> Result<Self, String> {
        Self::build(dialler, tls, "h2", |builder| {
            // One connection serves all calls to a host: one that is dead must not be kept for long.
            let builder = builder.http2_keep_alive_interval(KEEP_ALIVE).http2_keep_alive_timeout(KEEP_ALIVE);
            builder.http2_prior_knowledge()
        })
    }

    fn build(
        dialler: &Dialler,
        tls: &Tls,
        protocol: &'static str,
        speaking: fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, String> {
        let made_of = Ingredients { dialler: dialler.clone(), tls: tls.clone(), protocol, speaking };
        let client = made_of.client(MAX_IDLE_PER_HOST)?;
        Ok(Self { client, fresh: OnceLock::new(), roots: tls.roots(), made_of })
    }

    /// One request and the head of its answer. With a form it is a POST.
    pub(super) async fn send(
        &self,
        url: &Url,
        accept: &'static str,
        secret: Option<&HeaderMap>,
        form: Option<&str>,
    ) -> Result<Response, Missed> {
        self.permit(url)?;
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        headers.extend(secret.cloned().unwrap_or_default());
        if form.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        let request = |client: &Client| match form {
            None => client.get(url.clone()).headers(headers.clone()),
            Some(form) => client.post(url.clone()).headers(headers.clone()).body(form.to_owned()),
        };
        let mut outcome = request(&self.client).send().await;
        if let Err(error) = &outcome
            && failure::is_lost(error)
            && let Some(fresh) = self.fresh()
        {
            outcome = request(fresh).send().await;
        }
        outcome.map_err(|error| self.failed(&error))
    }

    /// One gRPC call: a framed message there, a message back.
    pub(super) async fn call(&self, url: &Url, framed: Vec<u8>, longest: usize) -> Result<Vec<u8>, Missed> {
        self.permit(url)?;
        let mut outcome = grpc::call(&self.client, url, HeaderMap::new(), framed.clone(), longest).await;
        if let Err(CallError::NotSent(error)) = &outcome
            && failure::is_lost(error)
            && let Some(fresh) = self.fresh()
        {
            outcome = grpc::call(fresh, url, HeaderMap::new(), framed, longest).await;
        }
        outcome.map_err(|error| self.call_failed(&error, longest))
    }

    /// Opens the stream of a gRPC method: a framed message there, messages back.
    pub(super) async fn open(&self, url: &Url, framed: Vec<u8>, longest: usize) -> Result<Messages, Missed> {
        self.permit(url)?;
        let opened = grpc::open(&self.client, url, framed, longest).await;
        opened.map_err(|error| self.call_failed(&error, longest))
    }

    /// What went wrong with a call or a stream.
    pub(super) fn call_failed(&self, error: &CallError, longest: usize) -> Missed {
        match error {
            CallError::NotSent(error) => self.failed(error),
            error => {
                let (reason, what) = failure::explain_call(error, longest);
                Missed::new(reason, what)
            }
        }
    }

    /// For what was lost on a kept connection, which the other side may have closed in the same moment. Nothing is
    /// changed by what is asked here, so it may be asked once more.
    fn fresh(&self) -> Option<&Client> {
        let make = || self.made_of.client(0).ok();
        self.fresh.get_or_init(make).as_ref()
    }

    /// Literal addresses pass no resolver. The URL parser has already made one form of all spellings.
    fn permit(&self, url: &Url) -> Result<(), Missed> {
        let refused = literal_address(url).map_or(Ok(()), |address| self.made_of.dialler.permit(address));
        refused.map_err(|refused| Missed::new(AbsenceReason::AddressRefused, refused))
    }

    /// The next piece of an answer's body.
    pub(super) async fn next_chunk(
        &self,
        response: &mut Response,
    ) -> Result<Option<impl AsRef<[u8]> + use<>>, Missed> {
        response.chunk().await.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &reqwest::Error) -> Missed {
        let (reason, what) = failure::explain(error, self.roots);
        Missed::new(reason, what)
    }
}

#[expect(clippy::disallowed_methods, reason = "the TLS is handed to it ready")]
fn builder(dialler: &Dialler) -> ClientBuilder {
    ClientBuilder::new()
        .user_agent(concat!("polyscaler/", env!("CARGO_PKG_VERSION")))
        // A proxy would connect in our place, past the address policy.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(GuardedResolver(dialler.clone()))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
}

fn literal_address(url: &Url) -> Option<std::net::IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_recognised() {
        for (url, expected) in [
            ("http://169.254.169.254/latest", "169.254.169.254"),
            ("http://2852039166/", "169.254.169.254"),
            ("http://0xA9FEA9FE/", "169.254.169.254"),
            ("http://0xa9.0xfe.0xa9.0xfe/", "169.254.169.254"),
            ("http://0251.0376.0251.0376/", "169.254.169.254"),
            ("http://169.254.43518/", "169.254.169.254"),
            ("http://169.254.169.254./", "169.254.169.254"),
            ("http://%31%36%39.254.169.254/", "169.254.169.254"),
            ("http://１６９.254.169.254/", "169.254.169.254"),
            ("http://169。254。169。254/", "169.254.169.254"),
            ("http://[::ffff:169.254.169.254]/", "::ffff:169.254.169.254"),
            ("http://[::ffff:a9fe:a9fe]:80/", "::ffff:169.254.169.254"),
            ("http://[fe80::1]/", "fe80::1"),
            ("http://0/", "0.0.0.0"),
            ("http://127.1/", "127.0.0.1"),
        ] {
            let found = literal_address(&url.parse().unwrap());
            assert_eq!(found, Some(expected.parse().unwrap()), "{url}");
        }
        assert_eq!(literal_address(&"http://localhost/".parse().unwrap()), None);
    }
}
