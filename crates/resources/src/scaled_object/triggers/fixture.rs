//! What tests of triggers need: a trigger in an object of its own, and what it comes to.

use std::collections::BTreeMap;

use engine::{Credential, Otherwise, Problem, Query, Sought, Target};
use serde_json::{Value, json};

use super::{AuthenticationRef, CompiledTrigger, TriggerContext, TriggerSpec, compile};
use crate::compile::{Context, Findings};
use crate::lenient::{Lenient, question};
use crate::supporting::{Reference, Resolved};

/// A trigger to be compiled.
pub(crate) struct Case {
    pub(crate) trigger: TriggerSpec,
    pub(crate) index: usize,
    pub(crate) is_metric_source: bool,
    pub(crate) env_container: Option<&'static str>,
    /// The authentications that there are; `None` where nobody looks.
    pub(crate) resolved: Option<Resolved>,
}

/// What is scaled.
pub(crate) fn target() -> Target {
    Target {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
    }
}

/// A trigger of this type with this metadata, at the first place of the object `web` in the namespace `shop`.
pub(crate) fn trigger(type_: &str, metadata: &[(&str, &str)]) -> Case {
    let metadata: BTreeMap<String, String> =
        metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let trigger = TriggerSpec { type_: type_.to_owned(), metadata, ..TriggerSpec::default() };
    Case {
        trigger,
        index: 0,
        is_metric_source: false,
        env_container: None,
        resolved: Some(Resolved::default()),
    }
}

impl Case {
    /// The same at another place.
    pub(crate) fn at(self, index: usize) -> Self {
        Self { index, ..self }
    }

    /// The same where a formula takes the value.
    pub(crate) fn in_formula(self) -> Self {
        Self { is_metric_source: true, ..self }
    }

    /// The same with another field.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut TriggerSpec)) -> Self {
        change(&mut self.trigger);
        self
    }

    /// The same with a TriggerAuthentication called `auth` with this spec.
    pub(crate) fn authenticated(mut self, spec: Value) -> Self {
        self.trigger.authentication_ref = Some(AuthenticationRef { name: "auth".to_owned(), kind: None });
        let reference = Reference {
            kind: "TriggerAuthentication",
            namespace: "shop".to_owned(),
            name: "auth".to_owned(),
        };
        self.resolved = Some(Resolved::new([(reference, Some(json!({ "spec": spec }).into()))]));
        self
    }

    /// What it comes to, with all that is found.
    pub(crate) fn compile(&self) -> (Option<CompiledTrigger>, Findings) {
        let context = Context {
            catalog: &Lenient,
            policies: &engine::POLICIES,
            allow_cross_namespace: false,
            admitting: false,
            resolved: self.resolved.as_ref(),
        };
        let about = TriggerContext {
            context: &context,
            path: format!("spec.triggers[{}]", self.index),
            index: self.index,
            object: "web",
            namespace: "shop",
            target: &target(),
            env_container: self.env_container,
            is_metric_source: self.is_metric_source,
        };
        let mut findings = Findings::default();
        let compiled = compile(&self.trigger, &about, &mut findings);
        (compiled, findings)
    }

    /// All that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<String> {
        let (compiled, findings) = self.compile();
        assert_eq!(compiled.is_none(), !findings.problems.is_empty(), "{:?}", self.trigger);
        findings.problems.iter().map(Problem::to_string).collect()
    }

    /// What is doubtful about it.
    pub(crate) fn warnings(&self) -> Vec<String> {
        self.compile().1.warnings.iter().map(ToString::to_string).collect()
    }

    /// What it publishes.
    pub(crate) fn published(&self) -> engine::activation::Trigger {
        match self.compile() {
            (Some(CompiledTrigger::Metric { trigger, metric }), _) => {
                assert!(trigger.is_open || *metric.name == *trigger.metric, "{metric:?}");
                trigger
            }
            (other, findings) => panic!("{other:?} {:?}", findings.problems),
        }
    }

    fn query(&self) -> Query {
        match self.compile() {
            (Some(CompiledTrigger::Metric { metric, .. } | CompiledTrigger::Pods { metric, .. }), _) => {
                metric.query
            }
            (None, findings) => panic!("{:?}", findings.problems),
        }
    }

    /// The source that is asked, and its settings.
    pub(crate) fn asked(&self) -> (String, Value) {
        let query = self.query();
        (query.source().to_owned(), question(&query).config.clone())
    }

    /// Where the credentials of which settings stand.
    pub(crate) fn credentials(&self) -> Vec<(String, Sought)> {
        question(&self.query()).credentials.clone()
    }

    /// The same, for people: the setting, each key with its holder, and what holds without a value; nothing where the
    /// reading fails then.
    pub(crate) fn shown_credentials(&self) -> Vec<String> {
        let place = |Credential { key, holder }: &Credential| format!("{key} of {holder}");
        let shown = |(setting, Sought { places, otherwise }): (String, Sought)| {
            let mut ways: Vec<String> = places.iter().map(place).collect();
            match otherwise {
                Otherwise::Fails => {}
                Otherwise::LeftOut => ways.push("nothing".to_owned()),
                Otherwise::Text(text) => ways.push(format!("{text:?}")),
            }
            format!("{setting}: {}", ways.join(", or "))
        };
        self.credentials().into_iter().map(shown).collect()
    }
}
