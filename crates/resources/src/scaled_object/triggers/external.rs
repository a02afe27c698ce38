//! Triggers `external` and `external-push`: a server of KEDA's gRPC protocol, which says by itself whether it is
//! active, and which metrics it has.

use engine::{Otherwise, Sought};

use super::metadata::Metadata;
use super::parameter::Parameter;
use super::parameter::Place::{Authentication as A, Metadata as M};
use super::question::Question;
use super::{CompiledTrigger, TriggerType};

const ADDRESS: Parameter = Parameter::required(&["scalerAddress"], &[M]);
const ENABLE_TLS: Parameter = Parameter::or("false", &["enableTLS"], &[M]);
const UNSAFE_SSL: Parameter = Parameter::or("false", &["unsafeSsl"], &[M]);
const CA: Parameter = Parameter::optional(&["caCert"], &[A]);
const CERT: Parameter = Parameter::optional(&["tlsClientCert"], &[A]);
const KEY: Parameter = Parameter::optional(&["tlsClientKey"], &[A]);

pub(super) const POLLED: TriggerType = TriggerType {
    name: "external",
    parameters: &[&[ADDRESS, ENABLE_TLS, UNSAFE_SSL, CA, CERT, KEY]],
    takes_any: true,
    may_cache: true,
    identities_not_yet: &[],
    compile: |metadata| compile(metadata, false),
};
pub(super) const PUSHED: TriggerType =
    TriggerType { name: "external-push", compile: |metadata| compile(metadata, true), ..POLLED };

/// How the name of a parameter ends whose value is a variable of the target's container.
const OF_ENV: &str = "FromEnv";

fn compile(metadata: &mut Metadata<'_>, push: bool) -> Option<CompiledTrigger> {
    let mut question = Question::default();
    question.give_address("scalerAddress", metadata, &ADDRESS);
    question.set("object", metadata.about.object);
    if push {
        question.set("push", true);
    }
    give_metadata(&mut question, metadata);
    give_tls(&mut question, metadata);
    let query = question.query("external", metadata)?;
    metadata.open_metric(query)
}

/// Passes all of the trigger's metadata on, under the names that they have.
fn give_metadata(question: &mut Question, metadata: &Metadata<'_>) {
    let (of_env, plain): (Vec<_>, Vec<_>) =
        metadata.trigger.metadata.iter().partition(|(name, _)| name.ends_with(OF_ENV));
    question.set_map("metadata", plain.into_iter().map(|(name, value)| (name.clone(), value.clone())));
    for (name, variable) in of_env.into_iter().filter(|(_, variable)| !variable.trim().is_empty()) {
        let places = vec![metadata.variable(variable.trim())];
        let sought = Sought { places, otherwise: Otherwise::LeftOut };
        question.credential(&format!("metadata.{name}"), sought);
    }
}

fn give_tls(question: &mut Question, metadata: &mut Metadata<'_>) {
    let (is_enabled, is_unsafe) = (metadata.flag(&ENABLE_TLS), metadata.flag(&UNSAFE_SSL));
    if is_enabled || metadata.has(&CA) || metadata.has(&CERT) {
        question.open("tls");
        for (setting, parameter) in [("tls.ca", &CA), ("tls.cert", &CERT), ("tls.key", &KEY)] {
            question.give(setting, metadata, parameter);
        }
        if is_unsafe {
            question.set("tls.insecureSkipVerify", true);
        }
    }
}
