//! What a trigger aims for, and the metric that it publishes.

use engine::activation::Trigger;
use engine::{Fault, FaultKind, Metric, MetricTarget, Problem, Query, TargetType};

use super::CompiledTrigger;
use super::metadata::Metadata;
use super::parameter::{Parameter, Without};

/// The numbers of one trigger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Aim {
    /// What the HPA aims for; above 0.
    target: f64,
    /// The trigger is active while its value is above this.
    activation: f64,
}

impl Aim {
    /// What `target` and `activation` say, both whole numbers.
    pub(super) fn whole(
        metadata: &mut Metadata<'_>,
        target: &Parameter,
        activation: &Parameter,
    ) -> Option<Self> {
        let (aimed, above) = (metadata.whole(target), metadata.whole(activation));
        Self::of_whole(metadata, target, aimed, above)
    }

    /// What these numbers say, of which the first is that of `parameter`; `None` for one that was refused.
    pub(super) fn of_whole(
        metadata: &mut Metadata<'_>,
        parameter: &Parameter,
        target: Option<i64>,
        activation: Option<i64>,
    ) -> Option<Self> {
        // No count of anything loses digits that matter.
        let [target, activation] = [target, activation].map(|number| number.map(|number| number as f64));
        Self::of(metadata, parameter, target, activation)
    }

    /// The same for any numbers; the target is rounded to three places, as KEDA does.
    pub(super) fn number(
        metadata: &mut Metadata<'_>,
        target: &Parameter,
        activation: &Parameter,
    ) -> Option<Self> {
        let (aimed, above) = (metadata.float(target), metadata.float(activation));
        Self::of(metadata, target, aimed.and_then(|aimed| format!("{aimed:.3}").parse().ok()), above)
    }

    /// Exactly `target`, active while the value is above 0.
    pub(super) fn fixed(target: f64) -> Self {
        Self { target, activation: 0.0 }
    }

    fn of(
        metadata: &mut Metadata<'_>,
        parameter: &Parameter,
        target: Option<f64>,
        activation: Option<f64>,
    ) -> Option<Self> {
        let activation = activation?;
        match target {
            Some(target) if target > 0.0 => Some(Self { target, activation }),
            // The formula's target counts, and no HPA ever sees this one.
            Some(_) | None if metadata.about.is_metric_source && metadata.is_sound() => {
                Some(Self { target: 1.0, activation })
            }
            Some(target) => {
                let why = format!("{target}: must be greater than 0, as an HPA takes no other target");
                metadata.refuse(parameter, Fault::invalid(why));
                None
            }
            None if parameter.without == Without::Nothing && !metadata.has(parameter) => {
                let (name, places) = (parameter.name(), parameter.shown_places());
                let why = format!("missing required parameter {name:?} in {places}");
                metadata.refuse(parameter, Fault::new(FaultKind::Required, why));
                None
            }
            None => None,
        }
    }
}

/// A name that stands in a URL: each of `/ . : % ( )` becomes a hyphen.
pub(super) fn normalised(name: &str) -> String {
    name.replace(['/', '.', ':', '%', '(', ')'], "-")
}

impl Metadata<'_> {
    /// The metric that is published under `name`, which is normalised and has the trigger's place before it.
    pub(super) fn metric(&mut self, name: &str, query: Query, aim: Aim) -> Option<CompiledTrigger> {
        let type_ = self.target_type()?;
        let target = MetricTarget::new(type_, aim.target)?;
        let published = format!("s{}-{}", self.about.index, normalised(name));
        let metric =
            Metric { name: published.clone(), query, minimum: None, target: Some(target), member: None };
        let trigger = Trigger {
            name: self.name(),
            scaler: self.scaler().into(),
            metric: published.into(),
            activation: aim.activation,
            target,
            is_open: false,
        };
        Some(CompiledTrigger::Metric { metric, trigger })
    }

    /// Metrics that are known only once `query` has been asked, each published under the trigger's place and its name.
    pub(super) fn open_metric(&mut self, query: Query) -> Option<CompiledTrigger> {
        // Only the type counts; the source says what is aimed for.
        let target = MetricTarget::new(self.target_type()?, 1.0)?;
        let metric = Metric {
            name: format!("s{}-{}", self.about.index, self.trigger.type_),
            query,
            minimum: None,
            target: None,
            member: None,
        };
        let trigger = Trigger {
            name: self.name(),
            scaler: self.scaler().into(),
            metric: format!("s{}", self.about.index).into(),
            activation: 0.0,
            target,
            is_open: true,
        };
        Some(CompiledTrigger::Metric { metric, trigger })
    }

    fn name(&self) -> Option<String> {
        self.trigger.name.clone().filter(|name| !name.is_empty())
    }

    /// What KEDA's metrics call the trigger: by its name, or as the type is called in KEDA's code.
    fn scaler(&self) -> String {
        let by_type = || match self.trigger.type_.as_str() {
            "redis" | "redis-cluster" | "redis-sentinel" => "redisScaler".to_owned(),
            "redis-streams" | "redis-cluster-streams" | "redis-sentinel-streams" => {
                "redisStreamsScaler".to_owned()
            }
            "nats-jetstream" => "natsJetStreamScaler".to_owned(),
            "gcp-pubsub" => "pubsubScaler".to_owned(),
            "metrics-api" => "metricsAPIScaler".to_owned(),
            "kubernetes-workload" => "kubernetesWorkloadScaler".to_owned(),
            "external-push" => "externalPushScaler".to_owned(),
            "cpu" | "memory" => "cpuMemoryScaler".to_owned(),
            other => format!("{other}Scaler"),
        };
        self.name().unwrap_or_else(by_type)
    }

    /// How the metric's value compares with its target.
    fn target_type(&mut self) -> Option<TargetType> {
        let fault = match self.trigger.metric_type.as_deref() {
            None | Some("" | "AverageValue") => return Some(TargetType::AverageValue),
            Some("Value") => return Some(TargetType::Value),
            Some("Utilization") => Fault::invalid(
                "'Utilization' metric type is unsupported for external metrics, allowed values are 'Value' or \
                 'AverageValue'",
            ),
            Some(other) => Fault::unsupported(format_args!("{other:?}"), ["AverageValue", "Value"]),
        };
        let path = format!("{}.metricType", self.about.path);
        self.note(Problem::new(path, fault));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_characters_become_hyphens() {
        assert_eq!(normalised("a/b.c:d%e(f)g"), "a-b-c-d-e-f-g");
        assert_eq!(normalised("Ab c,d_e*"), "Ab c,d_e*", "and nothing else changes");
    }
}
