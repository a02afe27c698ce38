//! What a groups file cannot say: metrics, the call graph, a budget, safety, and what each member is.
//! It is written as the spec of a ScalingGroup, or as a whole one, and holds for every group as
//! far as it speaks of its members.

use std::collections::{BTreeMap, BTreeSet};

use resources::MODE_ANNOTATION;
use serde_json::{Map, Value, json};

/// Fields that are taken over as they are, or by member.
const FIELDS: [&str; 7] =
    ["members", "metrics", "policy", "callGraph", "budget", "safety", "intervalSeconds"];

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct GroupSpec {
    /// The mode as the annotation of a whole ScalingGroup has it.
    mode: Option<Value>,
    /// `budget` and `safety`.
    whole: Map<String, Value>,
    metrics: Vec<Value>,
    calls: Vec<Value>,
    config: Map<String, Value>,
    /// What is said of members, by the name of the Deployment.
    members: BTreeMap<String, Map<String, Value>>,
    /// What is there and does not count.
    left_out: Vec<String>,
}

impl GroupSpec {
    /// Reads the text of the file, for a policy.
    ///
    /// # Errors
    /// All that makes no sense in its form; what the fields hold is judged with the groups.
    pub(super) fn parse(text: &str, policy: &str) -> Result<Self, Vec<String>> {
        let documents = resources::documents(text).map_err(|problem| vec![problem.to_string()])?;
        let [document] = documents.as_slice() else {
            return Err(vec![format!("{} YAML documents: only one is allowed", documents.len())]);
        };
        let is_object = document.get("kind").is_some_and(|kind| kind == "ScalingGroup");
        let fields = if is_object { document.get("spec") } else { Some(document) };
        let Some(fields) = fields.and_then(Value::as_object) else {
            return Err(vec!["not the spec of a ScalingGroup: set fields such as metrics".to_owned()]);
        };
        let annotations = document.get("metadata").and_then(|metadata| metadata.get("annotations"));
        let mode = annotations.filter(|_| is_object).and_then(|annotations| annotations.get(MODE_ANNOTATION));
        let mut spec = Self { mode: mode.cloned(), ..Self::default() };
        let mut problems = Vec::new();
        for (name, value) in fields {
            if let Err(problem) = spec.take(name, value, policy) {
                problems.push(problem);
            }
        }
        if problems.is_empty() { Ok(spec) } else { Err(problems) }
    }

    fn take(&mut self, name: &str, value: &Value, policy: &str) -> Result<(), String> {
        match name {
            "budget" | "safety" => {
                self.whole.insert(name.to_owned(), value.clone());
            }
            "metrics" => self.metrics = list(name, value)?,
            "callGraph" => self.calls = list(name, value)?,
            "members" => {
                for (index, member) in list(name, value)?.into_iter().enumerate() {
                    self.take_member(&format!("members[{index}]"), member)?;
                }
            }
            "policy" => {
                let named = value.get("type").and_then(Value::as_str).unwrap_or(policy);
                if named == policy {
                    let config = value.get("config").and_then(Value::as_object);
                    self.config = config.cloned().unwrap_or_default();
                } else {
                    self.left_out
                        .push(format!("policy: it is for {named}, and POLICY={policy} takes precedence"));
                }
            }
            "intervalSeconds" => {
                self.left_out.push("intervalSeconds: ACTION_INTERVAL takes precedence".to_owned())
            }
            _ => return Err(format!("{name}: unknown field: must be one or more of {}", FIELDS.join(", "))),
        }
        Ok(())
    }

    fn take_member(&mut self, place: &str, member: Value) -> Result<(), String> {
        let Value::Object(mut member) = member else {
            return Err(format!("{place}: set fields such as name and weight"));
        };
        let target = member.remove("targetRef");
        let of_target = |field: &str| target.as_ref()?.get(field)?.as_str();
        if of_target("kind").is_some_and(|kind| kind != "Deployment") {
            return Err(format!("{place}.targetRef.kind: only Deployments are supported in a groups file"));
        }
        let name = of_target("name").or_else(|| member.get("name")?.as_str());
        let Some(name) = name.map(str::to_owned) else {
            return Err(format!("{place}.name: must be the name of the Deployment"));
        };
        if member.remove("namespace").is_some() {
            self.left_out.push(format!("{place}.namespace: NAMESPACE takes precedence"));
        }
        if self.members.insert(name.clone(), member).is_some() {
            return Err(format!("{place}: {name} is listed twice"));
        }
        Ok(())
    }

    /// The annotations of each group: whether it only observes.
    pub(super) fn annotations(&self) -> Map<String, Value> {
        self.mode.iter().map(|mode| (MODE_ANNOTATION.to_owned(), mode.clone())).collect()
    }

    /// What is in the file and does not count, and why.
    pub(super) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// What the Deployment is called in metrics and the call graph.
    pub(super) fn alias<'a>(&'a self, deployment: &'a str) -> &'a str {
        let alias = self.members.get(deployment).and_then(|member| member.get("name")?.as_str());
        alias.unwrap_or(deployment)
    }

    /// Names of members that it speaks of and that are none of `deployments`.
    pub(super) fn strangers(&self, deployments: &BTreeSet<&str>) -> Vec<String> {
        let aliases: BTreeSet<&str> = deployments.iter().map(|name| self.alias(name)).collect();
        let of_metrics = self.metrics.iter().filter_map(|metric| metric.get("member"));
        let of_calls = self.calls.iter().flat_map(|call| [call.get("from"), call.get("to")]).flatten();
        let named = of_metrics.chain(of_calls).filter_map(Value::as_str);
        let unknown = named.filter(|name| !aliases.contains(name));
        let apart = self.members.keys().map(String::as_str).filter(|name| !deployments.contains(name));
        let all: BTreeSet<&str> = unknown.chain(apart).collect();
        all.into_iter().map(str::to_owned).collect()
    }

    /// What is said of a member, over `defaults`.
    pub(super) fn member(&self, deployment: &str, mut defaults: Map<String, Value>) -> Value {
        for (field, value) in self.members.get(deployment).into_iter().flatten() {
            defaults.insert(field.clone(), value.clone());
        }
        Value::Object(defaults)
    }

    /// The settings of the policy.
    pub(super) fn config(&self) -> Map<String, Value> {
        self.config.clone()
    }

    /// What is said of a group of these Deployments as a whole: fields of its spec.
    pub(super) fn about(&self, deployments: &[&str]) -> Map<String, Value> {
        let aliases: BTreeSet<&str> = deployments.iter().map(|name| self.alias(name)).collect();
        let is_inside =
            |name: Option<&Value>| name.and_then(Value::as_str).is_some_and(|name| aliases.contains(name));
        let metrics = self.metrics.iter();
        let metrics =
            metrics.filter(|metric| metric.get("member").is_none() || is_inside(metric.get("member")));
        let calls = self.calls.iter().filter(|call| is_inside(call.get("from")) && is_inside(call.get("to")));
        let mut fields = self.whole.clone();
        fields.insert("metrics".to_owned(), metrics.cloned().collect());
        fields.insert("callGraph".to_owned(), calls.cloned().collect());
        fields
    }
}

fn list(name: &str, value: &Value) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items.clone()),
        Value::Null => Ok(Vec::new()),
        _ => Err(format!("{name}: must be a list")),
    }
}

/// The target of a member.
pub(super) fn target_ref(deployment: &str) -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "
apiVersion: polyscaler.dev/v1alpha1
kind: ScalingGroup
metadata: {name: shop}
spec:
  members:
    - {name: webui, targetRef: {name: shop-webui}, weight: 2, maxReplicas: 20}
    - {name: auth, targetRef: {name: shop-auth}}
    - {name: db, capacity: 50}
  metrics:
    - {name: requests, type: prometheus, config: {query: up}, member: webui, targetValue: 100}
    - {name: all, type: prometheus, config: {query: up}}
  policy: {type: bottleneck, config: {utilization: 0.5}}
  callGraph:
    - {from: webui, to: auth}
    - {from: auth, to: db}
  budget: {maxPods: 30}
  safety: {cooldownSeconds: 30}
  intervalSeconds: 15
";

    #[test]
    fn a_group_gets_what_is_said_of_its_members() {
        let spec = GroupSpec::parse(SHOP, "bottleneck").unwrap();
        assert_eq!(spec.left_out(), ["intervalSeconds: ACTION_INTERVAL takes precedence"]);
        let about = spec.about(&["shop-auth", "db"]);
        assert_eq!(about["callGraph"], json!([{ "from": "auth", "to": "db" }]));
        assert_eq!(about["metrics"].as_array().unwrap().len(), 1);
        assert_eq!(about["metrics"][0]["name"], "all");
        assert_eq!(
            (&about["budget"], &about["safety"]),
            (&json!({ "maxPods": 30 }), &json!({ "cooldownSeconds": 30 }))
        );
        let about = spec.about(&["shop-webui", "other"]);
        assert_eq!((about["callGraph"].clone(), about["metrics"].as_array().unwrap().len()), (json!([]), 2));
        assert_eq!(spec.config()["utilization"], 0.5);

        let defaults = json!({ "targetRef": target_ref("shop-webui"), "minReplicas": 1, "maxReplicas": 10 });
        let member = spec.member("shop-webui", defaults.as_object().unwrap().clone());
        let wanted = json!({ "name": "webui", "targetRef": target_ref("shop-webui"), "weight": 2,
            "minReplicas": 1, "maxReplicas": 20 });
        assert_eq!(member, wanted);
    }

    #[test]
    fn a_group_that_is_to_observe_does_so_here_too() {
        let observing =
            SHOP.replace("{name: shop}", "{name: shop, annotations: {polyscaler.dev/mode: observe, a: b}}");
        let annotations = |text| Value::Object(GroupSpec::parse(text, "bottleneck").unwrap().annotations());
        assert_eq!(annotations(&observing), json!({ "polyscaler.dev/mode": "observe" }));
        assert_eq!(annotations(SHOP), json!({}));
    }

    #[test]
    fn a_bare_spec_does_and_another_policy_does_not_count() {
        let bare = "metrics: []\npolicy: {type: bottleneck, config: {utilization: 0.5}}\n";
        let spec = GroupSpec::parse(bare, "random").unwrap();
        assert!(spec.config().is_empty());
        assert_eq!(spec.left_out(), ["policy: it is for bottleneck, and POLICY=random takes precedence"]);
        let spec = GroupSpec::parse("policy: {config: {utilization: 0.5}}", "bottleneck").unwrap();
        assert_eq!(spec.config()["utilization"], 0.5);
    }

    #[test]
    fn who_is_in_no_group_is_named() {
        let spec = GroupSpec::parse(SHOP, "bottleneck").unwrap();
        assert_eq!(spec.strangers(&BTreeSet::from(["shop-webui", "shop-auth", "db"])), [""; 0]);
        assert_eq!(spec.strangers(&BTreeSet::from(["shop-webui", "shop-auth"])), ["db"]);
    }

    #[test]
    fn what_makes_no_sense_is_reported() {
        for (text, words) in [
            ("", "0 YAML documents"),
            ("---\na: 1\n---\nb: 1\n", "2 YAML documents"),
            ("just words", "not the spec of a ScalingGroup"),
            ("kind: ScalingGroup\n", "not the spec of a ScalingGroup"),
            ("metric: []", "metric: unknown field: must be one or more of members, metrics"),
            ("metrics: {}", "metrics: must be a list"),
            ("members: [web]", "members[0]: set fields"),
            ("members: [{weight: 2}]", "members[0].name: must be the name of the Deployment"),
            ("members: [{name: a}, {name: a}]", "members[1]: a is listed twice"),
            ("members: [{targetRef: {kind: StatefulSet, name: a}}]", "only Deployments"),
            ("a: [", ""),
        ] {
            let problems = GroupSpec::parse(text, "bottleneck").unwrap_err();
            assert!(problems.iter().any(|problem| problem.contains(words)), "{text:?}: {problems:?}");
        }
    }
}
