//! What the API server would refuse of bounds and metrics, in its words and in its order.

use super::super::Quantity;
use super::super::spec::{HpaSpec, MetricId, MetricSpec, ObjectRef, ResourceSpec, TargetSpec};
use super::unsupported;
use crate::{Fault, FaultKind, Problem};

const TYPES: [&str; 5] = ["ContainerResource", "External", "Object", "Pods", "Resource"];

/// The resources that a container can request, beside those of a vendor, which have a domain in their name.
const OF_CONTAINERS: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

/// The other resources without a domain that the API server knows: those of volumes, and those that quotas count.
const OTHERS: [&str; 17] = [
    "configmaps",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
];

/// Problems on their way, and the place that they are about.
struct Place<'a> {
    path: String,
    problems: &'a mut Vec<Problem>,
}

/// All that is wrong with bounds and metrics; their paths begin with `path`.
pub(super) fn problems(spec: &HpaSpec, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut place = Place { path: path.to_owned(), problems: &mut problems };
    bounds(spec, &mut place);
    for (index, metric) in spec.metrics.iter().enumerate() {
        one_metric(metric, &mut place.at(&format!("metrics[{index}]")));
    }
    if spec.min_replicas == Some(0) && !wakes(spec) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        place.refuse("metrics", Fault::forbidden(why));
    }
    problems
}

/// Whether a metric can ask for the first replica.
fn wakes(spec: &HpaSpec) -> bool {
    spec.metrics.iter().any(|metric| matches!(metric.type_.as_str(), "Object" | "External"))
}

fn bounds(spec: &HpaSpec, place: &mut Place<'_>) {
    let min = spec.min_replicas.unwrap_or(1);
    let least = if wakes(spec) { 0 } else { 1 };
    if min < least {
        let why = format!("must be greater than or equal to {least}");
        place.refuse("minReplicas", Fault::invalid_value(min, why));
    }
    let max = spec.max_replicas;
    match max {
        0 => place.require("maxReplicas", "must be set and greater than 0"),
        ..0 => place.refuse("maxReplicas", Fault::invalid_value(max, "must be greater than or equal to 1")),
        1.. => {}
    }
    if max < min {
        place.refuse(
            "maxReplicas",
            Fault::invalid_value(max, "must be greater than or equal to `minReplicas`"),
        );
    }
}

fn one_metric(metric: &MetricSpec, place: &mut Place<'_>) {
    let given = [
        ("object", "Object", metric.object.is_some()),
        ("external", "External", metric.external.is_some()),
        ("pods", "Pods", metric.pods.is_some()),
        ("resource", "Resource", metric.resource.is_some()),
        ("containerResource", "ContainerResource", metric.container_resource.is_some()),
    ];
    let type_ = metric.type_.as_str();
    if type_.is_empty() {
        place.require("type", "must specify a metric source type");
    }
    if !TYPES.contains(&type_) {
        place.refuse("type", unsupported(type_, TYPES));
    }
    let mut present = given.iter().filter(|(.., is_present)| *is_present).map(|(field, ..)| *field);
    // Of several, the API server judges the first.
    let first = present.next();
    match first {
        Some("object") => metric.object.iter().for_each(|of| {
            let mut place = place.at("object");
            reference(&of.described_object, &mut place.at("describedObject"));
            id(&of.metric, &mut place.at("metric"));
            target(&of.target, &mut place.at("target"));
            of_object(&of.target, &mut place.at("target"));
        }),
        Some("external") => metric.external.iter().for_each(|of| {
            let mut place = place.at("external");
            id(&of.metric, &mut place.at("metric"));
            target(&of.target, &mut place.at("target"));
            of_external(&of.target, &mut place.at("target"));
        }),
        Some("pods") => metric.pods.iter().for_each(|of| {
            let mut place = place.at("pods");
            id(&of.metric, &mut place.at("metric"));
            target(&of.target, &mut place.at("target"));
            if of.target.average_value.is_none() {
                place.require("target.averageValue", "must specify a positive target averageValue");
            }
        }),
        Some("resource") => metric.resource.iter().for_each(|of| resource(of, &mut place.at("resource"))),
        Some(_) => metric.container_resource.iter().for_each(|of| {
            let mut place = place.at("containerResource");
            container(of, &mut place);
            resource(of, &mut place);
        }),
        None => {}
    }
    let expected = given.iter().find(|(_, type_, _)| *type_ == metric.type_);
    if let Some((field, _, false)) = expected {
        place.require(field, "must populate information for the given metric source");
    }
    let others: Vec<&str> = first.into_iter().chain(present).collect();
    if others.len() > 1 {
        for other in others.iter().filter(|other| expected.is_none_or(|(field, ..)| field != *other)) {
            place.refuse(other, Fault::forbidden("must populate the given metric source only"));
        }
    }
}

fn of_object(target: &TargetSpec, place: &mut Place<'_>) {
    if target.value.is_none() && target.average_value.is_none() {
        return place.require("averageValue", "must set either a target value or averageValue");
    }
    let fits = match target.type_.as_str() {
        "Value" => target.value.is_some(),
        "AverageValue" => target.average_value.is_some(),
        // Whatever else it is has been said.
        other => other != "Utilization",
    };
    if !fits {
        let why = "the HPA controller computes nothing unless it is Value with a value, or AverageValue with an \
                   averageValue";
        place.refuse("type", Fault::invalid_value(format_args!("{:?}", target.type_), why));
    }
}

fn of_external(target: &TargetSpec, place: &mut Place<'_>) {
    match (target.value, target.average_value) {
        (None, None) => {
            place.require("averageValue", "must set either a target value for metric or a per-pod target");
        }
        (Some(_), Some(_)) => {
            let why = "may not set both a target value for metric and a per-pod target";
            place.refuse("value", Fault::forbidden(why));
        }
        _ => {}
    }
}

fn container(of: &ResourceSpec, place: &mut Place<'_>) {
    let is_known = of.name.is_empty() || of.name.contains('/') || OF_CONTAINERS.contains(&of.name.as_str());
    if !is_known && !of.name.starts_with("hugepages-") {
        let mut refuse = |why| place.refuse("name", Fault::invalid_value(format_args!("{:?}", of.name), why));
        if !OTHERS.contains(&of.name.as_str()) && !of.name.starts_with("requests.hugepages-") {
            refuse("must be a standard resource type or fully qualified");
        }
        refuse("must be a standard resource for containers");
    }
    if of.container.as_deref().unwrap_or_default().is_empty() {
        place.require("container", "must specify a container");
    }
}

fn resource(of: &ResourceSpec, place: &mut Place<'_>) {
    if of.name.is_empty() {
        place.require("name", "must specify a resource name");
    }
    let mut place = place.at("target");
    target(&of.target, &mut place);
    match (of.target.average_utilization, of.target.average_value) {
        (None, None) => {
            place.require("averageUtilization", "must set either a target raw value or a target utilization")
        }
        (Some(_), Some(_)) => {
            let why = "may not set both a target raw value and a target utilization";
            place.refuse("averageValue", Fault::forbidden(why));
        }
        _ => {}
    }
}

fn id(of: &MetricId, place: &mut Place<'_>) {
    if of.name.is_empty() {
        return place.require("name", "must specify a metric name");
    }
    segment(&of.name, "name", place);
}

/// An object that is named, as far as bounds and metrics name one.
fn reference(of: &ObjectRef, place: &mut Place<'_>) {
    for (field, value) in [("kind", &of.kind), ("name", &of.name)] {
        if value.is_empty() {
            place.require(field, "");
        } else {
            segment(value, field, place);
        }
    }
    if of.api_version.matches('/').count() > 1 {
        let why = format!("unexpected GroupVersion string: {}", of.api_version);
        place.refuse("apiVersion", Fault::invalid_value(format_args!("{:?}", of.api_version), why));
    }
}

/// A name that can be a part of a path.
fn segment(name: &str, field: &str, place: &mut Place<'_>) {
    let whole = [".", ".."]
        .into_iter()
        .find(|refused| name == *refused)
        .map(|refused| format!("may not be '{refused}'"));
    let parts = ["/", "%"]
        .into_iter()
        .filter(|part| name.contains(part))
        .map(|part| format!("may not contain '{part}'"));
    for why in whole.into_iter().chain(parts) {
        place.refuse(field, Fault::invalid_value(format_args!("{name:?}"), why));
    }
}

fn target(of: &TargetSpec, place: &mut Place<'_>) {
    if of.type_.is_empty() {
        place.require("type", "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&of.type_.as_str()) {
        let why = "must be either Utilization, Value, or AverageValue";
        place.refuse("type", Fault::invalid_value(format_args!("{:?}", of.type_), why));
    }
    for (field, amount) in [("value", of.value), ("averageValue", of.average_value)] {
        if let Some(amount) = amount.map(Quantity::milli).filter(|milli| *milli <= 0) {
            let value = format_args!("{:?}", Quantity::written(amount)).to_string();
            place.refuse(field, Fault::invalid_value(value, "must be positive"));
        }
    }
    if let Some(percent) = of.average_utilization.filter(|percent| *percent < 1) {
        place.refuse("averageUtilization", Fault::invalid_value(percent, "must be greater than 0"));
    }
}

impl Place<'_> {
    fn at(&mut self, field: &str) -> Place<'_> {
        Place { path: format!("{}.{field}", self.path), problems: self.problems }
    }

    fn refuse(&mut self, field: &str, fault: Fault) {
        self.problems.push(Problem::new(format!("{}.{field}", self.path), fault));
    }

    fn require(&mut self, field: &str, why: &str) {
        self.refuse(field, Fault::new(FaultKind::Required, why));
    }
}
