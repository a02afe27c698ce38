//! Sources `pods-metric`, `object-metric` and `external-metric`: what adapters publish in custom.metrics.k8s.io and
//! external.metrics.k8s.io, read as the HPA controller reads it.
//!
//! | setting | meaning |
//! |---|---|
//! | `metric` | name of the metric |
//! | `metricSelector` | optional: label selector that the metric's values must match |
//! | `objectKind` | of `object-metric`: kind of the object that the metric is about, in the object's own namespace |
//! | `objectName` | of `object-metric`: its name |
//! | `objectApiVersion` | of `object-metric`, optional: API version of its kind; default `v1` |
//!
//! - `pods-metric` is what each pod of the target reports; a value per replica asks for what an HPA's metric of type Pods
//!   asks for. Which pods count is as for `memory`.
//! - `object-metric` is one figure of one object, an HPA's metric of type Object.
//! - `external-metric` is the sum of all values with that name, an HPA's metric of type External.
//!
//! A metric that an adapter reads from a source that is in this list is read better there: without the adapter's delay,
//! and without the API server in between.

use std::sync::Arc;

use engine::pod_metric::{PodAmount, PodMeasure, PodResource};
use engine::{Absence, AbsenceReason, Reading, Target};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::clients::Clients;
use crate::source::{Ask, MetricOfObject, NamedMetric, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::label_selector;
use crate::values::settings::Settings;

/// The registry's constructor of `pods-metric`.
pub(crate) fn pods(_: &Clients) -> Arc<dyn Source> {
    Arc::new(MetricsApi { asks: Asks::Pods })
}

/// The registry's constructor of `object-metric`.
pub(crate) fn object(_: &Clients) -> Arc<dyn Source> {
    Arc::new(MetricsApi { asks: Asks::Object })
}

/// The registry's constructor of `external-metric`.
pub(crate) fn external(_: &Clients) -> Arc<dyn Source> {
    Arc::new(MetricsApi { asks: Asks::External })
}

/// Of whom a source asks.
#[derive(Clone, Copy)]
enum Asks {
    Pods,
    Object,
    External,
}

struct MetricsApi {
    asks: Asks,
}

/// A query, ready to be asked.
struct Config {
    metric: NamedMetric,
    of: Of,
}

enum Of {
    /// The pods of this target; `None` where the object may not act on it.
    Pods(Option<Target>),
    Object(MetricOfObject),
    External,
}

impl Config {
    fn parse(asks: Asks, settings: &mut Settings<'_>) -> Option<Self> {
        let name = settings.required_text("metric");
        if let Some(name) = name.filter(|name| name.contains(['/', '%']) || [".", ".."].contains(name)) {
            settings.refuse("metric", invalid(quoted(name), "must be a name, without '/' and '%'"));
        }
        let selector = settings.optional_text("metricSelector");
        if let Some((text, why)) = selector.and_then(|text| Some((text, label_selector::problem(text)?))) {
            settings
                .refuse("metricSelector", invalid(quoted(text), format!("must be a label selector: {why}")));
        }
        let of = match asks {
            Asks::Pods => Of::Pods(settings.target().ok()?.cloned()),
            Asks::External => Of::External,
            Asks::Object => {
                let (kind, name) =
                    (settings.required_text("objectKind"), settings.required_text("objectName"));
                let api_version = settings.optional_text("objectApiVersion").unwrap_or("v1").to_owned();
                Of::Object(MetricOfObject { api_version, kind: kind?.to_owned(), name: name?.to_owned() })
            }
        };
        let namespace = settings.namespace().to_owned();
        let selector = selector.unwrap_or_default().to_owned();
        Some(Self { metric: NamedMetric { namespace, name: name?.to_owned(), selector }, of })
    }

    async fn read(&self, request: Request<'_>) -> Result<Reading, Absence> {
        let milli = match &self.of {
            Of::Pods(None) => {
                let name = &self.metric.name;
                let message = format!("{name}: this object may not choose whose pods are measured");
                return Err(Absence { reason: AbsenceReason::ValueMissing, message });
            }
            Of::Pods(Some(target)) => {
                let pods = request.metrics.of_pods(target, &self.metric).await?;
                let measure =
                    PodMeasure { resource: PodResource::Custom, amount: PodAmount::Usage, container: None };
                let oldest = pods.iter().filter_map(|pod| Some(pod.usage.as_ref()?.at)).min();
                return Ok(Reading::Pods { measure, pods: pods.into(), at: oldest.unwrap_or(request.begun) });
            }
            Of::Object(object) => request.metrics.of_object(object, &self.metric).await?,
            Of::External => request.metrics.external(&self.metric).await?,
        };
        Ok(Reading::of(milli as f64 / 1e3, request.begun))
    }
}

impl Source for MetricsApi {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        Some(Box::new(Config::parse(self.asks, settings)?))
    }
}

impl Ask for Config {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { self.read(request).await.unwrap_or_else(Reading::Absent) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::values::settings::tests::{parsed, problems_of};

    #[test]
    fn settings_say_which_metric_of_what() {
        let config = json!({ "metric": "depth", "metricSelector": "queue=a", "objectKind": "Service", "objectName": "q" });
        let asked = parsed(&config, |settings| Config::parse(Asks::Object, settings)).unwrap();
        assert_eq!((asked.metric.name.as_str(), asked.metric.selector.as_str()), ("depth", "queue=a"));
        let Of::Object(object) = asked.of else { panic!("an object") };
        assert_eq!(
            (object.api_version.as_str(), object.kind.as_str(), object.name.as_str()),
            ("v1", "Service", "q")
        );
        let problems = |asks, config| problems_of(&config, |settings| Config::parse(asks, settings));
        assert_eq!(problems(Asks::External, json!({ "metric": "depth" })), [] as [&str; 0]);
        let found =
            problems(Asks::Object, json!({ "metric": "a/b", "metricSelector": "=", "objectName": "q" }));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(
            found[0],
            "spec.config.metric: Invalid value: \"a/b\": must be a name, without '/' and '%'"
        );
        assert_eq!(found[2], "spec.config.objectKind: Required value");
        let found = problems(Asks::External, json!({ "metric": "depth", "objectName": "q" }));
        assert!(found[0].starts_with("spec.config.objectName: unknown field"), "{found:?}");
    }
}
