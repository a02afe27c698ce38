//! A listener with one ScaledObject, an API server that follows a script, and its front proxy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{Absence, AbsenceReason, Published};
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use runner::{Activity, Board, Clock as _, Leader, Leadership, ObjectKey, SystemClock};
use serde_json::Value;
use tokio::sync::watch;

use super::super::*;
use crate::certificates::CertificateFiles;
use crate::certificates::tests::{made, show};

/// Answers as the API server would: one token and one right.
#[derive(Default)]
pub(super) struct Script {
    pub(super) proxy: Mutex<Option<FrontProxy>>,
    pub(super) is_away: Mutex<bool>,
    pub(super) tokens_asked: AtomicUsize,
    pub(super) rights_asked: AtomicUsize,
}

impl Script {
    fn or_away<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, Result<T, String>> {
        let is_away = *self.is_away.lock().unwrap();
        ready(if is_away { Err("no answer within 5 s".to_owned()) } else { Ok(answer) }).boxed()
    }
}

impl Authority for Script {
    fn front_proxy(&self) -> BoxFuture<'_, Result<Option<FrontProxy>, String>> {
        self.or_away(self.proxy.lock().unwrap().clone())
    }

    fn whose<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Option<Caller>, String>> {
        self.tokens_asked.fetch_add(1, Ordering::Relaxed);
        self.or_away((token == "good").then(|| Caller { name: "reader".to_owned(), ..Caller::default() }))
    }

    fn may<'a>(
        &'a self,
        caller: &'a Caller,
        attributes: &'a Attributes,
    ) -> BoxFuture<'a, Result<Verdict, String>> {
        self.rights_asked.fetch_add(1, Ordering::Relaxed);
        let may = match attributes {
            Attributes::Metric { namespace, .. } => namespace == "shop",
            Attributes::Path(path) => path.starts_with("/apis"),
        };
        let verdict = if may && caller.name == "reader" {
            Verdict::Allowed
        } else {
            Verdict::Denied("no rule says so".to_owned())
        };
        self.or_away(verdict)
    }
}

/// An authority that issues client certificates.
pub(super) struct Issues {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Issues {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "front-proxy-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A client certificate for `name`, with its key.
    pub(super) fn identity(&self, name: &str) -> reqwest::Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        reqwest::Identity::from_pem(format!("{certificate}{}", key.serialize_pem()).as_bytes()).unwrap()
    }

    /// How its front proxy is known.
    pub(super) fn proxy(&self) -> FrontProxy {
        let of = |name: &str| vec![name.to_owned()];
        FrontProxy {
            authorities: self.pem.clone(),
            names: of("front-proxy-client"),
            name_headers: of("X-Remote-User"),
            group_headers: of("X-Remote-Group"),
            ..FrontProxy::default()
        }
    }
}

/// One replica.
pub(super) struct Replica {
    pub(super) shown: Shown,
    pub(super) leadership: Arc<Leadership>,
    pub(super) script: Arc<Script>,
    address: String,
    pub(super) peer: String,
    files: CertificateFiles,
    _stop: watch::Sender<bool>,
}

impl Replica {
    /// One that trusts the front proxy of `issues`, shows `files` and does not lead.
    pub(super) async fn start(issues: &Issues, files: &CertificateFiles) -> Self {
        let shown = Shown {
            activity: Arc::new(Activity::new(5)),
            board: Arc::new(Board::default()),
            answers: Arc::default(),
            clock: Arc::new(SystemClock::start()),
        };
        let (leadership, slot) = (Arc::new(Leadership::default()), Arc::new(CertificateSlot::default()));
        show(&slot, files);
        let asks = Arc::new(Peers::new(Arc::clone(&leadership), Some(Arc::clone(&slot))).unwrap());
        let any = || SocketAddr::from(([127, 0, 0, 1], 0));
        let script = Arc::new(Script { proxy: Mutex::new(Some(issues.proxy())), ..Script::default() });
        let api = ExternalMetrics::new(script.clone());
        let listening = api.listen(any(), shown.clone(), asks, Arc::clone(&slot)).await.unwrap();
        let peer = peers::peers(any(), shown.clone(), Arc::clone(&leadership), slot).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let address = format!("localhost:{}", listening.address().unwrap().port());
        let peer_address = peer.address().unwrap().to_string();
        tokio::spawn(listening.serve(stopped.clone()));
        tokio::spawn(peer.serve(stopped.clone()));
        tokio::spawn(api.keep(stopped));
        let files = files.clone();
        Self { shown, leadership, script, address, peer: peer_address, files, _stop: stop }
    }

    /// One that leads and has polled `web` in the namespace `shop`.
    pub(super) async fn leading(issues: &Issues) -> Self {
        let replica = Self::start(issues, &made(&["localhost"], SystemClock::start().now())).await;
        replica.lead();
        replica.publish(Ok(7.25));
        replica
    }

    pub(super) fn lead(&self) {
        self.shown.board.lead(true);
        self.shown.answers.lead(true);
        self.leadership.note(Leader::This);
    }

    /// Notes this value of the only metric of `web`.
    pub(super) fn publish(&self, value: Result<f64, &str>) {
        let key = ObjectKey::new("ScaledObject", "shop", "web");
        let absent = |why: &str| Absence { reason: AbsenceReason::Timeout, message: why.to_owned() };
        let at = engine::Time::from_seconds(1_700_000_000);
        let value = value.map_err(absent);
        let published =
            Published { metric: "s0-prometheus".into(), value, at, is_fallback: false, for_one_pod: None };
        let now = self.shown.clock.now();
        self.shown.answers.publish(&key, now, Duration::from_secs(30), vec![published]);
    }

    pub(super) fn client(&self, identity: Option<reqwest::Identity>) -> reqwest::Client {
        let authority = reqwest::Certificate::from_pem(&self.files_authority()).unwrap();
        let client = testbed::http_client().tls_certs_only([authority]);
        let client = identity.into_iter().fold(client, reqwest::ClientBuilder::identity);
        client.build().unwrap()
    }

    fn files_authority(&self) -> Vec<u8> {
        self.files.clone().into_data().remove("ca.crt").unwrap()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    /// The answer to whoever has the good token.
    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.client(None).get(self.url(path)).bearer_auth("good")).await
    }

    /// The same in a form that `accept` names, with the form that it came in.
    pub(super) async fn accepting(&self, path: &str, accept: &str) -> (String, Value) {
        let request = self.client(None).get(self.url(path)).bearer_auth("good").header("accept", accept);
        let answer = request.send().await.unwrap();
        let form = answer.headers()["content-type"].to_str().unwrap().to_owned();
        (form, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }
}

/// Status and body of the answer.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Where the metric of an object is read.
pub(super) fn metric(namespace: &str, object: &str, metric: &str) -> String {
    format!(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{metric}\
         ?labelSelector=scaledobject.keda.sh%2Fname%3D{object}"
    )
}

/// The metric that there is.
pub(super) fn known() -> String {
    metric("shop", "web", "s0-prometheus")
}
