//! Source `external`: what a KEDA external scaler reports over gRPC (`proto/externalscaler/externalscaler.proto`).
//!
//! | setting | meaning |
//! |---|---|
//! | `scalerAddress` | the scaler, as `HOST:PORT` |
//! | `object` | the name of the object that the scaler is told |
//! | `metadata` | optional: what else it is told, as an object of texts |
//! | `push` | optional: whether its stream is kept open, by which it has the object looked at at once; default false |
//! | `tls` | optional: switches TLS on; may be empty |
//! | `tls.caFrom` | optional: certificate authorities to trust, in PEM format, instead of the system's |
//! | `tls.certFrom`, `tls.keyFrom` | optional: client certificate and private key, in PEM format |
//! | `tls.insecureSkipVerify` | optional: whether to accept any certificate |
//! | `timeoutSeconds` | optional: timeout of each call, 1 to 60, default 3; or `timeoutMillis`, 1 to 60000 |
//!
//! The scaler says which metrics it has and what to aim for, gives the value of each, and judges by itself whether there is
//! work. One that names no metric or fails in any of these is an absence. Of several values for a metric the sum counts.
//!
//! A member of `metadata` whose value stands elsewhere is left out of what the scaler is told where it has none there.

mod message;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use engine::{Absence, AbsenceReason, Credential, Fault, MetricValue, Reading, ScalerMetric};
use futures::FutureExt;
use futures::future::{BoxFuture, try_join, try_join_all};
use prost::Message;
use reqwest::Url;

use crate::access::Trust;
use crate::clients::Clients;
use crate::credentials::Credentials;
use crate::net::http_client::{HttpClient, Limits, absence};
use crate::net::tls::Tls;
use crate::source::{Ask, Request, Source};
use crate::values::fault::quoted;
use crate::values::settings::Settings;
use crate::values::url::{parse_http_url, shown_origin};
use message::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, ScaledObjectRef,
};

/// Largest answer that is read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// Most metrics that a scaler may name.
const MAX_METRICS: usize = 64;

/// The registry's constructor.
pub(crate) fn new(clients: &Clients) -> Arc<dyn Source> {
    Arc::new(External { client: Arc::clone(&clients.http) })
}

struct External {
    client: Arc<HttpClient>,
}

/// A query, ready to be asked.
struct Query {
    client: Arc<HttpClient>,
    config: Config,
    /// Whether the scaler has said by itself, since it was last asked, that there is work.
    pushed: AtomicBool,
}

/// The settings, found good.
struct Config {
    address: Url,
    object: String,
    namespace: String,
    metadata: BTreeMap<String, String>,
    /// Members of the metadata whose values are read at each reading.
    metadata_from: Vec<(String, Credential)>,
    push: bool,
    trust: Option<Trust>,
    timeout: Duration,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let address = settings.parsed("scalerAddress", |text| Ok(text.to_owned()));
        let object = settings.required_text("object").map(str::to_owned);
        let metadata = settings.pairs("metadata").into_iter().collect();
        let metadata_from = settings.credentials_of("metadata");
        let push = settings.flag("push");
        let trust = settings.section("tls", Trust::parse);
        let timeout = settings.timeout(3);
        let scheme = if trust.is_some() { "https" } else { "http" };
        let address = address.and_then(|text| {
            let parsed = base(scheme, &text);
            parsed.map_err(|fault| settings.refuse("scalerAddress", fault)).ok()
        });
        if let Some(address) = &address {
            settings.asks(|| shown_origin(address));
        }
        let namespace = settings.namespace().to_owned();
        Some(Self {
            address: address?,
            object: object?,
            namespace,
            metadata,
            metadata_from,
            push,
            trust,
            timeout: timeout?,
        })
    }
}

/// The address before the methods.
fn base(scheme: &str, text: &str) -> Result<Url, Fault> {
    let not_an_address = || Fault::invalid("must be the address of a gRPC service, as HOST:PORT");
    if text.contains(['/', '?', '#']) {
        return Err(not_an_address());
    }
    let url = parse_http_url(&format!("{scheme}://{text}"))?;
    // The default ports of HTTP are none of gRPC's, but may be written.
    if text.ends_with(']') || !text.contains(':') { Err(not_an_address()) } else { Ok(url) }
}

/// What one reading knows: of whom it asks, and for whom.
struct Asked<'a> {
    query: &'a Query,
    tls: Tls,
    about: ScaledObjectRef,
}

impl Asked<'_> {
    fn url(&self, method: &str) -> Result<Url, Absence> {
        self.query.config.address.join(&format!("externalscaler.ExternalScaler/{method}")).map_err(|error| {
            Absence {
                reason: AbsenceReason::ConnectionFailed,
                message: format!("the address of the scaler cannot be called: {error}"),
            }
        })
    }

    fn limits(&self) -> Limits {
        Limits::new(self.query.config.timeout, MAX_ANSWER_BYTES)
    }

    async fn call<A: Message + Default>(&self, method: &str, question: &impl Message) -> Result<A, Absence> {
        let url = self.url(method)?;
        let question = question.encode_to_vec();
        let answer = self.query.client.call_grpc(&url, &self.tls, &question, self.limits()).await?;
        decoded(&url, &answer)
    }

    /// Each metric that the scaler names, with its value.
    async fn metrics(&self) -> Result<Arc<[ScalerMetric]>, Absence> {
        let spec: GetMetricSpecResponse = self.call("GetMetricSpec", &self.about).await?;
        let mut aims: BTreeMap<String, f64> = BTreeMap::new();
        let mut names = Vec::new();
        for metric in spec.metric_specs {
            // Of several of one name the first counts.
            if !aims.contains_key(&metric.metric_name) {
                aims.insert(metric.metric_name.clone(), metric.target());
                names.push(metric.metric_name);
            }
        }
        let failed = |reason, what: String| Err(absence(reason, &self.query.config.address, what));
        if names.is_empty() {
            return failed(AbsenceReason::ValueMissing, "the scaler names no metric".to_owned());
        }
        if names.len() > MAX_METRICS {
            let what = format!("the scaler names {} metrics, more than {MAX_METRICS}", names.len());
            return failed(AbsenceReason::TooLarge, what);
        }
        let read = names.into_iter().map(async |name| {
            let value = self.value(&name).await?;
            let target = aims.get(&name).copied().unwrap_or_default();
            Ok::<_, Absence>(ScalerMetric { name, target, value })
        });
        Ok(try_join_all(read).await?.into())
    }

    async fn value(&self, name: &str) -> Result<MetricValue, Absence> {
        let question =
            GetMetricsRequest { scaled_object_ref: Some(self.about.clone()), metric_name: name.to_owned() };
        let answer: GetMetricsResponse = self.call("GetMetrics", &question).await?;
        let failed = |reason, what: &str| {
            let what = format!("the scaler reports {what} for its metric {}", quoted(name));
            absence(reason, &self.query.config.address, what)
        };
        if answer.metric_values.is_empty() {
            return Err(failed(AbsenceReason::ValueMissing, "no value"));
        }
        let sum = answer.metric_values.iter().map(message::MetricValue::value).sum();
        MetricValue::new(sum).ok_or_else(|| failed(AbsenceReason::NotFinite, "a value that is not finite"))
    }
}

fn decoded<A: Message + Default>(url: &Url, answer: &[u8]) -> Result<A, Absence> {
    A::decode(answer).map_err(|error| {
        let what = format!("its response is not that of an external scaler: {error}");
        absence(AbsenceReason::Malformed, url, what)
    })
}

impl Query {
    fn asked(&self, credentials: &Credentials) -> Result<Asked<'_>, Absence> {
        let Config { object, namespace, metadata, metadata_from, trust, .. } = &self.config;
        let mut scaler_metadata = metadata.clone();
        for (member, credential) in metadata_from {
            scaler_metadata.insert(member.clone(), credentials.text(credential)?);
        }
        let about = ScaledObjectRef { name: object.clone(), namespace: namespace.clone(), scaler_metadata };
        let tls = trust.as_ref().map(|trust| trust.tls(credentials)).transpose()?.unwrap_or_default();
        Ok(Asked { query: self, tls, about })
    }

    async fn reading(&self, request: Request<'_>) -> Result<Reading, Absence> {
        let asked = self.asked(request.credentials)?;
        // Before it is asked: what it says from here on counts the next time.
        let pushed = self.pushed.swap(false, Ordering::AcqRel);
        let is_active = asked.call::<IsActiveResponse>("IsActive", &asked.about);
        let (metrics, is_active) = try_join(asked.metrics(), is_active).await?;
        Ok(Reading::Scaler { active: is_active.result || pushed, metrics, at: request.begun })
    }

    /// Reads the stream until it ends well, and signals whenever there is work.
    async fn stream(&self, request: Request<'_>, signal: &(dyn Fn() + Send + Sync)) -> Result<(), Absence> {
        let asked = self.asked(request.credentials)?;
        let url = asked.url("StreamIsActive")?;
        let question = asked.about.encode_to_vec();
        let mut stream = self.client.open_grpc(&url, &asked.tls, &question, asked.limits()).await?;
        while let Some(message) = stream.next().await? {
            if decoded::<IsActiveResponse>(&url, &message)?.result {
                self.pushed.store(true, Ordering::Release);
                signal();
            }
        }
        Ok(())
    }
}

/// Signals whenever the scaler says that its metrics have changed: what they are is asked for at the next reading. It never
/// ends: most scalers have no such stream, and one that breaks is opened again with that of their activity.
async fn respecified(query: &Query, request: Request<'_>, signal: &(dyn Fn() + Send + Sync)) {
    let listened = async {
        let asked = query.asked(request.credentials)?;
        let url = asked.url("StreamMetricSpec")?;
        let question = asked.about.encode_to_vec();
        let mut stream = query.client.open_grpc(&url, &asked.tls, &question, asked.limits()).await?;
        while stream.next().await?.is_some() {
            signal();
        }
        Ok::<_, Absence>(())
    };
    let _ = listened.await;
    std::future::pending().await
}

impl Source for External {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        let config = Config::parse(settings)?;
        Some(Box::new(Query { client: Arc::clone(&self.client), config, pushed: AtomicBool::new(false) }))
    }
}

impl Ask for Query {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { self.reading(request).await.unwrap_or_else(Reading::Absent) }.boxed()
    }

    fn pushes(&self) -> bool {
        self.config.push
    }

    fn listen<'a>(
        &'a self,
        request: Request<'a>,
        signal: &'a (dyn Fn() + Send + Sync),
    ) -> BoxFuture<'a, Result<(), Absence>> {
        async move {
            tokio::select! {
                ended = self.stream(request, signal) => ended,
                () = respecified(self, request, signal) => Ok(()),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
