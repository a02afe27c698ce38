//! A spec becomes what a plan is made of, or all of its problems.

mod validate;

use std::time::Duration;

use super::metric::{HpaMetric, MetricAim};
use super::pods::PodAim;
use super::spec::{BehaviorSpec, HpaSpec, MetricOf, MetricSpec, PolicySpec, ResourceSpec, RulesSpec};
use super::{Quantity, Tolerance};
use crate::limits::{Amount, DOWN_WINDOW, Limit, Limits, Rate, RatePolicies, RatePolicy, SelectPolicy};
use crate::pod_metric::{PodMeasure, PodResource};
use crate::{Bounds, Fault, FaultKind, Problem};

/// An HPA, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Hpa {
    /// How far its target's replicas go.
    pub bounds: Bounds,
    /// What is measured; never empty.
    pub metrics: Vec<HpaMetric>,
    /// What limits how far and how fast the replicas follow.
    pub limits: Limits,
}

/// The API's own limits.
const LONGEST_WINDOW: i32 = 3600;
const LONGEST_PERIOD: i32 = 1800;

impl Hpa {
    /// The HPA that `spec` describes, with what the API server fills in. Paths of problems begin with `path`, for
    /// example `spec`.
    ///
    /// # Errors
    /// All that the API server would refuse, in its words; and an Object metric by which its controller computes
    /// nothing. A minimum of 0 is taken where a metric is of type Object or External, as by an API server with the
    /// feature gate HPAScaleToZero.
    pub fn compile(spec: &HpaSpec, path: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = validate::problems(spec, path);
        let limits = limits(spec, path, &mut problems);
        let bounds = bounds(spec).filter(|_| problems.is_empty());
        bounds.map(|bounds| Self { bounds, metrics: metrics(spec), limits }).ok_or(problems)
    }

    /// How far from their targets metrics may be.
    pub fn tolerance(&self) -> Tolerance {
        let of = |limit: &Limit| limit.tolerance.unwrap_or(Tolerance::DEFAULT);
        Tolerance { up: of(&self.limits.up), down: of(&self.limits.down) }
    }
}

fn bounds(spec: &HpaSpec) -> Option<Bounds> {
    let min = spec.min_replicas.unwrap_or(1);
    Bounds::new(u32::try_from(min).ok()?, u32::try_from(spec.max_replicas).ok()?)
}

/// Of a spec without problems.
fn metrics(spec: &HpaSpec) -> Vec<HpaMetric> {
    if spec.metrics.is_empty() {
        let aim = PodAim::Percent(80);
        let measure = PodMeasure { resource: PodResource::Cpu, amount: aim.amount(), container: None };
        return vec![HpaMetric { name: "cpu".into(), aim: MetricAim::Pods(measure, aim) }];
    }
    let mut metrics: Vec<HpaMetric> = spec.metrics.iter().filter_map(one_metric).collect();
    // They are kept for as long as the object is as it is.
    metrics.shrink_to_fit();
    metrics
}

fn one_metric(metric: &MetricSpec) -> Option<HpaMetric> {
    let number = |of: &MetricOf, is_average: bool| {
        let aim = if is_average {
            MetricAim::AverageValue(of.target.average_value?.milli())
        } else {
            MetricAim::Value(of.target.value?.milli())
        };
        Some(HpaMetric { name: of.metric.name.as_str().into(), aim })
    };
    match metric.type_.as_str() {
        "Resource" => of_resource(metric.resource.as_ref()?, None),
        "ContainerResource" => {
            let spec = metric.container_resource.as_ref()?;
            of_resource(spec, spec.container.clone())
        }
        "Pods" => {
            let of = metric.pods.as_ref()?;
            let aim = PodAim::Milli(of.target.average_value?.milli());
            let measure = PodMeasure { resource: PodResource::Custom, amount: aim.amount(), container: None };
            Some(HpaMetric { name: of.metric.name.as_str().into(), aim: MetricAim::Pods(measure, aim) })
        }
        // The controller looks at the type here, and at the fields of an External metric.
        "Object" => metric.object.as_ref().and_then(|of| number(of, of.target.type_ == "AverageValue")),
        "External" => metric.external.as_ref().and_then(|of| number(of, of.target.average_value.is_some())),
        _ => None,
    }
}

fn of_resource(spec: &ResourceSpec, container: Option<String>) -> Option<HpaMetric> {
    let resource = match spec.name.as_str() {
        "cpu" => PodResource::Cpu,
        "memory" => PodResource::Memory,
        _ => PodResource::Custom,
    };
    let aim = match spec.target.average_value {
        Some(value) => PodAim::Milli(value.milli()),
        None => PodAim::Percent(spec.target.average_utilization?),
    };
    let name = match &container {
        Some(container) => format!("{} of {container}", spec.name).into(),
        None => spec.name.as_str().into(),
    };
    let measure = PodMeasure { resource, amount: aim.amount(), container };
    Some(HpaMetric { name, aim: MetricAim::Pods(measure, aim) })
}

fn limits(spec: &HpaSpec, path: &str, problems: &mut Vec<Problem>) -> Limits {
    match &spec.behavior {
        Some(behavior) => self::behavior(behavior, &format!("{path}.behavior"), problems),
        None => {
            let up = Limit { rate: Rate::HpaDefault, ..Limit::default() };
            Limits { up, down: Limit { window: DOWN_WINDOW, ..Limit::default() } }
        }
    }
}

/// The limits that the `behavior` of an HPA comes to, which stands at `path`, with what the API server fills in. What it
/// would refuse is added to `problems`.
pub fn behavior(behavior: &BehaviorSpec, path: &str, problems: &mut Vec<Problem>) -> Limits {
    let policy = |amount| RatePolicy { amount, period: Duration::from_secs(15) };
    let all = policy(Amount::Percent(100));
    let mut rules = |spec: &Option<RulesSpec>, field: &str, window, defaults| {
        let place = format!("{path}.{field}");
        rules(&spec.clone().unwrap_or_default(), &place, window, defaults, problems)
    };
    Limits {
        up: rules(&behavior.scale_up, "scaleUp", Duration::ZERO, vec![policy(Amount::Pods(4)), all]),
        down: rules(&behavior.scale_down, "scaleDown", DOWN_WINDOW, vec![all]),
    }
}

fn rules(
    spec: &RulesSpec,
    path: &str,
    window: Duration,
    defaults: Vec<RatePolicy>,
    problems: &mut Vec<Problem>,
) -> Limit {
    let mut refuse =
        |field: &str, fault: Fault| problems.push(Problem::new(format!("{path}.{field}"), fault));
    let select = match spec.select_policy.as_deref() {
        None | Some("Max") => SelectPolicy::Max,
        Some("Min") => SelectPolicy::Min,
        Some("Disabled") => SelectPolicy::Disabled,
        Some(other) => {
            refuse("selectPolicy", unsupported(other, ["Disabled", "Max", "Min"]));
            SelectPolicy::Max
        }
    };
    let window = match spec.stabilization_window_seconds {
        None => window,
        Some(seconds) if (0..=LONGEST_WINDOW).contains(&seconds) => {
            Duration::from_secs(seconds.unsigned_abs().into())
        }
        Some(seconds) => {
            let why = match seconds < 0 {
                true => "must be greater than or equal to zero".to_owned(),
                false => format!("must be less than or equal to {LONGEST_WINDOW}"),
            };
            refuse("stabilizationWindowSeconds", Fault::invalid_value(seconds, why));
            window
        }
    };
    let tolerance = spec.tolerance.map(Quantity::approximate);
    if let Some(negative) = spec.tolerance.filter(|tolerance| tolerance.milli() < 0) {
        let value = format_args!("{:?}", Quantity::written(negative.milli()));
        refuse("tolerance", Fault::invalid_value(value, "must be greater than or equal to 0"));
    }
    let policies = match &spec.policies {
        None => defaults,
        Some(policies) => {
            if policies.is_empty() {
                refuse("policies", Fault::new(FaultKind::Required, "must specify at least one Policy"));
            }
            let policy = |(index, spec): (usize, &PolicySpec)| {
                let faults = match rate_policy(spec) {
                    Ok(policy) => return Some(policy),
                    Err(faults) => faults,
                };
                for (field, fault) in faults {
                    refuse(&format!("policies[{index}].{field}"), fault);
                }
                None
            };
            policies.iter().enumerate().filter_map(policy).collect()
        }
    };
    let rate = Rate::Behavior(RatePolicies { select, policies }.into());
    Limit { tolerance, window, rate, ..Limit::default() }
}

fn unsupported<const N: usize>(value: &str, supported: [&str; N]) -> Fault {
    Fault::unsupported(format_args!("{value:?}"), supported)
}

/// The policy, or all that is wrong with it by its fields.
fn rate_policy(spec: &PolicySpec) -> Result<RatePolicy, Vec<(&'static str, Fault)>> {
    let mut faults = Vec::new();
    let value = u32::try_from(spec.value).ok().filter(|value| *value > 0);
    let amount: Option<fn(u32) -> Amount> = match spec.type_.as_str() {
        "Pods" => Some(Amount::Pods),
        "Percent" => Some(Amount::Percent),
        other => {
            faults.push(("type", unsupported(other, ["Percent", "Pods"])));
            None
        }
    };
    if value.is_none() {
        faults.push(("value", Fault::invalid_value(spec.value, "must be greater than zero")));
    }
    let seconds = spec.period_seconds;
    if !(1..=LONGEST_PERIOD).contains(&seconds) {
        let why = match seconds < 1 {
            true => "must be greater than zero".to_owned(),
            false => format!("must be less than or equal to {LONGEST_PERIOD}"),
        };
        faults.push(("periodSeconds", Fault::invalid_value(seconds, why)));
    }
    match (amount, value) {
        (Some(amount), Some(value)) if faults.is_empty() => {
            let period = Duration::from_secs(seconds.unsigned_abs().into());
            Ok(RatePolicy { amount: amount(value), period })
        }
        _ => Err(faults),
    }
}

#[cfg(test)]
mod tests;
