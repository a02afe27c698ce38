//! Source `kubernetes-workload`: how many pods match a selector, in the namespace that the object acts in.
//!
//! | setting | meaning |
//! |---|---|
//! | `podSelector` | label selector of the pods, for example `app=web,tier in (front, back)` |
//! | `groupByNode` | optional: count the nodes that the pods run on instead of the pods; default false |
//!
//! A pod counts unless it is Succeeded or Failed: also while it waits for a node, and while it ends.
//! Where none matches, the number is 0.
//!
//! The pods come from the operator's index, which watches the namespaces and selectors that are asked for, so a
//! reading costs the API server nothing.

use std::sync::Arc;

use engine::{Absence, Reading};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::clients::Clients;
use crate::source::{Ask, Request, Source};
use crate::values::fault::{invalid, quoted};
use crate::values::label_selector;
use crate::values::settings::Settings;

/// The registry's constructor.
pub(crate) fn new(_: &Clients) -> Arc<dyn Source> {
    Arc::new(KubernetesWorkload)
}

struct KubernetesWorkload;

/// A query, ready to be asked.
struct Config {
    namespace: String,
    selector: String,
    group_by_node: bool,
}

impl Config {
    fn parse(settings: &mut Settings<'_>) -> Option<Self> {
        let selector = settings.required_text("podSelector");
        if let Some((text, why)) = selector.and_then(|text| Some((text, label_selector::problem(text)?))) {
            settings.refuse("podSelector", invalid(quoted(text), format!("must be a label selector: {why}")));
        }
        let group_by_node = settings.flag("groupByNode");
        let namespace = settings.namespace().to_owned();
        Some(Self { namespace, selector: selector?.to_owned(), group_by_node })
    }

    async fn number(&self, request: Request<'_>) -> Result<f64, Absence> {
        let Self { namespace, selector, group_by_node } = self;
        let found = request.pods.count(namespace, selector).await?;
        let count = if *group_by_node { found.nodes } else { found.pods };
        // Exact: no cluster has so many pods.
        Ok(count as f64)
    }
}

impl Source for KubernetesWorkload {
    fn prepare(&self, settings: &mut Settings<'_>) -> Option<Box<dyn Ask>> {
        Some(Box::new(Config::parse(settings)?))
    }
}

impl Ask for Config {
    fn ask<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Reading> {
        async move { Reading::answered(self.number(request).await, request.begun) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::values::settings::tests::problems_of_source;

    fn problems(config: Value) -> Vec<String> {
        problems_of_source("kubernetes-workload", &config)
    }

    #[test]
    fn settings_are_judged_field_by_field() {
        let none: [&str; 0] = [];
        assert_eq!(problems(json!({ "podSelector": "app in (a, b)", "groupByNode": true })), none);
        assert_eq!(problems(json!({})), ["spec.config.podSelector: Required value"]);
        assert_eq!(problems(json!({ "podSelector": "" })), ["spec.config.podSelector: Required value"]);
        assert_eq!(
            problems(json!({ "podSelector": "app in", "groupByNode": "yes", "namespace": "other" })),
            [
                "spec.config.podSelector: Invalid value: \"app in\": must be a label selector: \
                 it ends where values in parentheses are expected",
                "spec.config.groupByNode: Invalid value: a string: must be true or false",
                "spec.config.namespace: unknown field; this source accepts podSelector, groupByNode",
            ]
        );
    }
}
