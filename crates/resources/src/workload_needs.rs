//! What objects need of the workloads that they scale, beyond that these are there. Nobody can say from an object alone
//! whether it holds: who has seen the workload judges by it.

use engine::hpa::Quantity;
use engine::{Fault, FaultKind, Problem, Target};
use serde_json::Value;

/// What one object needs of its workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadNeeds {
    /// The workload.
    pub target: Target,
    requests: Vec<RequestNeeded>,
}

/// That containers say how much they need of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestNeeded {
    /// The field that needs it.
    pub(crate) path: String,
    /// `cpu` or `memory`.
    pub(crate) resource: String,
    /// The only container that must; every one where it is `None`.
    pub(crate) container: Option<String>,
}

impl WorkloadNeeds {
    /// That the containers of `target` have these requests.
    pub(crate) fn requests(target: Target, requests: Vec<RequestNeeded>) -> Self {
        Self { target, requests }
    }

    /// What is missing in `workload`, in a namespace with these LimitRanges: a container needs a request or a limit
    /// above 0, or a default of one.
    pub fn problems(&self, workload: &Value, limit_ranges: &[Value]) -> Vec<Problem> {
        let containers = workload.pointer("/spec/template/spec/containers").and_then(Value::as_array);
        let containers = containers.map(Vec::as_slice).unwrap_or_default();
        let wanted = self.requests.iter().filter(|needed| !has_default(limit_ranges, &needed.resource));
        wanted.filter_map(|needed| needed.problem(containers)).collect()
    }

    /// That the workload does not exist, in the words of the API server.
    pub fn missing(&self) -> Problem {
        let Target { api_version, kind, name, .. } = &self.target;
        let group = api_version.split_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
        let detail = format!(
            "{}s{group} {name:?} not found: apply it before, as the requests of its containers are checked",
            kind.to_lowercase()
        );
        Problem::new("spec.scaleTargetRef", Fault::new(FaultKind::NotFound, detail))
    }
}

impl RequestNeeded {
    /// That one of these containers lacks it.
    fn problem(&self, containers: &[Value]) -> Option<Problem> {
        let Self { path, resource, container } = self;
        let concerned =
            containers.iter().filter(|one| container.as_deref().is_none_or(|name| one["name"] == name));
        let lacks = |one: &&Value| {
            let amounts = ["requests", "limits"].map(|sort| &one["resources"][sort][resource]);
            !amounts.into_iter().any(is_positive)
        };
        let name = concerned.into_iter().find(lacks)?["name"].as_str().unwrap_or_default();
        let why = format!(
            "the scaledobject has a {resource} trigger but the container {name} doesn't have the {resource} request \
             defined, and no LimitRange has a default: set resources.requests.{resource} of the container"
        );
        Some(Problem::new(path.clone(), Fault::forbidden(why)))
    }
}

/// Whether one of these LimitRanges gives containers a request or a limit.
fn has_default(limit_ranges: &[Value], resource: &str) -> bool {
    let limits = limit_ranges.iter().filter_map(|range| range.pointer("/spec/limits")?.as_array()).flatten();
    let of_containers = limits.filter(|limit| limit["type"] == "Container");
    of_containers
        .flat_map(|limit| ["default", "defaultRequest"].map(|sort| &limit[sort][resource]))
        .any(is_positive)
}

/// Whether it is an amount above 0; in a file it may be a number.
fn is_positive(amount: &Value) -> bool {
    let text = match amount {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    text.parse::<Quantity>().is_ok_and(|quantity| quantity.milli() > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn needs(container: Option<&str>) -> WorkloadNeeds {
        let text = str::to_owned;
        let (api_version, kind) = (text("apps/v1"), text("StatefulSet"));
        let target = Target { api_version, kind, namespace: text("shop"), name: text("web") };
        let (path, resource) = (text("spec.triggers[0]"), text("cpu"));
        WorkloadNeeds::requests(
            target,
            vec![RequestNeeded { path, resource, container: container.map(text) }],
        )
    }

    fn workload(resources: [Value; 2]) -> Value {
        let [app, sidecar] = resources;
        let containers =
            json!([{ "name": "app", "resources": app }, { "name": "sidecar", "resources": sidecar }]);
        json!({ "spec": { "template": { "spec": { "containers": containers } } } })
    }

    fn found(needs: &WorkloadNeeds, resources: [Value; 2], ranges: &[Value]) -> Vec<String> {
        needs.problems(&workload(resources), ranges).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn contract_2_rule_5_each_container_needs_a_request_or_a_limit_above_0() {
        let enough = || json!({ "requests": { "cpu": "1m" } });
        let limited = || json!({ "limits": { "cpu": 1 } });
        assert_eq!(found(&needs(None), [enough(), limited()], &[]), [""; 0]);
        for nothing in [
            json!(null),
            json!({}),
            json!({ "requests": { "memory": "64Mi" } }),
            json!({ "requests": { "cpu": "0" } }),
            json!({ "limits": { "cpu": 0 } }),
        ] {
            let said = found(&needs(None), [enough(), nothing.clone()], &[]);
            let wanted = "spec.triggers[0]: Forbidden: the scaledobject has a cpu trigger but the container sidecar \
                          doesn't have the cpu request defined";
            assert!(said.len() == 1 && said[0].starts_with(wanted), "{nothing}: {said:?}");
            assert_eq!(found(&needs(Some("app")), [enough(), nothing], &[]), [""; 0], "the named one counts");
        }
        assert_eq!(found(&needs(Some("sidecar")), [enough(), json!({})], &[]).len(), 1);
    }

    #[test]
    fn contract_2_rule_5_a_default_of_the_namespace_is_enough() {
        let range = |type_: &str, field: &str, amount: &str| json!({ "spec": { "limits": [{ "type": type_, field: { "cpu": amount } }] } });
        for (range, is_enough) in [
            (range("Container", "default", "1"), true),
            (range("Container", "defaultRequest", "100m"), true),
            (range("Container", "defaultRequest", "0"), false),
            (range("Container", "max", "1"), false),
            (range("Pod", "default", "1"), false),
        ] {
            let said = found(&needs(None), [json!({}), json!({})], std::slice::from_ref(&range));
            assert_eq!(said.is_empty(), is_enough, "{range}: {said:?}");
        }
    }

    #[test]
    fn contract_2_rule_5_a_workload_that_is_missing_is_named_as_by_the_api_server() {
        let said = needs(None).missing().to_string();
        assert!(said.contains("Not found: statefulsets.apps \"web\" not found"), "{said}");
    }
}
