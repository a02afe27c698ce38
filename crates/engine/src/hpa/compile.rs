//! A spec becomes what a plan is made of, or all of its problems.

use std::time::Duration;

use super::metric::{HpaMetric, MetricAim};
use super::pods::PodAim;
use super::spec::{
    BehaviorSpec, HpaSpec, MetricOf, MetricSpec, PolicySpec, ResourceSpec, RulesSpec, TargetSpec,
};
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
    /// All that the API server would refuse.
    pub fn compile(spec: &HpaSpec, path: &str) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let metrics = metrics(spec, path, &mut problems);
        let bounds = bounds(spec, path, &metrics, &mut problems);
        let limits = limits(spec, path, &mut problems);
        match bounds {
            Some(bounds) if problems.is_empty() => Ok(Self { bounds, metrics, limits }),
            _ => Err(problems),
        }
    }

    /// How far from their targets metrics may be.
    pub fn tolerance(&self) -> Tolerance {
        let of = |limit: &Limit| limit.tolerance.unwrap_or(Tolerance::DEFAULT);
        Tolerance { up: of(&self.limits.up), down: of(&self.limits.down) }
    }
}

fn bounds(spec: &HpaSpec, path: &str, metrics: &[HpaMetric], problems: &mut Vec<Problem>) -> Option<Bounds> {
    let min = spec.min_replicas.unwrap_or(1);
    let least = if metrics.iter().any(|metric| metric.aim.wakes()) { 0 } else { 1 };
    if min < least {
        let advice = if min == 0 { "; 0 needs an Object or External metric" } else { "" };
        let why = format!("must be greater than or equal to {least}{advice}");
        problems.push(Problem::new(format!("{path}.minReplicas"), Fault::invalid_value(min, why)));
    }
    if spec.max_replicas < 1 {
        let fault = Fault::invalid_value(spec.max_replicas, "must be greater than 0");
        problems.push(Problem::new(format!("{path}.maxReplicas"), fault));
    } else if spec.max_replicas < min {
        let fault = Fault::invalid("must be greater than or equal to minReplicas");
        problems.push(Problem::new(format!("{path}.maxReplicas"), fault));
    }
    Bounds::new(u32::try_from(min).ok()?, u32::try_from(spec.max_replicas).ok()?)
}

fn metrics(spec: &HpaSpec, path: &str, problems: &mut Vec<Problem>) -> Vec<HpaMetric> {
    if spec.metrics.is_empty() {
        let measure =
            PodMeasure { resource: PodResource::Cpu, amount: PodAim::Percent(80).amount(), container: None };
        return vec![HpaMetric {
            name: "cpu".to_owned(),
            aim: MetricAim::Pods(measure, PodAim::Percent(80)),
        }];
    }
    let compile = |(index, metric): (usize, &MetricSpec)| {
        let place = format!("{path}.metrics[{index}]");
        one_metric(metric, &place).map_err(|problem| problems.push(problem)).ok()
    };
    spec.metrics.iter().enumerate().filter_map(compile).collect()
}

fn one_metric(metric: &MetricSpec, path: &str) -> Result<HpaMetric, Problem> {
    let missing = |field: &str| Problem::new(format!("{path}.{field}"), Fault::required());
    let named = |of: &Option<MetricOf>, field: &str| {
        let of = of.clone().ok_or_else(|| missing(field))?;
        if of.metric.name.is_empty() {
            return Err(missing(&format!("{field}.metric.name")));
        }
        Ok((of, format!("{path}.{field}.target")))
    };
    match metric.type_.as_str() {
        "Resource" => of_resource(metric.resource.as_ref(), false, &format!("{path}.resource")),
        "ContainerResource" => {
            of_resource(metric.container_resource.as_ref(), true, &format!("{path}.containerResource"))
        }
        "Pods" => {
            let (of, place) = named(&metric.pods, "pods")?;
            let aim = PodAim::Milli(amount(of.target.average_value, &place, "averageValue")?);
            let measure = PodMeasure { resource: PodResource::Custom, amount: aim.amount(), container: None };
            Ok(HpaMetric { name: of.metric.name, aim: MetricAim::Pods(measure, aim) })
        }
        "Object" => {
            let (of, place) = named(&metric.object, "object")?;
            // The controller looks at the type here, and at the fields of an External metric.
            let is_average = of.target.type_ == "AverageValue";
            Ok(HpaMetric { aim: aim_of_number(&of.target, is_average, &place)?, name: of.metric.name })
        }
        "External" => {
            let (of, place) = named(&metric.external, "external")?;
            let is_average = of.target.average_value.is_some();
            Ok(HpaMetric { aim: aim_of_number(&of.target, is_average, &place)?, name: of.metric.name })
        }
        other => {
            let known = ["ContainerResource", "External", "Object", "Pods", "Resource"];
            Err(Problem::new(format!("{path}.type"), unsupported(other, known)))
        }
    }
}

fn of_resource(spec: Option<&ResourceSpec>, of_container: bool, path: &str) -> Result<HpaMetric, Problem> {
    let spec = spec.ok_or_else(|| Problem::new(path, Fault::required()))?;
    let resource = match spec.name.as_str() {
        "cpu" => PodResource::Cpu,
        "memory" => PodResource::Memory,
        other => {
            return Err(Problem::new(format!("{path}.name"), unsupported(other, ["cpu", "memory"])));
        }
    };
    let container = spec.container.clone().filter(|name| of_container && !name.is_empty());
    if of_container && container.is_none() {
        return Err(Problem::new(format!("{path}.container"), Fault::required()));
    }
    let place = format!("{path}.target");
    let aim = match (spec.target.average_value, spec.target.average_utilization) {
        (Some(_), Some(_)) => {
            let fault = Fault::forbidden("may not set both averageValue and averageUtilization");
            return Err(Problem::new(format!("{place}.averageValue"), fault));
        }
        (None, Some(percent)) if percent > 0 => PodAim::Percent(percent),
        (None, Some(percent)) => {
            let fault = Fault::invalid_value(percent, "must be greater than 0");
            return Err(Problem::new(format!("{place}.averageUtilization"), fault));
        }
        (value, None) => PodAim::Milli(amount(value, &place, "averageValue")?),
    };
    let name = match &container {
        Some(container) => format!("{} of {container}", resource.name()),
        None => resource.name().to_owned(),
    };
    Ok(HpaMetric {
        name,
        aim: MetricAim::Pods(PodMeasure { resource, amount: aim.amount(), container }, aim),
    })
}

fn aim_of_number(target: &TargetSpec, is_average: bool, path: &str) -> Result<MetricAim, Problem> {
    if is_average {
        amount(target.average_value, path, "averageValue").map(MetricAim::AverageValue)
    } else {
        amount(target.value, path, "value").map(MetricAim::Value)
    }
}

/// What is aimed for, in milli-units.
fn amount(quantity: Option<Quantity>, path: &str, field: &str) -> Result<i64, Problem> {
    let place = format!("{path}.{field}");
    let milli = quantity.ok_or_else(|| Problem::new(place.clone(), Fault::required()))?.milli();
    if milli > 0 { Ok(milli) } else { Err(Problem::new(place, Fault::invalid("must be positive"))) }
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
            let why = format!("must be from 0 to {LONGEST_WINDOW}");
            refuse("stabilizationWindowSeconds", Fault::invalid_value(seconds, why));
            window
        }
    };
    let tolerance = spec.tolerance.map(Quantity::approximate);
    if tolerance.is_some_and(|tolerance| tolerance < 0.0) {
        refuse("tolerance", Fault::invalid("must be greater than or equal to 0"));
    }
    let policies = match &spec.policies {
        None => defaults,
        Some(policies) => {
            if policies.is_empty() {
                refuse("policies", Fault::new(FaultKind::Required, "must specify at least one Policy"));
            }
            let policy = |(index, spec): (usize, &PolicySpec)| {
                rate_policy(spec)
                    .map_err(|(field, fault)| refuse(&format!("policies[{index}].{field}"), fault))
                    .ok()
            };
            policies.iter().enumerate().filter_map(policy).collect()
        }
    };
    let rate = Rate::Behavior(RatePolicies { select, policies });
    Limit { tolerance, window, rate, ..Limit::default() }
}

fn unsupported<const N: usize>(value: &str, supported: [&str; N]) -> Fault {
    Fault::unsupported(format_args!("{value:?}"), supported)
}

fn rate_policy(spec: &PolicySpec) -> Result<RatePolicy, (&'static str, Fault)> {
    let value = u32::try_from(spec.value).ok().filter(|value| *value > 0);
    let value =
        value.ok_or_else(|| ("value", Fault::invalid_value(spec.value, "must be greater than zero")))?;
    let amount = match spec.type_.as_str() {
        "Pods" => Amount::Pods(value),
        "Percent" => Amount::Percent(value),
        other => {
            return Err(("type", unsupported(other, ["Percent", "Pods"])));
        }
    };
    let seconds = spec.period_seconds;
    if !(1..=LONGEST_PERIOD).contains(&seconds) {
        let why = format!("must be from 1 to {LONGEST_PERIOD}");
        return Err(("periodSeconds", Fault::invalid_value(seconds, why)));
    }
    Ok(RatePolicy { amount, period: Duration::from_secs(seconds.unsigned_abs().into()) })
}

#[cfg(test)]
mod tests;
