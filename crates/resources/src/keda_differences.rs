//! What a user of KEDA sees otherwise with polyscaler, for one object: for whoever thinks of moving over.
//!
//! What cannot be compiled is not repeated here. `docs/keda.md` has the same for all fields, with the reasons.

use engine::activation::LIVE_POLLING;
use serde::Serialize;
use serde_json::Value;

/// Something that is not the same with KEDA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KedaDifference {
    /// How much it matters.
    pub kind: KedaDifferenceKind,
    /// Path of the field that it is about; empty where it is about the whole object.
    pub path: String,
    /// What is otherwise, in a sentence.
    pub message: String,
}

/// How much a difference matters, the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum KedaDifferenceKind {
    /// Nobody has to do anything about it.
    Better,
    /// It works, and not in every respect as with KEDA.
    Differs,
    /// It does not work, as nothing like it is there yet.
    Missing,
    /// It does not work, as something that it names is not there.
    Incomplete,
    /// It does not work, as it is wrong in itself.
    Invalid,
    /// It does not work, as another object has what it wants.
    Conflict,
}

impl KedaDifferenceKind {
    /// Whether an object with it works.
    pub fn works(self) -> bool {
        self < Self::Missing
    }
}

/// The seconds between two syncs of the HPA controller, unless it is set otherwise.
const HPA_SYNC: u64 = 15;
/// The seconds between two polls of an object that does not say.
const POLLING_INTERVAL: u64 = 30;

/// All differences of `object`, which is of a kind of KEDA.
pub fn keda_differences(object: &Value) -> Vec<KedaDifference> {
    let kind = object["kind"].as_str().unwrap_or_default();
    match kind {
        "ScaledObject" => of_scaled_object(object),
        "TriggerAuthentication" | "ClusterTriggerAuthentication" => of_authentication(object),
        _ => {
            let message = format!("{kind} is not served: leave it to KEDA, or do without");
            vec![KedaDifference { kind: KedaDifferenceKind::Missing, path: String::new(), message }]
        }
    }
}

fn differs(path: impl Into<String>, message: impl Into<String>) -> KedaDifference {
    KedaDifference { kind: KedaDifferenceKind::Differs, path: path.into(), message: message.into() }
}

fn better(path: impl Into<String>, message: impl Into<String>) -> KedaDifference {
    KedaDifference { kind: KedaDifferenceKind::Better, path: path.into(), message: message.into() }
}

fn of_scaled_object(object: &Value) -> Vec<KedaDifference> {
    let spec = &object["spec"];
    let interval = spec["pollingInterval"].as_u64().unwrap_or(POLLING_INTERVAL);
    let triggers = spec["triggers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_measured_at_pods = |trigger: &Value| matches!(trigger["type"].as_str(), Some("cpu" | "memory"));
    let is_cached = |trigger: &Value| trigger["useCachedMetrics"] == true;
    let is_live = triggers.iter().any(|trigger| !is_measured_at_pods(trigger) && !is_cached(trigger));
    // Values are read that often while the target runs.
    let interval = if is_live { interval.min(LIVE_POLLING.as_secs()) } else { interval };
    let mut differences = Vec::new();
    if is_live && interval > HPA_SYNC {
        let message = format!(
            "the HPA gets the value of the last poll, at most {interval} s old; KEDA asks the source once more at each \
             sync of the HPA, every {HPA_SYNC} s. Where that matters, set {HPA_SYNC} or less"
        );
        differences.push(differs("spec.pollingInterval", message));
    }
    if let Some(threshold) = spec.pointer("/fallback/failureThreshold").and_then(Value::as_u64) {
        let seconds = (threshold + 1) * interval;
        let message = format!(
            "failures are counted once a poll, so the fallback begins after {seconds} s; KEDA also counts the HPA's \
             queries, and begins sooner while the target runs"
        );
        differences.push(differs("spec.fallback.failureThreshold", message));
    }
    let mut reads_environment = false;
    for (index, trigger) in triggers.iter().enumerate() {
        let path = format!("spec.triggers[{index}]");
        let metadata = trigger["metadata"].as_object();
        reads_environment |= metadata.is_some_and(|all| all.keys().any(|key| key.ends_with("FromEnv")));
        if trigger["type"] == "gcp-pubsub" {
            let message = "Cloud Monitoring is asked by its timeSeries method, as the query language that KEDA uses is \
                           discontinued";
            differences.push(differs(format!("{path}.type"), message));
        }
        if !trigger["authenticationRef"].is_null() {
            let message = "a changed authentication or Secret counts at the next poll; one that does not exist is named \
                           in condition Ready";
            differences.push(better(format!("{path}.authenticationRef"), message));
        }
    }
    if reads_environment {
        let message = "a changed variable, ConfigMap or Secret of the target counts at the next poll";
        differences.push(better("spec.triggers", message));
    }
    differences
}

fn of_authentication(object: &Value) -> Vec<KedaDifference> {
    const MISSING: &[(&str, &str)] = &[
        ("hashiCorpVault", "HashiCorp Vault"),
        ("azureKeyVault", "Azure Key Vault"),
        ("gcpSecretManager", "Google's Secret Manager"),
        ("awsSecretManager", "AWS Secrets Manager"),
    ];
    let spec = &object["spec"];
    let missing = |message: String, field: &str| KedaDifference {
        kind: KedaDifferenceKind::Missing,
        path: format!("spec.{field}"),
        message,
    };
    let vaults = MISSING.iter().filter(|(field, _)| !spec[field].is_null()).map(|(field, name)| {
        let advice = "copy its values into a Secret, for example by External Secrets, and name that in secretTargetRef";
        missing(format!("{name} is not read: {advice}"), field)
    });
    let provider = spec.pointer("/podIdentity/provider").and_then(Value::as_str);
    let identity = provider.filter(|provider| !matches!(*provider, "none" | "gcp")).map(|provider| {
        missing(
            format!("{provider} is not known: give the credentials by secretTargetRef"),
            "podIdentity.provider",
        )
    });
    vaults.chain(identity).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(object: Value) -> Vec<(KedaDifferenceKind, String)> {
        keda_differences(&object).into_iter().map(|found| (found.kind, found.path)).collect()
    }

    #[test]
    fn an_object_that_works_as_with_keda_has_no_difference() {
        let trigger = json!({ "type": "prometheus", "metadata": {} });
        let object =
            json!({ "kind": "ScaledObject", "spec": { "pollingInterval": 15, "triggers": [trigger] } });
        assert_eq!(said(object), []);
        let trigger = json!({ "type": "prometheus", "metadata": {}, "useCachedMetrics": true });
        let cached =
            json!({ "kind": "ScaledObject", "spec": { "pollingInterval": 600, "triggers": [trigger] } });
        assert_eq!(said(cached), [], "with KEDA, too, the HPA gets what the last poll has read");
        let cpu = json!({ "type": "cpu", "metadata": { "value": "60" } });
        assert_eq!(said(json!({ "kind": "ScaledObject", "spec": { "triggers": [cpu] } })), []);
        let secret = json!({ "kind": "TriggerAuthentication", "spec": { "secretTargetRef": [] } });
        assert_eq!(said(secret), []);
    }

    #[test]
    fn what_is_otherwise_is_named_by_its_path() {
        use KedaDifferenceKind::{Better, Differs, Missing};
        let object = json!({ "kind": "ScaledObject", "spec": {
            "fallback": { "failureThreshold": 3, "replicas": 2 },
            "triggers": [
                { "type": "gcp-pubsub", "metadata": { "credentialsFromEnv": "KEY" } },
                { "type": "redis", "metadata": {}, "authenticationRef": { "name": "redis" } },
            ],
        } });
        assert_eq!(
            said(object.clone()),
            [
                (Differs, "spec.pollingInterval".to_owned()),
                (Differs, "spec.fallback.failureThreshold".to_owned()),
                (Differs, "spec.triggers[0].type".to_owned()),
                (Better, "spec.triggers[1].authenticationRef".to_owned()),
                (Better, "spec.triggers".to_owned()),
            ]
        );
        assert!(keda_differences(&object)[1].message.contains("after 120 s"));
        let trigger = json!({ "type": "prometheus", "metadata": {} });
        let long =
            json!({ "kind": "ScaledObject", "spec": { "pollingInterval": 600, "triggers": [trigger] } });
        assert!(keda_differences(&long)[0].message.contains("at most 30 s old"));
        let vault = json!({ "kind": "ClusterTriggerAuthentication", "spec": { "hashiCorpVault": {},
            "podIdentity": { "provider": "aws" } } });
        assert_eq!(
            said(vault),
            [(Missing, "spec.hashiCorpVault".to_owned()), (Missing, "spec.podIdentity.provider".to_owned())]
        );
        assert_eq!(said(json!({ "kind": "ScaledJob" })), [(Missing, String::new())]);
    }
}
