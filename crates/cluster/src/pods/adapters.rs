//! custom.metrics.k8s.io and external.metrics.k8s.io, asked as the HPA controller asks them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::hpa::Quantity;
use engine::{Absence, AbsenceReason, ContainerUsage, PodUsage};
use http::Request;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{APIGroup, Time as Timestamp};
use kube::Client;
use kube::core::{ApiResource, GroupVersionKind};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::{absence, time, unanswered};
use crate::refusal::{Asked, Cause, Refusals};

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";

/// The version of an API is looked up again after this: an adapter may be installed or exchanged.
const VERSION_KEPT: Duration = Duration::from_secs(60);

/// Which metric, and where it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct MetricName<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Label selector for its values; empty for all.
    pub selector: &'a str,
}

/// The object that a metric is about, in the metric's namespace.
#[derive(Clone, Copy, Debug)]
pub struct AboutObject<'a> {
    /// API version of its kind.
    pub api_version: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// See the module.
pub(super) struct Adapters {
    client: Client,
    timeout: Duration,
    refusals: Refusals,
    versions: Mutex<HashMap<&'static str, (String, Instant)>>,
    plurals: Mutex<HashMap<(String, String), String>>,
}

#[derive(Deserialize)]
struct List<T> {
    items: Option<Vec<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Custom {
    described_object: Described,
    timestamp: Timestamp,
    value: Quantity,
}

#[derive(Deserialize)]
struct Described {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct External {
    value: Quantity,
}

impl Adapters {
    pub(super) fn new(client: Client, timeout: Duration, refusals: Refusals) -> Self {
        Self { client, timeout, refusals, versions: Mutex::default(), plurals: Mutex::default() }
    }

    /// The sum of all values of an external metric, in thousandths.
    pub(super) async fn external(&self, metric: MetricName<'_>) -> Result<i64, Absence> {
        let MetricName { namespace, name, selector } = metric;
        let version = self.version(EXTERNAL).await?;
        let path = format!(
            "/apis/{EXTERNAL}/{version}/namespaces/{namespace}/{}?{}",
            encoded(name),
            query("labelSelector", selector)
        );
        let asked = asked(EXTERNAL, name, namespace, "list");
        let list: List<External> =
            self.get(&format!("{name} of {EXTERNAL} in {namespace}"), path, asked).await?;
        let values = list.items.unwrap_or_default();
        if values.is_empty() {
            return Err(nothing(&format!("{name} of {EXTERNAL} in {namespace}")));
        }
        Ok(values.iter().map(|value| value.value.milli()).fold(0, i64::saturating_add))
    }

    /// The value of a metric of one object, in thousandths.
    pub(super) async fn of_object(
        &self,
        object: AboutObject<'_>,
        metric: MetricName<'_>,
    ) -> Result<i64, Absence> {
        let MetricName { namespace, name, selector } = metric;
        let resource = self.plural(object).await?;
        let place = match resource.as_str() {
            // The HPA's own namespace, whatever name is given.
            "namespaces" => "metrics".to_owned(),
            _ => format!("{resource}/{}", encoded(object.name)),
        };
        let version = self.version(CUSTOM).await?;
        let path = format!(
            "/apis/{CUSTOM}/{version}/namespaces/{namespace}/{place}/{}?{}",
            encoded(name),
            query("metricLabelSelector", selector)
        );
        let what = format!("{name} of {} {namespace}/{} in {CUSTOM}", object.kind, object.name);
        let list: List<Custom> = self.get(&what, path, asked(CUSTOM, &resource, namespace, "get")).await?;
        let mut values = list.items.unwrap_or_default().into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value.value.milli()),
            (None, _) => Err(nothing(&what)),
            (Some(_), Some(_)) => Err(Absence {
                reason: AbsenceReason::ValueAmbiguous,
                message: format!("{what}: the adapter returned more than one value"),
            }),
        }
    }

    /// The value of a metric of each pod that matches `pods`, by the pods' names.
    pub(super) async fn of_pods(
        &self,
        pods: &str,
        metric: MetricName<'_>,
    ) -> Result<HashMap<String, PodUsage>, Absence> {
        let MetricName { namespace, name, selector } = metric;
        let version = self.version(CUSTOM).await?;
        let mut path = format!(
            "/apis/{CUSTOM}/{version}/namespaces/{namespace}/pods/*/{}?{}",
            encoded(name),
            query("labelSelector", pods)
        );
        if !selector.is_empty() {
            path = format!("{path}&{}", query("metricLabelSelector", selector));
        }
        let what = format!("{name} of pods in {namespace} in {CUSTOM}");
        let list: List<Custom> = self.get(&what, path, asked(CUSTOM, "pods", namespace, "get")).await?;
        let values = list.items.unwrap_or_default();
        if values.is_empty() {
            return Err(nothing(&what));
        }
        let usage = |value: Custom| {
            let containers = vec![ContainerUsage { container: String::new(), milli: value.value.milli() }];
            let usage = PodUsage { at: time(&value.timestamp), window: Duration::ZERO, containers };
            (value.described_object.name, usage)
        };
        Ok(values.into_iter().map(usage).collect())
    }

    /// The version of an API in which the API server serves it.
    async fn version(&self, group: &'static str) -> Result<String, Absence> {
        if let Some((version, at)) = lock(&self.versions).get(group)
            && at.elapsed() < VERSION_KEPT
        {
            return Ok(version.clone());
        }
        let found: APIGroup = self.get(group, format!("/apis/{group}"), asked(group, "", "", "get")).await?;
        let preferred = found.preferred_version.map(|version| version.version);
        let version = preferred.or_else(|| Some(found.versions.first()?.version.clone()));
        let version = version.ok_or_else(|| not_served(group))?;
        lock(&self.versions).insert(group, (version.clone(), Instant::now()));
        Ok(version)
    }

    /// How an adapter names the kind of an object: `services`, `ingresses.networking.k8s.io`.
    async fn plural(&self, object: AboutObject<'_>) -> Result<String, Absence> {
        let version = if object.api_version.is_empty() { "v1" } else { object.api_version };
        let id = (version.to_owned(), object.kind.to_owned());
        if let Some(known) = lock(&self.plurals).get(&id) {
            return Ok(known.clone());
        }
        let listing = async {
            match version.contains('/') {
                false => self.client.list_core_api_resources(version).await,
                true => self.client.list_api_group_resources(version).await,
            }
        };
        let what = format!("{} of {version}", object.kind);
        let unknown = || Absence {
            reason: AbsenceReason::ValueMissing,
            message: format!("{what}: the API server does not know this kind"),
        };
        let listed = match tokio::time::timeout(self.timeout, listing).await {
            Ok(Ok(listed)) => listed,
            // By the code: of a group that it does not know at all the API server says so in plain text.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => return Err(unknown()),
            Ok(Err(error)) => {
                let refusal = self.refusals.explain(&asked("", "", "", "get"), &error).await;
                return Err(absence(&what, &refusal));
            }
            Err(_) => return Err(unanswered(&what, self.timeout)),
        };
        let of_kind =
            listed.resources.iter().find(|found| found.kind == object.kind && !found.name.contains('/'));
        let name = &of_kind.ok_or_else(unknown)?.name;
        let plural = match version.split_once('/') {
            Some((group, _)) => format!("{name}.{group}"),
            None => name.clone(),
        };
        lock(&self.plurals).insert(id, plural.clone());
        Ok(plural)
    }

    async fn get<T: DeserializeOwned>(&self, what: &str, path: String, asked: Asked) -> Result<T, Absence> {
        let malformed = |error: &dyn std::fmt::Display| Absence {
            reason: AbsenceReason::Malformed,
            message: format!("{what}: the API server's response cannot be read: {error}"),
        };
        let request = Request::get(path).body(Vec::new()).map_err(|error| malformed(&error))?;
        let text = match tokio::time::timeout(self.timeout, self.client.request_text(request)).await {
            Ok(Ok(text)) => text,
            Ok(Err(error)) => return Err(self.refused(what, &asked, &error).await),
            Err(_) => return Err(unanswered(what, self.timeout)),
        };
        serde_json::from_str(&text).map_err(|error| malformed(&error))
    }

    async fn refused(&self, what: &str, asked: &Asked, error: &kube::Error) -> Absence {
        let refusal = self.refusals.explain(asked, error).await;
        match refusal.cause {
            // Who asks for the group itself hears that nobody serves it; an adapter says so of a metric.
            Some(Cause::NotServed | Cause::NotFound) if asked.resource.is_empty() => not_served(&asked.group),
            Some(Cause::NotServed | Cause::NotFound) => Absence {
                reason: AbsenceReason::ValueMissing,
                message: format!("{what}: the adapter has no such metric ({})", refusal.message),
            },
            Some(Cause::Unavailable) => Absence {
                reason: AbsenceReason::BadStatus,
                message: format!("{what}: the adapter behind it is unavailable ({})", refusal.message),
            },
            _ => absence(what, &refusal),
        }
    }
}

fn not_served(group: &str) -> Absence {
    let message = format!("the API server does not know {group}: install an adapter that serves it");
    Absence { reason: AbsenceReason::BadStatus, message }
}

fn nothing(what: &str) -> Absence {
    let message = format!("{what}: the adapter returned no values");
    Absence { reason: AbsenceReason::ValueMissing, message }
}

/// The right that a request takes, in the words of RBAC.
fn asked(group: &str, plural: &str, namespace: &str, verb: &'static str) -> Asked {
    let kind = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "", ""), plural);
    Asked::of(&kind, namespace, "").to(verb, "")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn query(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{name}={}", encoded(value)) }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
