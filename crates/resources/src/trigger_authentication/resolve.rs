//! What an authentication gives to a trigger, by KEDA's order: of two values for one parameter the later counts.

use std::path::{Component, Path};

use engine::{Credential, Fault, FaultKind, Holder, Problem};
use serde::Deserialize as _;
use serde_json::Value;

use super::parameters::{Authentication, Given};
use super::spec::{OAuth2, TriggerAuthenticationSpec};
use super::{CLUSTER_TRIGGER_AUTHENTICATION, TRIGGER_AUTHENTICATION, rules};
use crate::common::fields::{NAME_PATTERN, own_namespace};
use crate::common::rule;
use crate::compile::Findings;
use crate::scaled_object::triggers::TriggerContext;
use crate::schema;
use crate::supporting::{Lookup, Reference};

/// The authentications that a ScaledObject names.
pub(crate) fn references(object: &Value) -> Vec<Reference> {
    let triggers = object.pointer("/spec/triggers").and_then(Value::as_array);
    let mut references: Vec<Reference> = Vec::new();
    for named in triggers.into_iter().flatten().filter_map(|trigger| trigger.get("authenticationRef")) {
        let text = |field: &str| named.get(field).and_then(Value::as_str);
        let Some(name) = text("name").filter(|name| !name.is_empty()) else { continue };
        let reference = reference(text("kind"), name, own_namespace(object));
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    references
}

fn reference(kind: Option<&str>, name: &str, namespace: &str) -> Reference {
    let name = name.to_owned();
    if kind == Some(CLUSTER_TRIGGER_AUTHENTICATION.kind) {
        Reference { kind: CLUSTER_TRIGGER_AUTHENTICATION.kind, namespace: String::new(), name }
    } else {
        Reference { kind: TRIGGER_AUTHENTICATION.kind, namespace: namespace.to_owned(), name }
    }
}

/// What the authentication called `name` gives to the trigger at `about`. What is wrong is added to `findings`.
pub(crate) fn resolve(
    kind: Option<&str>,
    name: &str,
    about: &TriggerContext<'_>,
    findings: &mut Findings,
) -> Authentication {
    let reference = reference(kind, name, about.namespace);
    let partial = || Authentication { is_partial: true, ..Authentication::default() };
    let path = format!("{}.authenticationRef.name", about.path);
    let object = match about.context.lookup(&reference) {
        Lookup::Found(object) => object,
        Lookup::Unknown => return partial(),
        Lookup::Missing => {
            let why = format!("{reference} does not exist");
            findings.problems.push(Problem::new(path, Fault::new(FaultKind::NotFound, why)));
            return partial();
        }
    };
    let mut resolution =
        Resolution { reference: &reference, about, path, found: Authentication::default(), findings };
    match TriggerAuthenticationSpec::deserialize(object.get("spec").unwrap_or(&Value::Null)) {
        Ok(spec) => resolution.take(&spec),
        Err(error) => resolution.refuse(Fault::invalid(format!("{reference} cannot be read: {error}"))),
    }
    resolution.found
}

struct Resolution<'a, 'f> {
    reference: &'a Reference,
    about: &'a TriggerContext<'a>,
    path: String,
    found: Authentication,
    findings: &'f mut Findings,
}

impl Resolution<'_, '_> {
    fn take(&mut self, spec: &TriggerAuthenticationSpec) {
        for problem in rule::problems(rules::RULES, spec) {
            self.refuse_block(&problem.path, &problem.fault.detail);
        }
        self.found.identity = spec
            .pod_identity
            .as_ref()
            .map(|identity| identity.provider.clone())
            .filter(|provider| provider != "none");
        if !spec.file_path.is_empty() {
            return self.take_file(&spec.file_path);
        }
        self.refuse_unsupported(spec);
        for of in &spec.env {
            let (target, container) = (self.about.target.clone(), of.container_name.clone());
            let container = container.filter(|name| !name.is_empty());
            let credential = Holder::TargetEnv { target, container }.value(&of.name);
            self.give(&of.parameter, credential);
        }
        let Some(namespace) = self.namespace() else { return };
        for of in &spec.config_map_target_ref {
            let (namespace, name) = (namespace.clone(), of.name.clone());
            self.give_named(&of.parameter, Holder::ConfigMap { namespace, name }.value(&of.key), &of.name);
        }
        for of in &spec.secret_target_ref {
            let (namespace, name) = (namespace.clone(), of.name.clone());
            self.give_named(&of.parameter, Holder::Secret { namespace, name }.value(&of.key), &of.name);
        }
        for of in &spec.bound_service_account_token {
            let (namespace, name) = (namespace.clone(), of.service_account_name.clone());
            let holder = Holder::ServiceAccount { namespace, name, audience: None };
            self.give_named(&of.parameter, holder.value(Credential::TOKEN), &of.service_account_name);
        }
        if let Some(oauth2) = &spec.oauth2 {
            self.take_oauth2(oauth2, &namespace);
        }
    }

    /// Takes all values from a file of the operator, in place of those that the object names otherwise.
    fn take_file(&mut self, path: &str) {
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if self.reference.kind != CLUSTER_TRIGGER_AUTHENTICATION.kind {
            let why = "is for a ClusterTriggerAuthentication only; put the values into a Secret and name it in \
                       secretTargetRef";
            self.refuse_block("spec.filePath", why);
        } else if Path::new(path).components().all(is_plain) {
            self.found.file = Some(path.to_owned());
        } else {
            self.refuse_block("spec.filePath", "must be a path within the operator's folder, without ..");
        }
    }

    fn take_oauth2(&mut self, oauth2: &OAuth2, namespace: &str) {
        self.give_text("oauthTokenURI", &oauth2.token_url);
        self.give_text("clientID", &oauth2.client_id);
        self.give_text("scopes", &oauth2.scopes.join(","));
        self.found.token_url_params = oauth2.token_url_params.clone();
        if let Some(secret) = &oauth2.client_secret {
            let of = &secret.value_from.secret_key_ref;
            let (namespace, name) = (namespace.to_owned(), of.name.clone());
            self.give_named("clientSecret", Holder::Secret { namespace, name }.value(&of.key), &of.name);
        }
    }

    /// Where what it names stands: with the trigger, or with the operator for an object of the cluster.
    fn namespace(&mut self) -> Option<String> {
        if !self.reference.namespace.is_empty() {
            return Some(self.reference.namespace.clone());
        }
        let own = self.about.context.own_namespace().map(str::to_owned);
        if own.is_none() {
            let why = "the operator's namespace is not known here, in which the Secrets and ConfigMaps of a \
                       ClusterTriggerAuthentication stand";
            self.refuse(Fault::invalid(why));
        }
        own
    }

    /// Says of each store of secrets that it is not read.
    fn refuse_unsupported(&mut self, spec: &TriggerAuthenticationSpec) {
        for (block, given) in [
            ("hashiCorpVault", spec.hashi_corp_vault.is_some()),
            ("azureKeyVault", spec.azure_key_vault.is_some()),
            ("gcpSecretManager", spec.gcp_secret_manager.is_some()),
            ("awsSecretManager", spec.aws_secret_manager.is_some()),
        ] {
            if given {
                let why = "is not supported yet; put the values into a Secret and name it in secretTargetRef";
                let why = format!("spec.{block} of {}: {why}", self.reference);
                self.refuse(Fault::not_yet(why));
                self.found.is_partial = true;
            }
        }
    }

    /// Gives the value of an object with this name, which is refused where it would lead elsewhere.
    fn give_named(&mut self, parameter: &str, credential: Credential, name: &str) {
        if schema::matches(NAME_PATTERN, name) {
            self.give(parameter, credential);
        } else {
            let why =
                format!("it names {:?}, which cannot be the name of an object", engine::one_line(name, 100));
            self.refuse_block(&format!("parameter {parameter:?}"), &why);
        }
    }

    fn give(&mut self, parameter: &str, credential: Credential) {
        self.found.parameters.insert(parameter.to_owned(), Given::Credential(credential));
    }

    fn give_text(&mut self, parameter: &str, text: &str) {
        self.found.parameters.insert(parameter.to_owned(), Given::Literal(text.to_owned()));
    }

    fn refuse_block(&mut self, block: &str, why: &str) {
        let why = format!("{block} of {}: {why}", self.reference);
        self.refuse(Fault::invalid(why));
    }

    fn refuse(&mut self, fault: Fault) {
        self.findings.problems.push(Problem::new(self.path.clone(), fault));
    }
}
